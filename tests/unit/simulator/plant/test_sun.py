"""Where the sun stands: against what the almanac says, and what a roof makes of it."""

import calendar
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.simulator.plant.sun import Sun, share_of_peak, sun_at

MOMENTS = st.floats(1.5e9, 2.5e9)
LATITUDE, LONGITUDE = 50.1, 9.0


def utc(month: int, day: int, hour: int, minute: int = 0) -> float:
    return float(calendar.timegm((2026, month, day, hour, minute, 0)))


@pytest.mark.parametrize(
    ("month", "day", "highest"),
    [(6, 21, 63.3), (12, 21, 16.5), (3, 20, 39.9), (9, 23, 39.9)],  # 90 - latitude + the sun's declination
)
def test_at_noon_it_stands_in_the_south_as_high_as_the_season_has_it(month: int, day: int, highest: float) -> None:
    suns = [sun_at(utc(month, day, 10, minute), LATITUDE, LONGITUDE) for minute in range(150)]
    noon = max(suns, key=lambda sun: sun.elevation)
    assert math.degrees(noon.elevation) == pytest.approx(highest, abs=0.3)
    assert math.degrees(noon.azimuth) == pytest.approx(180, abs=1)


def test_it_rises_in_the_east_and_sets_in_the_west() -> None:
    morning, evening = (sun_at(utc(3, 20, hour), LATITUDE, LONGITUDE) for hour in (6, 17))
    assert 85 < math.degrees(morning.azimuth) < 110
    assert 250 < math.degrees(evening.azimuth) < 275


def test_sunrise_and_sunset_of_a_day_in_june() -> None:
    up = [
        minute for minute in range(24 * 60) if sun_at(utc(6, 12, 0) + minute * 60, LATITUDE, LONGITUDE).elevation > 0
    ]
    # the almanac's 03:15 and 19:36 UTC count the upper limb and refraction, about 7 minutes at each end
    assert up[0] == pytest.approx(3 * 60 + 22, abs=4)
    assert up[-1] == pytest.approx(19 * 60 + 29, abs=4)


def test_at_the_equator_the_equinox_sun_passes_overhead_and_in_the_south_it_stands_in_the_north() -> None:
    assert math.degrees(sun_at(utc(3, 20, 12, 7), 0, 0).elevation) > 88
    assert math.cos(sun_at(utc(6, 21, 12), -35, 0).azimuth) > 0.9


@given(MOMENTS, st.floats(0, 360))
def test_a_roof_makes_nothing_at_night_and_never_more_than_its_peak(time_s: float, azimuth_degrees: float) -> None:
    sun = sun_at(time_s, LATITUDE, LONGITUDE)
    share = share_of_peak(sun, azimuth_degrees)
    assert 0 <= share <= 1
    assert (share == 0) == (sun.elevation <= 0)


def test_a_roof_likes_the_sun_it_looks_at() -> None:
    evening = Sun(math.radians(25), math.radians(265))
    assert share_of_peak(evening, 265) > 2 * share_of_peak(evening, 95)
    noon_of_june = Sun(math.radians(63), math.radians(180))
    assert 0.8 < share_of_peak(noon_of_june, 180) <= 1
    assert share_of_peak(noon_of_june, 0) > 0.3  # it is not that steep
