"""What the values of a site were, from the database and from what still waits for it, as far as a login may see them.

Rules:

* Roll-ups are read up to the quarter of an hour that they have not taken whole. From there on quarters are made of
  slots, and larger buckets of quarters, so that the present hour and day are right up to the newest slot.
* Slots that wait in the store are read first and the database after them: what is carried over meanwhile is found in
  one of the two, and where in both, once.
* Without the store there is still history: what may wait there is ``not_yet``.
* At most ``MOST_WAITING`` and ``MOST_TAIL_SLOTS`` slots are read so, or what two quarters of an hour have; what lies
  behind them is ``not_yet``, too.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.db import history as rows
from gateway.db import samples
from gateway.db.engine import Database
from gateway.db.history import Series
from gateway.domain.access import Login
from gateway.domain.clock import Clock
from gateway.domain.errors import InvalidArgument, StoreUnavailable
from gateway.domain.filters import Filter, unmatched
from gateway.domain.history import (
    MOST_AUTO,
    MOST_POINTS,
    QUARTER_MS,
    Resolution,
    Span,
    check_size,
    edges,
    finest,
    resolution_of,
    slot_starts,
    span_asked,
)
from gateway.domain.history_columns import (
    Column,
    Point,
    Reading,
    awaited_from,
    bucket_column,
    open_buckets,
    slot_column,
)
from gateway.domain.series import check_recordable
from gateway.domain.slots import Sample, moment_ms, slot_of
from gateway.hub.views import Rights, allowed_at, view_of
from gateway.services.past import AskedPast, Buckets
from gateway.store.samples import SampleQueue

MOST_PATTERNS: Final = 50
MOST_WAITING: Final = 1_500
WAITING_AT_ONCE: Final = 300
MOST_TAIL_SLOTS: Final = 3_000
NOWHERE: Final = 0
"""The number of a site that has none yet; the database's begin with 1."""
LOOK_BACK_SLOTS: Final = 60
"""So far back the reading is sought from which on a counter's energy counts in what no roll-up has taken yet."""


class Asked(AskedPast, frozen=True, kw_only=True):
    """A question as it came."""

    patterns: tuple[str, ...]


class Answer(Buckets, frozen=True, kw_only=True):
    """``unmatched``: the patterns that chose none of the columns, whether there is nothing or nothing to be seen."""

    columns: list[Column]
    unmatched: list[str]


class _Known(msgspec.Struct, frozen=True, kw_only=True):
    """What there is of a site, as far as the question goes."""

    site_id: int
    series: list[Series]
    waiting: list[Sample]
    newest_end: int
    """The end of the newest slot that was recorded."""
    awaited: int
    """From here on what is missing may still come."""

    @property
    def keys(self) -> dict[int, str]:
        return {one.id: one.key for one in self.series if one.id is not None}


