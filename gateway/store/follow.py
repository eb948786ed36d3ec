"""Following the changes of sites: a snapshot, then every delta after it; lost the place: a snapshot again.

Rules, for each followed site:

* *nothing* -> ``Loaded``, or ``Absent`` while the store knows no epoch of the site -> ``Loaded`` as soon as it does.
* ``Loaded`` -> ``Delta``, ``Delta``, ... each continuing from the position before, none missing, none twice.
* The place is lost when an entry is of another epoch (reason ``epoch``), when the first entry after the position is
  not its successor, or the stream lacks what ``meta`` promises (``trimmed``), and when ``meta``, asked each second
  and after every reconnect, tells of another epoch or of a seq below one's own: the store lost its tail (``epoch``).
  What the stream still has in continuation of the place is told first, as ``Delta``.
  Then follows ``Loaded`` with that reason, or ``Absent`` first, when the store lost everything.
* Behind every ``Loaded`` comes ``EventsLoaded``, the newest events, and then ``Happened`` for each that is new. An
  event is told once the place has reached its ``after_seq``, in the order of ids: behind the change that it tells of.
  ``EventsLoaded`` comes also when the store knows no longer the id that was told last: its events were lost, and the
  clock which makes new ids was set back.
* No answer in time, or no connection: ``Unreachable`` once, at any point, then tries with growing pauses for ever;
  ``Reachable``, then on from the place held, or as lost.

All sites share one connection of our own, which waits in one blocking read; a site that is added cuts that read
short. That loses nothing, because each read names the ids after which it wants to hear. In Redis Cluster, where one
read may not cross slots, take one follower per site.
"""

import asyncio
import math
import random
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Literal, NoReturn, TypeAlias, TypeVar

import msgspec
from redis.asyncio import Redis

from gateway.domain.backoff import Backoff
from gateway.domain.errors import StoreUnavailable
from gateway.domain.events import EventEntry, EventId
from gateway.domain.values import Delta, Position, Snapshot
from gateway.store.packing import Entry
from gateway.store.redis import SiteStore, close_client

Lost: TypeAlias = Literal["epoch", "trimmed"]
Answer = TypeVar("Answer")


class Loaded(Snapshot, frozen=True):
    """The whole state: at first (``reason`` None), and whenever the place was lost."""

    reason: Lost | None = None


class Absent(msgspec.Struct, frozen=True):
    """The store knows no epoch of the site: nobody wrote yet, or everything was lost."""


class EventsLoaded(msgspec.Struct, frozen=True):
    """The newest events that may be told, in order; complete after ``floor``. ``newest`` is the id of the last."""

    entries: tuple[EventEntry, ...]
    floor: EventId
    newest: EventId


class Happened(msgspec.Struct, frozen=True):
    """The next event."""

    entry: EventEntry


class Unreachable(msgspec.Struct, frozen=True):
    """The store does not answer; what was told before may be out of date. ``reason`` is a sentence for a person."""

    reason: str


class Reachable(msgspec.Struct, frozen=True):
    """The store answers again."""


Step: TypeAlias = Loaded | Delta | EventsLoaded | Happened | Absent | Unreachable | Reachable
OnStep: TypeAlias = Callable[[str, Step], None]


class Timing(msgspec.Struct, frozen=True):
    """How long a read blocks, how often ``meta`` is asked, how long an answer may take, how long to pause then."""

    block_s: float = 1
    poll_s: float = 1
    answer_s: float = 3
    retry_base_s: float = 0.1
    retry_cap_s: float = 5


def judge(position: Position, entries: Iterable[Entry]) -> tuple[list[Delta], Lost | None]:
    """The deltas that continue from the position, and how the place was lost behind them, if it was."""
    deltas: list[Delta] = []
    seq = position.seq
    for entry in entries:
        if entry.epoch != position.epoch:
            return deltas, "epoch"
        if entry.seq != seq + 1:
            return deltas, "trimmed"
        deltas.append(Delta(entry.epoch, seq, entry.seq, entry.changes))
        seq = entry.seq
    return deltas, None


def lost_by(position: Position, stored: Position | None) -> Lost | None:
    """How a reader at ``position`` lost its place, given where the store stands now."""
    same_history = stored is not None and stored.epoch == position.epoch and stored.seq >= position.seq
    return None if same_history else "epoch"


