"""The older 2.x beside the table of openwb.md 8."""

import json
from typing import Any

import pytest

from gateway.simulator.words import Limit, Plan, Wish
from tests.support.box import Box as Read
from tests.support.captures import load_capture
from tests.support.simulated2 import PLUGGED_IN, RECORDED_STAYS, Simulated2, told

TEMPLATE = "vehicle/template/charge_template/0"
PLANNED = Wish(mode="scheduled", plans=(Plan(ready_at="07:00", limit=Limit(kind="soc", soc_percent=80)),))
GONE = {
    # what came after 2.1.7, by the row of the table that says so
    "2.1.8": [
        "chargepoint/5/set/charge_template",
        "system/configurable/io_actions",
        "system/configurable/io_devices",
    ],
    "2.1.9": [
        "general/temporary_charge_templates_active",
        "optional/ep/configured",
        "optional/ep/get/prices",
        "optional/ep/flexible_tariff/provider",
        "optional/ep/grid_fee/provider",
    ],
    "2.2.0": [
        "general/allow_unencrypted_access",
        "system/security/user_management_active",
        "system/security/access/ChargeLog",
        "bat/config/manual_mode",
        "bat/config/bat_control_activated",
    ],
    "HEAD": ["vehicle/1/color", "system/pnp_ip"],
}
STILL_THERE = [
    "optional/et/provider",
    "optional/et/get/prices",
    "general/chargemode_config/instant_charging/phases_to_use",
    "general/chargemode_config/pv_charging/phases_to_use",
    "general/chargemode_config/pv_charging/bat_mode",
    "chargepoint/5/set/charging_ev",
    "bat/config/power_limit_mode",
]


@pytest.fixture
def home() -> Simulated2:
    return Simulated2(version="2.1.7", stays=PLUGGED_IN)


@pytest.mark.parametrize(("came", "topic"), [(came, topic) for came, topics in GONE.items() for topic in topics])
def test_what_came_later_is_not_there(home: Simulated2, came: str, topic: str) -> None:
    home.loops(3)
    assert f"openWB/{topic}" not in home.retained, came
    assert f"openWB/{topic}" in Simulated2().retained


@pytest.mark.parametrize("topic", STILL_THERE)
def test_what_went_with_it_is_still_there(home: Simulated2, topic: str) -> None:
    assert f"openWB/{topic}" in home.retained
    if topic.startswith(("optional", "chargepoint")) or topic.endswith("phases_to_use"):
        assert f"openWB/{topic}" not in Simulated2().retained


def test_it_says_its_version(home: Simulated2) -> None:
    assert home.value("system/version") == "2.1.7"
    assert max(home.value("system/datastore_version")) < 139


def test_a_template_has_et_max_soc_and_no_eco_and_its_plans_are_topics() -> None:
    home = Simulated2(version="2.1.7", wishes={5: PLANNED, 6: PLANNED})
    template = home.value(TEMPLATE)
    assert template["et"] == {"active": False, "max_price": 0.0002}
    assert template["chargemode"]["pv_charging"]["max_soc"] == 101
    assert "eco_charging" not in template["chargemode"]
    assert "phases_to_use" not in template["chargemode"]["instant_charging"]
    assert template["chargemode"]["scheduled_charging"] == {"plans": {}}
    plan = home.value(f"{TEMPLATE}/chargemode/scheduled_charging/plans/0")
    assert (plan["time"], plan["limit"]["soc_scheduled"]) == ("07:00", 80)


def test_the_config_of_a_charge_point_keeps_the_key_ev(home: Simulated2) -> None:
    home.write("chargepoint/5/config/ev", 3)
    home.loops()
    assert home.value("chargepoint/5/config")["ev"] == 3
    assert "_ev" not in home.value("chargepoint/5/config")
    assert home.value("chargepoint/5/get/connected_vehicle/info") == {"id": 3, "name": "e-Up"}


@pytest.mark.parametrize(
    ("member", "value", "wished"),
    [
        ("chargemode/selected", "pv_charging", {"mode": "pv"}),
        ("chargemode/selected", "standby", {"mode": "standby"}),
        ("chargemode/instant_charging/current", 13, {"instant_current_a": 13.0}),
        ("chargemode/instant_charging/limit/selected", "amount", {}),
        ("chargemode/pv_charging/max_soc", 70, {"pv_limit": Limit(kind="soc", soc_percent=70)}),
        ("prio", True, {"priority": True}),
    ],
)
def test_members_are_written_one_by_one(home: Simulated2, member: str, value: Any, wished: dict[str, Any]) -> None:
    messages = told(home.write(f"{TEMPLATE}/{member}", value))
    assert [topic for topic, _ in messages] == [TEMPLATE, f"set/{TEMPLATE}/{member}"]
    place = home.value(TEMPLATE)
    for level in member.split("/"):
        place = place[level]
    assert place == value
    assert f"openWB/{TEMPLATE}/{member}" not in home.retained
    wish = home.box.state.chargepoints[5].wish
    assert {name: getattr(wish, name) for name in wished} == wished


