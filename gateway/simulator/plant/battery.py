"""The battery behind its hybrid inverter.

Rules:

* It sees only the grid meter, and works to bring it to zero: it takes what would be exported and gives what would be
  imported, whoever produces or needs it. So it covers the house, and cars as far as they outrun the sun.
* It follows within seconds, not at once, and never quite exactly.
* Between FLOOR and full; the last percents fill slowly. What it stores and gives back is less than what it took.
"""

import math
import random

from gateway.simulator.plant.meters import Register, measured
from gateway.simulator.words import BatterySetup

FLOOR_PERCENT = 5.0
SLOW_FROM_PERCENT = 94.0
SLOWEST_SHARE = 0.08
EFFICIENCY = 0.96  # each way
LAG_S = 2.5
IDLE_BELOW_W = 25.0
MISSES_W = 12.0
PHASES = 3


class Battery:
    """``power_w`` positive charges; it is the same on all phases, so it is three times ``phase_w``."""

    def __init__(self, setup: BatterySetup, seed: int) -> None:
        self.setup = setup
        self.charged = Register(setup.charged_wh)
        self.discharged = Register(setup.discharged_wh)
        self.phase_w = 0.0
        self.stored_wh = setup.capacity_wh * setup.soc_percent / 100
        self._floor_wh = setup.capacity_wh * FLOOR_PERCENT / 100
        self._slow_wh = setup.capacity_wh * SLOW_FROM_PERCENT / 100
        self._chance = random.Random(f"battery {seed}")

    @property
    def power_w(self) -> float:
        return PHASES * self.phase_w

    @property
    def soc_percent(self) -> float:
        return 100 * self.stored_wh / self.setup.capacity_wh

    def follow(self, surplus_w: float, seconds: float) -> None:
        """Work for ``seconds`` where ``surplus_w`` would go out without it (negative: would come in)."""
        wanted = surplus_w + MISSES_W * (2 * self._chance.random() - 1) if abs(surplus_w) > IDLE_BELOW_W else 0.0
        wanted = self.power_w + (wanted - self.power_w) * (1 - math.exp(-seconds / LAG_S))
        hours = seconds / 3_600
        self.phase_w = measured(min(max(wanted, -self._most_out_w(hours)), self._most_in_w(hours)) / PHASES)
        power_w = self.power_w
        if power_w > 0:
            self.charged.add(power_w, seconds)
            self.stored_wh = min(self.stored_wh + power_w * hours * EFFICIENCY, self.setup.capacity_wh)
        else:
            self.discharged.add(-power_w, seconds)
            self.stored_wh = max(self.stored_wh + power_w * hours / EFFICIENCY, 0.0)

    def _most_in_w(self, hours: float) -> float:
        room_wh = self.setup.capacity_wh - self.stored_wh
        share = 1.0
        if self.stored_wh > self._slow_wh:
            share = max(room_wh / (self.setup.capacity_wh - self._slow_wh), SLOWEST_SHARE)
        return min(share * self.setup.max_power_w, room_wh / EFFICIENCY / hours)

    def _most_out_w(self, hours: float) -> float:
        left_wh = max(self.stored_wh - self._floor_wh, 0.0)
        return min(self.setup.max_power_w, left_wh * EFFICIENCY / hours)
