from collections.abc import Mapping
from typing import Any

import pytest

from gateway.domain.catalogue import check, entry_for
from gateway.domain.errors import Unreadable
from gateway.domain.openwb19 import HEARTBEAT_TOPIC, OpenWB19Reader, ignored_reason, subscriptions
from gateway.domain.openwb_routes import MOST_ROUTES
from gateway.domain.values import REMOVED, JsonValue
from tests.support.box import Box
from tests.support.captures import CaptureName, load_capture
from tests.support.recording import Recorded

CAPTURES: list[CaptureName] = ["v19-retained", "v19-session"]
NO_LIMIT = {"kind": "none", "soc_percent": None, "energy_wh": None}


def box(*, raw: bool = False, **said: str) -> Box:
    """A 1.9 with charge points 1 and 2; ``said`` with ``__`` for a slash."""
    box = Box(reader=OpenWB19Reader(raw=raw))
    for number in (1, 2):
        box.write(f"lp/{number}/boolChargePointConfigured", b"1")
    for topic, payload in said.items():
        box.write(topic.replace("__", "/"), payload.encode())
    return box


def played(*messages: Recorded) -> dict[str, JsonValue]:
    box = Box(reader=OpenWB19Reader()).play(messages)
    assert not box.unreadable
    return box.values


def session_until(t: float) -> dict[str, JsonValue]:
    """What shows at a moment of the session, in which only changes are published, after the retained topics."""
    return played(*load_capture("v19-retained"), *(one for one in load_capture("v19-session") if one.t <= t))


@pytest.mark.parametrize("name", CAPTURES)
def test_every_topic_of_the_captures_is_mapped_or_ignored_with_a_reason(name: CaptureName) -> None:
    reader = OpenWB19Reader()
    for topic in {message.topic for message in load_capture(name)}:
        mapped = reader._routes.of(topic.removeprefix("openWB/")) is not None
        assert mapped != bool(ignored_reason(topic)), topic


@pytest.mark.parametrize("name", CAPTURES)
def test_every_message_of_the_captures_can_be_read(name: CaptureName) -> None:
    values = played(*load_capture(name))
    assert all(check(key, value) for key, value in values.items())


AT: list[tuple[float, Mapping[str, Any]]] = [
    # 70 s: plugged in, charging on PV begins; 10 A on three phases
    (
        72,
        {
            "chargepoints/1/plugged": True,
            "chargepoints/1/busy": True,
            "chargepoints/1/charging": True,
            "chargepoints/1/power_w": 6899.0,
            "chargepoints/1/currents_a": [9.93, 9.92, 9.95],
            "chargepoints/1/current_target_a": 10.0,
            "chargepoints/1/phases_in_use": 3,
            "chargepoints/1/meter_wh": 8_123_480.0,
            "chargepoints/1/energy_today_wh": 1260.0,
            "charging/power_w": 6899.0,
            "charging/energy_wh": 9_577_570.0,
            "battery/power_w": 498.0,
        },
    ),
    # 395 s: the box is set to mode instant
    (402, {"chargepoints/1/mode": "instant", "chargepoints/2/mode": "instant", "battery/soc_percent": 72.0}),
    # 595 s: somebody writes a state of charge; the module overwrites it when it asks the car next
    (598, {"vehicles/1/soc_percent": 63.0}),
    (622, {"vehicles/1/soc_percent": 45.0, "battery/soc_percent": 71.0}),
    # 695 s: charge point 1 is disabled, 775 s: enabled again
    (702, {"chargepoints/1/locked": True, "chargepoints/1/charging": False, "chargepoints/2/locked": False}),
    (782, {"chargepoints/1/locked": False, "chargepoints/1/charging": True}),
    # 845 s: min and PV; the least current is the box's setting
    (
        902,
        {
            "chargepoints/1/mode": "min_pv",
            "chargepoints/1/min_current_a": 10.0,
            "chargepoints/1/current_target_a": 6.0,
            "chargepoints/1/limit": NO_LIMIT,
        },
    ),
    # 1045 s: stop, 1145 s: unplugged
    (1060, {"chargepoints/1/mode": "stop", "chargepoints/1/power_w": 0.0, "chargepoints/1/plugged": True}),
    (
        1310.5,
        {
            "chargepoints/1/plugged": False,
            "chargepoints/1/id_tag": None,
            "chargepoints/1/energy_since_plugged_wh": 1790.0,
            "chargepoints/1/meter_wh": 8_125_270.0,
            "grid/power_w": -4214.0,
            "grid/powers_w": [-1350.0, -1349.0, -1344.0],
            "grid/frequency_hz": 50.03,
            "grid/imported_wh": 21_450_019.06,
            "grid/exported_wh": 9_120_609.88,
            "pv/power_w": 7003.0,
            "inverters/1/power_w": 7003.0,
            "pv/produced_wh": 31_180_701.0,
            "house/power_w": 539.0,
            "battery/charged_wh": 2_552_331.0,
            "battery/discharged_wh": 2_306_850.62,
            "box/time": 1_714_733_510.0,
            "box/version": "1.9.304",
            "vehicles/1/soc_percent": 46.0,
        },
    ),
]


