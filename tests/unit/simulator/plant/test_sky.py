"""Clouds: what the weather is called is what one sees."""

import itertools
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.simulator.plant.sky import Sky, Weather

START_S = 1_781_258_400
DAY = range(START_S, START_S + 86_400, 10)


@given(st.floats(0, 4e9), st.sampled_from(["clear", "fair", "overcast", "changing"]), st.integers(0, 1_000))
def test_something_always_comes_through_and_little_more_than_all(time_s: float, weather: Weather, seed: int) -> None:
    assert 0.02 < Sky(weather, seed).clearness(time_s) < 1.1


@pytest.mark.parametrize("seed", range(6))
def test_weathers_are_told_apart(seed: int) -> None:
    clear, fair, overcast = (
        statistics.mean(Sky(weather, seed).clearness(time_s) for time_s in DAY[::60])
        for weather in ("clear", "fair", "overcast")
    )
    assert clear > 0.93
    assert 0.6 < fair < 0.97
    assert overcast < 0.45


def test_a_fair_day_has_sun_and_passing_clouds_and_wobbles_all_the_time() -> None:
    sky = Sky("fair", 0)
    shares = [sky.clearness(time_s) for time_s in DAY]
    assert max(shares) > 0.95
    assert min(shares) < 0.6
    assert statistics.median(abs(b - a) for a, b in itertools.pairwise(shares)) > 0.001
    assert max(abs(b - a) for a, b in itertools.pairwise(shares)) < 0.35


def test_changing_weather_differs_from_day_to_day_and_is_the_same_when_asked_again() -> None:
    sky = Sky("changing", 4)
    noons = [sky.clearness(START_S + day * 86_400) for day in range(20)]
    assert max(noons) - min(noons) > 0.4
    assert [sky.clearness(START_S + day * 86_400) for day in range(20)] == noons
