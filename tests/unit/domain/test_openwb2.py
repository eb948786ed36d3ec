import contextlib
import re
from typing import Any

import pytest

from gateway.domain.catalogue import check, entry_for
from gateway.domain.errors import Unreadable
from gateway.domain.openwb2 import HEARTBEAT_TOPIC, OpenWB2Reader, ignored_reason
from gateway.domain.openwb_routes import MOST_ROUTES
from gateway.domain.values import REMOVED
from tests.support.box import Box
from tests.support.captures import CaptureName, load_capture

CAPTURES: list[CaptureName] = ["v2-retained", "v2-session", "v2-start"]
HIERARCHY = [{"id": 7, "type": "counter", "children": [{"id": 9, "type": "counter", "children": []}]}]


@pytest.mark.parametrize("name", CAPTURES)
def test_every_topic_of_the_captures_is_mapped_or_ignored_with_a_reason(name: CaptureName) -> None:
    reader = OpenWB2Reader()
    for topic in {message.topic for message in load_capture(name)}:
        mapped = reader._routes.of(topic.removeprefix("openWB/")) is not None
        assert mapped != bool(ignored_reason(topic)), topic


@pytest.mark.parametrize("name", CAPTURES)
def test_every_message_of_the_captures_can_be_read(name: CaptureName) -> None:
    box = Box().play(load_capture(name))
    assert not box.unreadable
    assert all(check(key, value) for key, value in box.values.items())


def test_the_start_state_is_unplugged_and_the_retained_one_charges() -> None:
    start = Box().play(load_capture("v2-start")).values
    for chargepoint in (5, 6):
        prefix = f"chargepoints/{chargepoint}"
        assert start[f"{prefix}/plugged"] is start[f"{prefix}/busy"] is start[f"{prefix}/charging"] is False
        assert start[f"{prefix}/id_tag"] is None
        assert start[f"{prefix}/vehicle_id"] == 0
        assert start[f"{prefix}/power_w"] == start[f"{prefix}/current_target_a"] == 0
        assert start[f"{prefix}/energy_since_plugged_wh"] == 0
    assert start["charging/power_w"] == 0
    assert start["charging/energy_wh"] == start["chargepoints/5/meter_wh"] + start["chargepoints/6/meter_wh"]  # type: ignore[operator] # numbers
    assert start["battery/power_w"] == start["batteries/2/power_w"]
    retained = Box().play(load_capture("v2-retained")).values
    assert retained["chargepoints/5/charging"] is retained["chargepoints/6/charging"] is True


def test_what_the_session_ends_with() -> None:
    """Start state, then session: the values at 606 s, by hand from the timeline."""
    values = Box().play([*load_capture("v2-start"), *load_capture("v2-session")]).values
    expected: dict[str, Any] = {
        "chargepoints/5/plugged": False,
        "chargepoints/5/mode": "instant",
        "chargepoints/5/vehicle_id": 0,
        "chargepoints/5/id_tag": None,
        "chargepoints/6/vehicle_id": 3,
        "chargepoints/6/locked": False,
        "battery/mode": "battery_first_to_min_soc",
        "vehicles/1/soc_percent": 47.9,
        "vehicles/1/range_km": 74.2,
        "vehicles/1/soc_module": {"type": "mqtt", "name": "MQTT"},
        "vehicles/3/soc_percent": None,
    }
    assert {key: values[key] for key in expected} == expected


def test_the_session_shows_each_step_of_its_timeline() -> None:
    box = Box().play(load_capture("v2-start"))
    seen = {
        key: [box.values[key]] for key in ("chargepoints/5/mode", "chargepoints/5/id_tag", "chargepoints/6/locked")
    }
    for message in load_capture("v2-session"):
        box.play([message])
        for key, values in seen.items():
            if values[-1] != box.values[key]:
                values.append(box.values[key])
    assert seen["chargepoints/5/mode"] == ["instant", "pv", "instant", "pv", "instant", "pv", "instant"]
    assert seen["chargepoints/5/id_tag"] == [None, "04A1B2C3D4", None, "04A1B2C3D4", None]
    assert seen["chargepoints/6/locked"] == [False, True, False]