@pytest.mark.parametrize(("t", "expected"), AT, ids=[f"{t:g} s" for t, _ in AT])
def test_what_the_session_shows_by_hand(t: float, expected: Mapping[str, Any]) -> None:
    values = session_until(t)
    assert {key: values[key] for key in expected} == expected


def test_what_is_not_configured_is_absent() -> None:
    """The capture has charge points 1 and 2, one inverter and a module for the state of charge at 1 only."""
    values = session_until(2_000)
    groups = {tuple(key.split("/")[:2]) for key in values if key.split("/")[1].isdigit()}
    assert groups == {("chargepoints", "1"), ("chargepoints", "2"), ("inverters", "1"), ("vehicles", "1")}
    assert values["chargepoints/1/vehicle_id"] == 1
    assert values["chargepoints/2/vehicle_id"] is None


def test_a_charge_point_that_is_configured_later_comes_whole_and_goes_whole() -> None:
    house = box(lp__4__W="0", lp__4__boolPlugStat="0", global__ChargeMode="2")
    assert not any(key.startswith("chargepoints/4/") for key in house.values)
    told = house.write("lp/4/boolChargePointConfigured", b"1")
    mine = {key: value for key, value in told.items() if key.startswith("chargepoints/4/")}
    assert mine == {
        "chargepoints/4/power_w": 0.0,
        "chargepoints/4/plugged": False,
        "chargepoints/4/busy": False,
        "chargepoints/4/mode": "pv",
        "chargepoints/4/min_current_a": 0.0,
        "chargepoints/4/limit": NO_LIMIT,
    }
    told = house.write("lp/4/boolChargePointConfigured", b"0")
    assert {key: value for key, value in told.items() if key in mine} == dict.fromkeys(mine, REMOVED)
    assert not set(house.write("lp/4/boolChargePointConfigured", b"")) & set(mine)


def test_the_parts_of_the_house_show_only_when_configured() -> None:
    house = Box(reader=OpenWB19Reader())
    for topic in ("housebattery/W", "housebattery/%Soc", "pv/W", "pv/1/W", "pv/2/W", "Verbraucher/1/Watt"):
        house.write(topic, b"5")
    house.write("config/get/pv/priorityModeEVBattery", b"1")
    assert house.values == {}
    house.write("housebattery/boolHouseBatteryConfigured", b"1")
    assert house.values == {
        "battery/power_w": 5.0,
        "battery/soc_percent": 5.0,
        "battery/mode": "vehicles_first",
    }
    house.write("housebattery/boolHouseBatteryConfigured", b"0")
    house.write("pv/2/boolPVConfigured", b"1")
    assert house.values == {"pv/power_w": -5.0, "inverters/2/power_w": -5.0}
    house.write("pv/2/boolPVConfigured", b"0")
    house.write("pv/boolPVConfigured", b"1")
    assert house.values == {"pv/power_w": -5.0}
    house.write("pv/boolPVConfigured", b"")
    house.write("Verbraucher/1/Configured", b"1")
    assert house.values == {"meters/1/power_w": 5.0}


