"""Events ride with the changes that they tell of, on Redis and on the embedded Valkey.

"Red:" names the deliberate fault with which the test was seen to fail.
"""

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.domain.errors import DataLost, NotLeader, StoreUnavailable
from gateway.domain.events import NO_EVENT, EventId
from gateway.domain.values import Reading
from gateway.store.redis import EventsKept, SiteStore, Writer
from tests.support.store_writer import StoreWriter, event, readings
from tests.support.waiting import eventually


async def numbers(store: SiteStore, site: str) -> list[int]:
    """Which events there are."""
    page = await store.events_after(site, NO_EVENT, 1000)
    assert [entry.id for entry in page.entries] == sorted({entry.id for entry in page.entries})
    return [round(entry.event.at - event().at) for entry in page.entries]


async def test_of_a_site_without_events(store: SiteStore, one: StoreWriter) -> None:
    await one.lead(readings(a=1))
    await one.append({"a": Reading(2)})
    page = await store.events_after(one.site, NO_EVENT, 10)
    assert (page.entries, page.more, page.complete, page.newest) == ((), False, True, NO_EVENT)
    found = await store.newest_events(one.site, 10)
    assert (found.entries, found.floor, found.newest) == ((), NO_EVENT, NO_EVENT)
    [head] = await store.heads([one.site])
    assert (head.position, head.event) == (one.position, NO_EVENT)


async def test_events_know_the_seq_of_their_append(store: SiteStore, one: StoreWriter) -> None:
    await one.acquire()
    await one.open(readings(a=1), events=[event(1)])
    opened = one.seq
    await one.append({"a": Reading(2), "gone": None}, events=[event(2), event(3)])
    page = await store.events_after(one.site, NO_EVENT, 10)
    assert [(entry.after_seq, entry.event) for entry in page.entries] == [
        (opened, event(1)),
        (one.seq, event(2)),
        (one.seq, event(3)),
    ]
    snapshot = await store.load(one.site)
    assert snapshot is not None
    assert snapshot.readings == {"a": Reading(2)}
    assert snapshot.removed == {"gone": one.seq}
    [head] = await store.heads([one.site])
    assert head.event == page.newest == page.entries[-1].id


async def test_an_identical_batch_adds_its_events_once(store: SiteStore, one: StoreWriter) -> None:
    """Red: with events that are added before the comparison of batches in append.lua."""
    await one.lead()
    writer = one.writer
    for _ in range(3):
        await store.append(one.site, writer, "the batch", {"a": Reading(1)}, [event(1)])
    assert await numbers(store, one.site) == [1]


async def test_an_identical_opening_adds_its_events_once(store: SiteStore, one: StoreWriter) -> None:
    """Red: with events that are added before the comparison of opened_batch in open_epoch.lua."""
    await one.acquire()
    for _ in range(3):
        await one.open(readings(a=1), epoch="e", batch="the batch", events=[event(1)])
    assert await numbers(store, one.site) == [1]


async def test_what_is_refused_adds_none(store: SiteStore, one: StoreWriter, two: StoreWriter) -> None:
    await one.lead()
    await one.append({})
    with pytest.raises(DataLost):
        await store.append(one.site, Writer(one.epoch, one.fence, one.seq + 7), "b", {}, [event(1)])
    with pytest.raises(NotLeader):
        await store.append(one.site, Writer("other", one.fence, one.seq), "b", {}, [event(2)])
    with pytest.raises(NotLeader):
        await two.open(events=[event(3)])
    assert await numbers(store, one.site) == []


async def test_pages_lead_from_the_first_to_the_last(store: SiteStore, one: StoreWriter) -> None:
    await one.lead()
    for number in range(10):
        await one.happens(event(number))
    seen: list[float] = []
    after, more = NO_EVENT, True
    while more:
        page = await store.events_after(one.site, after, 3)
        assert page.complete
        assert len(page.entries) <= 3
        seen += [entry.event.at for entry in page.entries]
        after, more = page.entries[-1].id, page.more
    assert seen == [event(number).at for number in range(10)]
    assert after == page.newest
    assert (await store.events_after(one.site, after, 3)).entries == ()


async def test_the_newest_and_from_where_they_are_complete(store: SiteStore, one: StoreWriter) -> None:
    await one.lead()
    for number in range(5):
        await one.happens(event(number))
    ids = [entry.id for entry in (await store.events_after(one.site, NO_EVENT, 10)).entries]
    few = await store.newest_events(one.site, 2)
    assert [entry.id for entry in few.entries] == ids[3:]
    assert (few.floor, few.newest) == (ids[2], ids[4])
    for count in (5, 6):
        every = await store.newest_events(one.site, count)
        assert [entry.id for entry in every.entries] == ids
        assert (every.floor, every.newest) == (NO_EVENT, ids[4])


