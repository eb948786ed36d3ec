"""Time, handed in. Wall time names moments, monotonic time measures how long something took."""

import time
from typing import Protocol


class Clock(Protocol):
    """Two implementations: ``SystemClock`` and the tests' fake clock."""

    def now(self) -> float:
        """Wall time in epoch seconds UTC; may jump."""

    def monotonic(self) -> float:
        """Seconds that only grow; comparable within one process."""


class SystemClock:
    """The machine's clocks."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()