def test_an_empty_payload_deletes_a_topic_and_only_once() -> None:
    house = box(lp__1__boolPlugStat="1")
    both = {"chargepoints/1/plugged": REMOVED, "chargepoints/1/busy": REMOVED}
    assert house.write("lp/1/boolPlugStat", b"") == both
    assert house.write("lp/1/boolPlugStat", b"") == {}


def test_a_missing_phase_is_null_and_three_missing_ones_are_no_list() -> None:
    house = box(evu__VPhase1="230.5", evu__VPhase3="231")
    assert house.values["grid/voltages_v"] == [230.5, None, 231.0]
    house.write("evu/VPhase1", b"")
    assert house.values["grid/voltages_v"] == [None, None, 231.0]
    assert house.write("evu/VPhase3", b"") == {"grid/voltages_v": REMOVED}


@pytest.mark.parametrize("payload", [b"broken", b"{", b"1e9", b"\xff\xfe", b'"11"', b"1,1"])
def test_a_broken_payload_leaves_the_good_one_in_force(payload: bytes) -> None:
    house = box(lp__1__W="11")
    with pytest.raises(Unreadable) as unreadable:
        house.write("lp/1/W", payload)
    assert payload.decode(errors="replace") not in str(unreadable.value)
    assert house.values["chargepoints/1/power_w"] == 11.0


NAMES = [
    ("lp/1/strChargePointName=A ", b" B", "A = B"),
    ("lp/1/strChargePointName=", b"B", "=B"),
    ("lp/1/strChargePointName=A = B ", b" C", "A = B = C"),
    ("lp/1/strChargePointName=A/B ", b" C", "A/B = C"),
    ("lp/1/strChargePointName=J\u00e4ger", "K\u00f6nig".encode(), "J\u00e4ger=K\u00f6nig"),
    ("lp/1/strChargePointName", b'Ladepunkt; "Hof" \'n', 'Ladepunkt; "Hof" \'n'),
    ("lp/1/strChargePointName", b"0", None),
]


@pytest.mark.parametrize(("topic", "payload", "name"), NAMES)
def test_a_name_that_the_box_breaks_at_its_last_equals_sign_is_whole_again(
    topic: str, payload: bytes, name: str | None
) -> None:
    house = box()
    assert house.write(topic, payload) == {"chargepoints/1/name": name}
    assert ignored_reason(f"openWB/{topic}") is None
    assert house.write(topic, b"") == {"chargepoints/1/name": REMOVED}


def test_a_broken_name_is_of_a_charge_point_that_can_be() -> None:
    assert box().write("lp/9/strChargePointName=A ", b" B") == {}
    assert box().write("lp/11/strChargePointName=A ", b" B") == {}
    assert box().write("lp/3/strChargePointName=A ", b" B") == {}


def test_of_two_names_nobody_knows_which_one_holds() -> None:
    house = box(lp__1__strChargePointName="Carport")
    assert house.write("lp/1/strChargePointName=A ", b" B") == {"chargepoints/1/name": None}
    assert house.write("lp/1/strChargePointName", b"A = B") == {"chargepoints/1/name": "A = B"}
    assert house.write("lp/1/strChargePointName=A ", b"") == {"chargepoints/1/name": "A = B"}


