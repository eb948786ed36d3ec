"""Feed, compare, next line. All is charge point 5 unless a key says otherwise; times are seconds after T."""

from decimal import Decimal

import pytest

from gateway.domain.charging import (
    DOUBT_S,
    GONE_S,
    STEPS,
    ChargingWatch,
    SegmentBegan,
    Signal,
    next_phase,
)
from gateway.domain.charging_session import Phase
from tests.support.charge_feed import T, Told, Watch, charging, ended, readings, started

HOUR_S = 3_600.0


# the table


@pytest.mark.parametrize(("phase", "signal"), [(phase, signal) for phase in Phase for signal in Signal])
def test_a_signal_leads_where_the_table_says_and_else_nowhere(phase: Phase, signal: Signal) -> None:
    if (phase, signal) in STEPS:
        assert next_phase(phase, signal) is STEPS[phase, signal]
    else:
        with pytest.raises(ValueError, match=f"that is {phase.value} takes no '{signal.value}'"):
            next_phase(phase, signal)


def test_nothing_leads_out_of_ended_and_everything_into_it() -> None:
    assert not [phase for phase, _ in STEPS if phase is Phase.ended]
    assert {phase for phase, signal in STEPS if signal is Signal.unplugs} == set(Phase) - {Phase.ended}


# one plug-in


def test_from_plug_to_unplug_it_is_one_session() -> None:
    watch = Watch()
    one = started(watch(0, {"plugged": True}))
    assert (one.site, one.chargepoint_id, one.plugged_at, one.plugged_at_ms) == ("home", "5", T, round(T * 1000))
    assert watch(10, {"charging": True, "power_w": 11_000.0, "charging/power_w": 11_000.0}) == ()
    assert watch(70, {"meter_wh": 1183.33}) == ()
    assert watch.watch.has_open
    assert watch(130, {"meter_wh": 1366.67, "power_w": 9_000.0}) == ()
    assert watch(131, {"charging": False, "power_w": 0.0}) == ()
    one = ended(watch(200.5, {"plugged": False}))
    assert (one.plugged_at, one.unplugged_at, one.plugged_s, one.charging_s) == (T, T + 200.5, 200.5, 121.0)
    assert (one.meter_start_wh, one.meter_end_wh) == (Decimal(1000), Decimal("1366.67"))
    assert (one.energy_wh, one.peak_w, one.mean_w) == (Decimal("366.67"), 11_000.0, 10_909.2)
    assert (one.serial_number, one.completeness) == ("823950", ())
    assert watch.watch.open_sessions() == ()
    assert not watch.watch.has_open


def test_an_open_session_stands_as_it_is() -> None:
    watch = charging()
    one = watch.open
    assert (one.unplugged_at, one.energy_wh, one.plugged_s) == (None, Decimal(500), 100.0)


def test_charging_that_flaps_does_not_split() -> None:
    watch = charging()
    for at in (120, 140, 160):
        assert watch(at, {"charging": False, "power_w": 0.0}) == ()
        assert watch(at + 10, {"charging": True, "power_w": 3_600.0}) == ()
    one = ended(watch(200, {"plugged": False, "charging": False}))
    assert (one.charging_s, len(one.segments)) == (160.0, 1)


def test_a_mode_change_begins_a_segment() -> None:
    watch = charging()
    (began,) = watch(110, {"mode": "instant"})
    assert isinstance(began, SegmentBegan)
    assert [one.mode for one in began.session.segments] == ["pv", "instant"]
    watch(120, {"meter_wh": 1520.5})
    segments = ended(watch(130, {"plugged": False})).segments
    assert [(one.begin - T, one.energy_wh) for one in segments] == [(0, Decimal(500)), (110, Decimal("20.5"))]
    assert [one.end for one in segments] == [T + 110, T + 130]


def test_what_is_cleared_with_the_unplug_was_bound() -> None:
    watch = Watch()
    watch(-10, {"id_tag": "04A1"})
    watch(0, {"plugged": True})
    watch(0.1, {"id_tag": None})
    watch(0.2, {"id_tag": "04A1", "vehicle_id": 1})
    watch(10, {"mode": "instant"})
    cleared: Told = {"plugged": False, "id_tag": None, "vehicle_id": 0, "mode": "pv", "energy_since_plugged_wh": 0.0}
    one = ended(watch(300, cleared))
    assert (one.id_tag, one.vehicle_id, one.vehicle_name) == ("04A1", 1, "Ioniq 5")
    assert [segment.mode for segment in one.segments] == ["pv", "instant"]