class History:
    """Answers questions about the past of sites."""

    def __init__(
        self,
        database: Database,
        queue: SampleQueue,
        rights_of: Callable[[Login], Rights],
        zones: Mapping[str, ZoneInfo],
        clock: Clock,
        *,
        period_ms: int,
    ) -> None:
        self._database = database
        self._queue = queue
        self._rights_of = rights_of
        self._zones = zones
        self._clock = clock
        self._period_ms = period_ms

    async def answer(self, login: Login, site: str, asked: Asked) -> Answer:
        """Raises NotFound, InvalidArgument with what is allowed, DatabaseUnavailable."""
        allowed = allowed_at(self._rights_of(login), site)
        zone, now = self._zones[site], moment_ms(self._clock.now())
        wish, span = resolution_of(asked.resolution), span_asked(asked.begin, asked.end, zone, now)
        may_see = view_of(site, _wanted(asked.patterns), allowed).chosen.matcher()
        known = await self._known(site, span, now, may_see)
        check_size(wish, 0, len(known.series))
        async with self._database.reading() as connection:
            past = _Past(connection, known, span, zone, self._period_ms)
            resolution, starts, columns = await past.read(wish)
        return Answer(
            site=site,
            zone=zone,
            span=span,
            resolution=resolution,
            starts=starts,
            columns=columns,
            unmatched=unmatched(asked.patterns, [column.key for column in columns]),
        )

    async def _known(self, site: str, span: Span, now: int, may_see: Callable[[str], bool]) -> _Known:
        async with self._database.reading() as connection:
            site_id = await samples.site_id(connection, site) or NOWHERE
            position = await samples.position(connection, site)
            recorded = await rows.series_of(connection, site_id)
            last = await rows.slots_in(connection, site_id, Span(position, position + 1), 1)
        newest_end = position + (last[0][1] if last else self._period_ms)
        waiting, all_read = await self._waiting(site, position) if span.end > position else ([], True)
        newest_end = waiting[-1].end if waiting else newest_end
        new = {key for sample in waiting for key in sample.values}.difference(one.key for one in recorded)
        series = [one for one in [*recorded, *map(Series.new, new)] if may_see(one.key)]
        return _Known(
            site_id=site_id,
            series=sorted(series, key=lambda one: one.key),
            waiting=waiting,
            newest_end=newest_end,
            awaited=awaited_from(newest_end, now) if all_read else newest_end,
        )

    async def _waiting(self, site: str, position: int) -> tuple[list[Sample], bool]:
        """What waits in the store, and whether that is all of it."""
        found: list[Sample] = []
        while len(found) < MOST_WAITING:
            try:
                some = await self._queue.read_after(site, position, WAITING_AT_ONCE)
            except StoreUnavailable:
                return found, False
            found += [one for one in some if isinstance(one, Sample)]
            if len(some) < WAITING_AT_ONCE:
                return found, True
            position = some[-1].slot
        return found, False


_Found: TypeAlias = tuple[Resolution, list[int], list[Column]]


