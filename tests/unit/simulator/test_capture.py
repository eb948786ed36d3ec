"""A capture played again: feed a moment, compare the schedule."""

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.openwb2 import OpenWB2Reader
from gateway.simulator import capture as capture_module
from gateway.simulator.capture import HEARTBEAT, Capture, Due, Recorded, Shift, packaged, schedule, start_of
from tests.support.make_demo_data import PARTS, Part, demo_messages

RECORDED_AT = 1_795_329_900.0  # on a quarter of an hour
NOW = RECORDED_AT + 10 * 86_400 + 1_000.75  # ten days, one slot and 100 s later
OFFSET_S = 10 * 86_400 + 1_000
SLOT_OFFSET_S = 10 * 86_400 + 900
CAPTURE = Capture(
    (Recorded(HEARTBEAT, "1795330199.5"), Recorded("openWB/a", "1"), Recorded("openWB/at", "1795330100.25")),
    (
        Recorded("openWB/a", "2", True, 1.0),
        Recorded(HEARTBEAT, "1795329905.0", True, 5.0),
        Recorded("openWB/log", "{}", False, 7.0),
        Recorded(HEARTBEAT, "1795329915.0", True, 15.0),
    ),
)


def moved(payload: str) -> str:
    return Shift(CAPTURE, NOW).payload(Recorded("openWB/x", payload), NOW)


def test_a_session_is_due_as_recorded_and_its_clock_says_now() -> None:
    assert list(schedule(CAPTURE.session, Shift(CAPTURE, NOW), NOW)) == [
        Due(1.0, 0, "openWB/a", "2", True),
        Due(5.0, 1, HEARTBEAT, f"{NOW + 5:.6f}", True),
        Due(7.0, 2, "openWB/log", "{}", False),
        Due(15.0, 3, HEARTBEAT, f"{NOW + 15:.6f}", True),
    ]


def test_speed_presses_the_time_and_the_clock_together() -> None:
    assert list(schedule(CAPTURE.session, Shift(CAPTURE, NOW), NOW, speed=10))[1:] == [
        Due(0.5, 1, HEARTBEAT, f"{NOW + 0.5:.6f}", True),
        Due(0.7, 2, "openWB/log", "{}", False),
        Due(1.5, 3, HEARTBEAT, f"{NOW + 1.5:.6f}", True),
    ]


def test_from_the_middle_the_pause_before_the_first_is_kept() -> None:
    later = NOW + 100
    assert list(schedule(CAPTURE.session, Shift(CAPTURE, NOW), later, speed=2, first=2)) == [
        Due(1.0, 2, "openWB/log", "{}", False),
        Due(5.0, 3, HEARTBEAT, f"{later + 5:.6f}", True),
    ]


def test_behind_the_last_nothing_is_due() -> None:
    assert list(schedule(CAPTURE.session, Shift(CAPTURE, NOW), NOW, first=4)) == []


def test_the_start_state_is_as_of_now() -> None:
    assert start_of(CAPTURE, Shift(CAPTURE, NOW), NOW) == {
        HEARTBEAT: f"{NOW:.6f}",
        "openWB/a": "1",
        "openWB/at": f"{1_795_330_100 + OFFSET_S}.25",
    }


S, Q = 1_795_330_300 + OFFSET_S, 1_795_330_800 + SLOT_OFFSET_S


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        ("1795330300", f"{S}"),
        ("1795330300.760387", f"{S}.760387"),
        ("1795330300123", f"{S}123"),
        ('{"timestamp": 1795330300, "x": 5}', f'{{"timestamp": {S}, "x": 5}}'),
        ("[1795330300,1795330300.0]", f"[{S},{S}.0]"),
        ('{"at":"1795330300"}', f'{{"at":"{S}"}}'),
        ('{"1795330800": 0.0003, "1795331700": 0.0004}', f'{{"{Q}": 0.0003, "{Q + 900}": 0.0004}}'),
        ('{"1795330800.0" : 1}', f'{{"{Q}.0" : 1}}'),
        ('{"a":1795330300}\n{"a":1795330300}', f'{{"a":{S}}}\n{{"a":{S}}}'),
    ],
)
def test_moments_move(recorded: str, expected: str) -> None:
    assert moved(recorded) == expected


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "null",
        "-",
        "NaN",
        "12293105.16",
        "-1795330300",  # no moment is negative
        "0.1795330300",
        "1.1795330300",
        "1695330300",  # years before the recording
        "1895330300",
        "17953303001",
        "179533030012345",
        "E1795330300",
        "x1795330300",
        "1795330300a",
        "04A1B2C3D4",
        '"2026-11-22"',
    ],
)
def test_everything_else_stays(payload: str) -> None:
    assert moved(payload) == payload