def test_what_is_cleared_just_before_the_unplug_was_bound_and_a_refused_tag_was_not() -> None:
    watch = Watch()
    watch(0, {"plugged": True})
    watch(5, {"id_tag": "04A1", "vehicle_id": 1})
    watch(300, {"id_tag": None, "vehicle_id": 0})
    assert (ended(watch(300.5, {"plugged": False})).id_tag, watch.watch.open_sessions()) == ("04A1", ())
    watch(400, {"plugged": True})
    watch(410, {"id_tag": "DEAD"})
    watch(416, {"id_tag": None})
    one = ended(watch(500, {"plugged": False}))
    assert (one.id_tag, one.vehicle_id, one.vehicle_name) == (None, 0, "Standard-Fahrzeug")


def test_soc_and_odometer_are_those_of_the_vehicle_that_is_bound() -> None:
    watch = Watch({"vehicles/0/soc_percent": 99.0, "vehicles/1/soc_percent": 80.0})
    watch(0, {"plugged": True})
    watch(10, {"vehicle_id": 1})
    watch(12, {"vehicles/1/soc_percent": 42.0, "vehicles/1/soc_at": T, "vehicles/1/odometer_km": 23_418.0})
    watch(60, {"charging": True})
    watch(600, {"meter_wh": 3000.0, "vehicles/1/soc_percent": 45.0})
    one = ended(watch(700, {"plugged": False, "vehicle_id": 0}))
    assert (one.soc_start_percent, one.soc_end_percent) == (42.0, 45.0)
    assert (one.odometer_start_km, one.odometer_end_km) == (23_418.0, 23_418.0)


def test_energy_by_source_is_estimated_from_the_balance() -> None:
    watch = Watch({"grid/power_w": 0.0, "pv/power_w": 0.0})
    watch(0, {"plugged": True, "charging": True, "power_w": 3600.0, "grid/power_w": 4000.0})
    watch(100, {"meter_wh": 1100.0, "grid/power_w": -500.0, "pv/power_w": 5000.0})
    watch(200, {"meter_wh": 1200.0})
    one = ended(watch(200, {"plugged": False}))
    assert one.energy_by_source is not None
    assert (one.energy_by_source.grid_wh, one.energy_by_source.pv_wh) == (Decimal(100), Decimal(100))
    assert one.source_how == "estimated"


def test_two_charge_points_at_once_are_two_sessions() -> None:
    watch = Watch({"chargepoints/6/plugged": False, "chargepoints/6/meter_wh": 9000.0})
    first, second = watch(0, {"plugged": True, "chargepoints/6/plugged": True})
    assert {first.session.chargepoint_id, second.session.chargepoint_id} == {"5", "6"}
    watch(50, {"meter_wh": 1010.0, "chargepoints/6/meter_wh": 9020.0})
    assert ended(watch(60, {"chargepoints/6/plugged": False})).energy_wh == Decimal(20)
    assert ended(watch(70, {"plugged": False})).energy_wh == Decimal(10)


def test_a_session_of_a_few_watt_hours_is_a_row_like_any_other() -> None:
    watch = Watch()
    watch(0, {"plugged": True})
    one = ended(watch(30, {"plugged": False, "meter_wh": 1003.0}))
    assert (one.energy_wh, one.small, one.mean_w) == (Decimal(3), True, None)


def test_the_meter_may_come_after_the_plug_and_the_power_not_at_all() -> None:
    watch = ChargingWatch("home")
    watch.reset(readings(0, {"plugged": False}))
    watch.feed(dict(readings(1, {"plugged": True})))
    watch.feed(dict(readings(5, {"meter_wh": 7.5})))
    one = ended(watch.feed(dict(readings(9, {"plugged": False}))))
    assert (one.meter_start_wh, one.energy_wh, one.peak_w) == (Decimal("7.5"), Decimal(0), None)


