"""The voice as a whole: boot, loop, heartbeat; what single parts do is tested beside them."""

import json

import msgspec
import pytest

from gateway.simulator.box import Box
from gateway.simulator.installations import SMALL
from gateway.simulator.openwb2.measured import at_rest
from gateway.simulator.openwb2.versions import VersionName
from gateway.simulator.openwb2.voice import OpenWB2Voice
from gateway.simulator.scenes import Stay
from gateway.simulator.words import TagRefused, TagTaken, Voice
from tests.support.box import Box as Read
from tests.support.simulated2 import PLUGGED_IN, RECORDED_AT, RECORDED_HOME, Simulated2, told

TAG = "04A1B2C3D4"
NO_TARIFF = msgspec.structs.replace(RECORDED_HOME, tariff=())
LATE_TARIFF = msgspec.structs.replace(RECORDED_HOME, tariff=((72_000, 0.0002), (75_600, 0.0003)))


def test_it_is_a_voice() -> None:
    voice: Voice = OpenWB2Voice(Box(RECORDED_HOME, RECORDED_AT))
    assert voice.subscriptions == ("openWB/set/#", "openWB/command/+/messages/+")


@pytest.mark.parametrize("version", ["2.2.2", "2.1.7"])
def test_everything_at_boot_is_retained_and_said_once(version: VersionName) -> None:
    messages = OpenWB2Voice(Box(RECORDED_HOME, RECORDED_AT), version).boot(RECORDED_AT)
    topics = [message.topic for message in messages]
    assert len(topics) == len(set(topics))
    assert all(message.retain and message.payload for message in messages)
    assert not [topic for topic in topics if topic.startswith("openWB/set/")]


def test_the_heartbeat_is_the_boxs_time_and_the_noise_of_the_vehicles() -> None:
    messages = told(Simulated2().voice.heartbeat(1795348305.2))
    assert messages[:3] == [
        ("set/system/time", "1795348305.2"),
        ("system/time", "1795348305.2"),
        ("set/system/time", ""),
    ]
    assert {topic.removeprefix("set/") for topic, _ in messages[3:]} == {"vehicle/set/vehicle_update_completed"}


@pytest.mark.parametrize("version", ["2.2.2", "2.1.7"])
def test_a_small_home_has_neither_sun_nor_battery(version: VersionName) -> None:
    home = Simulated2(installation=SMALL, version=version, stays=(Stay(vehicle_id=1, chargepoint_id=5),))
    home.loops(40)
    assert home.value("pv/config/configured") is False
    assert home.value("bat/config/configured") is False
    assert not [topic for topic in home.retained if topic.startswith(("openWB/pv/get", "openWB/bat/get"))]
    assert "bat-all-soc" not in home.value("graph/lastlivevaluesJson")
    assert home.value("counter/get/hierarchy")[0]["children"] == [{"id": 5, "type": "cp", "children": []}]
    read = Read()
    for topic, payload in home.retained.items():
        read.write(topic.removeprefix("openWB/"), payload.encode())
    assert read.values["chargepoints/5/charging"] is True
    home.command("getDailyLog", {"date": "20261122"}, named=version == "2.2.2")


def test_a_tag_that_came_and_went_in_one_loop_is_seen_for_a_moment() -> None:
    home = Simulated2(stays=PLUGGED_IN)
    home.loops(2)
    readings = home.plant.step(0, home.box.set_points)
    for happening in (TagTaken(5, TAG), TagRefused(5, TAG, "nein")):
        messages = told(home.voice.loop(readings, (happening,)))
        seen = [json.loads(payload) for topic, payload in messages if topic == "chargepoint/5/get/rfid"]
        assert seen == [TAG, None]


