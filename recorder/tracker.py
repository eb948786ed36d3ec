"""Follows the changes of the sites and tells charge sessions apart: what is open, what is finished, for good.

Rules, for each site on its own:

* *Begin*: load where the tracker stands, follow, read the changes from there to the follower's snapshot. Where some
  of those are gone, the snapshot is all there is: open charge sessions say that they have a gap. So it is, too, where
  the store lost where the tracker stands: then what this process knew, and had not moved yet, goes on.
* *Go on*: change by change. What began, ended or has another mode is moved into the store at once, together with the
  position behind it; without news the position moves now and then, so that a beginning has little to read.
* *Anything that went wrong* has one remedy: begin again, after a pause, from what the store holds. The same changes
  lead to the same records, whoever reads them, so another tracker at the same work costs time and nothing else.
* *Full*: finished records wait for the database, up to a bound; then the step is tried again until there is room.
* The charge session of a car that was plugged in before anybody looked is no news: it has no event of its begin.
"""

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Final, Literal, NoReturn, TypeAlias

import msgspec
import structlog

from gateway.domain.backoff import Backoff
from gateway.domain.charge_sessions import ChargeSession
from gateway.domain.charging import ChargingWatch, Ended, Happening, Started
from gateway.domain.clock import Clock
from gateway.domain.errors import StoreUnavailable
from gateway.domain.events import Event, charge_session_ended, charge_session_started
from gateway.domain.values import Delta, Position
from gateway.store.follow import Absent, Follower, Loaded, Step
from gateway.store.records import ChargeRecords, Move, Tracked
from gateway.store.redis import SiteStore
from recorder.catching_up import changes_up_to

Condition: TypeAlias = Literal["starting", "ok", "waiting", "full", "store"]
STEPS_WITHOUT_PAUSE: Final = 100
MOST_STEPS: Final = 50_000
"""What may wait to be read; beyond that it is cheaper to begin again."""

log = structlog.get_logger(__name__)


class Status(msgspec.Struct, frozen=True):
    """How the tracking of a site does; ``reason`` is a sentence for a person. waiting: for the site's first values.

    ``ended``: charge sessions that this process finished; ``open``: how many there are.
    """

    condition: Condition = "starting"
    reason: str | None = None
    open: int = 0
    ended: int = 0


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How often the position moves without news, while something is plugged in and while not; pauses after trouble.

    Each move costs the disk the whole of what is known of open charge sessions.
    """

    plugged_s: float = 60
    idle_s: float = 300
    retry_base_s: float = 0.2
    retry_cap_s: float = 5


class Means(msgspec.Struct, frozen=True):
    """With what is tracked. The follower is the tracker's own: nobody else may add sites to it."""

    store: SiteStore
    records: ChargeRecords
    follower: Follower
    clock: Clock
    pace: Pace = Pace()
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class _BeginAgain(Exception):
    """The store does not stand where this tracker thinks."""