MONTH_ENDS_IN_UTC = 1_796_083_200.0
YEAR_ENDS_IN_BERLIN = 1_798_758_000.0
SUMMER_TIME_BEGINS = 1_806_195_600.0
SUMMER_TIME_ENDS = 1_824_944_400.0


@pytest.mark.parametrize("moment", [MONTH_ENDS_IN_UTC, YEAR_ENDS_IN_BERLIN, SUMMER_TIME_BEGINS, SUMMER_TIME_ENDS])
def test_a_session_lasts_as_long_as_it_does_whatever_the_calendar_says(moment: float) -> None:
    watch = Watch()
    at = moment - T
    watch(at - 2 * HOUR_S, {"plugged": True, "charging": True})
    watch(at + HOUR_S, {"meter_wh": 12_000.0, "energy_today_wh": 0.0})
    one = ended(watch(at + 2 * HOUR_S, {"plugged": False}))
    assert (one.plugged_s, one.energy_wh, one.completeness) == (4 * HOUR_S, Decimal(11_000), ())


# a box that starts while a car charges


def test_null_is_no_unplug() -> None:
    watch = charging()
    assert watch(110, dict.fromkeys(("plugged", "charging", "meter_wh", "power_w", "mode"))) == ()
    assert watch(120, {"plugged": True, "charging": True, "meter_wh": 1600.0, "mode": "pv"}) == ()
    assert (watch.open.energy_wh, watch.open.completeness) == (Decimal(600), ())


def test_an_unplug_for_one_loop_while_the_box_starts_is_none() -> None:
    watch = charging()
    zeros: Told = {"plugged": False, "charging": False, "meter_wh": 0.0, "power_w": 0.0, "id_tag": None}
    assert watch(110, {"fault_state": 1, **zeros}) == ()
    assert watch(115, {"plugged": False, "mode": "stop"}) == ()
    assert watch(120, {"fault_state": 0}) == ()
    back: Told = {"plugged": True, "charging": True, "meter_wh": 1600.0, "power_w": 11_000.0, "mode": "pv"}
    assert watch(120.1, back) == ()
    one = watch.open
    assert (one.energy_wh, len(one.segments), one.completeness) == (Decimal(600), 1, ("meter_jump",))


def test_an_unplug_that_stays_is_believed_once_the_warning_is_over() -> None:
    watch = charging()
    assert watch(110, {"fault_state": 1, "plugged": False, "charging": False, "meter_wh": 1530.0}) == ()
    assert watch(120, {"fault_state": 0}) == ()
    assert watch(134, {"box/time": T + 134}) == ()
    one = ended(watch(136, {"box/time": T + 136}))
    assert (one.unplugged_at, one.energy_wh, one.completeness, one.charging_s) == (T + 110, Decimal(530), (), 100.0)


def test_an_unplug_is_believed_in_the_end_though_the_warning_stays() -> None:
    watch = charging()
    watch(110, {"fault_state": 1, "plugged": False, "charging": False})
    assert watch(109 + DOUBT_S, {"box/time": T + 109 + DOUBT_S}) == ()
    assert ended(watch(110 + DOUBT_S, {"box/time": T + 110 + DOUBT_S})).unplugged_at == T + 110


def test_an_unplug_stays_doubted_while_nobody_sees_it() -> None:
    watch = charging()
    watch(110, {"fault_state": 1, "plugged": False, "charging": False})
    assert watch.goes_stale(120) == ()
    assert watch(2000, {"link/reason": "unreachable"}) == ()
    assert ended(watch.is_live(2500)).unplugged_at == T + 110


def test_found_unplugged_by_a_box_that_starts_it_is_doubted_too() -> None:
    watch = charging()
    watch.goes_stale(200)
    assert watch.is_live(400, {"fault_state": 1, "plugged": False, "energy_since_plugged_wh": 0.0}) == ()
    assert watch(410, {"fault_state": 0, "plugged": True, "energy_since_plugged_wh": 500.0}) == ()
    assert watch.open.completeness == ("gap",)
    watch.goes_stale(500)
    assert watch.is_live(700, {"fault_state": 1, "plugged": False, "energy_since_plugged_wh": 0.0}) == ()
    one = ended(watch(1000, {"box/time": T + 1000}))
    assert one.completeness == ("end_unknown", "gap")


