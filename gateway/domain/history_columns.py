"""What a series was, bucket by bucket: numbers where they are known, and else the reason why they are not.

Rules:

* Nothing is interpolated. A bucket without a known number is None, and lies in a *gap* with its reason: ``stale``
  nobody vouched for the values, ``unknown`` the box itself did not know, ``not_recorded`` nothing was recorded or is
  kept of the series then, ``not_yet`` that time is not over, or what was recorded has yet to arrive.
* A bucket that is known in part has numbers, of the known part, and ``coverage`` says how large that part is.
* What no roll-up has taken yet is reduced here, by the same rules: means are weighted by time; a counter's energy is
  the sum of the differences between known readings, also over a gap between them, without those that jump.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final, Literal, TypeAlias

import msgspec

from gateway.domain.history import QUARTER_MS, Span
from gateway.domain.slots import Quality, is_counter

Reason: TypeAlias = Literal["stale", "not_recorded", "unknown", "not_yet"]
Kind: TypeAlias = Literal["gauge", "counter"]
AWAITED_MS: Final = 900_000
"""So long after the last recorded slot what is missing may still come; later it is a gap of the recorder."""
DECIMALS: Final = 6


class Reading(msgspec.Struct, frozen=True):
    """A series in one slot, which is ``period_ms`` long."""

    slot: int
    period_ms: int
    value: float | None
    quality: int


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """A series in one bucket. ``span_ms`` is how much of the bucket has passed, ``known_ms`` how much has values.

    ``energy_wh``, only of counters: what was counted; None where no two readings are known.
    """

    mean: float | None = None
    low: float | None = None
    high: float | None = None
    last: float | None = None
    energy_wh: float | None = None
    known_ms: float
    span_ms: float
    stale: bool = False
    """Whether a slot of it was."""

    @property
    def coverage(self) -> float:
        return min(1.0, self.known_ms / self.span_ms) if self.span_ms > 0 else 0.0


class Gap(msgspec.Struct, frozen=True):
    """Buckets without a number, by their places: from ``begin`` on, before ``end``."""

    begin: int
    end: int
    reason: Reason


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A series over all buckets. ``values`` are means, or of slots the values; the lists are as long as the times.

    Slots have no ``low``, ``high``, ``coverage`` and ``energy_wh``; what is no counter has no ``energy_wh``.
    """

    key: str
    unit: str | None
    kind: Kind
    values: list[float | None]
    last: list[float | None]
    low: list[float | None] | None = None
    high: list[float | None] | None = None
    energy_wh: list[float | None] | None = None
    coverage: list[float] | None = None
    gaps: list[Gap]


def kind_of(key: str) -> Kind:
    return "counter" if is_counter(key) else "gauge"


def awaited_from(newest_end: int | None, now: int) -> int:
    """From when on what is missing may still come. ``newest_end``: the end of the newest slot that was recorded."""
    if newest_end is not None and now - newest_end <= AWAITED_MS:
        return newest_end
    return now


def slot_column(
    key: str, unit: str | None, starts: Sequence[int], readings: Mapping[int, Reading], awaited: int
) -> Column:
    """The series slot by slot. ``awaited``: see ``awaited_from``."""
    values: list[float | None] = []
    reasons: list[Reason | None] = []
    for start in starts:
        reading = readings.get(start)
        values.append(None if reading is None else reading.value)
        if reading is None:
            reasons.append("not_yet" if start >= awaited else "not_recorded")
        elif reading.value is None:
            reasons.append("stale" if reading.quality == Quality.stale else "unknown")
        else:
            reasons.append(None)
    return Column(key=key, unit=unit, kind=kind_of(key), values=values, last=values, gaps=gaps_of(reasons))


def bucket_column(
    key: str, unit: str | None, starts: Sequence[int], buckets: Mapping[int, Point], awaited: int
) -> Column:
    """The series bucket by bucket, by their starts."""
    kind = kind_of(key)
    found = [buckets.get(start) for start in starts]
    reasons = [_reason(start, point, awaited) for start, point in zip(starts, found, strict=True)]
    return Column(
        key=key,
        unit=unit,
        kind=kind,
        values=[None if one is None else _rounded(one.mean) for one in found],
        last=[None if one is None else one.last for one in found],
        low=[None if one is None else one.low for one in found],
        high=[None if one is None else one.high for one in found],
        energy_wh=[None if one is None else _rounded(one.energy_wh) for one in found] if kind == "counter" else None,
        coverage=[0.0 if one is None else round(one.coverage, DECIMALS) for one in found],
        gaps=gaps_of(reasons),
    )


def _reason(start: int, point: Point | None, awaited: int) -> Reason | None:
    if point is None:
        return "not_yet" if start >= awaited else "not_recorded"
    if point.mean is not None:
        return None
    return "stale" if point.stale else "unknown"


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, DECIMALS)


