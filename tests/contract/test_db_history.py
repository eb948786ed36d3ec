"""How what was recorded is read, on SQLite and on MariaDB alike."""

import asyncio
import time
from typing import Any

import pytest
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import Select

from gateway.db import history, samples
from gateway.db.engine import Database
from gateway.db.history import ROLLUPS, Series
from gateway.domain.history import HOUR_MS, QUARTER_MS, TIERS, Resolution, Span
from gateway.domain.history_columns import Point, Reading
from gateway.domain.slots import Sample
from tests.contract.test_db import database, url

__all__ = ["database", "url"]
MINUTE = 60_000
FIRST = time.time_ns() // 1_000_000 // HOUR_MS * HOUR_MS
KEYS = ("grid/power_w", "grid/imported_wh", "pv/power_w")


async def record(database: Database, slots: int, keys: tuple[str, ...] = KEYS) -> None:
    async with database.writing() as connection:
        number, _ = await samples.hold_position(connection, "home")
        some = [
            Sample(FIRST + place * MINUTE, MINUTE, "e", place, {key: (float(place), 0) for key in keys})
            for place in range(slots)
        ]
        await samples.write_samples(connection, number, some)


async def roll_up(database: Database, resolution: Resolution, rows: list[dict[str, Any]]) -> None:
    nothing = dict.fromkeys(("mean", "low", "high", "last", "counted")) | {
        "known_ms": 0,
        "missing_ms": 0,
        "quality": 0,
    }
    async with database.writing() as connection:
        await connection.execute(insert(ROLLUPS[resolution]), [{"site_id": 1, **nothing, **row} for row in rows])


async def plan(connection: AsyncConnection, query: Select[*tuple[Any, ...]]) -> dict[str, Any]:
    """Of a query that reads one table."""
    words = query.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
    explain = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
    return dict((await connection.execute(text(f"{explain} {words}"))).mappings().one())


@pytest.mark.parametrize("resolution", TIERS[1:])
async def test_series_of_a_time_are_found_by_the_key(database: Database, resolution: Resolution) -> None:
    await record(database, 10)
    rows = [{"series_id": one, "slot": FIRST + place * QUARTER_MS} for one in range(1, 20) for place in range(100)]
    await roll_up(database, resolution, rows)
    span = Span(FIRST, FIRST + 10 * QUARTER_MS)
    async with database.reading() as connection:
        found = await plan(connection, history.rollups_query(resolution, 1, [1, 3, 7], span))
    check_plan(found, "site_id=? AND series_id=? AND slot>? AND slot<?")


async def test_samples_and_slots_of_a_time_are_found_by_the_key(database: Database) -> None:
    await record(database, 200, tuple(f"meters/{one}/power_w" for one in range(20)))
    span = Span(FIRST, FIRST + 10 * MINUTE)
    async with database.reading() as connection:
        check_plan(
            await plan(connection, history.samples_query(1, [1, 3, 7], span)),
            "site_id=? AND series_id=? AND slot>? AND slot<?",
        )
        check_plan(await plan(connection, history.slots_query(1, span, 50)), "site_id=? AND slot>? AND slot<?")


async def test_the_oldest_is_found_without_reading_the_others(database: Database) -> None:
    await record(database, 200)
    await roll_up(database, Resolution.day, [{"series_id": 1, "slot": FIRST + place} for place in range(200)])
    async with database.reading() as connection:
        for query in (
            history.oldest_query(history.SLOTS, site_id=1),
            history.oldest_query(ROLLUPS[Resolution.day], site_id=1, series_id=1),
        ):
            found = await plan(connection, query)
            if "detail" in found:
                assert "USING PRIMARY KEY (site_id=?" in found["detail"]
            else:
                assert found["Extra"] == "Select tables optimized away"


def check_plan(found: dict[str, Any], by: str) -> None:
    if "detail" in found:
        assert f"USING PRIMARY KEY ({by})" in found["detail"]
        assert "SEARCH" in found["detail"]
    else:
        assert (found["type"], found["key"]) == ("range", "PRIMARY")
        assert "filesort" not in found["Extra"]
        assert int(found["rows"]) < 100


async def test_the_oldest_of_each_resolution(database: Database) -> None:
    async with database.reading() as connection:
        assert await history.oldest_slot(connection, 1) is None
        assert await history.oldest_buckets(connection, 1, 1) == {}
    await record(database, 3)
    await roll_up(database, Resolution.hour, [{"series_id": 1, "slot": FIRST + place} for place in (7, 3, 9)])
    await roll_up(database, Resolution.day, [{"series_id": 2, "slot": FIRST}])
    async with database.reading() as connection:
        assert await history.oldest_slot(connection, 1) == FIRST
        assert await history.oldest_buckets(connection, 1, 1) == {Resolution.hour: FIRST + 3}


