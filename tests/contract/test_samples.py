"""The queue of samples, on Redis and on the embedded Valkey.

"Red:" names the deliberate fault with which the test was seen to fail.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from gateway.domain.errors import StoreUnavailable
from gateway.domain.slots import Quality, Sample
from gateway.store import samples as samples_module
from gateway.store.redis import close_client, open_client
from gateway.store.samples import ENTRY_BYTES, QueueBound, SampleQueue, Undecodable, pack_sample
from tests.support.parts import RedisPart
from tests.support.queued import append

P = 60_000
GROUP = 6
START = 1_800_000_000_000 // (GROUP * P) * (GROUP * P)


def slot(number: int) -> int:
    return START + number * P


def sample(number: int, *, period_ms: int = P, fat: int = 0) -> Sample:
    """The sample of the slot with that number; ``fat``: how many values it has beside the two."""
    values: dict[str, tuple[float | None, int]] = {"grid/power_w": (number + 0.5, Quality.live), "b": (None, 1)}
    values.update((f"meters/{key}/power_w", (float(key), Quality.live)) for key in range(fat))
    return Sample(START + number * period_ms, period_ms, "e", number, values, 7, 0, {"b": 3.0})


@pytest.fixture
def queue(client: Redis) -> SampleQueue:
    return SampleQueue(client)


async def fill_up(queue: SampleQueue, site: str, numbers: Iterable[int], **more: int) -> list[str]:
    """The outcomes."""
    return [(await append(queue, site, sample(number, **more))).outcome for number in numbers]


async def slots(queue: SampleQueue, site: str) -> list[int]:
    return [(one.slot - START) // P for one in await queue.read_after(site, -1, 10_000)]


async def test_of_a_site_without_samples(queue: SampleQueue, site: str) -> None:
    assert await queue.last(site) is None
    assert await queue.read_after(site, -1, 10) == []
    await queue.trim_to(site, slot(5))
    fill = await queue.fill(site)
    assert (fill.slots, fill.bytes, fill.thinned, fill.fullness) == (0, 0, 0, 0)


async def test_what_was_appended_is_read_as_it_was(queue: SampleQueue, site: str) -> None:
    assert await fill_up(queue, site, range(1, 6)) == ["done"] * 5
    assert await queue.last(site) == sample(5)
    assert await queue.read_after(site, -1, 100) == [sample(number) for number in range(1, 6)]
    assert await queue.read_after(site, slot(2), 2) == [sample(3), sample(4)]


async def test_each_slot_is_taken_once_and_in_order(queue: SampleQueue, site: str) -> None:
    """Red: with a script that lets XADD decide, which knows no refusal but "equal or smaller"."""
    assert await fill_up(queue, site, [1, 2, 5]) == ["done"] * 3
    for number, outcome in ((5, "already"), (4, "refused"), (1, "refused"), (6, "done")):
        answer = await append(queue, site, msgspec.structs.replace(sample(number), values={}))
        assert answer.outcome == outcome
        assert answer.last == slot(max(5, number))
    assert await queue.read_after(site, slot(4), 9) == [sample(5), msgspec.structs.replace(sample(6), values={})]


async def test_two_at_once_add_each_slot_once(queue: SampleQueue, site: str) -> None:
    one, other = await asyncio.gather(fill_up(queue, site, range(50)), fill_up(queue, site, range(50)))
    assert await slots(queue, site) == list(range(50))
    assert [*one, *other].count("done") == 50


async def test_who_holds_a_later_slot_for_the_last_one_is_told_that_the_store_lost_some(
    queue: SampleQueue, client: Redis, site: str
) -> None:
    """Red: without the comparison with ``after``: slot 4 would be missing for good."""
    await fill_up(queue, site, range(1, 4))
    answer = await queue.append(site, sample(5), after=slot(4))
    assert (answer.outcome, answer.last) == ("behind", slot(3))
    await client.flushall()
    answer = await queue.append(site, sample(5), after=slot(4))
    assert (answer.outcome, answer.last) == ("behind", None)
    assert (await append(queue, site, sample(5))).outcome == "done"
    assert (await queue.append(site, sample(7), after=slot(5))).outcome == "done"


async def test_who_does_not_know_the_last_one_adds_nothing(queue: SampleQueue, site: str) -> None:
    """Red: with a comparison that lets pass who holds less: slots 4 and 5 would be missing for good."""
    await fill_up(queue, site, range(1, 4))
    for after in (None, slot(2)):
        answer = await queue.append(site, sample(6), after=after)
        assert (answer.outcome, answer.last) == ("behind", slot(3))
    assert (await queue.append(site, sample(6), after=slot(3))).outcome == "done"


async def test_the_writer_trims_and_the_newest_stays(queue: SampleQueue, site: str) -> None:
    await fill_up(queue, site, range(1, 6))
    await queue.trim_to(site, slot(3))
    assert await slots(queue, site) == [4, 5]
    for _ in range(2):
        await queue.trim_to(site, slot(9))
        assert await slots(queue, site) == [5]
    assert (await append(queue, site, sample(5))).outcome == "already"
    assert (await append(queue, site, sample(6))).outcome == "done"


async def test_what_cannot_be_read_is_told_and_hides_nothing(queue: SampleQueue, client: Redis, site: str) -> None:
    await fill_up(queue, site, [1])
    stream = f"{{{site}}}:samples"
    later_version = msgspec.msgpack.encode((2, "another shape"))
    payloads = (b"\xc1", b"", later_version, msgspec.msgpack.encode((1, P)))
    for number, payload in enumerate(payloads, start=2):
        await client.xadd(stream, {"period": P, "total": 0, "sample": payload}, id=f"{slot(number)}-0")
    found = await queue.read_after(site, -1, 10)
    assert found[0] == sample(1)
    bad = [one for one in found if isinstance(one, Undecodable)]
    assert [(one.slot - START) // P for one in bad] == [2, 3, 4, 5]
    assert [one.payload for one in bad] == list(payloads)
    assert "version 2" in bad[2].reason
    last = await queue.last(site)
    assert isinstance(last, Undecodable)
    assert (await append(queue, site, sample(6))).outcome == "done"


async def test_without_their_field_they_are_undecodable_too(queue: SampleQueue, client: Redis, site: str) -> None:
    await client.xadd(f"{{{site}}}:samples", {"x": 1}, id="5-0")
    [one] = await queue.read_after(site, -1, 10)
    assert isinstance(one, Undecodable)


# --- bounds ---------------------------------------------------------------------------------------------------------


async def test_above_80_percent_the_oldest_are_thinned_and_at_100_it_is_full(client: Redis, site: str) -> None:
    """Red: with XADD ... MAXLEN, and with a thinning that takes of each six any other but the first."""
    queue = SampleQueue(client, bound=QueueBound(slots=100))
    answers = [await append(queue, site, sample(number)) for number in range(3, 84)]
    assert {answer.outcome for answer in answers} == {"done"}
    assert [answer.gone for answer in answers] == [0] * 80 + [2], "of 3, 4 and 5 the first stays"
    assert await slots(queue, site) == [3, *range(6, 84)]
    assert answers[-1].fill == await queue.fill(site)
    assert (answers[-1].fill.slots, answers[-1].fill.thinned) == (79, 1)

    for number in range(84, 1_000):
        answer = await append(queue, site, sample(number))
        if answer.outcome != "done":
            break
    kept = await slots(queue, site)
    assert answer.outcome == "full"
    assert len(kept) == 100
    assert answer.fill.fullness == 1
    assert number not in kept
    newest_group = max(kept) // GROUP * GROUP
    assert kept == [3, *range(6, newest_group, GROUP), *range(newest_group, max(kept) + 1)]
    assert await queue.last(site) == sample(max(kept))

    await queue.trim_to(site, slot(kept[40]))
    assert await slots(queue, site) == kept[41:], "the writer takes the thinned ones first"
    assert (await append(queue, site, sample(number))).outcome == "done"


async def test_the_bound_holds_for_bytes_too(client: Redis, site: str) -> None:
    size = len(pack_sample(sample(99_999, fat=40))) + ENTRY_BYTES
    queue = SampleQueue(client, bound=QueueBound(bytes=20 * size))
    outcomes = await fill_up(queue, site, range(90_000, 90_100), fat=40)
    fill = await queue.fill(site)
    assert "full" in outcomes
    assert 19 * size - 100 < fill.bytes <= 20 * size
    streams = (f"{{{site}}}:samples", f"{{{site}}}:samples_thinned")
    entries: list[Any] = [entry for stream in streams for entry in await client.xrange(stream) or ()]
    assert fill.bytes == sum(len(fields[b"sample"]) + ENTRY_BYTES for _, fields in entries)


async def test_a_bound_that_was_lowered_thins_before_it_stops(client: Redis, site: str) -> None:
    await fill_up(SampleQueue(client), site, range(600))
    queue = SampleQueue(client, bound=QueueBound(slots=300))
    outcomes = await fill_up(queue, site, [600, 600, 600, 600, 600])
    assert outcomes[0] == "full"
    assert "done" in outcomes, "20 groups with each call"
    assert len(await slots(queue, site)) <= 300


async def test_other_periods_are_thinned_in_groups_of_their_own(client: Redis, site: str) -> None:
    queue = SampleQueue(client, bound=QueueBound(slots=36))
    for number in range(20):
        await append(queue, site, sample(number, period_ms=1_000))
    for number in range(1, 20):
        await append(queue, site, sample(number))
    found = [one.slot - START for one in await queue.read_after(site, -1, 100)]
    assert found[:4] == [0, 6_000, 12_000, 18_000]
    assert found[-19:] == [number * P for number in range(1, 20)]


async def test_memory_is_given_back_by_thinning(client: Redis, site: str) -> None:
    """Small entries share their memory: deleted in the midst of the stream they would give none back."""
    await fill_up(SampleQueue(client), site, range(600))
    before = await client.memory_usage(f"{{{site}}}:samples", samples=0)
    queue = SampleQueue(client, bound=QueueBound(slots=200))
    while (await append(queue, site, sample(600))).outcome == "full":
        pass
    streams = (f"{{{site}}}:samples", f"{{{site}}}:samples_thinned")
    after = sum([await client.memory_usage(stream, samples=0) or 0 for stream in streams])
    assert before is not None
    assert after < before / 2


# --- faults ---------------------------------------------------------------------------------------------------------


async def test_a_store_without_memory_refuses_all_of_it_and_can_be_trimmed(
    queue: SampleQueue, client: Redis, site: str
) -> None:
    """Red: with a counter of bytes in trim's script: an INCRBY needs memory."""
    await fill_up(queue, site, range(100))
    await client.config_set("maxmemory", 1)
    with pytest.raises(StoreUnavailable, match="takes no writes: its memory is full"):
        await append(queue, site, sample(100))
    with pytest.raises(StoreUnavailable, match="takes no writes: its memory is full"):
        await append(SampleQueue(client, bound=QueueBound(slots=50)), site, sample(100))
    assert await slots(queue, site) == list(range(100))
    await queue.trim_to(site, slot(60))
    assert await slots(queue, site) == list(range(61, 100))
    await client.config_set("maxmemory", 0)
    assert (await queue.append(site, sample(100), after=slot(99))).outcome == "done"


