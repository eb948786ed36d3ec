"""A car: what it takes, how it fills, what the road takes out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.simulator.plant.car import Car
from gateway.simulator.words import SetPoint, VehicleSetup


def car(soc_percent: float = 50, *, max_current_a: float = 16) -> Car:
    setup = VehicleSetup(
        id=1,
        name="Car",
        soc_percent=soc_percent,
        capacity_wh=60_000,
        max_current_a=max_current_a,
        consumption_wh_per_100km=17_000,
        odometer_km=1_000,
    )
    return Car(setup, seed=1)


def settled(it: Car, current_a: float, max_current_a: float = 32) -> float:
    return [it.take(SetPoint(current_a, 3), max_current_a, 10) for _ in range(3)][-1]


@given(
    st.floats(0, 100),
    st.lists(st.tuples(st.floats(0, 40), st.floats(0.1, 10), st.floats(0, 2_000)), max_size=40),
)
def test_it_never_takes_more_than_it_may_nor_holds_more_than_fits(
    soc_percent: float, steps: list[tuple[float, float, float]]
) -> None:
    it = car(soc_percent)
    for released_a, seconds, energy_wh in steps:
        current_a = it.take(SetPoint(released_a, 3), 16, seconds)
        assert current_a == 0 if released_a < 6 else 0 <= current_a < min(released_a, 16)
        it.fill(energy_wh)
        assert 0 <= it.soc_percent <= 100


@pytest.mark.parametrize(("released_a", "least_a"), [(5.9, 0), (6, 5.8), (10, 9.8), (32, 15.8)])
def test_it_takes_slightly_less_than_it_may(released_a: float, least_a: float) -> None:
    assert least_a <= settled(car(), released_a) <= released_a


def test_it_keeps_the_limit_of_the_charge_point_too() -> None:
    assert 12.7 < settled(car(), 16, max_current_a=13) < 13


def test_it_goes_up_within_ten_seconds_and_down_at_once() -> None:
    it = car()
    assert it.take(SetPoint(16, 3), 16, 1) == pytest.approx(7.6)
    assert it.take(SetPoint(16, 3), 16, 10) > 15.8
    assert it.take(SetPoint(7, 3), 16, 0.1) < 7
    assert it.take(SetPoint(0, 3), 16, 0.1) == 0


def test_it_takes_less_and_less_from_80_percent_on_and_nothing_when_full() -> None:
    at_80, at_90, at_99 = (settled(car(soc), 16) for soc in (80, 90, 99))
    assert at_80 > 15.8
    assert 9 < at_90 < 11
    assert 4 < at_99 < 6
    it = car(99.9)
    it.fill(100)
    assert it.soc_percent == 100
    assert settled(it, 16) == 0
    assert settled(car(100), 16) == 0


def test_it_loses_some_of_what_it_is_given() -> None:
    it = car(50)
    it.fill(6_000)
    assert 58 < it.soc_percent < 60


def test_the_road_takes_energy_and_adds_kilometres() -> None:
    it = car(50)
    settled(it, 16)
    assert it.range_km == pytest.approx(176.5, abs=0.1)
    it.drive(100)
    assert it.odometer_km == 1_100
    assert it.stored_wh == pytest.approx(30_000 - 17_000)
    assert it.current_a == 0


def test_who_would_come_home_empty_charged_on_the_way() -> None:
    it = car(50)
    it.drive(160)
    assert it.soc_percent == pytest.approx(35)


def test_a_full_car_takes_again_when_it_has_driven_some_way() -> None:
    it = car(100)
    it.drive(3)
    assert settled(it, 16) == 0  # 99 %: not worth it
    it.drive(10)
    assert settled(it, 16) > 4
