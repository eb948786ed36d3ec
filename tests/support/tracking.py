"""Trackers for tests: here, or as a process of its own that may be killed.

``python -m tests.support.tracking URL SITE`` tracks until it is ended.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from gateway.domain.charge_sessions import ChargeSession
from gateway.domain.clock import SystemClock
from gateway.store.follow import Follower
from gateway.store.records import ChargeRecords
from gateway.store.redis import SiteStore, close_client, open_client
from recorder.tracker import Means, Pace, Tracker
from tests.support.process import Part
from tests.support.sampling import QUICK

QUICK_PACE = Pace(plugged_s=0.2, idle_s=0.5, retry_base_s=0.02, retry_cap_s=0.1)


@asynccontextmanager
async def tracker(url: str, site: str, *, most: int = 10_000, pace: Pace = QUICK_PACE) -> AsyncIterator[Tracker]:
    """A tracker of one site that runs inside."""
    redis = open_client(url)
    store = SiteStore(redis, answer_s=1.5)
    follower = Follower(store, partial(open_client, url, timeout_s=1), timing=QUICK)
    made = Tracker(Means(store, ChargeRecords(redis, answer_s=1.5, most=most), follower, SystemClock(), pace), [site])
    task = asyncio.create_task(made.run())
    try:
        yield made
    finally:
        task.cancel()
        await asyncio.wait([task])
        await close_client(redis)
        assert task.cancelled(), task.exception()


def tracker_process(folder: Path, name: str, url: str, site: str) -> Part:
    """Ready as soon as it runs; it tracks when it has loaded its modules."""
    return Part(name, folder, [sys.executable, "-m", "tests.support.tracking", url, site], lambda: True)


async def finished(records: ChargeRecords, site: str) -> list[ChargeSession]:
    """What waits for the database, which must all be readable."""
    found = [one for _, one in await records.read_after(site, -1, 10_000)]
    assert all(isinstance(one, ChargeSession) for one in found)
    return [one for one in found if isinstance(one, ChargeSession)]


async def _for_ever(url: str, site: str) -> None:
    async with tracker(url, site):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_for_ever(sys.argv[1], sys.argv[2]))
