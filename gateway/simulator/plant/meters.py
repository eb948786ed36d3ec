"""Meters: integrals of power, and the grain in which power is measured here.

Rule: every power on a phase is a whole number of sixty-fourths of a watt. Sums of such numbers are exact in floating
point, so what comes in equals what goes out in every reading, bit by bit, and energies in watt-seconds are exact too.
"""

GRAIN = 64.0
SECONDS_OF_AN_HOUR = 3_600.0


def measured(power_w: float) -> float:
    """A power to the grain of the meters."""
    return round(power_w * GRAIN) / GRAIN


class Register:
    """One of a meter's totals; grows by what flows, and jumps when somebody makes it."""

    __slots__ = ("watt_seconds",)

    def __init__(self, energy_wh: float) -> None:
        self.set(energy_wh)

    def add(self, power_w: float, seconds: float) -> None:
        """``power_w`` must not be negative: a register never turns back by itself."""
        self.watt_seconds += power_w * seconds

    def set(self, energy_wh: float) -> None:
        self.watt_seconds = float(round(energy_wh * SECONDS_OF_AN_HOUR))

    @property
    def energy_wh(self) -> float:
        return self.watt_seconds / SECONDS_OF_AN_HOUR
