"""Which times an answer about the past has: its resolution, and where its buckets begin.

Rules:

* A *bucket* is a span of time with one number for each series, and is named by its start, in epoch milliseconds: a
  slot, a quarter of an hour, an hour or a day. Quarters and hours are multiples of their length since the epoch. A
  day is the site's: it begins at local midnight (where clocks leave that out, with the first moment after it) and has
  23, 24 or 25 hours.
* The time that is asked for is half open: what begins at its end is not in it. It is widened to whole buckets.
* ``auto`` is the finest resolution with at most ``MOST_AUTO`` points for each series that reaches back as far as the
  coarser ones do: the finer ones are deleted first.
* Slots that were not recorded are in an answer by slots too, as the slots beside them are long.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from enum import Enum
from itertools import islice
from typing import Final

import msgspec

from gateway.domain.errors import InvalidArgument
from gateway.domain.moments import parse_moment
from gateway.domain.slots import first_slot_from, moment_ms, slot_of, slots_between

MOST_AUTO: Final = 2_000
MOST_SERIES: Final = 50
MOST_POINTS: Final = 100_000
"""Of all series together in one answer."""
DEFAULT_MS: Final = 86_400_000
QUARTER_MS: Final = 900_000
HOUR_MS: Final = 3_600_000
SHORTEST_DAY_MS: Final = 23 * HOUR_MS
LONGEST_DAY_MS: Final = 25 * HOUR_MS


class Resolution(Enum):
    """How long a bucket is."""

    auto = "auto"
    slot = "slot"
    quarter = "15m"
    hour = "1h"
    day = "1d"


TIERS: Final = (Resolution.slot, Resolution.quarter, Resolution.hour, Resolution.day)
"""The finest first."""


class Span(msgspec.Struct, frozen=True):
    """A time, half open, in epoch milliseconds."""

    begin: int
    end: int


def resolution_of(text: str, allowed: Collection[Resolution] = tuple(Resolution)) -> Resolution:
    """Raises InvalidArgument with those that are allowed."""
    for one in allowed:
        if one.value == text:
            return one
    names = ", ".join(one.value for one in allowed)
    raise InvalidArgument(f"resolution: allowed are {names}; got {text[:50]!r}")


def span_asked(begin: str | None, end: str | None, zone: tzinfo, now: int) -> Span:
    """The time of a question. Without ``begin`` it is the day before ``end``, without ``end`` it ends now.

    Raises InvalidArgument.
    """
    until = now if end is None else moment_ms(parse_moment(end, zone, "to"))
    since = until - DEFAULT_MS if begin is None else moment_ms(parse_moment(begin, zone, "from"))
    return span_of(since, until)


def span_of(begin: int, end: int) -> Span:
    """The time that is asked for; raises InvalidArgument when it has no length."""
    if begin >= end:
        raise InvalidArgument("from and to: from must be before to")
    return Span(begin, end)


def start_of_day(day: date, zone: tzinfo) -> int:
    """The first moment of a local day.

    Of a midnight that is there twice it is the first; for one that clocks leave out the offset before the gap
    counts, which is the very moment of the change.
    """
    return round(datetime.combine(day, time(), tzinfo=zone).timestamp()) * 1000


def day_of(moment: int, zone: tzinfo) -> date:
    """The local day in which a moment is."""
    return datetime.fromtimestamp(moment / 1000, zone).date()


def edges(resolution: Resolution, asked: Span, zone: tzinfo, most: int) -> list[int]:
    """Where the buckets of that time begin, and last where the last one ends. More than ``most`` buckets are cut."""
    if resolution is Resolution.day:
        return list(islice(_days(asked, zone), most + 1))
    length = HOUR_MS if resolution is Resolution.hour else QUARTER_MS
    end = first_slot_from(asked.end, length)
    return list(islice(range(slot_of(asked.begin, length), end + 1, length), most + 1))


def _days(asked: Span, zone: tzinfo) -> Iterator[int]:
    day = day_of(asked.begin, zone)
    edge = start_of_day(day, zone)
    yield edge
    while edge < asked.end:
        day += timedelta(days=1)
        following = start_of_day(day, zone)
        if following > edge:  # a day that a place skips, as Samoa did in 2011, has no length
            yield following
        edge = following


def slot_starts(recorded: Sequence[tuple[int, int]], asked: Span, period_ms: int, most: int) -> list[int]:
    """Where slots begin in that time: those recorded, as (slot, period), in order, and those that are missing.

    ``period_ms``: how long they are today, where none tell. More than ``most`` of them are cut.
    """
    return list(islice(_slots(recorded, asked, period_ms), most))


def _slots(recorded: Sequence[tuple[int, int]], asked: Span, period_ms: int) -> Iterator[int]:
    until, length = asked.begin, 0
    for slot, period in recorded:
        step = max(length, period)
        yield from slots_between(until, slot, step)
        yield slot
        until, length = slot + period, period
    step = max(length, period_ms)
    yield from slots_between(until, asked.end, step)


def points(resolution: Resolution, asked: Span, period_ms: int) -> int:
    """How many buckets there are in that time, about."""
    lengths = {Resolution.quarter: QUARTER_MS, Resolution.hour: HOUR_MS, Resolution.day: SHORTEST_DAY_MS}
    return -(-(asked.end - asked.begin) // lengths.get(resolution, period_ms))


def finest(asked: Span, period_ms: int, kept: Mapping[Resolution, int], *, without_slots: bool = False) -> Resolution:
    """What ``auto`` means for that time. ``kept``: where the oldest bucket of each resolution begins, if any.

    Raises InvalidArgument when even days are too many.
    """
    for place, resolution in enumerate(TIERS):
        if resolution is Resolution.slot and without_slots:
            continue
        if points(resolution, asked, period_ms) <= MOST_AUTO and _reaches_back(place, asked, kept):
            return resolution
    raise InvalidArgument(
        f"from and to: with resolution=auto at most {MOST_AUTO * SHORTEST_DAY_MS // (24 * HOUR_MS)} days; ask for"
        " less time, or with resolution=1d"
    )


def _reaches_back(place: int, asked: Span, kept: Mapping[Resolution, int]) -> bool:
    """Whether no coarser resolution knows more of that time. What began amid a coarser bucket is not missing."""
    coarser = [(one, kept[one]) for one in TIERS[place + 1 :] if one in kept]
    lengths = {Resolution.quarter: QUARTER_MS, Resolution.hour: HOUR_MS, Resolution.day: LONGEST_DAY_MS}
    oldest = min((start + lengths[one] for one, start in coarser), default=asked.begin)
    since = kept.get(TIERS[place])
    return since is not None and since <= max(asked.begin, oldest) if coarser else True


def check_size(resolution: Resolution, n_points: int, series: int) -> None:
    """Raises InvalidArgument, with what to do, for more than one answer holds."""
    if series > MOST_SERIES:
        raise InvalidArgument(
            f"series: at most {MOST_SERIES} in one answer, these patterns choose {series}; name fewer"
        )
    if n_points * max(series, 1) > MOST_POINTS:
        raise InvalidArgument(
            f"resolution: {resolution.value} makes more than {MOST_POINTS // max(series, 1):,} points for each of"
            f" {series} series, and one answer holds {MOST_POINTS:,}; ask for less time, fewer series, a coarser"
            " resolution, or auto"
        )