def test_numbers_in_topics_are_of_things_that_can_be() -> None:
    house = box()
    for topic in ("lp/0/W", "lp/9/W", "lp/01/W", "lp/+/W", "lp/x/W", "lp/1/W/2", "pv/3/boolPVConfigured", "pv/3/W"):
        assert house.write(topic, b"1") == {}
    assert house.write("lp/+/boolChargePointConfigured", b"1") == {}
    assert house.write("Verbraucher/3/Configured", b"1") == {}
    assert house.write("config/get/sofort/lp/9/current", b"10") == {}
    assert house.write("config/get/sofort/lp/2/current", b"10") == {"chargepoints/2/instant_current_a": 10.0}


def test_raw_shows_payloads_as_they_are_but_for_secrets() -> None:
    house = Box(reader=OpenWB19Reader(raw=True))
    house.write("lp/1/%Soc", b" 44 ")
    house.write("lp/3/strChargePointName=A ", b" B")
    house.write("config/get/SmartHome/Devices/1/device_password", b"pa55")
    house.write("vehicle/1/soc_module/config", b"pa55")
    house.write("global/cpuUse", b"")
    assert house.values == {"raw/lp/1/%Soc": " 44 ", "raw/lp/3/strChargePointName=A ": " B"}
    assert house.write("lp/1/%Soc", b"") == {"raw/lp/1/%Soc": REMOVED}


def test_without_raw_unknown_and_ignored_topics_give_nothing() -> None:
    assert box().write("foo/bar", b"1") == box().write("global/cpuUse", b"12") == {}


def test_topics_of_the_other_dialect_give_nothing() -> None:
    box = Box(reader=OpenWB19Reader()).play([*load_capture("v2-start"), *load_capture("v2-retained")])
    assert box.values == {}


def test_topics_below_another_prefix() -> None:
    reader = OpenWB19Reader("haus/openWB/")
    assert reader.read("haus/openWB/evu/W", b"-5") == {"grid/power_w": -5.0}
    assert reader.read("openWB/evu/W", b"-5") == {}
    assert reader.heartbeat("haus/openWB/system/Timestamp", b"7") == 7.0
    assert ignored_reason("haus/openWB/global/cpuUse", "haus/openWB/")
    assert subscriptions("haus/", False)[0].startswith("haus/")


def test_the_heartbeat() -> None:
    reader = OpenWB19Reader()
    topic = f"openWB/{HEARTBEAT_TOPIC}"
    assert reader.heartbeat(topic, b"1714732740") == 1_714_732_740.0
    for payload in (b"", b"null", b"NaN", b"soon", b"-1"):
        assert reader.heartbeat(topic, payload) is None
    assert reader.heartbeat("openWB/system/Version", b"7") is None


def test_what_the_box_does_not_tell() -> None:
    reader = OpenWB19Reader()
    assert reader.control_interval_s is None
    assert reader.secondary is False
    assert reader.missing_rights is None


def test_ignored_topics_have_a_reason_and_others_none() -> None:
    assert ignored_reason("openWB/set/anything/at/all")
    assert ignored_reason("openWB-remote/x") == "outside of the box's prefix"
    assert ignored_reason("openWB/lp/1/W") is None
    assert ignored_reason("openWB/of/a/future/version") is None


def test_the_memory_of_topics_is_bounded() -> None:
    reader = OpenWB19Reader()
    for number in range(MOST_ROUTES + 1):
        reader.read(f"openWB/foo/{number}", b"1")
    assert len(reader._routes) <= MOST_ROUTES


