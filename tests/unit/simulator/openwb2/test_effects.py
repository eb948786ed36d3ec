"""What a write means: for the retained state at once, for charging with the next loop."""

import json
from typing import Any

import pytest

from gateway.simulator.openwb2.templates import standard, with_wish
from gateway.simulator.scenes import Stay
from gateway.simulator.words import Wish
from tests.support.simulated2 import PLUGGED_IN, RECORDED_HOME, Simulated2, told

TAG = "04A1B2C3D4"


def edited(home: Simulated2, chargepoint_id: int = 5, **chargemode: Any) -> dict[str, Any]:
    template: dict[str, Any] = home.template(chargepoint_id)
    template["chargemode"] |= chargemode
    return template


@pytest.fixture
def home() -> Simulated2:
    home = Simulated2(stays=PLUGGED_IN)
    home.loops(3)
    return home


def test_a_template_at_a_charge_point_is_permanent_and_shared(home: Simulated2) -> None:
    template = edited(home, selected="pv_charging") | {"unknown": {"member": 1}}
    messages = told(home.write("chargepoint/5/set/charge_template", template))
    echo = ("chargepoint/5/set/charge_template", json.dumps(template))
    assert messages[:3] == [echo, echo, ("set/chargepoint/5/set/charge_template", "")]
    assert home.template(6) == home.value("vehicle/template/charge_template/0") == template
    assert [home.box.state.chargepoints[id_].wish.mode for id_ in (5, 6)] == ["pv", "pv"]
    assert home.value("chargepoint/5/get/connected_vehicle/config")["chargemode"] == "instant_charging"
    home.loops()
    assert home.value("chargepoint/5/get/connected_vehicle/config")["chargemode"] == "pv_charging"


def test_a_temporary_template_is_of_this_charge_point_until_the_unplug() -> None:
    home = Simulated2(stays=(Stay(vehicle_id=1, chargepoint_id=5, plugs_in_s=5, leaves_s=35),))
    home.loops()
    home.write("general/temporary_charge_templates_active", value=True)
    home.write("chargepoint/5/set/charge_template", edited(home, selected="stop"))
    home.loops()
    assert home.template(6)["chargemode"]["selected"] == "instant_charging"
    assert home.value("vehicle/template/charge_template/0")["chargemode"]["selected"] == "instant_charging"
    assert home.value("chargepoint/5/set/current") == 0
    home.loops(3)
    assert not home.value("chargepoint/5/get/plug_state")
    assert home.template(5)["chargemode"]["selected"] == "instant_charging"
    assert home.box.state.chargepoints[5].wish.mode == "instant"


def test_a_template_that_cannot_be_read_is_shown_and_changes_no_wish(home: Simulated2) -> None:
    before = home.box.state.chargepoints[5].wish
    for broken in ({}, {"id": 0, "chargemode": 3}, 5, ["a"]):
        home.write("chargepoint/5/set/charge_template", broken)
        assert home.template() == broken
        assert home.box.state.chargepoints[5].wish == before
        home.loops()


def test_the_vehicles_template_counts_where_it_is_used(home: Simulated2) -> None:
    template = with_wish(standard(0, "Standard"), Wish(mode="stop"))
    home.write("vehicle/template/charge_template/0", template)
    assert home.template(5) == template
    home.write("general/temporary_charge_templates_active", value=True)
    home.write("vehicle/template/charge_template/0", with_wish(template, Wish(mode="pv")))
    assert home.template(5) == template


def test_another_vehicle_brings_its_template_with_the_next_loop(home: Simulated2) -> None:
    own = with_wish(standard(1, "Ioniq"), Wish(mode="pv", priority=True))
    home.write("vehicle/template/charge_template/1", own)
    home.write("chargepoint/5/config/ev", 1)
    config = home.value("chargepoint/5/config")
    assert (config["ev"], config["_ev"]) == (1, 0)
    home.write("chargepoint/5/set/charge_template", edited(home, selected="stop"))  # too early: is written over
    home.loops()
    assert home.value("chargepoint/5/get/connected_vehicle/info") == {"id": 1, "name": "Ioniq 5"}
    assert home.template() == own
    assert home.box.state.chargepoints[5].wish.mode == "pv"
    home.loops()
    connected = home.value("chargepoint/5/get/connected_vehicle/config")
    assert (connected["charge_template"], connected["priority"]) == (1, True)


def test_a_vehicle_that_is_not_there_is_written_into_the_config_only(home: Simulated2) -> None:
    home.write("chargepoint/5/config/ev", 99)
    home.loops()
    assert home.value("chargepoint/5/config")["ev"] == 99
    assert home.value("chargepoint/5/get/connected_vehicle/info")["id"] == 0


def test_another_template_for_the_vehicle_is_loaded_where_it_is(home: Simulated2) -> None:
    home.write("vehicle/template/charge_template/1", with_wish(standard(1, "P"), Wish(mode="stop")))
    home.write("vehicle/0/charge_template", 1)
    home.loops()
    assert home.template()["id"] == 1
    assert home.box.state.chargepoints[5].wish.mode == "stop"


