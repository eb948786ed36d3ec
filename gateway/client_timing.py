"""The time constants of the reference client, what it tells of itself, and how it notices that it slept.

No wait depends on the wall clock, which people and networks set; only ``SleepWatch`` looks at it, because on some
machines no other clock goes on while they sleep. A clock that was set costs one ping.
"""

import time
from typing import Literal

import msgspec

from gateway.domain.clock import Clock


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds. ``quiet_s``: after so long without a word nobody vouches; ``slept_s``: how late a tick may be."""

    connect_s: float = 10.0
    silence_s: float = 25.0
    quiet_s: float = 15.0
    ping_s: float = 20.0
    pong_s: float = 3.0
    retry_base_s: float = 1.0
    retry_cap_s: float = 60.0
    tick_s: float = 1.0
    slept_s: float = 10.0


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """Where the client stands. ``reason`` is why it is not connected; ``retry_at`` is monotonic."""

    phase: Literal["connecting", "connected", "waiting", "ended"]
    reason: str = ""
    retry_at: float | None = None


class SteadyClock:
    """The machine's clocks, as ``Clock``; ``monotonic`` goes on while the machine sleeps, where it can tell."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        if hasattr(time, "CLOCK_BOOTTIME"):
            return time.clock_gettime(time.CLOCK_BOOTTIME)
        return time.monotonic()


class SleepWatch:
    """Whether the time since the last look is much longer than it was meant to be, by either clock."""

    def __init__(self, clock: Clock, late_s: float) -> None:
        self._clock = clock
        self._late_s = late_s
        self._seen = clock.monotonic(), clock.now()

    def slept(self) -> bool:
        steady_s, wall_s = self._seen
        self._seen = self._clock.monotonic(), self._clock.now()
        return max(self._seen[0] - steady_s, self._seen[1] - wall_s) > self._late_s
