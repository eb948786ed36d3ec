"""Queries that read where energy came from: connection in, domain records out.

They find their rows by the key of the table, (site, consumer, slot), and read no others.
"""

from collections.abc import AsyncIterator, Sequence
from typing import TypeAlias

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import Select

from gateway.db.history import pieces
from gateway.db.models import SourceEnergyRow
from gateway.domain.history import Span
from gateway.domain.rollups import SourceEnergy

Quarter: TypeAlias = tuple[str, int, SourceEnergy]
"""Consumer, start, and where the energy came from."""


def energies_query(
    site_id: int, consumers: Sequence[str], span: Span
) -> Select[str, int, float, float, float, float]:
    row = SourceEnergyRow
    found = select(row.consumer, row.slot, row.grid_wh, row.pv_wh, row.battery_wh, row.unknown_wh)
    return found.where(*_within(site_id, consumers, span))


def count_query(site_id: int, consumers: Sequence[str], span: Span) -> Select[int]:
    return select(func.count()).select_from(SourceEnergyRow).where(*_within(site_id, consumers, span))


def _within(site_id: int, consumers: Sequence[str], span: Span) -> tuple[ColumnElement[bool], ...]:
    row = SourceEnergyRow
    return (row.site_id == site_id, row.consumer.in_(consumers), row.slot >= span.begin, row.slot < span.end)


async def count_energies(connection: AsyncConnection, site_id: int, consumers: Sequence[str], span: Span) -> int:
    """How many quarters of these consumers begin in that time."""
    return await connection.scalar(count_query(site_id, consumers, span)) or 0


async def energies_in(
    connection: AsyncConnection, site_id: int, consumers: Sequence[str], span: Span
) -> AsyncIterator[list[Quarter]]:
    """Those quarters, some at a time, in no order; others have their turn between."""
    if not consumers:
        return
    async for some in pieces(connection, energies_query(site_id, consumers, span)):
        yield [(consumer, slot, SourceEnergy(*parts)) for consumer, slot, *parts in some]
