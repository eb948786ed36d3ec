"""Queries that write roll-ups: connection in, domain records in and out.

Whoever rolls up holds the site's position first (``hold_position``), to the end of the transaction that also writes
the rows: two of a site come one after the other, and the second one finds that the position has moved. Rows of the
same bucket are written over, so that what is reckoned again is the same again.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.db.history import ROLLUPS, point_of, rollups_query, slots_in
from gateway.db.models import (
    Base,
    Rollup1dRow,
    Rollup1hRow,
    Rollup15mRow,
    RollupPositionRow,
    SamplePositionRow,
    SampleRow,
    SlotRow,
    SourceEnergyRow,
)
from gateway.db.samples import BEFORE_ALL
from gateway.db.statements import insert_new, write_all
from gateway.domain.history import HOUR_MS, QUARTER_MS, SHORTEST_DAY_MS, Resolution, Span
from gateway.domain.rollups import Rollup, SourceEnergy

ROWS: Final[Mapping[Resolution, type[Base]]] = {
    Resolution.quarter: Rollup15mRow,
    Resolution.hour: Rollup1hRow,
    Resolution.day: Rollup1dRow,
}


SHORTEST: Final = {
    Resolution.quarter: QUARTER_MS,
    Resolution.hour: HOUR_MS,
    Resolution.day: SHORTEST_DAY_MS,
}
"""How long a bucket is at least: who began later is not over yet."""


async def hold_position(connection: AsyncConnection, site_id: int) -> int:
    """Before which moment all is rolled up; nobody else can roll up of it before this transaction ends."""
    row = RollupPositionRow
    await connection.execute(insert_new(row, connection).values(site_id=site_id, slot=BEFORE_ALL))
    held = select(row.slot).where(row.site_id == site_id).with_for_update()
    return (await connection.execute(held)).scalar_one()


async def move_position(connection: AsyncConnection, site_id: int, moment: int) -> None:
    row = RollupPositionRow
    await connection.execute(update(row).where(row.site_id == site_id).values(slot=moment))


async def next_slot(connection: AsyncConnection, site_id: int, moment: int) -> int | None:
    """The first recorded slot that begins then or later."""
    query = select(func.min(SlotRow.slot)).where(SlotRow.site_id == site_id, SlotRow.slot >= moment)
    found: int | None = await connection.scalar(query)
    return found


async def newest_end(connection: AsyncConnection, site_id: int) -> int:
    """Where the last slot ends that the writer has written; 0: there is none."""
    position = await connection.scalar(select(SamplePositionRow.slot).where(SamplePositionRow.site_id == site_id))
    found = [] if position is None else await slots_in(connection, site_id, Span(position, position + 1), 1)
    return found[0][0] + found[0][1] if found else 0


async def last_known(connection: AsyncConnection, site_id: int, series_id: int, moment: int) -> float | None:
    """The last known value of a series in the slots before a moment.

    Where samples are no longer kept it is that of the roll-ups, which is the same at the ends of their buckets.
    """
    row = SampleRow
    these = (row.site_id == site_id, row.series_id == series_id, row.slot < moment, row.value.is_not(None))
    found: float | None = await connection.scalar(select(row.value).where(*these).order_by(row.slot.desc()).limit(1))
    for resolution, shortest_ms in SHORTEST.items():
        if found is not None:
            break
        rolled = ROLLUPS[resolution].c
        over = rolled.slot <= moment - shortest_ms
        those = (rolled.site_id == site_id, rolled.series_id == series_id, over, rolled.last.is_not(None))
        found = await connection.scalar(select(rolled.last).where(*those).order_by(rolled.slot.desc()).limit(1))
    return found


async def rollups_in(
    connection: AsyncConnection, resolution: Resolution, site_id: int, series_id: int, span: Span
) -> list[Rollup]:
    """Those of one series that begin in that time, in order."""
    query = rollups_query(resolution, site_id, [series_id], span).order_by(ROLLUPS[resolution].c.slot)
    return [Rollup(row[1], point_of(row), row[-1]) for row in await connection.execute(query)]


async def write_rollups(
    connection: AsyncConnection, resolution: Resolution, site_id: int, rollups: Mapping[int, Sequence[Rollup]]
) -> None:
    """``rollups``: of each series by its number."""
    rows = [
        {
            "site_id": site_id,
            "series_id": number,
            "slot": one.slot,
            "mean": one.point.mean,
            "low": one.point.low,
            "high": one.point.high,
            "last": one.point.last,
            "counted": one.point.energy_wh,
            "known_ms": round(one.point.known_ms),
            "missing_ms": round(one.point.span_ms - one.point.known_ms),
            "quality": one.quality,
        }
        for number, some in sorted(rollups.items())
        for one in some
    ]
    await write_all(connection, ROWS[resolution], rows)


async def write_sources(
    connection: AsyncConnection, site_id: int, consumer: str, energies: Mapping[int, SourceEnergy]
) -> None:
    """Of one consumer, by quarters."""
    rows = [
        {
            "site_id": site_id,
            "consumer": consumer,
            "slot": slot,
            "grid_wh": one.grid_wh,
            "pv_wh": one.pv_wh,
            "battery_wh": one.battery_wh,
            "unknown_wh": one.unknown_wh,
        }
        for slot, one in energies.items()
    ]
    await write_all(connection, SourceEnergyRow, rows)
