"""Roll-ups beside a search through all slots, in the plainest way.

"Red:" names the deliberate faults with which the tests were seen to fail.
"""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.energy_sources import Mix
from gateway.domain.history import HOUR_MS, QUARTER_MS, Span
from gateway.domain.history_columns import Reading
from gateway.domain.rollups import Rollup, SourceEnergy, consumers, larger, quarters, sources, worse
from gateway.domain.slots import Quality

T0 = 1_800_000_000_000
POWER, METER = "grid/power_w", "chargepoints/4/meter_wh"
PERIODS = st.sampled_from([60_000, 300_000, 900_000])
VALUES = st.lists(
    st.tuples(st.none() | st.integers(0, 1000).map(float), st.sampled_from(list(Quality)), st.booleans()),
    max_size=120,
)


def readings(period_ms: int, values: list[tuple[float | None, Quality, bool]]) -> list[Reading]:
    """The third of each says whether the slot was recorded; no value is stale, no other is."""
    return [
        Reading(T0 + place * period_ms, period_ms, None if grade is Quality.stale else value, grade)
        for place, (value, grade, recorded) in enumerate(values)
        if recorded
    ]


def plain(some: list[Reading], start: int, end: int, before: float | None) -> dict[str, object] | None:
    inside = [one for one in some if start <= one.slot < end]
    if not inside:
        return None
    known = [(one.value, one.period_ms) for one in inside if one.value is not None]
    counted: list[float] = []
    for one in inside:
        earlier = [two.value for two in some if two.slot < one.slot and two.value is not None]
        held = earlier[-1] if earlier else before
        if one.value is not None and held is not None and one.quality != Quality.jumped:
            counted.append(one.value - held)
    grades = [one.quality for one in inside]
    return {
        "mean": sum(value * ms for value, ms in known) / sum(ms for _, ms in known) if known else None,
        "low": min((value for value, _ in known), default=None),
        "high": max((value for value, _ in known), default=None),
        "last": known[-1][0] if known else None,
        "energy": sum(counted) if counted else None,
        "known": sum(ms for _, ms in known),
        "span": end - start,
        "quality": next(one for one in (1, 3, 2, 0) if one in grades),
    }


def shown(one: Rollup) -> dict[str, object]:
    point = one.point
    return {
        "mean": point.mean,
        "low": point.low,
        "high": point.high,
        "last": point.last,
        "energy": point.energy_wh,
        "known": point.known_ms,
        "span": point.span_ms,
        "quality": one.quality,
    }


def approximately(found: dict[str, object]) -> dict[str, object]:
    return {name: pytest.approx(number) if number is not None else None for name, number in found.items()}


@given(PERIODS, VALUES, st.none() | st.integers(0, 1000).map(float))
def test_quarters_and_hours_are_what_a_search_finds(
    period_ms: int, values: list[tuple[float | None, Quality, bool]], before: float | None
) -> None:
    """Red: with hours whose energy is that between their own slots only."""
    some = readings(period_ms, values)
    end = T0 + -(-len(values) * period_ms // HOUR_MS) * HOUR_MS
    parts = quarters(METER, some, before, Span(T0, end))
    for made, length in (
        (parts, QUARTER_MS),
        (larger(parts, range(T0, end + 1, HOUR_MS)), HOUR_MS),
    ):
        found = {one.slot: one for one in made}
        for start in range(T0, end, length):
            expected = plain(some, start, start + length, before)
            assert (start in found) == (expected is not None)
            if expected is not None:
                assert shown(found[start]) == approximately(expected)


def test_what_is_no_counter_counts_nothing() -> None:
    some = readings(60_000, [(1.0, Quality.live, True), (5.0, Quality.live, True)])
    [one] = quarters(POWER, some, 7.0, Span(T0, T0 + QUARTER_MS))
    assert (one.point.energy_wh, one.point.mean) == (None, 3.0)


def test_only_buckets_between_the_bounds_are_made() -> None:
    parts = quarters(METER, readings(900_000, [(1.0, Quality.live, True)] * 8), None, Span(T0, T0 + 2 * HOUR_MS))
    assert larger(parts, []) == larger(parts, [T0]) == []
    assert [one.slot for one in larger(parts, [T0 + HOUR_MS, T0 + 2 * HOUR_MS])] == [T0 + HOUR_MS]


def test_the_worst_quality_wins() -> None:
    order = [Quality.live, Quality.rebuilt, Quality.jumped, Quality.stale]
    assert all(worse(one, other) == worse(other, one) == other for one, other in pairwise(order))
    assert worse(99, Quality.stale) == 99, "one of a later version is no better than any we know"


# --- sources --------------------------------------------------------------------------------------------------------

SUN, NET = Mix(pv=1.0), Mix(grid=1.0)


def power(*watts: float | None) -> list[Reading]:
    return [Reading(T0 + place * 300_000, 300_000, one, 0) for place, one in enumerate(watts)]


def mixes(*some: Mix | None) -> dict[int, Mix | None]:
    return {T0 + place * 300_000: one for place, one in enumerate(some)}


def test_energy_without_a_meter_is_power_by_time() -> None:
    found = sources(power(1200.0, 2400.0, 600.0), mixes(SUN, NET, None), {})
    assert found == {T0: SourceEnergy(grid_wh=200.0, pv_wh=100.0, unknown_wh=50.0)}


def test_what_a_meter_counted_is_spread_by_the_power() -> None:
    found = sources(power(1000.0, 3000.0, None), mixes(SUN, NET), {T0: 100.0})
    assert found == {T0: SourceEnergy(grid_wh=75.0, pv_wh=25.0)}


def test_what_was_counted_while_no_power_was_seen_has_no_source() -> None:
    assert sources(power(0.0, 0.0), mixes(SUN, SUN), {T0: 10.0}) == {T0: SourceEnergy(unknown_wh=10.0)}
    assert sources(power(None, None), mixes(SUN, SUN), {T0: 10.0}) == {}


@given(
    st.lists(st.tuples(st.floats(-5000, 20_000), st.sampled_from([SUN, NET, None])), min_size=1, max_size=9),
    st.none() | st.floats(0, 10_000),
)
def test_the_parts_are_the_whole(drawn: list[tuple[float, Mix | None]], counted: float | None) -> None:
    some = power(*(watts for watts, _ in drawn))
    starts = {one.slot // QUARTER_MS * QUARTER_MS for one in some}
    found = sources(some, mixes(*(mix for _, mix in drawn)), dict.fromkeys(starts, counted))
    for start, one in found.items():
        inside = [reading for reading in some if start <= reading.slot < start + QUARTER_MS]
        energy = counted if counted is not None else sum(max(each.value or 0, 0) / 12 for each in inside)
        assert one.grid_wh + one.pv_wh + one.battery_wh + one.unknown_wh == pytest.approx(energy, abs=0.01)
        assert min(one.grid_wh, one.pv_wh, one.battery_wh, one.unknown_wh) >= 0


def test_house_and_charge_points_draw() -> None:
    keys = ["house/power_w", "chargepoints/4/power_w", "chargepoints/4/meter_wh", "chargepoints/5/power_w", POWER]
    assert consumers(keys) == {
        "house": ("house/power_w", None),
        "chargepoints/4": ("chargepoints/4/power_w", "chargepoints/4/meter_wh"),
        "chargepoints/5": ("chargepoints/5/power_w", None),
    }
    assert consumers([POWER]) == {}
