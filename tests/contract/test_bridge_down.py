"""What is written when no bridge is there, on Redis and on the embedded Valkey.

"Red:" names the deliberate fault with which the test was seen to fail.
"""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count
from typing import TypeAlias

import pytest
from redis.asyncio import Redis

from gateway.domain.errors import NotLeader
from gateway.domain.events import NO_EVENT, Event
from gateway.domain.link import bridge_down
from gateway.domain.values import JsonValue, Position, Reading, SiteState
from gateway.store.follow import judge
from gateway.store.redis import SiteStore
from tests.support.store_writer import StoreWriter

Say: TypeAlias = Callable[..., Awaitable[Position | None]]
LEAP = 1_000_000
AT = 1_800_000_100.25
START = {
    "link/state": Reading("up", 1_800_000_000.5),
    "link/reason": Reading(None, 1_700_000_000.0),
    "link/since": Reading(1_800_000_000.5, 1_800_000_000.5),
    "link/dialect": Reading("openwb-2", 1_800_000_000.5),
    "grid/power_w": Reading(-12.5, 1_800_000_050.0),
    "chargepoints/4/limit": Reading({"kind": "soc", "soc_percent": 80, "energy_wh": None}, None),
    "vehicles/1/name": Reading("Käfer", 5.0, stale=True),
}
AFTER = {
    **START,
    "link/state": Reading("bridge_down", AT),
    "link/since": Reading(AT, AT),
    "grid/power_w": Reading(-12.5, 1_800_000_050.0, stale=True),
    "chargepoints/4/limit": Reading({"kind": "soc", "soc_percent": 80, "energy_wh": None}, None, stale=True),
}


@pytest.fixture
def say(store: SiteStore, site: str) -> Say:
    """Say that no bridge is there, each time as another process would."""
    numbers = count(1)

    async def said(at: float = AT) -> Position | None:
        number = next(numbers)
        return await store.bridge_down(site, at=at, epoch=f"down-{number}", batch=f"batch-{number}")

    return said


async def abandoned(one: StoreWriter, known: dict[str, Reading] | None = None) -> Position:
    """An epoch that nobody leads any more."""
    at = await one.lead(START if known is None else known)
    await one.store.release(one.site, one.holder)
    return at


async def readings_of(store: SiteStore, site: str) -> dict[str, Reading]:
    snapshot = await store.load(site)
    assert snapshot is not None
    return snapshot.readings


async def test_all_but_the_link_is_stale_and_the_link_says_why(store: SiteStore, one: StoreWriter, say: Say) -> None:
    at = await abandoned(one)
    assert await say() == Position("down-1", at.seq + LEAP)
    assert await readings_of(store, one.site) == AFTER


async def test_readers_are_woken_and_load_it(store: SiteStore, one: StoreWriter, say: Say) -> None:
    """Red: with the old epoch, or without an entry, in bridge_down.lua."""
    at = await abandoned(one)
    said = await say()
    assert said is not None
    entries = (await store.news_after({one.site: at}, {}, block_ms=1)).changes[one.site]
    assert judge(at, entries) == ([], "epoch")
    snapshot = await store.load(one.site)
    assert snapshot is not None
    assert snapshot.position == said
    changed = ("link/state", "link/since", "grid/power_w", "chargepoints/4/limit")
    assert {key: snapshot.seqs[key] for key in changed} == dict.fromkeys(changed, said.seq)
    assert snapshot.complete_after == said.seq
    assert not SiteState(snapshot).can_resume(at)


async def test_it_is_an_event_that_is_told_with_it(store: SiteStore, one: StoreWriter, say: Say) -> None:
    """Red: without the event in bridge_down.lua, or with it added each time."""
    await abandoned(one)
    said = await asyncio.gather(say(), say(), say())
    seq = next(position.seq for position in said if position is not None)
    [entry] = (await store.events_after(one.site, NO_EVENT, 10)).entries
    details: dict[str, JsonValue] = {"before": "up", "state": "bridge_down", "reason": None}
    assert (entry.event, entry.after_seq) == (Event("link_changed", AT, "link/state", details), seq)
    await one.lead(AFTER | {"grid/power_w": START["grid/power_w"]})
    await store.release(one.site, one.holder)
    assert await say() is not None
    assert len((await store.events_after(one.site, NO_EVENT, 10)).entries) == 1, "the link stands where it stood"


async def test_saying_it_again_changes_nothing(client: Redis, one: StoreWriter, say: Say) -> None:
    await abandoned(one)
    assert await say()
    names = [f"{{{one.site}}}:{name}" for name in ("meta", "latest", "changes")]
    whole = [await client.dump(name) for name in names]
    for at in (AT, AT + 60):
        assert await say(at) is None
    assert whole == [await client.dump(name) for name in names]


