"""The plant as a whole: what comes in goes out, in every reading and over time, whatever is asked of it."""

import calendar
import math
from collections.abc import Callable, Mapping

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.simulator.installations import HOME, SMALL
from gateway.simulator.plant.plant import MeterKind, Plant
from gateway.simulator.scenes import SCENES, Scene, Stay
from gateway.simulator.words import Installation, Readings, Scan, SetPoint

NOON = float(calendar.timegm((2026, 6, 12, 11, 0, 0)))
NIGHT = float(calendar.timegm((2026, 11, 25, 23, 30, 0)))
DAY_S = 86_400
NO_BATTERY = msgspec.structs.replace(HOME, battery=None)
NO_SUN = msgspec.structs.replace(HOME, inverters=())
BOTH_PLUGGED = Scene(
    name="both",
    title="Both",
    text="Both cars are plugged in.",
    installation=HOME,
    stays=(Stay(vehicle_id=1, chargepoint_id=5), Stay(vehicle_id=3, chargepoint_id=6)),
)

SET_POINTS = st.dictionaries(
    st.sampled_from([5, 6]),
    st.builds(SetPoint, st.sampled_from([0.0, 5.0, 6.0, 10.5, 16.0, 32.0]), st.sampled_from([1, 3])),
)
STEPS = st.lists(
    st.tuples(st.sampled_from([0.0, 0.25, 1.0, 10.0, 11.0, 20.0, 60.0, 3_600.0]), SET_POINTS), max_size=15
)
STARTS = st.floats(NOON, NOON + 365 * DAY_S).map(lambda start_s: float(int(start_s)))


def plant(
    installation: Installation = HOME, scene: Scene = BOTH_PLUGGED, start_s: float = NOON, seed: int = 1
) -> Plant:
    return Plant(installation, scene, start_s, seed=seed)


def balance_w(readings: Readings) -> float:
    """What goes into the house's wires, and must be what comes from the grid."""
    return (
        readings.house_w
        + sum(chargepoint.power_w for chargepoint in readings.chargepoints.values())
        + sum(battery.power_w for battery in readings.batteries.values())
        - sum(inverter.power_w for inverter in readings.inverters.values())
    )


def totals(readings: Readings) -> list[float]:
    return [
        readings.grid.imported_wh,
        readings.grid.exported_wh,
        *(inverter.produced_wh for inverter in readings.inverters.values()),
        *(total for battery in readings.batteries.values() for total in (battery.charged_wh, battery.discharged_wh)),
        *(chargepoint.imported_wh for chargepoint in readings.chargepoints.values()),
    ]


def stored_wh(readings: Readings) -> float:
    """What the meters say that has come in and not gone out again, the house not counted."""
    return (
        readings.grid.imported_wh
        - readings.grid.exported_wh
        + sum(inverter.produced_wh for inverter in readings.inverters.values())
        - sum(battery.charged_wh - battery.discharged_wh for battery in readings.batteries.values())
        - sum(chargepoint.imported_wh for chargepoint in readings.chargepoints.values())
    )


@settings(max_examples=40)
@given(STEPS, STARTS, st.sampled_from([HOME, NO_BATTERY, NO_SUN]), st.integers(0, 99))
def test_every_reading_balances_to_the_bit_and_no_meter_turns_back(
    steps: list[tuple[float, Mapping[int, SetPoint]]], start_s: float, installation: Installation, seed: int
) -> None:
    it = plant(installation, start_s=start_s, seed=seed)
    before = it.step(0, {})
    for seconds, set_points in steps:
        now = it.step(seconds, set_points)
        assert now.grid.power_w == balance_w(now) == sum(now.grid.powers_w)
        assert all(total >= earlier for total, earlier in zip(totals(now), totals(before), strict=True))
        assert now.time_s == pytest.approx(before.time_s + seconds)
        for chargepoint in now.chargepoints.values():
            assert chargepoint.power_w == sum(chargepoint.powers_w)
            assert chargepoint.charging == (chargepoint.power_w > 0)
            assert 0 <= max(chargepoint.currents_a) <= 16
        for battery in now.batteries.values():
            assert abs(battery.power_w) <= 4_600.1
            assert 4 <= battery.soc_percent <= 100
        assert all(0 <= vehicle.soc_percent <= 100 for vehicle in now.vehicles.values())
        assert all(inverter.power_w >= 0 for inverter in now.inverters.values())
        before = now


