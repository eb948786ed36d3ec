"""What is released at the charge points: sun, battery, priority, phases, waits."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.simulator import control
from gateway.simulator.control import spoken
from gateway.simulator.installations import CARPORT, HOME, YARD
from gateway.simulator.words import Installation, SetPoint, Wish
from tests.support.simulated import Day

ONE_PHASE_W = 230.0
SINGLE_PHASE_HOME = msgspec.structs.replace(HOME, chargepoints=(msgspec.structs.replace(CARPORT, phases=1), YARD))
BIG_HOME = msgspec.structs.replace(
    HOME,
    chargepoints=(CARPORT, YARD),
    vehicles=tuple(msgspec.structs.replace(vehicle, phases=3) for vehicle in HOME.vehicles),
)


def charging(sun_w: float, installation: Installation = HOME, **wish: Any) -> Day:
    """A day on which the left car charges already under this sun."""
    day = Day({5: Wish(**wish)}, installation)
    day.plant.sun_w = sun_w
    day.plug(5, 1)
    day.loops(7)
    return day


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (30.0, "29 Sek."),
        (29.1, "29 Sek."),
        (0.5, "0 Sek."),
        (60.0, "59 Sek."),
        (60.1, "1 Min. 0 Sek."),
        (320.0, "5 Min. 19 Sek."),
    ],
)
def test_time_left_is_said_as_the_box_says_it(seconds: float, text: str) -> None:
    assert spoken(seconds) == text


def test_a_car_that_does_not_charge_yet_gets_the_least_then_what_was_asked() -> None:
    day = Day({5: Wish(instant_current_a=14.0)})
    day.plug(5, 1)
    day.loop()
    assert day.left.set_point == SetPoint(6.0, 3)
    assert day.text(5) == control.STARTS
    day.loop()
    assert day.left.set_point == SetPoint(14.0, 3)
    assert day.text(5) == control.CHARGES


def test_a_car_that_takes_nothing_is_given_up_and_leaves_its_sun_to_others() -> None:
    day = Day({5: Wish(mode="pv"), 6: Wish(mode="pv")}, BIG_HOME)
    day.plant.sun_w = 400.0 + 6 * ONE_PHASE_W * 3 + 700
    day.plant.full.add(5)
    day.plug(5, 1)
    day.loops(5)
    assert day.text(5) == control.STARTS
    day.plug(6, 3)
    day.loop()
    assert day.text(6) == control.TOO_LITTLE
    day.loops(11)
    assert day.text(5) == control.TAKES_NOTHING
    day.loops(5)
    assert day.text(6) == control.CHARGES
    day.plant.full.clear()
    day.loop()
    assert day.text(5) != control.TAKES_NOTHING


def test_what_is_left_of_the_sun_is_taken() -> None:
    day = charging(400.0 + 9_000, mode="pv")
    assert day.left.set_point.phases == 3
    assert day.current_a(5) == pytest.approx(9_000 / 690, abs=0.01)
    day.plant.sun_w -= 2_000
    day.loop()
    assert day.current_a(5) == pytest.approx(7_000 / 690, abs=0.01)
    assert abs(day.plant.grid_w) == pytest.approx(2_000, abs=10)


def test_the_sun_has_to_shine_for_half_a_minute_without_a_break() -> None:
    day = Day({5: Wish(mode="pv")})
    day.plug(5, 1)
    day.plant.sun_w = 2_100.0
    day.loops(3)
    assert day.text(5) == "Die Ladung wird gestartet, sobald in 9 Sek. die Wartezeit abgelaufen ist."
    day.plant.sun_w = 1_800.0
    day.loop()
    assert day.text(5) == control.TOO_LITTLE
    day.plant.sun_w = 2_100.0
    day.loops(3)
    assert day.current_a(5) == 0
    day.loop()
    assert day.left.set_point == SetPoint(6.0, 1)


def test_without_enough_for_six_amperes_it_ends_after_a_minute() -> None:
    day = charging(2_400.0, mode="pv")
    assert day.text(5) == control.CHARGES
    day.plant.sun_w = 1_500.0
    day.loop()
    assert (day.current_a(5), day.text(5)) == (6.0, control.CHARGES)
    day.loops(2)
    assert day.text(5) == "Die Ladung wird gestoppt, sobald in 49 Sek. die Wartezeit abgelaufen ist."
    day.plant.sun_w = 2_400.0
    day.loop()
    assert day.text(5) == control.CHARGES
    day.plant.sun_w = 1_500.0
    day.loops(7)
    assert day.current_a(5) == 6
    day.loop()
    assert (day.current_a(5), day.text(5)) == (0.0, control.STOPS)
    day.loop()
    assert day.text(5) == control.TOO_LITTLE


def test_a_floor_needs_no_sun_and_never_ends() -> None:
    day = charging(0.0, mode="min_pv", min_current_a=8.0)
    assert day.left.set_point == SetPoint(8.0, 1)
    day.loops(20)
    assert day.left.set_point == SetPoint(8.0, 1)
    day.plant.sun_w = 400.0 + 12 * ONE_PHASE_W
    day.loop()
    assert day.current_a(5) == 12


@pytest.mark.parametrize(
    ("bat_mode", "soc_percent", "goes_to_the_car"),
    [
        ("ev_mode", 20.0, True),
        ("bat_mode", 90.0, False),
        ("min_soc_bat_mode", 49.0, False),
        ("min_soc_bat_mode", 51.0, True),
    ],
)
def test_who_comes_first_battery_or_car(bat_mode: str, soc_percent: float, goes_to_the_car: bool) -> None:
    day = Day({5: Wish(mode="pv")})
    day.box.set_bat_mode(bat_mode)
    day.plant.sun_w, day.plant.battery_w, day.plant.battery_percent = 3_400.0, 3_000.0, soc_percent
    day.plug(5, 1)
    day.loop()
    assert (day.text(5) != control.TOO_LITTLE) is goes_to_the_car


def test_what_the_battery_gives_is_no_surplus() -> None:
    day = charging(9_400.0, mode="pv")
    day.plant.battery_w = -2_000.0
    day.loop()
    assert day.plant.grid_w == pytest.approx(-2_000, abs=10)
    assert day.current_a(5) == pytest.approx(9_000 / 690, abs=0.02)


def test_equals_share_the_sun() -> None:
    day = Day({5: Wish(mode="pv"), 6: Wish(mode="pv")}, BIG_HOME)
    day.plant.sun_w = 400.0 + 14 * 690
    day.plug(5, 1)
    day.plug(6, 3)
    day.loops(12)
    assert day.current_a(5) == pytest.approx(7, abs=0.02)
    assert day.current_a(6) == pytest.approx(7, abs=0.02)


def test_priority_takes_what_it_can_before_others_begin() -> None:
    day = Day({5: Wish(mode="pv"), 6: Wish(mode="pv", priority=True)}, BIG_HOME)
    day.plant.sun_w = 400.0 + 12 * 690
    day.plug(6, 3)
    day.loops(8)
    day.plug(5, 1)
    day.loops(8)
    assert day.current_a(6) == pytest.approx(12, abs=0.02)
    assert (day.current_a(5), day.text(5)) == (0.0, control.TOO_LITTLE)


def test_priority_that_comes_later_takes_the_sun_away() -> None:
    day = Day({5: Wish(mode="pv"), 6: Wish(mode="pv", priority=True)}, BIG_HOME)
    day.plant.sun_w = 400.0 + 12 * 690
    day.plug(5, 1)
    day.loops(8)
    assert day.current_a(5) == pytest.approx(12, abs=0.02)
    day.plug(6, 3)
    day.loops(8)
    assert day.current_a(6) == pytest.approx(12, abs=0.02)
    assert day.current_a(5) == 6


def test_a_fixed_current_that_rises_is_taken_from_the_sun_before_it_is_measured() -> None:
    day = charging(9_400.0, mode="pv")
    day.plug(6, 3)
    before_a = day.current_a(5)
    day.loop()
    assert (day.current_a(6), day.plant.powers_w[6]) == (6.0, 0.0)
    assert day.current_a(5) == pytest.approx(before_a - 10 * 2 / 3, abs=0.02)
    day.loops(2)
    assert day.current_a(5) == pytest.approx(before_a - 10 * 2 / 3, abs=0.02)


def test_a_running_charge_goes_up_to_three_phases_after_the_waits() -> None:
    day = charging(400.0 + 2_500, mode="pv")
    assert day.left.set_point.phases == 1
    day.plant.sun_w = 400.0 + 5_000
    day.loops(2)
    assert day.text(5) == "Umschaltung von 1 auf 3 Phasen in 59 Sek.."
    assert day.current_a(5) == 16
    day.loops(6)
    assert (day.left.set_point, day.text(5)) == (SetPoint(0.0, 3), control.SWITCHES_UP)
    day.loop()
    assert (day.left.set_point, day.plant.powers_w[5]) == (SetPoint(6.0, 3), 0.0)
    day.loop()
    assert (day.text(5), day.plant.phases_in_use[5]) == (control.CHARGES, 3)


def test_phases_are_not_switched_to_and_fro_within_seven_minutes() -> None:
    day = charging(9_400.0, mode="pv")
    day.plant.sun_w = 2_400.0
    day.loops(2)
    assert day.text(5).startswith("Umschaltung von 3 auf 1 Phasen in 6 Min. ")
    day.plant.sun_w = 9_400.0
    day.loop()
    assert day.text(5) == control.CHARGES
    day.plant.sun_w = 2_400.0
    day.loops(20)
    assert day.left.set_point == SetPoint(6.0, 3)
    day.loops(20)
    assert day.left.set_point.phases == 1


@pytest.mark.parametrize("wished", [1, 3])
def test_wished_phases_stay(wished: int) -> None:
    day = charging(400.0 + 12_000, mode="pv", phases=wished)
    assert day.left.set_point == SetPoint(16.0, wished)
    day.plant.sun_w = 400.0 + 1_700
    day.loops(3)
    assert day.left.set_point.phases == wished


@pytest.mark.parametrize("mode", ["instant", "pv"])
def test_other_wished_phases_interrupt_the_charge(mode: str) -> None:
    day = charging(400.0 + 12_000, mode=mode, phases=3)
    day.ask(5, phases=1)
    day.loop()
    assert (day.left.set_point, day.text(5)) == (SetPoint(0.0, 1), control.SWITCHES_DOWN)
    day.loop()
    assert day.left.set_point == SetPoint(6.0, 1)
    day.loop()
    assert day.plant.phases_in_use[5] == 1
    day.ask(5, phases=3)
    day.loop()
    assert (day.left.set_point, day.text(5)) == (SetPoint(0.0, 3), control.SWITCHES_UP)


def test_one_phase_on_the_wall_is_never_three() -> None:
    day = charging(400.0 + 12_000, SINGLE_PHASE_HOME, mode="pv")
    assert day.left.set_point == SetPoint(16.0, 1)
    day.ask(5, mode="instant", phases=3)
    day.loop()
    assert day.left.set_point.phases == 1


def test_a_car_with_one_phase_is_not_switched_for() -> None:
    vehicles = tuple(msgspec.structs.replace(vehicle, phases=1) for vehicle in HOME.vehicles)
    day = charging(400.0 + 12_000, msgspec.structs.replace(HOME, vehicles=vehicles), mode="pv")
    day.loops(10)
    assert day.left.set_point == SetPoint(16.0, 1)
    assert day.text(5) == control.CHARGES
    day.ask(5, mode="instant")
    day.loops(3)
    assert day.left.set_point.phases == 3
    day.ask(5, mode="pv")
    day.plant.sun_w = 0.0
    day.loops(3)
    assert day.text(5).startswith("Die Ladung wird gestoppt")


@pytest.mark.parametrize("mode", ["stop", "standby"])
def test_a_stop_takes_the_current_away_with_the_next_loop(mode: str) -> None:
    day = charging(0.0, mode="instant")
    day.ask(5, mode=mode)
    assert day.current_a(5) == 10
    day.loop()
    assert day.current_a(5) == 0
    day.ask(5, mode="instant")
    day.loops(2)
    assert day.current_a(5) == 10
    day.unplug(5)
    day.loop()
    assert day.current_a(5) == 0


MOVES = st.lists(
    st.tuples(
        st.sampled_from([5, 6]),
        st.sampled_from(["plug", "unplug", "lock", "unlock", "sun", "battery", "wish", "wait"]),
        st.sampled_from(["instant", "min_pv", "pv", "eco", "stop"]),
        st.floats(0, 20_000),
        st.floats(0, 40),
        st.sampled_from([0, 1, 3]),
        st.booleans(),
    ),
    max_size=25,
)


@settings(max_examples=60)
@given(MOVES)
def test_whatever_happens_currents_are_nothing_or_what_may_flow(moves: list[tuple[Any, ...]]) -> None:
    day = Day({5: Wish(mode="pv")})
    for id_, move, mode, power_w, current_a, phases, priority in moves:
        match move:
            case "plug":
                day.plug(id_, 1 if id_ == 5 else 3)
            case "unplug" if id_ in day.plant.plugged:
                day.unplug(id_)
            case "lock" | "unlock":
                day.box.lock(id_, move == "lock")
            case "sun":
                day.plant.sun_w = power_w
            case "battery":
                day.plant.battery_w = power_w / 4 - 2_500
            case "wish":
                wish = Wish(mode=mode, instant_current_a=current_a, phases=phases, priority=priority)
                day.box.ask(id_, wish)
            case _:
                day.loops(8)
        day.loop()
        for chargepoint_id, set_point in day.box.set_points.items():
            may = chargepoint_id in day.plant.plugged and not day.box.state.chargepoints[chargepoint_id].locked
            assert set_point.current_a == 0 or (may and 6 <= set_point.current_a <= 16)
            assert set_point.phases in {1, 3}
