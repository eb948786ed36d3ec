from typing import Any

import pytest

from gateway.domain.charging_beliefs import ChargePoint, Doubt, Site, Vehicle, by_member
from gateway.domain.energy_sources import Mix
from gateway.domain.values import Changes, JsonValue, Reading


def live(**leaves: JsonValue) -> dict[str, Reading | None]:
    return {leaf: Reading(told, 100.0) for leaf, told in leaves.items()}


def point(**leaves: JsonValue) -> ChargePoint:
    one = ChargePoint()
    one.take(live(**leaves), 100.0)
    return one


def test_what_is_live_is_believed() -> None:
    one = point(charging=True, mode="pv", meter_wh=5.5, power_w=7, serial_number="8", id_tag="T", vehicle_id=3)
    assert (one.charging, one.mode, one.meter_wh, one.power_w) == (True, "pv", 5.5, 7)
    assert (one.serial_number, one.id_tag, one.vehicle_id) == ("8", "T", 3)


def test_what_is_stale_is_not() -> None:
    one = point(charging=True, meter_wh=5.5)
    one.take({"meter_wh": Reading(9.0, 200.0, stale=True), "charging": Reading(False, 200.0, stale=True)}, 200.0)
    assert (one.charging, one.meter_wh) == (True, 5.5)


def test_null_is_unknown_but_for_what_may_be_nothing() -> None:
    leaves: dict[str, Any] = {
        "charging": True,
        "mode": "pv",
        "meter_wh": 5.5,
        "power_w": 7.0,
        "serial_number": "8",
        "fault_state": 1,
    }
    one = point(**leaves, id_tag="T", vehicle_id=3, energy_since_plugged_wh=5.0)
    one.take(live(**dict.fromkeys((*leaves, "id_tag", "vehicle_id", "energy_since_plugged_wh"))), 200.0)
    assert {leaf: getattr(one, leaf) for leaf in leaves} == leaves
    assert (one.id_tag, one.vehicle_id, one.energy_since_plugged_wh) == (None, None, None)


def test_a_key_that_ceased_says_no_more_than_null() -> None:
    one = point(meter_wh=5.5, id_tag="T", fault_state=1)
    one.take({"meter_wh": None, "id_tag": None, "fault_state": None}, 200.0)
    assert (one.meter_wh, one.id_tag, one.fault_state) == (5.5, None, 1)


def test_other_values_are_none_of_its_business() -> None:
    assert point(name="Hof", plugged=True) == ChargePoint()


def test_a_warning_that_ends_leaves_its_moment() -> None:
    one = point(fault_state=1)
    assert (one.fault_state, one.well_since) == (1, 0.0)
    one.take(live(fault_state=0), 200.0)
    one.take(live(fault_state=0), 300.0)
    assert (one.fault_state, one.well_since) == (0, 200.0)


def test_a_charge_point_is_seen_unless_stale_gone_or_doubted() -> None:
    assert ChargePoint().seen
    assert not ChargePoint(stale_since=1.0).seen
    assert not ChargePoint(gone_since=1.0).seen
    assert not ChargePoint(doubt=Doubt(raised_at=1.0, at=1.0, unknown=False, seen_last=None)).seen


def test_a_vehicle_tells_when_it_was_told_of() -> None:
    one = Vehicle()
    one.take({"name": Reading("e-Up"), "soc_percent": Reading(40.0), "odometer_km": Reading(7.0, 90.0)})
    assert one == Vehicle(name="e-Up", soc_percent=40.0, odometer_km=7.0, odometer_told_at=90.0)
    one.take({"soc_at": Reading(95.5, 110.0), "range_km": Reading(3.0, 120.0), "name": Reading(None, 120.0)})
    assert (one.soc_percent, one.soc_told_at, one.name) == (40.0, 110.0, "e-Up")
    one.take(
        {"soc_percent": Reading(None, 130.0), "odometer_km": Reading(None, 130.0), "soc_at": Reading(None, 130.0)}
    )
    assert (one.soc_percent, one.odometer_km) == (None, None)
    one.take({"soc_percent": Reading(41.0, 140.0, stale=True), "name": None})
    assert (one.soc_percent, one.name) == (None, "e-Up")


def site(*steps: Changes) -> Site:
    one = Site()
    for changes in steps:
        one.take(changes)
    return one


def test_a_site_knows_where_its_energy_comes_from() -> None:
    grid, pv = Reading(1000.0, 1.0), Reading(1000.0, 1.0)
    assert site({"grid/power_w": grid}).mix == Mix(grid=1.0)
    assert site({"grid/power_w": grid, "pv/power_w": pv}).mix == Mix(grid=0.5, pv=0.5)
    assert site({"grid/power_w": grid, "pv/power_w": Reading(1000.0, 1.0, stale=True)}).mix is None
    assert site({"grid/power_w": grid, "battery/power_w": Reading(None, 1.0)}).mix is None
    assert site({"grid/power_w": grid, "pv/power_w": pv}, {"pv/power_w": None}).mix == Mix(grid=1.0)
    assert site({"pv/power_w": pv}).mix is None


def test_a_link_is_up_since_it_says_so() -> None:
    up: Changes = {"link/state": Reading("up", 50.0), "link/since": Reading(49.5, 50.0)}
    assert site(up).up_since == 49.5
    assert site({"link/state": Reading("up", 50.0)}).up_since == 50.0
    assert site(up, {"link/reason": None}).up_since == 49.5
    assert site(up, {"link/state": Reading("silent", 90.0), "link/since": Reading(90.0, 90.0)}).up_since is None


def test_a_dialect_is_known_until_another_one_is() -> None:
    known: Changes = {"link/dialect": Reading("openwb-1.9", 1.0)}
    assert site(known, {"link/dialect": Reading(None, 2.0)}).dialect == "openwb-1.9"


@pytest.mark.parametrize(
    ("box_time", "wrong"),
    [
        (Reading(1000.0, 1000.4), False),
        (Reading(1000.0, 1120.0), True),
        (Reading(5000.0, 1000.0), True),
        (Reading(None, 1000.0), False),
        (Reading(5000.0, 1000.0, stale=True), False),
        (Reading(5000.0), False),
        (None, False),
    ],
)
def test_the_boxs_clock_is_compared_with_when_it_was_received(box_time: Reading | None, wrong: bool) -> None:
    assert site({"box/time": box_time}).clock_wrong is wrong


def test_a_clock_that_was_set_right_is_right() -> None:
    assert not site({"box/time": Reading(0.0, 1000.0)}, {"box/time": Reading(1010.0, 1010.0)}).clock_wrong


def test_changes_are_told_apart_by_member() -> None:
    on, off = Reading(True, 1.0), Reading(False, 1.0)
    changes: Changes = {"chargepoints/5/plugged": on, "chargepoints/6/plugged": off, "vehicles/5/name": None}
    assert by_member(changes, "chargepoints") == {"5": {"plugged": on}, "6": {"plugged": off}}
    assert by_member(changes, "vehicles") == {"5": {"name": None}}
