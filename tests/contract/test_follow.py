"""What a follower tells, against real servers that die, forget and freeze.

"Red:" names the deliberate fault with which the test was seen to fail.
"""

import pytest
from redis.asyncio import Redis

from gateway.domain.errors import DataLost
from gateway.domain.values import Delta, Reading
from gateway.store.follow import Absent, Loaded, Reachable, Step, Unreachable
from gateway.store.redis import SiteStore
from tests.support.listener import Listener
from tests.support.parts import RedisPart
from tests.support.store_writer import StoreWriter, insist, readings


async def test_a_snapshot_then_every_delta(listener: Listener, one: StoreWriter) -> None:
    """While it begins, somebody writes."""
    await one.lead(readings(a=-1))
    async with listener.running():
        for number in range(600):
            if number == 20:
                listener.follower.add(one.site)
            await one.append({"a": Reading(number), f"k{number % 9}": Reading(number) if number % 4 else None})
        await listener.reaches(one.site, one.position)
    snapshot = await one.store.load(one.site)
    assert snapshot is not None
    assert listener.states[one.site].readings == snapshot.readings
    assert listener.kinds(one.site) == ["Loaded", "Delta"]


async def test_a_site_that_nobody_writes_yet(listener: Listener, one: StoreWriter) -> None:
    listener.follower.add(one.site)
    async with listener.running():
        await listener.tells(one.site, Absent)
        await one.acquire()
        await one.open(readings(a=1))
        await listener.reaches(one.site, one.position)
        await one.set(a=2)
        await listener.reaches(one.site, one.position)
    assert listener.kinds(one.site) == ["Absent", "Loaded", "Delta"], (
        "absent is said once, and the first has no reason"
    )


async def test_deltas_do_not_wait_for_a_poll(patient: Listener, one: StoreWriter) -> None:
    patient.follower.add(one.site)
    await one.lead()
    async with patient.running():
        await patient.tells(one.site, Loaded)
        await one.set(a=1)
        await patient.reaches(one.site, one.position)
        await one.open(readings(a=2))
        await patient.reaches(one.site, one.position)
    assert patient.kinds(one.site) == ["Loaded", "Delta", "Loaded epoch"]


async def test_a_site_is_added_while_the_connection_waits(patient: Listener, one: StoreWriter) -> None:
    """Red: with an add that leaves the blocked read alone."""
    other = StoreWriter(one.store, f"{one.site}-other")
    await one.lead(readings(a=1))
    await other.lead(readings(b=1))
    async with patient.running():
        patient.follower.add(one.site)
        await patient.tells(one.site, Loaded)
        patient.follower.add(other.site)
        patient.follower.add(other.site)
        patient.follower.add("nobody writes it")
        await patient.tells(other.site, Loaded)
        await patient.tells("nobody writes it", Absent)
        await one.set(a=2)
        await other.set(b=2)
        await patient.reaches(one.site, one.position)
        await patient.reaches(other.site, other.position)
    assert patient.kinds(one.site) == patient.kinds(other.site) == ["Loaded", "Delta"]


async def test_adding_sites_all_the_time_loses_nothing(listener: Listener, one: StoreWriter) -> None:
    """Each cuts a read short that may just have been answered; a gap would raise in ``SiteState.apply``."""
    await one.lead()
    listener.follower.add(one.site)
    async with listener.running():
        await listener.tells(one.site, Loaded)
        for number in range(300):
            await one.set(a=number)
            listener.follower.add(f"other-{number}")
            if number % 2:
                listener.follower.remove(f"other-{number - 1}")
        await listener.reaches(one.site, one.position)
    assert listener.kinds(one.site) == ["Loaded", "Delta"]


async def test_a_removed_site_tells_nothing_more(listener: Listener, one: StoreWriter) -> None:
    other = StoreWriter(one.store, f"{one.site}-other")
    await one.lead()
    await other.lead()
    listener.follower.add(one.site)
    listener.follower.add(other.site)
    async with listener.running():
        await listener.tells(one.site, Loaded)
        await listener.tells(other.site, Loaded)
        listener.follower.remove(one.site)
        await one.set(a=1)
        await other.set(a=1)
        await listener.reaches(other.site, other.position)
        assert listener.kinds(one.site) == ["Loaded"]
        listener.follower.add(one.site)
        await listener.reaches(one.site, one.position)
    assert listener.kinds(one.site) == ["Loaded", "Loaded"], "it begins anew"


async def test_a_site_removed_by_its_own_step(store: SiteStore, server: RedisPart, one: StoreWriter) -> None:
    """One read brings many deltas; behind the removal none of them is told."""
    listener = Listener(store, server.url)
    removing = False

    def on_step(site: str, step: Step) -> None:
        listener.on_step(site, step)
        if removing and isinstance(step, Delta):
            listener.follower.remove(site)

    await one.lead()
    listener.follower.add(one.site)
    async with listener.running(on_step):
        await listener.tells(one.site, Loaded)
    for number in range(10):
        await one.set(a=number)
    removing = True
    async with listener.running(on_step):
        await listener.tells(one.site, Delta)
        listener.follower.add("another")
        await listener.tells("another", Absent)
    assert sum(isinstance(step, Delta) for step in listener.steps[one.site]) == 1


