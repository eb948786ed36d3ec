"""The one hand that writes a site: lease, fence, epochs.

Rules:

* Only the holder of the lease writes, and every write carries its fence; the store refuses an older one.
* A leader opens a new epoch when it took the lease, also when it took it again after it had run out, when the store
  says that data was lost, and when it is given another ledger than before: so whoever begins anew does so for all
  readers. An epoch is opened with everything the leader knows.
* One write is in flight at a time. While the store is out of reach the same one is sent again, so that a lost answer
  cannot make it count twice; so is one whose answer was not awaited, before the next.
* The events of a write go with it. When it was refused they go with the epoch that is opened then.
* When another holds the lease the leader steps down: ``NotLeader``. Who has stepped down, or resigns, takes the lease
  from nobody any more, not even when it lies free: another may just be between two of its own.
"""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from typing import Literal, NoReturn, TypeVar

import msgspec
import structlog

from gateway.bridge.diary import MOST_EVENTS
from gateway.bridge.ledger import Ledger
from gateway.domain.backoff import Backoff
from gateway.domain.errors import DataLost, EpochMissing, NotLeader, StoreUnavailable
from gateway.domain.events import Event
from gateway.domain.values import Changes, Position, Reading, Snapshot
from gateway.store.redis import SiteStore, Writer

Answer = TypeVar("Answer")
Trace = Callable[[str, Position, int], None]
"""Told after each write: site, position, and how many messages of the box had been taken in under this leadership."""

Report = Callable[[Literal["ok", "down"], str | None], None]

log = structlog.get_logger(__name__)


class Timing(msgspec.Struct, frozen=True):
    """Lease length and the pause between tries, which doubles from base to cap."""

    lease_s: float = 10
    retry_base_s: float = 0.1
    retry_cap_s: float = 5


