"""A database that is full, read-only, locked, frozen or killed: told, waited for, nothing lost or doubled."""

import time
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway.db.backups import Backups
from gateway.db.engine import Database
from gateway.db.partitions import FEWEST_AHEAD, MONTHS_AHEAD, PartitionMonth, last_months
from gateway.db.upkeep import HistoryTables
from gateway.domain.errors import DatabaseUnavailable
from tests.contract.test_carry import running
from tests.support.carrying import FIRST_MS, PERIOD_MS, Carrying, ListStream, sample, slots_in
from tests.support.clock import FakeClock
from tests.support.database import MariaPart
from tests.support.waiting import eventually


async def carried(one: Carrying, stream: ListStream) -> None:
    """Wait until all is written and told so."""
    await eventually(lambda: not stream.entries and one.told[-1] == ("ok", None), within_s=20)


async def told(one: Carrying, words: str) -> None:
    await eventually(lambda: bool(one.told) and words in str(one.told[-1][1]))


async def test_a_full_disk_under_sqlite(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'gateway.db'}", most_at_once=1)
    await database.migrate()

    async def allow(pages: int) -> None:
        async with database.reading() as connection:  # the only one there is
            await connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    stream = ListStream(sample(number) for number in range(1_000))
    one = Carrying(database, stream)
    await allow(1)  # SQLite takes it for: not one page more
    async with running(one):
        await told(one, "its disk is full")
        await allow(1_000_000)
        await carried(one, stream)
    assert await slots_in(database) == list(range(1_000))
    await database.dispose()


async def test_a_mariadb_that_turns_read_only(mariadb: MariaPart, mariadb_url: str) -> None:
    database = Database(mariadb.least(mariadb_url))
    await database.migrate()
    stream = ListStream(sample(number) for number in range(20))
    one = Carrying(database, stream)
    mariadb.run("SET GLOBAL read_only = 1")
    try:
        async with running(one):
            await told(one, "it is read-only")
            mariadb.run("SET GLOBAL read_only = 0")
            await carried(one, stream)
    finally:
        mariadb.run("SET GLOBAL read_only = 0")
    assert await slots_in(database) == list(range(20))
    await database.dispose()


async def test_a_mariadb_whose_tables_are_locked(mariadb: MariaPart, mariadb_url: str) -> None:
    """As a backup of others does it, for longer than the writer waits."""
    database = Database(mariadb_url, timeout_s=0.3)
    await database.migrate()
    stream = ListStream(sample(number) for number in range(20))
    one = Carrying(database, stream)
    other = Database(mariadb_url)
    async with other.reading() as connection:
        await connection.execute(text("LOCK TABLES samples READ, slots READ"))
        async with running(one):
            await eventually(lambda: [state for state, _ in one.told] == ["down"])
            await connection.execute(text("UNLOCK TABLES"))
            await carried(one, stream)
    assert await slots_in(database) == list(range(20))
    await database.dispose()
    await other.dispose()


async def test_a_mariadb_that_is_frozen_and_then_killed(mariadb: MariaPart, mariadb_url: str) -> None:
    database = Database(mariadb_url, timeout_s=0.5)
    await database.migrate()
    stream = ListStream(sample(number) for number in range(200))
    one = Carrying(database, stream)
    async with running(one):
        await eventually(lambda: len(stream.entries) < 190)
        mariadb.freeze()
        stream.entries.update((late.slot, late) for late in map(sample, range(200, 220)))
        try:
            await eventually(lambda: one.told[-1][0] == "down")
            await mariadb.kill()
        finally:
            if mariadb.running:
                await mariadb.kill()
            await mariadb.start()
        await carried(one, stream)
    assert await slots_in(database) == list(range(220))
    await database.dispose()


async def test_a_month_without_a_partition_is_told_and_waited_for(mariadb_url: str, tmp_path: Path) -> None:
    database = Database(mariadb_url)
    await database.migrate()
    end_ms = PartitionMonth(PartitionMonth.of(time.time()) + MONTHS_AHEAD).end_ms
    beyond = (end_ms - FIRST_MS) // PERIOD_MS
    stream = ListStream(map(sample, range(beyond - 3, beyond + 3)))
    one = Carrying(database, stream)
    async with running(one):
        await told(one, "there is no partition for this time); 3 wait in the store")
        later = HistoryTables(database, FakeClock(end_ms / 1000), Backups(tmp_path, kept=0))
        await later.look_ahead()
        await carried(one, stream)
    assert await slots_in(database) == list(range(beyond - 3, beyond + 3))
    await database.dispose()


async def test_months_that_cannot_be_made_alarm_once_they_get_few(mariadb: MariaPart, mariadb_url: str) -> None:
    database = Database(mariadb.least(mariadb_url))
    await database.migrate()
    async with database.reading() as connection:
        last = min((await last_months(connection)).values())
    name = mariadb_url.rpartition("/")[2].partition("?")[0]
    mariadb.run(f"REVOKE ALTER ON {name}.* FROM least@'127.0.0.1'")
    await database.dispose()  # rights on a database are looked up when it is opened
    clock = FakeClock(PartitionMonth(last - FEWEST_AHEAD - 1).end_ms / 1000)
    tables = HistoryTables(database, clock, Backups(Path("/nowhere"), kept=0))
    await tables.look_ahead()
    clock.advance(32 * 86_400)
    with pytest.raises(DatabaseUnavailable, match=f"until {last} only, and none can be made: .*has no right"):
        await tables.look_ahead()
    mariadb.run(f"GRANT ALTER ON {name}.* TO least@'127.0.0.1'")
    await database.dispose()
    await tables.look_ahead()
    async with database.reading() as connection:
        assert min((await last_months(connection)).values()) == PartitionMonth.of(clock.now()) + MONTHS_AHEAD
    await database.dispose()
