"""The scenes: each of them says what its people do, begins when it wants to, and fits its installation."""

import calendar
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from gateway.simulator.plant.local_time import DAY_S
from gateway.simulator.plant.plant import Plant
from gateway.simulator.scenes import SCENES, Scene
from gateway.simulator.words import Readings, Scan, SetPoint

EVENING = float(calendar.timegm((2026, 11, 25, 22, 17, 31))) + 0.25
BERLIN = ZoneInfo("Europe/Berlin")
FULL = {5: SetPoint(16.0, 3), 6: SetPoint(16.0, 3)}


def played(name: str, seconds: float, start_s: float = EVENING) -> list[Readings]:
    """Everything the scene's meters say in that time."""
    scene = SCENES[name]
    plant = Plant(scene.installation, scene, start_s, seed=0)
    return [plant.step(10, FULL) for _ in range(int(seconds // 10))]


def scans(readings: list[Readings]) -> list[tuple[float, Scan]]:
    return [(now.time_s - EVENING, scan) for now in readings for scan in now.scans]


@pytest.mark.parametrize("name", list(SCENES))
def test_a_scene_names_only_what_its_installation_has(name: str) -> None:
    scene = SCENES[name]
    chargepoints = {chargepoint.id for chargepoint in scene.installation.chargepoints}
    vehicles = {vehicle.id for vehicle in scene.installation.vehicles}
    assert scene.name == name
    assert scene.text.endswith(".")
    assert set(scene.wishes) == chargepoints
    assert {stay.chargepoint_id for stay in scene.stays} <= chargepoints
    assert {trip.chargepoint_id for trip in scene.trips} <= chargepoints
    assert {stay.vehicle_id for stay in scene.stays} | {trip.vehicle_id for trip in scene.trips} <= vehicles - {0}
    assert {tag.chargepoint_id for tag in scene.tags} <= chargepoints
    assert {chargepoint.vehicle_id for chargepoint in scene.installation.chargepoints} <= vehicles


@pytest.mark.parametrize("name", list(SCENES))
def test_its_stays_end_before_the_next_round_and_do_not_meet_trips(name: str) -> None:
    scene = SCENES[name]
    for stay in scene.stays:
        if scene.repeat_s is not None and stay.leaves_s is not None:
            assert stay.plugs_in_s < stay.leaves_s < scene.repeat_s
    assert not {stay.vehicle_id for stay in scene.stays} & {trip.vehicle_id for trip in scene.trips}
    for trip in scene.trips:
        assert trip.leaves < trip.returns


def test_the_installation_is_that_of_the_captures() -> None:
    home = SCENES["pv-day"].installation
    assert home.battery is not None
    assert (home.counter_id, home.battery.id) == (0, 2)
    assert [inverter.id for inverter in home.inverters] == [1, 3]
    assert [chargepoint.id for chargepoint in home.chargepoints] == [5, 6]
    assert [vehicle.id for vehicle in home.vehicles] == [0, 1, 3]


@pytest.mark.parametrize("hour", range(0, 24, 3))
def test_on_a_pv_day_the_sun_shines_whatever_the_hour_is(hour: int) -> None:
    start_s = float(calendar.timegm((2026, 12, 21, hour, 40, 0)))
    readings = played("pv-day", 60, start_s)
    assert all(sum(inverter.power_w for inverter in now.inverters.values()) > 1_500 for now in readings)


def test_on_a_pv_day_one_car_comes_at_once_and_another_within_minutes() -> None:
    readings = played("pv-day", 300)
    assert readings[2].chargepoints[6].car == 3
    assert readings[3].chargepoints[6].charging, "the one that waits for no sun comes first"
    assert readings[29].chargepoints[5].car == 1
    assert scans(readings) == [(10, Scan(6, "0012345")), (70, Scan(5, "04A1B2C3D4"))]


def test_a_cheap_night_begins_in_its_first_hour_and_prices_stay_on_full_hours() -> None:
    scene = SCENES["night-tariff"]
    assert datetime.fromtimestamp(EVENING + scene.day_shift_s(EVENING), BERLIN).strftime("%H:%M") == "00:17"
    moved = scene.at(EVENING)
    assert [slot_s for slot_s, _ in moved.installation.tariff] == [3_600 * hour for hour in range(24)]
    assert dict(moved.installation.tariff)[23 * 3_600] == scene.installation.tariff[0][1]
    assert moved.wishes[6].plans[0].ready_at == "05:30"  # at the box's 23:17 it is 00:17 in the scene
    assert moved.wishes[5] == scene.wishes[5]
    assert played("night-tariff", 10)[0].chargepoints[5].plugged


def test_a_scene_that_begins_now_is_what_it_is() -> None:
    month = SCENES["month"]
    assert month.day_shift_s(EVENING) == 0
    assert month.at(EVENING) is month


def test_a_begin_to_the_minute_moves_whole_days_and_none_when_it_is_that_time() -> None:
    scene = SCENES["full-car"]
    shifted = datetime.fromtimestamp(EVENING + scene.day_shift_s(EVENING), BERLIN)
    assert shifted.strftime("%m-%d %H:%M") == "06-12 12:40"
    at_home = Scene(name="x", title="X", text="X.", installation=scene.installation, begins="12:40")
    noon = datetime(2026, 11, 25, 12, 40, tzinfo=BERLIN).timestamp()
    assert at_home.at(noon + 3 * DAY_S) is at_home


def test_an_unknown_tag_is_held_up_then_a_guests_and_then_the_guest_plugs_in() -> None:
    readings = played("guest-tag", 120)
    assert [scan for _, scan in scans(readings)] == [Scan(6, "DEADBEEF"), Scan(6, "0009471822")]
    known = {tag for vehicle in SCENES["guest-tag"].installation.vehicles for tag in vehicle.id_tags}
    assert "DEADBEEF" not in known
    plugged = [now.time_s - EVENING for now in readings if now.chargepoints[6].car == 4]
    assert plugged[0] == 90
    assert scans(readings)[1][0] < plugged[0]


def test_a_full_car_stays_plugged_without_a_watt() -> None:
    readings = played("full-car", 900)
    charging = [now.chargepoints[5].charging for now in readings]
    assert True in charging
    last = readings[-1]
    assert (last.chargepoints[5].plugged, last.chargepoints[5].power_w, last.vehicles[1].soc_percent) == (
        True,
        0,
        100,
    )
    assert 60 < sum(10 for now in charging if now) < 600


def test_two_workdays_of_a_month_have_charging_and_driving_of_both_cars() -> None:
    month = SCENES["month"]
    plant = Plant(month.installation, month, EVENING, seed=3)
    first = plant.step(0, {})
    readings = [plant.step(1_800, FULL) for _ in range(2 * 48)]
    last = readings[-1]
    for id_, vehicle_id in ((5, 1), (6, 3)):
        assert 4_000 < last.chargepoints[id_].imported_wh - first.chargepoints[id_].imported_wh < 70_000
        assert 20 < last.vehicles[vehicle_id].odometer_km - first.vehicles[vehicle_id].odometer_km < 200
        plugs = [now.chargepoints[id_].plugged for now in readings]
        assert {True, False} == set(plugs)
    assert {scan.id_tag for now in readings for scan in now.scans} == {"04A1B2C3D4", "0012345"}
