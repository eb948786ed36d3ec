"""The sampler with a real store: what it writes, and what it makes up for.

"Red:" names the deliberate fault with which the test was seen to fail.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from gateway.domain.clock import SystemClock
from gateway.domain.slots import Quality, Sample
from gateway.domain.values import JsonValue, Reading
from gateway.store.redis import SiteStore, close_client, open_client
from gateway.store.samples import QueueBound, SampleQueue, Undecodable
from tests.support.parts import RedisPart
from tests.support.queued import append
from tests.support.sampling import gaps, sampler, sampler_process
from tests.support.store_writer import StoreWriter, insist
from tests.support.waiting import eventually

P = 200


class Store:
    """The store of a test, and somebody who writes a site into it with the right times."""

    def __init__(self, part: RedisPart, client: Redis, site: str) -> None:
        self.part, self.client, self.site = part, client, site
        self.queue = SampleQueue(client)
        self.one = StoreWriter(SiteStore(client), site)

    async def set(self, **values: JsonValue) -> None:
        now = round(SystemClock().now(), 3)
        await self.one.append({key: Reading(value, now) for key, value in values.items()})

    async def samples(self) -> list[Sample]:
        found = await self.queue.read_after(self.site, -1, 100_000)
        assert not [one for one in found if isinstance(one, Undecodable)]
        return [one for one in found if isinstance(one, Sample)]

    async def has(self, count: int, within_s: float = 20) -> None:
        async def enough() -> bool:
            return len(await self.queue.read_after(self.site, -1, count)) >= count

        await eventually(enough, within_s, what=f"{count} samples")

    async def reaches_the_present(self) -> None:
        """The queue has the slot that is now, and with it all before."""
        now_ms = SystemClock().now() * 1000

        async def has_it() -> bool:
            last = await self.queue.last(self.site)
            return isinstance(last, Sample) and last.end >= now_ms

        await eventually(has_it, 30)


@pytest.fixture
async def store(redis: RedisPart, site: str) -> AsyncIterator[Store]:
    client = open_client(redis.url)
    made = Store(redis, client, site)
    yield made
    await close_client(client)


def a_of(samples: list[Sample]) -> list[tuple[float | None, int]]:
    return [one.values["a"] for one in samples]


async def test_each_slot_is_sampled_as_it_was_at_its_end(store: Store) -> None:
    written: list[tuple[int, int, float]] = []
    await store.one.lead({"a": Reading(-1.0)})
    async with sampler(store.part.url, store.site, P) as one:
        await eventually(lambda: one.status(store.site).sampled > 0)
        for number in range(40):
            now = round(SystemClock().now(), 3)
            await store.one.append({"a": Reading(float(number), now)})
            written.append((round(now * 1000), round(SystemClock().now() * 1000) + 1, float(number)))
            await asyncio.sleep(0.03)
        await store.has(8)
        status = one.status(store.site)
    samples = await store.samples()
    assert not gaps(samples)
    for sample in samples:
        before = [value for at_ms, _, value in written if at_ms <= sample.end]
        there = [value for _, there_ms, value in written if there_ms <= sample.end]
        shown = sample.values["a"][0]
        assert shown is not None
        assert max(there, default=-1.0) <= shown <= max(before, default=-1.0), "late is only what came late"
    assert (status.condition, status.reason) == ("ok", None)
    assert status.last_slot in {sample.slot for sample in samples}


async def test_nothing_is_said_of_a_site_that_nobody_knows(store: Store) -> None:
    async with sampler(store.part.url, store.site, P) as one:
        await eventually(lambda: one.status(store.site).condition == "waiting")
        await store.one.lead({"a": Reading(1.0)})
        await store.has(1)
    assert a_of(await store.samples())[0][0] == 1.0


async def test_a_time_without_a_sampler_is_made_up_for_from_the_changes(store: Store) -> None:
    """Red: with a sampler that begins at the present."""
    await store.one.lead({"a": Reading(1.0), "b": Reading(1.0)})
    async with sampler(store.part.url, store.site, P):
        await store.has(2)
    dead = await store.samples()
    changed: list[int] = []
    for number in range(5):
        changed.append(round(SystemClock().now() * 1000))
        await store.set(a=100.0 + number)
        await asyncio.sleep(0.25)
    async with sampler(store.part.url, store.site, P):
        await store.has(len(dead) + 8)
    samples = await store.samples()
    assert not gaps(samples)
    for sample in samples[len(dead) :]:
        number = sum(at_ms <= sample.end for at_ms in changed)
        assert sample.values["a"][0] in ({100.0 + number - 1} if number else {1.0})
        assert sample.values["b"][0] == 1.0
    assert Quality.rebuilt in {grade for _, grade in a_of(samples)}


async def test_where_the_changes_are_gone_nothing_is_invented(store: Store) -> None:
    await store.one.lead({"a": Reading(1.0)})
    async with sampler(store.part.url, store.site, P):
        await store.has(2)
    dead = await store.samples()
    await asyncio.sleep(3 * P / 1000)
    await store.one.open({"a": Reading(2.0)})
    async with sampler(store.part.url, store.site, P):
        await store.has(len(dead) + 6)
    samples = await store.samples()
    assert not gaps(samples)
    missed = a_of(samples[len(dead) :])
    assert (None, Quality.stale) in missed
    assert missed[-1][0] == 2.0
    assert {number for number, _ in missed} == {None, 1.0, 2.0} or {number for number, _ in missed} == {None, 2.0}


async def test_samplers_killed_at_random_leave_every_slot_once(store: Store, tmp_path: Path) -> None:
    """Red: with a sampler that begins at the present."""
    luck = random.Random(7)
    await store.one.lead({"a": Reading(0.0)})
    names = ("one", "two")
    parts = [sampler_process(tmp_path, name, store.part.url, store.site, P) for name in names]
    async with AsyncExitStack() as stack:
        for part in parts:
            await stack.enter_async_context(part)
        await store.has(1)
        for number in range(8):
            await store.set(a=float(number))
            victims = parts if number in {3, 6} else [luck.choice(parts)]
            for victim in victims:
                await victim.kill()
            await asyncio.sleep(luck.uniform(0.05, 0.6))
            for victim in victims:
                victim.spawn()
            await store.reaches_the_present()
            await asyncio.sleep(luck.uniform(0, 0.2))
    samples = await store.samples()
    assert not gaps(samples)
    assert not any(sample.skipped for sample in samples)
    assert None not in {number for number, _ in a_of(samples)}, "the store knew it all the time"
    assert all("Traceback" not in part.log for part in parts)


async def test_who_is_behind_another_goes_on_behind_it(store: Store) -> None:
    await store.one.lead({"a": Reading(1.0)})
    async with sampler(store.part.url, store.site, P) as one:
        await store.has(2)
        ahead = msgspec.structs.replace((await store.samples())[-1], values={})
        ahead = msgspec.structs.replace(ahead, slot=ahead.slot + 4 * P)
        assert (await append(store.queue, store.site, ahead)).outcome == "done"
        await eventually(lambda: (one.status(store.site).last_slot or 0) > ahead.slot)
        assert one.status(store.site).condition == "ok"
    slots = [sample.slot for sample in await store.samples()]
    assert slots == sorted(set(slots))
    assert slots[slots.index(ahead.slot) + 1] == ahead.slot + P


async def test_a_full_queue_is_told_and_goes_on_when_there_is_room(store: Store) -> None:
    await store.one.lead({"a": Reading(1.0)})
    told: dict[str, str | None] = {}
    async with sampler(store.part.url, store.site, P, bound=QueueBound(slots=10)) as one:

        def is_full() -> bool:
            status = one.status(store.site)
            told[status.condition] = status.reason
            return status.condition == "full"

        await eventually(is_full, 30)
        first = await store.samples()
        await asyncio.sleep(3 * P / 1000)
        assert await store.samples() == first, "nothing is cut"
        await store.queue.trim_to(store.site, first[-1].slot)
        await store.has(4)
        await eventually(lambda: one.status(store.site).condition == "ok")
        assert one.status(store.site).thinned_away > 0
    again = await store.samples()
    assert again[0].slot == first[-1].slot
    assert not gaps(again), "what was missed meanwhile was made up for"
    assert "10 samples wait for the database, 100%" in str(told["full"])
    assert "thinning" in told


async def test_a_store_that_is_away_or_without_memory_is_survived_and_told(store: Store) -> None:
    await store.one.lead({"a": Reading(1.0)})
    async with sampler(store.part.url, store.site, P) as one:

        def says(condition: str) -> bool:
            return one.status(store.site).condition == condition

        await store.has(1)
        await store.part.kill()
        await eventually(lambda: says("store"))
        await store.part.start()
        await eventually(lambda: says("ok"))
        await insist(lambda: store.set(a=2.0))
        await store.client.config_set("maxmemory", 1)
        await eventually(lambda: says("store"))
        assert "memory is full" in str(one.status(store.site).reason)
        await store.client.config_set("maxmemory", 0)
        await eventually(lambda: says("ok"))
        count = len(await store.samples())
        await store.has(count + 1)
    samples = await store.samples()
    assert not gaps(samples)
    assert {number for number, _ in a_of(samples)} == {1.0, 2.0}


async def test_a_store_that_forgot_samples_gets_them_again(store: Store) -> None:
    """As after a crash that cost the file's tail; the changes are older than that and still there."""
    await store.one.lead({"a": Reading(1.0)})
    async with sampler(store.part.url, store.site, P) as one:
        await store.has(5)
        stream = f"{{{store.site}}}:samples"
        kept = await store.samples()
        entries: Any = await store.client.xrange(stream)
        pipe = store.client.pipeline(transaction=True)
        pipe.delete(stream)
        for entry_id, fields in entries[:2]:
            pipe.xadd(stream, fields, id=entry_id)
        await pipe.execute()
        await store.has(7)
        assert one.status(store.site).condition == "ok"
    samples = await store.samples()
    assert samples[:2] == kept[:2]
    assert not gaps(samples)


