from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.charge_sessions import EnergyBySource
from gateway.domain.energy_sources import Mix, SourceCount, mix_of

ALL_GRID, HALF_SUN = Mix(grid=1.0), Mix(grid=0.5, pv=0.5)


@pytest.mark.parametrize(
    ("powers_w", "mix"),
    [
        ((3000.0, 0.0, 0.0), ALL_GRID),
        ((1000.0, 1000.0, 0.0), HALF_SUN),
        ((-500.0, 2500.0, 0.0), Mix(pv=1.0)),
        ((1000.0, 2000.0, -1000.0), Mix(grid=0.25, pv=0.5, battery=0.25)),
        ((0.0, 3000.0, 1000.0), Mix(pv=1.0)),
        ((1000.0, 500.0, 1500.0), ALL_GRID),
        ((-500.0, 500.0, 0.0), None),
        ((0.0, 0.0, 0.0), None),
        ((None, 500.0, 0.0), None),
        ((0.0, None, 0.0), None),
        ((0.0, 500.0, None), None),
    ],
)
def test_the_mix_is_the_balance_of_its_moment(
    powers_w: tuple[float | None, float | None, float | None], mix: Mix | None
) -> None:
    assert mix_of(*powers_w) == mix


def by_source(grid: str, pv: str = "0.00", battery: str = "0.00") -> EnergyBySource:
    return EnergyBySource(grid_wh=Decimal(grid), pv_wh=Decimal(pv), battery_wh=Decimal(battery))


def test_what_was_counted_gets_the_mixes_under_which_it_flowed() -> None:
    count = SourceCount()
    count.pass_time(10.0, 3600.0, ALL_GRID)
    count.pass_time(30.0, 3600.0, HALF_SUN)
    count.count(40.0, Mix(battery=1.0))
    assert count.of(Decimal(40)) == by_source("25.00", "15.00")


def test_time_without_power_has_no_weight() -> None:
    count = SourceCount()
    count.pass_time(3600.0, 0.0, ALL_GRID)
    count.pass_time(3600.0, -50.0, ALL_GRID)
    count.pass_time(10.0, 3600.0, HALF_SUN)
    count.count(10.0, None)
    assert count.of(Decimal(10)) == by_source("5.00", "5.00")


def test_what_flowed_unnoticed_gets_the_present_mix() -> None:
    count = SourceCount()
    count.count(10.0, Mix(battery=1.0))
    assert count.of(Decimal(10)) == by_source("0.00", "0.00", "10.00")


def test_what_flowed_under_an_unknown_mix_has_no_source() -> None:
    count = SourceCount()
    count.count(10.0, None)
    assert count.of(Decimal(10)) is None
    count.pass_time(30.0, 3600.0, None)
    count.pass_time(10.0, 3600.0, ALL_GRID)
    count.count(40.0, ALL_GRID)
    assert count.of(Decimal(50)) == by_source("10.00")


def test_without_energy_there_are_no_sources() -> None:
    assert SourceCount().of(Decimal(0)) is None
    assert SourceCount(grid_wh=5.0).of(None) is None


@given(
    st.lists(
        st.tuples(st.integers(1, 60), st.integers(1, 11_000), st.integers(-5000, 5000), st.integers(0, 9000)),
        min_size=1,
    )
)
def test_sources_add_up_to_the_energy_to_the_last_digit(moments: list[tuple[int, int, int, int]]) -> None:
    count, total_wh = SourceCount(), Decimal(0)
    for seconds, power_w, battery_w, pv_w in moments:
        mix = mix_of(20_000.0, float(pv_w), float(battery_w))
        added_wh = Decimal(round(power_w * seconds / 3600 * 100)) / 100
        count.pass_time(float(seconds), float(power_w), mix)
        count.count(float(added_wh), mix)
        total_wh += added_wh
    told = count.of(total_wh)
    if told is None:
        assert total_wh < Decimal("0.1")
    else:
        assert told.grid_wh + told.pv_wh + told.battery_wh == total_wh