async def test_series_slots_and_readings_come_as_they_were_recorded(database: Database) -> None:
    async with database.reading() as connection:
        assert await history.series_of(connection, 1) == []
    await record(database, 4)
    span = Span(FIRST + MINUTE, FIRST + 3 * MINUTE)
    async with database.reading() as connection:
        series = sorted(await history.series_of(connection, 1), key=lambda one: one.key)
        numbers = {one.key: one.id for one in series}
        assert [(one.key, one.unit, one.since) for one in series] == [
            (key, unit, FIRST) for key, unit in zip(sorted(KEYS), ("Wh", "W", "W"), strict=True)
        ]
        slots = await history.slots_in(connection, 1, span, 10)
        assert slots == [(FIRST + MINUTE, MINUTE), (FIRST + 2 * MINUTE, MINUTE)]
        assert await history.slots_in(connection, 1, span, 1) == slots[:1]
        power = numbers["pv/power_w"]
        assert power is not None
        found = await history.readings_in(connection, 1, {power: "pv/power_w"}, span, dict(slots))
        assert found == {"pv/power_w": [Reading(FIRST + place * MINUTE, MINUTE, float(place), 0) for place in (1, 2)]}
        assert await history.readings_in(connection, 1, {power: "pv/power_w"}, span, {}) == {"pv/power_w": []}
        assert await history.readings_in(connection, 1, {}, span, dict(slots)) == {}


async def test_buckets_come_as_they_were_rolled_up(database: Database) -> None:
    numbers = {"mean": 1.5, "low": 1.0, "high": 2.0, "last": 1.25, "counted": 7.0}
    await roll_up(
        database,
        Resolution.hour,
        [
            {"series_id": 1, "slot": FIRST, **numbers, "known_ms": 45 * MINUTE, "missing_ms": 15 * MINUTE},
            {"series_id": 1, "slot": FIRST + HOUR_MS, "missing_ms": HOUR_MS, "quality": 1},
            {"series_id": 1, "slot": FIRST + 2 * HOUR_MS, **numbers, "known_ms": HOUR_MS},
            {"series_id": 2, "slot": FIRST, **numbers, "counted": None, "known_ms": HOUR_MS, "quality": 3},
        ],
    )
    span = Span(FIRST, FIRST + 2 * HOUR_MS)
    keys = {1: "grid/imported_wh", 2: "grid/power_w", 3: "pv/power_w"}
    async with database.reading() as connection:
        found = await history.buckets_in(connection, Resolution.hour, 1, keys, span)
        assert await history.buckets_in(connection, Resolution.hour, 1, {}, span) == {}
        nothing = await history.buckets_in(connection, Resolution.hour, 1, keys, Span(FIRST, FIRST))
    assert nothing == {key: {} for key in keys.values()}
    known = Point(mean=1.5, low=1.0, high=2.0, last=1.25, energy_wh=7.0, known_ms=45 * MINUTE, span_ms=HOUR_MS)
    power = Point(mean=1.5, low=1.0, high=2.0, last=1.25, known_ms=HOUR_MS, span_ms=HOUR_MS)
    assert found == {
        "grid/imported_wh": {FIRST: known, FIRST + HOUR_MS: Point(known_ms=0, span_ms=HOUR_MS, stale=True)},
        "grid/power_w": {FIRST: power},
        "pv/power_w": {},
    }


async def test_many_rows_come_in_pieces_and_others_have_their_turn_between(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "ROWS_AT_ONCE", 7)
    await record(database, 50)
    turns, span = 0, Span(FIRST, FIRST + HOUR_MS)

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with database.reading() as connection:
        keys = {one.id: one.key for one in await history.series_of(connection, 1) if one.id is not None}
        periods = dict(await history.slots_in(connection, 1, span, 100))
        other = asyncio.create_task(count_turns(), name="others")
        found = await history.readings_in(connection, 1, keys, span, periods)
        other.cancel()
    wanted = [Reading(FIRST + place * MINUTE, MINUTE, float(place), 0) for place in range(50)]
    assert found == dict.fromkeys(KEYS, wanted)
    assert turns >= 3 * 50 // 7


def test_a_series_that_is_new_has_its_unit_from_the_catalogue() -> None:
    assert Series.new("pv/power_w") == Series("pv/power_w", "W")
    assert Series.new("nobody/knows") == Series("nobody/knows", None)
