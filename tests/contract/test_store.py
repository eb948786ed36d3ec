"""What ``store/redis.py`` promises writers and readers, on Redis and on the embedded Valkey.

"Red:" names the deliberate fault with which the test was seen to fail.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from importlib import resources
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.domain.errors import DataLost, EpochMissing, NotLeader
from gateway.domain.values import Changes, Delta, Position, Reading, SiteState
from gateway.store.follow import judge
from gateway.store.redis import SiteStore, Writer, close_client, open_client
from tests.support.parts import RedisPart, free_port
from tests.support.store_writer import StoreWriter, readings
from tests.support.waiting import eventually

LEAP = 1_000_000


async def test_of_an_unknown_site_nothing_is_known(store: SiteStore, site: str) -> None:
    assert await store.load(site) is None
    assert await store.position(site) is None


async def test_a_lease_alone_is_no_epoch(store: SiteStore, one: StoreWriter) -> None:
    await one.acquire()
    assert await store.load(one.site) is None
    with pytest.raises(EpochMissing):
        await store.append(one.site, Writer("e", one.fence, 0), "b", {})


async def test_what_is_written_is_loaded(store: SiteStore, one: StoreWriter) -> None:
    first = {"gone": Reading(1), "kept": Reading([1.5, None, "x"], 3.25, stale=True), "unknown": Reading(None)}
    opened = await one.lead(first)
    assert opened == Position(one.epoch, LEAP)
    seq = await one.append({"gone": None, "new": Reading({"kind": "none"}, 4.5)})
    assert seq == LEAP + 1

    snapshot = await store.load(one.site)
    assert snapshot is not None
    assert snapshot.position == Position(one.epoch, seq)
    assert snapshot.readings == {
        "kept": first["kept"],
        "unknown": Reading(None),
        "new": Reading({"kind": "none"}, 4.5),
    }
    assert snapshot.seqs == {"kept": LEAP, "unknown": LEAP, "new": seq}
    assert snapshot.removed == {"gone": seq}
    assert snapshot.complete_after == LEAP
    assert await store.position(one.site) == snapshot.position


async def test_many_thousand_keys_in_one_call(store: SiteStore, one: StoreWriter) -> None:
    """More than a script may unpack at once."""
    many: Changes = {f"raw/{number}": Reading(number) for number in range(9001)}
    await one.lead({key: reading for key, reading in many.items() if reading})
    await one.append(many)
    snapshot = await store.load(one.site)
    assert snapshot is not None
    assert snapshot.readings == many
    await one.append(dict.fromkeys(many))
    snapshot = await store.load(one.site)
    assert snapshot is not None
    assert snapshot.readings == {}
    assert set(snapshot.removed) == set(many)


async def test_an_epoch_replaces_everything(store: SiteStore, one: StoreWriter) -> None:
    """Red: without the DEL in open_epoch.lua."""
    await one.lead(readings(a=1, b=2))
    await one.append({"c": Reading(3)})
    await one.open(readings(b=2))
    snapshot = await store.load(one.site)
    assert snapshot is not None
    assert snapshot.readings == readings(b=2)
    assert snapshot.seqs == {"b": one.seq}
    assert snapshot.removed == {}, "what went with the old epoch is not told: the floor is the opening"
    assert snapshot.complete_after == one.seq


async def test_a_snapshot_tells_removals_of_its_own_epoch_only(store: SiteStore, one: StoreWriter) -> None:
    """Red: with neither comparison in packing.removals."""
    await one.lead(readings(a=1, b=2))
    await one.append({"a": None})
    await one.open(readings(b=2))
    await one.append({"b": None})
    snapshot = await store.load(one.site)
    assert snapshot is not None
    assert snapshot.removed == {"b": one.seq}
    assert snapshot.complete_after == one.seq - 1


async def test_a_snapshot_reaches_back_as_far_as_its_ring(client: Redis, site: str) -> None:
    store = SiteStore(client, ring=3)
    one = StoreWriter(store, site)
    await one.lead(readings(a=1, b=2, c=3))
    await one.append({"a": None})
    await one.append({"b": None})
    await one.append({"c": None})
    await one.append({"c": Reading(4)})
    snapshot = await store.load(site)
    assert snapshot is not None
    assert snapshot.removed == {"b": one.seq - 2}, "a is beyond the ring, c is back"
    assert snapshot.complete_after == one.seq - 3
    assert SiteState(snapshot).since(snapshot.complete_after, bool) == {"b": None, "c": Reading(4)}


async def test_changes_after_a_snapshot_lead_to_the_next_one(store: SiteStore, one: StoreWriter) -> None:
    await one.lead(readings(a=0))
    before = await store.load(one.site)
    assert before is not None
    for number in range(1200):
        await one.append({"a": Reading(number), f"k{number % 7}": Reading(number) if number % 3 else None})
    state = SiteState(before)
    while entries := (await store.news_after({one.site: state.position}, {}, block_ms=1)).changes.get(one.site):
        deltas, lost = judge(state.position, entries)
        assert lost is None
        assert len(deltas) == len(entries) <= 500
        for delta in deltas:
            state.apply(delta)
    after = await store.load(one.site)
    assert after is not None
    assert (state.position, state.readings) == (after.position, after.readings)


async def test_a_blocked_read_wakes_for_the_opening_of_an_epoch(store: SiteStore, one: StoreWriter) -> None:
    at = await one.lead()
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(store.news_after({one.site: at}, {}, block_ms=4000))
        await eventually(lambda: store.position(one.site))
        await one.open(epoch="new")
    assert [(entry.epoch, entry.seq) for entry in reading.result().changes[one.site]] == [("new", one.seq)]


# --- who may write


@pytest.mark.parametrize("wrong", [Writer("other", 1, LEAP), Writer("e", 2, LEAP), Writer("e", 0, LEAP)])
async def test_another_epoch_or_fence_may_not_write(store: SiteStore, one: StoreWriter, wrong: Writer) -> None:
    """Red: without the comparison of epoch and fence in append.lua."""
    await one.acquire()
    await one.open(epoch="e")
    with pytest.raises(NotLeader):
        await store.append(one.site, wrong, "b", {"a": Reading(1)})
    assert await store.position(one.site) == Position("e", LEAP)


@pytest.mark.parametrize("told", [LEAP - 1, LEAP, LEAP + 2, 0])
async def test_another_seq_than_expected_is_lost_data(store: SiteStore, one: StoreWriter, told: int) -> None:
    """Red: without the comparison of seq in append.lua."""
    await one.lead()
    await one.append({"a": Reading(1)})
    with pytest.raises(DataLost):
        await store.append(one.site, Writer(one.epoch, one.fence, told), "another", {"a": Reading(2)})
    snapshot = await store.load(one.site)
    assert snapshot is not None
    assert (snapshot.position, snapshot.readings) == (one.position, {"a": Reading(1)})


async def test_a_stream_ahead_of_meta_is_lost_data(client: Redis, one: StoreWriter) -> None:
    """Red: with call instead of pcall in append.lua."""
    await one.lead()
    await client.xadd(f"{{{one.site}}}:changes", {"epoch": "?", "set": b"\x80"}, id=f"{one.seq + 5}-0")
    with pytest.raises(DataLost):
        await one.append({"a": Reading(1)})
    before = one.seq
    await one.open()
    assert one.seq == before + 5 + LEAP, "it leaps beyond the stream too"


async def test_an_identical_batch_counts_once(client: Redis, store: SiteStore, one: StoreWriter) -> None:
    """Red: without the comparison of batches in append.lua."""
    await one.lead()
    writer, changes = one.writer, readings(a=1)
    first = await store.append(one.site, writer, "the batch", dict(changes))
    assert await store.append(one.site, writer, "the batch", dict(changes)) == first
    assert await client.xlen(f"{{{one.site}}}:changes") == 2


async def test_an_identical_opening_counts_once(client: Redis, store: SiteStore, one: StoreWriter) -> None:
    """Red: without the comparison of opened_batch in open_epoch.lua."""
    await one.acquire()
    first = await one.open(readings(a=1), epoch="e", batch="the batch")
    assert await one.open(readings(a=1), epoch="e", batch="the batch") == first
    assert await client.xlen(f"{{{one.site}}}:changes") == 1
    assert await one.open(readings(a=1), epoch="f", batch="another") == Position("f", first.seq + LEAP)


async def test_an_epoch_leaps_beyond_what_the_writer_was_told(store: SiteStore, one: StoreWriter) -> None:
    """Red: without the known seq in open_epoch.lua."""
    one.seq = 77 * LEAP
    assert (await one.lead()).seq == 78 * LEAP


async def test_an_epoch_leaps_beyond_a_stream_that_was_trimmed_empty(
    client: Redis, store: SiteStore, one: StoreWriter
) -> None:
    """Such a stream still refuses ids below its last one."""
    await one.lead()
    await client.xtrim(f"{{{one.site}}}:changes", maxlen=0, approximate=False)
    await client.delete(f"{{{one.site}}}:meta")
    fence = await store.acquire(one.site, one.holder, 60_000, 0)
    assert fence is not None
    position = await store.open_epoch(
        one.site, holder=one.holder, fence=fence, batch="again", known_seq=0, readings={}, epoch="another"
    )
    assert position.seq >= one.position.seq + 1_000_000


async def test_only_the_holder_of_the_lease_opens_an_epoch(one: StoreWriter, two: StoreWriter) -> None:
    """Red: without the comparison of the lease in open_epoch.lua."""
    with pytest.raises(NotLeader):
        await one.open()
    await one.lead()
    two.fence = one.fence + 1
    with pytest.raises(NotLeader):
        await two.open()
    await one.store.release(one.site, one.holder)
    with pytest.raises(NotLeader):
        await one.open()


async def test_a_fence_below_the_highest_opens_nothing(client: Redis, one: StoreWriter) -> None:
    """A script that may write without a lease raises the fence: so does this test.

    Red: without the comparison of fences in open_epoch.lua.
    """
    await one.lead()
    await client.hset(f"{{{one.site}}}:meta", "fence", "2")
    with pytest.raises(NotLeader):
        await one.open()
    with pytest.raises(NotLeader):
        await one.append({})


async def test_the_lease_is_one_holders_at_a_time(store: SiteStore, one: StoreWriter, two: StoreWriter) -> None:
    """Red: with a renew.lua or a release.lua that does not ask whose it is."""
    assert await one.acquire() == 1
    assert await two.acquire() is None
    assert not await store.renew(two.site, two.holder, 60_000)
    await store.release(two.site, two.holder)
    assert await two.acquire() is None
    assert await store.renew(one.site, one.holder, 60_000)
    await store.release(one.site, one.holder)
    assert not await store.renew(one.site, one.holder, 60_000)
    assert await two.acquire() == 2
    assert await one.acquire() is None


async def test_who_holds_the_lease_keeps_the_fence(client: Redis, one: StoreWriter) -> None:
    await one.lead()
    assert await one.store.acquire(one.site, one.holder, 90_000, known_fence=0) == one.fence
    await one.append({})
    assert await client.pttl(f"{{{one.site}}}:lease") > 60_000, "and the lease is prolonged"


async def test_a_fence_grows_beyond_what_the_holder_knows(one: StoreWriter) -> None:
    """The store lost what it gave out; both a new and a kept lease must outbid it.

    Red: without the known fence in acquire.lua.
    """
    one.fence = 41
    assert await one.acquire() == 42
    one.fence = 50
    assert await one.acquire() == 51


async def test_a_paused_leader_wakes_and_is_refused(
    client: Redis, store: SiteStore, one: StoreWriter, two: StoreWriter
) -> None:
    """Red: with an acquire.lua that does not raise the fence."""
    await one.lead(readings(a="before"))
    await client.delete(f"{{{one.site}}}:lease")  # it ran out while the leader slept
    assert await two.acquire() == one.fence + 1
    with pytest.raises(NotLeader):  # from the moment of the taking, not only of the opening
        await one.set(a="from the dead")
    await two.open(readings(a="alive"))
    with pytest.raises(NotLeader):
        await one.set(a="from the dead")
    with pytest.raises(NotLeader):
        await one.open(readings(a="from the dead"))
    assert not await store.renew(one.site, one.holder, 60_000)
    await two.set(b=1)
    snapshot = await store.load(two.site)
    assert snapshot is not None
    assert (snapshot.position, snapshot.readings) == (two.position, readings(a="alive", b=1))


async def test_a_lease_runs_out_by_itself(one: StoreWriter, two: StoreWriter) -> None:
    assert await one.acquire(lease_ms=50)
    assert await eventually(two.acquire) == one.fence + 1
    assert not await one.store.renew(one.site, one.holder, 60_000)


async def test_nothing_depends_on_our_clock(client: Redis, one: StoreWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids, order and leases are the same when the wall clock is set back by an hour between two writes."""
    await one.lead()
    start = one.seq
    now = time.time()
    for shift_s in (0, -3600, 7200):
        monkeypatch.setattr(time, "time", lambda shift_s=shift_s: now + shift_s)
        assert await one.store.renew(one.site, one.holder, 60_000)
        await one.append({"a": Reading(shift_s)})
        assert 50_000 < await client.pttl(f"{{{one.site}}}:lease") <= 60_000
    ids = [name for name, _ in await client.xrange(f"{{{one.site}}}:changes") or ()]
    assert ids == [f"{start + number}-0".encode() for number in range(4)]


