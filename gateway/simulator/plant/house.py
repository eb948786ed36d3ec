"""What the house takes, without cars and battery: always something, and the day of its people on top.

A household of four without electric heating: about 9 to 13 kWh a day. The habits stand in a table; each day draws its
own moments from them, so a morning looks like a morning and no two days are the same.
"""

import random
from typing import NamedTuple

from gateway.simulator.plant.local_time import DAY_S, weekday
from gateway.simulator.plant.noise import Noise
from gateway.simulator.words import Phases

SATURDAY = 5
BASE_W = (92.0, 61.0, 48.0)
JITTER_W = 3.0


class Habit(NamedTuple):
    """``at_h`` local hour and its spread; ``minutes`` long; on for ``duty`` of every ``cycle_s``; on one phase."""

    at_h: float
    spread_h: float
    minutes: float
    power_w: float
    phase: int
    chance_weekday: float = 1.0
    chance_weekend: float = 1.0
    duty: float = 1.0
    cycle_s: float = 60.0


FRIDGE, FREEZER = (2_950.0, 0.36, 84.0, 0), (4_170.0, 0.33, 71.0, 2)  # cycle in s, duty, W, phase

HABITS = (
    Habit(6.5, 0.3, 85, 135, 0),  # lights of the morning
    Habit(6.8, 0.3, 4, 1_850, 1),  # kettle
    Habit(7.1, 0.2, 6, 1_200, 2, 0.7, 0.3),  # hair dryer
    Habit(9.3, 0.6, 5, 1_750, 1, 0.5, 1.0),  # coffee
    Habit(9.0, 1.0, 290, 125, 2, 0.7, 0.2),  # desk
    Habit(10.2, 1.5, 17, 1_950, 2, 0.3, 0.7),  # washing machine: heats ...
    Habit(10.6, 1.5, 75, 190, 2, 0.3, 0.7, 0.6, 40),  # ... and turns
    Habit(12.3, 0.4, 32, 1_700, 1, 0.4, 0.85, 0.45, 47),  # hob
    Habit(13.6, 0.7, 13, 1_900, 0, 0.4, 0.7),  # dishwasher
    Habit(15.4, 1.6, 22, 850, 0, 0.25, 0.45),  # vacuum cleaner
    Habit(16.2, 0.8, 4, 1_850, 1, 0.6, 0.8),  # kettle
    Habit(17.6, 0.5, 300, 165, 0),  # lights of the evening
    Habit(18.3, 0.5, 38, 2_100, 1, 0.9, 0.8, 0.5, 47),  # hob
    Habit(18.1, 0.5, 46, 2_350, 2, 0.45, 0.6, 0.42, 160),  # oven
    Habit(19.8, 0.5, 175, 125, 2),  # television
    Habit(20.3, 0.4, 13, 1_900, 0, 0.55, 0.5),  # dishwasher
)


class House:
    def __init__(self, seed: int) -> None:
        chance = random.Random(f"house {seed}")
        self._seed = seed
        self._chance = chance
        self._drift = Noise(chance, 640)
        self._day = -1
        self._running: list[tuple[float, float, Habit]] = []

    def powers(self, local_s: float) -> Phases:
        """W on the three phases at a local wall time."""
        day, second = divmod(local_s, DAY_S)
        if day != self._day:
            self._day, self._running = int(day), self._plan(int(day))
        drift = 0.9 + 0.2 * self._drift.at(local_s)
        chance = self._chance.random
        powers = [power_w * drift + JITTER_W * chance() for power_w in BASE_W]
        for cycle_s, duty, power_w, phase in (FRIDGE, FREEZER):
            if local_s % cycle_s < duty * cycle_s:
                powers[phase] += power_w
        for begin, end, habit in self._running:
            if begin <= second < end and (second - begin) % habit.cycle_s < habit.duty * habit.cycle_s:
                powers[habit.phase] += habit.power_w * (0.985 + 0.03 * chance())
        return powers[0], powers[1], powers[2]

    def _plan(self, day: int) -> list[tuple[float, float, Habit]]:
        chance = random.Random(f"day {self._seed} {day}")
        running = []
        for habit in HABITS:
            begin = 3_600 * (habit.at_h + habit.spread_h * (2 * chance.random() - 1))
            end = begin + 60 * habit.minutes * (0.8 + 0.4 * chance.random())
            likely = habit.chance_weekend if weekday(day) >= SATURDAY else habit.chance_weekday
            if chance.random() < likely:
                running.append((begin, end, habit))
        return running
