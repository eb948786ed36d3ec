"""Where the energy of each consumer came from, bucket by bucket: the quarters of an hour that are kept, added up.

Rules:

* A quarter is in the bucket in which it begins. A bucket without any is None, never 0; nothing is interpolated.
* A bucket that lacks some of its quarters is the sum of the others, and ``coverage`` says which part of those that
  are over is there.
* Whoever may see the key from which a consumer's energy was counted may see where that came from.
* Everything is added up from quarters, so there are no slots, and their number has a bound of its own.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import tzinfo
from itertools import pairwise
from typing import Final

import msgspec

from gateway.domain.errors import InvalidArgument
from gateway.domain.history import (
    HOUR_MS,
    MOST_POINTS,
    QUARTER_MS,
    Resolution,
    Span,
    edges,
    finest,
    resolution_of,
)
from gateway.domain.history_columns import DECIMALS as PARTS
from gateway.domain.rollups import DECIMALS, SourceEnergy, consumers
from gateway.domain.slots import first_slot_from, slot_of

RESOLUTIONS: Final = (Resolution.auto, Resolution.quarter, Resolution.hour, Resolution.day)
MOST_QUARTERS: Final = 500_000
"""Of all consumers together in one answer: five years of a house with two charge points."""


class SourceColumn(msgspec.Struct, frozen=True, kw_only=True):
    """A consumer over all buckets."""

    consumer: str
    grid_wh: list[float | None]
    pv_wh: list[float | None]
    battery_wh: list[float | None]
    unknown_wh: list[float | None]
    coverage: list[float]


class _Sum(msgspec.Struct):
    """Of the quarters in a bucket."""

    quarters: int = 0
    grid_wh: float = 0.0
    pv_wh: float = 0.0
    battery_wh: float = 0.0
    unknown_wh: float = 0.0

    def add(self, energy: SourceEnergy) -> None:
        self.quarters += 1
        self.grid_wh += energy.grid_wh
        self.pv_wh += energy.pv_wh
        self.battery_wh += energy.battery_wh
        self.unknown_wh += energy.unknown_wh


class SourceSums:
    """Adds up quarters, in whatever order they come. ``bounds``: where buckets begin, and where the last one ends."""

    def __init__(self, names: Iterable[str], bounds: Sequence[int]) -> None:
        self._bounds = bounds
        self._sums: dict[str, dict[int, _Sum]] = {name: {} for name in names}

    def add(self, consumer: str, slot: int, energy: SourceEnergy) -> None:
        """A quarter, which counts once; one that is in no bucket does not count."""
        if self._bounds[0] <= slot < self._bounds[-1]:
            start = self._bounds[bisect_right(self._bounds, slot) - 1]
            self._sums[consumer].setdefault(start, _Sum()).add(energy)

    def columns(self, now: int) -> list[SourceColumn]:
        over = [_quarters_over(begin, end, now) for begin, end in pairwise(self._bounds)]
        return [self._column(consumer, sums, over) for consumer, sums in self._sums.items()]

    def _column(self, consumer: str, sums: dict[int, _Sum], over: Sequence[int]) -> SourceColumn:
        found = [sums.get(start) for start in self._bounds[:-1]]
        return SourceColumn(
            consumer=consumer,
            grid_wh=[None if one is None else round(one.grid_wh, DECIMALS) for one in found],
            pv_wh=[None if one is None else round(one.pv_wh, DECIMALS) for one in found],
            battery_wh=[None if one is None else round(one.battery_wh, DECIMALS) for one in found],
            unknown_wh=[None if one is None else round(one.unknown_wh, DECIMALS) for one in found],
            coverage=[
                0.0 if one is None else round(one.quarters / max(one.quarters, past), PARTS)
                for one, past in zip(found, over, strict=True)
            ],
        )


def _quarters_over(begin: int, end: int, now: int) -> int:
    """How many quarters begin in that time and are over."""
    until = min(end, slot_of(now, QUARTER_MS))
    return max(0, first_slot_from(until, QUARTER_MS) - first_slot_from(begin, QUARTER_MS)) // QUARTER_MS


def visible_consumers(keys: Iterable[str], may_see: Callable[[str], bool]) -> list[str]:
    """Who may be seen of the consumers of these recorded keys.

    A charge point's energy was counted from its meter if it has one, else, like the house's, from power.
    """
    return [name for name, (power, meter) in consumers(keys).items() if may_see(meter or power)]


def resolution_for(wish: str, span: Span) -> Resolution:
    """What that word means for that time; raises InvalidArgument."""
    resolution = resolution_of(wish, RESOLUTIONS)
    if resolution is not Resolution.auto:
        return resolution
    whole = Span(slot_of(span.begin, HOUR_MS), first_slot_from(span.end, HOUR_MS))  # as it is widened
    return finest(whole, QUARTER_MS, {}, without_slots=True)


def bounds_of(resolution: Resolution, span: Span, zone: tzinfo, n_consumers: int) -> list[int]:
    """Where the buckets begin, and last where the last one ends.

    Raises InvalidArgument, with what to do, for more than one answer holds.
    """
    most = MOST_POINTS // max(n_consumers, 1)
    bounds = edges(resolution, span, zone, most + 1)
    if len(bounds) - 1 > most:
        raise InvalidArgument(
            f"resolution: {resolution.value} makes more than {most:,} points for each of {n_consumers} consumers, and"
            f" one answer holds {MOST_POINTS:,}; ask for less time, a coarser resolution, or auto"
        )
    return bounds


def most_quarters(bounds: Sequence[int], n_consumers: int) -> int:
    """So many quarters these buckets have at most, of all consumers."""
    return (bounds[-1] - bounds[0]) // QUARTER_MS * n_consumers


def check_quarters(found: int) -> None:
    """Raises InvalidArgument for more than one answer adds up."""
    if found > MOST_QUARTERS:
        raise InvalidArgument(
            f"from and to: at most {MOST_QUARTERS:,} quarters of an hour are added up in one answer, all consumers"
            f" together, these are {found:,}; ask for less time"
        )
