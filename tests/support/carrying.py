"""For tests of the way into the database: a stream in memory, and what is in the tables at the end."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.db.engine import Database
from gateway.db.models import BadSampleRow, SampleRow, SeriesRow, SiteRow, SlotRow
from gateway.domain.errors import DatabaseUnavailable, StoreUnavailable
from gateway.domain.slots import Sample
from gateway.store.samples import Queued
from recorder.carry import Carrier, Pace
from recorder.writer import SampleTables
from tests.support.clock import FakeClock

PERIOD_MS = 60_000
FIRST_MS = 1_800_000_000_000
QUICK = Pace(most_entries=4, every_s=0.02, backoff_base_s=0.01, backoff_cap_s=0.05)


def sample(number: int, **values: float | None) -> Sample:
    """The sample of the slot with that number; ``a`` is the number where nothing else is said."""
    given = values or {"a": float(number)}
    readings = {key: (value, 1 if value is None else 0) for key, value in given.items()}
    return Sample(FIRST_MS + number * PERIOD_MS, PERIOD_MS, "epoch", 1 + number, readings)


class ListStream:
    """A stream that can be out of reach for reading or trimming; ``trimmed`` is what it let go of."""

    def __init__(self, entries: Iterable[Queued] = ()) -> None:
        self.entries = {one.slot: one for one in entries}
        self.trimmed: list[int] = []
        self.cannot_read = self.cannot_trim = False

    async def read_after(self, position: int, count: int) -> Sequence[tuple[int, Queued]]:
        if self.cannot_read:
            raise StoreUnavailable("the store is out of reach: told to")
        return [(slot, one) for slot, one in sorted(self.entries.items()) if slot > position][:count]

    async def trim_to(self, position: int) -> None:
        if self.cannot_trim:
            raise StoreUnavailable("the store takes no writes: told to")
        gone = [slot for slot in self.entries if slot <= position]
        self.trimmed += gone
        for slot in gone:
            del self.entries[slot]

    async def count_waiting(self) -> int:
        return len(self.entries)


class MoodyDatabase(Database):
    """Fails before a transaction, or after its commit, which then was not answered: as often as it is told."""

    fails_before = fails_after = 0

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        if self.fails_before:
            self.fails_before -= 1
            raise DatabaseUnavailable("the database cannot be used now (told to)")
        async with super().writing() as connection:
            yield connection
        if self.fails_after:
            self.fails_after -= 1
            raise DatabaseUnavailable("the database did not answer (told to)")


class Carrying:
    """A carrier with what is told of it."""

    def __init__(
        self, database: Database, stream: ListStream, *, site: str = "home", pace: Pace = QUICK, now: float = 0
    ) -> None:
        self.told: list[tuple[str, str | None]] = []
        self.clock = FakeClock(now or FIRST_MS / 1000)
        self.tables = SampleTables(site, self.clock)
        self.carrier = Carrier(
            f"samples of {site}", database, stream, self.tables, pace=pace, report=self._report, spread=lambda: 1
        )

    def _report(self, state: str, reason: str | None) -> None:
        if not self.told or self.told[-1] != (state, reason):
            self.told.append((state, reason))

    async def all(self) -> None:
        """Carry until there is nothing more."""
        while await self.carrier.carry():
            pass


async def slots_in(database: Database, site: str = "home") -> list[int]:
    """The numbers of the slots that are written, of the samples' rows and of the slots' own: both must agree."""
    async with database.reading() as connection:
        of_site = select(SiteRow.id).where(SiteRow.name == site).scalar_subquery()
        slots = (await connection.scalars(select(SlotRow.slot).where(SlotRow.site_id == of_site))).all()
        rows = select(SampleRow.slot, SampleRow.value).join(SeriesRow, SeriesRow.id == SampleRow.series_id)
        rows = rows.where(SampleRow.site_id == of_site, SeriesRow.key == "a")
        values = {row.slot: row.value for row in await connection.execute(rows)}
    numbers = sorted((slot - FIRST_MS) // PERIOD_MS for slot in slots)
    assert {(slot - FIRST_MS) // PERIOD_MS: value for slot, value in values.items()} == {
        number: float(number) for number in numbers
    }
    return numbers


async def bad_in(database: Database) -> list[tuple[int, str, bytes]]:
    async with database.reading() as connection:
        query = select(BadSampleRow.slot, BadSampleRow.reason, BadSampleRow.payload).order_by(BadSampleRow.slot)
        return [(slot, reason, payload) for slot, reason, payload in await connection.execute(query)]
