"""Where energy came from, as the recorder stores it, on SQLite and on MariaDB alike."""

import time

import pytest

from gateway.db import history
from gateway.db.engine import Database
from gateway.db.rollups import write_sources
from gateway.db.source_energies import Quarter, count_energies, count_query, energies_in, energies_query
from gateway.domain.history import HOUR_MS, QUARTER_MS, Span
from gateway.domain.rollups import SourceEnergy
from recorder.rollups import RollUps
from tests.contract.test_db import database, url
from tests.contract.test_db_history import check_plan, plan
from tests.support.past import BERLIN, SITE, Past

__all__ = ["database", "url"]
BEGIN = time.time_ns() // 1_000_000 // HOUR_MS * HOUR_MS
BY_KEY = "site_id=? AND consumer=? AND slot>? AND slot<?"
CAR = "chargepoints/4"


def energies(first: float, count: int) -> dict[int, SourceEnergy]:
    return {BEGIN + one * QUARTER_MS: SourceEnergy(first + one, 0.5, 0.0, 0.125) for one in range(count)}


async def store(database: Database, site_id: int, consumer: str, some: dict[int, SourceEnergy]) -> None:
    async with database.writing() as connection:
        await write_sources(connection, site_id, consumer, some)


async def read(database: Database, site_id: int, consumers: list[str], span: Span) -> list[Quarter]:
    async with database.reading() as connection:
        found = [one async for some in energies_in(connection, site_id, consumers, span) for one in some]
        assert await count_energies(connection, site_id, consumers, span) == len(found)
    return sorted(found, key=lambda one: one[:2])


async def test_those_of_a_time_come_as_they_were_stored(database: Database) -> None:
    house, car = energies(10.0, 8), energies(70.0, 8)
    await store(database, 1, "house", house)
    await store(database, 1, CAR, car)
    await store(database, 1, "chargepoints/5", car)
    await store(database, 2, "house", car)
    span = Span(BEGIN + QUARTER_MS, BEGIN + 3 * QUARTER_MS)
    inside = [BEGIN + QUARTER_MS, BEGIN + 2 * QUARTER_MS]
    wanted = [(CAR, slot, car[slot]) for slot in inside] + [("house", slot, house[slot]) for slot in inside]
    assert await read(database, 1, ["house", CAR, "chargepoints/7"], span) == wanted
    assert await read(database, 1, ["House"], span) == []
    assert await read(database, 1, [], span) == []
    assert await read(database, 3, ["house"], span) == []


async def test_many_come_in_pieces(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "ROWS_AT_ONCE", 3)
    await store(database, 1, "house", energies(1.0, 8))
    async with database.reading() as connection:
        span = Span(BEGIN, BEGIN + 2 * HOUR_MS)
        sizes = [len(some) async for some in energies_in(connection, 1, ["house"], span)]
    assert sizes == [3, 3, 2]


async def test_they_are_found_by_the_key(database: Database) -> None:
    for number in range(20):
        await store(database, 1, f"chargepoints/{number}", energies(1.0, 100))
    span, consumers = Span(BEGIN, BEGIN + 10 * QUARTER_MS), ["house", "chargepoints/3", "chargepoints/7"]
    async with database.reading() as connection:
        check_plan(await plan(connection, energies_query(1, consumers, span)), BY_KEY)
        check_plan(await plan(connection, count_query(1, consumers, span)), BY_KEY)


async def test_what_the_recorder_rolls_up_is_found(database: Database) -> None:
    """A house that draws 1,000 W, 600 of them from the grid, and a charge point whose meter counts 20 Wh a slot."""
    slot_ms = 300_000
    past = Past(
        BEGIN,
        BEGIN + HOUR_MS + slot_ms,
        slot_ms,
        lambda slot: {
            "grid/power_w": (600.0, 0),
            "pv/power_w": (200.0, 0),
            "battery/power_w": (-200.0, 0),
            "house/power_w": (1_000.0, 0),
            f"{CAR}/power_w": (230.0, 0),
            f"{CAR}/meter_wh": (5_000.0 + (slot - BEGIN) / slot_ms * 20, 0),
        },
    )
    await past.write(database)
    await RollUps(SITE, database, BERLIN).roll_up_all()
    found = await read(database, 1, ["house", CAR], Span(BEGIN, BEGIN + 2 * HOUR_MS))
    starts = [BEGIN + place * QUARTER_MS for place in range(4)]
    first, *rest = [(CAR, slot, SourceEnergy(36.0, 12.0, 12.0, 0.0)) for slot in starts]
    assert first is not None
    assert found[1:4] == rest
    assert found[0][2] == SourceEnergy(24.0, 8.0, 8.0, 0.0), "its first reading has none before it"
    assert found[4:] == [("house", slot, SourceEnergy(150.0, 50.0, 50.0, 0.0)) for slot in starts]
