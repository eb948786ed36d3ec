"""What a follower tells of events, against real servers that forget them.

"Red:" names the deliberate fault with which the test was seen to fail.
"""

from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.domain.events import NO_EVENT, EventEntry, EventId
from gateway.store.events import NewestEvents, pack_events
from gateway.store.follow import EventsLoaded, Happened
from gateway.store.redis import SiteStore
from tests.support.listener import Listener
from tests.support.parts import RedisPart
from tests.support.store_writer import StoreWriter, event, readings
from tests.support.waiting import eventually


def loads(listener: Listener, site: str) -> list[EventsLoaded]:
    return [step for step in listener.steps.get(site, ()) if isinstance(step, EventsLoaded)]


async def happens_early(client: Redis, one: StoreWriter, after_seq: int, event_id: str = "*") -> EventId:
    """Another process adds an event that tells of a change which is still to come."""
    stream, body = f"{{{one.site}}}:events", pack_events([event(0)])[0]
    given: Any = await client.xadd(stream, {"seq": after_seq, "event": body}, id=event_id)
    await client.hset(f"{{{one.site}}}:meta", "event", given)
    await client.hincrby(f"{{{one.site}}}:meta", "events", 1)
    return EventId.parse(given.decode())


async def hears(listener: Listener, site: str, *numbers: int) -> None:
    expected = [event(number) for number in numbers]
    await eventually(lambda: listener.happened(site) == expected, what=f"{expected}: {listener.happened(site)}")


async def test_the_newest_first_and_then_each_behind_its_change(patient: Listener, one: StoreWriter) -> None:
    """Red: with a _read that tells events before it takes the changes."""
    await one.lead(readings(a=1))
    await one.happens(event(1))
    patient.follower.add(one.site)
    async with patient.running():
        await patient.tells(one.site, EventsLoaded)
        for number in range(2, 30):
            await one.happens(event(number))
        await hears(patient, one.site, *range(2, 30))
    [loaded] = loads(patient, one.site)
    assert [entry.event for entry in loaded.entries] == [event(1)]
    assert (loaded.floor, loaded.newest) == (NO_EVENT, loaded.entries[-1].id)


async def test_an_opening_brings_its_events_behind_the_new_state(patient: Listener, one: StoreWriter) -> None:
    await one.lead()
    await one.happens(event(1))
    patient.follower.add(one.site)
    async with patient.running():
        await patient.tells(one.site, EventsLoaded)
        await one.open(readings(a=1), events=[event(2)])
        await eventually(lambda: len(loads(patient, one.site)) == 2)
        await one.happens(event(3))
        await hears(patient, one.site, 3)
    assert [entry.event for entry in loads(patient, one.site)[1].entries] == [event(1), event(2)]


async def test_an_event_waits_for_its_seq(listener: Listener, client: Redis, one: StoreWriter) -> None:
    """Whoever appends may be ahead of this reader.

    Red: with a tellable that does not compare.
    """
    await one.lead()
    listener.follower.add(one.site)
    async with listener.running():
        await listener.tells(one.site, EventsLoaded)
        await happens_early(client, one, one.seq + 2)
        await one.set(a=1)
        await listener.reaches(one.site, one.position)
        assert listener.happened(one.site) == []
        await one.set(a=2)
        await hears(listener, one.site, 0)


async def test_what_is_not_due_yet_is_not_among_the_newest(
    listener: Listener, client: Redis, one: StoreWriter
) -> None:
    await one.lead()
    await one.happens(event(1))
    early = await happens_early(client, one, one.seq + 1)
    listener.follower.add(one.site)
    async with listener.running():
        await listener.tells(one.site, EventsLoaded)
        await one.set(a=1)
        await hears(listener, one.site, 0)
    [loaded] = loads(listener, one.site)
    assert [entry.event for entry in loaded.entries] == [event(1)]
    assert loaded.newest == early.before()