def test_signs_units_and_noise() -> None:
    box = Box()
    box.say("pv/get/power", -5361.9400000000005)
    box.say("pv/3/get/power", 12.5)
    box.say("chargepoint/5/set/log", {"imported_since_plugged": 356.8500000014901, "ev": -1})
    box.say("bat/get/imported", 100)
    box.say("bat/get/exported", 50)
    assert box.values == {
        "pv/power_w": 5361.94,
        "inverters/3/power_w": -12.5,
        "chargepoints/5/energy_since_plugged_wh": 356.85,
        "battery/charged_wh": 100.0,
        "battery/discharged_wh": 50.0,
    }


def test_null_nan_and_infinity_are_known_to_be_unknown() -> None:
    box = Box()
    for payload in (b"null", b"NaN", b"-Infinity", b"1e999"):
        assert box.write("chargepoint/5/get/power", payload) == {"chargepoints/5/power_w": None}
    assert box.write("chargepoint/5/get/currents", b"[NaN, 1, null]") == {
        "chargepoints/5/currents_a": [None, 1.0, None]
    }


def test_an_empty_payload_removes_the_key_and_only_once() -> None:
    box = Box()
    box.say("chargepoint/5/get/plug_state", True)
    both = {"chargepoints/5/plugged": REMOVED, "chargepoints/5/busy": REMOVED}
    assert box.delete("chargepoint/5/get/plug_state") == both
    assert box.delete("chargepoint/5/get/plug_state") == {}


def test_a_removed_device_leaves_nothing() -> None:
    messages = load_capture("v2-retained")
    box = Box(raw=True).play(messages)
    for message in messages:
        box.delete(message.topic.removeprefix("openWB/"))
    assert box.values == {}


@pytest.mark.parametrize(
    "payload", [b"broken", b"{", b"[1,2]", b'"abc"', b"true", b"1e9", b"\xff\xfe", b"[" * 100_000]
)
def test_a_broken_payload_leaves_the_good_one_in_force(payload: bytes) -> None:
    box = Box()
    box.say("chargepoint/5/get/power", 11)
    with pytest.raises(Unreadable):
        box.write("chargepoint/5/get/power", payload)
    assert box.values == {"chargepoints/5/power_w": 11.0}


def test_text_that_is_not_json_is_a_text_where_one_is_wanted() -> None:
    box = Box()
    box.write("vehicle/1/name", b'Opel = Corsa; "blau"')
    box.write("chargepoint/5/get/serial_number", b"00012345")
    box.write("chargepoint/5/get/rfid", b"1234567890")
    box.write("general/chargemode_config/pv_charging/bat_mode", b"ev_mode")
    assert box.values == {
        "vehicles/1/name": 'Opel = Corsa; "blau"',
        "chargepoints/5/serial_number": "00012345",
        "chargepoints/5/id_tag": "1234567890",
        "battery/mode": "vehicles_first",
    }


def test_values_encoded_twice_are_decoded_twice() -> None:
    box = Box()
    box.say("chargepoint/5/get/power", "11.5")
    box.say("chargepoint/5/get/plug_state", "true")
    box.say("general/chargemode_config/pv_charging/bat_mode", '"bat_mode"')
    box.say("chargepoint/5/get/connected_vehicle/info", '{"id": 4, "name": "Auto"}')
    assert box.values["chargepoints/5/power_w"] == 11.5
    assert box.values["chargepoints/5/busy"] is True
    assert box.values["battery/mode"] == "battery_first"
    assert box.values["chargepoints/5/vehicle_id"] == 4