def test_a_lock_stops_the_charge_with_the_next_loop(home: Simulated2) -> None:
    assert home.value("chargepoint/5/set/current") > 0
    home.write("chargepoint/5/set/manual_lock", 1)
    assert home.value("chargepoint/5/set/manual_lock") is True
    assert home.value("chargepoint/5/set/current") > 0
    home.loops()
    assert home.value("chargepoint/5/set/current") == 0
    home.write("chargepoint/5/set/manual_lock", value=False)
    home.loops()
    assert home.value("chargepoint/5/set/current") > 0


def test_what_belongs_to_the_control_is_said_right_again_by_the_next_loop(home: Simulated2) -> None:
    current = home.value("chargepoint/5/set/current")
    for topic, value in (("set/current", 32), ("set/rfid", "X"), ("get/power", 1), ("set/log", {})):
        home.write(f"chargepoint/5/{topic}", value)
    assert home.value("chargepoint/5/set/current") == 32
    home.loops()
    assert home.value("chargepoint/5/set/current") == current
    assert home.value("chargepoint/5/set/rfid") is None
    assert home.value("chargepoint/5/get/power") != 1
    assert "imported_since_plugged" in home.value("chargepoint/5/set/log")


def test_a_tag_assigns_its_vehicle_and_goes() -> None:
    home = Simulated2(stays=(Stay(vehicle_id=1, chargepoint_id=5, plugs_in_s=35),))
    home.loops()
    home.write("chargepoint/5/get/rfid", TAG)
    assert home.value("chargepoint/5/get/rfid") == TAG
    home.loops()
    assert home.value("chargepoint/5/get/rfid_timestamp") == home.time_s
    assert home.value("chargepoint/5/get/connected_vehicle/info")["id"] == 1
    home.loops(3)
    assert home.value("chargepoint/5/get/rfid") is None
    assert home.value("chargepoint/5/get/rfid_timestamp") is None
    assert home.value("chargepoint/5/set/rfid") == TAG
    assert home.value("chargepoint/5/config")["_ev"] == 1
    assert "ev" not in home.value("chargepoint/5/config")


def test_a_tag_that_nobody_knows_is_refused_with_a_sentence(home: Simulated2) -> None:
    home.write("chargepoint/5/get/rfid", "FFFFFFFF")
    home.loops()
    assert home.value("chargepoint/5/get/rfid") is None
    assert "FFFFFFFF" in home.value("chargepoint/5/get/state_str")


def test_a_tag_of_the_charge_points_template_unlocks() -> None:
    home = Simulated2()
    template = home.value("chargepoint/template/0") | {"valid_tags": ["KEY*"]}
    home.write("chargepoint/template/0", template)
    home.write("chargepoint/5/get/rfid", "KEY1")
    home.loops()
    assert home.value("chargepoint/5/get/rfid") == "KEY1"
    home.write("chargepoint/template/0", {"valid_tags": 5})
    home.write("chargepoint/template/0", 5)
    assert home.box.state.chargepoints[5].valid_tags == ("KEY*",)


def test_a_template_of_charge_points_unlocks_only_those_that_have_it() -> None:
    home = Simulated2()
    home.write("chargepoint/6/config", home.value("chargepoint/6/config") | {"template": 3})
    home.write("chargepoint/template/0", {"valid_tags": ["KEY", 5]})
    assert [home.box.state.chargepoints[id_].valid_tags for id_ in (5, 6)] == [("KEY",), ()]


def test_tags_can_be_switched_off_and_a_vehicle_gets_others() -> None:
    home = Simulated2()
    home.write("vehicle/3/tag_id", ["NEW"])
    home.write("vehicle/3/name", "Zoé")
    home.write("chargepoint/5/get/rfid", "new")
    home.loops()
    assert home.value("chargepoint/5/get/connected_vehicle/info") == {"id": 3, "name": "Zoé"}
    home.write("optional/rfid/active", 0)
    assert home.value("optional/rfid/active") is False
    home.write("chargepoint/6/get/rfid", TAG)
    home.loops()
    assert home.value("chargepoint/6/get/rfid") is None


def test_a_manual_soc_is_known_at_once() -> None:
    home = Simulated2()
    home.write("vehicle/1/soc_module/config", {"type": "manual", "name": "M", "configuration": {}})
    messages = told(home.write("vehicle/1/soc_module/calculated_soc_state/manual_soc", 42))
    topics = [topic for topic, payload in messages if payload and not topic.startswith("set/")]
    assert topics == [
        "vehicle/1/soc_module/calculated_soc_state",
        "vehicle/1/get/force_soc_update",
        "vehicle/1/get/force_soc_update",
        "vehicle/1/get/soc_request_timestamp",
        "vehicle/1/soc_module/calculated_soc_state",
        "vehicle/1/get/fault_str",
        "vehicle/1/get/fault_state",
        "vehicle/set/vehicle_update_completed",
        "vehicle/1/get/soc",
        "vehicle/1/get/range",
        "vehicle/1/get/soc_timestamp",
        "vehicle/1/get/odometer",
    ]
    assert home.value("vehicle/1/get/soc") == 42
    assert home.value("vehicle/1/soc_module/calculated_soc_state")["manual_soc"] is None


