from typing import Any

import pytest

from gateway.domain.openwb2_derived import keys_under, under
from gateway.domain.values import REMOVED
from tests.support.box import Box

CONNECTED = "get/connected_vehicle"


def of_chargepoint(box: Box, leaf: str, chargepoint: int = 5) -> Any:
    return box.values.get(f"chargepoints/{chargepoint}/{leaf}", "no such key")


def of_vehicle(box: Box, leaf: str, vehicle: int = 1) -> Any:
    return box.values.get(f"vehicles/{vehicle}/{leaf}", "no such key")


def test_the_id_tag_is_the_bound_one_else_the_scanned_one() -> None:
    box = Box()
    box.say("chargepoint/5/get/rfid", "SCANNED")
    assert of_chargepoint(box, "id_tag") == "SCANNED"
    box.say("chargepoint/5/set/rfid", None)
    assert of_chargepoint(box, "id_tag") == "SCANNED"
    box.say("chargepoint/5/set/rfid", "BOUND")
    assert of_chargepoint(box, "id_tag") == "BOUND"
    box.say("chargepoint/5/get/rfid", None)
    box.say("chargepoint/5/set/rfid", None)
    assert of_chargepoint(box, "id_tag") is None
    box.delete("chargepoint/5/get/rfid")
    box.delete("chargepoint/5/set/rfid")
    assert of_chargepoint(box, "id_tag") == "no such key"


def test_the_vehicle_is_the_connected_one_else_that_of_the_settings() -> None:
    box = Box()
    box.say("chargepoint/5/config", {"name": "Hof", "_ev": 1})
    assert (of_chargepoint(box, "name"), of_chargepoint(box, "vehicle_id")) == ("Hof", 1)
    box.say(f"chargepoint/5/{CONNECTED}/info", {"id": 3, "name": "e-Up"})
    assert of_chargepoint(box, "vehicle_id") == 3
    box.say(f"chargepoint/5/{CONNECTED}/info", None)
    assert of_chargepoint(box, "vehicle_id") == 1
    box.delete("chargepoint/5/config")
    assert (of_chargepoint(box, "name"), of_chargepoint(box, "vehicle_id")) == ("no such key", None)


def test_the_template_in_force_at_the_charge_point_decides() -> None:
    box = Box()
    box.say(f"chargepoint/5/{CONNECTED}/config", {"chargemode": "instant_charging", "charge_template": 1})
    assert of_chargepoint(box, "mode") == "instant"
    assert of_chargepoint(box, "limit") == "no such key"
    box.say("chargepoint/5/set/charge_template", {"chargemode": {"selected": "stop"}})
    assert of_chargepoint(box, "mode") == "stop"
    assert of_chargepoint(box, "limit") == {"kind": "none", "soc_percent": None, "energy_wh": None}
    told = box.delete("chargepoint/5/set/charge_template")
    assert told["chargepoints/5/limit"] is REMOVED
    assert of_chargepoint(box, "mode") == "instant"


def test_a_charge_point_without_a_template_of_its_own_has_that_of_its_vehicle() -> None:
    """Boxes before 2.1.8."""
    box = Box()
    box.say(f"chargepoint/5/{CONNECTED}/config", {"chargemode": "standby", "charge_template": 1})
    box.say(f"chargepoint/6/{CONNECTED}/config", {"chargemode": "stop", "charge_template": 2})
    box.say("vehicle/template/charge_template/1", {"chargemode": {"instant_charging": {"current": 10}}})
    assert (of_chargepoint(box, "mode"), of_chargepoint(box, "instant_current_a")) == ("standby", 10.0)
    assert of_chargepoint(box, "instant_current_a", 6) == "no such key"
    box.say("vehicle/template/charge_template/1", {"chargemode": {"instant_charging": {"current": 12}}})
    assert of_chargepoint(box, "instant_current_a") == 12.0
    box.say(f"chargepoint/5/{CONNECTED}/config", None)
    assert (of_chargepoint(box, "mode"), of_chargepoint(box, "instant_current_a")) == (None, "no such key")


def test_the_plan_in_use() -> None:
    box = Box()
    plans = {"plans": [{"id": 0, "name": "Pendeln", "active": True, "time": "07:00"}]}
    template = {"chargemode": {"selected": "scheduled_charging", "scheduled_charging": plans}}
    box.say("chargepoint/5/set/charge_template", template)
    box.say(f"chargepoint/5/{CONNECTED}/config", {"chargemode": "scheduled_charging", "current_plan": 0})
    assert of_chargepoint(box, "plan")["ready_at"] == "07:00"


def test_a_vehicles_own_state_of_charge_goes_before_what_a_charge_point_tells() -> None:
    box = Box()
    box.say("chargepoint/6/get/connected_vehicle/info", {"id": 1})
    box.say("chargepoint/6/get/connected_vehicle/soc", {"soc": 60, "range": 200, "timestamp": 900})
    assert (of_vehicle(box, "soc_percent"), of_vehicle(box, "range_km"), of_vehicle(box, "soc_at")) == (60, 200, 900)
    box.say("vehicle/1/get/soc", 61)
    box.say("vehicle/1/get/range", None)
    assert (of_vehicle(box, "soc_percent"), of_vehicle(box, "range_km"), of_vehicle(box, "soc_at")) == (61, None, 900)


