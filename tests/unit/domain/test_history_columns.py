"""What a series was, bucket by bucket."""

from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.history import HOUR_MS, QUARTER_MS, Span
from gateway.domain.history_columns import (
    AWAITED_MS,
    Gap,
    Point,
    Reading,
    awaited_from,
    bucket_column,
    gaps_of,
    joined,
    open_buckets,
    reduced,
    slot_column,
)
from gateway.domain.slots import Quality

MINUTE = 60_000
POWER, METER = "grid/power_w", "grid/imported_wh"
LIVE, STALE, REBUILT, JUMPED = Quality


def reading(place: int, value: float | None, quality: int = LIVE, period_ms: int = MINUTE) -> Reading:
    return Reading(place * period_ms, period_ms, value, quality)


def point(mean: float | None = 1.0, **more: float | None) -> Point:
    known = {"known_ms": 0.0 if mean is None else HOUR_MS, "span_ms": HOUR_MS}
    return Point(mean=mean, **{**known, **more})  # type: ignore[arg-type]


# --- gaps -----------------------------------------------------------------------------------------------------------


def test_neighbours_of_one_reason_are_one_gap() -> None:
    assert gaps_of([None, "stale", "stale", "unknown", None, "stale"]) == [
        Gap(1, 3, "stale"),
        Gap(3, 4, "unknown"),
        Gap(5, 6, "stale"),
    ]
    assert gaps_of([]) == gaps_of([None]) == []


def test_what_is_missing_may_come_for_a_quarter_of_an_hour() -> None:
    assert awaited_from(1_000, 1_000 + AWAITED_MS) == 1_000
    assert awaited_from(1_000, 1_001 + AWAITED_MS) == 1_001 + AWAITED_MS
    assert awaited_from(None, 5) == 5


def test_slots_have_values_and_reasons() -> None:
    given = {0: reading(0, 1.5), MINUTE: reading(1, None, STALE), 2 * MINUTE: reading(2, None, REBUILT)}
    starts = [place * MINUTE for place in range(5)]
    column = slot_column(POWER, "W", starts, given, 4 * MINUTE)
    assert (column.key, column.unit, column.kind) == (POWER, "W", "gauge")
    assert column.values == column.last == [1.5, None, None, None, None]
    assert column.low is column.high is column.energy_wh is column.coverage is None
    assert [gap.reason for gap in column.gaps] == ["stale", "unknown", "not_recorded", "not_yet"]


def test_buckets_have_numbers_and_reasons() -> None:
    known = Point(
        mean=1 / 3, low=-1.0, high=2.0, last=0.5, energy_wh=0.1 + 0.2, known_ms=30 * MINUTE, span_ms=HOUR_MS
    )
    found = {0: known, 1: point(None, stale=True), 2: point(None)}
    column = bucket_column(METER, "Wh", range(5), found, 4)
    assert column.kind == "counter"
    assert column.values == [0.333333, None, None, None, None]
    assert (column.low, column.high) == ([-1.0, *[None] * 4], [2.0, *[None] * 4])
    assert column.last == [0.5, *[None] * 4]
    assert column.energy_wh == [0.3, *[None] * 4]
    assert column.coverage == [0.5, 0.0, 0.0, 0.0, 0.0]
    assert [gap.reason for gap in column.gaps] == ["stale", "unknown", "not_recorded", "not_yet"]
    assert bucket_column(POWER, "W", range(1), found, 4).energy_wh is None


def test_a_bucket_of_no_length_covers_nothing() -> None:
    assert Point(known_ms=0, span_ms=0).coverage == 0
    assert Point(known_ms=2, span_ms=1).coverage == 1


# --- what is not rolled up yet --------------------------------------------------------------------------------------


def test_means_are_weighted_by_time() -> None:
    given = [Reading(0, 10_000, 60.0, LIVE), Reading(10_000, 50_000, 0.0, LIVE)]
    found = reduced(POWER, given, None, [0, MINUTE], MINUTE)
    assert found == {0: Point(mean=10.0, low=0.0, high=60.0, last=0.0, known_ms=MINUTE, span_ms=MINUTE)}


def test_what_is_not_known_is_not_covered_and_not_counted_in_means() -> None:
    given = [reading(0, 4.0), reading(1, None, STALE), reading(4, 8.0)]
    found = reduced(POWER, given, None, [0, 5 * MINUTE, 10 * MINUTE], 5 * MINUTE)
    assert found == {
        0: Point(mean=6.0, low=4.0, high=8.0, last=8.0, known_ms=2 * MINUTE, span_ms=5 * MINUTE, stale=True)
    }


def test_what_is_not_over_is_not_missing() -> None:
    found = reduced(POWER, [reading(0, 4.0), reading(1, 8.0)], None, [0, QUARTER_MS], 2 * MINUTE)
    assert (found[0].coverage, found[0].mean) == (1.0, 6.0)


def test_a_bucket_of_which_nothing_is_known_has_no_numbers() -> None:
    found = reduced(METER, [reading(0, None, STALE)], 5.0, [0, QUARTER_MS], MINUTE)
    assert found == {0: Point(known_ms=0, span_ms=MINUTE, stale=True)}


