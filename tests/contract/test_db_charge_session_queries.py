"""Charge sessions read from SQLite and from MariaDB alike."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.db.box_log import write_entries
from gateway.db.charge_session_queries import (
    Chosen,
    Place,
    Stored,
    add_version,
    charged_in,
    entries_ended,
    list_query,
    session_by_id,
    sessions_after,
)
from gateway.db.engine import Database
from gateway.domain.box_log import BoxLogEntry
from gateway.domain.charge_corrections import Correctable, Version
from gateway.domain.errors import Conflict, InvalidArgument
from gateway.domain.reconcile import Charged
from tests.contract.test_db import database, url
from tests.support.charge_rows import NOON, charge_session, write_sessions

__all__ = ["database", "url"]
DAY = 86_400.0
ALL = Chosen()


async def pages(
    database: Database, chosen: Chosen = ALL, place: Place | None = None, limit: int = 100, site: str = "home"
) -> list[Stored]:
    async with database.reading() as connection:
        return await sessions_after(connection, site, chosen, place, limit)


async def one(database: Database, session_id: int, site: str = "home") -> Stored | None:
    async with database.reading() as connection:
        return await session_by_id(connection, site, session_id)


async def correct(database: Database, session_id: int, version: int, holds: Correctable) -> None:
    async with database.writing() as connection:
        written = Version(version=version, author="admin", reason="seen", at=NOON + version, holds=holds)
        await add_version(connection, session_id, written)


async def ids(database: Database, **chosen: object) -> list[int]:
    return [stored.id for stored in await pages(database, Chosen(**chosen))]  # type: ignore[arg-type]


async def test_a_charge_session_comes_back_as_it_was_written(database: Database) -> None:
    assert await pages(database) == []
    whole = charge_session(completeness=("gap", "meter_jump"), odometer_start_km=48_210.5)
    bare = charge_session(
        NOON + DAY, energy_wh=None, energy_by_source=None, source_how=None, segments=(), vehicle_id=None, id_tag=None
    )
    first, second = await write_sessions(database, [whole, bare])
    assert [stored.session for stored in await pages(database)] == [bare, whole]
    stored = await one(database, first)
    assert stored is not None
    assert (stored.id, stored.session, stored.versions, stored.version) == (first, whole, (), 0)
    assert stored.holds == stored.original
    assert stored.original == Correctable(vehicle_id=1, vehicle_name="Ioniq 5", odometer_start_km=48_210.5)
    assert await one(database, second + 1) is None
    assert await one(database, first, "yard") is None


async def test_without_segments_the_rest_is_the_same(database: Database) -> None:
    written = charge_session()
    await write_sessions(database, [written])
    async with database.reading() as connection:
        (stored,) = await sessions_after(connection, "home", ALL, None, 10, segments=False)
    assert stored.session.segments == ()
    assert stored.session.energy_wh == written.energy_wh


async def test_what_is_chosen(database: Database) -> None:
    a, b, c = await write_sessions(
        database,
        [
            charge_session(NOON),
            charge_session(NOON + DAY, chargepoint_id="6", id_tag="=Ab'%", segments=(), vehicle_id=2),
            charge_session(NOON + 2 * DAY, id_tag=None, vehicle_id=None),
        ],
    )
    await write_sessions(database, [charge_session(site="yard")])
    end = NOON + 3_600
    assert await ids(database) == [c, b, a]
    assert await ids(database, begin=end + DAY) == [c, b]
    assert await ids(database, end=end + DAY) == [a]
    assert await ids(database, begin=end, end=end + DAY + 0.001) == [b, a]
    assert await ids(database, chargepoint_id="5") == [c, a]
    assert await ids(database, id_tag="=aB'%") == [b]
    assert await ids(database, mode="instant") == [c, a]
    assert await ids(database, mode="eco") == []
    assert await ids(database, vehicle_id=2) == [b]
    assert await ids(database, vehicle_id=1, chargepoint_id="6") == []


async def test_a_vehicle_is_chosen_as_corrected(database: Database) -> None:
    a, b = await write_sessions(database, [charge_session(NOON), charge_session(NOON + DAY)])
    await correct(database, b, 1, Correctable(vehicle_id=7))
    assert (await ids(database, vehicle_id=1), await ids(database, vehicle_id=7)) == ([a], [b])
    await correct(database, b, 2, Correctable(vehicle_id=None))
    assert (await ids(database, vehicle_id=1), await ids(database, vehicle_id=7)) == ([a], [])
    await correct(database, b, 3, Correctable(vehicle_id=1))
    assert await ids(database, vehicle_id=1) == [b, a]


async def test_corrections_are_versions_and_the_original_stays(database: Database) -> None:
    (number,) = await write_sessions(database, [charge_session()])
    before = await one(database, number)
    assert before is not None
    corrected = Correctable(vehicle_id=2, vehicle_name="e-Up", odometer_end_km=1.5, note="é\n\U0001f50c")
    await correct(database, number, 1, corrected)
    await correct(database, number, 2, Correctable())
    stored = await one(database, number)
    assert stored is not None
    assert stored.session == before.session
    assert stored.original == before.original
    assert [version.holds for version in stored.versions] == [corrected, Correctable()]
    first = stored.versions[0]
    assert (first.version, first.author, first.reason, first.at) == (1, "admin", "seen", NOON + 1)
    assert (stored.version, stored.holds) == (2, Correctable())
    with pytest.raises(Conflict, match="version 2 is there"):
        await correct(database, number, 2, corrected)


async def test_of_two_who_correct_at_once_one_is_told(database: Database) -> None:
    (number,) = await write_sessions(database, [charge_session()])
    tries = (correct(database, number, 1, Correctable(vehicle_id=vehicle)) for vehicle in range(4))
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(type(one) is Conflict for one in outcomes) == [False, True, True, True]
    stored = await one(database, number)
    assert stored is not None
    assert len(stored.versions) == 1


async def test_what_is_reconciled(database: Database) -> None:
    await write_sessions(
        database, [charge_session(completeness=("gap",)), charge_session(NOON + DAY, energy_wh=None)]
    )
    async with database.reading() as connection:
        assert await charged_in(connection, "home", 0, 4e9) == [
            Charged("5", NOON, NOON + 3_600, Decimal("10000.25"), ("gap",)),
            Charged("5", NOON + DAY, NOON + DAY + 3_600, None, ()),
        ]
        assert await charged_in(connection, "home", NOON, NOON + 3_600) == []
        assert await charged_in(connection, "other", 0, 4e9) == []


async def test_only_entries_that_know_of_sources_are_read(database: Database) -> None:
    entries = [
        BoxLogEntry(key="a", source="openwb-2", end=1_000.0),
        BoxLogEntry(key="b", source="openwb-1.9", end=1_000.0),
        BoxLogEntry(key="c", source="openwb-2", end=2_000.0),
        BoxLogEntry(key="d", source="openwb-2", begin=1_000.0),
    ]
    async with database.writing() as connection:
        await write_entries(connection, "home", entries, NOON)
    async with database.reading() as connection:
        assert await entries_ended(connection, "home", 1_000.0, 2_000.0) == [entries[0]]
        assert await entries_ended(connection, "other", 0, 4e9) == []


@pytest.mark.parametrize("cursor", ["", "1", "-", "1-", "x-1", "1-1-1", "9" * 30 + "-1", "٣-1"])
def test_a_cursor_is_read_as_it_was_given(cursor: str) -> None:
    assert Place.parse(str(Place(1_774_346_400_000_123, 17))) == (1_774_346_400_000_123, 17)
    with pytest.raises(InvalidArgument, match=r"cursor: .*'next'"):
        Place.parse(cursor)


async def test_each_comes_once_in_order_while_others_come(database: Database) -> None:
    """Ends that are equal, late ones, and new ones between any two pages."""

    async def walk(ends: Sequence[int], later: Sequence[int], limit: int, site: str) -> None:
        ids = await write(ends, site)
        seen: list[Stored] = []
        place: Place | None = None
        coming = list(later)
        while True:
            page = await pages(database, ALL, place, limit, site)
            seen += page
            if len(page) < limit:
                break
            place = Place.parse(str(page[-1].place))
            await write([coming.pop()] if coming else [], site)
        order = [stored.place for stored in seen]
        assert order == sorted(set(order), reverse=True)
        assert set(ids) <= {stored.id for stored in seen}

    async def write(ends: Sequence[int], site: str) -> list[int]:
        offset = next(numbers)
        return await write_sessions(
            database,
            [
                charge_session(
                    NOON - 60 * (offset + place), segments=(), site=site, unplugged_at=NOON + end / 1_000_000
                )
                for place, end in enumerate(ends)
            ],
        )

    numbers = iter(range(0, 10_000_000, 1_000))
    times = st.integers(0, 4) | st.integers(0, 10_000_000)
    examples = iter(range(1_000))
    loop = asyncio.get_running_loop()

    @settings(max_examples=15, deadline=None, database=None)
    @given(st.lists(times, max_size=9), st.lists(times, max_size=4), st.integers(1, 4))
    def run(ends: list[int], later: list[int], limit: int) -> None:
        site = f"s{next(examples)}"
        asyncio.run_coroutine_threadsafe(walk(ends, later, limit, site), loop).result(60)

    await asyncio.to_thread(run)


async def explained(connection: AsyncConnection, chosen: Chosen, place: Place | None) -> str:
    query = list_query(1, chosen, place, 100).compile(connection.sync_engine, compile_kwargs={"literal_binds": True})
    words = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
    statement = text(f"{words} {query}".replace(":", "\\:"))
    return "\n".join(str(tuple(row)) for row in await connection.execute(statement))


async def test_the_list_is_read_where_it_lies(database: Database) -> None:
    """By the table's key and in its order: no page is sorted, none costs more for what lies before it."""
    await write_sessions(database, [charge_session(NOON - 60 * number) for number in range(150)])
    async with database.writing() as connection:
        sqlite = connection.dialect.name == "sqlite"
        await connection.execute(text("ANALYZE" if sqlite else "ANALYZE TABLE charge_sessions"))
    place = Place(round(NOON * 1_000_000), 3)
    narrow = Chosen(begin=NOON - DAY, end=NOON + DAY, vehicle_id=1, mode="pv", id_tag="a", chargepoint_id="5")
    for chosen, after in (
        (ALL, None),
        (ALL, place),
        (Chosen(begin=NOON - DAY, end=NOON + DAY), None),
        (narrow, place),
    ):
        async with database.reading() as connection:
            plan = await explained(connection, chosen, after)
        assert "ix_charge_sessions_site_id_unplugged_at" in plan, chosen
        assert "filesort" not in plan, chosen
        assert "TEMP B-TREE" not in plan, chosen
        assert "MATERIALIZED" not in plan, chosen