@pytest.mark.parametrize("seconds", [0, 1, 899, 900, 86_399])
def test_slots_stay_on_quarters_and_one_is_current(seconds: int) -> None:
    now = RECORDED_AT + 86_400 + seconds
    recorded = {str(int(RECORDED_AT) + 900 * number): number for number in range(4)}
    slots = [int(slot) for slot in json.loads(Shift(CAPTURE, now).payload(Recorded("p", json.dumps(recorded)), now))]
    assert [slot % 900 for slot in slots] == [0] * 4
    assert slots[0] <= now < slots[1]


def test_back_in_time_works_too() -> None:
    shift = Shift(CAPTURE, RECORDED_AT - 86_400)
    assert shift.payload(Recorded("p", '{"1795330800":1795330300}'), 0) == '{"1795244400":1795243900}'


def test_without_a_clock_nothing_moves() -> None:
    capture = Capture((), (Recorded("openWB/a", "1795330300", True, 1.0),))
    assert capture.recorded_at() is None
    assert Shift(capture, NOW).payload(capture.session[0], NOW) == "1795330300"


# --- the capture in the package


def test_packaged_is_small() -> None:
    folder = Path(capture_module.__file__).parent / "data"
    assert sum(file.stat().st_size for file in folder.iterdir()) < 400_000


@pytest.mark.parametrize("part", PARTS)
def test_packaged_is_what_the_script_makes(part: Part) -> None:
    """Else run ``python -m tests.support.make_demo_data``."""
    assert getattr(packaged(), part) == tuple(demo_messages(part))


def test_packaged_begins_unplugged_and_returns_to_that() -> None:
    capture = packaged()
    start = {message.topic: message.payload for message in capture.start}
    end = start | {message.topic: message.payload for message in capture.session if message.retain}
    for state in (start, end):
        for charge_point in (5, 6):
            prefix = f"openWB/chargepoint/{charge_point}"
            assert state[f"{prefix}/get/plug_state"] == "false"
            assert state[f"{prefix}/get/charge_state"] == "false"
            assert state[f"{prefix}/set/rfid"] == "null"
            assert json.loads(state[f"{prefix}/set/current"]) == 0
            assert json.loads(state[f"{prefix}/set/log"])["imported_since_plugged"] == 0
    plugged = [m.topic for m in capture.session if m.topic.endswith("plug_state") and m.payload == "true"]
    assert set(plugged) == {"openWB/chargepoint/5/get/plug_state", "openWB/chargepoint/6/get/plug_state"}


def test_packaged_is_in_order_without_echoes_and_with_a_living_clock() -> None:
    capture = packaged()
    times = [message.t for message in capture.session]
    assert times == sorted(times)
    assert not any(m.topic.startswith("openWB/set/") for m in (*capture.start, *capture.session))
    assert all(message.retain for message in capture.start)
    assert len({message.topic for message in capture.start}) == len(capture.start)
    clock = [due.payload for due in schedule(capture.session, Shift(capture, NOW), NOW) if due.topic == HEARTBEAT]
    assert len(clock) == 61
    steps = [float(two) - float(one) for one, two in itertools.pairwise(clock)]
    assert 5 < min(steps) < max(steps) < 15


def test_packaged_has_a_current_price() -> None:
    capture = packaged()
    start = start_of(capture, Shift(capture, NOW), NOW)
    slots = sorted(int(slot) for slot in json.loads(start["openWB/optional/ep/get/prices"]))
    assert all(slot % 900 == 0 for slot in slots)
    assert slots[0] <= NOW < slots[-1]


def test_packaged_counts_a_plausible_day_and_costs_something() -> None:
    reader, values = OpenWB2Reader(), dict[str, Any]()
    for message in (*packaged().start, *packaged().session):
        values.update(reader.read(message.topic, message.payload.encode()))
        if message.topic.endswith(("get/daily_imported", "get/daily_exported")):
            today = {key: value for key, value in values.items() if key.endswith("_today_wh")}
            assert all(value is None or 0 <= value < 20_000 for value in today.values())
    for whole, group, name in (
        ("pv/produced_today_wh", "inverters", "produced_today_wh"),
        ("battery/charged_today_wh", "batteries", "charged_today_wh"),
        ("battery/discharged_today_wh", "batteries", "discharged_today_wh"),
        ("charging/energy_today_wh", "chargepoints", "energy_today_wh"),
    ):
        parts = [value for key, value in values.items() if re.fullmatch(rf"{group}/\d+/{name}", key)]
        # the box rounded what it counted
        assert values[whole] == pytest.approx(sum(parts), abs=0.1)
        assert values[whole] > 500
    assert 0.2 < values["tariff/price_eur_per_kwh"] < 0.4
