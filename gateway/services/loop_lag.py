"""How late the event loop is: everything in the process waits as long."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, NoReturn

from gateway.domain.clock import Clock
from gateway.domain.figures import Histogram

BOUNDS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)


class LoopLag:
    """Sleeps ``every_s`` again and again; ``seconds`` has by how much each sleep was longer."""

    def __init__(
        self, clock: Clock, *, every_s: float = 1, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self.seconds = Histogram(BOUNDS_S)
        self._clock = clock
        self._every_s = every_s
        self._sleep = sleep

    async def run(self) -> NoReturn:
        """For ever; stop it by cancelling."""
        while True:
            due_s = self._clock.monotonic() + self._every_s
            await self._sleep(self._every_s)
            self.seconds.observe(max(0.0, self._clock.monotonic() - due_s))
