"""What is added up from plug to unplug, and the lines that are written of it."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.simulator.charge_log import sources
from gateway.simulator.installations import SMALL, TARIFF_HOME
from gateway.simulator.words import LogEntry, Logged, PluggedIn, Unplugged, Wish
from tests.support.simulated import NOON_S, Day, HandMadePlant


def lines(day: Day, chargepoint_id: int = 5) -> list[LogEntry]:
    written = [happening.entry for happening in day.happenings if isinstance(happening, Logged)]
    return [entry for entry in written if entry.chargepoint_id == chargepoint_id]


def instant(current_a: float = 16.0) -> Day:
    """A car charges in a hurry; 16 A are 11,040 W, 30.67 Wh a loop."""
    day = Day({5: Wish(instant_current_a=current_a)})
    day.plug(5, 1)
    day.loops(2)
    return day


def test_nothing_is_taken_down_before_power_flows() -> None:
    day = Day({5: Wish(mode="stop")})
    day.plug(5, 1)
    day.loop()
    log = day.left.log
    assert (log.mode, log.vehicle_id, log.started_s, log.charging_s) == ("_", -1, None, 0.0)
    assert (log.imported_at_plug_wh, log.imported_at_mode_switch_wh) == (10_839_000.0, 10_839_000.0)
    assert log.mode_switched_s == NOON_S + 10
    day.unplug(5)
    assert day.loop() == (Unplugged(5),)


def test_it_counts_from_the_plug_and_keeps_when_it_began() -> None:
    day = instant()
    day.plant.soc_percent[1] = 60.0
    assert day.left.log.started_s == NOON_S + 20
    day.loops(3)
    log = day.left.log
    energy_wh = day.plant.meters_wh[5] - 10_839_000.0
    assert log.since_plugged_wh == log.since_mode_switch_wh == pytest.approx(energy_wh)
    assert (log.mode, log.vehicle_id, log.soc_at_start_percent) == ("instant", 1, 42.0)
    assert log.charging_s == 0.0


def test_the_time_moves_when_a_charge_ends() -> None:
    day = instant()
    day.plant.full.add(5)
    day.loop()
    log = day.left.log
    assert (log.charging_s, log.started_s, log.stopped_s) == (10.0, None, NOON_S + 30)
    since_wh = log.since_mode_switch_wh
    day.plant.full.clear()
    day.loops(2)
    assert log.since_mode_switch_wh > since_wh
    day.unplug(5)
    day.loop()
    (entry,) = lines(day)
    assert entry.charging_s == pytest.approx(30.0)
    assert entry.power_w == pytest.approx(entry.since_mode_switch_wh / 30 * 3_600)


def test_a_change_of_mode_writes_a_line_and_begins_a_half() -> None:
    day = instant()
    day.loops(4)
    day.ask(5, mode="min_pv")
    day.loop()
    (entry,) = lines(day)
    log = day.left.log
    assert (entry.mode, log.mode) == ("instant", "min_pv")
    assert (entry.begin_s, entry.end_s, log.mode_switched_s) == (NOON_S + 10, NOON_S + 70, NOON_S + 70)
    assert entry.imported_at_end_wh == log.imported_at_mode_switch_wh
    assert log.since_mode_switch_wh == 0
    assert log.since_plugged_wh == entry.since_plugged_wh
    assert log.imported_at_plug_wh == entry.imported_at_start_wh


def test_surplus_with_a_floor_is_the_same_mode() -> None:
    day = instant()
    day.ask(5, mode="min_pv")
    day.loops(3)
    day.ask(5, mode="pv", min_current_a=6.0)
    day.loop()
    assert len(lines(day)) == 1


def test_a_change_of_mode_without_energy_writes_nothing() -> None:
    day = Day({5: Wish(mode="pv")})
    day.plug(5, 1)
    day.loop()
    day.ask(5, mode="instant")
    day.loops(2)
    assert lines(day) == []
    assert day.left.log.mode == "instant"


def test_a_locked_charge_point_takes_nothing_down_until_it_is_released() -> None:
    day = instant()
    day.loops(3)
    day.box.lock(5, True)
    before_wh = day.left.log.since_plugged_wh
    day.loops(5)
    assert (day.left.log.since_plugged_wh, lines(day)) == (before_wh, [])
    day.box.lock(5, False)
    day.loop()
    (entry,) = lines(day)
    assert entry.since_plugged_wh > before_wh
    assert entry.charging_s == 90
    assert (day.left.log.mode, day.left.log.since_plugged_wh) == ("_", entry.since_plugged_wh)


def test_a_stopped_car_that_leaves_has_its_line_in_the_mode_in_which_it_charged() -> None:
    day = instant()
    day.ask(5, mode="stop")
    day.loops(3)
    day.unplug(5)
    day.loop()
    (entry,) = lines(day)
    assert entry.mode == "instant"
    assert entry.since_plugged_wh == pytest.approx(day.plant.meters_wh[5] - 10_839_000.0)


def test_sources_and_costs_become_visible_every_five_minutes_of_the_wall_clock() -> None:
    day = instant()
    day.loops(27)
    assert (day.left.log.cost_eur, sum(day.left.log.by_source_wh.values())) == (0.0, 0.0)
    day.loop()
    log = day.left.log
    assert day.plant.time_s == NOON_S + 300
    assert log.by_source_wh["grid"] == pytest.approx(log.since_plugged_wh)
    assert log.cost_eur == pytest.approx(log.since_plugged_wh * 0.0003)
    visible_wh = log.by_source_wh["grid"]
    day.loops(5)
    assert log.by_source_wh["grid"] == visible_wh


def test_short_stretches_have_no_sources() -> None:
    day = instant()
    day.loops(2)
    day.unplug(5)
    day.loop()
    (entry,) = lines(day)
    assert 0 < entry.since_mode_switch_wh < 100
    assert (set(entry.shares.values()), entry.cost_eur) == ({0.0}, 0.0)


def test_what_is_short_after_the_last_five_minutes_is_missing_in_the_shares() -> None:
    day = instant()
    day.loops(28)
    day.loops(2)
    day.unplug(5)
    day.loop()
    (entry,) = lines(day)
    assert 0.9 < entry.shares["grid"] < 0.95
    assert entry.cost_eur == pytest.approx(entry.shares["grid"] * entry.since_mode_switch_wh * 0.0003)


def test_prices_are_those_of_the_source_and_the_hour() -> None:
    day = Day({5: Wish(instant_current_a=16.0)}, TARIFF_HOME, NOON_S + 3_000)
    day.plug(5, 1)
    day.loops(2 + 58)
    before_one_wh = day.plant.meters_wh[5] - 10_839_000.0
    day.loops(60)
    day.unplug(5)
    day.loop()
    (entry,) = lines(day)
    after_one_wh = entry.since_plugged_wh - before_one_wh
    assert entry.cost_eur == pytest.approx(before_one_wh * 0.00024 + after_one_wh * 0.000236, rel=1e-3)


@pytest.mark.parametrize(
    ("sun_w", "house_w", "battery_w", "shares"),
    [
        (0.0, 1_000.0, 0.0, (1.0, 0.0, 0.0, 0.0)),
        (5_000.0, 1_000.0, 0.0, (0.0, 1.0, 0.0, 0.0)),
        (5_000.0, 1_000.0, 2_000.0, (0.0, 1.0, 0.0, 0.0)),
        (500.0, 1_000.0, 0.0, (0.5, 0.5, 0.0, 0.0)),
        (250.0, 1_000.0, -500.0, (0.25, 0.25, 0.5, 0.0)),
        (0.0, 0.0, 0.0, (1.0, 0.0, 0.0, 0.0)),
    ],
)
def test_the_balance_tells_the_sources(
    sun_w: float, house_w: float, battery_w: float, shares: tuple[float, ...]
) -> None:
    plant = HandMadePlant()
    plant.sun_w, plant.house_w, plant.battery_w = sun_w, house_w, battery_w
    assert sources(plant.readings()) == pytest.approx(shares)


def test_a_house_without_sun_and_battery_lives_on_the_grid() -> None:
    assert sources(HandMadePlant(SMALL).readings()) == (1.0, 0.0, 0.0, 0.0)


def test_a_lower_meter_takes_the_session_away_and_a_higher_one_is_believed() -> None:
    day = instant()
    day.loops(5)
    day.plant.meters_wh[5] = 12.0
    day.loops(3)
    assert (day.left.log.since_plugged_wh, day.left.log.since_mode_switch_wh) == (0.0, 0.0)
    day.unplug(5)
    day.loop()
    assert lines(day) == []
    day.plug(5, 1)
    day.loops(3)
    day.plant.meters_wh[5] += 50_000.0
    day.unplug(5)
    day.loop()
    assert lines(day)[-1].since_plugged_wh > 50_000


def test_the_range_is_the_cars_own_or_reckoned() -> None:
    day = instant()
    day.loops(9)
    assert day.left.log.range_charged_km == 0.0
    day.plant.soc_percent[1] += 3
    day.loops(30)
    assert day.left.log.range_charged_km == 12.0
    day.plug(6, 3)
    day.loops(10)
    log = day.right.log
    assert log.range_charged_km == pytest.approx(log.since_mode_switch_wh * 0.9 / 140, abs=0.01)


def test_a_line_says_all_of_vehicle_and_tag() -> None:
    day = Day({5: Wish(priority=True)})
    day.box.scan(5, "04a1b2c3d4")
    day.plug(5, 1)
    day.loops(20)
    day.unplug(5)
    day.loop()
    (entry,) = lines(day)
    assert (entry.chargepoint_id, entry.vehicle_id, entry.id_tag, entry.priority) == (5, 1, "04a1b2c3d4", True)
    assert (entry.odometer_km, entry.soc_at_start_percent, entry.soc_at_end_percent) == (23_418, 42.0, 42.0)
    assert (entry.range_at_start_km, entry.range_at_end_km) == (168.0, 168.0)


MOVES = st.lists(
    st.tuples(
        st.sampled_from(["plug", "unplug", "lock", "unlock", "wish", "full", "empty", "wait"]),
        st.sampled_from(["instant", "min_pv", "pv", "eco", "stop"]),
        st.integers(1, 12),
    ),
    max_size=30,
)


@settings(max_examples=80)
@given(MOVES, st.floats(0, 15_000))
def test_the_lines_of_a_plug_in_make_up_its_energy(moves: list[tuple[Any, ...]], sun_w: float) -> None:
    """And their meters hang together without a gap."""
    day = Day({5: Wish(mode="pv")})
    day.plant.sun_w = sun_w
    for move, mode, loops in moves:
        match move:
            case "plug":
                day.plug(5, 1)
            case "unplug":
                day.plant.plugged.pop(5, None)
            case "lock" | "unlock":
                day.box.lock(5, move == "lock")
            case "full":
                day.plant.full.add(5)
            case "empty":
                day.plant.full.discard(5)
            case "wish":
                day.ask(5, mode=mode)
            case _:
                day.loops(loops)
        day.loop()
        log = day.left.log
        assert 0 <= log.since_mode_switch_wh <= log.since_plugged_wh + 1e-6 or day.left.locked
        assert sum(log.by_source_wh.values()) <= day.plant.meters_wh[5] - log.imported_at_mode_switch_wh + 1e-6
    day.plant.plugged.clear()
    day.loop()
    _check_lines(day)


def _check_lines(day: Day) -> None:
    since_plug: list[LogEntry] = []
    for happening in day.happenings:
        match happening:
            case PluggedIn(_):
                since_plug = []
            case Logged(entry):
                assert entry.since_mode_switch_wh == entry.imported_at_end_wh - entry.imported_at_start_wh > 0
                assert not since_plug or since_plug[-1].imported_at_end_wh == entry.imported_at_start_wh
                assert entry.begin_s <= entry.end_s
                assert 0 <= sum(entry.shares.values()) <= 1 + 1e-9
                since_plug.append(entry)
                assert entry.since_plugged_wh == pytest.approx(sum(line.since_mode_switch_wh for line in since_plug))
            case _:
                pass
    assert all(entry in day.box.entries(2026, 11) for entry in lines(day))
