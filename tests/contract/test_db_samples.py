"""What the tables of recorded values promise, on SQLite and on MariaDB alike."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import select, text

from gateway.db import partitions, samples
from gateway.db.engine import Database
from gateway.db.models import BadSampleRow, SampleRow, SeriesRow, SlotRow
from gateway.db.partitions import MONTHS_AHEAD, PARTITIONED, PartitionMonth
from gateway.db.samples import BEFORE_ALL, BadSample
from gateway.db.statements import MOST_AT_ONCE
from gateway.domain.errors import DatabaseUnavailable
from gateway.domain.slots import Sample
from tests.contract.test_db import database, url
from tests.support.parts import MariaPart

__all__ = ["database", "url"]
PERIOD = 60_000
NOW_MS = time.time_ns() // 1_000_000
FIRST = NOW_MS // PERIOD * PERIOD


def sample(number: int, **values: float | None) -> Sample:
    given = {key.replace("__", "/"): (value, 1 if value is None else 0) for key, value in values.items()}
    return Sample(FIRST + number * PERIOD, PERIOD, "epoch-1", 1000 + number, given)


async def write(database: Database, site: str, some: Sequence[Sample]) -> None:
    async with database.writing() as connection:
        number, _ = await samples.hold_position(connection, site)
        await samples.write_samples(connection, number, some)
        await samples.move_position(connection, number, some[-1].slot)


async def position(database: Database, site: str) -> int:
    async with database.reading() as connection:
        return await samples.position(connection, site)


async def rows_of(database: Database) -> list[tuple[str, int, float | None, int]]:
    async with database.reading() as connection:
        query = select(SeriesRow.key, SampleRow.slot, SampleRow.value, SampleRow.quality)
        query = query.join(SampleRow, SampleRow.series_id == SeriesRow.id).order_by(SampleRow.slot, SeriesRow.key)
        return [(key, slot, value, quality) for key, slot, value, quality in await connection.execute(query)]


async def test_rows_and_position_come_back_as_they_were_written(database: Database) -> None:
    assert await position(database, "home") == BEFORE_ALL
    two = [sample(0, grid__power_w=-1234.5678901234567), sample(1, grid__power_w=None, pv__power_w=0.1)]
    await write(database, "home", two)
    assert await rows_of(database) == [
        ("grid/power_w", FIRST, -1234.5678901234567, 0),
        ("grid/power_w", FIRST + PERIOD, None, 1),
        ("pv/power_w", FIRST + PERIOD, 0.1, 0),
    ]
    assert await position(database, "home") == FIRST + PERIOD
    assert await position(database, "other") == BEFORE_ALL
    async with database.reading() as connection:
        series = (await connection.execute(select(SeriesRow.key, SeriesRow.unit, SeriesRow.recorded_from))).all()
        slots = (await connection.execute(select(SlotRow.slot, SlotRow.period_ms, SlotRow.epoch, SlotRow.seq))).all()
    assert sorted(map(tuple, series)) == [("grid/power_w", "W", FIRST), ("pv/power_w", "W", FIRST + PERIOD)]
    assert [tuple(row) for row in slots] == [
        (FIRST, PERIOD, "epoch-1", 1000),
        (FIRST + PERIOD, PERIOD, "epoch-1", 1001),
    ]


async def test_who_writes_first_wins(database: Database) -> None:
    await write(database, "home", [sample(0, grid__power_w=1.0)])
    await write(database, "home", [sample(0, grid__power_w=2.0, pv__power_w=3.0)])
    assert await rows_of(database) == [("grid/power_w", FIRST, 1.0, 0), ("pv/power_w", FIRST, 3.0, 0)]


async def test_sites_and_keys_are_told_apart_to_the_letter(database: Database) -> None:
    await write(database, "home", [sample(0, a=1.0)])
    await write(database, "home", [sample(1, A=2.0)])
    await write(database, "home-2", [sample(0, a=3.0)])
    told = [(key, value) for key, _, value, _ in await rows_of(database)]
    assert sorted(told) == [("A", 2.0), ("a", 1.0), ("a", 3.0)]


async def test_more_rows_than_one_statement_takes(database: Database) -> None:
    many = [sample(number, **{f"key{one}": float(one) for one in range(30)}) for number in range(40)]
    assert MOST_AT_ONCE < 30 * 40
    await write(database, "home", many)
    assert len(await rows_of(database)) == 30 * 40


async def test_writers_of_one_site_come_one_after_the_other(database: Database) -> None:
    """Each finds what the one before it left, also of a site that is new to both."""

    async def step(number: int) -> int:
        async with database.writing() as connection:
            site_id, held = await samples.hold_position(connection, "home")
            await asyncio.sleep(0.01)
            await samples.move_position(connection, site_id, held + 1)
            return held

    assert sorted(await asyncio.gather(*map(step, range(8)))) == list(range(BEFORE_ALL, 7))
    assert await position(database, "home") == 7


async def test_what_was_rolled_back_is_not_there(database: Database) -> None:
    async def fail() -> None:
        async with database.writing() as connection:
            number, _ = await samples.hold_position(connection, "home")
            await samples.write_samples(connection, number, [sample(0, a=1.0)])
            await samples.move_position(connection, number, FIRST)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await rows_of(database) == []
    assert await position(database, "home") == BEFORE_ALL


async def test_bad_samples_are_kept_as_they_were(database: Database) -> None:
    bad = BadSample(FIRST, "no msgpack", bytes(range(256)) * 300, 1_800_000_000.25)
    async with database.writing() as connection:
        number, _ = await samples.hold_position(connection, "home")
        await samples.write_bad_samples(connection, number, [bad])
        await samples.write_bad_samples(connection, number, [bad])
        assert await samples.count_bad_samples(connection) == 1
        row = (await connection.execute(select(BadSampleRow.reason, BadSampleRow.payload, BadSampleRow.at))).one()
    assert tuple(row) == (bad.reason, bad.payload, bad.at)


async def test_a_query_of_a_series_uses_the_key(database: Database) -> None:
    await write(database, "home", [sample(number, a=1.0, b=2.0) for number in range(100)])
    query = f"SELECT slot, value FROM samples WHERE site_id = 1 AND series_id = 1 AND slot >= {FIRST} ORDER BY slot"
    async with database.reading() as connection:
        sqlite = connection.dialect.name == "sqlite"
        plan = (await connection.execute(text(f"EXPLAIN {'QUERY PLAN ' if sqlite else ''}{query}"))).mappings().one()
    if sqlite:
        assert plan["detail"] == "SEARCH samples USING PRIMARY KEY (site_id=? AND series_id=? AND slot>?)"
    else:
        assert (plan["type"], plan["key"]) == ("range", "PRIMARY")
        assert "filesort" not in plan["Extra"]


async def months(database: Database) -> dict[str, PartitionMonth]:
    async with database.reading() as connection:
        return await partitions.last_months(connection)


async def add(database: Database, now_s: float) -> list[str]:
    async with database.writing() as connection:
        return await partitions.add_partitions(connection, now_s)


async def test_sqlite_has_no_partitions_to_add(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'gateway.db'}")
    assert await months(database) == {}
    assert await add(database, time.time()) == []
    await database.dispose()


async def test_months_are_made_ahead(mariadb_url: str) -> None:
    database = Database(mariadb_url)
    await database.migrate()
    this = PartitionMonth.of(time.time())
    assert await months(database) == dict.fromkeys(PARTITIONED, this + MONTHS_AHEAD)
    assert await add(database, time.time()) == []
    later_s = PartitionMonth(this + 2).end_ms / 1000
    both = await asyncio.gather(add(database, later_s), add(database, later_s))
    assert sorted({one for some in both for one in some}) == sorted(
        f"{table} {PartitionMonth(this + MONTHS_AHEAD + ahead)}" for table in PARTITIONED for ahead in (1, 2, 3)
    )
    last = this + MONTHS_AHEAD + 3
    assert await months(database) == dict.fromkeys(PARTITIONED, last)
    await database.dispose()


async def test_a_row_beyond_the_last_month_is_refused_and_one_of_long_ago_is_not(mariadb_url: str) -> None:
    database = Database(mariadb_url)
    await database.migrate()
    beyond = (PartitionMonth(PartitionMonth.of(time.time()) + MONTHS_AHEAD).end_ms - FIRST + PERIOD) // PERIOD
    with pytest.raises(DatabaseUnavailable, match="there is no partition for this time"):
        await write(database, "home", [sample(0, a=1.0), sample(beyond, a=2.0)])
    assert await rows_of(database) == []
    long_ago = Sample(0, PERIOD, "epoch", 1, {"a": (1.0, 0)})
    await write(database, "home", [long_ago])
    assert await rows_of(database) == [("a", 0, 1.0, 0)]
    await database.dispose()


async def test_a_user_with_the_least_rights_can_do_all_of_it(mariadb: MariaPart, mariadb_url: str) -> None:
    poor = Database(mariadb.least(mariadb_url))
    await poor.migrate()
    assert await add(poor, PartitionMonth(PartitionMonth.of(time.time())).end_ms / 1000)
    await write(poor, "home", [sample(0, a=1.0)])
    async with poor.writing() as connection:
        await connection.execute(
            text(f"ALTER TABLE samples DROP PARTITION p{str(PartitionMonth.of(time.time())).replace('-', '')}")
        )
    assert await rows_of(poor) == []
    await poor.dispose()
