"""What the store promises when the server dies, forgets, freezes, or an answer is lost.

"Red:" names the deliberate fault with which the test was seen to fail.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from redis.asyncio import Redis

from gateway.domain.errors import DataLost, EpochMissing, NotLeader, StoreUnavailable
from gateway.domain.events import NO_EVENT
from gateway.domain.values import Position, Reading
from gateway.store.follow import lost_by
from gateway.store.redis import SiteStore, close_client, open_client
from tests.support.dropping_proxy import DroppingProxy, dropping_proxy
from tests.support.parts import RedisPart
from tests.support.store_writer import StoreWriter, insist, readings

LEAP = 1_000_000
Loss = Callable[[RedisPart, Redis], Awaitable[None]]


async def die_with(server: RedisPart, *, n_bytes: int) -> None:
    await server.kill()
    server.cut_aof_tail(n_bytes)
    await server.start()


async def appended(one: StoreWriter, count: int) -> None:
    for number in range(count):
        await one.append({"a": Reading(number), f"b{number}": Reading("x" * 100)})


async def test_killed_with_its_file_intact_it_goes_on(server: RedisPart, store: SiteStore, one: StoreWriter) -> None:
    """No reset: the writer appends on, in a server that knows its scripts no more."""
    await one.lead()
    await appended(one, 50)
    before = await store.load(one.site)
    await server.kill()
    await server.start()
    assert await insist(lambda: store.load(one.site)) == before
    told, batch = one.seq, one.new_id()
    assert await insist(lambda: one.append({"a": Reading("after")}, batch=batch)) == told + 1
    assert one.position == Position(one.epoch, LEAP + 51)


async def test_a_cut_tail_is_seen_at_the_next_write(server: RedisPart, store: SiteStore, one: StoreWriter) -> None:
    """Red: without the comparison of seq in append.lua."""
    await one.lead(readings(a=-1))
    await appended(one, 50)
    told = one.position
    await die_with(server, n_bytes=1000)
    stands = await insist(lambda: store.position(one.site))
    assert stands is not None
    assert one.seq - 10 < stands.seq < one.seq
    assert lost_by(told, stands) == "epoch"
    with pytest.raises(DataLost):
        await one.append({"a": Reading("after")})
    opened = await one.open(readings(a="all"))
    assert opened.seq == told.seq + LEAP, "beyond what the writer was told, which the server forgot"
    snapshot = await store.load(one.site)
    assert snapshot is not None
    assert (snapshot.position, snapshot.readings) == (opened, readings(a="all"))


async def test_a_cut_tail_that_grew_again_is_seen_too(server: RedisPart, store: SiteStore, one: StoreWriter) -> None:
    """Somebody with the same epoch and fence wrote on beyond what this writer was told.

    Red: with an append.lua that takes any seq + 1 for its own batch. Without the comparison of seq the stream itself
    still refuses, because its ids only grow.
    """
    await one.lead()
    await appended(one, 50)
    await die_with(server, n_bytes=1000)
    stands = await insist(lambda: store.position(one.site))
    assert stands is not None
    twin = StoreWriter(store, one.site, "twin")
    twin.epoch, twin.fence, twin.seq = one.epoch, one.fence, stands.seq
    while twin.seq <= one.seq:
        await twin.append({"a": Reading("twin")})
    with pytest.raises(DataLost):
        await one.append({"a": Reading("mine")})
    assert twin.seq == one.seq + 1
    one.seq -= 1
    with pytest.raises(DataLost):
        await one.append({"a": Reading("mine")})


async def test_a_tail_cut_behind_the_opening_of_an_epoch(
    server: RedisPart, store: SiteStore, one: StoreWriter
) -> None:
    """The server falls back into the epoch before, and into the fence before: that writer is not the leader."""
    await one.lead()
    await appended(one, 5)
    before = server.aof_tail.stat().st_size
    await one.store.release(one.site, one.holder)
    two = StoreWriter(store, one.site, "two")
    await two.lead()
    await appended(two, 5)
    await die_with(server, n_bytes=server.aof_tail.stat().st_size - before)
    with pytest.raises(NotLeader):
        await insist(lambda: two.append({}, batch="the batch"))
    assert await two.acquire() is None, "the lease of before is back as well"
    assert await one.append({}) == LEAP + 6, "and so is its holder, at the very seq it was told"


async def flush_all(server: RedisPart, client: Redis) -> None:
    await client.flushall()


async def restart_without_a_file(server: RedisPart, client: Redis) -> None:
    await server.kill()
    await server.start()


@pytest.mark.parametrize("lose_all", [flush_all, restart_without_a_file])
async def test_everything_lost(make_server: Callable[..., RedisPart], lose_all: Loss, site: str) -> None:
    """Red: without the known seq in open_epoch.lua, and without the known fence in acquire.lua."""
    async with make_server(appendonly=False) as server:
        client = open_client(server.url)
        store = SiteStore(client)
        one = StoreWriter(store, site)
        one.fence = 5
        told = await one.lead(readings(a=1))
        await lose_all(server, client)
        assert await insist(lambda: store.load(site)) is None
        with pytest.raises(EpochMissing):
            await one.append({"a": Reading(2)})
        with pytest.raises(NotLeader):
            await one.open(readings(a=2))  # the lease went too
        assert await one.acquire() == 7
        assert (await one.open(readings(a=2))).seq == told.seq + LEAP
        await one.append({})
        await close_client(client)


@pytest.fixture
async def proxy(server: RedisPart) -> AsyncIterator[DroppingProxy]:
    async with dropping_proxy(server.port) as running:
        yield running


@pytest.fixture
async def far(proxy: DroppingProxy) -> AsyncIterator[SiteStore]:
    """The store over a connection that can lose answers."""
    client = open_client(proxy.url)
    yield SiteStore(client)
    await close_client(client)


async def test_a_lost_answer_to_an_append(
    proxy: DroppingProxy, far: SiteStore, store: SiteStore, client: Redis, site: str
) -> None:
    """The batch had arrived; sent again as it was, it counts once.

    Red: without the comparison of batches in append.lua.
    """
    one = StoreWriter(far, site)
    await one.lead()
    await one.append({})  # the server knows the script now
    told = one.seq
    proxy.drop_answer_to(b"the batch")
    with pytest.raises(StoreUnavailable):
        await one.append({"a": Reading(1)}, batch="the batch")
    assert (await store.position(site), one.seq) == (Position(one.epoch, told + 1), told)
    assert await one.append({"a": Reading(1)}, batch="the batch") == told + 1
    assert await one.append({"a": Reading(2)}) == told + 2
    assert await client.xlen(f"{{{site}}}:changes") == 4
    assert proxy.dropped == 1


async def test_a_lost_answer_to_an_opening(
    proxy: DroppingProxy, far: SiteStore, store: SiteStore, client: Redis, site: str
) -> None:
    """Red: without the comparison of opened_batch in open_epoch.lua."""
    one = StoreWriter(far, site)
    await one.lead()
    proxy.drop_answer_to(b"the batch")
    with pytest.raises(StoreUnavailable):
        await one.open(readings(a=1), epoch="e", batch="the batch")
    assert await store.position(site) == Position("e", 2 * LEAP)
    assert await one.open(readings(a=1), epoch="e", batch="the batch") == Position("e", 2 * LEAP)
    assert await one.set(a=2) == 2 * LEAP + 1
    assert await client.xlen(f"{{{site}}}:changes") == 3


async def test_a_lost_answer_to_an_opening_does_not_help_who_lost_the_lease(
    proxy: DroppingProxy, far: SiteStore, client: Redis, site: str, two: StoreWriter
) -> None:
    one = StoreWriter(far, site)
    await one.lead()
    proxy.drop_answer_to(b"the batch")
    with pytest.raises(StoreUnavailable):
        await one.open(epoch="e", batch="the batch")
    await client.delete(f"{{{site}}}:lease")
    await two.lead()
    with pytest.raises(NotLeader):
        await one.open(epoch="e", batch="the batch")


async def test_a_lost_answer_to_a_taking(proxy: DroppingProxy, far: SiteStore, site: str) -> None:
    one = StoreWriter(far, site)
    assert await one.acquire() == 1
    await far.release(site, one.holder)
    proxy.drop_answer_to(one.holder.encode())
    with pytest.raises(StoreUnavailable):
        await one.acquire()
    assert await one.acquire() == 2, "the fence it was given and never heard of"


async def test_a_frozen_server_is_out_of_reach_until_it_thaws(server: RedisPart, site: str) -> None:
    client = open_client(server.url)
    store = SiteStore(client, answer_s=0.2)
    one = StoreWriter(store, site)
    await one.lead()
    server.freeze()
    batch = one.new_id()
    with pytest.raises(StoreUnavailable):
        await one.append({"a": Reading(1)}, batch=batch)
    with pytest.raises(StoreUnavailable):
        await store.load(site)
    server.thaw()
    assert await insist(lambda: one.append({"a": Reading(1)}, batch=batch)) == LEAP + 1
    await close_client(client)


async def test_a_dead_server_is_out_of_reach(server: RedisPart, store: SiteStore, one: StoreWriter) -> None:
    await one.lead()
    await server.kill()
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: one.append({}),
        one.open,
        one.acquire,
        lambda: store.renew(one.site, one.holder, 1000),
        lambda: store.release(one.site, one.holder),
        lambda: store.load(one.site),
        lambda: store.position(one.site),
        lambda: store.news_after({one.site: one.position}, {}, block_ms=1),
        lambda: store.events_after(one.site, NO_EVENT, 1),
        lambda: store.newest_events(one.site, 1),
    ]
    for call in calls:
        with pytest.raises(StoreUnavailable, match="out of reach") as told:
            await call()
        assert "127.0.0.1" not in told.value.message


async def test_a_full_store_refuses_and_changes_nothing(make_server: Callable[..., RedisPart], site: str) -> None:
    async with make_server(options=("--maxmemory", "20mb", "--maxmemory-policy", "noeviction")) as server:
        client = open_client(server.url)
        store = SiteStore(client, answer_s=30)
        one = StoreWriter(store, site)
        await one.lead(readings(a=0))

        async def fill() -> None:
            for number in range(1000):
                await one.append({f"k{number}": Reading("x" * 100_000)})

        with pytest.raises(StoreUnavailable, match="takes no writes: its memory is full"):
            await fill()
        snapshot = await store.load(site)
        assert snapshot is not None
        assert snapshot.position == one.position
        await client.config_set("maxmemory", "100mb")
        await one.set(a=1)
        await close_client(client)


@pytest.mark.parametrize("packed", [b"", b"0\x93\x01", b"?"])
async def test_what_cannot_be_read_is_said_to_be_so(
    client: Redis, store: SiteStore, one: StoreWriter, packed: bytes
) -> None:
    await one.lead()
    await client.hset(f"{{{one.site}}}:latest", "a", packed)
    with pytest.raises(StoreUnavailable, match="cannot read"):
        await store.load(one.site)
    before = one.position
    await client.xadd(f"{{{one.site}}}:changes", {"set": packed}, id=f"{one.seq + 1}-0")
    with pytest.raises(StoreUnavailable, match="cannot read"):
        await store.news_after({one.site: before}, {}, block_ms=1)


async def test_a_server_that_still_loads_is_out_of_reach(server: RedisPart, site: str) -> None:
    """Whatever it says meanwhile; and then everything is there."""
    client = open_client(server.url)
    store = SiteStore(client)
    one = StoreWriter(store, site)
    await one.lead()
    await appended(one, 300)
    await server.kill()
    server.spawn()
    assert await insist(lambda: store.position(site)) == one.position
    await close_client(client)


async def test_no_cancellation_is_swallowed(server: RedisPart, site: str) -> None:
    """At whatever step of a call or of a connection it comes.

    Red: with a socket timeout in open_client, on Python 3.11.
    """

    async def ask_for_ever() -> None:
        while True:
            client = open_client(server.url)
            try:
                for _ in range(3):
                    await SiteStore(client).position(site)
            finally:
                await close_client(client)

    for ticks in range(150):
        task = asyncio.create_task(ask_for_ever())
        for _ in range(ticks):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task], timeout=5)
        assert task.cancelled()
