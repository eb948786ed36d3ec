"""Meters: exact sums, totals that only people turn back."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.simulator.plant.meters import Register, measured

POWERS = st.floats(-50_000, 50_000)


@given(st.lists(POWERS, max_size=30))
def test_what_is_measured_adds_up_to_the_bit_in_any_order(powers_w: list[float]) -> None:
    measured_w = [measured(power_w) for power_w in powers_w]
    assert sum(measured_w) == sum(reversed(measured_w)) == sum(sorted(measured_w))
    assert all(abs(one - other) <= 1 / 128 for one, other in zip(powers_w, measured_w, strict=True))


@given(st.lists(st.floats(0, 50_000).map(measured), max_size=30), st.integers(0, 40_000_000))
def test_a_register_is_the_exact_sum_of_power_times_time(powers_w: list[float], begin_wh: int) -> None:
    register = Register(begin_wh)
    for power_w in powers_w:
        register.add(power_w, 10)
    assert register.energy_wh == register.watt_seconds / 3_600
    assert register.watt_seconds - begin_wh * 3_600 == sum(powers_w) * 10


def test_a_register_can_be_set() -> None:
    register = Register(1_000)
    register.set(12.5)
    assert register.energy_wh == 12.5