async def _rest(store: SiteStore, site: str, position: Position) -> list[Delta]:
    """The changes that still continue a position, although the store has gone on to another epoch."""
    found: list[Delta] = []
    while True:
        news = await store.news_after({site: position}, {}, block_ms=1)
        deltas, lost = judge(position, news.changes.get(site, ()))
        found += deltas
        if lost or not deltas:
            return found
        position = Position(position.epoch, deltas[-1].seq)


class _Place:
    """What the follower knows of one site."""

    def __init__(self, site: str) -> None:
        self.site = site
        self.asked = False
        self.position: Position | None = None
        self.promised_seq = 0
        """Where ``meta`` stood before the present read."""
        self.reason: Lost | None = None
        """Of the next snapshot."""
        self.event: EventId | None = None
        """The highest id that was read; None: the newest events are to be loaded."""
        self.untold: deque[EventEntry] = deque()
        """Events that were read before their changes; no more are read while these are too many."""
        self.rest: list[Delta] = []
        """What continued the place that was lost; to be told before what comes instead."""
        self.absent = False
        self.unreachable = False

    def tellable(self) -> Iterator[EventEntry]:
        """The events that may be told at this position, which are no longer untold then."""
        while self.position is not None and self.untold and self.untold[0].after_seq <= self.position.seq:
            yield self.untold.popleft()

    def lose(self, reason: Lost) -> None:
        self.position = None
        self.event = None
        self.reason = reason


