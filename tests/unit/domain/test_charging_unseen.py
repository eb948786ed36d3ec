"""What was not seen: feed, compare, next line. Charge point 5; times are seconds after T."""

from decimal import Decimal

import pytest

from gateway.domain.values import Changes, Reading
from tests.support.charge_feed import T, Told, Watch, charging, ended, readings, started

# what was plugged in before anybody saw it


def test_what_a_connection_replays_is_no_plug_now() -> None:
    watch = Watch({"plugged": True, "meter_wh": 1500.0, "energy_since_plugged_wh": 480.0})
    one = started(watch.first)
    assert (one.completeness[0], one.meter_start_wh, one.energy_wh) == ("begin_unknown", Decimal(1020), Decimal(480))


@pytest.mark.parametrize(("since_wh", "soc"), [(400.0, 63.0), (600.0, None)])
def test_a_state_of_charge_that_is_found_after_much_flowed_is_no_start(since_wh: float, soc: float | None) -> None:
    told: Told = {"plugged": True, "meter_wh": 5000.0, "energy_since_plugged_wh": since_wh, "vehicle_id": 1}
    watch = Watch({**told, "charging": True, "vehicles/1/soc_percent": 63.0})
    watch(3600, {"meter_wh": 8000.0, "charging": False})
    one = ended(watch(3700, {"plugged": False}))
    assert (one.soc_start_percent, one.charging_s, one.mean_w) == (soc, 3660.0, None)


def test_what_is_first_heard_of_as_plugged_in_is_no_plug_now() -> None:
    watch = Watch()
    one = started(watch(50, {"chargepoints/8/plugged": True}))
    assert (one.chargepoint_id, one.completeness, one.meter_start_wh) == ("8", ("begin_unknown",), None)
    one = started(watch.feed({"chargepoints/9/plugged": Reading(True)}))
    assert (one.plugged_at, one.completeness) == (T + 50, ("begin_unknown",))


def test_a_reckoned_start_becomes_right_when_meter_and_energy_agree() -> None:
    watch = Watch({"plugged": True, "meter_wh": 1530.0, "energy_since_plugged_wh": 480.0})
    assert watch.open.meter_start_wh == Decimal(1050)
    watch(5, {"energy_since_plugged_wh": 510.0})
    assert watch.open.meter_start_wh == Decimal(1020)
    watch(10, {"energy_since_plugged_wh": None})
    watch(15, {"meter_wh": 1560.0})
    assert watch.open.energy_wh == Decimal(540)


def test_a_reckoned_start_is_not_below_where_the_meter_stood_free() -> None:
    watch = charging()
    watch(200, {"plugged": False})
    watch.goes_stale(300)
    one = started(watch.is_live(900, {"plugged": True, "meter_wh": 1520.0}))
    assert (one.plugged_at, one.completeness) == (T + 899, ("begin_unknown",))
    assert (one.meter_start_wh, one.energy_wh) == (Decimal(1500), Decimal(20))


def test_a_reckoned_start_after_a_meter_was_exchanged_is_what_it_is() -> None:
    watch = charging()
    watch(200, {"plugged": False})
    watch.goes_stale(300)
    one = started(watch.is_live(900, {"plugged": True, "meter_wh": 30.0, "energy_since_plugged_wh": 20.0}))
    assert (one.meter_start_wh, one.energy_wh) == (Decimal(10), Decimal(20))


def test_a_plug_that_the_bridge_saw_and_we_did_not_has_its_time() -> None:
    watch = Watch()
    watch.known |= readings(500, {"plugged": True})
    one = started(watch.loses(900, {"meter_wh": 1400.0, "energy_since_plugged_wh": 400.0}))
    assert (one.plugged_at, one.completeness) == (T + 500, ("gap",))
    assert (one.meter_start_wh, one.energy_wh) == (Decimal(1000), Decimal(400))


# restarts, and lost positions


def test_a_restart_at_any_step_changes_nothing() -> None:
    steps: list[tuple[float, Told]] = [
        (0, {"plugged": True}),
        (10, {"charging": True, "power_w": 11_000.0}),
        (20, {"meter_wh": 1030.1, "id_tag": "04A1"}),
        (30, {"mode": "instant", "grid/power_w": 1.0}),
        (40, {"meter_wh": 1060.3, "charging": False}),
        (50, {"plugged": False}),
    ]
    watch, restarted = Watch(), Watch()
    for at, told in steps:
        restarted.restarts()
        assert watch(at, told) == restarted(at, told)
    assert restarted.watch.dump() == watch.watch.dump()


