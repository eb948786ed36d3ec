"""Charge sessions are written once, whole and exactly, on SQLite and on MariaDB alike."""

from decimal import Decimal

import msgspec
from sqlalchemy import func, select

from gateway.db.charge_session_queries import Chosen, sessions_after
from gateway.db.engine import Database
from gateway.db.models import BadSampleRow, ChargeSessionRow, ChargeSessionSegmentRow
from gateway.db.samples import BEFORE_ALL
from gateway.domain.charge_sessions import ChargeSession, EnergyBySource, Segment
from gateway.domain.clock import SystemClock
from gateway.store.waiting import Undecodable
from recorder.records import RecordTables
from tests.contract.test_db import database, url
from tests.contract.test_records import SESSION

__all__ = ["database", "url"]

HOME = "home"


def session(number: int = 0, **more: object) -> ChargeSession:
    plugged_at_ms = SESSION.plugged_at_ms + number * 1000
    return msgspec.structs.replace(SESSION, plugged_at_ms=plugged_at_ms, **more)


async def written(database: Database, *sessions: ChargeSession, first: int = 1) -> int:
    tables = RecordTables(HOME, SystemClock())
    async with database.writing() as connection:
        await tables.apply(connection, [(first + number, one) for number, one in enumerate(sessions)])
    tables.committed()
    return tables.written


async def stored(database: Database) -> list[ChargeSession]:
    async with database.reading() as connection:
        found = await sessions_after(connection, HOME, Chosen(), None, 100)
    return sorted((one.session for one in found), key=lambda one: (one.chargepoint_id, one.plugged_at_ms))


async def test_what_was_written_is_what_is_read(database: Database) -> None:
    others = [
        session(1, energy_by_source=None, source_how=None, segments=(), completeness=(), energy_wh=None),
        session(
            2, chargepoint_id="5", vehicle_id=0, vehicle_name="Anna's =Car", id_tag="04A1B2", soc_end_percent=80.0
        ),
    ]
    assert await written(database, session(), *others) == 3
    assert await stored(database) == [session(), *others]


async def test_each_is_written_once(database: Database) -> None:
    """By its row, wherever in the stream it comes again."""
    assert await written(database, session(), session(1)) == 2
    assert await written(database, session(), session(1)) == 0
    assert await written(database, session(1, energy_wh=Decimal(1)), session(2), first=100) == 1
    assert [one.energy_wh for one in await stored(database)] == [SESSION.energy_wh] * 3
    async with database.reading() as connection:
        for row, count in ((ChargeSessionRow, 3), (ChargeSessionSegmentRow, 3)):
            assert await connection.scalar(select(func.count()).select_from(row)) == count


async def test_records_of_a_store_that_begins_anew_in_the_past_are_written(database: Database) -> None:
    """It lost everything, and its clock was set back: its positions are below those that were written."""
    assert await written(database, session(), first=10**18) == 1
    assert await written(database, session(1), first=5) == 1
    async with database.reading() as connection:
        assert await RecordTables(HOME, SystemClock()).position(connection) == BEFORE_ALL


async def test_what_cannot_be_read_is_kept_once(database: Database) -> None:
    bad = Undecodable("a record of version 2; this gateway reads 1", b"\x92\x02\x80")
    tables = RecordTables(HOME, SystemClock())
    for _ in range(2):
        async with database.writing() as connection:
            assert await tables.apply(connection, [(10**18, bad), (10**18 + 1, session())]) == 10**18 + 1
    assert len(await stored(database)) == 1
    async with database.reading() as connection:
        kept_of = select(BadSampleRow.slot, BadSampleRow.reason, BadSampleRow.payload)
        [kept] = (await connection.execute(kept_of)).all()
    assert tuple(kept) == (10**18, f"a charge session: {bad.reason}", bad.payload)


async def test_the_database_is_given_nothing_that_it_would_refuse(database: Database) -> None:
    """It would come again for ever, and with it all that waits behind it."""
    odd = session(
        energy_wh=Decimal("1.00049"),
        meter_start_wh=Decimal(10) ** 16,
        vehicle_name="x" * 1000,
        id_tag="y" * 1000,
        segments=(Segment(mode="z" * 100, begin=1.0, end=None, energy_wh=Decimal("0.33333")),),
        energy_by_source=EnergyBySource(grid_wh=Decimal("0.0004"), pv_wh=Decimal(1), battery_wh=Decimal(0)),
    )
    assert await written(database, odd) == 1
    [found] = await stored(database)
    assert (found.energy_wh, found.meter_start_wh) == (Decimal("1.000"), None)
    assert (len(found.vehicle_name or ""), len(found.id_tag or "")) == (255, 255)
    assert found.segments[0].energy_wh == Decimal("0.333")