async def test_too_many_push_out_the_oldest(client: Redis, site: str) -> None:
    """Red: without the second XTRIM in events.lua."""
    store = SiteStore(client, events_kept=EventsKept(most=3))
    one = StoreWriter(store, site)
    await one.lead()
    await one.happens(event(0))
    first = (await store.events_after(site, NO_EVENT, 1)).newest
    await one.append({}, events=[event(number) for number in range(1, 5)])
    assert await numbers(store, site) == [2, 3, 4]
    page = await store.events_after(site, first, 10)
    assert not page.complete, "1 is gone"
    assert (await store.events_after(site, page.entries[0].id, 10)).complete
    found = await store.newest_events(site, 10)
    assert found.floor == page.entries[0].id.before()


async def test_events_go_when_their_time_is_up(client: Redis, site: str) -> None:
    """Red: without the first XTRIM in events.lua."""
    store = SiteStore(client, events_kept=EventsKept(for_s=0.05))
    one = StoreWriter(store, site)
    await one.lead()
    await one.happens(event(1))

    async def only_the_newest() -> bool:
        await one.happens(event(2))
        return (await numbers(store, site))[0] == 2

    await eventually(only_the_newest)
    assert not (await store.events_after(site, NO_EVENT, 10)).complete


async def test_ids_grow_when_the_clock_is_set_back(client: Redis, store: SiteStore, one: StoreWriter) -> None:
    """The clock of the store was an hour ahead when the first one came."""
    await one.lead()
    ahead = int((await client.time())[0] + 3600) * 1000
    await client.xadd(f"{{{one.site}}}:events", {"seq": one.seq, "event": b"?"}, id=f"{ahead}-5")
    await one.happens(event(1))
    await one.happens(event(2))
    page = await store.events_after(one.site, EventId(ahead, 5), 10)
    assert [entry.id for entry in page.entries] == [EventId(ahead, 6), EventId(ahead, 7)]


async def test_a_stream_that_vanished_tells_that_its_events_are_gone(
    client: Redis, store: SiteStore, one: StoreWriter
) -> None:
    await one.lead()
    await one.happens(event(1))
    last = (await store.events_after(one.site, NO_EVENT, 1)).newest
    await client.delete(f"{{{one.site}}}:events")
    page = await store.events_after(one.site, NO_EVENT, 10)
    assert (page.entries, page.complete, page.newest) == ((), False, last)
    found = await store.newest_events(one.site, 10)
    assert (found.entries, found.floor, found.newest) == ((), last, last)


async def test_one_read_brings_changes_and_events(store: SiteStore, one: StoreWriter) -> None:
    await one.lead()
    at = one.position
    await one.happens(event(1))
    news = await store.news_after({one.site: at}, {one.site: NO_EVENT}, block_ms=1)
    assert [entry.seq for entry in news.changes[one.site]] == [one.seq]
    assert [(entry.after_seq, entry.event) for entry in news.events[one.site]] == [(one.seq, event(1))]
    held = news.events[one.site][-1].id
    news = await store.news_after({one.site: one.position}, {one.site: held}, block_ms=1)
    assert (news.changes, news.events) == ({}, {})


async def test_a_blocked_read_wakes_for_changes_and_finds_events(store: SiteStore, one: StoreWriter) -> None:
    at = await one.lead()
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(store.news_after({one.site: at}, {one.site: NO_EVENT}, block_ms=4000))
        await eventually(lambda: store.position(one.site))
        await one.happens(event(1))
    first = reading.result()
    events = first.events or (await store.news_after({}, {one.site: NO_EVENT}, block_ms=4000)).events
    assert first.changes
    assert [entry.event for entry in events[one.site]] == [event(1)]


@pytest.mark.parametrize("fields", [{"seq": b"1", "event": b"?"}, {"seq": b"x", "event": b"\x80"}, {"seq": b"1"}])
async def test_what_cannot_be_read_is_said_to_be_so(
    client: Redis, store: SiteStore, one: StoreWriter, fields: dict[Any, Any]
) -> None:
    await one.lead()
    await client.xadd(f"{{{one.site}}}:events", fields)
    with pytest.raises(StoreUnavailable, match="cannot read"):
        await store.events_after(one.site, NO_EVENT, 1)
    with pytest.raises(StoreUnavailable, match="cannot read"):
        await store.newest_events(one.site, 1)
