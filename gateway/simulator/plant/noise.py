"""Smooth chance: a function of time that never jumps, and is the same for the same seed whatever the steps are."""

import random

SIZE = 997  # knots until it repeats; a prime, so that noises of different scales never repeat together


class Noise:
    """Between 0 and 1, around 0.5; a random knot every ``scale_s`` seconds, and an even way from knot to knot."""

    def __init__(self, chance: random.Random, scale_s: float) -> None:
        self._scale_s = scale_s
        self._knots = [chance.random() for _ in range(SIZE)]

    def at(self, time_s: float) -> float:
        place = time_s / self._scale_s
        knot = int(place)
        way = place - knot
        before = self._knots[knot % SIZE]
        return before + (self._knots[(knot + 1) % SIZE] - before) * way * way * (3 - 2 * way)
