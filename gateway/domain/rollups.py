"""What is kept of slots when they are many: quarters of an hour, hours and local days.

Rules:

* A roll-up is what ``history_columns`` makes of the slots of a bucket, so that an answer from roll-ups and one from
  slots is the same. Only whole buckets are rolled up; what is not over yet is reckoned when it is asked for.
* Hours and days are made of their quarters. The same quarters make the same hours and days, however often.
* The quality of a bucket is the worst in it.
* *Sources*: in each slot a consumer draws the mix of that moment (``energy_sources.py``). A charge point's energy is
  what its meter counted in the quarter, spread over the mixes by the power that flowed; without readings, and for the
  house, which has no meter, it is power by time. What flowed under no known mix is ``unknown_wh``.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from gateway.domain.energy_sources import Mix, SourceCount
from gateway.domain.history import QUARTER_MS, Span
from gateway.domain.history_columns import Point, Reading, joined, reduced
from gateway.domain.slots import MS_OF_AN_HOUR, Quality, slot_of

BADNESS: Final = (Quality.live, Quality.rebuilt, Quality.jumped, Quality.stale)
HOUSE: Final = "house"
DECIMALS: Final = 3


class Rollup(msgspec.Struct, frozen=True):
    """A series in the bucket that begins at ``slot``."""

    slot: int
    point: Point
    quality: int


class SourceEnergy(msgspec.Struct, frozen=True):
    """Where a consumer's energy came from, Wh."""

    grid_wh: float = 0.0
    pv_wh: float = 0.0
    battery_wh: float = 0.0
    unknown_wh: float = 0.0


def quarters(key: str, readings: Sequence[Reading], before: float | None, span: Span) -> list[Rollup]:
    """The quarters of a span that begins and ends with one; ``readings`` are its slots, in order.

    ``before`` is the last known reading ahead of them. A quarter without a slot has none.
    """
    starts = range(span.begin, span.end + 1, QUARTER_MS)
    grades: dict[int, int] = {}
    for one in readings:
        start = slot_of(one.slot, QUARTER_MS)
        grades[start] = worse(grades.get(start, Quality.live), one.quality)
    points = reduced(key, readings, before, starts, span.end)
    return [Rollup(start, point, grades[start]) for start, point in points.items()]


def larger(parts: Sequence[Rollup], bounds: Sequence[int]) -> list[Rollup]:
    """The buckets between ``bounds``, the last of which is where the last one ends, of the quarters in them."""
    if not bounds:
        return []
    inside = [one for one in parts if bounds[0] <= one.slot < bounds[-1]]
    grades: dict[int, int] = {}
    for one in inside:
        start = bounds[bisect_right(bounds, one.slot) - 1]
        grades[start] = worse(grades.get(start, Quality.live), one.quality)
    points = joined({one.slot: one.point for one in inside}, bounds, bounds[-1])
    return [Rollup(start, point, grades[start]) for start, point in points.items()]


def worse(one: int, other: int) -> int:
    """Of two qualities."""
    return max(one, other, key=_badness)


def _badness(quality: int) -> int:
    return BADNESS.index(Quality(quality)) if quality in BADNESS else len(BADNESS)


def sources(
    powers: Iterable[Reading], mixes: Mapping[int, Mix | None], counted_wh: Mapping[int, float | None]
) -> dict[int, SourceEnergy]:
    """By quarters: ``powers`` is what the consumer drew in each slot, ``mixes`` those of the slots.

    ``counted_wh``: what its meter counted in each quarter, if it has one.
    """
    inside: dict[int, list[Reading]] = {}
    for one in powers:
        if one.value is not None:
            inside.setdefault(slot_of(one.slot, QUARTER_MS), []).append(one)
    return {start: _sources(some, mixes, counted_wh.get(start)) for start, some in inside.items()}


def _sources(powers: Sequence[Reading], mixes: Mapping[int, Mix | None], counted_wh: float | None) -> SourceEnergy:
    count, drawn_wh = SourceCount(), 0.0
    for one in powers:
        power_w = max(one.value or 0.0, 0.0)
        drawn_wh += power_w * one.period_ms / MS_OF_AN_HOUR
        count.pass_time(one.period_ms / 1000, power_w, mixes.get(one.slot))
    energy_wh = drawn_wh if counted_wh is None else counted_wh
    count.count(energy_wh, None)
    known = (count.grid_wh, count.pv_wh, count.battery_wh)
    return SourceEnergy(*(round(part, DECIMALS) for part in (*known, max(energy_wh - sum(known), 0.0))))


def consumers(keys: Iterable[str]) -> dict[str, tuple[str, str | None]]:
    """Who draws energy, by name: the key of the power, and that of the meter if there is one."""
    known = set(keys)
    found: dict[str, tuple[str, str | None]] = {}
    if f"{HOUSE}/power_w" in known:
        found[HOUSE] = (f"{HOUSE}/power_w", None)
    for key in sorted(known):
        group, _, leaf = key.rpartition("/")
        if group.startswith("chargepoints/") and leaf == "power_w":
            meter = f"{group}/meter_wh"
            found[group] = (key, meter if meter in known else None)
    return found
