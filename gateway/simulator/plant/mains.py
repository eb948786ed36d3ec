"""The grid behind the meter: voltages that sag and rise with what flows, a frequency that is never quite 50 Hz."""

import random

from gateway.simulator.plant.noise import Noise
from gateway.simulator.words import Phases

NOMINAL_V = 231.0
SWAY_V = 3.2
FLICKER_V = 0.8
SAG_V_PER_W = 0.00035
NOMINAL_HZ = 50.0
SWAY_HZ = 0.05


class Mains:
    def __init__(self, seed: int) -> None:
        chance = random.Random(f"mains {seed}")
        self._sways = [Noise(chance, scale_s) for scale_s in (1_900, 2_300, 2_100)]
        self._flicker = Noise(chance, 13)
        self._frequency = Noise(chance, 41)

    def voltages(self, time_s: float, powers_w: Phases) -> Phases:
        """V; ``powers_w`` is what flows in from the grid on each phase."""
        flicker = FLICKER_V * (self._flicker.at(time_s) - 0.5) + NOMINAL_V
        first, second, third = self._sways
        return (
            round(flicker + SWAY_V * (first.at(time_s) - 0.5) - SAG_V_PER_W * powers_w[0], 1),
            round(flicker + SWAY_V * (second.at(time_s) - 0.5) - SAG_V_PER_W * powers_w[1], 1),
            round(flicker + SWAY_V * (third.at(time_s) - 0.5) - SAG_V_PER_W * powers_w[2], 1),
        )

    def frequency_hz(self, time_s: float) -> float:
        return round(NOMINAL_HZ + SWAY_HZ * (self._frequency.at(time_s) - 0.5), 3)