def test_texts_are_clean_and_no_fault_is_no_text() -> None:
    box = Box()
    box.say("chargepoint/5/get/state_str", "Ladung<br />l\u00e4uft <a href='x'>hier</a>")
    box.say("vehicle/1/get/fault_str", "Modul\nTraceback (most recent call last):\n  File x\nKeyError: 'soc'")
    box.say("bat/2/get/fault_str", "Kein Fehler.")
    assert box.values == {
        "chargepoints/5/state_text": "Ladung läuft hier",
        "vehicles/1/fault_text": "Modul KeyError: 'soc'",
        "batteries/2/fault_text": "",
    }


def test_a_word_of_a_future_version_is_unknown_not_the_last_one() -> None:
    box = Box()
    box.say("general/chargemode_config/pv_charging/bat_mode", "bat_mode")
    assert box.say("general/chargemode_config/pv_charging/bat_mode", "moon_mode") == {"battery/mode": None}
    with pytest.raises(Unreadable):
        box.say("general/chargemode_config/pv_charging/bat_mode", [])


def test_ids_are_any_numbers_and_nothing_else() -> None:
    box = Box()
    for chargepoint in ("0", "5", "4711"):
        box.say(f"chargepoint/{chargepoint}/get/power", 1)
    assert set(box.values) == {f"chargepoints/{chargepoint}/power_w" for chargepoint in ("0", "5", "4711")}
    for odd in ("05", "x", "+", "#", "", "-1", "\u0665", "1" * 17):
        assert box.say(f"chargepoint/{odd}/get/power", 1) == {}
    assert box.say("chargepoint/5/get/power/6", 1) == {}


def test_the_grid_is_the_first_counter_and_only_there() -> None:
    box = Box()
    box.say("counter/7/get/power", 700)
    box.say("counter/9/get/power", 900)
    assert box.values == {}
    box.say("counter/get/hierarchy", HIERARCHY)
    assert box.values == {"grid/power_w": 700.0, "meters/9/power_w": 900.0}
    assert box.say("counter/7/get/frequency", 50) == {"grid/frequency_hz": 50.0}


def test_when_the_hierarchy_changes_old_keys_go_and_new_ones_come() -> None:
    box = Box()
    box.say("counter/get/hierarchy", HIERARCHY)
    box.say("counter/7/get/power", 700)
    box.say("counter/7/get/imported", 7)
    box.say("counter/9/get/power", 900)
    told = box.say("counter/get/hierarchy", [{"id": 9, "type": "counter", "children": []}])
    assert told == {
        "grid/power_w": 900.0,
        "grid/imported_wh": REMOVED,
        "meters/7/power_w": 700.0,
        "meters/7/imported_wh": 7.0,
        "meters/9/power_w": REMOVED,
    }
    assert box.delete("counter/9/get/power") == {"grid/power_w": REMOVED}
    box.say("counter/get/hierarchy", [])
    assert box.values == {"meters/7/power_w": 700.0, "meters/7/imported_wh": 7.0}
    box.delete("counter/get/hierarchy")
    assert box.values == {}


def test_without_pv_or_battery_the_box_still_sends_zeros() -> None:
    box = Box()
    box.say("pv/get/power", 0)
    box.say("bat/get/soc", 0)
    box.say("bat/2/get/soc", 5)
    assert set(box.values) == {"pv/power_w", "battery/soc_percent", "batteries/2/soc_percent"}
    box.say("pv/config/configured", False)
    box.say("bat/config/configured", False)
    assert set(box.values) == {"batteries/2/soc_percent"}
    assert box.say("pv/get/power", 0) == {}
    assert box.say("bat/config/configured", True) == {"battery/soc_percent": 0.0}
    assert box.delete("pv/config/configured") == {"pv/power_w": 0.0}


def test_messages_of_the_box_but_not_those_to_some_client() -> None:
    box = Box()
    message = {"source": "system", "type": "danger", "message": "Neues <b>EV</b>", "timestamp": 1795330076}
    assert box.say("command/gateway1/messages/1795330076867", message) == {}
    box.say("system/messages/1795330076867", message)
    box.say("system/messages/1795330076868", message | {"type": "odd"})
    assert box.values == {
        "box/messages/1795330076867": {"type": "danger", "text": "Neues EV"},
        "box/messages/1795330076868": {"type": None, "text": "Neues EV"},
    }
    assert box.say("system/messages/x", message) == {}
    box.delete("system/messages/1795330076867")
    assert "box/messages/1795330076867" not in box.values
    with pytest.raises(Unreadable):
        box.say("system/messages/1", "text")


