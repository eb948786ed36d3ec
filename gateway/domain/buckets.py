"""How often something may happen: a token bucket.

Rules:

* A bucket is full at first. Each ``take`` costs one token; tokens come back steadily, never more than ``burst``.
* Without a token nothing is taken, and the answer says how long until there is one.
* ``spend`` is for what has happened already: it takes on credit, and the answer says how long until that is paid.
"""

ROUNDING = 1e-9


class TokenBucket:
    """Pure: the caller says what time it is (monotonic seconds)."""

    def __init__(self, burst: int, per_s: float) -> None:
        self._burst = burst
        self._per_s = per_s
        self._tokens = float(burst)
        self._at_s: float | None = None

    def take(self, now_s: float) -> float:
        """Take a token, and answer 0; or take none, and answer in how many seconds there is one."""
        self._refill(now_s)
        if self._tokens > 1 - ROUNDING:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / self._per_s

    def spend(self, tokens: float, now_s: float) -> float:
        """Take that many, there or not, and answer in how many seconds nothing will be owed."""
        self._refill(now_s)
        self._tokens -= tokens
        return max(0.0, -self._tokens / self._per_s)

    def _refill(self, now_s: float) -> None:
        if self._at_s is not None:
            self._tokens = min(self._burst, self._tokens + max(0.0, now_s - self._at_s) * self._per_s)
        self._at_s = now_s
