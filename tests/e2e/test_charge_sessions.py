"""Charge sessions as who runs the demo sees them: they go on, end, are listed, corrected and added up."""

from pathlib import Path
from typing import Any

from tests.support.gateway import GatewayPart
from tests.support.waiting import eventually

GUEST = "0009471822"
DEMO: dict[str, Any] = {"demo_scene": "guest-tag", "demo_speed": 600, "record_write_s": 0.2}


class Visitor:
    """Somebody who is logged in and looks at the demo."""

    def __init__(self, up: GatewayPart) -> None:
        self._up = up
        self._token = up.log_in()

    def get(self, path: str) -> dict[str, Any]:
        status, body = self._up.get(f"/api/v1/sites/demo/{path}", self._token)
        assert status == 200, body
        found: dict[str, Any] = body
        return found

    def post(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        return self._up.post(f"/api/v1/sites/demo/{path}", body, self._token)


async def test_a_guest_charges_at_the_demo_and_is_found_in_the_list(tmp_path: Path) -> None:
    async with GatewayPart("up", tmp_path, **DEMO) as up:
        visitor = Visitor(up)
        going = await eventually(
            lambda: [one for one in visitor.get("charge-sessions/current")["sessions"] if one["id_tag"] == GUEST],
            30,
            what="the guest charges",
        )
        assert (going[0]["chargepoint_id"], going[0]["unplugged_at"], going[0]["origin"]) == ("6", None, "simulated")
        found = await eventually(
            lambda: visitor.get(f"charge-sessions?id_tag={GUEST}")["sessions"], 60, what="the guest has left"
        )
        ended = found[-1]
        assert ended["plugged_at"] == going[0]["plugged_at"]
        assert ended["energy_wh"] == round(ended["meter_end_wh"] - ended["meter_start_wh"], 3) > 1_000
        assert sum(ended["energy_by_source"].values()) == ended["energy_wh"]
        _corrected_and_added_up(visitor, ended)
        events = visitor.get("events?limit=1000")["events"]
        assert "charge_session_ended" in {event["event"] for event in events}


def _corrected_and_added_up(visitor: Visitor, ended: dict[str, Any]) -> None:
    address = f"charge-sessions/{ended['id']}"
    correction = {"reason": "it was the van", "based_on": 0, "vehicle_name": "Van"}
    status, version = visitor.post(f"{address}/corrections", correction)
    assert (status, version["version"], version["author"]) == (201, 1, "admin")
    assert visitor.post(f"{address}/corrections", correction)[0] == 409
    detail = visitor.get(address)
    assert (detail["vehicle_name"], detail["original"]["vehicle_name"]) == ("Van", ended["vehicle_name"])
    assert round(sum(one["energy_wh"] for one in detail["segments"]), 3) == ended["energy_wh"]
    rows = visitor.get("statistics?by=chargepoint")["rows"]
    (of_guest,) = [row for row in rows if row["chargepoint_id"] == "6"]
    assert of_guest["energy_wh"] >= ended["energy_wh"]
    assert visitor.get("reconcile?from=2025-01&to=2025-03")["rows"] == []
