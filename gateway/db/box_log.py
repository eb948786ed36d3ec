"""Queries over the boxes' own charge logs: connection in, domain records in and out."""

from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import ScalarSelect, Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.db.models import BoxLogEntryRow, SampleRow, SeriesRow, SiteRow
from gateway.db.rollups import last_known
from gateway.db.samples import hold_position, site_id
from gateway.db.statements import insert_all_new
from gateway.domain.box_log import BoxLogEntry, Source
from gateway.domain.slots import Quality

MOST_JUMPS: Final = 1_000
"""In one month of one meter."""

_decoder = msgspec.json.Decoder(BoxLogEntry)


async def write_entries(connection: AsyncConnection, site: str, entries: Sequence[BoxLogEntry], at: float) -> int:
    """Take over what is not there yet; how many entries that were. ``at``: now, in epoch seconds."""
    number, _ = await hold_position(connection, site)  # with it nobody else writes of this site
    before = await _count(connection, number)
    rows = [
        {
            "site_id": number,
            "natural_key": entry.key,
            "source": entry.source,
            "chargepoint": entry.chargepoint,
            "begin": entry.begin,
            "end": entry.end,
            "energy_wh": entry.energy_wh,
            "entry": msgspec.json.encode(entry).decode(),
            "taken_over_at": at,
        }
        for entry in {entry.key: entry for entry in reversed(entries)}.values()  # of two the first counts
    ]
    rows.sort(key=lambda row: str(row["natural_key"]))
    await insert_all_new(connection, BoxLogEntryRow, rows)
    return await _count(connection, number) - before


async def count_entries(connection: AsyncConnection, site: str) -> int:
    """How many entries of a site there are."""
    number = await site_id(connection, site)
    return 0 if number is None else await _count(connection, number)


async def read_entries(
    connection: AsyncConnection, site: str, begin: float, end: float, *, source: Source | None = None
) -> list[BoxLogEntry]:
    """The entries that ended, or else began, in that time, the earliest first."""
    number = await site_id(connection, site)
    row = BoxLogEntryRow
    ended = (row.end >= begin) & (row.end < end)
    begun = row.end.is_(None) & (row.begin >= begin) & (row.begin < end)
    query = select(row.entry).where(row.site_id == number, or_(ended, begun)).order_by(row.end, row.natural_key)
    if source is not None:
        query = query.where(row.source == source)
    return [_decoder.decode(entry) for (entry,) in await connection.execute(query)]


async def meter_at(connection: AsyncConnection, site: str, key: str, slot: int) -> float | None:
    """The last recorded reading of a key before a slot, given in epoch milliseconds: see ``rollups.last_known``."""
    number, series = (await connection.execute(select(*_numbers(site, key)))).one()
    return None if series is None else await last_known(connection, number, series, slot)


async def first_reading(connection: AsyncConnection, site: str, key: str, first: int, after: int) -> float | None:
    """The first recorded reading of a key in the slots from ``first`` on, before ``after``."""
    query = (
        _samples_of(site, key)
        .where(SampleRow.slot >= first, SampleRow.slot < after, SampleRow.value.is_not(None))
        .order_by(SampleRow.slot)
        .limit(1)
    )
    reading: float | None = await connection.scalar(query)
    return reading


async def jumps(
    connection: AsyncConnection, site: str, key: str, first: int, after: int
) -> list[tuple[float, float]]:
    """The readings before and after each jump of the counter in the slots from ``first`` on, before ``after``."""
    query = _samples_of(site, key).where(SampleRow.slot >= first, SampleRow.slot < after)
    query = query.where(SampleRow.quality == Quality.jumped, SampleRow.value.is_not(None))
    found = await connection.execute(query.add_columns(SampleRow.slot).order_by(SampleRow.slot).limit(MOST_JUMPS))
    pairs = []
    for reading, slot in found.all():
        before = await meter_at(connection, site, key, slot)
        if before is not None and reading is not None:
            pairs.append((before, reading))
    return pairs


async def chargepoints_of(connection: AsyncConnection, site: str) -> list[str]:
    """The ids of the charge points whose meter is recorded."""
    query = select(SeriesRow.key).where(
        SeriesRow.site_id == await site_id(connection, site), SeriesRow.key.like("chargepoints/%/meter_wh")
    )
    return sorted(key.split("/")[1] for (key,) in await connection.execute(query))


def _samples_of(site: str, key: str) -> Select[float | None]:
    """By the number of the series, so that the table's key is what finds them."""
    number, series = _numbers(site, key)
    return select(SampleRow.value).where(SampleRow.site_id == number, SampleRow.series_id == series)


def _numbers(site: str, key: str) -> tuple[ScalarSelect[int], ScalarSelect[int]]:
    number = select(SiteRow.id).where(SiteRow.name == site).scalar_subquery()
    return number, select(SeriesRow.id).where(SeriesRow.site_id == number, SeriesRow.key == key).scalar_subquery()


async def _count(connection: AsyncConnection, number: int) -> int:
    query = select(func.count()).select_from(BoxLogEntryRow).where(BoxLogEntryRow.site_id == number)
    return await connection.scalar(query) or 0