def gaps_of(reasons: Iterable[Reason | None]) -> list[Gap]:
    """Neighbours of the same reason are one gap."""
    gaps: list[Gap] = []
    for place, reason in enumerate(reasons):
        if reason is None:
            continue
        if gaps and gaps[-1].end == place and gaps[-1].reason == reason:
            gaps[-1] = Gap(gaps[-1].begin, place + 1, reason)
        else:
            gaps.append(Gap(place, place + 1, reason))
    return gaps


def open_buckets(
    key: str,
    readings: Sequence[Reading],
    quarters: Mapping[int, Point] | None,
    bounds: Sequence[int],
    unreduced: Span,
) -> dict[int, Point]:
    """What is not rolled up yet, by the starts of its buckets.

    ``unreduced`` is the time of those readings that are to be reduced; the ones before it are there for the last
    known of them. ``quarters`` are rolled up before that time and lie in these buckets; None: the buckets are
    quarters themselves.
    """
    before, inside = None, []
    for one in readings:
        if one.slot >= unreduced.begin:
            inside.append(one)
        elif one.value is not None:
            before = one.value
    starts = range(unreduced.begin, max(unreduced.end, unreduced.begin) + QUARTER_MS, QUARTER_MS)
    newest = reduced(key, inside, before, starts, unreduced.end)
    return newest if quarters is None else joined({**quarters, **newest}, bounds, unreduced.end)


def reduced(
    key: str, readings: Sequence[Reading], before: float | None, starts: Sequence[int], until: int
) -> dict[int, Point]:
    """What the readings, in order, make of buckets, of which ``starts`` is also where the last one ends.

    ``before`` is the last known reading ahead of them, ``until`` the end of the newest slot that was recorded.
    """
    counts, place, points, held = is_counter(key), 0, {}, before
    for begin, end in pairwise(starts):
        inside = []
        while place < len(readings) and readings[place].slot < end:
            inside.append(readings[place])
            place += 1
        if not inside:
            continue
        energy_wh, held = _counted(inside, held)
        points[begin] = _reduced(inside, energy_wh if counts else None, min(end, until) - begin)
    return points


def _counted(inside: Sequence[Reading], held: float | None) -> tuple[float | None, float | None]:
    """The energy between the readings, and the last known one."""
    energy_wh: float | None = None
    for one in inside:
        if one.value is None:
            continue
        if held is not None and one.quality != Quality.jumped:
            energy_wh = (energy_wh or 0.0) + one.value - held
        held = one.value
    return energy_wh, held


def _reduced(inside: Sequence[Reading], energy_wh: float | None, span_ms: int) -> Point:
    known = [(one.value, one.period_ms) for one in inside if one.value is not None]
    known_ms = sum(period_ms for _, period_ms in known)
    values = [value for value, _ in known]
    return Point(
        mean=sum(value * period_ms for value, period_ms in known) / known_ms if known else None,
        low=min(values, default=None),
        high=max(values, default=None),
        last=values[-1] if values else None,
        energy_wh=energy_wh,
        known_ms=known_ms,
        span_ms=max(span_ms, known_ms),
        stale=any(one.quality == Quality.stale for one in inside),
    )


def joined(parts: Mapping[int, Point], starts: Sequence[int], until: int) -> dict[int, Point]:
    """Smaller buckets put together to larger ones, of which ``starts`` is also where the last one ends.

    ``until`` is the end of the newest slot that was recorded: what is missing before it counts as not known.
    """
    larger: dict[int, Point] = {}
    place, smaller = 0, sorted(parts)
    for begin, end in pairwise(starts):
        inside = []
        while place < len(smaller) and smaller[place] < end:
            inside.append(parts[smaller[place]])
            place += 1
        if inside:
            larger[begin] = _joined(inside, min(end, until) - begin)
    return larger


def _joined(inside: Sequence[Point], span_ms: int) -> Point:
    means = [(one.mean, one.known_ms) for one in inside if one.mean is not None]
    known_ms = sum(part_ms for _, part_ms in means)
    energies = [one.energy_wh for one in inside if one.energy_wh is not None]
    return Point(
        mean=sum(mean * part_ms for mean, part_ms in means) / known_ms if known_ms > 0 else None,
        low=min((one.low for one in inside if one.low is not None), default=None),
        high=max((one.high for one in inside if one.high is not None), default=None),
        last=next((one.last for one in reversed(inside) if one.last is not None), None),
        energy_wh=sum(energies) if energies else None,
        known_ms=known_ms,
        span_ms=max(span_ms, known_ms),
        stale=any(one.stale for one in inside),
    )