# what both captures have shows in the same unit, with the same sign: one hand-picked line each, 1.9 and 2.x
PARITY: list[tuple[str, str, bytes, str, bytes, JsonValue]] = [
    ("grid/power_w", "evu/W", b"500", "counter/0/get/power", b"500", 500.0),
    ("grid/currents_a", "evu/APhase1", b"-6.5", "counter/0/get/currents", b"[-6.5, null, null]", [-6.5, None, None]),
    ("grid/imported_wh", "evu/WhImported", b"21450000.28", "counter/0/get/imported", b"21450000.28", 21450000.28),
    ("grid/imported_today_wh", "evu/DailyYieldImportKwh", b"3.12", "counter/0/get/daily_imported", b"3120", 3120.0),
    ("grid/fault_text", "evu/faultStr", b"Kein Fehler", "counter/0/get/fault_str", b'"Kein Fehler."', ""),
    ("pv/power_w", "pv/W", b"-8430", "pv/get/power", b"-8430", 8430.0),
    ("pv/produced_today_wh", "pv/DailyYieldKwh", b"12.4", "pv/get/daily_exported", b"12400", 12400.0),
    ("inverters/1/power_w", "pv/1/W", b"-8430", "pv/1/get/power", b"-8430.0", 8430.0),
    ("battery/power_w", "housebattery/W", b"-271", "bat/get/power", b"-271", -271.0),
    ("battery/charged_wh", "housebattery/WhImported", b"2552090.61", "bat/get/imported", b"2552090.61", 2552090.61),
    (
        "battery/mode",
        "config/get/pv/priorityModeEVBattery",
        b"1",
        "general/chargemode_config/pv_charging/bat_mode",
        b'"ev_mode"',
        "vehicles_first",
    ),
    ("house/power_w", "global/WHouseConsumption", b"507", "counter/set/home_consumption", b"507", 507.0),
    ("charging/energy_wh", "global/kWhCounterAllChargePoints", b"9.5", "chargepoint/get/imported", b"9500", 9500.0),
    ("chargepoints/1/power_w", "lp/1/W", b"8225", "chargepoint/1/get/power", b"8225.0", 8225.0),
    ("chargepoints/1/meter_wh", "lp/1/kWhCounter", b"8124.54", "chargepoint/1/get/imported", b"8124540", 8124540.0),
    ("chargepoints/1/plugged", "lp/1/boolPlugStat", b"1", "chargepoint/1/get/plug_state", b"true", True),
    ("chargepoints/1/locked", "lp/1/ChargePointEnabled", b"0", "chargepoint/1/set/manual_lock", b"true", True),
    ("chargepoints/1/current_target_a", "lp/1/AConfigured", b"12", "chargepoint/1/set/current", b"12", 12.0),
    ("chargepoints/1/phases_in_use", "lp/1/countPhasesInUse", b"3", "chargepoint/1/get/phases_in_use", b"3", 3),
    ("tariff/price_eur_per_kwh", "system/priceForKWh", b"0.31", "general/prices/grid", b"0.00031", 0.31),
    ("box/updating", "system/updateInProgress", b"1", "system/update_in_progress", b"true", True),
]


@pytest.mark.parametrize(
    ("key", "topic", "payload", "topic2", "payload2", "value"), PARITY, ids=[p[0] for p in PARITY]
)
def test_both_dialects_say_the_same_the_same_way(
    key: str, topic: str, payload: bytes, topic2: str, payload2: bytes, value: JsonValue
) -> None:
    old = box(housebattery__boolHouseBatteryConfigured="1", pv__1__boolPVConfigured="1")
    old.write(topic, payload)
    new = Box()
    new.say("counter/get/hierarchy", [{"id": 0, "type": "counter", "children": []}])
    new.write(topic2, payload2)
    assert old.values[key] == new.values[key] == value
    assert type(old.values[key]) is type(new.values[key])


def test_the_keys_of_the_captures_are_the_same_but_for_what_one_dialect_alone_knows() -> None:
    old = {entry.pattern for key in session_until(2_000) if (entry := entry_for(key))}
    new = {
        entry.pattern
        for key in Box().play([*load_capture("v2-start"), *load_capture("v2-session")]).values
        if (entry := entry_for(key))
    }
    # the recorded 2.x had no month behind it yet
    assert old - new == {"pv/produced_month_wh", "pv/produced_year_wh"}
    assert len(old & new) >= 40
