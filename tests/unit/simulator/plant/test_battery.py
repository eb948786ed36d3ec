"""The battery: it works towards zero at the grid meter, within what it can."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.simulator.plant.battery import EFFICIENCY, Battery
from gateway.simulator.words import BatterySetup

SETUP = BatterySetup(id=2, name="Battery", capacity_wh=10_000, max_power_w=4_500)


def battery(soc_percent: float = 50) -> Battery:
    setup = BatterySetup(id=2, name="Battery", capacity_wh=10_000, max_power_w=4_500, soc_percent=soc_percent)
    return Battery(setup, seed=1)


def settled(it: Battery, surplus_w: float, seconds: float = 60) -> float:
    for _ in range(int(seconds // 10)):
        it.follow(surplus_w, 10)
    return it.power_w


@given(
    st.floats(0, 100),
    st.lists(st.tuples(st.floats(-20_000, 20_000), st.sampled_from([0.5, 1.0, 10.0])), max_size=60),
)
def test_it_keeps_its_limits_and_its_books(soc_percent: float, work: list[tuple[float, float]]) -> None:
    it = battery(soc_percent)
    begin_wh, charged_wh, discharged_wh = it.stored_wh, 0.0, 0.0
    for surplus_w, seconds in work:
        before = it.soc_percent
        it.follow(surplus_w, seconds)
        assert abs(it.power_w) <= SETUP.max_power_w + 0.1
        assert it.soc_percent >= min(before, 5) - 0.001
        assert it.soc_percent <= 100
        if it.power_w > 0:
            charged_wh += it.power_w * seconds / 3_600
        else:
            discharged_wh -= it.power_w * seconds / 3_600
    assert it.charged.energy_wh == pytest.approx(charged_wh, abs=1e-6)
    assert it.discharged.energy_wh == pytest.approx(discharged_wh, abs=1e-6)
    assert it.stored_wh == pytest.approx(begin_wh + charged_wh * EFFICIENCY - discharged_wh / EFFICIENCY, abs=0.1)


@pytest.mark.parametrize("surplus_w", [-3_000, -200, 200, 3_000])
def test_it_takes_a_surplus_and_gives_what_is_missing(surplus_w: float) -> None:
    assert settled(battery(), surplus_w) == pytest.approx(surplus_w, abs=20)


def test_it_follows_within_seconds_but_not_at_once() -> None:
    it = battery()
    it.follow(3_000, 1)
    assert 500 < it.power_w < 2_000
    it.follow(3_000, 10)
    assert it.power_w > 2_900


def test_it_does_not_care_for_a_few_watts() -> None:
    it = battery()
    settled(it, 20)
    assert it.power_w == 0


def test_the_last_percents_fill_slowly_and_full_is_full() -> None:
    it = battery(93)
    assert settled(it, 9_000) == pytest.approx(4_500, abs=0.1)
    it = battery(99)
    assert 300 < settled(it, 9_000) < 1_000
    assert settled(it, 9_000, 3 * 3_600) == pytest.approx(0, abs=1)
    assert it.soc_percent == pytest.approx(100, abs=0.01)


def test_an_empty_one_gives_nothing() -> None:
    it = battery(5)
    assert settled(it, -3_000) == 0
