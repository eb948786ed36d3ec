"""The simulated openWB as a running thing: a simulation paced by the clock, in front of a real broker.

Rules:

* One task publishes, so nothing overtakes: what is due, and for a new connection first all that is retained, live, as
  a box's broker does after a restart.
* The box lives on while its broker is away: what it would have said is in what is retained then.
* A run that falls behind goes on later, nothing is caught up in a flood. At speed 1 the box's clock is the machine's
  all the same, also after a suspended night.
* What other clients write is heard at once.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any, Final, NoReturn

import structlog

from gateway.domain.clock import Clock
from gateway.domain.errors import BrokerUnavailable, InvalidArgument
from gateway.mqtt import Broker, Connection, Down
from gateway.simulator.compose import compose
from gateway.simulator.faults import Faults
from gateway.simulator.scenes import Scene
from gateway.simulator.simulation import Dialect
from gateway.simulator.speech import Said
from gateway.simulator.timeline import Timeline
from gateway.simulator.words import Voice

CLOCK_OFF_BY_S: Final = 1.0

log = structlog.get_logger(__name__)


class SimulatedOpenwb:
    """One simulated box. ``speed``: simulated seconds in a real one. ``on_published`` follows each message."""

    def __init__(
        self,
        scene: Scene,
        broker: Broker,
        clock: Clock,
        *,
        dialect: Dialect = "openwb-2",
        interval_s: int = 10,
        speed: float = 1.0,
        seed: int = 0,
        on_published: Callable[[Said], None] | None = None,
    ) -> None:
        self.simulation = compose(scene, dialect, clock.now(), interval_s=interval_s, seed=seed)
        self._timeline = Timeline(self.simulation.now_s, clock.monotonic(), speed=speed)
        self._faults = Faults(self.simulation, seed=seed, changed=self._look_up)
        self._broker = broker
        self._clock = clock
        self._on_published = on_published
        self._connection: Connection | None = None
        self._news, self._changed = asyncio.Event(), asyncio.Event()
        self._paused_at: float | None = None
        self._clock_ahead_s = 0.0

    @property
    def faults(self) -> Faults:
        """Faults on demand, from this moment on."""
        self._let_time_pass()
        return self._faults

    def later(self, after_s: float, words: str) -> None:
        """A fault by its line, so many simulated seconds from now; what cannot be done then is logged."""

        def demand() -> None:
            try:
                self._faults.do(words)
            except InvalidArgument as error:
                log.warning("no fault", words=words, problem=error.message)
            else:
                log.info("fault", words=words)

        self._let_time_pass()
        self.simulation.after(after_s, demand)
        self._look_up()

    def pause(self) -> None:
        """Time stands still: nothing comes but what is just on its way, and what a new connection is given."""
        self._let_time_pass()
        self._paused_at = self._clock.monotonic()

    def resume(self) -> None:
        """Go on as if no time had gone by."""
        if self._paused_at is not None:
            self._timeline.stand_still(self._paused_at, self._clock.monotonic())
            self._paused_at = None
            self._look_up()

    async def run(self) -> NoReturn:
        """Live until cancelled."""
        both = [
            asyncio.create_task(self._broker.run(self._talk, self._apart), name="simulated openWB: connection"),
            asyncio.create_task(self._live(), name="simulated openWB: life"),
        ]
        try:
            ended, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _end(both)
        for task in ended:
            task.result()
        raise AssertionError("neither of them ends by itself")

    async def _live(self) -> NoReturn:
        """Publish what is due; for a new connection first all that is retained."""
        greeted: Connection | None = None
        while True:
            self._news.clear()
            connection = self._connection
            if connection is not None and connection is not greeted:
                greeted = connection
                for topic, payload in list(self.simulation.speech.retained.items()):
                    await self._publish(Said(topic, payload))
            elif self._paused_at is not None:
                await self._news.wait()
            else:
                await self._go_on()

    async def _go_on(self) -> None:
        """Do what is due, and wait for what comes next."""
        self._follow_the_clock()
        simulation, at = self.simulation, self._clock.monotonic()
        for said in simulation.advance(self._timeline.catch_up(simulation.next_due_s, at)):
            await self._publish(said)
            if self._paused_at is not None:
                return
        left_s = self._timeline.until(simulation.next_due_s, self._clock.monotonic())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, left_s)):
                await self._news.wait()

    async def _publish(self, said: Said) -> None:
        """Nobody is told while there is no connection: the next one gets what is retained."""
        connection = self._connection
        if connection is None:
            return
        try:
            await connection.publish(said.topic, said.payload, retain=said.retain)
        except BrokerUnavailable:  # its reader is told as well
            return
        if self._on_published is not None:
            self._on_published(said)

    async def _talk(self, connection: Connection) -> None:
        """A connection, until it is lost or the box leaves."""
        voice = self.simulation.voice
        await connection.subscribe(voice.subscriptions)
        self._connection = connection
        self._look_up()
        both = [
            asyncio.create_task(self._listen(connection), name="simulated openWB: listen"),
            asyncio.create_task(self._until_other(voice), name="simulated openWB: stay"),
        ]
        try:
            ended, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._connection = None
            await _end(both)
        for task in ended:
            task.result()

    async def _listen(self, connection: Connection) -> None:
        async for message in connection:
            self._let_time_pass()
            self.simulation.hear(message.topic, message.payload)
            self._look_up()

    async def _until_other(self, voice: Voice) -> None:
        """Wait until the box leaves, or speaks with another voice, which listens to other topics."""
        while self._is_here and self.simulation.voice is voice:
            self._changed.clear()
            await self._changed.wait()

    async def _apart(self, down: Down) -> None:
        log.debug("no connection to the simulation's broker", reason=down.reason, detail=down.detail)
        away_s = self._timeline.until(self._faults.away_until_s, self._clock.monotonic())
        while away_s > 0:
            await asyncio.sleep(away_s)
            away_s = self._timeline.until(self._faults.away_until_s, self._clock.monotonic())

    @property
    def _is_here(self) -> bool:
        return self._timeline.now_s(self._clock.monotonic()) >= self._faults.away_until_s

    def _let_time_pass(self) -> None:
        self.simulation.wait(self._timeline.now_s(self._clock.monotonic()))

    def _look_up(self) -> None:
        """Something is new: for the task that publishes, and for the one that stays."""
        self._news.set()
        self._changed.set()

    def _follow_the_clock(self) -> None:
        """At speed 1 the box's clock is the machine's, whatever happened to either of them."""
        ahead_s = self._clock.now() - self._timeline.now_s(self._clock.monotonic())
        if self._timeline.speed == 1 and abs(ahead_s - self._clock_ahead_s) > CLOCK_OFF_BY_S:
            self.simulation.clock_ahead_s += ahead_s - self._clock_ahead_s
            self._clock_ahead_s = ahead_s


async def _end(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