class Follower:
    """Follows any number of sites over one connection, which ``connect`` makes anew after each failure.

    It must come from ``open_client``: a socket timeout would end blocking reads early.
    """

    def __init__(
        self,
        store: SiteStore,
        connect: Callable[[], Redis],
        *,
        timing: Timing | None = None,
        newest_events: int = 200,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._connect = connect
        self._timing = timing or Timing()
        self._newest_events = newest_events
        self._places: dict[str, _Place] = {}
        self._added = False
        self._waiting: asyncio.Timeout | None = None
        self._backoff = Backoff(self._timing.retry_base_s, self._timing.retry_cap_s, jitter)

    def add(self, site: str) -> None:
        """Follow the site from now on; its steps begin anew after a ``remove``."""
        if site in self._places:
            return
        self._places[site] = _Place(site)
        self._added = True
        if self._waiting is not None and not self._waiting.expired():
            self._waiting.reschedule(asyncio.get_running_loop().time())

    def remove(self, site: str) -> None:
        """Follow the site no longer: not one more step comes, also within ``on_step``."""
        self._places.pop(site, None)

    def behind(self, site: str) -> int:
        """By how many entries the place is behind where the store stood when it was asked last; 0 without a place."""
        place = self._places.get(site)
        return 0 if place is None or place.position is None else max(0, place.promised_seq - place.position.seq)

    async def run(self, on_step: OnStep) -> NoReturn:
        """Tell every step, in order, until cancelled. ``on_step`` must not raise, nor take long."""
        while True:
            redis = self._connect()
            try:
                await self._follow(self._store.over(redis, self._timing.answer_s), on_step)
            except StoreUnavailable as error:
                self._tell_unreachable(error.message, on_step)
            finally:
                await close_client(redis)
            await asyncio.sleep(self._backoff.next_s())

    async def _follow(self, store: SiteStore, on_step: OnStep) -> NoReturn:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            self._added = False
            if loop.time() >= due:
                asked, due = list(self._places.values()), loop.time() + self._timing.poll_s
            else:
                asked = [place for place in self._places.values() if not place.asked]
            if asked:
                await self._ask(store, asked, on_step)
            await self._read(store, due, on_step)

    async def _ask(self, store: SiteStore, places: Sequence[_Place], on_step: OnStep) -> None:
        """Compare the places with where the store stands, and load what has no place or lost it."""
        stored = await store.heads([place.site for place in places])
        self._backoff.over()
        for place, head in zip(places, stored, strict=True):
            position = head.position
            place.asked = True
            place.promised_seq = position.seq if position else 0
            if place.position is not None and (lost := lost_by(place.position, position)):
                place.rest = await _rest(store, place.site, place.position)
                place.lose(lost)
            if place.position is not None:
                self._tell_reachable(place, on_step)
            if place.position is None and position is not None:
                await self._load(store, place, on_step)
            elif position is None:
                self._settle(place, None, on_step)
            elif place.event is None or head.event < place.event:
                await self._load_events(store, place, on_step)

    async def _load(self, store: SiteStore, place: _Place, on_step: OnStep) -> None:
        if self._follows(place):
            self._settle(place, await store.load(place.site), on_step)
            await self._load_events(store, place, on_step)

    async def _load_events(self, store: SiteStore, place: _Place, on_step: OnStep) -> None:
        if place.position is None or not self._follows(place):
            return
        found = await store.newest_events(place.site, self._newest_events)
        if self._follows(place):
            place.event, place.untold = found.newest, deque(found.entries)
            told = tuple(place.tellable())
            newest = place.untold[0].id.before() if place.untold else found.newest
            on_step(place.site, EventsLoaded(told, found.floor, newest))

    def _settle(self, place: _Place, snapshot: Snapshot | None, on_step: OnStep) -> None:
        """Give the place its new position, or none where the store knows no epoch, and tell."""
        if not self._follows(place):
            return
        self._tell_reachable(place, on_step)
        rest, place.rest = place.rest, []
        for delta in rest:
            if self._follows(place):
                on_step(place.site, delta)
        if not self._follows(place):
            return
        if snapshot is None:
            if not place.absent:
                place.absent = True
                on_step(place.site, Absent())
            return
        place.absent = False
        place.position, place.promised_seq = snapshot.position, snapshot.position.seq
        reason, place.reason = place.reason, None
        whole = (snapshot.position, snapshot.readings, snapshot.seqs, snapshot.removed, snapshot.complete_after)
        on_step(place.site, Loaded(*whole, reason))

    async def _read(self, store: SiteStore, due: float, on_step: OnStep) -> None:
        """Wait for entries, at most until ``due``, and tell them; cut short when a site is added."""
        wait_s = max(0.001, min(due - asyncio.get_running_loop().time(), self._timing.block_s))
        held = {place: place.position for place in self._places.values() if place.position is not None}
        if self._added:
            return
        if not held:
            await self._unless_added(asyncio.sleep(wait_s))
            return
        positions = {place.site: position for place, position in held.items()}
        events = {
            place.site: place.event
            for place in held
            if place.event is not None and len(place.untold) < self._newest_events
        }
        call = store.news_after(positions, events, block_ms=math.ceil(wait_s * 1000))
        news = await self._unless_added(call)
        if news is not None:
            for place in held:
                self._take_events(place, news.events.get(place.site, ()))
                await self._take(store, place, news.changes.get(place.site, ()), on_step)
                self._tell_events(place, on_step)

    def _take_events(self, place: _Place, entries: Sequence[EventEntry]) -> None:
        place.untold.extend(entries)
        if entries:
            place.event = entries[-1].id

    def _tell_events(self, place: _Place, on_step: OnStep) -> None:
        for entry in place.tellable():
            if self._follows(place):
                on_step(place.site, Happened(entry))

    async def _take(self, store: SiteStore, place: _Place, entries: Sequence[Entry], on_step: OnStep) -> None:
        assert place.position is not None
        deltas, lost = judge(place.position, entries)
        if not entries and place.promised_seq > place.position.seq:
            lost = "trimmed"
        for delta in deltas:
            if not self._follows(place):
                return
            place.position = Position(delta.epoch, delta.seq)
            on_step(place.site, delta)
        if lost:
            place.lose(lost)
            await self._load(store, place, on_step)

    async def _unless_added(self, call: Awaitable[Answer]) -> Answer | None:
        """The answer; None: a site was added, and ``add`` did not want to wait for it."""
        try:
            async with asyncio.timeout(None) as self._waiting:
                return await call
        except TimeoutError:
            return None
        finally:
            self._waiting = None

    def _follows(self, place: _Place) -> bool:
        return self._places.get(place.site) is place

    def _tell_reachable(self, place: _Place, on_step: OnStep) -> None:
        """Right before what tells that the place was lost, if it was: nothing old is vouched for in between."""
        if place.unreachable and self._follows(place):
            place.unreachable = False
            on_step(place.site, Reachable())

    def _tell_unreachable(self, reason: str, on_step: OnStep) -> None:
        for place in list(self._places.values()):
            if self._follows(place) and not place.unreachable:
                place.unreachable = True
                on_step(place.site, Unreachable(reason))
