"""Charge sessions in a database, as the recorder writes them."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from gateway.db import charge_sessions
from gateway.db.engine import Database
from gateway.db.models import ChargeSessionRow
from gateway.domain.charge_sessions import ChargeSession, EnergyBySource, Segment

NOON = 1_774_346_400.0
"""2026-03-24, 11:00 in Berlin; the clocks are set five days later."""


def charge_session(begin: float = NOON, length_s: float = 3_600.0, **given: Any) -> ChargeSession:
    """One at charge point 5 that got 10 kWh in the modes PV and instant, a quarter of it from the grid."""
    end = begin + length_s
    wh: Decimal | None = given.get("energy_wh", Decimal("10000.25"))
    part_wh = Decimal("100.01")
    rest_wh = None if wh is None else wh - part_wh
    fields: dict[str, Any] = {
        "site": "home",
        "chargepoint_id": "5",
        "plugged_at_ms": round(begin * 1000),
        "plugged_at": begin,
        "unplugged_at": end,
        "meter_start_wh": Decimal(10839000),
        "meter_end_wh": None if wh is None else Decimal(10839000) + wh,
        "energy_wh": wh,
        "peak_w": 11061.15,
        "mean_w": 8491.5,
        "charging_s": length_s - 60,
        "plugged_s": length_s,
        "vehicle_id": 1,
        "vehicle_name": "Ioniq 5",
        "id_tag": "04A1B2C3D4",
        "soc_start_percent": 42.0,
        "soc_end_percent": 47.9,
        "serial_number": "823950",
        "segments": (
            Segment(mode="pv", begin=begin, end=begin + length_s / 2, energy_wh=part_wh),
            Segment(
                mode="instant",
                begin=begin + length_s / 2,
                end=end,
                energy_wh=rest_wh,
            ),
        ),
    }
    if wh is not None:
        quarter = (wh / 4).quantize(Decimal("0.01"))
        fields["energy_by_source"] = EnergyBySource(grid_wh=quarter, pv_wh=wh - quarter, battery_wh=Decimal(0))
        fields["source_how"] = "estimated"
    return ChargeSession(**{**fields, **given})


async def write_sessions(database: Database, sessions: Sequence[ChargeSession]) -> list[int]:
    """Write them as the recorder does; their ids."""
    ids = []
    async with database.writing() as connection:
        for one in sessions:
            number = await charge_sessions.hold(connection, one.site)
            await charge_sessions.write_sessions(connection, number, [one])
            newest = select(func.max(ChargeSessionRow.id))
            ids.append((await connection.execute(newest)).scalar_one())
    return ids