class _Past:
    """Reads the answer to one question."""

    def __init__(
        self, connection: AsyncConnection, known: _Known, span: Span, zone: ZoneInfo, period_ms: int
    ) -> None:
        self._connection = connection
        self._known = known
        self._span = span
        self._zone = zone
        self._period_ms = period_ms
        self._oldest: int | None = None

    async def read(self, wish: Resolution) -> _Found:
        """Resolution, starts of the buckets, and a column for each series."""
        known, span, period_ms = self._known, self._span, self._period_ms
        self._oldest = await rows.oldest_slot(self._connection, known.site_id)
        if self._oldest is None and known.waiting:
            self._oldest = known.waiting[0].slot
        kept = await self._kept() if wish is Resolution.auto else {}
        resolution = finest(span, period_ms, kept) if wish is Resolution.auto else wish
        if resolution is Resolution.slot:
            whole = Span(slot_of(span.begin, period_ms), span.end)
            slots = await self._slots(whole, MOST_POINTS)
            starts = slot_starts([*slots.items()], whole, period_ms, MOST_POINTS + 1)
            if wish is Resolution.slot or len(starts) <= MOST_AUTO:
                check_size(resolution, len(starts), len(known.series))
                return resolution, starts, await self._by_slot(whole, slots, starts)
            resolution = finest(span, period_ms, kept, without_slots=True)  # they were shorter then than they are now
        bounds = edges(resolution, span, self._zone, MOST_POINTS + 1)
        check_size(resolution, len(bounds) - 1, len(known.series))
        return resolution, bounds[:-1], await self._by_bucket(resolution, bounds)

    async def _kept(self) -> dict[Resolution, int]:
        """Where the oldest bucket of each resolution begins."""
        there = [one for one in self._known.series if one.id is not None]
        kept = {} if self._oldest is None else {Resolution.slot: self._oldest}
        if there:
            eldest = min(there, key=lambda one: one.since)
            kept |= await rows.oldest_buckets(self._connection, self._known.site_id, eldest.id or NOWHERE)
        return kept

    async def _slots(self, span: Span, most: int) -> dict[int, int]:
        """The slots that were recorded in that time, in order, with their periods."""
        found = dict(await rows.slots_in(self._connection, self._known.site_id, span, most))
        found.update((one.slot, one.period_ms) for one in self._known.waiting if span.begin <= one.slot < span.end)
        return dict(sorted(found.items()))

    async def _readings(self, span: Span, slots: Mapping[int, int]) -> dict[str, list[Reading]]:
        """What the series were in these slots, in order."""
        known = self._known
        found: dict[str, list[Reading]] = {one.key: [] for one in known.series}
        found |= await rows.readings_in(self._connection, known.site_id, known.keys, span, slots)
        for sample in known.waiting:
            if sample.slot not in slots:
                continue
            for key in sample.values.keys() & found.keys():
                if not found[key] or found[key][-1].slot < sample.slot:  # it may have been carried over meanwhile
                    found[key].append(Reading(sample.slot, sample.period_ms, *sample.values[key]))
        return found

    async def _by_slot(self, span: Span, slots: Mapping[int, int], starts: Sequence[int]) -> list[Column]:
        readings = await self._readings(span, slots)

        def columns() -> list[Column]:
            by_slot = {key: {one.slot: one for one in some} for key, some in readings.items()}
            return [
                slot_column(one.key, one.unit, starts, by_slot[one.key], self._known.awaited)
                for one in self._known.series
            ]

        return await asyncio.to_thread(columns)

    async def _by_bucket(self, resolution: Resolution, bounds: Sequence[int]) -> list[Column]:
        known = self._known
        whole = slot_of(await rows.rolled_up_to(self._connection, known.site_id), QUARTER_MS)
        n_whole = max(0, bisect_right(bounds, whole) - 1)
        before = Span(bounds[0], bounds[n_whole])
        buckets = await rows.buckets_in(self._connection, resolution, known.site_id, known.keys, before)
        open_bounds = bounds[n_whole:]
        if len(open_bounds) > 1 and open_bounds[0] < known.newest_end and self._oldest is not None:
            newest, awaited = await self._open(resolution, open_bounds, max(whole, self._oldest))
        else:
            newest, awaited = {}, known.awaited

        def columns() -> list[Column]:
            return [
                bucket_column(
                    one.key,
                    one.unit,
                    bounds[:-1],
                    {**buckets.get(one.key, {}), **newest.get(one.key, {})},
                    awaited,
                )
                for one in known.series
            ]

        return await asyncio.to_thread(columns)

    async def _open(
        self, resolution: Resolution, bounds: Sequence[int], begin: int
    ) -> tuple[dict[str, dict[int, Point]], int]:
        """The buckets that no roll-up has taken whole, and from when on something may still come.

        ``begin``: from here on slots are read.
        """
        known = self._known
        begin = slot_of(max(begin, bounds[0]), QUARTER_MS)
        look_back_ms = LOOK_BACK_SLOTS * self._period_ms
        span, awaited = Span(begin - look_back_ms, min(bounds[-1], known.newest_end)), known.awaited
        most = max(MOST_TAIL_SLOTS, 2 * QUARTER_MS // self._period_ms)
        slots = await self._slots(span, most)
        if len(slots) >= most:
            awaited = [*slots][most - 1]
            span = Span(span.begin, awaited)
        readings = await self._readings(span, slots)
        quarters = None
        if resolution is not Resolution.quarter:
            taken = Span(bounds[0], begin)
            quarters = await rows.buckets_in(self._connection, Resolution.quarter, known.site_id, known.keys, taken)

        def made() -> dict[str, dict[int, Point]]:
            return {
                key: open_buckets(
                    key, some, None if quarters is None else quarters.get(key, {}), bounds, Span(begin, span.end)
                )
                for key, some in readings.items()
            }

        return await asyncio.to_thread(made), awaited


def _wanted(patterns: Sequence[str]) -> Filter:
    if len(patterns) > MOST_PATTERNS:
        raise InvalidArgument(f"series: at most {MOST_PATTERNS} patterns, these are {len(patterns)}")
    wanted = Filter.of(patterns)
    for pattern in wanted.patterns:
        check_recordable(pattern)
    return wanted
