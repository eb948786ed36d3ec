"""Local times without an offset, as boxes write them, and the moments they stand for.

Rules:

* A time that exists once is that moment. One that the clocks skipped is taken as if they had not, and marked.
* One that they showed twice is decided by what is known, each as far as it leaves a choice at all:

  1. it ends after it begins, and not before it charged for as long as it says; where the log tells how long it took
     from begin to end, that is what it took;
  2. lines are written in the order of their ends;
  3. a charge point begins no line before it ended the one before.

  What then is still open is marked, and the first of the two is taken.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from itertools import pairwise, product
from typing import Final, NamedTuple, TypeAlias

import msgspec

from gateway.domain.box_log import DAY_S, Oddity

YEARS: Final = range(2000, 2101)
TOLERANCE_S: Final = 120
"""How far apart printed durations and times may be: both are cut to the minute."""


class Printed(msgspec.Struct, frozen=True):
    """What a line says of its time. ``took_s``: from begin to end; ``charged_s``: at least that long."""

    begin: datetime | None
    end: datetime | None
    place: str | None
    charged_s: int | None = None
    took_s: int | None = None


class Span(NamedTuple):
    begin: float | None
    end: float | None


class Resolved(msgspec.Struct, frozen=True):
    """Epoch seconds, and what is odd about them."""

    begin: float | None
    end: float | None
    oddities: tuple[Oddity, ...] = ()


Spans: TypeAlias = list[Span]


def parsed(text: str | None, *forms: str) -> datetime | None:
    """A local time in the first form that fits; None: in none of them, or of no year that can be meant."""
    for form in forms:
        try:
            found = datetime.strptime(text or "", form)  # noqa: DTZ007 - it has no zone, that is the point
        except ValueError:
            continue
        if found.year in YEARS:
            return found
    return None


def resolve(lines: Sequence[Printed], zone: tzinfo) -> list[Resolved]:
    """The moments of all lines; they come in the order in which they were written."""
    spans = [_possible(line, zone) for line in lines]
    _narrow(spans, _written_in_order)
    places: dict[str | None, list[int]] = {}
    for number, line in enumerate(lines):
        places.setdefault(line.place, []).append(number)
    overlapping: set[int] = set()
    for numbers in places.values():
        own = [spans[number] for number in numbers]
        clashes = _narrow(own, _one_after_the_other)
        overlapping.update(numbers[clash] for clash in clashes)
        for number, narrowed in zip(numbers, own, strict=True):
            spans[number] = narrowed
    return [
        _resolved(line, options, zone, overlaps=number in overlapping)
        for number, (line, options) in enumerate(zip(lines, spans, strict=True))
    ]


def _possible(line: Printed, zone: tzinfo) -> Spans:
    """All that a line may mean, the earliest first; of those, the ones that fit its durations, if any do."""
    spans = [Span(begin, end) for begin, end in product(_moments(line.begin, zone), _moments(line.end, zone))]
    for fits in (_ends_after_begin, _fits_durations):
        spans = [span for span in spans if fits(line, span)] or spans
    return spans


def _moments(local: datetime | None, zone: tzinfo) -> list[float | None]:
    if local is None:
        return [None]
    first, second = (local.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1))
    # of a time that was skipped, fold 0 goes on with the clock as it was before
    return [first, second] if first < second else [first]


def _exists(local: datetime | None, moment: float | None, zone: tzinfo) -> bool:
    return local is None or moment is None or datetime.fromtimestamp(moment, zone).replace(tzinfo=None) == local


def _ends_after_begin(_line: Printed, span: Span) -> bool:
    return span.begin is None or span.end is None or span.begin <= span.end


def _fits_durations(line: Printed, span: Span) -> bool:
    if span.begin is None or span.end is None:
        return True
    took_s = span.end - span.begin
    if line.took_s is not None and abs(took_s - line.took_s) > TOLERANCE_S:
        return False
    return line.charged_s is None or line.charged_s <= took_s + TOLERANCE_S


Fits: TypeAlias = Callable[[Span, Span], bool]


def _written_in_order(earlier: Span, later: Span) -> bool:
    return earlier.end is None or later.end is None or earlier.end <= later.end


def _one_after_the_other(earlier: Span, later: Span) -> bool:
    return earlier.end is None or later.begin is None or earlier.end <= later.begin


def _narrow(spans: list[Spans], fits: Fits) -> list[int]:
    """Leave of each what fits to some of the one before and after it; those are told that fit to none before."""
    clashes = []
    for before, after in pairwise(range(len(spans))):
        kept = [later for later in spans[after] if any(fits(earlier, later) for earlier in spans[before])]
        if kept:
            spans[after] = kept
        else:
            clashes.append(after)
    for after in range(len(spans) - 1, 0, -1):
        kept = [one for one in spans[after - 1] if any(fits(one, later) for later in spans[after])]
        spans[after - 1] = kept or spans[after - 1]
    return clashes


def _resolved(line: Printed, options: Spans, zone: tzinfo, *, overlaps: bool) -> Resolved:
    begin, end = options[0]
    found: list[Oddity] = []
    if begin is None or end is None:
        found.append("no_time")
    if not _exists(line.begin, begin, zone) or not _exists(line.end, end, zone):
        found.append("no_such_time")
    if len(options) > 1:
        found.append("ambiguous_time")
    if begin is not None and end is not None:
        if end < begin:
            found.append("ends_before_begin")
        if end - begin > DAY_S:
            found.append("over_a_day")
    if overlaps:
        found.append("overlaps")
    return Resolved(begin, end, tuple(found))
