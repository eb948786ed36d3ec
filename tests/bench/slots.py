"""How punctually slots are sampled, beside a loop that sleeps for a period; and how fast they are made up for.

A sample counts when it is in the queue. Somebody writes all the while, as a bridge does.
"""

import asyncio
import time

import msgspec

from gateway.domain.slots import Sample
from gateway.domain.values import Reading
from gateway.store.redis import SiteStore, close_client, open_client
from gateway.store.samples import SampleQueue
from recorder.slot_sampler import OFFSET_MS
from tests.bench.table import Budget, Figure, Row
from tests.bench.world import SITE, Cores, world
from tests.support.queued import append
from tests.support.sampling import sampler
from tests.support.store_writer import StoreWriter

WRITE_EVERY_S = 0.02
STILL_LIVE = 5


class Size(msgspec.Struct, frozen=True):
    """``missed`` slots are made up for in each round."""

    period_ms: int = 200
    slots: int = 100
    series: int = 200
    missed: int = 1_000
    rounds: int = 3


async def punctual(size: Size, url: str, one: StoreWriter) -> list[float]:
    """How long behind the end of its slot each sample was in the queue, in milliseconds."""
    found: list[float] = []

    def sampled(_site: str, sample: Sample) -> None:
        found.append(time.time() * 1000 - sample.end)

    async with sampler(url, SITE, size.period_ms, on_sampled=sampled):
        while len(found) < size.slots:
            await one.set(a=len(found))
            await asyncio.sleep(WRITE_EVERY_S)
    return found


async def sleeping(size: Size) -> float:
    """How late a loop is in the end that does nothing but sleep, in milliseconds."""
    began = time.time() * 1000
    for _ in range(size.slots):
        await asyncio.sleep(size.period_ms / 1000)
    return time.time() * 1000 - began - size.slots * size.period_ms


async def made_up_for(size: Size, url: str) -> float:
    """Slots a second, from the changes that the store still has."""
    redis = open_client(url)
    queue = SampleQueue(redis)
    last = await queue.last(SITE)
    assert isinstance(last, Sample)
    await redis.delete(f"{{{SITE}}}:samples")
    missed_from = (time.time_ns() // 1_000_000 // size.period_ms - size.missed) * size.period_ms
    await append(queue, SITE, msgspec.structs.replace(last, slot=missed_from))
    enough, count = asyncio.Event(), 0

    def sampled(_site: str, _sample: Sample) -> None:
        nonlocal count
        count += 1
        if count == size.missed - STILL_LIVE:
            enough.set()

    began = time.perf_counter()
    async with sampler(url, SITE, size.period_ms, on_sampled=sampled):
        await enough.wait()
    took_s = time.perf_counter() - began
    await close_client(redis)
    return count / took_s


async def rows(size: Size, cores: Cores) -> list[Row]:
    async with world(cores) as made:
        redis = await made.redis()
        client = open_client(redis.url)
        made.stack.push_async_callback(close_client, client)
        one = StoreWriter(SiteStore(client), SITE)
        await one.lead({f"meters/{key}/power_w": Reading(float(key), 1.79e9) for key in range(size.series)})
        found, drift_ms = await punctual(size, redis.url, one), await sleeping(size)
        per_s = [await made_up_for(size, redis.url) for _ in range(size.rounds)]
    late = [ms - OFFSET_MS for ms in found]
    what = f"sample of {size.series} series in the queue, behind its time"
    return [
        Row(
            f"{what}, the latest",
            "ms",
            Figure.of(max(late)),
            f"slot end + {OFFSET_MS} ms",
            Figure.of(OFFSET_MS),
            Budget(50),
        ),
        Row(
            f"{what}, the last of {size.slots}",
            "ms",
            Figure.of(late[-1]),
            "a loop of sleep(period)",
            Figure.of(drift_ms),
        ),
        Row(
            f"missed slots made up for, {size.series} series",
            "slots/s",
            Figure.of(*per_s),
            f"as they come, every {size.period_ms} ms",
            Figure.of(1_000 / size.period_ms),
            Budget(1_000 / 60, at_least=True),
        ),
    ]
