"""Clouds: how much of a clear sky's power is left, from 0 to a little over 1.

Noises: fields of clouds over half an hour, single clouds over minutes, haze and a shimmer over seconds. What rises
above the threshold of the day's cover is a cloud, the darker the thicker; the edges of clouds are bright.
"""

import random
from typing import Literal, TypeAlias

from gateway.simulator.plant.noise import Noise

Weather: TypeAlias = Literal["clear", "fair", "overcast", "changing"]

COVER: dict[Weather, float] = {"clear": 0.0, "fair": 0.29, "overcast": 1.0}
COVERS_OF_DAYS = (0.0, 0.15, 0.3, 0.45, 0.6, 0.85, 1.0)  # of which a changing weather chooses one a day
DAY_S = 86_400
SOFTNESS = 0.11  # of a cloud: how much thicker than its edge it is where half of its shadow is reached
SHADOW = 0.9  # of the thickest
BRIGHT_EDGE = 0.06
DARK_COVER = 0.7  # from here on it is grey between the clouds, too


class Sky:
    """``weather`` of the days; the same seed, the same clouds at the same time."""

    def __init__(self, weather: Weather, seed: int) -> None:
        chance = random.Random(f"sky {seed}")
        self._weather: Weather = weather
        self._seed = seed
        self._fields = Noise(chance, 1_500)
        self._clouds = Noise(chance, 130)
        self._haze = Noise(chance, 70)
        self._shimmer = Noise(chance, 17)
        self._day = -1
        self._cover = 0.0

    def clearness(self, time_s: float) -> float:
        day = int(time_s // DAY_S)  # UTC: where it is used the sun is down at that moment
        if day != self._day:
            self._day, self._cover = day, self._cover_of(day)
        cover = self._cover
        haze = 0.94 + 0.05 * self._haze.at(time_s) + 0.03 * self._shimmer.at(time_s)
        thickness = 0.52 * self._fields.at(time_s) + 0.48 * self._clouds.at(time_s)
        over = thickness - 0.84 + 0.7 * cover
        if over <= 0:
            return haze
        cloud = over / (over + SOFTNESS)
        edge = BRIGHT_EDGE * 4 * cloud * (1 - cloud)
        return haze * (1 + edge - (SHADOW + 0.1 * max(cover - DARK_COVER, 0.0)) * cloud)

    def _cover_of(self, day: int) -> float:
        if self._weather == "changing":
            return random.Random(f"cover {self._seed} {day}").choice(COVERS_OF_DAYS)
        return COVER[self._weather]
