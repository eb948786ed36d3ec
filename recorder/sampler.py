"""Samples the sites: at the end of each slot and 200 ms, into the queue from which the writer takes.

Rules, for each site on its own:

* *Begin*: ask the queue for the last sample, follow, read the changes from there to the follower's snapshot.
* Then, slot by slot: wait until it is due, by the wall clock, asked anew at least each second, so that nothing
  drifts; ask the store where it stands, and wait until all up to there was told; make the samples that are due;
  append them in order.
* *Anything that went wrong* has one remedy: begin again, after a pause. What was missed is made up for then.
* *Full queue*: the alarm is raised, and the sample in hand tried again until it is taken; then begin again. While the
  queue thins, the alarm is raised too, but all goes on.
* *Others* may do the same at once: what the queue has, it has.
"""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Literal, NoReturn, TypeAlias

import msgspec
import structlog

from gateway.domain.backoff import Backoff
from gateway.domain.clock import Clock
from gateway.domain.errors import StoreUnavailable
from gateway.domain.slots import Sample
from gateway.store.follow import Absent, Follower, Loaded, Step
from gateway.store.redis import SiteStore
from gateway.store.samples import THINNED_FROM, Fill, SampleQueue, Undecodable
from recorder.catching_up import changes_up_to
from recorder.slot_sampler import JUMP_MS, MOST_MISSING, Moment, SlotSampler

Condition: TypeAlias = Literal["starting", "ok", "waiting", "thinning", "full", "store"]
Records: TypeAlias = Callable[[str], bool]
OnSampled: TypeAlias = Callable[[str, Sample], None]
MOST_AT_ONCE: Final = 50

log = structlog.get_logger(__name__)


class Status(msgspec.Struct, frozen=True):
    """How the sampling of a site does, for readiness, metrics and log; ``reason`` is a sentence for a person.

    waiting: for the first values of the site, or for the time of a slot that the clock has left again. thinning,
    full: the database did not take enough for too long. store: it does not answer, or takes nothing.
    """

    condition: Condition = "starting"
    reason: str | None = None
    last_slot: int | None = None
    lag_ms: int = 0
    """How long after it was due the last sample was in the queue."""
    fill: Fill | None = None
    sampled: int = 0
    skipped: int = 0
    """Slots that nobody will ever sample, as far as this process saw."""
    thinned_away: int = 0


class Pace(msgspec.Struct, frozen=True):
    """How long a slot is, how many are made up for, how often the clock is asked, how long to pause after trouble."""

    period_ms: int = 60_000
    most_missing: int = MOST_MISSING
    look_s: float = 1
    retry_base_s: float = 0.2
    retry_cap_s: float = 5


class Means(msgspec.Struct, frozen=True):
    """With what is sampled. The follower is the sampler's own: nobody else may add sites to it.

    ``on_sampled`` hears of each sample that is in the queue, whoever put it there.
    """

    store: SiteStore
    queue: SampleQueue
    follower: Follower
    clock: Clock
    pace: Pace = Pace()
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    on_sampled: OnSampled = lambda _site, _sample: None


class _BeginAgain(Exception):
    """The queue is not as this sampler thinks, or it is to be filled otherwise."""


class _QueueFull(Exception):
    def __init__(self, sample: Sample) -> None:
        self.sample = sample


