"""Queries that write what was recorded: connection in, domain records in.

Whoever writes holds the site's position first (``hold_position``), to the end of the transaction: two writers of a
site come one after the other, and the second one finds that the position has moved.
"""

from collections.abc import Sequence

import msgspec
from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.db.models import BadSampleRow, SamplePositionRow, SampleRow, SeriesRow, SiteRow, SlotRow
from gateway.db.statements import insert_all_new, insert_new
from gateway.domain.catalogue import entry_for
from gateway.domain.slots import Sample

BEFORE_ALL = -1
"""The position of a site of which nothing was written."""


class BadSample(msgspec.Struct, frozen=True):
    """What could not be read of a slot. ``at``: when that was found out, in epoch seconds."""

    slot: int
    reason: str
    payload: bytes
    at: float


class Written(msgspec.Struct, frozen=True):
    """A site in the database: how many series it has, and the last slot that was written."""

    site: str
    series: int
    slot: int


async def site_id(connection: AsyncConnection, site: str) -> int | None:
    """The number of a site; None: nothing of it was ever recorded."""
    return await connection.scalar(select(SiteRow.id).where(SiteRow.name == site))


async def ensured_site(connection: AsyncConnection, site: str) -> int:
    """The number of a site, which it gets now if it has none."""
    number = await site_id(connection, site)
    if number is None:
        await connection.execute(insert_new(SiteRow, connection).values(name=site))
        number = await site_id(connection, site)
        assert number is not None
        await connection.execute(insert_new(SamplePositionRow, connection).values(site_id=number, slot=BEFORE_ALL))
    return number


async def position(connection: AsyncConnection, site: str) -> int:
    """The last slot that was written."""
    query = select(SamplePositionRow.slot).join(SiteRow, SiteRow.id == SamplePositionRow.site_id)
    found = await connection.scalar(query.where(SiteRow.name == site))
    return BEFORE_ALL if found is None else found


async def hold_position(connection: AsyncConnection, site: str) -> tuple[int, int]:
    """The site's number and last slot; nobody else can write of it before this transaction ends."""
    number = await ensured_site(connection, site)
    held = select(SamplePositionRow.slot).where(SamplePositionRow.site_id == number).with_for_update()
    return number, (await connection.execute(held)).scalar_one()


async def move_position(connection: AsyncConnection, site_id: int, slot: int) -> None:
    await connection.execute(update(SamplePositionRow).where(SamplePositionRow.site_id == site_id).values(slot=slot))


async def write_samples(connection: AsyncConnection, site_id: int, samples: Sequence[Sample]) -> None:
    """Write slots, in order, and all their values; what is there already stays as it is."""
    numbers = await _series_of(connection, site_id, samples)
    slots = [
        {"site_id": site_id, "slot": one.slot, "period_ms": one.period_ms, "epoch": one.epoch, "seq": one.seq}
        for one in samples
    ]
    rows = [
        {"site_id": site_id, "series_id": numbers[key], "slot": one.slot, "value": value, "quality": quality}
        for one in samples
        for key, (value, quality) in one.values.items()
    ]
    # by their key, as they lie: two who write the same rows cannot wait for each other in a circle
    rows.sort(key=lambda row: (row["series_id"], row["slot"]))
    await insert_all_new(connection, SlotRow, slots)
    await insert_all_new(connection, SampleRow, rows)


async def write_bad_samples(connection: AsyncConnection, site_id: int, bad: Sequence[BadSample]) -> None:
    rows = [{"site_id": site_id, **msgspec.structs.asdict(one)} for one in bad]
    await insert_all_new(connection, BadSampleRow, rows)


async def count_bad_samples(connection: AsyncConnection) -> int:
    return await connection.scalar(select(func.count()).select_from(BadSampleRow)) or 0


async def written(connection: AsyncConnection) -> list[Written]:
    """All sites, by name."""
    series = select(func.count()).where(SeriesRow.site_id == SiteRow.id).scalar_subquery()
    query = select(SiteRow.name, series, SamplePositionRow.slot).join(
        SamplePositionRow, SamplePositionRow.site_id == SiteRow.id
    )
    rows = await connection.execute(query.order_by(SiteRow.name))
    return [Written(site, count, slot) for site, count, slot in rows]


async def _series_of(connection: AsyncConnection, site_id: int, samples: Sequence[Sample]) -> dict[str, int]:
    """The numbers of all keys; new ones get theirs."""
    numbers = await _known_series(connection, site_id)
    first_slots: dict[str, int] = {}
    for sample in samples:
        for key in sample.values.keys() - numbers.keys():
            first_slots.setdefault(key, sample.slot)
    if not first_slots:
        return numbers
    new = [
        {"site_id": site_id, "key": key, "unit": _unit_of(key), "recorded_from": slot}
        for key, slot in first_slots.items()
    ]
    await connection.execute(insert(SeriesRow), new)
    return await _known_series(connection, site_id)


async def _known_series(connection: AsyncConnection, site_id: int) -> dict[str, int]:
    query = select(SeriesRow.key, SeriesRow.id).where(SeriesRow.site_id == site_id)
    return {row.key: row.id for row in await connection.execute(query)}


def _unit_of(key: str) -> str | None:
    entry = entry_for(key)
    return None if entry is None else entry.unit
