"""The charge sessions of the recorded boxes as they were worked out by hand.

The expectation is ``tests/data/charge-sessions.json``; how each number was checked, ``charge-sessions.md`` beside it.
"""

from decimal import Decimal
from typing import Any

import msgspec

from gateway.domain.charge_sessions import ChargeSession
from tests.support.captures import DATA
from tests.support.charge_replay import V2_BEGAN_AT, V19_BEGAN_AT, v2_steps, v19_steps

RECORDED = [("v2-session", v2_steps, V2_BEGAN_AT), ("v19-session", v19_steps, V19_BEGAN_AT)]
EXACT = ("meter_start_wh", "meter_end_wh", "energy_wh")


def by_hand(name: str) -> list[dict[str, Any]]:
    told: dict[str, list[dict[str, Any]]] = msgspec.json.decode((DATA / "charge-sessions.json").read_bytes())
    for one in told[name]:
        one |= {field: Decimal(one[field]) for field in EXACT}
        for segment in one["segments"]:
            segment["energy_wh"] = Decimal(segment["energy_wh"])
    return told[name]


def shown(session: ChargeSession, began_at: float, fields: dict[str, Any]) -> dict[str, Any]:
    """A session as the expectation writes it down."""
    found: dict[str, Any] = {field: getattr(session, field) for field in fields}
    found |= {field: round(found[field] - began_at, 3) for field in ("plugged_at", "unplugged_at")}
    found["completeness"] = list(session.completeness)
    found["segments"] = [
        {
            "mode": segment.mode,
            "begin": round(segment.begin - began_at, 3),
            "end": round((segment.end or 0.0) - began_at, 3),
            "energy_wh": segment.energy_wh,
        }
        for segment in session.segments
    ]
    return found
