"""Where energy came from, bucket by bucket, beside a search through all quarters in the plainest way."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.errors import InvalidArgument
from gateway.domain.history import HOUR_MS, MOST_AUTO, MOST_POINTS, QUARTER_MS, Resolution, Span, edges
from gateway.domain.rollups import SourceEnergy
from gateway.domain.source_columns import (
    MOST_QUARTERS,
    RESOLUTIONS,
    SourceColumn,
    SourceSums,
    bounds_of,
    check_quarters,
    most_quarters,
    resolution_for,
    visible_consumers,
)

BERLIN = ZoneInfo("Europe/Berlin")
HOUSE, CAR = "house", "chargepoints/4"
ONE = SourceEnergy(grid_wh=1.0, pv_wh=2.0, battery_wh=3.0, unknown_wh=4.0)


def ms(text: str, zone: ZoneInfo = BERLIN) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * 1000


NOON = ms("2026-03-28T12:00")
HOURS = (NOON, NOON + HOUR_MS, NOON + 2 * HOUR_MS)


def column(quarters: dict[int, SourceEnergy], bounds: Sequence[int], now: int) -> SourceColumn:
    sums = SourceSums([HOUSE], bounds)
    for slot, energy in quarters.items():
        sums.add(HOUSE, slot, energy)
    (found,) = sums.columns(now)
    return found


def test_quarters_are_added_up() -> None:
    quarters = {NOON + place * QUARTER_MS: SourceEnergy(0.1, 0.2, 0.0, 1.5) for place in range(8)}
    assert column(quarters, HOURS, HOURS[2]) == SourceColumn(
        consumer=HOUSE,
        grid_wh=[0.4, 0.4],
        pv_wh=[0.8, 0.8],
        battery_wh=[0.0, 0.0],
        unknown_wh=[6.0, 6.0],
        coverage=[1.0, 1.0],
    )


def test_what_is_not_there_is_no_zero() -> None:
    nothing: list[float | None] = [None, None]
    assert column({}, HOURS, HOURS[2]) == SourceColumn(
        consumer=HOUSE, grid_wh=nothing, pv_wh=nothing, battery_wh=nothing, unknown_wh=nothing, coverage=[0.0, 0.0]
    )


def test_a_bucket_without_some_quarters_is_the_sum_of_the_others() -> None:
    found = column({NOON: ONE, NOON + 3 * QUARTER_MS: ONE}, HOURS, HOURS[2])
    assert (found.grid_wh, found.unknown_wh, found.coverage) == ([2.0, None], [8.0, None], [0.5, 0.0])


def test_coverage_is_that_of_the_quarters_that_are_over() -> None:
    quarters = {NOON: ONE, NOON + QUARTER_MS: ONE}
    for now, wanted in (
        (NOON - HOUR_MS, 1.0),  # a clock that is behind that of the recorder
        (NOON + 2 * QUARTER_MS, 1.0),
        (NOON + 3 * QUARTER_MS - 1, 1.0),
        (NOON + 3 * QUARTER_MS, 0.666667),
        (NOON + 5 * HOUR_MS, 0.5),
    ):
        assert column(quarters, HOURS, now).coverage == [wanted, 0.0]


@pytest.mark.parametrize(("day", "quarters"), [("2026-03-28", 96), ("2026-03-29", 92), ("2026-10-25", 100)])
def test_a_local_day_has_all_of_its_quarters(day: str, quarters: int) -> None:
    bounds = edges(Resolution.day, Span(ms(day), ms(day) + HOUR_MS), BERLIN, 10)
    there = dict.fromkeys(range(bounds[0] - QUARTER_MS, bounds[1] + QUARTER_MS, QUARTER_MS), ONE)
    found = column(there, bounds, bounds[-1])
    assert (found.grid_wh, found.coverage) == ([float(quarters)], [1.0])


def test_each_consumer_is_on_its_own_and_who_was_not_asked_for_is_not_there() -> None:
    sums = SourceSums([HOUSE, CAR], HOURS)
    sums.add(CAR, NOON, ONE)
    sums.add(HOUSE, HOURS[1], ONE)
    found = sums.columns(HOURS[2])
    assert [one.consumer for one in found] == [HOUSE, CAR]
    assert [one.pv_wh for one in found] == [[None, 2.0], [2.0, None]]


@given(
    st.sampled_from(RESOLUTIONS[1:]),
    st.dictionaries(st.integers(0, 400), st.tuples(*[st.floats(0, 5_000)] * 4), max_size=60),
    st.integers(-50, 450),
)
def test_sums_are_what_a_search_finds(
    resolution: Resolution, quarters: dict[int, tuple[float, float, float, float]], over: int
) -> None:
    begin = ms("2026-03-27")
    bounds = edges(resolution, Span(begin, begin + 300 * QUARTER_MS), BERLIN, 1_000)
    there = {begin + place * QUARTER_MS: SourceEnergy(*parts) for place, parts in quarters.items()}
    now = begin + over * QUARTER_MS + 1
    found = column(there, bounds, now)
    for place, (start, end) in enumerate(pairwise(bounds)):
        inside = [energy for slot, energy in there.items() if start <= slot < end]
        for name in ("grid_wh", "pv_wh", "battery_wh", "unknown_wh"):
            wanted = sum(getattr(one, name) for one in inside) if inside else None
            got = getattr(found, name)[place]
            assert got is None if wanted is None else got == pytest.approx(wanted, abs=0.001)
        past = len([slot for slot in range(start, end, QUARTER_MS) if slot + QUARTER_MS <= now])
        part = len(inside) / max(past, len(inside)) if inside else 0.0
        assert found.coverage[place] == pytest.approx(part, abs=1e-6)


def test_a_consumer_is_seen_by_who_sees_what_it_was_counted_from() -> None:
    keys = ("house/power_w", "chargepoints/4/power_w", "chargepoints/4/meter_wh", "chargepoints/7/power_w")
    everybody = [HOUSE, CAR, "chargepoints/7"]
    assert visible_consumers(keys, lambda _key: True) == everybody
    assert visible_consumers(keys, lambda _key: False) == []
    for hidden, left in (
        ("house/power_w", [CAR, "chargepoints/7"]),
        ("chargepoints/4/meter_wh", [HOUSE, "chargepoints/7"]),
        ("chargepoints/4/power_w", everybody),
        ("chargepoints/7/power_w", [HOUSE, CAR]),
    ):
        assert visible_consumers(keys, lambda key, hidden=hidden: key != hidden) == left  # type: ignore[misc]


@pytest.mark.parametrize(
    ("days", "found"),
    [(1, Resolution.quarter), (20, Resolution.quarter), (21, Resolution.hour), (83, Resolution.hour), (84, "1d")],
)
def test_auto_is_the_finest_with_at_most_2000_buckets(days: int, found: Resolution | str) -> None:
    span = Span(NOON, NOON + days * 24 * HOUR_MS)
    assert resolution_for("auto", span) is Resolution(found)


@given(st.integers(0, 2_200_000_000_000), st.integers(1, 1_900 * 24 * HOUR_MS))
def test_auto_never_has_more_than_2000_buckets(begin: int, length: int) -> None:
    span = Span(begin, begin + length)
    resolution = resolution_for("auto", span)
    assert len(edges(resolution, span, BERLIN, MOST_POINTS)) - 1 <= MOST_AUTO


def test_auto_counts_the_buckets_to_which_a_time_is_widened() -> None:
    amid = NOON + QUARTER_MS // 2
    assert resolution_for("auto", Span(amid, amid + MOST_AUTO * QUARTER_MS)) is Resolution.hour
    assert resolution_for("auto", Span(amid, amid + MOST_AUTO * HOUR_MS)) is Resolution.day


def test_resolutions_by_their_names() -> None:
    span = Span(NOON, NOON + HOUR_MS)
    assert [resolution_for(name, span) for name in ("15m", "1h", "1d")] == list(RESOLUTIONS[1:])
    for wrong in ("", "slot", "5m"):
        with pytest.raises(InvalidArgument, match="resolution: allowed are auto, 15m, 1h, 1d; got "):
            resolution_for(wrong, span)
    with pytest.raises(InvalidArgument, match="with resolution=auto at most 1916 days"):
        resolution_for("auto", Span(0, 2_000 * 24 * HOUR_MS))


def test_an_answer_has_a_bound() -> None:
    span = Span(NOON, NOON + MOST_POINTS * QUARTER_MS)
    assert len(bounds_of(Resolution.quarter, span, BERLIN, 1)) == MOST_POINTS + 1
    assert len(bounds_of(Resolution.quarter, span, BERLIN, 0)) == MOST_POINTS + 1
    with pytest.raises(InvalidArgument) as refused:
        bounds_of(Resolution.quarter, span, BERLIN, 3)
    assert str(refused.value) == (
        "resolution: 15m makes more than 33,333 points for each of 3 consumers, and one answer holds 100,000; ask for"
        " less time, a coarser resolution, or auto"
    )


def test_what_is_added_up_has_a_bound() -> None:
    assert most_quarters((NOON, NOON + HOUR_MS, NOON + 25 * HOUR_MS), 3) == 300
    check_quarters(MOST_QUARTERS)
    with pytest.raises(InvalidArgument, match="from and to: at most 500,000 quarters of an hour are added up"):
        check_quarters(MOST_QUARTERS + 1)