class Leader:
    """Writes one site's ledger to the store for as long as it holds the lease."""

    def __init__(
        self,
        store: SiteStore,
        site: str,
        *,
        holder: str,
        new_id: Callable[[], str],
        timing: Timing,
        report: Report,
        trace: Trace | None = None,
    ) -> None:
        self.epochs_opened = 0
        self.fence_rejects = 0
        """How often the store refused a write because another led meanwhile."""
        self._store = store
        self._site = site
        self._new_id = new_id
        self._holder = holder
        self._timing = timing
        self._report = report
        self._trace = trace
        self._fence = 0
        self._seq = 0
        self._epoch: str | None = None
        self._ledger: Ledger | None = None
        """Whose epoch is open."""
        self._leads = False
        self._renewed_s = 0.0
        """When the lease was taken or prolonged last, by the clock of the loop."""
        self._unanswered: _Append | _Opening | None = None
        self._refused: tuple[Event, ...] = ()
        """Events of writes that were refused."""
        self._store_is_away = False

    async def campaign(self) -> Snapshot | None:
        """Wait until the lease is ours; answer what the former leader left. Safe to cancel."""
        self._unanswered, self._refused = None, ()  # of a leadership before: another one has led since
        while not await self._acquire():  # noqa: ASYNC110 - the lease lies in the store; no event tells of it
            await asyncio.sleep(self._timing.lease_s / 3 * random.uniform(0.8, 1.2))
        snapshot = await self._insist(lambda: self._store.load(self._site))
        log.debug("leader", site=self._site, fence=self._fence)
        return snapshot

    async def keep_lease(self, regained: Callable[[], None]) -> NoReturn:
        """Renew the lease for ever; calls ``regained`` when it had run out and was still to be had."""
        while True:
            await asyncio.sleep(self._renewal_due_in_s(self._timing.lease_s / 3))
            if self._renewal_due_in_s(self._timing.lease_s / 3) or await self._renew():
                continue
            await self._regain()
            regained()

    async def _renew(self) -> bool:
        """Prolong the lease; False: it had run out."""
        renewed = await self._insist(lambda: self._store.renew(self._site, self._holder, self._lease_ms))
        if renewed:
            self._renewed_s = asyncio.get_running_loop().time()
        return renewed

    def _renewal_due_in_s(self, every_s: float) -> float:
        return max(0.0, self._renewed_s + every_s - asyncio.get_running_loop().time())

    async def write(self, ledger: Ledger) -> None:
        """Write what is pending, or everything in a new epoch where one is due."""
        while True:
            try:
                await self._write_as_leader(ledger)
            except NotLeader:
                await self._regain()
            else:
                break
        # right behind a write it costs the disk nothing: what comes within a second goes there together
        if not self._renewal_due_in_s(self._timing.lease_s / 6):
            await self._renew()

    async def resign(self, ledger: Ledger) -> None:
        """Write a last time, if this still is the leader, and give the lease back for another to take at once."""
        if not self._leads:
            return
        self._leads = False
        with contextlib.suppress(NotLeader):
            await self._write_as_leader(ledger)
        await self._store.release(self._site, self._holder)

    @property
    def leads(self) -> bool:
        """Whether this one took the lease last, as far as it knows."""
        return self._leads

    @property
    def _lease_ms(self) -> int:
        return round(self._timing.lease_s * 1000)

    async def _acquire(self) -> bool:
        fence = await self._insist(lambda: self._store.acquire(self._site, self._holder, self._lease_ms, self._fence))
        self._leads = fence is not None
        self._renewed_s = asyncio.get_running_loop().time()
        self._epoch = None
        self._fence = fence or self._fence
        return self._leads

    async def _regain(self) -> None:
        if not await self._acquire():
            raise NotLeader(f"another bridge leads site {self._site}")

    async def _write_as_leader(self, ledger: Ledger) -> None:
        try:
            if self._unanswered is not None:
                await self._send(self._unanswered)
            if self._epoch is None or ledger is not self._ledger:
                await self._send(self._opening(ledger))
            elif (append := self._next(ledger, self._epoch)) is not None:
                await self._send(append)
        except (DataLost, EpochMissing) as loss:
            log.warning("the store lost data; opening a new epoch", site=self._site, reason=loss.code)
            await self._send(self._opening(ledger))

    def _next(self, ledger: Ledger, epoch: str) -> "_Append | None":
        messages, changes, events = ledger.messages, ledger.take(), ledger.take_events()
        if not changes:
            return None
        return _Append(Writer(epoch, self._fence, self._seq), self._new_id(), changes, events, messages)

    def _opening(self, ledger: Ledger) -> "_Opening":
        ledger.take()
        events = (*self._refused, *ledger.take_events())[-MOST_EVENTS:]
        self._refused = ()
        return _Opening(
            ledger,
            self._new_id(),
            self._fence,
            self._new_id(),
            self._seq,
            dict(ledger.readings),
            events,
            ledger.messages,
        )

    async def _send(self, call: "_Append | _Opening") -> None:
        self._unanswered = call
        try:
            position = await self._insist(lambda: call.send(self._store, self._site, self._holder))
        except (DataLost, EpochMissing, NotLeader) as refusal:
            self._unanswered, self._refused = None, call.events
            self.fence_rejects += isinstance(refusal, NotLeader)
            raise
        self._unanswered = None
        self._seq = position.seq
        if isinstance(call, _Opening):
            self._ledger, self._epoch = call.ledger, position.epoch
            self.epochs_opened += 1
            log.debug("epoch opened", site=self._site, epoch=position.epoch, seq=position.seq)
        self._note(call.messages)

    def _note(self, messages: int) -> None:
        if self._trace is not None and self._epoch is not None:
            self._trace(self._site, Position(self._epoch, self._seq), messages)

    async def _insist(self, call: Callable[[], Awaitable[Answer]]) -> Answer:
        backoff = Backoff(self._timing.retry_base_s, self._timing.retry_cap_s, random.random)
        while True:
            try:
                answer = await call()
            except StoreUnavailable as error:
                if not self._store_is_away:  # said once, though lease and values are both to be written
                    log.warning("cannot write to the store; trying on", site=self._site, reason=error.message)
                    self._report("down", error.message)
                self._store_is_away = True
                await asyncio.sleep(backoff.next_s())
            else:
                if self._store_is_away:
                    log.info("writing to the store again", site=self._site)
                self._store_is_away = False
                self._report("ok", None)
                return answer


class _Append(msgspec.Struct, frozen=True):
    """One write, to be repeated as it is."""

    writer: Writer
    batch: str
    changes: Changes
    events: tuple[Event, ...]
    messages: int

    async def send(self, store: SiteStore, site: str, _holder: str) -> Position:
        seq = await store.append(site, self.writer, self.batch, self.changes, self.events)
        return Position(self.writer.epoch, seq)


class _Opening(msgspec.Struct, frozen=True):
    """One opening of an epoch, to be repeated as it is."""

    ledger: Ledger
    epoch: str
    fence: int
    batch: str
    known_seq: int
    readings: dict[str, Reading]
    events: tuple[Event, ...]
    messages: int

    async def send(self, store: SiteStore, site: str, holder: str) -> Position:
        return await store.open_epoch(
            site,
            holder=holder,
            fence=self.fence,
            batch=self.batch,
            known_seq=self.known_seq,
            readings=self.readings,
            epoch=self.epoch,
            events=self.events,
        )
