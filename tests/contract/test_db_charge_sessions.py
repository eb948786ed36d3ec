"""Charge sessions are written once, whole and exactly, on SQLite and on MariaDB alike."""

from decimal import Decimal

import msgspec
from sqlalchemy import func, select

from gateway.db import charge_sessions as rows
from gateway.db.charge_session_queries import Chosen, sessions_after
from gateway.db.engine import Database
from gateway.db.models import ChargeSessionRow, ChargeSessionSegmentRow
from gateway.domain.charge_sessions import ChargeSession, EnergyBySource, Segment
from recorder.records import RecordTables
from tests.contract.test_db import database, url
from tests.contract.test_records import SESSION

__all__ = ["database", "url"]

HOME = "home"


def session(number: int = 0, **more: object) -> ChargeSession:
    plugged_at_ms = SESSION.plugged_at_ms + number * 1000
    return msgspec.structs.replace(SESSION, plugged_at_ms=plugged_at_ms, **more)


async def written(database: Database, *sessions: ChargeSession, first: int = 1) -> int:
    tables = RecordTables(HOME)
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
    """The position is what says so; and where that was lost with the store's stream, the row itself."""
    assert await written(database, session(), session(1)) == 2
    assert await written(database, session(), session(1)) == 0
    assert await written(database, session(1, energy_wh=Decimal(1)), session(2), first=100) == 1
    assert [one.energy_wh for one in await stored(database)] == [SESSION.energy_wh] * 3
    async with database.reading() as connection:
        assert await rows.position(connection, HOME) == 101
        assert await rows.position(connection, "elsewhere") == -1
        for row, count in ((ChargeSessionRow, 3), (ChargeSessionSegmentRow, 3)):
            assert await connection.scalar(select(func.count()).select_from(row)) == count


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
