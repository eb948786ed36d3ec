"""A whole run with real parts: a box in, many clients out, faults in between, and the oracle's word.

    player -> mosquitto -> bridge -> redis -> web -> auditor and population
                 '-> independent subscriber               '-> their logs
                              '-----------> oracle <-----------'

Phases: start the parts; publish the start state; start bridge and web; log in; connect everybody; play, while the
faults come when the player has got so far; settle; wait until the broker is quiet and the auditor knows everything;
judge. The last wait has a deadline but does not fail: what is missing then is for the oracle to say.
"""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import httpx

from gateway.domain.openwb2 import OpenWB2Reader
from gateway.domain.values import REMOVED
from gateway.mqtt import Broker
from tests.support.gateway import MANY
from tests.support.oracle import Report, judge
from tests.support.oracle_freshness import rests_on
from tests.support.oracle_logs import Dead, Loss
from tests.support.oracle_readings import Marks, Matches, Prefixes, Timeline
from tests.support.oracle_views import Replay
from tests.support.parts import MosquittoPart, Part, RedisPart, accepts, free_port, mosquitto, redis_server
from tests.support.population import Population
from tests.support.sources import MakeSource
from tests.support.subscriber import Subscriber
from tests.support.waiting import eventually

ROOT = Path(__file__).parent.parent.parent
ADMIN_PASSWORD = "a password only for tests"
RUN_WITHIN_S = 120
QUIET_S = 0.5
MOST = 0.8
SHORT_TIMES = {
    "GATEWAY_RECONNECT_BASE_S": "0.1",
    "GATEWAY_RECONNECT_CAP_S": "0.5",
    "GATEWAY_HEARTBEAT_S": "2",
    "GATEWAY_FLOOD_QUIET_S": "0.5",
    "GATEWAY_REDIS_TIMEOUT_S": "2",
    "GATEWAY_LEASE_S": "3",
    "GATEWAY_BRIDGE_DOWN_S": "1",
}
ROOM_FOR_ALL = {
    "GATEWAY_LIMIT_GROUPS": "1000",
    **{f"GATEWAY_{name.upper()}": str(most) for name, most in MANY.items()},
}


class Reader(Protocol):
    """A dialect's reading side."""

    def read(self, topic: str, payload: bytes) -> Mapping[str, Any]: ...


@dataclass(slots=True)
class Plan:
    """How a run goes. ``faults`` come in turn, each when the player has published this share of the session.

    ``web`` and ``bridge`` are the words after ``python`` that start them. ``reader`` makes the source's dialect's.
    """

    source: MakeSource
    reader: Callable[[], Reader] = OpenWB2Reader
    clients: int = 50
    seed: int = 1
    faults: Sequence[tuple[float, "FaultAction"]] = ()
    web: Sequence[str] = ("-m", "gateway", "web")
    bridge: Sequence[str] = ("-m", "gateway", "bridge")
    environ: Mapping[str, str] = field(default_factory=dict)
    pause_s: tuple[float, float] = (0.2, 1.5)
    known_within_s: float = 25
    told_within_s: float = 15


