"""Pauses between attempts that fail: each up to twice as long as the one before, up to a cap."""

from collections.abc import Callable
from typing import Final

MOST_DOUBLINGS: Final = 64


class Backoff:
    """Those of one attempt. ``spread`` gives numbers from 0 to 1 at random: a pause is shortened by up to half."""

    __slots__ = ("_base_s", "_cap_s", "_failures", "_spread")

    def __init__(self, base_s: float, cap_s: float, spread: Callable[[], float]) -> None:
        self._base_s = base_s
        self._cap_s = cap_s
        self._spread = spread
        self._failures = 0

    def next_s(self) -> float:
        """How many seconds to pause, for it failed once more."""
        longest = min(self._cap_s, self._base_s * 2.0 ** min(self._failures, MOST_DOUBLINGS))
        self._failures += 1
        return longest * (0.5 + self._spread() / 2)

    def over(self) -> None:
        """It worked: the next pause is a short one again."""
        self._failures = 0
