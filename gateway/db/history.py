"""Queries that read what was recorded: connection in, domain records out.

Each finds its rows by the key of the table, (site, series, slot) or (site, slot), and reads no others. Where they may
be many they are read in pieces: aiomysql reads them on the event loop, which has others to serve meanwhile.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final, TypeAlias, TypeVarTuple

import msgspec
from sqlalchemy import Row, Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import Select

from gateway.db.models import Base, RollupPositionRow, SampleRow, SeriesRow, SlotRow
from gateway.db.samples import BEFORE_ALL
from gateway.domain.catalogue import entry_for
from gateway.domain.history import Resolution, Span
from gateway.domain.history_columns import Point, Reading
from gateway.domain.slots import Quality

ROLLUPS: Final[Mapping[Resolution, Table]] = {
    Resolution.quarter: Base.metadata.tables["rollups_15m"],
    Resolution.hour: Base.metadata.tables["rollups_1h"],
    Resolution.day: Base.metadata.tables["rollups_1d"],
}
SLOTS: Final = Base.metadata.tables["slots"]

Numbers: TypeAlias = tuple[float | None, float | None, float | None, float | None, float | None]
RollupRow: TypeAlias = Row[int, int, *Numbers, int, int, int]
_Columns = TypeVarTuple("_Columns")
ROWS_AT_ONCE: Final = 250
"""They take 3 ms."""


class Series(msgspec.Struct, frozen=True):
    """A recorded key. ``id`` None: none of it is in the database yet. ``since``: the first slot with it."""

    key: str
    unit: str | None
    id: int | None = None
    since: int = 0

    @classmethod
    def new(cls, key: str) -> "Series":
        """One that is not in the database yet."""
        entry = entry_for(key)
        return cls(key, None if entry is None else entry.unit)


async def series_of(connection: AsyncConnection, site_id: int) -> list[Series]:
    """All that was ever recorded of a site."""
    row = SeriesRow
    query = select(row.key, row.unit, row.id, row.recorded_from).where(row.site_id == site_id)
    return [Series(*found) for found in await connection.execute(query)]


def slots_query(site_id: int, span: Span, most: int) -> Select[int, int]:
    within = (SlotRow.site_id == site_id, SlotRow.slot >= span.begin, SlotRow.slot < span.end)
    return select(SlotRow.slot, SlotRow.period_ms).where(*within).order_by(SlotRow.slot).limit(most)


def samples_query(site_id: int, numbers: Sequence[int], span: Span) -> Select[int, int, float | None, int]:
    row = SampleRow
    within = (row.site_id == site_id, row.series_id.in_(numbers), row.slot >= span.begin, row.slot < span.end)
    query = select(row.series_id, row.slot, row.value, row.quality).where(*within)
    return query.order_by(row.series_id, row.slot)


def rollups_query(
    resolution: Resolution, site_id: int, numbers: Sequence[int], span: Span
) -> Select[int, int, *Numbers, int, int, int]:
    row = ROLLUPS[resolution].c
    within = (row.site_id == site_id, row.series_id.in_(numbers), row.slot >= span.begin, row.slot < span.end)
    return select(
        row.series_id,
        row.slot,
        row.mean,
        row.low,
        row.high,
        row.last,
        row.counted,
        row.known_ms,
        row.missing_ms,
        row.quality,
    ).where(*within)


async def slots_in(connection: AsyncConnection, site_id: int, span: Span, most: int) -> list[tuple[int, int]]:
    """The slots that begin in that time, with their periods, at most so many."""
    found = await connection.execute(slots_query(site_id, span, most))
    return [(slot, period_ms) for slot, period_ms in found]


def oldest_query(table: Table, **of: int) -> Select[int | None]:
    """Where the oldest begins of all rows whose columns have these values."""
    return select(func.min(table.c.slot)).where(*(table.c[name] == number for name, number in of.items()))


async def oldest_slot(connection: AsyncConnection, site_id: int) -> int | None:
    return await connection.scalar(oldest_query(SLOTS, site_id=site_id))


async def oldest_buckets(connection: AsyncConnection, site_id: int, series_id: int) -> dict[Resolution, int]:
    """Where the oldest bucket of each resolution begins that has this series; absent: there is none."""
    found = {}
    for resolution, table in ROLLUPS.items():
        start = await connection.scalar(oldest_query(table, site_id=site_id, series_id=series_id))
        if start is not None:
            found[resolution] = start
    return found


async def rolled_up_to(connection: AsyncConnection, site_id: int) -> int:
    """Before this moment every slot is in the roll-ups; to be asked before the rows are read."""
    row = RollupPositionRow
    taken = await connection.scalar(select(row.slot).where(row.site_id == site_id))
    return BEFORE_ALL if taken is None else taken


async def readings_in(
    connection: AsyncConnection, site_id: int, keys: Mapping[int, str], span: Span, periods: Mapping[int, int]
) -> dict[str, list[Reading]]:
    """What series were in the slots of that time, in order. ``keys``: those of the series by their numbers.

    ``periods``: those of the slots; a sample whose slot is not in it is left out.
    """
    found: dict[str, list[Reading]] = {key: [] for key in keys.values()}
    if keys:
        async for some in pieces(connection, samples_query(site_id, [*keys], span)):
            for number, slot, number_value, quality in some:
                if slot in periods:
                    found[keys[number]].append(Reading(slot, periods[slot], number_value, quality))
    return found


async def buckets_in(
    connection: AsyncConnection, resolution: Resolution, site_id: int, keys: Mapping[int, str], span: Span
) -> dict[str, dict[int, Point]]:
    """The buckets of series that begin in that time, by their starts. ``keys``: as above."""
    found: dict[str, dict[int, Point]] = {key: {} for key in keys.values()}
    if not keys or span.begin >= span.end:
        return found
    async for some in pieces(connection, rollups_query(resolution, site_id, [*keys], span)):
        for row in some:
            found[keys[row[0]]][row[1]] = point_of(row)
    return found


def point_of(row: RollupRow) -> Point:
    """What a row of a roll-up says, as ``rollups_query`` reads it; only counters have ``counted``."""
    _, _, mean, low, high, last, counted, known_ms, missing_ms, quality = row
    return Point(
        mean=mean,
        low=low,
        high=high,
        last=last,
        energy_wh=counted,
        known_ms=known_ms,
        span_ms=known_ms + missing_ms,
        stale=quality == Quality.stale,
    )


async def pieces(connection: AsyncConnection, query: Select[*_Columns]) -> AsyncIterator[Sequence[Row[*_Columns]]]:
    """The rows of a query, some at a time, and others have their turn between."""
    async with connection.stream(query, execution_options={"yield_per": ROWS_AT_ONCE}) as found:
        async for some in found.partitions():
            yield some
            await asyncio.sleep(0)