class Sampler:
    """Samples all sites for which it is told what to record."""

    def __init__(self, means: Means, sites: Mapping[str, Records]) -> None:
        self._follower = means.follower
        self._lanes = {site: _Lane(site, records, means) for site, records in sites.items()}

    async def run(self) -> None:
        """For ever; stop it by cancelling."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follower.run(self._on_step), name="follower of the sampler")
            for site, lane in self._lanes.items():
                group.create_task(lane.run(), name=f"sampler of {site}")

    def status(self, site: str) -> Status:
        return self._lanes[site].status

    def choose(self, site: str, records: Records) -> None:
        """Record other series from now on."""
        self._lanes[site].choose(records)

    def _on_step(self, site: str, step: Step) -> None:
        self._lanes[site].on_step(step)


class _Lane:
    """One site."""

    def __init__(self, site: str, records: Records, means: Means) -> None:
        self.status = Status()
        self._site = site
        self._records = records
        self._store, self._queue, self._follower = means.store, means.queue, means.follower
        self._clock, self._pace, self._sleep = means.clock, means.pace, means.sleep
        self._on_sampled = means.on_sampled
        self._core: SlotSampler | None = None
        self._kept: list[tuple[Step, Moment]] = []
        """What was told before there is a core to take it."""
        self._last: int | None = None
        """The slot that is held for the last one of the queue."""
        self._stepped = asyncio.Event()
        self._other_choice = False
        self._backoff = Backoff(self._pace.retry_base_s, self._pace.retry_cap_s, random.random)

    def choose(self, records: Records) -> None:
        self._records, self._other_choice = records, True
        self._stepped.set()

    def on_step(self, step: Step) -> None:
        if self._core is None:
            self._kept.append((step, self._now()))
        else:
            self._core.take(step, self._now())
        self._stepped.set()

    async def run(self) -> NoReturn:
        while True:
            try:
                core = await self._begin()
                await self._go_on(core)
            except _QueueFull as full:
                await self._wait_for_room(full.sample)
            except _BeginAgain:
                log.info("sampling begins again", site=self._site)
            except StoreUnavailable as error:
                self._tell("store", error.message)
            finally:
                self._core = None
                self._follower.remove(self._site)
            await self._pause()

    async def _begin(self) -> SlotSampler:
        """Go on from the last sample, as far as the store still knows what came behind it.

        What the follower tells meanwhile is kept: its snapshot must find the place up to which the changes were read,
        or those in between would be known by their newest reading only.
        """
        self._other_choice = False
        last = await self._queue.last(self._site)
        core = SlotSampler(self._pace.period_ms, self._records, most_missing=self._pace.most_missing)
        self._last = None if last is None else last.slot
        match last:
            case Sample():
                core.resume(last)
            case Undecodable():
                log.warning("the last sample cannot be read", site=self._site, slot=last.slot, reason=last.reason)
        self._kept.clear()
        self._follower.add(self._site)
        loaded, at = await self._first_loaded()
        if core.told is not None:
            deltas, whole = await changes_up_to(self._store, self._site, core.told, loaded.position)
            for delta in deltas:
                core.rebuild(delta, at)
            if not whole:
                core.lose()
        for step, came in self._kept:
            core.take(step, came)
        self._kept.clear()
        self._core = core
        return core

    async def _first_loaded(self) -> tuple[Loaded, Moment]:
        """The follower's first snapshot, and when it came; what was told before it is forgotten."""
        while True:
            self._stepped.clear()
            for number, (step, at) in enumerate(self._kept):
                if isinstance(step, Loaded):
                    del self._kept[:number]
                    return step, at
            if self._other_choice:
                raise _BeginAgain
            if any(isinstance(step, Absent) for step, _ in self._kept):
                self._tell("waiting", "nothing is known of the site yet")
            await self._until_step()

    async def _go_on(self, core: SlotSampler) -> NoReturn:
        while not self._other_choice:
            await self._until_due(core)
            self._stepped.clear()
            core.ask(self._now())
            if not core.confirm(await self._store.position(self._site)):
                await self._until_step()
                continue
            self._backoff.over()
            for sample in core.samples(self._now(), MOST_AT_ONCE):
                await self._put(core, sample)
        raise _BeginAgain

    async def _until_due(self, core: SlotSampler) -> None:
        while not self._other_choice:
            now = self._now().wall_ms
            due = core.due_ms
            assert due is not None
            if due <= now:
                return
            if due - now > self._pace.period_ms + JUMP_MS:
                self._tell("waiting", "the clock was set back; the next slot is in the future")
            await self._sleep(min((due - now) / 1000, self._pace.look_s))

    async def _until_step(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._pace.look_s):
                await self._stepped.wait()
        self._stepped.clear()

    async def _put(self, core: SlotSampler, sample: Sample) -> None:
        answer = await self._queue.append(self._site, sample, after=self._last)
        self._note(fill=answer.fill, thinned_away=self.status.thinned_away + answer.gone)
        match answer.outcome:
            case "behind":
                raise _BeginAgain
            case "full":
                raise _QueueFull(sample)
            case "refused":
                assert answer.last is not None
                self._last = answer.last
                core.passed(answer.last)
                return
        self._last = sample.slot
        lag_ms = self._now().wall_ms - sample.end
        sampled, skipped = self.status.sampled + 1, self.status.skipped + sample.skipped
        self._note(last_slot=sample.slot, lag_ms=lag_ms, sampled=sampled, skipped=skipped)
        if sample.skipped:
            log.warning("slots are missing for good", site=self._site, slots=sample.skipped, before=sample.slot)
        if answer.fill.fullness > THINNED_FROM:
            self._tell("thinning", _words(answer.fill))
        else:
            self._tell("ok", None)
        self._on_sampled(self._site, sample)

    async def _wait_for_room(self, sample: Sample) -> None:
        """Until the writer has made room, and the sample in hand was taken, or another sampler's."""
        self._follower.remove(self._site)
        self._core = None
        while True:
            assert self.status.fill is not None
            self._tell("full", _words(self.status.fill))
            await self._pause()
            try:
                answer = await self._queue.append(self._site, sample, after=self._last)
            except StoreUnavailable as error:
                self._tell("store", error.message)
                return
            self._note(fill=answer.fill, thinned_away=self.status.thinned_away + answer.gone)
            if answer.outcome != "full":
                return

    async def _pause(self) -> None:
        await self._sleep(self._backoff.next_s())

    def _now(self) -> Moment:
        return Moment(int(self._clock.now() * 1000), int(self._clock.monotonic() * 1000))

    def _note(self, **changed: object) -> None:
        self.status = msgspec.structs.replace(self.status, **changed)

    def _tell(self, condition: Condition, reason: str | None) -> None:
        before = self.status.condition
        self._note(condition=condition, reason=reason)
        if condition in ("full", "thinning", "store") and before != condition:
            log.warning("recording suffers", site=self._site, condition=condition, reason=reason)
        elif condition == "ok" and before not in ("ok", "starting", "waiting"):
            log.info("recording well again", site=self._site)


def _words(fill: Fill) -> str:
    return (
        f"{fill.slots} samples wait for the database, {fill.fullness:.0%} of what may wait; "
        f"{fill.thinned} of them are all that is left of six"
    )
