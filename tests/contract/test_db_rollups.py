"""Roll-ups in the database, on SQLite and on MariaDB alike, beside a search through all slots."""

import time
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from gateway.db.engine import Database
from gateway.db.history import ROLLUPS, rolled_up_to, series_of
from gateway.db.models import RollupPositionRow, SourceEnergyRow
from gateway.db.rollups import move_position
from gateway.domain.history import HOUR_MS, QUARTER_MS, Resolution
from gateway.domain.slots import Quality, Value
from recorder.rollups import RollUps
from tests.contract.test_db import database, url
from tests.support.past import BERLIN, SITE, Past, end_of

__all__ = ["database", "url"]
MINUTE = 60_000
TIERS = (Resolution.quarter, Resolution.hour, Resolution.day)
THIS_YEAR = time.gmtime().tm_year
METER, POWER = "chargepoints/4/meter_wh", "chargepoints/4/power_w"


def moment(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()) * 1000


def last_sunday_of_october() -> int:
    return next(day for day in range(31, 24, -1) if datetime(THIS_YEAR, 10, day).weekday() == 6)  # noqa: DTZ001


BEGIN = moment(f"{THIS_YEAR}-10-{last_sunday_of_october() - 1}T20:00")
END = BEGIN + 54 * HOUR_MS + 7 * 10 * MINUTE
"""Over the Sunday of 25 hours, to somewhere in a quarter of the Tuesday."""


def values(slot: int) -> dict[str, Value] | None:
    place = (slot - BEGIN) // (5 * MINUTE)
    if place in range(100, 113):
        return None  # nobody recorded
    counted = 1000.0 + place * 2.5 + (5000.0 if place >= 200 else 0.0)
    quality = Quality.jumped if place == 200 else Quality.rebuilt if place in range(113, 130) else Quality.live
    unknown = place in range(300, 330)
    return {
        METER: (None, Quality.live) if unknown else (counted, quality),
        POWER: (None, Quality.stale) if place % 37 == 0 else (float(place % 11), Quality.live),
        "grid/power_w": (float(place % 7 - 3), Quality.live),
        "pv/power_w": (float(place % 5), Quality.live),
        **({"battery/soc_percent": (float(place % 100), 0)} if place > 400 else {}),
    }


def roll_ups(database: Database) -> RollUps:
    return RollUps(SITE, database, BERLIN)


async def rolled(database: Database) -> None:
    one = roll_ups(database)
    while await one.roll_up():
        pass


async def stored(database: Database, resolution: Resolution) -> dict[str, dict[int, dict[str, Any]]]:
    table = ROLLUPS[resolution]
    async with database.reading() as connection:
        keys = {one.id: one.key for one in await series_of(connection, 1)}
        found: dict[str, dict[int, dict[str, Any]]] = {key: {} for key in keys.values()}
        for row in (await connection.execute(select(table).order_by(table.c.slot))).mappings():
            numbers = {name: row[name] for name in row if name not in ("site_id", "series_id", "slot")}
            found[keys[row["series_id"]]][row["slot"]] = numbers
    return found


def ended(past: Past, resolution: Resolution, key: str) -> dict[int, dict[str, Any]]:
    """What the search finds, of the buckets that are over."""
    until = past.samples[-1].end // QUARTER_MS * QUARTER_MS
    found = past.buckets(resolution, key)
    return {
        start: {name: None if number is None else pytest.approx(number) for name, number in row.items()}
        for start, row in found.items()
        if end_of(resolution, start) <= until
    }


async def test_roll_ups_are_what_a_search_through_the_slots_finds(database: Database) -> None:
    """Over a Sunday of 25 hours, a gap, an exchanged meter, stale and unknown values and a series that came later."""
    past = Past(BEGIN, END, 5 * MINUTE, values)
    await database.migrate()
    await past.write(database, until=BEGIN + 20 * HOUR_MS)
    await rolled(database)
    await past.write(database)
    await rolled(database)
    for resolution in TIERS:
        found = await stored(database, resolution)
        assert found == {key: ended(past, resolution, key) for key in found}
        assert any(found.values())
    days = (await stored(database, Resolution.day))[METER]
    assert [row["known_ms"] + row["missing_ms"] for row in days.values()] == [
        24 * HOUR_MS,
        25 * HOUR_MS,
        24 * HOUR_MS,
    ]


async def test_what_is_reckoned_again_is_the_same(database: Database) -> None:
    past = Past(BEGIN, BEGIN + 30 * HOUR_MS, 5 * MINUTE, values)
    await past.write(database)
    await rolled(database)
    before = [await stored(database, resolution) for resolution in TIERS]
    async with database.writing() as connection:
        await move_position(connection, 1, BEGIN + 3 * HOUR_MS + 5 * QUARTER_MS)
    await rolled(database)
    assert [await stored(database, resolution) for resolution in TIERS] == before
    async with database.reading() as connection:
        assert await rolled_up_to(connection, 1) == BEGIN + 30 * HOUR_MS


async def test_two_at_once_are_one_after_the_other(database: Database) -> None:
    past = Past(BEGIN, BEGIN + 5 * HOUR_MS, 5 * MINUTE, values)
    await past.write(database)
    one, other = roll_ups(database), roll_ups(database)
    assert [await one.roll_up(), await other.roll_up(), await one.roll_up(), await other.roll_up()] == [
        True,
        True,
        False,
        False,
    ]


async def test_nothing_to_roll_up_is_no_fault(database: Database) -> None:
    assert not await roll_ups(database).roll_up()
    await Past(BEGIN, BEGIN + 10 * MINUTE, 5 * MINUTE, values).write(database)
    assert not await roll_ups(database).roll_up(), "no quarter is over"
    async with database.reading() as connection:
        assert await connection.scalar(select(RollupPositionRow.slot)) in (None, -1)


async def test_energy_has_sources(database: Database) -> None:
    past = Past(BEGIN, BEGIN + 2 * HOUR_MS, 5 * MINUTE, values)
    await past.write(database)
    await rolled(database)
    quarters = (await stored(database, Resolution.quarter))[METER]
    async with database.reading() as connection:
        row = SourceEnergyRow
        found = (await connection.execute(select(row.__table__).order_by(row.slot))).mappings().all()
    assert {one["consumer"] for one in found} == {"chargepoints/4"}
    for one in found:
        parts = [one[name] for name in ("grid_wh", "pv_wh", "battery_wh", "unknown_wh")]
        assert sum(parts) == pytest.approx(quarters[one["slot"]]["counted"] or 0.0, abs=0.01)
    assert sum(one["battery_wh"] for one in found) == 0
    assert sum(one["pv_wh"] for one in found) > 0