def test_topics_below_another_prefix() -> None:
    reader = OpenWB2Reader("haus/openWB/")
    assert reader.read("haus/openWB/pv/get/power", b"-5") == {"pv/power_w": 5.0}
    assert reader.read("openWB/pv/get/power", b"-5") == {}
    assert reader.heartbeat("haus/openWB/system/time", b"7") == 7.0
    assert ignored_reason("haus/openWB/general/http_api", "haus/openWB/")


def test_the_heartbeat() -> None:
    reader = OpenWB2Reader()
    topic = f"openWB/{HEARTBEAT_TOPIC}"
    assert reader.heartbeat(topic, b"1795330630.207041") == 1795330630.207
    for payload in (b"", b"null", b"NaN", b"soon", b"true", b"-1"):
        assert reader.heartbeat(topic, payload) is None
    assert reader.heartbeat("openWB/system/version", b"7") is None


def test_the_control_interval() -> None:
    reader = OpenWB2Reader()
    topic = "openWB/general/control_interval"
    assert reader.control_interval_s is None
    assert reader.read(topic, b"60") == {}
    assert reader.control_interval_s == 60
    for payload in (b"0", b"-20", b"601", b"fast"):
        with pytest.raises(Unreadable):
            reader.read(topic, payload)
    assert reader.control_interval_s == 60
    reader.read(topic, b"null")
    assert reader.control_interval_s is None
    reader.read(topic, b"20")
    reader.read(topic, b"")
    assert reader.control_interval_s is None


def test_a_secondary_box_says_so() -> None:
    reader = OpenWB2Reader()
    assert not reader.secondary
    for payload, secondary in ((b"true", True), (b"false", False), (b"1", True), (b"null", False), (b"", False)):
        assert reader.read("openWB/general/extern", payload) == {}
        assert reader.secondary is secondary


@pytest.mark.parametrize("topic", ["chargepoint/5/get/power", "counter/get/hierarchy"])
def test_rights_are_missing_until_something_comes_of_what_every_box_has(topic: str) -> None:
    reader = OpenWB2Reader("home/")
    assert reader.missing_rights is not None
    for other in ("home/system/time", "home/system/security/access/Status", f"openWB/{topic}", "home/bat/get/power"):
        reader.read(other, b"1")
        assert reader.missing_rights == "full-access (chargepoint/#, counter/#)"
    with contextlib.suppress(Unreadable):
        reader.read(f"home/{topic}", b"1")
    assert reader.missing_rights is None


def test_ignored_topics_have_a_reason_and_others_none() -> None:
    assert ignored_reason("openWB/set/anything/at/all")
    assert ignored_reason("openWB-remote/valid_partner_ids") == "outside of the box's prefix"
    assert ignored_reason("openWB/chargepoint/5/get/power") is None
    assert ignored_reason("openWB/of/a/future/version") is None


def test_the_memory_of_topics_is_bounded() -> None:
    reader = OpenWB2Reader()
    for number in range(MOST_ROUTES + 1):
        reader.read(f"openWB/foo/{number}", b"1")
    assert len(reader._routes) <= MOST_ROUTES


def test_every_key_of_the_captures_is_declared_and_every_group_is_used() -> None:
    values = Box(raw=True).play([*load_capture("v2-retained"), *load_capture("v2-session")]).values
    patterns = {entry.pattern for key in values if (entry := entry_for(key)) is not None}
    assert all(entry_for(key) for key in values)
    groups = {re.split("/", pattern)[0] for pattern in patterns}
    assert groups == {
        "grid",
        "pv",
        "inverters",
        "battery",
        "batteries",
        "house",
        "charging",
        "chargepoints",
        "vehicles",
        "tariff",
        "box",
        "raw",
    }
