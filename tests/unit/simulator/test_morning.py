"""A day has had a morning before anybody looks."""

import msgspec
import pytest

from gateway.simulator.morning import morning
from gateway.simulator.scenes import SCENES

AT_NIGHT_S = 1_795_330_000.0  # 2026-11-22 07:46:40 in Berlin


def test_a_sunny_day_has_produced_by_noon_and_nobody_has_charged() -> None:
    today = morning(SCENES["pv-day"].at(AT_NIGHT_S), AT_NIGHT_S, seed=0)
    assert 8_000 < sum(today.produced_wh.values()) < 45_000
    assert 1_000 < today.house_wh < 10_000
    taken_wh = (
        today.grid_exported_wh - today.grid_imported_wh + today.charged_wh - today.discharged_wh + today.house_wh
    )
    assert sum(today.produced_wh.values()) == pytest.approx(taken_wh, rel=0.05)
    assert today.produced_month_wh > 20 * 10_000
    assert today.produced_year_wh > 10 * today.produced_month_wh


def test_a_night_has_not_and_midnight_has_nothing() -> None:
    today = morning(SCENES["night-tariff"].at(AT_NIGHT_S), AT_NIGHT_S, seed=0)
    assert sum(today.produced_wh.values()) == 0
    midnight = msgspec.structs.replace(SCENES["month"], begins="00:00")
    assert morning(midnight, AT_NIGHT_S, seed=0).house_wh == 0