def test_the_tag_of_a_plug_in_goes_without_an_echo() -> None:
    """As the box's own part for tags does it; one that is refused goes the usual way."""
    home = Simulated2(stays=(Stay(vehicle_id=1, chargepoint_id=5, plugs_in_s=35),))
    home.write("chargepoint/5/get/rfid", TAG)
    home.published.clear()
    home.loops(4)
    said = [m for m in told([m for _, m in home.published]) if m[0].endswith("chargepoint/5/get/rfid")]
    assert said == [("chargepoint/5/get/rfid", "null")]


@pytest.mark.parametrize(("load_default", "vehicle_id"), [(True, 0), (False, 1)])
def test_after_the_unplug_the_template_says_whether_the_default_vehicle_comes(
    load_default: bool, vehicle_id: int
) -> None:
    home = Simulated2(stays=(Stay(vehicle_id=1, chargepoint_id=5, plugs_in_s=15, leaves_s=45, id_tag=TAG),))
    template = home.value("vehicle/template/charge_template/1") | {"load_default": load_default}
    home.write("vehicle/template/charge_template/1", template)
    home.loops(4)
    assert home.value("chargepoint/5/get/connected_vehicle/info")["id"] == 1
    home.loops(4)
    assert home.value("chargepoint/5/get/plug_state") is False
    assert home.value("chargepoint/5/get/connected_vehicle/info")["id"] == vehicle_id
    assert home.value("chargepoint/5/config")["_ev"] == vehicle_id
    assert home.template()["id"] == vehicle_id  # profiles 0 and 1


def test_totals_of_the_day_and_prices_move_every_five_minutes() -> None:
    home = Simulated2(stays=PLUGGED_IN)
    for _ in range(40):
        burst = {topic for topic, payload in told(home.loops()) if payload and not topic.startswith("set/")}
        five = home.time_s % 300 < 10
        assert ("optional/ep/get/prices" in burst) is five
        assert ("chargepoint/5/get/daily_imported" in burst) is five
        assert ("pv/get/daily_exported" in burst) is five


def test_prices_begin_with_the_running_quarter_of_an_hour() -> None:
    home = Simulated2()
    prices = home.value("optional/ep/get/prices")
    first = int(RECORDED_AT) // 900 * 900
    assert list(prices)[:2] == [str(first), str(first + 900)]
    assert (len(prices), prices[str(first)]) == (141, 0.00024)  # 12:45
    assert home.value("optional/ep/configured") is True


def test_without_a_tariff_there_are_no_prices() -> None:
    home = Simulated2(installation=NO_TARIFF)
    assert home.value("optional/ep/get/prices") == {}
    assert home.value("optional/ep/configured") is False
    assert home.value("optional/ep/flexible_tariff/provider") == {"type": None, "configuration": {}}


def test_before_the_first_slot_of_the_day_the_last_one_counts() -> None:
    home = Simulated2(installation=LATE_TARIFF)
    assert set(home.value("optional/ep/get/prices").values()) == {0.0002, 0.0003}
    assert next(iter(home.value("optional/ep/get/prices").values())) == 0.0003


def test_messages_come_in_the_order_of_their_times() -> None:
    home = Simulated2(stays=PLUGGED_IN)
    for _ in range(3):
        times = [message.after_s for message in home.loops()]
        assert times == sorted(times)
        assert times[-1] < 2


def test_garbage_is_survived() -> None:
    home = Simulated2()
    for topic in (
        "set/chargepoint/5/set/charge_template",
        "set/command/x/todo",
        "set/",
        "other",
        "set/vehicle/1/name",
    ):
        home.voice.heard(f"openWB/{topic}", b"\xff\xfe{", RECORDED_AT)
    home.loops()


def test_a_plant_at_rest_has_the_meters_of_the_installation() -> None:
    readings = at_rest(RECORDED_HOME, RECORDED_AT)
    assert readings.grid.imported_wh == RECORDED_HOME.imported_wh
    assert readings.chargepoints[5].imported_wh == 10_839_000
    assert readings.batteries[2].soc_percent == 57
