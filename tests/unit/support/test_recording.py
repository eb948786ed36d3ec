"""A capture played again: feed a moment, compare the schedule."""

import json

import pytest

from tests.support.recording import HEARTBEAT, Capture, Due, Recorded, Shift, schedule, start_of

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
