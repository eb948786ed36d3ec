"""Rolls up what was recorded of a site: quarters of an hour, hours and local days, and where energy came from.

Rules:

* The database says how far it is. Rows and position move in one transaction, so roll-ups are whole up to there,
  whoever is killed; who is at it at once finds the position held, then moved.
* Only whole quarters are taken, at most ``PIECE_MS`` at a time, so that others may write in between. What comes later
  than that is behind the writer's position, which only grows.
* Seldom: each time costs a page of each series and table, and an answer about the last hours is made of slots anyhow.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.db import rollups as rows
from gateway.db import samples
from gateway.db.engine import Database
from gateway.db.history import Series, readings_in, series_of, slots_in
from gateway.domain.energy_sources import Mix, mix_of
from gateway.domain.history import HOUR_MS, QUARTER_MS, Resolution, Span, edges
from gateway.domain.history_columns import Reading
from gateway.domain.rollups import Rollup, consumers, larger, quarters, sources
from gateway.domain.slots import LEAST_PERIOD_MS, is_counter, slot_of

PIECE_MS: Final = 4 * HOUR_MS
MOST_SLOTS: Final = PIECE_MS // LEAST_PERIOD_MS
MOST_BOUNDS: Final = 100_000
MIXED: Final = ("grid/power_w", "pv/power_w", "battery/power_w")


class RollUps:
    """One site. ``zone`` says where its days begin."""

    def __init__(
        self,
        site: str,
        database: Database,
        zone: tzinfo,
    ) -> None:
        self._site = site
        self._database = database
        self._zone = zone

    async def roll_up_all(self) -> None:
        """Take what there is, piece by piece. Raises DatabaseUnavailable."""
        more = True
        while more:
            more = await self.roll_up()
            await asyncio.sleep(0)

    async def roll_up(self) -> bool:
        """Take the next piece; False: there is none. Raises DatabaseUnavailable."""
        async with self._database.writing() as connection:
            number = await samples.site_id(connection, self._site)
            if number is None:
                return False
            position = await rows.hold_position(connection, number)
            begin = await rows.next_slot(connection, number, position)
            end = slot_of(await rows.newest_end(connection, number), QUARTER_MS)
            if begin is None or slot_of(begin, QUARTER_MS) >= end:
                return False
            first = max(slot_of(begin, QUARTER_MS), position)
            span = Span(first, min(end, first + PIECE_MS))
            await _Piece(connection, number, span, self._zone).write(first if position < 0 else position)
            await rows.move_position(connection, number, span.end)
        return True


class _Piece:
    """A span of whole quarters of one site."""

    def __init__(self, connection: AsyncConnection, site_id: int, span: Span, zone: tzinfo) -> None:
        self._connection = connection
        self._site_id = site_id
        self._span = span
        self._zone = zone

    async def write(self, position: int) -> None:
        """``position``: before it all is rolled up, what lies between it and the span has no slots."""
        connection, span = self._connection, self._span
        slots = dict(await slots_in(connection, self._site_id, span, MOST_SLOTS))
        series = {one.id: one for one in await series_of(connection, self._site_id) if one.id is not None}
        keys = {number: one.key for number, one in series.items()}
        readings = await readings_in(connection, self._site_id, keys, span, slots)
        made = {number: await self._quarters(one, readings[one.key]) for number, one in series.items()}
        await rows.write_rollups(connection, Resolution.quarter, self._site_id, made)
        for resolution in (Resolution.hour, Resolution.day):
            await self._larger(resolution, self._ended(resolution, position), [*keys])
        await self._sources(slots, readings, {series[number].key: some for number, some in made.items()})

    async def _quarters(self, series: Series, readings: Sequence[Reading]) -> list[Rollup]:
        await asyncio.sleep(0)
        before = None
        if readings and is_counter(series.key) and series.id is not None:
            before = await rows.last_known(self._connection, self._site_id, series.id, self._span.begin)
        return quarters(series.key, readings, before, self._span)

    def _ended(self, resolution: Resolution, position: int) -> list[int]:
        """The bounds of the buckets that end after the position, and not after the span."""
        found = edges(resolution, Span(position, self._span.end), self._zone, MOST_BOUNDS)
        return [bound for bound in found if bound <= self._span.end]

    async def _larger(self, resolution: Resolution, bounds: list[int], numbers: Sequence[int]) -> None:
        if len(bounds) < 2:  # noqa: PLR2004 - a begin and an end
            return
        made, over = {}, Span(bounds[0], bounds[-1])
        for number in numbers:
            parts = await rows.rollups_in(self._connection, Resolution.quarter, self._site_id, number, over)
            made[number] = larger(parts, bounds)
        await rows.write_rollups(self._connection, resolution, self._site_id, made)

    async def _sources(
        self,
        slots: Mapping[int, int],
        readings: Mapping[str, Sequence[Reading]],
        made: Mapping[str, Sequence[Rollup]],
    ) -> None:
        mixes = mixes_of(slots, readings)
        for consumer, (power, meter) in consumers(readings).items():
            counted = {one.slot: one.point.energy_wh for one in made.get(meter or "", ())}
            energies = sources(readings[power], mixes, counted)
            await rows.write_sources(self._connection, self._site_id, consumer, energies)


def mixes_of(slots: Mapping[int, int], readings: Mapping[str, Sequence[Reading]]) -> dict[int, Mix | None]:
    """The mix of each slot. A site without PV or battery has none of their power; what is not known is not 0."""
    powers = [{one.slot: one.value for one in readings.get(key, ())} for key in MIXED]
    return {slot: mix_of(*(power.get(slot, 0.0 if not power else None) for power in powers)) for slot in slots}