class Scenario:
    """The running parts; fault actions get it and do as they please."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.plan = plan
        self.losses: list[Loss] = []
        self.dead: list[Dead] = []
        self.broker: MosquittoPart = mosquitto(folder / "mosquitto")
        self.redis: RedisPart = redis_server(folder / "redis")
        self.port = free_port()
        environ = self._environ(folder)
        self.web = self._process("web", folder, plan.web, environ, lambda: accepts(self.port))
        self.bridge = self._process("bridge", folder, plan.bridge, environ, lambda: True)
        self.subscriber = Subscriber(self.broker.url)
        self.player = plan.source(
            Broker(self.broker.url, client_id="box", backoff_base_s=0.05, backoff_cap_s=0.1, connect_deadline_s=2)
        )
        self.population = Population("", "", 0, plan.seed)

    async def run(self) -> Report:
        """Start everything, go through the plan, stop everything, judge."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.broker)
            await stack.enter_async_context(self.redis)
            stack.enter_context(self.subscriber)
            await eventually(lambda: self.subscriber.ready)
            try:
                async with asyncio.timeout(RUN_WITHIN_S), asyncio.TaskGroup() as group:
                    self.player.pause()
                    playing = group.create_task(self.player.run(), name="player")
                    await self._start(stack)
                    await self._play(playing)
            except BaseException as error:
                error.add_note(self.story())
                raise
            await self._until_known(time.monotonic() + self.plan.known_within_s)
            await self.population.come_late()
            return await self._judged()

    async def _start(self, stack: AsyncExitStack) -> None:
        await self.quiet()
        await stack.enter_async_context(self.bridge)
        await stack.enter_async_context(self.web)
        url = f"ws://127.0.0.1:{self.port}/api/v1/live"
        self.population = Population(
            url, await self._login(), self.plan.clients, self.plan.seed, pause_s=self.plan.pause_s
        )
        stack.push_async_callback(self.population.leave)

    async def _play(self, playing: asyncio.Task[None]) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.population.run(), name="population")
            await eventually(lambda: self.population.place, within_s=20, what="the auditor's first snapshot")
            self.player.resume()
            for progress, fault in self.plan.faults:
                await eventually(lambda due=progress: self.progress >= due, within_s=RUN_WITHIN_S)  # type: ignore[misc]
                await fault(self)
            await playing
            await self.quiet()
            self.population.settle()

    @property
    def progress(self) -> float:
        """0 before the session, 1 when all of it was published."""
        return self.player.progress

    async def quiet(self) -> None:
        """Wait until the broker has nothing more to deliver."""
        await eventually(lambda: self.subscriber.quiet_for(QUIET_S), within_s=30)

    async def most_are_up(self) -> None:
        """Wait until people are there and see a live box."""
        up = self.population.share_hearing_up
        await eventually(lambda: up() > MOST, within_s=RUN_WITHIN_S, what="most see a live box")

    async def everybody_learns(self, since_s: float, why: str) -> None:
        """Nothing lives since then: wait until everybody was told, and let the oracle look at who was not."""
        with contextlib.suppress(AssertionError):
            await eventually(lambda: not self.population.share_hearing_up(), within_s=self.plan.told_within_s)
        self.dead.append(Dead(since_s, time.monotonic(), why))

    async def _until_known(self, deadline_s: float) -> None:
        """Wait until the auditor knows the whole log and everybody is where the auditor is."""
        marks = Marks()
        timeline = Timeline(self.subscriber.log, self.plan.reader().read, REMOVED, marks, rests_on)
        everything = Matches(["#"])
        expected = Prefixes(timeline, everything).last_hash

        def known() -> bool:
            replay = Replay(self.population.auditor.log, marks, lambda *_: everything)
            for _ in replay.outcomes():
                pass
            return any(one.view.complete and one.view.value_hash == expected for one in replay.held.values())

        try:
            await eventually(known, within_s=deadline_s - time.monotonic(), every_s=0.3)
            await self.population.caught_up(max(1.0, deadline_s - time.monotonic()))
        except AssertionError:
            return

    async def _judged(self) -> Report:
        """In a thread: other runs may be in this loop, and their clients must be heard meanwhile."""
        logs = [
            replace(client.log, events=list(client.log.events), survives=client.connected)
            for client in (self.population.auditor, *self.population.clients)
        ]
        return await asyncio.to_thread(
            judge,
            list(self.subscriber.log),
            self.plan.reader().read,
            logs[1:],
            ceased=REMOVED,
            auditor=logs[0],
            losses=self.losses,
            dead=self.dead,
            rests_on=rests_on,
            stale_unless_up=True,
        )

    def story(self) -> str:
        """The ends of the processes' logs, and what kept the auditor out, for a report that is not clean."""
        ends = [f"--- {part.name}\n{part.log[-3000:]}" for part in (self.bridge, self.web, self.redis)]
        where = f"--- {self.player.story}, subscriber ready: {self.subscriber.ready}"
        return "\n".join([where, f"--- auditor\n{self.population.refusals[-5:]}", *ends])

    async def _login(self) -> str:
        await eventually(lambda: '"ready"' in self.web.log, within_s=30, what="somebody can log in")
        body = {"name": "admin", "password": ADMIN_PASSWORD}
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", trust_env=False) as http:
            answer = await http.post("/api/v1/auth/login", json=body, timeout=20)
            answer.raise_for_status()
            return str(answer.json()["token"])

    def _environ(self, folder: Path) -> dict[str, str]:
        # Tracing a web process with hundreds of clients costs more than running it, and finds nothing new.
        own = {name: text for name, text in os.environ.items() if not name.startswith(("GATEWAY_", "COVERAGE_"))}
        return {
            **own,
            "PYTHONPATH": str(ROOT),
            **SHORT_TIMES,
            **ROOM_FOR_ALL,
            "GATEWAY_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "GATEWAY_DATA_DIR": str(folder / "data"),
            "GATEWAY_ADMIN_PASSWORD": ADMIN_PASSWORD,
            "GATEWAY_MQTT_URL": self.broker.url,
            "GATEWAY_REDIS_URL": self.redis.url,
            "GATEWAY_DATABASE_URL": f"sqlite+aiosqlite:///{folder}/gateway.db",
            **self.plan.environ,
        }

    def _process(
        self, name: str, folder: Path, words: Sequence[str], environ: Mapping[str, str], ready: Callable[[], bool]
    ) -> Part:
        (folder / name).mkdir(parents=True, exist_ok=True)
        return Part(name, folder / name, [sys.executable, *words], ready, environ=environ)


FaultAction = Callable[[Scenario], Awaitable[None]]