def test_a_step_that_is_fed_twice_counts_once() -> None:
    watch = Watch()
    assert len(watch(0, {"plugged": True})) == 1
    assert watch(0, {"plugged": True}) == ()
    watch(100, {"meter_wh": 1100.0})
    watch(100, {"meter_wh": 1100.0})
    assert ended(watch(110, {"plugged": False})).energy_wh == Decimal(100)
    assert watch(110, {"plugged": False}) == ()


def test_a_lost_position_leaves_a_gap_and_goes_on() -> None:
    watch = charging()
    assert watch.loses(4000, {"meter_wh": 9500.0, "energy_since_plugged_wh": 8500.0}) == ()
    one = ended(watch(4100, {"plugged": False, "charging": False}))
    assert (one.plugged_at, one.energy_wh, one.completeness) == (T, Decimal(8500), ("gap",))
    assert one.charging_s == 4090.0


def test_an_unplug_that_the_bridge_saw_and_we_did_not_has_its_time() -> None:
    watch = charging()
    watch.known |= readings(700, {"plugged": False, "charging": False})
    one = ended(watch.loses(4000, {"meter_wh": 2000.0, "energy_since_plugged_wh": 0.0}))
    assert (one.unplugged_at, one.completeness, one.energy_wh) == (T + 700, ("gap",), Decimal(1000))
    assert one.charging_s == 90.0


def test_another_plug_in_after_a_lost_position_is_another_session() -> None:
    watch = charging()
    watch.known |= readings(3000, {"plugged": True})
    happened = watch.loses(4000, {"meter_wh": 2600.0, "energy_since_plugged_wh": 300.0})
    first, second = (one.session for one in happened)
    assert (first.completeness, second.completeness) == (("end_unknown", "gap"), ("gap",))
    assert (first.unplugged_at, second.plugged_at) == (T + 100, T + 3000)
    assert first.meter_end_wh == second.meter_start_wh == Decimal(2300)
    assert (first.energy_wh, second.energy_wh) == (Decimal(1300), Decimal(300))


# the link is down, or the charge point in fault


def test_what_is_stale_is_not_believed() -> None:
    watch = charging()
    assert watch.goes_stale(200) == ()
    stale = readings(210, {"plugged": False, "meter_wh": 0.0}, stale=True)
    assert watch.feed(dict(stale)) == ()
    assert watch.open.energy_wh == Decimal(500)
    assert watch.open.charging_s == 190.0


def test_a_short_silence_is_no_gap_and_a_long_one_is() -> None:
    watch = charging()
    watch.goes_stale(130, "silent")
    assert watch.is_live(150) == ()
    assert (watch.open.completeness, watch.open.charging_s) == ((), 140.0)
    watch.goes_stale(200)
    watch.is_live(1200, {"charging": False, "meter_wh": 2500.0, "energy_since_plugged_wh": 1500.0})
    one = watch.open
    assert (one.completeness, one.charging_s, one.energy_wh) == (("gap",), 190.0, Decimal(1500))


def test_unplugged_while_the_bridge_was_down_its_end_is_unknown() -> None:
    watch = charging()
    watch.goes_stale(200)
    one = ended(watch.is_live(9000, {"plugged": False, "meter_wh": 1800.0, "energy_since_plugged_wh": 0.0}))
    assert (one.unplugged_at, one.completeness) == (T + 100, ("end_unknown",))
    assert (one.energy_wh, one.meter_end_wh, one.charging_s) == (Decimal(800), Decimal(1800), 190.0)


@pytest.mark.parametrize(
    ("meter_wh", "since_wh", "first_wh", "second_wh"),
    [
        (2000.0, 100.0, 900, 100),  # the energy since the plug fell
        (5000.0, 3000.0, 1000, 3000),  # it grew, but the meter counted more
        (1550.0, 200.0, 500, 50),  # no more than the meter counted since it was free or known
        (1200.0, 200.0, 500, 200),  # and the meter was exchanged
    ],
)
def test_when_the_next_plug_in_is_found_both_are_told_apart(
    meter_wh: float, since_wh: float, first_wh: int, second_wh: int
) -> None:
    watch = charging()
    watch.goes_stale(200)
    happened = watch.is_live(9000, {"meter_wh": meter_wh, "energy_since_plugged_wh": since_wh})
    first, second = (one.session for one in happened)
    assert (first.energy_wh, first.completeness) == (Decimal(first_wh), ("end_unknown",))
    assert (second.energy_wh, second.completeness) == (Decimal(second_wh), ("begin_unknown",))
    assert (first.plugged_at_ms, second.plugged_at) == (round(T * 1000), T + 9000)
    assert first.meter_end_wh == second.meter_start_wh or meter_wh < 1500


