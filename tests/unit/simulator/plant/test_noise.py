"""Smooth chance: within its bounds, without jumps, the same for the same seed."""

import random

from hypothesis import given
from hypothesis import strategies as st

from gateway.simulator.plant.noise import Noise

MOMENTS = st.floats(0, 4e9)


@given(MOMENTS, st.floats(0, 1))
def test_it_never_jumps_and_stays_between_0_and_1(time_s: float, later_s: float) -> None:
    noise = Noise(random.Random(1), 100)
    before, after = noise.at(time_s), noise.at(time_s + later_s)
    assert 0 <= before <= 1
    assert abs(after - before) <= 0.016  # 1.5 times the way from knot to knot, over a hundredth of it


@given(MOMENTS)
def test_the_same_seed_gives_the_same_noise(time_s: float) -> None:
    assert Noise(random.Random(7), 60).at(time_s) == Noise(random.Random(7), 60).at(time_s)


def test_it_moves() -> None:
    noise = Noise(random.Random(1), 10)
    assert len({round(noise.at(second), 3) for second in range(0, 1_000, 10)}) > 50
