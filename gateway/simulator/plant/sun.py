"""Where the sun stands, and how much of its peak a roof makes of it under a clear sky.

Position: the low-precision formulas of the Astronomical Almanac, right to about a hundredth of a degree for decades.
Clear sky: Meinel's rule for the direct beam by air mass, and a tenth of it from the rest of the sky.
"""

import math

import msgspec

EPOCH_2000_S = 946_728_000.0  # 2000-01-01 12:00 UTC
DAY_S = 86_400
TILT = math.radians(32)
SOLAR_CONSTANT = 1.353  # kW/m2; a peak is measured under 1
LOSSES = 0.86  # heat, dirt, wires
DIFFUSE_SHARE = 0.1


class Sun(msgspec.Struct, frozen=True):
    """In radians; the azimuth from north over east."""

    elevation: float
    azimuth: float


def sun_at(time_s: float, latitude: float, longitude: float) -> Sun:
    """Of a place in degrees, north and east positive."""
    days = (time_s - EPOCH_2000_S) / DAY_S
    anomaly = math.radians(357.529 + 0.98560028 * days)
    ecliptic_longitude = math.radians(
        280.459 + 0.98564736 * days + 1.915 * math.sin(anomaly) + 0.02 * math.sin(2 * anomaly)
    )
    obliquity = math.radians(23.439 - 0.00000036 * days)
    right_ascension = math.atan2(math.cos(obliquity) * math.sin(ecliptic_longitude), math.cos(ecliptic_longitude))
    declination = math.asin(math.sin(obliquity) * math.sin(ecliptic_longitude))
    sidereal = math.radians(280.46061837 + 360.98564737 * days + longitude)
    hour_angle = sidereal - right_ascension
    phi = math.radians(latitude)
    elevation = math.asin(
        math.sin(phi) * math.sin(declination) + math.cos(phi) * math.cos(declination) * math.cos(hour_angle)
    )
    azimuth = math.atan2(
        -math.sin(hour_angle), math.tan(declination) * math.cos(phi) - math.sin(phi) * math.cos(hour_angle)
    )
    return Sun(elevation, azimuth % math.tau)


def share_of_peak(sun: Sun, azimuth_degrees: float) -> float:
    """0 to 1: what a tilted roof looking to ``azimuth_degrees`` makes of its peak under a clear sky."""
    height = math.sin(sun.elevation)
    if height <= 0:
        return 0.0
    beam = SOLAR_CONSTANT * math.pow(0.7, math.pow(height, -0.678))
    turned = math.cos(sun.azimuth - math.radians(azimuth_degrees))
    hit = height * math.cos(TILT) + math.cos(sun.elevation) * math.sin(TILT) * turned
    return min(beam * (max(hit, 0.0) + DIFFUSE_SHARE) * LOSSES, 1.0)