# --- the place is lost


async def test_a_new_epoch_while_nobody_listened(listener: Listener, one: StoreWriter) -> None:
    """Red: with a judge and a lost_by that compare seqs only."""
    await one.lead(readings(a=1))
    listener.follower.add(one.site)
    async with listener.running():
        await listener.tells(one.site, Loaded)
    await one.open(readings(b=1))
    async with listener.running():
        await listener.reaches(one.site, one.position)
    assert listener.kinds(one.site) == ["Loaded", "Loaded epoch"]
    assert listener.states[one.site].readings == readings(b=1)


async def test_the_last_deltas_of_an_epoch_are_told_although_meta_is_beyond_it(
    listener: Listener, one: StoreWriter
) -> None:
    """Red: with an ``_ask`` that loads at once. More of them than one read brings."""
    await one.lead(readings(a=0))
    listener.follower.add(one.site)
    async with listener.running():
        await listener.tells(one.site, Loaded)
    for number in range(1, 701):
        await one.set(a=number)
    await one.open(readings(a=-1))
    async with listener.running():
        await listener.reaches(one.site, one.position)
    deltas = [step for step in listener.steps[one.site] if isinstance(step, Delta)]
    told = [reading.value for step in deltas if (reading := step.changes["a"])]
    assert told == list(range(1, 701))
    assert listener.kinds(one.site) == ["Loaded", "Delta", "Loaded epoch"]


async def test_trimmed_past_a_reader(listener: Listener, client: Redis, one: StoreWriter) -> None:
    """Red: with a judge that does not compare seqs."""
    await one.lead(readings(a=0))
    listener.follower.add(one.site)
    async with listener.running():
        await listener.tells(one.site, Loaded)
    for number in range(20):
        await one.set(a=number, **{f"k{number}": number})
    await client.xtrim(f"{{{one.site}}}:changes", maxlen=5, approximate=False)
    async with listener.running():
        await listener.reaches(one.site, one.position)
    assert listener.kinds(one.site) == ["Loaded", "Loaded trimmed"]
    assert len(listener.states[one.site].readings) == 21


async def test_the_stream_is_trimmed_as_it_grows(server: RedisPart, client: Redis, site: str) -> None:
    store = SiteStore(client, stream_length=10)
    one, listener = StoreWriter(store, site), Listener(store, server.url)
    await one.lead()
    listener.follower.add(site)
    async with listener.running():
        await listener.tells(site, Loaded)
    for number in range(500):
        await one.set(a=number)
    assert await client.xlen(f"{{{site}}}:changes") < 200, "about ten: Redis trims whole blocks of a hundred"
    async with listener.running():
        await listener.reaches(site, one.position)
    assert listener.kinds(site) == ["Loaded", "Loaded trimmed"]


async def test_a_stream_that_vanished(listener: Listener, client: Redis, one: StoreWriter) -> None:
    """No entry tells of it; meta promises more than the stream holds.

    Red: without the comparison of promised_seq.
    """
    await one.lead(readings(a=0))
    listener.follower.add(one.site)
    async with listener.running():
        await listener.tells(one.site, Loaded)
    await one.set(a=1)
    await client.delete(f"{{{one.site}}}:changes")
    async with listener.running():
        await listener.reaches(one.site, one.position)
        await one.set(a=2)
        await listener.reaches(one.site, one.position)
    assert listener.kinds(one.site) == ["Loaded", "Loaded trimmed", "Delta"]


async def test_a_lost_tail(server: RedisPart, listener: Listener, one: StoreWriter) -> None:
    """The store falls back behind the reader; then the writer notices and opens an epoch.

    Red: with a lost_by that compares epochs only.
    """
    await one.lead(readings(a=-1))
    listener.follower.add(one.site)
    async with listener.running():
        for number in range(50):
            await one.append({"a": Reading(number), f"k{number}": Reading("x" * 100)})
        await listener.reaches(one.site, one.position)
        await server.kill()
        server.cut_aof_tail(1000)
        await server.start()
        await listener.tells(one.site, Loaded, 2)
        stands = await insist(lambda: one.store.load(one.site))
        assert stands is not None
        assert listener.states[one.site].position == stands.position
        assert listener.states[one.site].readings == stands.readings
        with pytest.raises(DataLost):
            await one.set(a="after")
        await one.open(readings(a="all"))
        await one.set(b=1)
        await listener.reaches(one.site, one.position)
    kinds = ["Loaded", "Delta", "Unreachable", "Reachable", "Loaded epoch", "Loaded epoch", "Delta"]
    assert listener.kinds(one.site) in (kinds, kinds[:-1])
    assert listener.states[one.site].readings == readings(a="all", b=1)


