"""Samplers for tests: here, or as a process of its own that may be killed.

``python -m tests.support.sampling URL SITE PERIOD_MS`` samples every key until it is ended.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path

from gateway.domain.clock import Clock, SystemClock
from gateway.domain.slots import Sample
from gateway.store.follow import Follower, Timing
from gateway.store.redis import SiteStore, close_client, open_client
from gateway.store.samples import QueueBound, SampleQueue
from recorder.sampler import Means, OnSampled, Pace, Records, Sampler
from tests.support.process import Part

QUICK = Timing(block_s=0.5, poll_s=0.2, answer_s=1.5, retry_base_s=0.02, retry_cap_s=0.1)


def everything(_: str) -> bool:
    return True


@asynccontextmanager
async def sampler(
    url: str,
    site: str,
    period_ms: int,
    *,
    bound: QueueBound | None = None,
    clock: Clock | None = None,
    records: Records = everything,
    on_sampled: OnSampled = lambda _site, _sample: None,
) -> AsyncIterator[Sampler]:
    """A sampler of one site that runs inside."""
    redis = open_client(url)
    store = SiteStore(redis, answer_s=1.5)
    pace = Pace(period_ms, look_s=0.1, retry_base_s=0.02, retry_cap_s=0.1)
    means = Means(
        store,
        SampleQueue(redis, bound=bound, answer_s=1.5),
        Follower(store, partial(open_client, url, timeout_s=1), timing=QUICK),
        clock or SystemClock(),
        pace,
        on_sampled=on_sampled,
    )
    made = Sampler(means, {site: records})
    task = asyncio.create_task(made.run())
    try:
        yield made
    finally:
        task.cancel()
        await asyncio.wait([task])
        await close_client(redis)
        assert task.cancelled(), task.exception()


def sampler_process(folder: Path, name: str, url: str, site: str, period_ms: int) -> Part:
    """Ready as soon as it runs; it samples when it has loaded its modules."""
    command = [sys.executable, "-m", "tests.support.sampling", url, site, str(period_ms)]
    return Part(name, folder, command, lambda: True)


def gaps(samples: list[Sample]) -> list[int]:
    """The slots behind which one is missing; an order that is not strict is a gap too."""
    return [one.slot for one, other in pairwise(samples) if other.slot != one.end]


async def _for_ever(url: str, site: str, period_ms: int) -> None:
    async with sampler(url, site, period_ms):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_for_ever(sys.argv[1], sys.argv[2], int(sys.argv[3])))
