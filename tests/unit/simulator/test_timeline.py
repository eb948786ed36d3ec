"""Simulated and real time, side by side."""

import pytest

from gateway.simulator.timeline import Timeline


@pytest.mark.parametrize("speed", [0.5, 1.0, 60.0])
def test_time_goes_by_at_its_speed(speed: float) -> None:
    timeline = Timeline(1_000.0, 50.0, speed=speed)
    assert timeline.now_s(50.0) == 1_000.0
    assert timeline.now_s(52.0) == 1_000.0 + 2 * speed
    assert timeline.until(1_000.0 + 10 * speed, 52.0) == pytest.approx(8.0)


def test_a_little_late_is_made_up_for() -> None:
    timeline = Timeline(0.0, 0.0, tolerance_s=0.5)
    assert timeline.catch_up(10.0, 10.4) == 10.4
    assert timeline.until(20.0, 10.4) == pytest.approx(9.6)


def test_who_falls_far_behind_goes_on_later() -> None:
    timeline = Timeline(0.0, 0.0, speed=10.0, tolerance_s=0.5)
    assert timeline.catch_up(10.0, 100.0) == 10.0
    assert timeline.until(20.0, 100.0) == pytest.approx(1.0)
    assert timeline.catch_up(20.0, 100.5) == 15.0, "not due yet"


def test_standing_still_takes_no_time() -> None:
    timeline = Timeline(0.0, 0.0, speed=2.0)
    timeline.stand_still(5.0, 65.0)
    assert timeline.now_s(65.0) == 10.0