async def test_a_lost_tail_written_over_before_the_reader_is_back(
    server: RedisPart, listener: Listener, one: StoreWriter
) -> None:
    """The very next seq exists again, with other contents: only the epoch in each entry tells.

    Red: with a judge and a lost_by that do not compare epochs.
    """
    await one.lead(readings(a=-1))
    listener.follower.add(one.site)
    async with listener.running():
        for number in range(50):
            await one.append({"a": Reading(number), f"k{number}": Reading("x" * 100)})
        await listener.reaches(one.site, one.position)
    held = one.position
    await server.kill()
    server.cut_aof_tail(1000)
    await server.start()
    script = "redis.call('HSET', KEYS[1], 'epoch', 'next')"  # an opening without its leap
    await insist(lambda: one.store._redis.eval(script, 1, f"{{{one.site}}}:meta"))
    twin = StoreWriter(one.store, one.site, "twin")
    stands = await one.store.position(one.site)
    assert stands is not None
    twin.epoch, twin.fence, twin.seq = "next", one.fence, stands.seq
    while twin.seq < held.seq + 5:
        await twin.set(a="other")
    async with listener.running():
        await listener.reaches(one.site, twin.position)
    assert "Loaded epoch" in listener.kinds(one.site)
    snapshot = await one.store.load(one.site)
    assert snapshot is not None
    assert listener.states[one.site].readings == snapshot.readings


async def test_everything_lost(listener: Listener, client: Redis, one: StoreWriter) -> None:
    await one.lead(readings(a=1))
    listener.follower.add(one.site)
    async with listener.running():
        await listener.tells(one.site, Loaded)
        await client.flushall()
        await listener.tells(one.site, Absent)
        await one.lead(readings(a=2))
        await listener.reaches(one.site, one.position)
    assert listener.kinds(one.site) == ["Loaded", "Absent", "Loaded epoch"]


async def test_everything_lost_and_written_anew_from_a_lower_seq(
    patient: Listener, client: Redis, one: StoreWriter, two: StoreWriter
) -> None:
    """The stream will never again reach the reader's position: after the reconnect meta tells.

    Red: without the known seq in open_epoch.lua.
    """
    one.seq = 50_000_000
    await one.lead(readings(a=1))
    patient.follower.add(one.site)
    async with patient.running():
        await patient.tells(one.site, Loaded)
    await client.flushall()
    await two.lead(readings(a=2))
    assert two.seq < one.seq
    async with patient.running():
        await patient.reaches(two.site, two.position)
    assert patient.kinds(one.site) == ["Loaded", "Loaded epoch"]


# --- out of reach


async def test_killed_with_its_file_intact_it_goes_on(
    server: RedisPart, listener: Listener, one: StoreWriter
) -> None:
    await one.lead(readings(a=0))
    listener.follower.add(one.site)
    async with listener.running():
        await listener.tells(one.site, Loaded)
        await one.set(a=1)
        await listener.reaches(one.site, one.position)
        await server.kill()
        await listener.tells(one.site, Unreachable)
        await server.start()
        batch = one.new_id()
        await insist(lambda: one.append({"a": Reading(2)}, batch=batch))
        await listener.reaches(one.site, one.position)
    assert listener.kinds(one.site) == ["Loaded", "Delta", "Unreachable", "Reachable", "Delta"], "no reset"


async def test_a_frozen_server_is_noticed_and_heals(server: RedisPart, listener: Listener, one: StoreWriter) -> None:
    """Red: without the deadline around a call in redis.py."""
    await one.lead(readings(a=0))
    listener.follower.add(one.site)
    async with listener.running():
        await listener.tells(one.site, Loaded)
        server.freeze()
        await listener.tells(one.site, Unreachable)
        listener.follower.add("another")
        await listener.tells("another", Unreachable)
        server.thaw()
        await listener.tells(one.site, Reachable)
        await one.set(a=1)
        await listener.reaches(one.site, one.position)
        await listener.tells("another", Absent)
    assert listener.kinds(one.site) == ["Loaded", "Unreachable", "Reachable", "Delta"]
    assert listener.kinds("another") == ["Unreachable", "Reachable", "Absent"]


async def test_what_cannot_be_read_is_out_of_reach_too(listener: Listener, client: Redis, one: StoreWriter) -> None:
    await one.lead(readings(a=0))
    listener.follower.add(one.site)
    await client.hset(f"{{{one.site}}}:latest", "a", "?")
    async with listener.running():
        await listener.tells(one.site, Unreachable)
        [unreachable] = listener.steps[one.site]
        assert isinstance(unreachable, Unreachable)
        assert "cannot read" in unreachable.reason
        await one.open(readings(a=1))
        await listener.reaches(one.site, one.position)


async def test_many_sites_share_one_connection(listener: Listener, client: Redis, store: SiteStore) -> None:
    writers = [StoreWriter(store, f"s{number}") for number in range(30)]
    async with listener.running():
        for one in writers:
            await one.lead()
            listener.follower.add(one.site)
        for one in writers:
            await one.set(a=1)
        for one in writers:
            await listener.reaches(one.site, one.position)
        assert len(await client.client_list()) == 2, "the writers' and the follower's"
