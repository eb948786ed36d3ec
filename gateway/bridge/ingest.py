"""MQTT -> dialect -> ledger -> store, for one site.

Phases: wait for the lease; load what the former leader left; then, side by side, keep the lease, receive, watch the
link and write. When another takes the lease everything is dropped and the wait begins anew. The box is only listened
to while the lease is held.

Dialect: which one the box speaks is judged by ``domain/dialects.py``. Until that is known nothing is read. When a box
turns out to speak another one than before, say because it was updated, all begins anew: another ledger, and with it
another epoch, so that no key of the former dialect survives.

What a box withheld for want of rights, or what came before its dialect was known, is asked for once more, on the same
connection: only a new subscription brings what is retained. Until then nothing is dropped for not having come.

Bad input: a message that its topic's reading does not allow is counted, logged once for its topic and skipped.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Final, NoReturn, TypeAlias, get_args

import msgspec
import structlog

from gateway.bridge.diary import Diary
from gateway.bridge.leader import Leader
from gateway.bridge.ledger import DIALECT_KEY, Ledger
from gateway.domain.clock import Clock
from gateway.domain.dialects import AUTO, DIALECTS, Dialect, DialectChoice, Reader, reader_for
from gateway.domain.errors import NotLeader, StoreUnavailable, Unreadable, UnreadableReason
from gateway.domain.figures import Histogram, Tally
from gateway.domain.link import LINK, Flood, LinkState, LinkWatch, Patience, Word
from gateway.domain.values import JsonValue, Reading, Removed, Snapshot
from gateway.mqtt import Broker, Connection, Down, Message

MOST_TOPICS_REMEMBERED = 1_000
INGEST_BOUNDS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30)

Hear: TypeAlias = Callable[[Mapping[str, JsonValue | Removed]], None]

log = structlog.get_logger(__name__)


class Pace(msgspec.Struct, frozen=True):
    """Time constants of the ingest, in seconds."""

    window_s: float = 0.02
    gather_s: float = 0.001
    tick_s: float = 0.1
    flood_quiet_s: float = 1
    flood_limit_s: float = 10
    farewell_s: float = 2


class Box(msgspec.Struct, frozen=True):
    """What is set of a box: its dialect or ``auto``, how its topics begin, and whether they show as ``raw/`` too."""

    dialect: str = AUTO
    prefix: str = "openWB/"
    raw: bool = False


class IngestCounts:
    """What came in since the ingest was made. ``seconds``: from a message to its changes in the store."""

    def __init__(self) -> None:
        self.messages = 0
        self.unchanged = 0
        self.unreadable = Tally(get_args(UnreadableReason))
        self.seconds = Histogram(INGEST_BOUNDS_S)


class Ingest:
    """Feeds one site from its box for as long as this process leads it."""

    def __init__(
        self,
        site: str,
        broker: Broker,
        leader: Leader,
        clock: Clock,
        *,
        box: Box,
        pace: Pace,
        patience: Patience,
    ) -> None:
        self.counts = IngestCounts()
        self._site = site
        self._broker = broker
        self._leader = leader
        self._clock = clock
        self._box = box
        self._pace = pace
        self._patience = patience
        self._pending = asyncio.Event()
        self._ask_again = asyncio.Event()
        self._pending_since = 0.0
        self._unreadable: set[str] = set()
        self._has_told_values = False
        self._dialect: Dialect | None = None
        self._hear: Hear | None = None

    @property
    def leads(self) -> bool:
        """Whether this one feeds the site, as far as it knows."""
        return self._leader.leads

    @property
    def dialect(self) -> Dialect | None:
        """What the box speaks; None: not known yet."""
        return self._dialect

    def heard_by(self, hear: Hear) -> None:
        """Tell somebody, from now on, whatever is read of the box."""
        self._hear = hear

    async def run(self) -> NoReturn:
        """Lead and feed the site until cancelled; then leave nothing behind that looks live."""
        while True:
            await self._lead()

    async def _lead(self) -> None:
        snapshot = await self._leader.campaign()
        self._dialect = self._first_dialect(snapshot)
        diary = Diary(snapshot.readings if snapshot else {})
        known = _known(snapshot, self._dialect)
        if not known:
            diary.forget_faults()
        self._begin(Ledger(known, self._dialect, diary))
        self._tell_link()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._leader.keep_lease(self._note_pending), name="keep lease")
                group.create_task(self._write(), name="write")
                group.create_task(self._receive(), name="receive")
                group.create_task(self._watch(), name="watch the link")
        except* NotLeader as lost:
            log.warning("another bridge leads now", site=self._site, reason=str(lost.exceptions[0]))
        finally:
            await self._farewell()

    def _first_dialect(self, snapshot: Snapshot | None) -> Dialect | None:
        """What is set, else what the former leader found out."""
        if self._box.dialect == AUTO:
            return _dialect_of(snapshot)
        return next(dialect for dialect in DIALECTS if dialect == self._box.dialect)

    def _begin(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._choice = DialectChoice(self._box.dialect, self._box.prefix, self._dialect)
        self._reader = self._new_reader()
        self._link = LinkWatch(self._patience)
        self._flood: Flood | None = None
        self._withheld = False
        self._told: LinkState | None = None
        self._down: Down | None = None

    def _new_reader(self) -> Reader | None:
        return None if self._dialect is None else reader_for(self._dialect, self._box.prefix, self._box.raw)

    async def _receive(self) -> NoReturn:
        await self._broker.run(self._listen, self._lost)

    async def _lost(self, down: Down) -> None:
        self._flood = None
        self._link.disconnected(down.reason, self._clock.monotonic())
        news = down != self._down  # once, not at every attempt
        self._down = down
        if not self._tell_link() and news:
            log.warning("still no connection to the box", site=self._site, reason=down.reason, detail=down.detail)

    async def _listen(self, connection: Connection) -> None:
        self._choice = DialectChoice(self._box.dialect, self._box.prefix, self._dialect)
        self._down = None
        self._ask_again.clear()
        self._connect(self._clock.monotonic())
        self._tell_link()
        await self._subscribe(connection)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._ask_on(connection), name="ask again")
            group.create_task(self._take_all(connection), name="take messages")

    def _connect(self, now: float) -> None:
        """Nothing of what came before counts any longer: it comes again."""
        self._reader = self._new_reader()
        self._flood = None
        self._ledger.connected()
        self._link.connected(now)

    async def _ask_on(self, connection: Connection) -> NoReturn:
        while True:
            await self._ask_again.wait()
            self._ask_again.clear()
            await connection.unsubscribe(self._choice.subscriptions(self._box.raw))
            await connection.taken()
            self._ledger.asked_again()  # what ceases to be before the new subscription is told to nobody
            await self._subscribe(connection)

    async def _subscribe(self, connection: Connection) -> None:
        self._withheld = False
        refused = await connection.subscribe(self._choice.subscriptions(self._box.raw))
        if refused:
            log.warning("the box refuses subscriptions", site=self._site, topics=refused)
        subscribed_at = self._clock.monotonic()
        self._flood = Flood(subscribed_at, quiet_s=self._pace.flood_quiet_s, limit_s=self._pace.flood_limit_s)

    async def _take_all(self, connection: Connection) -> None:
        async for message in connection:
            self._take(message)

    def _take(self, message: Message) -> None:
        now = self._clock.monotonic()
        self._ledger.messages += 1
        self.counts.messages += 1
        if self._flood is not None and message.retained:
            self._flood.retained_message(now)
        self._heed(self._choice.take(message.topic, message.payload, message.retained), now)
        if self._reader is not None:
            self._read(self._reader, message, now)
        if self._ledger.has_pending:
            self._note_pending()

    def _note_pending(self) -> None:
        if not self._pending.is_set():
            self._pending_since = self._clock.monotonic()
            self._pending.set()

    def _read(self, reader: Reader, message: Message, now: float) -> None:
        try:
            values = reader.read(message.topic, message.payload)
        except Unreadable as error:
            self._note_unreadable(message.topic, error)
            return
        self.counts.unchanged += self._ledger.bring(values, self._now(), retained=message.retained)
        if self._hear is not None:
            self._hear(values)
        beat = reader.heartbeat(message.topic, message.payload)
        if beat is not None:
            self._link.heartbeat(beat, retained=message.retained, at=now)
            self._tell_link()
        if self._withheld and reader.missing_rights is None:
            log.info("rights were granted; asking for everything again", site=self._site)
            self._withheld = False
            self._link.flood_began(now)
            self._ask_again.set()

    def _heed(self, dialect: Dialect | None, now: float) -> None:
        """Begin anew, or at all, when the box turns out to speak another dialect than known."""
        if dialect is None or dialect == self._dialect:
            return
        former, self._dialect = self._dialect, dialect
        before = {} if former is None else {"former": former}
        log.info("found out what the box speaks", site=self._site, dialect=dialect, **before)
        if former is not None:
            messages = self._ledger.messages
            diary = self._ledger.diary
            diary.forget_faults()
            self._ledger, self._link, self._told = Ledger({}, dialect, diary), LinkWatch(self._patience), None
            self._ledger.messages = messages
        self._ledger.set_dialect(dialect, self._now())
        self._connect(now)
        self._tell_link()
        self._ask_again.set()

    async def _watch(self) -> NoReturn:
        while True:
            await asyncio.sleep(self._pace.tick_s)
            now = self._clock.monotonic()
            if self._flood is not None and self._flood.ended(now):
                self._end_flood(self._flood, now)
            self._tell_link()

    def _end_flood(self, flood: Flood, now: float) -> None:
        self._flood = None
        self._heed(self._choice.flood_ended(), now)
        if self._ask_again.is_set():
            return
        self._withheld = flood.brought and self._reader is not None and self._reader.missing_rights is not None
        if not self._withheld:
            self._ledger.flood_ended()
            self._tell_first_values()
        self._link.flood_ended(now, brought=flood.brought)
        self._note_pending()

    def _tell_first_values(self) -> None:
        values = sum(not key.startswith(LINK) for key in self._ledger.readings)
        if values and not self._has_told_values:
            log.info("first values are here", site=self._site, values=values, dialect=self._dialect)
            self._has_told_values = True

    async def _write(self) -> NoReturn:
        flushed_at = float("-inf")
        while True:
            await self._pending.wait()
            await asyncio.sleep(max(0.0, flushed_at + self._pace.window_s - self._clock.monotonic()))
            await self._gather()
            self._pending.clear()
            since, flushed_at = self._pending_since, self._clock.monotonic()
            await self._leader.write(self._ledger)
            self.counts.seconds.observe(self._clock.monotonic() - since)

    async def _gather(self) -> None:
        """Let what comes in one go be one write: until a moment brings nothing, at most for a window."""
        until = self._clock.monotonic() + self._pace.window_s
        taken = -1
        while taken != self._ledger.messages and self._clock.monotonic() < until:
            taken = self._ledger.messages
            await asyncio.sleep(self._pace.gather_s)

    def _tell_link(self) -> bool:
        """Pass the state of the link on if it changed; whether it did."""
        now = self._clock.monotonic()
        state = self._link.tick(now, _word(self._reader))
        if state == self._told:
            return False
        self._told = state
        at = self._now()
        self._ledger.set_link(state, since=round(at - (now - state.since), 3), at=at)
        say = log.info if state.state in ("connecting", "up") else log.warning
        why = {"reason": state.reason} if state.reason else {}
        if state.state == "down" and self._down is not None:
            why["detail"] = self._down.detail
        say(f"link to the box: {state.state}", site=self._site, **why)
        self._note_pending()
        return True

    def _now(self) -> float:
        """Epoch seconds, to the millisecond."""
        return round(self._clock.now(), 3)

    def _note_unreadable(self, topic: str, error: Unreadable) -> None:
        self.counts.unreadable.add(error.reason)
        if topic not in self._unreadable and len(self._unreadable) < MOST_TOPICS_REMEMBERED:
            self._unreadable.add(topic)
            log.warning("unreadable message skipped", site=self._site, topic=topic, reason=error.message)

    async def _farewell(self) -> None:
        at = self._now()
        self._ledger.set_link(LinkState("connecting", None, 0.0), since=at, at=at)
        with contextlib.suppress(TimeoutError, StoreUnavailable):
            async with asyncio.timeout(self._pace.farewell_s):
                await self._leader.resign(self._ledger)


def _dialect_of(snapshot: Snapshot | None) -> Dialect | None:
    """What the box spoke when the snapshot was written."""
    reading = snapshot.readings.get(DIALECT_KEY) if snapshot else None
    return next((dialect for dialect in DIALECTS if reading is not None and dialect == reading.value), None)


def _known(snapshot: Snapshot | None, dialect: Dialect | None) -> Mapping[str, Reading]:
    """What is known of a box that speaks the dialect: what was read in another one is none of it."""
    return snapshot.readings if snapshot and dialect is not None and _dialect_of(snapshot) == dialect else {}


def _word(reader: Reader | None) -> Word:
    if reader is None:
        return Word()
    return Word(reader.control_interval_s, reader.secondary, reader.missing_rights)
