"""The way of a stream into the database: what waits in the store is written, once and in order, and then let go.

Rules:

* The database says how far it is. Rows and position move in one transaction. So whatever happens to us, to the store
  or to the database, and whether or not a commit was answered: what was written is behind the position, and no more.
* The stream is let go up to a committed position only, so it is the buffer for as long as the database is away.
* Nobody need be alone: a second carrier of the same stream finds the position held, then moved, and writes the rest.
* Nothing is given up. What fails is tried again with growing pauses and half as much at a time, down to one entry: a
  slow database gets less to do, and heals by itself. The log and the readiness hear when it begins and when it ends.
"""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, Literal, Protocol, TypeAlias, TypeVar

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.db.engine import Database
from gateway.db.samples import BEFORE_ALL
from gateway.domain.backoff import Backoff
from gateway.domain.errors import DatabaseUnavailable, Unavailable
from gateway.store.waiting import Queued, WaitingStream

Entry = TypeVar("Entry")
Waits = TypeVar("Waits")
Entry_co = TypeVar("Entry_co", covariant=True)
Entry_contra = TypeVar("Entry_contra", contravariant=True)
Report: TypeAlias = Callable[[Literal["ok", "down"], str | None], None]

log = structlog.get_logger(__name__)


class Stream(Protocol[Entry_co]):
    """What waits, by position; ``read_after`` may be asked the same again as long as that was not trimmed."""

    async def read_after(self, position: int, count: int) -> Sequence[tuple[int, Entry_co]]:
        """The first entries after a position, in order. Raises StoreUnavailable."""

    async def trim_to(self, position: int) -> None:
        """Let go of all up to a position, itself included. Raises StoreUnavailable."""

    async def count_waiting(self) -> int:
        """About how many entries are there. Raises StoreUnavailable."""


class WholeStream(Generic[Waits]):
    """What waits of one site, as ``Stream`` wants it, read from its beginning whatever the position.

    For entries whose rows have a natural key: positions follow the store's clock, and go back with it when the store
    lost everything; what is written again is known already.
    """

    def __init__(self, waiting: WaitingStream[Waits], site: str) -> None:
        self._waiting = waiting
        self._site = site

    async def read_after(self, position: int, count: int) -> Sequence[tuple[int, Queued[Waits]]]:  # noqa: ARG002 - see above
        return await self._waiting.read_after(self._site, BEFORE_ALL, count)

    async def trim_to(self, position: int) -> None:
        await self._waiting.trim_to(self._site, position)

    async def count_waiting(self) -> int:
        return await self._waiting.length(self._site)


class Tables(Protocol[Entry_contra]):
    """Where the entries go."""

    async def position(self, connection: AsyncConnection) -> int:
        """Up to which position all is written."""

    async def apply(self, connection: AsyncConnection, entries: Sequence[tuple[int, Entry_contra]]) -> int:
        """Write what is beyond the position and move it, holding it meanwhile; where it is then."""

    def committed(self) -> None:
        """What was applied last is written."""


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How much at a time and how often; pauses are shortened by up to half, at random.

    ``every_s`` is the pause after all was written: each commit costs a page for each series, whatever is in it.
    """

    most_entries: int = 100
    every_s: float = 300
    backoff_base_s: float = 0.5
    backoff_cap_s: float = 30


class Carrier(Generic[Entry]):
    """Carries one stream. ``name`` is for the log; ``waiting`` is how many entries there were at the last look."""

    def __init__(
        self,
        name: str,
        database: Database,
        stream: Stream[Entry],
        tables: Tables[Entry],
        *,
        pace: Pace,
        report: Report,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        spread: Callable[[], float] = random.random,
    ) -> None:
        self.waiting = 0
        self.name = name
        self._database = database
        self._stream = stream
        self._tables = tables
        self._pace = pace
        self._report = report
        self._sleep = sleep
        self._spread = spread
        self._position: int | None = None
        self._most = pace.most_entries
        self._is_away = False

    async def run(self) -> None:
        """For ever; stop it by cancelling."""
        backoff = Backoff(self._pace.backoff_base_s, self._pace.backoff_cap_s, self._spread)
        while True:
            try:
                more = await self.carry()
            except Unavailable as error:
                await self._away(error)
                await self._sleep(backoff.next_s())
                continue
            backoff.over()
            self._well()
            # with more to carry others of this process still get their turn
            await (self._sleep(0) if more else self._pause(self._pace.every_s))

    async def carry(self) -> bool:
        """Carry one batch; whether there may be more of it at once. Raises StoreUnavailable, DatabaseUnavailable."""
        position = await self._known_position()
        most = self._most
        entries = await self._stream.read_after(position, most)
        if entries:
            await self._write(entries)
        more = len(entries) == most
        self.waiting = await self._stream.count_waiting() if more else 0
        return more

    async def _write(self, entries: Sequence[tuple[int, Entry]]) -> None:
        self._position = None  # until the commit is answered nobody knows
        try:
            async with self._database.writing() as connection:
                position = await self._tables.apply(connection, entries)
        except DatabaseUnavailable:
            self._most = max(1, self._most // 2)
            raise
        self._tables.committed()
        self._most = min(self._pace.most_entries, self._most * 2)
        await self._stream.trim_to(position)
        self._position = position

    async def _known_position(self) -> int:
        if self._position is None:
            async with self._database.reading() as connection:
                position = await self._tables.position(connection)
            await self._stream.trim_to(position)  # of one that was killed between its commit and this
            self._position = position
        return self._position

    async def _away(self, error: Unavailable) -> None:
        with contextlib.suppress(Unavailable):  # the last look holds
            self.waiting = await self._stream.count_waiting()
        self._report("down", f"{error.message}; {self.waiting} wait in the store")
        if not self._is_away:
            log.warning("cannot carry on; what waits stays in the store", of=self.name, reason=error.message)
        self._is_away = True

    def _well(self) -> None:
        self._report("ok", None)
        if self._is_away:
            log.info("carries on", of=self.name)
        self._is_away = False

    async def _pause(self, seconds: float) -> None:
        await self._sleep(seconds * (0.5 + self._spread() / 2))