async def test_other_series_are_recorded_from_then_on(store: Store) -> None:
    await store.one.lead({"a": Reading(1.0), "b": Reading(2.0)})
    async with sampler(store.part.url, store.site, P, records={"a"}.__contains__) as one:
        await store.has(2)
        one.choose(store.site, {"b"}.__contains__)
        await store.has(6)
    samples = await store.samples()
    assert not gaps(samples)
    assert samples[0].values.keys() == {"a"}
    assert samples[-1].values.keys() == {"b"}


async def test_another_period_goes_on_behind_the_last_sample(store: Store) -> None:
    await store.one.lead({"a": Reading(1.0)})
    for period_ms, count in ((P, 2), (70, 6), (500, 8)):
        async with sampler(store.part.url, store.site, period_ms):
            await store.has(count)
    samples = await store.samples()
    assert {sample.period_ms for sample in samples} == {P, 70, 500}
    for one, other in pairwise(samples):
        assert one.end <= other.slot < one.end + other.period_ms


async def test_a_last_sample_that_cannot_be_read_stops_nothing(store: Store) -> None:
    await store.one.lead({"a": Reading(1.0)})
    slot = round(SystemClock().now() * 1000) // P * P - 5 * P
    await store.client.xadd(f"{{{store.site}}}:samples", {"period": P, "total": 0, "sample": b"?"}, id=f"{slot}-0")
    async with sampler(store.part.url, store.site, P):
        await store.has(3)
    found = await store.queue.read_after(store.site, slot, 10)
    assert {one.values["a"][0] for one in found if isinstance(one, Sample)} == {1.0}


