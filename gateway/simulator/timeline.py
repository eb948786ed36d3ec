"""Simulated seconds by monotonic ones, at any speed. No I/O."""


class Timeline:
    """``start_s`` is simulated, ``at`` monotonic. Who is further behind than ``tolerance_s`` goes on later."""

    def __init__(self, start_s: float, at: float, *, speed: float = 1.0, tolerance_s: float = 0.5) -> None:
        self.speed = speed
        self._start_s = start_s
        self._at = at
        self._tolerance_s = tolerance_s

    def now_s(self, at: float) -> float:
        """The simulated time at a monotonic moment."""
        return self._start_s + (at - self._at) * self.speed

    def until(self, due_s: float, at: float) -> float:
        """How many real seconds are left until something is due; negative when it is late."""
        return (due_s - self.now_s(at)) / self.speed

    def catch_up(self, due_s: float, at: float) -> float:
        """The simulated time until which to go on; nothing is caught up that is older than the tolerance."""
        if -self.until(due_s, at) > self._tolerance_s:
            self._start_s, self._at = due_s, at
        return self.now_s(at)

    def stand_still(self, since: float, at: float) -> None:
        """No time went by between these monotonic moments."""
        self._at += at - since
