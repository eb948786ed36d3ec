"""A charge session from the plug at the box to the sums of the month, by the gateway as its users run it."""

from pathlib import Path
from typing import Any

from tests.support.bridge import START, LiveBox
from tests.support.gateway import GatewayPart
from tests.support.parts import MosquittoPart
from tests.support.waiting import eventually

QUICK: dict[str, Any] = {
    "reconnect_base_s": 0.05,
    "reconnect_cap_s": 0.2,
    "flood_quiet_s": 0.2,
    "mqtt_connect_timeout_s": 1,
}
TAG = "04A1B2C3D4"
FREE = {
    **START,
    "chargepoint/5/get/plug_state": False,
    "chargepoint/5/get/charge_state": False,
    "chargepoint/5/get/imported": 10_839_000.07,
    "chargepoint/5/set/rfid": None,
}


class Owner:
    """Somebody who is logged in."""

    def __init__(self, up: GatewayPart) -> None:
        self._up = up
        self._token = up.log_in()

    def get(self, path: str) -> Any:
        status, body = self._up.get(f"/api/v1/sites/home/{path}", self._token)
        return body if status == 200 else {"status": status}

    def post(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        return self._up.post(f"/api/v1/sites/home/{path}", body, self._token)

    def value(self, key: str) -> object:
        return self.get("values").get("values", {}).get(key, [None])[0]

    def events(self) -> list[str]:
        return [event["event"] for event in self.get("events")["events"]]


async def test_what_is_charged_is_told_listed_corrected_and_added_up(
    tmp_path: Path, mosquitto: MosquittoPart
) -> None:
    box = LiveBox(mosquitto)
    await box.say(FREE)
    async with GatewayPart("up", tmp_path, mqtt_url=mosquitto.url, **QUICK) as up:
        owner = Owner(up)

        async def is_up() -> bool:
            await box.beat(1)
            return owner.value("link/state") == "up"

        await eventually(is_up, 30, every_s=0.1, what="the link is up")
        assert owner.get("charge-sessions/current")["sessions"] == []
        await box.say({"chargepoint/5/get/plug_state": True, "chargepoint/5/set/rfid": TAG})
        (going,) = await eventually(lambda: owner.get("charge-sessions/current")["sessions"], 20, what="it goes on")
        assert (going["chargepoint_id"], going["unplugged_at"], going["origin"]) == ("5", None, None)
        await box.say({"chargepoint/5/get/charge_state": True, "chargepoint/5/get/power": 7360.0})
        await box.say({"chargepoint/5/get/imported": 10_839_838.26, "chargepoint/5/get/power": 0})
        await box.say({"chargepoint/5/get/charge_state": False})
        await eventually(lambda: owner.value("chargepoints/5/meter_wh") == 10_839_838.26, what="all was counted")
        await box.say({"chargepoint/5/get/plug_state": False, "chargepoint/5/set/rfid": None})
        (ended,) = await eventually(lambda: owner.get("charge-sessions")["sessions"], 20, what="it is in the list")
        assert (ended["meter_start_wh"], ended["energy_wh"]) == (10_839_000.07, 838.19)
        assert (ended["plugged_at"], ended["id_tag"]) == (going["plugged_at"], TAG)
        assert owner.get("charge-sessions/current")["sessions"] == []
        assert owner.events()[-2:] == ["charge_session_started", "charge_session_ended"]
        _corrected_and_added_up(owner, ended)


def _corrected_and_added_up(owner: Owner, ended: dict[str, Any]) -> None:
    address = f"charge-sessions/{ended['id']}"
    correction = {"reason": "it was the van", "based_on": 0, "vehicle_id": 7, "vehicle_name": "Van"}
    status, version = owner.post(f"{address}/corrections", correction)
    assert (status, version["version"], version["author"]) == (201, 1, "admin")
    assert owner.post(f"{address}/corrections", correction)[0] == 409
    detail = owner.get(address)
    assert (detail["vehicle_name"], detail["original"]["vehicle_id"]) == ("Van", ended["vehicle_id"])
    assert round(sum(one["energy_wh"] for one in detail["segments"]), 3) == 838.19
    (row,) = owner.get("statistics?by=vehicle,month")["rows"]
    month = ended["unplugged_at"][:7]
    assert (row["vehicle_name"], row["month"], row["energy_wh"], row["sessions"]) == ("Van", month, 838.19, 1)
    (held,) = owner.get(f"reconcile?from={month}")["rows"]
    assert (held["gateway_wh"], held["box_wh"]) == (838.19, None)
    assert "not_in_box_log" in {one["cause"] for one in held["differences"]}
