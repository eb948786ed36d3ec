"""The hardware of a charge point: phases, meter, what it says when nothing flows."""

import pytest

from gateway.simulator.plant.car import Car
from gateway.simulator.plant.charge_point import ChargePointHardware
from gateway.simulator.words import ChargePointSetup, SetPoint, VehicleSetup

VOLTS = (230.0, 231.0, 229.0)


def charge_point(phases: int = 3) -> ChargePointHardware:
    setup = ChargePointSetup(id=5, name="Carport", serial_number="1", phases=phases, imported_wh=500)
    return ChargePointHardware(setup)


def car(phases: int = 3) -> Car:
    return Car(VehicleSetup(id=1, name="Car", phases=phases), seed=1)


def test_without_a_car_nothing_flows_whatever_is_released() -> None:
    it = charge_point()
    it.run(SetPoint(16, 3), VOLTS, 10)
    reading = it.read()
    assert (reading.plugged, reading.charging, reading.car, reading.power_w) == (False, False, None, 0)
    assert (reading.imported_wh, reading.phases_in_use) == (500, 3)


@pytest.mark.parametrize(
    ("of_point", "of_car", "released", "used"), [(3, 3, 3, 3), (3, 2, 3, 2), (3, 3, 1, 1), (1, 3, 3, 1), (3, 1, 3, 1)]
)
def test_what_flows_flows_on_the_phases_that_all_have(of_point: int, of_car: int, released: int, used: int) -> None:
    it = charge_point(of_point)
    it.plug(car(of_car))
    it.run(SetPoint(10, released), VOLTS, 10)
    reading = it.read()
    assert [power_w > 0 for power_w in reading.powers_w] == [number < used for number in range(3)]
    assert [current_a > 9.8 for current_a in reading.currents_a] == [number < used for number in range(3)]
    assert [factor > 0.99 for factor in reading.power_factors] == [number < used for number in range(3)]
    assert reading.phases_in_use == used
    assert reading.power_w == pytest.approx(used * 2_270, rel=0.03)
    assert reading.imported_wh == pytest.approx(500 + reading.power_w / 360, abs=1e-6)


def test_a_pause_keeps_the_phases_and_an_unplug_ends_all() -> None:
    it = charge_point()
    it.plug(car())
    it.run(SetPoint(10, 1), VOLTS, 10)
    it.run(SetPoint(0, 1), VOLTS, 10)
    paused = it.read()
    assert (paused.plugged, paused.charging, paused.power_w, paused.phases_in_use) == (True, False, 0, 1)
    it.run(SetPoint(10, 1), VOLTS, 10)
    it.unplug()
    gone = it.read()
    assert (gone.plugged, gone.power_w, gone.currents_a) == (False, 0, (0, 0, 0))
    assert gone.imported_wh > paused.imported_wh


def test_what_the_meter_counts_fills_the_car() -> None:
    it, its_car = charge_point(), car()
    it.plug(its_car)
    before_wh = its_car.stored_wh
    for _ in range(360):
        it.run(SetPoint(16, 3), VOLTS, 10)
    gained_wh = its_car.stored_wh - before_wh
    assert gained_wh == pytest.approx((it.read().imported_wh - 500) * 0.91, abs=0.1)
