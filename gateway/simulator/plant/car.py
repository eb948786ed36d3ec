"""A car: what its charger takes of what it may, how its battery fills, and what the road takes out again.

Rules:

* Below 6 A nothing flows; else a little less than what is released, on as many phases as car, charge point and
  set point have. It goes up within ten seconds and down at once.
* From TAPER_FROM on its battery takes less and less; at 100 % it takes nothing, and begins again only below AGAIN.
* It never comes home empty: who would be below RESERVE charged on the way.
"""

import random

from gateway.simulator.words import SetPoint, VehicleSetup

LEAST_A = 6.0
RISES_A_PER_S = 1.6
TAPER_FROM_PERCENT = 80.0
LEAST_TAPER = 0.3
FULL_PERCENT = 100.0
AGAIN_PERCENT = 97.0
EFFICIENCY = 0.91  # from the meter into the battery
RESERVE_PERCENT = 12.0
ON_THE_WAY_PERCENT = 35.0


class Car:
    """``current_a`` is what it takes on each of its phases."""

    def __init__(self, setup: VehicleSetup, seed: int) -> None:
        self.setup = setup
        self.stored_wh = setup.capacity_wh * setup.soc_percent / 100
        self.odometer_km = setup.odometer_km
        self.current_a = 0.0
        self._full = self.soc_percent >= FULL_PERCENT
        self._chance = random.Random(f"car {seed} {setup.id}")
        self._leaves_a = 0.06 + 0.08 * self._chance.random()

    @property
    def soc_percent(self) -> float:
        return 100 * self.stored_wh / self.setup.capacity_wh

    @property
    def range_km(self) -> float:
        return 100 * self.stored_wh / self.setup.consumption_wh_per_100km

    def take(self, set_point: SetPoint, max_current_a: float, seconds: float) -> float:
        """The current in A after ``seconds`` under a set point."""
        released_a = min(set_point.current_a, max_current_a, self.setup.max_current_a)
        if released_a < LEAST_A or self._full:
            self.current_a = 0.0
            return 0.0
        wanted_a = min(released_a, self.setup.max_current_a * self._taper())
        wanted_a -= self._leaves_a + 0.04 * self._chance.random()
        self.current_a = min(wanted_a, max(self.current_a, LEAST_A) + RISES_A_PER_S * seconds)
        return self.current_a

    def fill(self, energy_wh: float) -> None:
        """What the meter of the charge point counted goes into the battery."""
        capacity_wh = self.setup.capacity_wh
        self.stored_wh = min(self.stored_wh + energy_wh * EFFICIENCY, capacity_wh)
        if self.stored_wh >= capacity_wh:
            self._full = True

    def drive(self, distance_km: float) -> None:
        """And come home."""
        self.current_a = 0.0
        self.odometer_km += distance_km
        self.stored_wh -= self.setup.consumption_wh_per_100km * distance_km / 100
        if self.soc_percent < RESERVE_PERCENT:
            self.stored_wh = self.setup.capacity_wh * ON_THE_WAY_PERCENT / 100
        self._full = self._full and self.soc_percent >= AGAIN_PERCENT

    def _taper(self) -> float:
        over = (self.soc_percent - TAPER_FROM_PERCENT) / (FULL_PERCENT - TAPER_FROM_PERCENT)
        return 1.0 if over <= 0 else 1 - (1 - LEAST_TAPER) * over
