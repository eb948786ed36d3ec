"""What waits to be sent to one connection.

Bounded by whoever writes: values are written only below the bound (``Member.full``), answers only to requests, and no
request is read while the outbox is at its bound (``room``). So it holds at most the bound, one frame and one answer.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from gateway.protocol.frames import Frame


class Outbox:
    """A ``Sink`` that a task of the connection's own empties: ``run``."""

    def __init__(self, bound_bytes: int) -> None:
        self.on_drained: Callable[[], None] = _nothing
        self._bound_bytes = bound_bytes
        self._frames: deque[Frame] = deque()
        self._unsent_bytes = 0
        self._more = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._finished = False

    @property
    def unacknowledged(self) -> int:
        """Bytes not yet handed to the network."""
        return self._unsent_bytes

    @property
    def full(self) -> bool:
        """Whether the bound is reached."""
        return self._unsent_bytes >= self._bound_bytes

    def write(self, one: Frame) -> None:
        """Take the frame, unless nothing more may follow."""
        if self._finished:
            return
        self._frames.append(one)
        self._unsent_bytes += len(one)
        if self._unsent_bytes >= self._bound_bytes:
            self._room.clear()
        self._more.set()

    def finish(self) -> None:
        """Nothing more may follow; ``run`` ends when all is sent."""
        self._finished = True
        self._more.set()

    async def room(self) -> None:
        """Wait until less than the bound is unsent."""
        await self._room.wait()

    async def run(self, send: Callable[[Frame], Awaitable[None]]) -> None:
        """Send frame by frame; raises what ``send`` raises. When cancelled, the frame under way may be lost."""
        while True:
            while self._frames:
                one = self._frames.popleft()
                await send(one)
                self._unsent_bytes -= len(one)
                if self._unsent_bytes < self._bound_bytes:
                    self._room.set()
                if not self._frames:
                    self.on_drained()
            if self._finished:
                return
            self._more.clear()
            await self._more.wait()


def _nothing() -> None:
    """Nobody wants to know yet."""