class ShiftedClock:
    """The machine's clock, set forward or back."""

    def __init__(self) -> None:
        self.shift_s = 0.0

    def now(self) -> float:
        return SystemClock().now() + self.shift_s

    def monotonic(self) -> float:
        return SystemClock().monotonic()


async def test_clocks_that_jump_make_no_slot_twice_and_no_flood(store: Store) -> None:
    await store.one.lead({"a": Reading(1.0)})
    clock = ShiftedClock()
    async with sampler(store.part.url, store.site, P, clock=clock) as one:
        await store.has(2)
        clock.shift_s = -1.5
        await eventually(lambda: one.status(store.site).condition == "waiting")
        await eventually(lambda: one.status(store.site).condition == "ok")
        clock.shift_s = 10 * 365 * 86_400.0
        await eventually(lambda: one.status(store.site).skipped > 0)

        async def lives() -> bool:
            last = await store.queue.last(store.site)
            return isinstance(last, Sample) and last.values["a"][0] == 1.0

        await eventually(lives)
    samples = await store.samples()
    assert len(samples) < 1_440 + 30
    slots = [sample.slot for sample in samples]
    assert slots == sorted(set(slots))
    assert [sample.skipped > 0 for sample in samples].count(True) == 1
    assert (None, Quality.stale) in a_of(samples)