@pytest.mark.parametrize(
    ("before", "given", "energies"),
    [
        (None, [(0, 10.0, LIVE)], [None]),
        (None, [(0, 10.0, LIVE), (1, 12.5, LIVE)], [2.5]),
        (9.0, [(0, 10.0, LIVE), (1, 12.5, LIVE)], [3.5]),
        (9.0, [(0, None, STALE), (1, 12.5, LIVE)], [3.5]),
        (9.0, [(0, 10.0, LIVE), (1, 2.0, JUMPED), (2, 3.0, LIVE)], [2.0]),
        (9.0, [(0, 1.0, JUMPED)], [None]),
        (9.0, [(0, 10.0, LIVE), (15, 14.0, REBUILT)], [1.0, 4.0]),
        (9.0, [(14, None, STALE), (15, 14.0, LIVE)], [None, 5.0]),
    ],
)
def test_energy_is_the_sum_of_differences_without_jumps(
    before: float | None, given: list[tuple[int, float | None, int]], energies: list[float | None]
) -> None:
    readings = [reading(*one) for one in given]
    found = reduced(METER, readings, before, [0, QUARTER_MS, 2 * QUARTER_MS], 2 * QUARTER_MS)
    assert [one.energy_wh for one in found.values()] == energies
    assert all(
        one.energy_wh is None for one in reduced(POWER, readings, before, [0, QUARTER_MS], QUARTER_MS).values()
    )


def test_larger_buckets_are_made_of_smaller_ones() -> None:
    parts = {
        0: Point(mean=1.0, low=0.0, high=4.0, last=2.0, energy_wh=1.0, known_ms=QUARTER_MS, span_ms=QUARTER_MS),
        QUARTER_MS: Point(mean=7.0, low=5.0, high=9.0, last=5.0, known_ms=QUARTER_MS / 2, span_ms=QUARTER_MS),
        2 * QUARTER_MS: Point(known_ms=0, span_ms=QUARTER_MS, stale=True),
        HOUR_MS: Point(known_ms=0, span_ms=QUARTER_MS),
    }
    found = joined(parts, [0, HOUR_MS, 2 * HOUR_MS, 3 * HOUR_MS], 90 * MINUTE)
    first = Point(
        mean=3.0,
        low=0.0,
        high=9.0,
        last=5.0,
        energy_wh=1.0,
        known_ms=1.5 * QUARTER_MS,
        span_ms=HOUR_MS,
        stale=True,
    )
    assert found == {0: first, HOUR_MS: Point(known_ms=0, span_ms=HOUR_MS / 2)}


readings_of = st.lists(
    st.tuples(
        st.integers(0, 179),
        st.one_of(st.none(), st.floats(0, 1e6)),
        st.sampled_from([LIVE, STALE, REBUILT, JUMPED]),
    ),
    unique_by=lambda one: one[0],
    max_size=60,
).map(lambda some: [reading(*one) for one in sorted(some)])


@given(readings=readings_of, whole_quarters=st.integers(0, 11))
def test_hours_are_the_same_whatever_of_them_was_rolled_up(readings: list[Reading], whole_quarters: int) -> None:
    """Three hours: what was rolled up before, and slots from there on, are together as if all were slots."""
    bounds, until = [0, HOUR_MS, 2 * HOUR_MS, 3 * HOUR_MS], 3 * HOUR_MS
    at_once = reduced(METER, readings, None, bounds, until)
    begin = whole_quarters * QUARTER_MS
    rolled_up = reduced(METER, readings, None, range(0, begin + 1, QUARTER_MS), until)
    found = open_buckets(METER, readings, rolled_up, bounds, Span(begin, until))
    assert found.keys() == at_once.keys()
    for start, one in found.items():
        other = at_once[start]
        assert (one.low, one.high, one.last, one.stale) == (other.low, other.high, other.last, other.stale)
        assert (one.known_ms, one.span_ms) == (other.known_ms, other.span_ms)
        for ours, theirs in ((one.mean, other.mean), (one.energy_wh, other.energy_wh)):
            assert (ours is None) == (theirs is None)
            assert ours is None or theirs is None or isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-6)


@given(readings=readings_of)
def test_quarters_need_no_smaller_ones(readings: list[Reading]) -> None:
    bounds = range(0, 3 * HOUR_MS + 1, QUARTER_MS)
    span = Span(0, 3 * HOUR_MS)
    assert open_buckets(METER, readings, None, bounds, span) == reduced(METER, readings, None, bounds, span.end)


@given(
    places=st.lists(
        st.tuples(st.integers(0, 20), st.one_of(st.none(), st.floats(-5, 5))), unique_by=lambda one: one[0]
    )
)
def test_every_place_has_a_number_or_one_gap(places: list[tuple[int, float | None]]) -> None:
    column = slot_column(POWER, "W", range(20), {place: reading(0, value) for place, value in places}, 10)
    in_gaps = [place for gap in column.gaps for place in range(gap.begin, gap.end)]
    assert in_gaps == [place for place, value in enumerate(column.values) if value is None]