def test_the_meters_add_up_what_flowed_to_the_wh() -> None:
    it = plant()
    first = it.step(0, {})
    house_wh = 0.0
    charged_wh = 0.0
    for step in range(6_000):
        readings = it.step(10, {5: SetPoint(16.0 if step % 100 < 60 else 0.0, 3), 6: SetPoint(8.0, 1)})
        house_wh += readings.house_w * 10 / 3_600
        charged_wh += readings.chargepoints[5].power_w * 10 / 3_600
    assert stored_wh(readings) - stored_wh(first) == pytest.approx(house_wh, abs=0.01)
    grown_wh = readings.chargepoints[5].imported_wh - first.chargepoints[5].imported_wh
    assert grown_wh == pytest.approx(charged_wh, abs=0.001)
    assert grown_wh > 10_000


@pytest.mark.parametrize("seconds", [1, 7, 10, 60, 600])
def test_energies_balance_whatever_the_steps_are(seconds: float) -> None:
    it, fine = plant(), plant()
    for _ in range(3_600 // int(seconds)):
        coarse = it.step(seconds, {5: SetPoint(13.0, 3)})
    for _ in range(360):
        readings = fine.step(10, {5: SetPoint(13.0, 3)})
    assert coarse.chargepoints[5].imported_wh == pytest.approx(readings.chargepoints[5].imported_wh, abs=40)
    assert coarse.inverters[1].produced_wh == pytest.approx(readings.inverters[1].produced_wh, abs=40)


def test_a_step_of_no_time_changes_nothing_and_says_the_readings_again() -> None:
    it = plant()
    it.step(30, {5: SetPoint(16.0, 3)})
    once = it.step(0, {})
    assert once.chargepoints[5].charging
    assert it.step(0, {5: SetPoint(6.0, 1)}) == once


@pytest.mark.parametrize("seconds", [-1.0, math.inf, math.nan])
def test_time_that_does_not_go_forward_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="a step takes 0 s or more"):
        plant().step(seconds, {})


@pytest.mark.parametrize("name", list(SCENES))
def test_the_same_seed_gives_the_same_day_and_another_seed_another_one(name: str) -> None:
    def day(seed: int) -> list[Readings]:
        it = plant(SCENES[name].installation, SCENES[name], NIGHT, seed)
        return [it.step(60, {5: SetPoint(10.0, 3)}) for _ in range(60)]

    assert day(1) == day(1)
    assert day(1) != day(2)


def test_there_is_no_sun_at_night() -> None:
    readings = plant(start_s=NIGHT).step(10, {})
    assert [inverter.power_w for inverter in readings.inverters.values()] == [0.0, 0.0]


def test_the_battery_covers_the_house_at_night_and_keeps_its_floor() -> None:
    it = plant(start_s=NIGHT)
    readings = it.step(60, {})
    assert abs(readings.grid.power_w) < 100
    assert readings.batteries[2].power_w < -100
    for _ in range(20):
        readings = it.step(600, {5: SetPoint(16.0, 3)})
    assert readings.batteries[2].power_w == 0
    assert readings.batteries[2].soc_percent == 5
    assert readings.grid.power_w > readings.chargepoints[5].power_w > 5_000


def test_a_house_with_neither_sun_nor_battery_lives_from_the_grid() -> None:
    scene = msgspec.structs.replace(BOTH_PLUGGED, installation=SMALL, stays=BOTH_PLUGGED.stays[:1])
    it = plant(SMALL, scene)
    readings = it.step(30, {5: SetPoint(16.0, 3)})
    assert (readings.inverters, readings.batteries) == ({}, {})
    assert readings.grid.power_w == readings.house_w + readings.chargepoints[5].power_w
    assert list(readings.vehicles) == [1]