@pytest.mark.parametrize("name", ["append", "open_epoch", "acquire", "renew", "release", "bridge_down"])
def test_no_script_asks_for_the_time_or_lets_the_server_choose_an_id(name: str) -> None:
    source = resources.files("gateway.store").joinpath(f"{name}.lua").read_text()
    assert "'TIME'" not in source
    assert "'*'" not in source


async def test_every_key_lies_in_one_slot(make_server: Callable[..., RedisPart], site: str) -> None:
    """A cluster refuses scripts and transactions over several slots, and keys that were not declared."""
    options = ("--cluster-enabled", "yes", "--cluster-port", str(free_port()))
    async with make_server(options=options) as part:
        client = open_client(part.url)
        ask: Callable[..., Awaitable[Any]] = client.execute_command
        await ask("CLUSTER ADDSLOTSRANGE", 0, 16383)

        async def ready() -> bool:
            return bool((await ask("CLUSTER INFO"))["cluster_state"] == "ok")

        await eventually(ready)
        store = SiteStore(client)
        one = StoreWriter(store, site)
        at = await one.lead(readings(a=1))
        await one.append({"a": None})
        snapshot = await store.load(site)
        assert snapshot is not None
        assert snapshot.removed == {"a": one.seq}
        [entry] = (await store.news_after({site: at}, {}, block_ms=1)).changes[site]
        assert judge(at, [entry]) == ([Delta(one.epoch, at.seq, one.seq, {"a": None})], None)
        await store.release(site, one.holder)
        assert await store.led([site, f"{site}-other"]) == [False, False]
        assert await store.bridge_down(site, at=5.0, epoch="down", batch="b") is not None
        await close_client(client)