def test_without_the_manual_module_it_only_waits_there(home: Simulated2) -> None:
    home.write("vehicle/1/soc_module/calculated_soc_state/manual_soc", 33)
    assert home.value("vehicle/1/soc_module/calculated_soc_state")["manual_soc"] == 33
    assert home.value("vehicle/1/get/soc") != 33


def test_what_is_fed_is_known_when_the_module_is_asked(home: Simulated2) -> None:
    home.write("mqtt/vehicle/1/get/range", 71.7)
    home.write("mqtt/vehicle/1/get/soc", 46.3)
    home.write("mqtt/vehicle/1/get/soc_timestamp", 1795348300)
    home.loops()
    assert home.value("vehicle/1/get/soc") != 46.3
    home.write("vehicle/1/get/force_soc_update", 1)
    assert home.value("vehicle/1/get/force_soc_update") is True
    home.loops()
    assert home.value("vehicle/1/get/soc") == 46.3
    assert home.value("vehicle/1/get/range") == 71.7
    assert home.value("vehicle/1/get/soc_timestamp") == 1795348300
    assert home.value("vehicle/1/get/soc_request_timestamp") == home.time_s
    assert home.value("vehicle/1/get/force_soc_update") is False
    assert home.value("mqtt/vehicle/1/get/soc") == 46.3


def test_a_soc_module_is_changed_and_taken_away(home: Simulated2) -> None:
    unknown = {"type": "quantum", "configuration": {}}
    home.write("vehicle/1/soc_module/config", unknown)
    assert home.value("vehicle/1/soc_module/config") == unknown
    assert home.box.state.vehicles[1].soc_module == "mqtt"
    home.write("vehicle/1/soc_module/config", 5)
    assert home.box.state.vehicles[1].soc_module == "mqtt"
    home.write("vehicle/1/soc_module/config", {"type": None, "configuration": {}})
    home.loops()
    assert home.box.state.vehicles[1].soc_module is None
    home.write("chargepoint/5/config/ev", 1)
    home.loops()
    assert home.value("chargepoint/5/get/connected_vehicle/soc") == {
        "fault_str": "Kein Fehler.",
        "fault_state": 0,
        "range_charged": home.value("chargepoint/5/get/connected_vehicle/soc")["range_charged"],
        "range_unit": "km",
        "range": 0,
        "soc": 0,
        "timestamp": None,
    }
    messages = told(home.write("vehicle/1/soc_module/config", {"type": "json", "configuration": {}}))
    assert ("system/subdata_initialized", "") in messages


def test_a_request_without_a_module_stays(home: Simulated2) -> None:
    home.write("vehicle/3/get/force_soc_update", value=True)
    home.loops()
    assert home.value("vehicle/3/get/force_soc_update") is True
    home.write("vehicle/1/get/force_soc_update", value=False)
    assert home.value("vehicle/1/get/force_soc_update") is False


def test_settings_reach_the_box(home: Simulated2) -> None:
    pv = "general/chargemode_config/pv_charging"
    home.write("general/control_interval", 20)
    home.write(f"{pv}/bat_mode", "bat_mode")
    assert (home.box.state.control_interval_s, home.box.state.bat_mode) == (20, "bat_mode")
    home.write(f"{pv}/bat_mode", "nonsense")
    assert home.value(f"{pv}/bat_mode") == "nonsense"
    assert home.box.state.bat_mode == "bat_mode"


def test_what_was_written_survives_a_restart(home: Simulated2) -> None:
    home.write("general/prices/grid", 0.00035)
    home.write("chargepoint/6/set/charge_template", edited(home, 6, selected="stop"))
    retained = home.retained
    home.retained = {}
    home.boot()
    live = (
        "graph",
        "system/lastlive",
        "system/time",
        "chargepoint/5/get",
        "chargepoint/6/get",
        "chargepoint/get",
        "counter",
        "pv",
        "bat",
        "optional/ep",
    )
    for topic, payload in retained.items():
        if not topic.removeprefix("openWB/").startswith(live):
            assert home.retained[topic] == payload, topic


def test_the_config_of_a_charge_point_is_kept(home: Simulated2) -> None:
    config = home.value("chargepoint/5/config") | {"name": "Links"}
    home.write("chargepoint/5/config", config)
    home.loops()
    assert home.value("chargepoint/5/config") == config
    home.write("chargepoint/5/config", 5)
    home.loops()
    assert home.value("chargepoint/5/config") == config


def test_a_profile_that_lacks_what_we_read_is_kept(home: Simulated2) -> None:
    home.write("vehicle/template/ev_template/0", {"id": 0})
    home.loops()
    assert home.value("vehicle/template/ev_template/0") == {"id": 0}
    assert home.value("chargepoint/5/get/connected_vehicle/config")["average_consumption"] == 17000
    assert RECORDED_HOME.vehicles[0].consumption_wh_per_100km == 17000