def test_people_act_within_the_step_in_which_their_moment_lies() -> None:
    it = plant(scene=SCENES["pv-day"], start_s=NIGHT)
    seen = [it.step(10, {6: SetPoint(16.0, 3)}) for _ in range(4)]
    assert [readings.chargepoints[6].plugged for readings in seen] == [False, True, True, True]
    assert [readings.chargepoints[6].car for readings in seen] == [None, 3, 3, 3]
    assert seen[0].scans == (Scan(6, "0012345"),)
    assert [readings.scans for readings in seen[1:]] == [(), (), ()]
    assert seen[3].chargepoints[6].power_w > 7_000
    assert seen[3].inverters[1].power_w > 1_000  # the sun shines, whatever the hour


def test_a_car_that_leaves_takes_its_current_with_it_and_comes_back_with_less() -> None:
    stay = Stay(vehicle_id=1, chargepoint_id=5, leaves_s=115, drives_km=50)
    it = plant(scene=msgspec.structs.replace(BOTH_PLUGGED, stays=(stay,), repeat_s=200))
    there, gone, back = (it.step(seconds, {5: SetPoint(16.0, 3)}) for seconds in (110, 10, 80))
    assert there.chargepoints[5].charging
    assert (gone.chargepoints[5].plugged, gone.chargepoints[5].currents_a) == (False, (0.0, 0.0, 0.0))
    assert gone.chargepoints[5].imported_wh == there.chargepoints[5].imported_wh
    assert back.chargepoints[5].car == 1
    assert back.vehicles[1].odometer_km == gone.vehicles[1].odometer_km + 50
    assert back.vehicles[1].soc_percent < gone.vehicles[1].soc_percent - 10


def test_what_happens_at_the_very_start_is_told_once_with_the_first_readings() -> None:
    stay = Stay(vehicle_id=1, chargepoint_id=5, id_tag="04A1B2C3D4")
    it = plant(scene=msgspec.structs.replace(BOTH_PLUGGED, stays=(stay,)))
    first, second = it.step(0, {}), it.step(0, {})
    assert (first.chargepoints[5].car, first.scans) == (1, (Scan(5, "04A1B2C3D4"),))
    assert second.scans == ()


def test_a_car_that_finds_its_place_taken_is_not_plugged_in() -> None:
    stays = (Stay(vehicle_id=1, chargepoint_id=5), Stay(vehicle_id=3, chargepoint_id=5, plugs_in_s=15))
    it = plant(scene=msgspec.structs.replace(BOTH_PLUGGED, stays=stays))
    assert it.step(60, {}).chargepoints[5].car == 1


METERS: dict[MeterKind, tuple[int, Callable[[Readings], float]]] = {
    "grid": (0, lambda readings: readings.grid.imported_wh),
    "inverter": (3, lambda readings: readings.inverters[3].produced_wh),
    "battery": (2, lambda readings: readings.batteries[2].charged_wh),
    "chargepoint": (6, lambda readings: readings.chargepoints[6].imported_wh),
}


@pytest.mark.parametrize("kind", list(METERS))
def test_a_meter_jumps_and_is_swapped(kind: MeterKind) -> None:
    id_, total = METERS[kind]
    it = plant()
    before = total(it.step(10, {}))
    it.jump_meter(kind, id_, -500.5)
    assert total(it.step(0, {})) == pytest.approx(before - 500.5)
    it.jump_meter(kind, id_, -1e9)
    assert total(it.step(0, {})) == 0
    it.set_meter(kind, id_, 12.0)
    assert total(it.step(0, {})) == 12.0
    assert 12.0 <= total(it.step(10, {})) < 40


def test_a_meter_that_is_not_there_is_named() -> None:
    with pytest.raises(ValueError, match="no chargepoint has the id 4; there are: 5, 6"):
        plant().jump_meter("chargepoint", 4, 1)
    with pytest.raises(ValueError, match="no battery has the id 2; there are: none"):
        plant(NO_BATTERY).set_meter("battery", 2, 1)
    with pytest.raises(
        ValueError, match="no meter of kind 'water': it is one of grid, inverter, battery, chargepoint"
    ):
        plant().set_meter("water", 0, 1)  # type: ignore[arg-type]