def test_a_price_limit_binds_all_modes(home: Simulated2) -> None:
    home.write(f"{TEMPLATE}/et/max_price", 0.0003)
    home.write(f"{TEMPLATE}/et/active", value=True)
    wish = home.box.state.chargepoints[5].wish
    assert (wish.mode, wish.price_limit_eur_per_wh) == ("eco", 0.0003)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("chargemode/selected", 5),
        ("chargemode/instant_charging/current", "much"),
        ("chargemode/nothing", 1),
        ("chargemode/selected/more", 1),
        ("chargemode/scheduled_charging/plans/0", "text"),
    ],
)
def test_members_that_do_not_fit_are_only_cleared(home: Simulated2, member: str, value: Any) -> None:
    assert told(home.write(f"{TEMPLATE}/{member}", value)) == [(f"set/{TEMPLATE}/{member}", "")]


def test_a_plan_is_written_to_its_own_topic(home: Simulated2) -> None:
    plan = {"time": "06:30", "current": 14, "active": True, "limit": {"selected": "soc", "soc_scheduled": 60}}
    home.write(f"{TEMPLATE}/chargemode/scheduled_charging/plans/0", plan)
    assert home.value(f"{TEMPLATE}/chargemode/scheduled_charging/plans/0") == plan
    home.write(f"{TEMPLATE}/chargemode/selected", "scheduled_charging")
    (wished,) = home.box.state.chargepoints[5].wish.plans
    assert (wished.ready_at, wished.limit.soc_percent) == ("06:30", 60)


def test_an_object_without_places_for_plans_is_taken_too(home: Simulated2) -> None:
    for broken in ({"chargemode": 5}, {}, "text"):
        home.write(TEMPLATE, broken)
        assert home.value(TEMPLATE) == broken
        home.loops()


def test_a_whole_object_is_taken_too(home: Simulated2) -> None:
    template = home.value(TEMPLATE) | {"prio": True}
    home.write(TEMPLATE, template)
    assert home.value(TEMPLATE) == template
    assert home.box.state.chargepoints[5].wish.priority


@pytest.mark.parametrize(
    "topic", ["chargepoint/5/set/charge_template", "mqtt/vehicle/1/get/soc", "command/me/todo/getChargeLog"]
)
def test_ways_that_came_later_lead_nowhere(home: Simulated2, topic: str) -> None:
    answers = told(home.write(topic, {"command": "getChargeLog", "data": {}}))
    assert answers in ([], [(f"set/{topic}", "")])


def test_soc_is_fed_into_the_value(home: Simulated2) -> None:
    home.write("vehicle/1/get/soc", 61)
    home.loops()
    assert home.value("vehicle/1/get/soc") == home.box.state.vehicles[1].soc_percent == 61


def test_no_topic_that_the_capture_does_not_know_but_those_of_the_table() -> None:
    home = Simulated2(version="2.1.7", stays=RECORDED_STAYS)
    home.loops(5)
    known = {m.topic for m in (*load_capture("v2-retained"), *load_capture("v2-session"))}
    ours = {topic.removeprefix("openWB/") for topic in home.retained.keys() - known}
    assert ours == {
        "optional/et/provider",
        "optional/et/get/prices",
        "optional/et/get/fault_state",
        "optional/et/get/fault_str",
        "system/configurable/electricity_tariffs",
        "chargepoint/5/set/charging_ev",
        "chargepoint/6/set/charging_ev",
        "pv/get/monthly_exported",
        "pv/get/yearly_exported",
        *(
            f"general/chargemode_config/{mode}_charging/phases_to_use"
            for mode in ("instant", "pv", "time", "scheduled")
        ),
    }


def test_the_gateway_reads_all_of_it(home: Simulated2) -> None:
    home.loops(5)
    read = Read()
    for topic, payload in home.retained.items():
        read.write(topic.removeprefix("openWB/"), payload.encode())
    assert read.values["chargepoints/5/mode"] == "instant"
    assert read.values["box/version"] == "2.1.7"
    assert json.dumps(read.values["tariff/prices"])
