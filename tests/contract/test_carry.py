"""The way of a stream into SQLite and MariaDB alike: each entry once, whatever fails where."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from gateway.db import samples
from gateway.domain.errors import DatabaseUnavailable, StoreUnavailable
from gateway.store.samples import SampleQueue, Undecodable, unpack_sample
from recorder.carry import Pace
from recorder.writer import SampleStream
from tests.contract.test_db import url
from tests.support.carrying import (
    FIRST_MS,
    PERIOD_MS,
    QUICK,
    Carrying,
    ListStream,
    MoodyDatabase,
    bad_in,
    sample,
    slots_in,
)
from tests.support.queued import append
from tests.support.waiting import eventually

__all__ = ["url"]


@pytest.fixture
async def database(url: str) -> AsyncIterator[MoodyDatabase]:
    database = MoodyDatabase(url)
    await database.migrate()
    yield database
    await database.dispose()


def stream_of(count: int) -> ListStream:
    return ListStream(sample(number) for number in range(count))


@asynccontextmanager
async def running(*carrying: Carrying) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(one.carrier.run()) for one in carrying]
    yield
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def test_all_is_carried_in_batches_and_then_let_go(database: MoodyDatabase) -> None:
    stream = stream_of(10)
    one = Carrying(database, stream, now=FIRST_MS / 1000 + 660)
    assert [await one.carrier.carry() for _ in range(4)] == [True, True, False, False]
    assert await slots_in(database) == list(range(10))
    assert stream.entries == {}
    assert one.carrier.waiting == 0
    assert one.tables.lag.count == 10
    assert one.tables.lag.total == sum(range(60, 660, 60))


async def test_what_was_committed_and_not_let_go_is_let_go_later(database: MoodyDatabase) -> None:
    stream = stream_of(3)
    stream.cannot_trim = True
    one = Carrying(database, stream)
    with pytest.raises(StoreUnavailable):
        await one.all()
    assert await slots_in(database) == []
    stream.cannot_trim = False
    assert not await one.carrier.carry()
    stream.cannot_trim = True
    stream.entries.update({one.slot: one for one in (sample(3), sample(4))})
    with pytest.raises(StoreUnavailable):
        await one.all()
    assert await slots_in(database) == [0, 1, 2, 3, 4]
    stream.cannot_trim = False
    another = Carrying(database, stream)
    await another.all()
    assert stream.entries == {}
    assert await slots_in(database) == [0, 1, 2, 3, 4]


async def test_a_commit_that_was_not_answered_counts(database: MoodyDatabase) -> None:
    one = Carrying(database, stream_of(9))
    database.fails_after = 1
    with pytest.raises(DatabaseUnavailable):
        await one.carrier.carry()
    await one.all()
    assert await slots_in(database) == list(range(9))
    assert one.tables.lag.count == 9 - QUICK.most_entries, "what was not answered is not counted"


async def test_two_at_once_write_each_entry_once(database: MoodyDatabase) -> None:
    stream = stream_of(60)
    both = [Carrying(database, stream) for _ in range(2)]
    await asyncio.gather(*(one.all() for one in both))
    assert await slots_in(database) == list(range(60))
    assert stream.entries == {}


async def test_sites_are_carried_apart(database: MoodyDatabase) -> None:
    north, south = stream_of(3), stream_of(5)
    await asyncio.gather(Carrying(database, north, site="north").all(), Carrying(database, south, site="south").all())
    assert await slots_in(database, "north") == list(range(3))
    assert await slots_in(database, "south") == list(range(5))


async def test_what_cannot_be_read_is_kept_and_keeps_nobody(database: MoodyDatabase) -> None:
    slot = FIRST_MS + PERIOD_MS
    stream = ListStream([sample(0), Undecodable(slot, "no msgpack" * 99, b"\xff\x00"), sample(3)])
    spoilt = sample(2, a=float("inf"))
    stream.entries[spoilt.slot] = spoilt
    one = Carrying(database, stream)
    with capture_logs() as logs:
        await one.all()
    assert await slots_in(database) == [0, 3]
    first, second = await bad_in(database)
    assert first == (slot, ("no msgpack" * 99)[:255], b"\xff\x00")
    assert second[1] == "a is inf"
    assert unpack_sample(f"{spoilt.slot}-0".encode(), {b"sample": second[2]}) == spoilt
    assert [(line["log_level"], line["slot"]) for line in logs] == [("error", slot), ("error", spoilt.slot)]
    assert one.tables.bad == 2
    assert stream.entries == {}


async def test_a_database_that_is_away_is_told_once_and_healed(database: MoodyDatabase) -> None:
    stream = stream_of(50)
    one = Carrying(database, stream)
    database.fails_before = 8
    with capture_logs() as logs:
        async with running(one):
            await eventually(lambda: not stream.entries)
            await eventually(lambda: one.told[-1] == ("ok", None))
    assert one.told == [("down", "the database cannot be used now (told to); 50 wait in the store"), ("ok", None)]
    assert [(line["log_level"], line["of"]) for line in logs] == [
        ("warning", "samples of home"),
        ("info", "samples of home"),
    ]
    assert await slots_in(database) == list(range(50))


async def test_a_store_that_is_away_is_told_and_healed(database: MoodyDatabase) -> None:
    stream = stream_of(5)
    stream.cannot_read = True
    one = Carrying(database, stream)
    async with running(one):
        await eventually(lambda: one.told)
        assert one.told == [("down", "the store is out of reach: told to; 5 wait in the store")]
        stream.cannot_read = False
        await eventually(lambda: not stream.entries and one.told[-1] == ("ok", None))
    assert await slots_in(database) == list(range(5))


async def test_a_database_that_fails_gets_less_at_a_time_and_more_again(database: MoodyDatabase) -> None:
    stream = stream_of(40)
    one = Carrying(database, stream, pace=Pace(most_entries=16))
    database.fails_before = 6
    for _ in range(6):
        with pytest.raises(DatabaseUnavailable):
            await one.carrier.carry()
    written = []
    while stream.entries:
        before = len(stream.entries)
        await one.carrier.carry()
        written.append(before - len(stream.entries))
    assert written == [1, 2, 4, 8, 16, 9]


async def test_a_database_held_by_another_is_waited_for(url: str, database: MoodyDatabase) -> None:
    """The other one holds what the writer needs: the file on SQLite, the position on MariaDB."""
    await Carrying(database, stream_of(1)).all()
    impatient = MoodyDatabase(url, timeout_s=0.2)
    stream = ListStream([sample(1)])
    one = Carrying(impatient, stream)
    async with database.writing() as connection:
        await samples.hold_position(connection, "home")
        async with running(one):
            await eventually(lambda: one.told and one.told[-1][0] == "down")
    async with running(one):
        await eventually(lambda: not stream.entries)
    assert await slots_in(database) == [0, 1]
    await impatient.dispose()


async def test_cancelled_at_any_moment_nothing_is_lost_or_doubled(database: MoodyDatabase) -> None:
    """A carrier that is killed is one that does nothing more; another one goes on in its place.

    Red: with a position that is committed before the rows are.
    """
    stream = stream_of(40)
    for step in range(25):
        task = asyncio.create_task(Carrying(database, stream).all())
        await asyncio.wait([task], timeout=step * 0.001)
        task.cancel()
        await asyncio.wait([task])
    await Carrying(database, stream).all()
    assert await slots_in(database) == list(range(40))


async def test_from_the_queue_of_the_store(database: MoodyDatabase, client: Redis) -> None:
    """The newest entry stays there, for the sampler, and is written once all the same."""
    queue = SampleQueue(client)
    for number in range(6):
        assert (await append(queue, "home", sample(number))).outcome == "done"
    stream = SampleStream(queue, "home")
    one = Carrying(database, stream)  # type: ignore[arg-type] # another stream of the same kind
    await one.all()
    assert await stream.count_waiting() == 1
    await Carrying(database, stream).all()  # type: ignore[arg-type] # as above
    await append(queue, "home", sample(6))
    await one.all()
    assert await slots_in(database) == list(range(7))
