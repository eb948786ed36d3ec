"""What a scenario's box is: a recording that is played, or a simulated openWB that lives for a while."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from gateway.domain.clock import SystemClock
from gateway.mqtt import Broker
from gateway.simulator.openwb import SimulatedOpenwb
from gateway.simulator.scenes import SCENES
from gateway.simulator.simulation import Dialect
from tests.support.player import Player
from tests.support.recording import Capture
from tests.support.waiting import eventually


class Source(Protocol):
    """``progress``: 0 before it has said anything, 1 when ``run`` is over; ``story`` for a report."""

    @property
    def progress(self) -> float: ...

    @property
    def story(self) -> str: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    async def run(self) -> None: ...


MakeSource = Callable[[Broker], Source]


class Played(Player):
    """One round of a capture."""

    def __init__(self, capture: Capture, broker: Broker, speed: float) -> None:
        super().__init__(capture, broker, SystemClock(), speed=speed, rounds=1)
        self._messages = len(capture.session)

    @property
    def progress(self) -> float:
        return (self.position + 1) / self._messages

    @property
    def story(self) -> str:
        return f"player at {self.progress:.3f}, round {self.round}"


class Lived(SimulatedOpenwb):
    """So many seconds of a simulated openWB, in its own time; then it stands still."""

    def __init__(self, broker: Broker, seconds: float, *, dialect: Dialect, speed: float, seed: int) -> None:
        super().__init__(SCENES["pv-day"], broker, SystemClock(), dialect=dialect, speed=speed, seed=seed)
        self._seconds = seconds
        for _ in self.simulation.advance(self.simulation.now_s):
            pass  # a box that stands still from the beginning has its start state retained

    @property
    def progress(self) -> float:
        return (self.simulation.now_s - self.simulation.began_s) / self._seconds

    @property
    def story(self) -> str:
        return f"box at {self.progress:.3f}, speaks {self.simulation.dialect}"

    async def run(self) -> None:  # type: ignore[override]
        living = asyncio.create_task(super().run(), name="simulated openWB")
        try:
            await eventually(lambda: self.progress >= 1, within_s=120, what="the box has lived")
            self.pause()
        finally:
            living.cancel()
            await asyncio.gather(living, return_exceptions=True)


def played(capture: Capture, speed: float) -> MakeSource:
    return lambda broker: Played(capture, broker, speed)


def lived(seconds: float, dialect: Dialect, *, speed: float, seed: int) -> MakeSource:
    return lambda broker: Lived(broker, seconds, dialect=dialect, speed=speed, seed=seed)