def test_a_meter_that_is_a_loop_ahead_is_no_other_plug_in() -> None:
    watch = charging()
    watch.goes_stale(200)
    assert watch.is_live(260, {"meter_wh": 1800.0, "energy_since_plugged_wh": 620.0}) == ()


def test_without_the_energy_since_the_plug_it_is_taken_for_the_same() -> None:
    watch = charging()
    watch(110, {"energy_since_plugged_wh": None})
    watch.goes_stale(200)
    assert watch.is_live(9000, {"meter_wh": 2000.0}) == ()
    assert watch.open.energy_wh == Decimal(1000)


def test_without_a_meter_the_energy_since_the_plug_decides_alone() -> None:
    watch = Watch({"meter_wh": None})
    watch(0, {"plugged": True})
    watch(10, {"energy_since_plugged_wh": 700.0})
    watch.goes_stale(200)
    assert watch.is_live(9000, {"energy_since_plugged_wh": 900.0}) == ()
    watch.goes_stale(9100)
    first, second = (one.session for one in watch.is_live(9900, {"energy_since_plugged_wh": 0.0}))
    assert (first.energy_wh, second.energy_wh, second.meter_start_wh) == (None, None, None)


def test_when_the_energy_was_not_told_anew_nothing_is_compared() -> None:
    watch = charging()
    watch.goes_stale(200)
    changes: Changes = dict(readings(900, {"plugged": True, "meter_wh": 9000.0, "link/state": "up"}))
    assert watch.feed(changes) == ()
    assert watch.open.completeness == ("gap",)


def test_before_anything_was_charged_only_the_bridge_can_tell() -> None:
    watch = Watch()
    watch(0, {"plugged": True})
    watch(50, {"vehicle_id": 1})
    first, second = (one.session for one in watch.loses(900, {"plugged": True}))
    assert (first.unplugged_at, second.plugged_at) == (T + 50, T + 900)
    assert (first.completeness, second.completeness) == (("end_unknown", "gap"), ("gap",))
    watch.known["chargepoints/5/plugged"] = Reading(True)
    assert watch.loses(1900) == ()


def test_without_the_energy_since_the_plug_what_was_not_seen_goes_to_the_first() -> None:
    watch = charging()
    watch(110, {"energy_since_plugged_wh": None})
    first, second = (one.session for one in watch.loses(900, {"plugged": True, "meter_wh": 2000.0}))
    assert (first.energy_wh, second.energy_wh) == (Decimal(1000), Decimal(0))


def test_a_plug_that_came_again_counts_for_nothing_against_energy_that_went_on() -> None:
    watch = charging()
    assert watch.loses(300, {"plugged": True, "meter_wh": 1600.0, "energy_since_plugged_wh": 600.0}) == ()


def test_a_1_9_that_starts_counts_anew() -> None:
    watch = charging("openwb-1.9")
    watch.goes_stale(200)
    assert watch.is_live(300, {"meter_wh": 1520.0, "energy_since_plugged_wh": 20.0}) == ()
    assert watch.open.energy_wh == Decimal(520)
    watch.goes_stale(400)
    assert len(watch.is_live(4000, {"meter_wh": 1540.0, "energy_since_plugged_wh": 0.0})) == 2


def test_a_charge_point_in_fault_is_not_believed_until_it_is_well() -> None:
    watch = charging()
    stale = {
        key: Reading(one.value, one.changed_at, stale=True)
        for key, one in watch.known.items()
        if key.startswith("chargepoints/5/")
    }
    assert watch.feed({**stale, **readings(200, {"fault_state": 2})}) == ()
    live = {key: Reading(one.value, one.changed_at) for key, one in watch.known.items() if key in stale}
    assert watch.feed({**live, **readings(230, {"fault_state": 0})}) == ()
    assert (watch.open.completeness, watch.open.charging_s) == (("gap",), 220.0)
