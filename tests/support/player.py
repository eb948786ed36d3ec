"""Plays a capture into a broker, round after round, as if the box lived now.

Rules:

* A round begins with the start state: retained topics that are no part of it are cleared, all others published; then
  the session follows, each message when it is due, in order, none left out.
* A connection begins with everything that is retained at that point, as after a restart of the box's broker; the
  session then goes on behind the last message that was published.
* While the broker is away, or the player paused, the box's time stands still. Nothing is caught up: a player that
  falls behind by more than ``tolerance_s`` goes on at the recorded pace, later.
"""

import asyncio
from collections.abc import Callable
from typing import Final, NoReturn

import msgspec
import structlog

from gateway.domain.clock import Clock
from gateway.domain.errors import InvalidArgument
from gateway.mqtt import Broker, Connection, Down
from tests.support.recording import Capture, Shift, schedule, start_of

BEFORE_THE_SESSION: Final = -1

log = structlog.get_logger(__name__)


class Published(msgspec.Struct, frozen=True):
    """What was handed to the broker.

    ``index`` is that of the session's message, or BEFORE_THE_SESSION for one that belongs to the start state or
    repeats what is retained.
    """

    round: int
    index: int
    topic: str
    payload: str
    retain: bool


class Player:
    """One simulated box. ``rounds`` None: for ever. ``on_published`` is called after each message.

    ``position`` is the index of the session's message published last, ``round`` counts from 1 and is one beyond the
    last when all is played, ``retained`` is what the broker should hold.
    """

    def __init__(
        self,
        capture: Capture,
        broker: Broker,
        clock: Clock,
        *,
        speed: float = 1.0,
        rounds: int | None = None,
        tolerance_s: float = 0.25,
        on_published: Callable[[Published], None] | None = None,
    ) -> None:
        if not capture.session:
            raise InvalidArgument("a capture without a session cannot be played")
        self.position = BEFORE_THE_SESSION
        self.round = 1
        self.retained: dict[str, str] = {}
        self._capture = capture
        self._broker = broker
        self._clock = clock
        self._speed = speed
        self._rounds = rounds
        self._tolerance_s = tolerance_s
        self._on_published = on_published
        self._shift = Shift(capture, clock.now())
        self._between_rounds = True
        self._may_go = asyncio.Event()
        self._may_go.set()

    async def run(self) -> None:
        """Play; returns after the last round."""
        try:
            await self._broker.run(self._play, self._lost)
        except _Ended:
            log.debug("the last round is over", rounds=self._rounds)

    def pause(self) -> None:
        """Publish nothing more than what is just on its way."""
        self._may_go.clear()

    def resume(self) -> None:
        self._may_go.set()

    async def _lost(self, down: Down) -> None:
        log.info("no connection to the simulation's broker", reason=down.reason, detail=down.detail)

    async def _play(self, connection: Connection) -> None:
        """Not a ``TaskGroup``: when a cancellation meets the loss, the group would raise the loss alone."""
        both = [
            asyncio.create_task(_until_lost(connection), name="wait for the loss"),
            asyncio.create_task(self._play_rounds(connection), name="play"),
        ]
        try:
            ended, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)
        for task in ended:
            task.result()

    async def _play_rounds(self, connection: Connection) -> NoReturn:
        for topic, payload in list(self.retained.items()):
            await self._publish(connection, topic, payload)
        while self._rounds is None or self.round <= self._rounds:
            if self._between_rounds:
                await self._begin_round(connection)
            await self._may_go.wait()
            await self._stretch(connection)
        raise _Ended

    async def _begin_round(self, connection: Connection) -> None:
        """Publish the start state; a connection lost in the middle leaves it to the next one."""
        now = self._clock.now()
        self._shift = Shift(self._capture, now)
        start = start_of(self._capture, self._shift, now)
        cleared = dict.fromkeys(self.retained.keys() - start.keys(), "")
        for topic, payload in (cleared | start).items():
            await self._publish(connection, topic, payload)
        self.position = BEFORE_THE_SESSION
        self._between_rounds = False

    async def _stretch(self, connection: Connection) -> None:
        """The session from here until it ends, or a pause, or a delay asks for a new schedule."""
        began = self._clock.monotonic()
        first = self.position + 1
        for due in schedule(self._capture.session, self._shift, self._clock.now(), speed=self._speed, first=first):
            early_s = began + due.due_s - self._clock.monotonic()
            if early_s > 0:
                await asyncio.sleep(early_s)
            elif -early_s > self._tolerance_s and due.index > first:
                return
            if not self._may_go.is_set():
                return
            await self._publish(connection, due.topic, due.payload, retain=due.retain, index=due.index)
        self.round += 1
        self._between_rounds = True

    async def _publish(
        self,
        connection: Connection,
        topic: str,
        payload: str,
        *,
        retain: bool = True,
        index: int = BEFORE_THE_SESSION,
    ) -> None:
        await connection.publish(topic, payload, retain=retain)
        if retain and payload:
            self.retained[topic] = payload
        elif retain:
            self.retained.pop(topic, None)
        if index != BEFORE_THE_SESSION:
            self.position = index
        if self._on_published is not None:
            self._on_published(Published(self.round, index, topic, payload, retain))


async def _until_lost(connection: Connection) -> None:
    """Raises BrokerUnavailable at the loss, also while no message is due for long."""
    async for _ in connection:
        pass


class _Ended(Exception):
    """The last round is over; never leaves this module."""