async def test_many_at_once_say_it_once(one: StoreWriter, say: Say) -> None:
    await abandoned(one)
    said = await asyncio.gather(*(say(AT + number) for number in range(20)))
    assert sum(position is not None for position in said) == 1


async def test_what_became_live_without_a_word_of_the_link_is_stale_too(one: StoreWriter, say: Say) -> None:
    at = await abandoned(one, AFTER | {"grid/power_w": START["grid/power_w"]})
    assert await say(AT + 60) == Position("down-1", at.seq + LEAP)
    assert await readings_of(one.store, one.site) == AFTER


async def test_a_lease_forbids_it(store: SiteStore, one: StoreWriter, say: Say, two: StoreWriter) -> None:
    """Red: without asking for the lease in bridge_down.lua."""
    await one.lead(START)
    assert await say() is None
    await one.append({"grid/power_w": Reading(5.0)})
    await store.release(one.site, one.holder)
    await two.acquire()
    assert await say() is None, "it is about to open an epoch"


async def test_of_an_unknown_site_nothing_is_said(store: SiteStore, one: StoreWriter, say: Say) -> None:
    assert await say() is None
    await one.acquire()
    await store.release(one.site, one.holder)
    assert await say() is None
    assert await store.load(one.site) is None


async def test_who_led_and_slept_is_refused(client: Redis, store: SiteStore, one: StoreWriter, say: Say) -> None:
    """Red: without raising the fence in bridge_down.lua."""
    await one.lead(START)
    await client.delete(f"{{{one.site}}}:lease")  # it ran out
    await say()
    with pytest.raises(NotLeader):
        await one.append({"grid/power_w": Reading(1.0)})
    assert await readings_of(store, one.site) == AFTER
    fence = one.fence
    assert await one.acquire() == fence + 2
    assert (await one.open(START)).seq > 2_000_000
    assert await readings_of(store, one.site) == START


async def test_a_position_that_was_lost_is_no_place_to_go_on_from(
    client: Redis, store: SiteStore, one: StoreWriter, say: Say
) -> None:
    """The store lost its last entry, and the bridge died with it; a client still holds that position.

    Red: with the old epoch and the next seq in bridge_down.lua.
    """
    await one.lead(START)
    names = [f"{{{one.site}}}:{name}" for name in ("meta", "latest", "changes")]
    dumps = {name: await client.dump(name) for name in names}
    await one.append({"grid/power_w": Reading(4711.0, AT)})
    held = one.position
    await client.delete(*names, f"{{{one.site}}}:lease")
    for name, dump in dumps.items():
        await client.restore(name, 0, dump)  # type: ignore[arg-type]
    await say()
    snapshot = await store.load(one.site)
    assert snapshot is not None
    assert not SiteState(snapshot).can_resume(held)


async def test_it_races_with_a_takeover(store: SiteStore, one: StoreWriter, two: StoreWriter, say: Say) -> None:
    """Whichever comes first: a link that says bridge_down has nothing live below it, and the new leader can lead."""

    async def take_over() -> None:
        await two.acquire()
        await two.open(START)
        await two.append({"grid/power_w": Reading(7.0)})

    for _ in range(30):
        await abandoned(one)
        await asyncio.gather(say(), take_over(), say())
        assert await readings_of(store, one.site) == {**START, "grid/power_w": Reading(7.0)}
        await store.release(two.site, two.holder)


@pytest.mark.parametrize("keys", [0, 9_001])
async def test_sites_of_any_size(store: SiteStore, one: StoreWriter, say: Say, keys: int) -> None:
    """More than a script may unpack at once.

    Red: without the chunks in bridge_down.lua.
    """
    many = {f"raw/{number}": Reading(number) for number in range(keys)}
    await abandoned(one, many)
    assert await say()
    stale = {key: Reading(reading.value, None, stale=True) for key, reading in many.items()}
    assert await readings_of(store, one.site) == stale | bridge_down(AT)


async def test_a_stream_ahead_of_meta_is_leapt_over(client: Redis, one: StoreWriter, say: Say) -> None:
    """Red: without the stream's last id in bridge_down.lua."""
    at = await abandoned(one)
    await client.xadd(f"{{{one.site}}}:changes", {"epoch": "?", "set": b"\x80"}, id=f"{at.seq + 5}-0")
    assert await say() == Position("down-1", at.seq + 5 + LEAP)


async def test_which_sites_are_led(store: SiteStore, one: StoreWriter) -> None:
    sites = ["other", one.site, "another"]
    assert await store.led(sites) == [False, False, False]
    await one.acquire()
    assert await store.led(sites) == [False, True, False]
    assert await store.led([]) == []
