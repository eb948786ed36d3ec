"""The grid: never far from what is written on the plug, and it feels what flows."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.simulator.plant.mains import Mains

MOMENTS = st.floats(1.5e9, 2.5e9)


@given(MOMENTS, st.tuples(*[st.floats(-8_000, 8_000)] * 3), st.integers(0, 20))
def test_voltages_and_frequency_stay_within_what_a_grid_allows(
    time_s: float, powers_w: tuple[float, float, float], seed: int
) -> None:
    mains = Mains(seed)
    assert all(224 < voltage_v < 238 for voltage_v in mains.voltages(time_s, powers_w))
    assert 49.95 < mains.frequency_hz(time_s) < 50.05


@given(MOMENTS)
def test_import_pulls_a_phase_down_and_export_lifts_it(time_s: float) -> None:
    mains = Mains(1)
    first, second, third = mains.voltages(time_s, (0.0, 0.0, 0.0))
    pulled, untouched, lifted = mains.voltages(time_s, (4_000.0, 0.0, -4_000.0))
    assert pulled < first
    assert untouched == second
    assert lifted > third


def test_both_wobble() -> None:
    mains = Mains(1)
    assert len({mains.voltages(1.7e9 + 10 * step, (0.0, 0.0, 0.0)) for step in range(100)}) > 50
    assert len({mains.frequency_hz(1.7e9 + 10 * step) for step in range(100)}) > 20
