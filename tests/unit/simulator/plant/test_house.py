"""The house: always something, plausible days, the same ones for the same seed."""

import calendar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.simulator.plant.house import House

WEDNESDAY_S = float(calendar.timegm((2026, 6, 10, 0, 0, 0)))
DAY_S = 86_400


def energy_wh(house: House, begin_s: float, hours: float) -> float:
    return sum(sum(house.powers(begin_s + 10 * step)) for step in range(int(hours * 360))) * 10 / 3_600


@given(st.floats(WEDNESDAY_S, WEDNESDAY_S + 30 * DAY_S), st.integers(0, 50))
def test_it_always_takes_something_and_stays_within_its_fuse(local_s: float, seed: int) -> None:
    powers = House(seed).powers(local_s)
    assert all(30 < power_w < 5_800 for power_w in powers)


@pytest.mark.parametrize("seed", range(3))
def test_a_day_is_that_of_a_family(seed: int) -> None:
    house = House(seed)
    days = [energy_wh(house, WEDNESDAY_S + day * DAY_S, 24) for day in range(4)]
    assert all(6_000 < day < 16_000 for day in days)
    assert len(set(days)) == 4


def test_evenings_cost_more_than_nights() -> None:
    house = House(1)
    assert energy_wh(house, WEDNESDAY_S + 18 * 3_600, 3) > 2 * energy_wh(house, WEDNESDAY_S + 2 * 3_600, 3)


def test_the_same_seed_lives_the_same_day() -> None:
    assert House(3).powers(WEDNESDAY_S + 30_000) == House(3).powers(WEDNESDAY_S + 30_000)
    assert House(3).powers(WEDNESDAY_S + 30_000) != House(4).powers(WEDNESDAY_S + 30_000)