def test_two_charge_points_with_the_same_vehicle() -> None:
    box = Box()
    for chargepoint, soc in ((10, 100), (9, 90)):
        box.say(f"chargepoint/{chargepoint}/get/connected_vehicle/info", {"id": 0})
        box.say(f"chargepoint/{chargepoint}/get/connected_vehicle/soc", {"soc": soc, "timestamp": 1})
    assert of_vehicle(box, "soc_percent", 0) == 90
    box.delete("chargepoint/9/get/connected_vehicle/info")
    assert of_vehicle(box, "soc_percent", 0) == 100


def test_when_the_vehicle_changes_the_state_of_charge_goes_with_it() -> None:
    box = Box()
    box.say("chargepoint/6/get/connected_vehicle/soc", {"soc": 60, "timestamp": 1})
    assert box.values == {}
    box.say("chargepoint/6/get/connected_vehicle/info", {"id": 1})
    assert of_vehicle(box, "soc_percent") == 60
    box.say("chargepoint/6/get/connected_vehicle/info", {"id": 3})
    assert (of_vehicle(box, "soc_percent"), of_vehicle(box, "soc_percent", 3)) == ("no such key", 60)


MODULE: dict[str, Any] = {"type": "mqtt", "name": "MQTT", "configuration": {}}
NO_MODULE: dict[str, Any] = {"type": None, "configuration": {}}


@pytest.mark.parametrize(
    ("module", "at", "soc", "shown"),
    [
        (NO_MODULE, None, 0, None),
        (NO_MODULE, 900, 0, None),
        (NO_MODULE, None, 55, 55.0),
        (MODULE, None, 0, 0.0),
        (None, None, 0, None),
        (None, 900, 0, 0.0),
    ],
)
def test_nought_percent_without_a_module_is_unknown(
    module: dict[str, Any] | None, at: int | None, soc: int, shown: float | None
) -> None:
    for topic in ("vehicle/1/get/soc", "chargepoint/5/get/connected_vehicle/soc"):
        box = Box()
        box.say("chargepoint/5/get/connected_vehicle/info", {"id": 1})
        box.say(topic, soc if topic.startswith("vehicle") else {"soc": soc, "range": 0, "timestamp": at})
        if topic.startswith("vehicle"):
            box.say("vehicle/1/get/soc_timestamp", at)
            box.say("vehicle/1/get/range", 0)
        if module is not None:
            box.say("vehicle/1/soc_module/config", module)
        assert of_vehicle(box, "soc_percent") == shown
        assert of_vehicle(box, "range_km") == (0.0 if shown == 0 else None)


def test_the_price_is_that_of_the_slot_that_holds_the_boxs_time() -> None:
    box = Box()
    box.say("general/prices/grid", 0.00032)
    assert box.values == {"tariff/price_eur_per_kwh": 0.32}
    box.say("optional/ep/get/prices", {"900": 0.0001, "1800": 0.0002, "2700": None, "3600": 0.0004})
    assert box.values["tariff/price_eur_per_kwh"] is None
    assert box.values["tariff/prices"] == [[900, 0.1], [1800, 0.2], [2700, None], [3600, 0.4]]
    prices = []
    for time_s in (899, 900, 1799.9, 1800, 2700, 3600, 4499, 4500):
        told = box.say("system/time", time_s)
        assert told.keys() == {"box/time", "tariff/price_eur_per_kwh"}
        prices.append(told["tariff/price_eur_per_kwh"])
    assert prices == [0.32, 0.1, 0.1, 0.2, None, 0.4, 0.4, 0.32]


def test_slots_are_at_most_an_hour_long() -> None:
    box = Box()
    box.say("system/time", 3600)
    box.say("optional/ep/get/prices", {"0": 0.0001})
    assert box.values["tariff/price_eur_per_kwh"] is None
    box.say("system/time", 3599)
    assert box.values["tariff/price_eur_per_kwh"] == 0.1
    box.say("optional/ep/get/prices", {"0": 0.0001, "7200": 0.0002})
    box.say("system/time", 3600)
    assert box.values["tariff/price_eur_per_kwh"] is None
    box.say("system/time", None)
    assert box.values["tariff/price_eur_per_kwh"] is None


def test_prices_of_older_boxes_and_of_none() -> None:
    box = Box()
    box.say("system/time", 950)
    box.say("optional/et/get/prices", {"900": 0.0001})
    assert box.values["tariff/price_eur_per_kwh"] == 0.1
    box.say("optional/ep/get/prices", {"900": 0.0002})
    assert box.values["tariff/price_eur_per_kwh"] == 0.2
    box.say("optional/ep/get/prices", {})
    assert box.values["tariff/prices"] == [[900, 0.1]]
    box.delete("optional/et/get/prices")
    assert box.values == {"box/time": 950.0, "tariff/prices": []}
    box.say("optional/ep/get/prices", None)
    assert box.values == {"box/time": 950.0, "tariff/prices": []}
    box.delete("optional/ep/get/prices")
    box.say("general/prices/grid", None)
    assert box.values == {"box/time": 950.0, "tariff/price_eur_per_kwh": None}


def test_prefixes() -> None:
    assert under("grid", {"power_w": 1}) == {"grid/power_w": 1}
    assert keys_under("grid", ("a", "b")) == ["grid/a", "grid/b"]
