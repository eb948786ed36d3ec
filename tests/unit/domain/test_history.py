"""Which times an answer about the past has."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.errors import InvalidArgument
from gateway.domain.history import (
    HOUR_MS,
    MOST_AUTO,
    MOST_POINTS,
    MOST_SERIES,
    QUARTER_MS,
    TIERS,
    Resolution,
    Span,
    check_size,
    day_of,
    edges,
    finest,
    points,
    resolution_of,
    slot_starts,
    span_asked,
    span_of,
    start_of_day,
)

BERLIN = ZoneInfo("Europe/Berlin")
DAY_MS = 24 * HOUR_MS
MINUTE = 60_000
MANY = 10_000
# midnight left out, midnight twice, half an hour, no whole hour, a day that was skipped
ZONES = (
    "Europe/Berlin",
    "UTC",
    "Asia/Beirut",
    "America/Havana",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
)
zones = st.sampled_from([ZoneInfo(name) for name in ZONES])
moments = st.integers(min_value=0, max_value=2_200_000_000_000)


def ms(text: str, zone: ZoneInfo = BERLIN) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)


def test_resolutions_by_their_names() -> None:
    assert [resolution_of(name) for name in ("auto", "slot", "15m", "1h", "1d")] == list(Resolution)
    for wrong in ("", "1m", "AUTO", "15M", "x" * 100):
        with pytest.raises(InvalidArgument, match="allowed are auto, slot, 15m, 1h, 1d; got "):
            resolution_of(wrong)


def test_a_time_is_as_it_is_asked_for_or_the_day_before_now() -> None:
    now = ms("2026-03-29T12:00")
    assert span_asked(None, None, BERLIN, now) == Span(now - DAY_MS, now)
    assert span_asked(None, "2026-03-29", BERLIN, now) == Span(ms("2026-03-28"), ms("2026-03-29"))
    assert span_asked("2026-03-29", None, BERLIN, now) == Span(ms("2026-03-29"), now)
    for begin, end, wrong in (
        ("today", None, "from: 'today' is no time"),
        (None, "2026-02-30", "to: '2026-02-30' is no time"),
        ("2026-03-29", "2026-03-29", "from must be before to"),
    ):
        with pytest.raises(InvalidArgument, match=wrong):
            span_asked(begin, end, BERLIN, now)


def test_a_time_has_a_length() -> None:
    assert span_of(1, 2) == Span(1, 2)
    for end in (1, 0):
        with pytest.raises(InvalidArgument, match="from must be before to"):
            span_of(1, end)


def test_quarters_and_hours_are_widened_to_whole_ones() -> None:
    asked = Span(7 * QUARTER_MS + 1, 9 * QUARTER_MS)
    assert edges(Resolution.quarter, asked, BERLIN, MANY) == [one * QUARTER_MS for one in (7, 8, 9)]
    assert edges(Resolution.hour, asked, BERLIN, MANY) == [HOUR_MS, 2 * HOUR_MS, 3 * HOUR_MS]
    assert edges(Resolution.quarter, Span(0, 1), BERLIN, MANY) == [0, QUARTER_MS]


@pytest.mark.parametrize(
    ("day", "following", "hours"),
    [("2026-03-28", "2026-03-29", 24), ("2026-03-29", "2026-03-30", 23), ("2026-10-25", "2026-10-26", 25)],
)
def test_local_days_have_23_to_25_hours(day: str, following: str, hours: int) -> None:
    begin, end = ms(day), ms(following)
    assert end - begin == hours * HOUR_MS
    assert edges(Resolution.day, Span(begin, end), BERLIN, MANY) == [begin, end]
    assert edges(Resolution.day, Span(begin + 1, begin + 2), BERLIN, MANY) == [begin, end]
    assert edges(Resolution.day, Span(begin - 1, end + 1), BERLIN, MANY)[1:3] == [begin, end]
    assert len(edges(Resolution.hour, Span(begin, end), BERLIN, MANY)) - 1 == hours


@pytest.mark.parametrize(
    ("zone", "day", "first"),
    [
        ("Asia/Beirut", "2025-03-30", "2025-03-29T22:00:00"),  # clocks go from 00:00 to 01:00
        ("America/Havana", "2025-11-02", "2025-11-02T04:00:00"),  # and from 01:00 to 00:00, so that it is there twice
    ],
)
def test_a_day_begins_with_its_first_moment_where_midnight_is_left_out_or_there_twice(
    zone: str, day: str, first: str
) -> None:
    assert start_of_day(datetime.fromisoformat(day).date(), ZoneInfo(zone)) == ms(first, ZoneInfo("UTC"))


def test_a_day_that_is_skipped_has_no_bucket() -> None:
    apia = ZoneInfo("Pacific/Apia")
    starts = edges(Resolution.day, Span(ms("2011-12-29", apia), ms("2012-01-01", apia)), apia, MANY)
    assert [day_of(start, apia).day for start in starts] == [29, 31, 1]


@given(asked=st.tuples(moments, st.integers(1, 40 * DAY_MS)), zone=zones, resolution=st.sampled_from(TIERS[1:]))
def test_buckets_lie_side_by_side_and_hold_what_is_asked(
    asked: tuple[int, int], zone: ZoneInfo, resolution: Resolution
) -> None:
    span = Span(asked[0], sum(asked))
    bounds = edges(resolution, span, zone, MANY)
    assert bounds[0] <= span.begin < bounds[1]
    assert bounds[-2] < span.end <= bounds[-1]
    assert all(one < other for one, other in pairwise(bounds))
    assert len(bounds) - 1 <= points(resolution, span, MINUTE) + 1
    if resolution is Resolution.day:
        # the same days wherever the question begins, each of one date
        assert all(day_of(one, zone) < day_of(other, zone) for one, other in pairwise(bounds))
        assert all(day_of(one, zone) == day_of(other - 1, zone) for one, other in pairwise(bounds))
        assert edges(resolution, Span(bounds[0], bounds[-1]), zone, MANY) == bounds


def test_too_many_buckets_are_cut() -> None:
    for resolution in TIERS[1:]:
        assert len(edges(resolution, Span(0, 1000 * DAY_MS), BERLIN, 3)) == 4
    assert len(slot_starts([], Span(0, DAY_MS), MINUTE, 3)) == 3


# --- slots ----------------------------------------------------------------------------------------------------------


def test_slots_that_are_missing_are_as_long_as_those_beside_them() -> None:
    asked = Span(0, 10 * MINUTE)
    recorded = [(MINUTE, MINUTE), (4 * MINUTE, MINUTE), (5 * MINUTE, MINUTE)]
    assert slot_starts(recorded, asked, MINUTE, MANY) == [one * MINUTE for one in range(10)]
    assert slot_starts([], asked, 5 * MINUTE, MANY) == [0, 5 * MINUTE]


def test_beside_slots_of_two_lengths_missing_ones_have_the_larger() -> None:
    recorded = [(0, 1_000), (1_000, 1_000), (10 * MINUTE, MINUTE)]
    found = slot_starts(recorded, Span(0, 12 * MINUTE), MINUTE, MANY)
    assert found == [0, 1_000, *(one * MINUTE for one in range(1, 12))]


@given(
    slots=st.lists(st.tuples(st.integers(0, 500), st.sampled_from([1_000, 10_000, 60_000])), max_size=30),
    length=st.integers(1, 3 * HOUR_MS),
    period_ms=st.sampled_from([1_000, 60_000]),
)
def test_every_recorded_slot_is_there_and_all_are_in_order(
    slots: list[tuple[int, int]], length: int, period_ms: int
) -> None:
    asked = Span(0, length)
    recorded = sorted({place * period: period for place, period in slots if place * period < length}.items())
    found = slot_starts(recorded, asked, period_ms, 100_000)
    assert all(one < other for one, other in pairwise(found))
    assert {slot for slot, _ in recorded} <= set(found)
    assert all(0 <= one < length for one in found)


# --- auto -----------------------------------------------------------------------------------------------------------


def kept(slot: int, quarter: int = 0, hour: int = 0, day: int = 0) -> dict[Resolution, int]:
    return dict(zip(TIERS, (slot, quarter, hour, day), strict=True))


@pytest.mark.parametrize(
    ("days", "found"),
    [
        (1, Resolution.slot),
        (MOST_AUTO / 1440, Resolution.slot),
        (2, Resolution.quarter),
        (20, Resolution.quarter),
        (31, Resolution.hour),
        (83, Resolution.hour),
        (84, Resolution.day),
        (366, Resolution.day),
        (5 * 366, Resolution.day),
    ],
)
def test_auto_is_the_finest_with_at_most_2000_points(days: float, found: Resolution) -> None:
    asked = Span(1_000 * DAY_MS, 1_000 * DAY_MS + round(days * DAY_MS))
    assert finest(asked, MINUTE, kept(0)) is found
    assert finest(asked, MINUTE, {}) is found


def test_auto_of_too_many_days_says_what_to_do() -> None:
    with pytest.raises(InvalidArgument, match="at most 1916 days; ask for less time, or with resolution=1d"):
        finest(Span(0, 6 * 366 * DAY_MS), MINUTE, {})


def test_auto_without_slots() -> None:
    assert finest(Span(0, DAY_MS), MINUTE, kept(0), without_slots=True) is Resolution.quarter


def test_auto_reaches_back_as_far_as_anything_does() -> None:
    asked = Span(100 * DAY_MS, 101 * DAY_MS)
    assert finest(asked, MINUTE, kept(100 * DAY_MS)) is Resolution.slot
    assert finest(asked, MINUTE, kept(100 * DAY_MS + 1)) is Resolution.quarter
    assert finest(asked, MINUTE, kept(200 * DAY_MS, 200 * DAY_MS)) is Resolution.hour
    assert finest(asked, MINUTE, kept(200 * DAY_MS, 200 * DAY_MS, 200 * DAY_MS)) is Resolution.day
    assert finest(asked, MINUTE, {Resolution.day: 0}) is Resolution.day


def test_what_began_amid_a_day_was_not_deleted() -> None:
    began = 100 * DAY_MS + 11 * HOUR_MS + 7 * MINUTE
    asked = Span(99 * DAY_MS, 100 * DAY_MS + 12 * HOUR_MS)
    all_of_it = kept(began, began - 7 * MINUTE, began - 7 * MINUTE, 100 * DAY_MS)
    assert finest(Span(100 * DAY_MS, 101 * DAY_MS), MINUTE, all_of_it) is Resolution.slot
    assert finest(asked, 2 * MINUTE, all_of_it) is Resolution.slot


@given(begin=moments, length=st.integers(1, 1_900 * DAY_MS), period_ms=st.sampled_from([1_000, 60_000, 900_000]))
def test_auto_never_has_more_than_2000_points(begin: int, length: int, period_ms: int) -> None:
    asked = Span(begin, begin + length)
    found = finest(asked, period_ms, kept(0))
    if found is Resolution.slot:
        n_points = len(slot_starts([], asked, period_ms, MANY))
    else:
        n_points = len(edges(found, asked, BERLIN, MANY)) - 1
    assert n_points <= MOST_AUTO + 1


# --- size -----------------------------------------------------------------------------------------------------------


def test_an_answer_has_a_bound() -> None:
    check_size(Resolution.quarter, MOST_POINTS // 10, 10)
    check_size(Resolution.auto, 0, MOST_SERIES)
    check_size(Resolution.slot, MOST_POINTS, 0)
    with pytest.raises(InvalidArgument, match="at most 50 in one answer, these patterns choose 51; name fewer"):
        check_size(Resolution.auto, 0, MOST_SERIES + 1)
    with pytest.raises(InvalidArgument, match=r"15m makes more than 10,000 points .* 10 series, .* 100,000; ask for"):
        check_size(Resolution.quarter, MOST_POINTS // 10 + 1, 10)
    with pytest.raises(InvalidArgument, match="less time, fewer series, a coarser resolution, or auto"):
        check_size(Resolution.slot, MOST_POINTS + 1, 1)


def test_fixed_offsets_are_zones_too() -> None:
    zone = timezone(timedelta(hours=1))
    assert day_of(start_of_day(datetime(2026, 3, 29, tzinfo=UTC).date(), zone), zone).isoformat() == "2026-03-29"
