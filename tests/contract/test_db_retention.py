"""What is older than is wished goes, and nothing else, on SQLite and on MariaDB alike."""

import asyncio
import time
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select

from gateway.db import retention as rows
from gateway.db.box_log import meter_at
from gateway.db.columns import MARIADB
from gateway.db.engine import Database
from gateway.db.models import SeriesRow, SiteRow
from gateway.db.partitions import PartitionMonth, drop_partitions
from gateway.db.rollups import last_known
from gateway.domain.errors import DatabaseUnavailable
from gateway.domain.history import HOUR_MS, QUARTER_MS
from gateway.domain.retention import DAY_MS, Keep
from gateway.domain.slots import Value
from recorder.retention import Retention
from recorder.rollups import RollUps
from tests.contract.test_db import database, url
from tests.support.clock import FakeClock
from tests.support.past import BERLIN, SITE, Past

__all__ = ["database", "url"]
NOW = time.time_ns() // 1_000_000 // DAY_MS * DAY_MS
BEGIN = NOW - 4 * DAY_MS
METER = "chargepoints/4/meter_wh"


def values(slot: int) -> dict[str, Value]:
    return {METER: ((slot - BEGIN) / HOUR_MS, 0), "chargepoints/4/power_w": (1.0, 0), "grid/power_w": (2.0, 0)}


async def recorded(database: Database) -> None:
    await Past(BEGIN, NOW, QUARTER_MS, values).write(database)
    one = RollUps(SITE, database, BERLIN)
    while await one.roll_up():
        pass


async def cleaned(database: Database, keep: Keep, now: int = NOW) -> None:
    one = Retention(database, keep, FakeClock(now / 1000))
    await one.clean()


async def oldest(database: Database) -> dict[str, int | None]:
    tables = (rows.SAMPLES, rows.SLOTS, rows.QUARTERS, rows.SOURCES, rows.HOURS, rows.DAYS)
    async with database.reading() as connection:
        return {one.name: await connection.scalar(select(func.min(one.c.slot))) for one in tables}


async def test_each_tier_is_kept_as_long_as_is_wished(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows.delete_some, "__defaults__", (7,))
    await recorded(database)
    before = await oldest(database)
    await cleaned(database, Keep(slots=0, quarters=0))
    assert await oldest(database) == before, "for ever"
    await cleaned(database, Keep(slots=2, quarters=3, hours=0, days=0))
    after = await oldest(database)
    async with database.reading() as connection:
        by_the_month = connection.dialect.name in MARIADB
        count = await connection.scalar(select(func.count()).select_from(rows.HOURS))
    expected = {
        "samples": NOW - 2 * DAY_MS,
        "slots": NOW - 2 * DAY_MS,
        "rollups_15m": NOW - 3 * DAY_MS,
        "source_energies": NOW - 3 * DAY_MS,
    }
    if by_the_month:
        expected = {"source_energies": NOW - 3 * DAY_MS}  # the month is not over
    assert after == {**before, **expected}
    assert count == 3 * 4 * 24, "of the others not one is gone"


async def test_what_is_not_rolled_up_stays(database: Database) -> None:
    await Past(BEGIN, NOW, QUARTER_MS, values).write(database)
    await cleaned(database, Keep(slots=2))
    assert (await oldest(database))["samples"] == BEGIN


async def test_meters_of_long_ago_are_read_from_the_roll_ups(database: Database) -> None:
    await recorded(database)
    async with database.writing() as connection:
        number = await connection.scalar(select(SeriesRow.id).where(SeriesRow.key == METER))
        assert number is not None
        while await rows.delete_some(connection, rows.SAMPLES, {"site_id": 1, "series_id": number}, NOW):
            pass
        left = select(func.count()).where(rows.SAMPLES.c.series_id == number)
        assert await connection.scalar(left) == 0
    async with database.reading() as connection:
        expected = (2 * DAY_MS - QUARTER_MS) / HOUR_MS
        assert await meter_at(connection, SITE, METER, BEGIN + 2 * DAY_MS) == pytest.approx(expected)
        assert await meter_at(connection, SITE, METER, BEGIN) is None
        assert await last_known(connection, 1, number, BEGIN + 2 * DAY_MS) == pytest.approx(expected)


async def test_quarters_of_a_day_that_is_not_made_yet_stay(database: Database) -> None:
    """Recording ended amid a day, and goes on long after."""
    await recorded(database)
    await cleaned(database, Keep(quarters=2), NOW + 50 * DAY_MS)
    after = await oldest(database)
    async with database.reading() as connection:
        by_the_month = connection.dialect.name in MARIADB
    assert after["source_energies"] == NOW - 25 * HOUR_MS
    assert by_the_month or after["rollups_15m"] == NOW - 25 * HOUR_MS


async def test_a_site_that_is_no_longer_recorded_keeps_no_months(mariadb_url: str) -> None:
    database = Database(mariadb_url)
    await database.migrate()
    await recorded(database)
    async with database.writing() as connection:
        await connection.execute(insert(SiteRow).values(name="never-recorded"))
    later = PartitionMonth(PartitionMonth.of(NOW / 1000) + 5).end_ms
    await cleaned(database, Keep(slots=2), later)
    assert (await oldest(database))["samples"] is None
    await database.dispose()


async def test_a_database_that_is_away_is_told_and_later_cleaned(tmp_path: Path) -> None:
    away = Database(f"sqlite+aiosqlite:///{tmp_path / 'gateway.db'}")
    one = Retention(away, Keep(), FakeClock(NOW / 1000))
    with pytest.raises(DatabaseUnavailable):
        await one.clean()
    await away.migrate()
    await one.clean()
    await away.dispose()


async def test_two_who_drop_the_same_months_at_once_drop_each_once(mariadb_url: str) -> None:
    database = Database(mariadb_url)
    await database.migrate()
    before = PartitionMonth(PartitionMonth.of(time.time()) + 5).end_ms

    async def drop() -> list[str]:
        async with database.writing() as connection:
            return await drop_partitions(connection, "samples", before)

    found = await asyncio.gather(drop(), drop(), drop())
    assert len(set().union(*found)) == 6
    async with database.writing() as connection:
        assert await drop_partitions(connection, "samples", before) == []
        assert (
            await drop_partitions(connection, "samples", PartitionMonth.of(time.time() + 400 * 86_400).end_ms) != []
        )
    await database.dispose()


async def test_mariadb_drops_whole_months_but_the_last(mariadb_url: str) -> None:
    database = Database(mariadb_url)
    await database.migrate()
    this = PartitionMonth.of(time.time())
    async with database.writing() as connection:
        assert await drop_partitions(connection, "samples", this.end_ms - 1) == []
        assert len(await drop_partitions(connection, "samples", PartitionMonth(this + 1).end_ms)) == 2
        assert len(await drop_partitions(connection, "samples", PartitionMonth(this + 100).end_ms)) == 5
        assert await drop_partitions(connection, "samples", PartitionMonth(this + 100).end_ms) == []
    await database.dispose()