async def test_killed_it_has_what_it_answered(server: RedisPart, queue: SampleQueue, site: str) -> None:
    await fill_up(queue, site, range(20))
    await server.kill()
    with pytest.raises(StoreUnavailable):
        await append(queue, site, sample(20))
    await server.start()
    assert await queue.last(site) == sample(19)
    assert (await queue.append(site, sample(20), after=slot(19))).outcome == "done"


async def test_a_lost_tail_is_noticed(make_server: Callable[..., RedisPart], site: str) -> None:
    async with make_server() as server:
        client = open_client(server.url)
        queue = SampleQueue(client)
        await fill_up(queue, site, range(50))
        await server.kill()
        server.cut_aof_tail(3_000)
        await server.start()
        answer = await queue.append(site, sample(50), after=slot(49))
        assert answer.outcome == "behind"
        assert answer.last is not None
        assert answer.last < slot(49)
        await close_client(client)


async def test_its_keys_are_in_the_hash_tag_of_the_site(queue: SampleQueue, client: Redis, site: str) -> None:
    await fill_up(SampleQueue(client, bound=QueueBound(slots=12)), site, range(30))
    assert await client.dbsize() == await client.exists(f"{{{site}}}:samples", f"{{{site}}}:samples_thinned") == 2


def test_the_script_reckons_like_the_module() -> None:
    source = SampleQueue(open_client("redis://nobody"))._append.source
    assert f"6, {ENTRY_BYTES}, 20, {samples_module.THINNED_FROM}" in source