async def test_no_more_are_read_than_may_wait(
    store: SiteStore, server: RedisPart, client: Redis, one: StoreWriter
) -> None:
    """Red: with a _read that asks for events whatever waits."""
    listener = Listener(store, server.url, newest_events=3)
    await one.lead()
    listener.follower.add(one.site)
    async with listener.running():
        await listener.tells(one.site, EventsLoaded)
        for _ in range(3):
            await happens_early(client, one, one.seq + 2)
        await one.set(a=1)
        await listener.reaches(one.site, one.position)
        place = listener.follower._places[one.site]
        await eventually(lambda: len(place.untold) == 3)
        await happens_early(client, one, one.seq + 1)
        await one.set(a=2)
        await hears(listener, one.site, 0, 0, 0, 0)


async def test_events_that_were_lost_with_everything(listener: Listener, client: Redis, one: StoreWriter) -> None:
    await one.lead()
    await one.happens(event(1))
    listener.follower.add(one.site)
    async with listener.running():
        await listener.tells(one.site, EventsLoaded)
        await client.flushall()
        await one.lead()
        await one.happens(event(2))
        await eventually(lambda: [entry.event for entry in known(listener, one.site)] == [event(2)])
    assert loads(listener, one.site)[-1].floor == NO_EVENT


def known(listener: Listener, site: str) -> list[EventEntry]:
    """All events since the newest ones were loaded last."""
    entries: list[EventEntry] = []
    for step in listener.steps[site]:
        if isinstance(step, EventsLoaded):
            entries = list(step.entries)
        elif isinstance(step, Happened):
            entries.append(step.entry)
    return entries


async def test_events_lost_alone_while_the_clock_is_set_back(
    listener: Listener, client: Redis, one: StoreWriter
) -> None:
    """New ids are below those that were told: a blocked read would never see them.

    Red: without the comparison of ids in _ask.
    """
    await one.lead()
    ahead = int((await client.time())[0] + 3600) * 1000
    await happens_early(client, one, one.seq, f"{ahead}-0")
    listener.follower.add(one.site)
    async with listener.running():
        await listener.tells(one.site, EventsLoaded)
        await one.happens(event(1))
        await hears(listener, one.site, 1)
        await client.delete(f"{{{one.site}}}:events")
        await one.happens(event(2))
        await eventually(lambda: [entry.event for entry in known(listener, one.site)] == [event(2)])
        await one.happens(event(3))
        await eventually(lambda: [entry.event for entry in known(listener, one.site)] == [event(2), event(3)])
    assert listener.kinds(one.site) == ["Loaded", "Delta"]


async def test_a_store_that_died_between_state_and_events(
    server: RedisPart, store: SiteStore, one: StoreWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Red: with a _Place whose events count as known from the start."""
    await one.lead()
    await one.happens(event(1))
    listener = Listener(store, server.url)
    newest_events = SiteStore.newest_events
    died = False

    async def dying(self: SiteStore, site: str, count: int) -> NewestEvents:
        nonlocal died
        if not died:
            died = True
            await server.kill()
        return await newest_events(self, site, count)

    monkeypatch.setattr(SiteStore, "newest_events", dying)
    listener.follower.add(one.site)
    async with listener.running():
        await eventually(lambda: died)
        await server.start()
        await listener.tells(one.site, EventsLoaded)
    assert [entry.event for entry in known(listener, one.site)] == [event(1)]


async def test_a_removed_site_tells_no_events(listener: Listener, one: StoreWriter) -> None:
    other = StoreWriter(one.store, f"{one.site}-other")
    for writer in (one, other):
        await writer.lead()
        listener.follower.add(writer.site)
    async with listener.running():
        await listener.tells(one.site, EventsLoaded)
        await listener.tells(other.site, EventsLoaded)
        listener.follower.remove(one.site)
        await one.happens(event(1))
        await other.happens(event(2))
        await hears(listener, other.site, 2)
    assert listener.happened(one.site) == []
