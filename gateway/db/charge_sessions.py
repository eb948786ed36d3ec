"""Queries that write charge sessions: connection in, domain records in.

Whoever writes holds the site first (``hold``), to the end of the transaction: two writers of a site come one after
the other, and the second one finds the rows. What is there already, by site, charge point and plug, stays as it is.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.db.columns import ExactDecimal
from gateway.db.models import ChargeSessionRow, ChargeSessionSegmentRow, RecordPositionRow
from gateway.db.samples import BEFORE_ALL, ensured_site
from gateway.db.statements import insert_new
from gateway.domain.charge_sessions import ChargeSession

AS_THEY_ARE: Final = (
    "plugged_at_ms",
    "plugged_at",
    "unplugged_at",
    "peak_w",
    "mean_w",
    "charging_s",
    "plugged_s",
    "vehicle_id",
    "soc_start_percent",
    "soc_end_percent",
    "odometer_start_km",
    "odometer_end_km",
    "source_how",
)
TEXTS: Final = {"vehicle_name": 255, "id_tag": 255, "person": 255, "person_how": 32, "serial_number": 255}
"""Of how many characters each is kept; no box has more, but the database must never be the one to refuse."""

MODE_CHARS: Final = 16


async def hold(connection: AsyncConnection, site: str) -> int:
    """The site's number; nobody else can write charge sessions of it before this transaction ends."""
    number = await ensured_site(connection, site)
    await connection.execute(insert_new(RecordPositionRow, connection).values(site_id=number, position=BEFORE_ALL))
    await connection.execute(select(RecordPositionRow).where(RecordPositionRow.site_id == number).with_for_update())
    return number


async def write_sessions(connection: AsyncConnection, site_id: int, sessions: Sequence[ChargeSession]) -> int:
    """Write those that are not there yet, in order; how many that were."""
    new = 0
    for session in sessions:
        if await _is_there(connection, site_id, session):
            continue
        made = await connection.execute(insert(ChargeSessionRow).values(site_id=site_id, **_columns(session)))
        (session_id,) = made.inserted_primary_key or (None,)
        segments = list(_segments(session_id, session))
        if segments:
            await connection.execute(insert(ChargeSessionSegmentRow), segments)
        new += 1
    return new


async def _is_there(connection: AsyncConnection, site_id: int, session: ChargeSession) -> bool:
    row = ChargeSessionRow
    query = select(row.id).where(
        row.site_id == site_id,
        row.chargepoint_id == session.chargepoint_id,
        row.plugged_at_ms == session.plugged_at_ms,
    )
    return await connection.scalar(query) is not None


def _columns(session: ChargeSession) -> dict[str, Any]:
    source = session.energy_by_source
    return {
        **{name: getattr(session, name) for name in AS_THEY_ARE},
        **{name: _cut(getattr(session, name), most) for name, most in TEXTS.items()},
        "chargepoint_id": session.chargepoint_id,
        "meter_start_wh": _kept(session.meter_start_wh),
        "meter_end_wh": _kept(session.meter_end_wh),
        "energy_wh": _kept(session.energy_wh),
        "grid_wh": None if source is None else _kept(source.grid_wh),
        "pv_wh": None if source is None else _kept(source.pv_wh),
        "battery_wh": None if source is None else _kept(source.battery_wh),
        "cost": _kept(session.cost),
        "completeness": ",".join(session.completeness),
    }


def _segments(session_id: int | None, session: ChargeSession) -> Iterator[dict[str, Any]]:
    for number, segment in enumerate(session.segments):
        yield {
            "session_id": session_id,
            "number": number,
            "mode": _cut(segment.mode, MODE_CHARS),
            "begin": segment.begin,
            "end": segment.end,
            "energy_wh": _kept(segment.energy_wh),
        }


def _cut(text: str | None, most: int) -> str | None:
    return None if text is None else text[:most]


def _kept(number: Decimal | None) -> Decimal | None:
    """With the decimals that the tables keep; None for what no meter ever shows."""
    if number is None or abs(number) >= 10 ** (ExactDecimal.digits - 3):
        return None
    return number.quantize(ExactDecimal.step)