class Tracker:
    """Tracks the charge sessions of the sites."""

    def __init__(self, means: Means, sites: Iterable[str]) -> None:
        self._follower = means.follower
        self._lanes = {site: _Lane(site, means) for site in sites}

    async def run(self) -> None:
        """For ever; stop it by cancelling."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follower.run(self._on_step), name="follower of the tracker")
            for site, lane in self._lanes.items():
                group.create_task(lane.run(), name=f"tracker of {site}")

    def status(self, site: str) -> Status:
        return self._lanes[site].status

    def _on_step(self, site: str, step: Step) -> None:
        self._lanes[site].on_step(step)


class _Lane:
    """One site."""

    def __init__(self, site: str, means: Means) -> None:
        self.status = Status()
        self._site = site
        self._store, self._records, self._follower = means.store, means.records, means.follower
        self._clock, self._pace, self._sleep = means.clock, means.pace, means.sleep
        self._watch = ChargingWatch(site)
        self._knows = False
        """Whether the watch has been in the store; else a begin that failed half-way is all there was."""
        self._position = Position("", 0)
        self._moves = 0
        self._steps: deque[Step] = deque()
        self._stepped = asyncio.Event()
        self._news: list[Happening] = []
        """What happened since the last move."""
        self._moved_s = 0.0
        self._backoff = Backoff(self._pace.retry_base_s, self._pace.retry_cap_s, random.random)

    def on_step(self, step: Step) -> None:
        self._steps.append(step)
        self._stepped.set()

    async def run(self) -> NoReturn:
        while True:
            try:
                await self._begin()
                await self._go_on()
            except _BeginAgain:
                log.info("tracking begins again", site=self._site)
            except StoreUnavailable as error:
                self._tell("store", error.message)
            finally:
                self._follower.remove(self._site)
                self._steps.clear()
            await self._pause()

    # --- the begin --------------------------------------------------------------------------------------------------

    async def _begin(self) -> None:
        held = self._recall(await self._records.load(self._site))
        self._steps.clear()
        self._follower.add(self._site)
        loaded = await self._first_loaded()
        whole = False
        if held is not None:
            deltas, whole = await changes_up_to(self._store, self._site, held, loaded.position)
            for number, delta in enumerate(deltas):
                self._feed(delta)
                if number % STEPS_WITHOUT_PAUSE == STEPS_WITHOUT_PAUSE - 1:
                    await asyncio.sleep(0)
        if held is not None and not whole:
            log.warning("changes are gone; open charge sessions have a gap", site=self._site, after=held.seq)
        if not whole:
            self._reset(loaded)
        await self._move()

    def _recall(self, tracked: Tracked | None) -> Position | None:
        """Stand where the store says; the position from which to go on, None: from the follower's snapshot."""
        self._moves = 0 if tracked is None else tracked.moves
        if tracked is None and self._knows:
            log.warning("the store lost what is open; what this process knows goes on", site=self._site)
            return None
        self._news.clear()
        self._watch, self._knows = ChargingWatch(self._site), False
        if tracked is None:
            return None
        try:
            self._watch = ChargingWatch.load(self._site, tracked.state)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            log.warning("what was known of open charge sessions is lost", site=self._site, reason=str(error))
            return None
        self._knows, self._position = True, tracked.position
        return tracked.position

    async def _first_loaded(self) -> Loaded:
        """The follower's first snapshot; what was told before it is forgotten."""
        while True:
            self._stepped.clear()
            while self._steps:
                step = self._steps.popleft()
                if isinstance(step, Loaded):
                    return step
                if isinstance(step, Absent):
                    self._tell("waiting", "nothing is known of the site yet")
            await self._stepped.wait()

    # --- change by change -------------------------------------------------------------------------------------------

    async def _go_on(self) -> NoReturn:
        while True:
            self._stepped.clear()
            if len(self._steps) > MOST_STEPS:
                raise _BeginAgain
            for _ in range(min(len(self._steps), STEPS_WITHOUT_PAUSE)):
                self._take(self._steps.popleft())
            if self._news or self._due_in_s() <= 0:
                await self._move()
            if self._steps:
                await asyncio.sleep(0)
            else:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._due_in_s()):
                        await self._stepped.wait()

    def _take(self, step: Step) -> None:
        match step:
            case Delta():
                self._feed(step)
            case Loaded():
                self._reset(step)

    def _feed(self, delta: Delta) -> None:
        self._news += self._watch.feed(delta.changes)
        self._position = Position(delta.epoch, delta.seq)

    def _reset(self, loaded: Loaded) -> None:
        self._news += self._watch.reset(loaded.readings)
        self._position = loaded.position

    def _due_in_s(self) -> float:
        every_s = self._pace.plugged_s if self._watch.has_open else self._pace.idle_s
        return self._moved_s + every_s - self._clock.monotonic()

    async def _move(self) -> None:
        """Into the store with what is known now; waits while there is no room for what is finished."""
        sessions = self._watch.open_sessions()
        finished = tuple(one.session for one in self._news if isinstance(one, Ended))
        events = tuple(_events_of(self._news))
        move = Move(self._moves, self._position, self._watch.dump(), sessions, finished, events)
        while True:
            answer = await self._records.move(self._site, move)
            if answer.outcome == "done":
                break
            if answer.outcome == "moved":
                raise _BeginAgain
            self._tell("full", "charge sessions wait for the database, as many as may")
            await self._pause()
        self._moves, self._moved_s = answer.moves, self._clock.monotonic()
        self._backoff.over()
        self._knows = True
        self._news.clear()
        self._note(open=len(sessions), ended=self.status.ended + len(finished))
        self._tell("ok", None)
        for session in finished:
            log.info("a charge session ended", site=self._site, **_words(session))

    async def _pause(self) -> None:
        await self._sleep(self._backoff.next_s())

    def _note(self, **changed: object) -> None:
        self.status = msgspec.structs.replace(self.status, **changed)

    def _tell(self, condition: Condition, reason: str | None) -> None:
        before = self.status.condition
        self._note(condition=condition, reason=reason)
        if condition in ("full", "store") and before != condition:
            log.warning("tracking of charge sessions suffers", site=self._site, condition=condition, reason=reason)
        elif condition == "ok" and before in ("full", "store"):
            log.info("tracking charge sessions well again", site=self._site)


def _events_of(news: Iterable[Happening]) -> Iterator[Event]:
    for one in news:
        match one:
            case Started() if "begin_unknown" not in one.session.completeness:
                yield charge_session_started(one.session)
            case Ended():
                yield charge_session_ended(one.session)


def _words(session: ChargeSession) -> dict[str, object]:
    return {
        "chargepoint": session.chargepoint_id,
        "energy_wh": None if session.energy_wh is None else float(session.energy_wh),
        "incomplete": ", ".join(session.completeness) or None,
    }
