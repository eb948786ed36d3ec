"""Queries that delete what is no longer kept; each deletes little, by the key of its table."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Table, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.db.models import Base, RollupPositionRow, SiteRow
from gateway.db.samples import BEFORE_ALL

MOST_ROWS: Final = 2_000
SAMPLES, SLOTS, SOURCES = (Base.metadata.tables[name] for name in ("samples", "slots", "source_energies"))
QUARTERS, HOURS, DAYS = (Base.metadata.tables[name] for name in ("rollups_15m", "rollups_1h", "rollups_1d"))


async def rolled_up(connection: AsyncConnection) -> dict[int, int]:
    """Up to which moment each site of the database is rolled up, by its number."""
    position = RollupPositionRow
    query = select(SiteRow.id, position.slot).outerjoin(position, position.site_id == SiteRow.id)
    return {number: BEFORE_ALL if moment is None else moment for number, moment in await connection.execute(query)}


async def consumers_of(connection: AsyncConnection, site_id: int) -> list[str]:
    """Those whose sources are kept."""
    column = SOURCES.c
    return [*await connection.scalars(select(column.consumer).where(column.site_id == site_id).distinct())]


async def delete_some(
    connection: AsyncConnection, table: Table, of: Mapping[str, int | str], before: int, most: int = MOST_ROWS
) -> bool:
    """Delete the oldest rows whose columns have these values, at most so many; whether there are more to go."""
    slot = table.c.slot
    these = [table.c[name] == value for name, value in of.items()]
    rest = await connection.scalar(select(slot).where(*these, slot < before).order_by(slot).offset(most).limit(1))
    await connection.execute(delete(table).where(*these, slot < (before if rest is None else rest)))
    return rest is not None