# meters, clocks, charge points that go


def test_a_meter_that_was_exchanged_costs_nothing_and_is_flagged() -> None:
    watch = charging()
    watch(200, {"meter_wh": 5.0, "serial_number": "999"})
    watch(210, {"meter_wh": 35.5})
    one = ended(watch(220, {"plugged": False}))
    assert (one.energy_wh, one.completeness, one.serial_number) == (Decimal("530.5"), ("meter_jump",), "823950")
    assert (one.meter_start_wh, one.meter_end_wh) == (Decimal(1000), Decimal("35.5"))


def test_another_serial_number_is_another_meter() -> None:
    watch = charging()
    watch(200, {"serial_number": "999"})
    assert ended(watch(220, {"plugged": False})).completeness == ("meter_jump",)


def test_a_box_whose_clock_is_wrong_is_flagged_and_not_believed() -> None:
    watch = Watch({"box/time": None})
    watch(0, {"box/time": 86_400.0})
    watch(5, {"plugged": True})
    watch(10, {"box/time": T + 10})
    one = ended(watch(20, {"plugged": False}))
    assert (one.plugged_at, one.unplugged_at, one.completeness) == (T + 5, T + 20, ("clock",))
    watch(30, {"plugged": True})
    watch(40, {"box/time": T + 900})
    assert ended(watch(50, {"plugged": False})).completeness == ("clock",)


def test_when_the_gateways_clock_is_set_back_time_goes_on_from_there() -> None:
    watch = charging()
    watch(110, {"box/time": T + 110})
    watch(-3490, {"box/time": T - 3490})
    watch(-3480, {"box/time": T - 3480, "meter_wh": 1530.0})
    one = ended(watch(-3470, {"plugged": False, "charging": False}))
    assert (one.completeness, one.energy_wh, one.charging_s) == (("clock",), Decimal(530), 120.0)
    assert one.unplugged_at == T


def test_two_plugs_never_have_the_same_key() -> None:
    watch = Watch()
    watch(0, {"plugged": True})
    first = ended(watch(10, {"plugged": False, "box/time": T + 10}))
    watch(-3600, {"box/time": T - 3600})
    second = started(watch(-3590, {"plugged": True}))
    assert second.plugged_at_ms == first.plugged_at_ms + 1
    assert second.plugged_at == T - 3590


def test_a_charge_point_that_is_gone_for_a_day_ended_when_it_went() -> None:
    watch = charging()
    watch(150, {"box/time": T + 150})
    watch.feed({"chargepoints/5/plugged": None, **readings(200, {"box/time": T + 200})})
    watch.feed({**readings(210, {"box/time": T + 210})})
    assert watch(149 + GONE_S, {"box/time": T + 149 + GONE_S}) == ()
    one = ended(watch(150 + GONE_S, {"box/time": T + 150 + GONE_S}))
    assert (one.unplugged_at, one.completeness) == (T + 150, ("end_unknown",))
    again = started(watch(151 + GONE_S, {"plugged": True}))
    assert again.completeness == ("begin_unknown",)


def test_a_charge_point_that_comes_back_sooner_goes_on() -> None:
    watch = charging()
    watch.feed({"chargepoints/5/plugged": None})
    back: Told = {"plugged": True, "meter_wh": 1700.0, "energy_since_plugged_wh": 700.0}
    assert watch(900, back) == ()
    assert (watch.open.energy_wh, watch.open.completeness) == (Decimal(700), ("gap",))


def test_a_charge_point_that_a_lost_position_does_not_bring_back_is_gone() -> None:
    watch = charging()
    for key in list(watch.known):
        if key.startswith("chargepoints/5/"):
            del watch.known[key]
    assert watch.loses(900, {"box/time": T + 900}) == ()
    assert ended(watch(200 + GONE_S, {"box/time": T + 200 + GONE_S})).completeness == ("end_unknown", "gap")


def test_a_charge_point_that_is_free_again_and_again_is_no_session() -> None:
    watch = Watch()
    assert watch(10, {"plugged": False}) == ()
    watch.goes_stale(20)
    assert watch.is_live(30) == ()
    assert watch.loses(40) == ()
    assert watch.watch.open_sessions() == ()
