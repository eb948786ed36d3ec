"""Slot arithmetic, and whether a counter goes on as a counter can."""

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.errors import InvalidArgument
from gateway.domain.slots import (
    LEAST_SPAN_MS,
    Counters,
    Quality,
    Sample,
    first_slot_from,
    is_counter,
    moment_ms,
    next_slot,
    period_ms_of,
    slot_of,
    slots_between,
)

TIMES = st.integers(0, 4_000_000_000_000)
PERIODS = st.integers(50, 86_400_000)
METER = "chargepoints/4/meter_wh"
NOW = 1_800_000_000_000


@pytest.mark.parametrize(("seconds", "ms"), [(0.05, 50), (0.2, 200), (1, 1000), (60, 60_000), (86_400, 86_400_000)])
def test_a_period_is_whole_milliseconds(seconds: float, ms: int) -> None:
    assert period_ms_of(seconds) == ms


@given(PERIODS)
def test_every_period_survives_being_written_in_seconds(ms: int) -> None:
    assert period_ms_of(ms / 1000) == ms


@pytest.mark.parametrize(
    "seconds", [0.049, 0, -60, 0.0505, 60.00049, 86_400.001, 1e300, math.nan, math.inf, -math.inf]
)
def test_other_periods_are_refused_with_what_is_allowed(seconds: float) -> None:
    with pytest.raises(InvalidArgument, match=r"0\.05 to 86400 seconds, in whole milliseconds; this one has"):
        period_ms_of(seconds)


@given(TIMES, PERIODS)
def test_every_moment_is_in_exactly_one_slot(time_ms: int, period_ms: int) -> None:
    slot = slot_of(time_ms, period_ms)
    assert slot % period_ms == 0
    assert slot <= time_ms < slot + period_ms
    assert next_slot(slot, period_ms) == slot + period_ms
    assert next_slot(time_ms, period_ms) == slot + period_ms
    assert first_slot_from(slot, period_ms) == slot
    assert first_slot_from(slot + 1, period_ms) == slot + period_ms
    assert list(slots_between(slot, slot + 3 * period_ms, period_ms)) == [slot + n * period_ms for n in range(3)]
    assert not slots_between(slot + 1, slot + period_ms, period_ms)


@given(TIMES, st.lists(PERIODS, min_size=2, max_size=6))
def test_after_a_change_of_the_period_no_moment_is_in_two_slots(time_ms: int, periods: list[int]) -> None:
    slot, end = slot_of(time_ms, periods[0]), slot_of(time_ms, periods[0]) + periods[0]
    for period_ms in periods[1:]:
        following = first_slot_from(end, period_ms)
        assert slot < end <= following < end + period_ms
        slot, end = following, following + period_ms


@pytest.mark.parametrize(
    ("time_s", "ms"), [(1_800_000_000.05, NOW + 50), (1_800_000_000, NOW), (1_800_000_000.0004, NOW + 1), (0.001, 1)]
)
def test_a_moment_in_milliseconds_is_rounded_up(time_s: float, ms: int) -> None:
    assert moment_ms(time_s) == ms


@given(st.integers(0, 4_000_000_000_000))
def test_whole_milliseconds_survive_being_seconds(ms: int) -> None:
    assert moment_ms(ms / 1000) == ms


def test_a_sample_knows_its_end_and_survives_msgpack() -> None:
    sample = Sample(60_000, 60_000, "e", 5, {"grid/power_w": (1.5, Quality.live), "a": (None, Quality.stale)})
    assert sample.end == 120_000
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(sample), type=Sample) == sample
    assert [int(one) for one in Quality] == [0, 1, 2, 3], "they are stored"


@pytest.mark.parametrize("key", [METER, "grid/imported_wh", "pv/produced_wh", "charging/energy_wh"])
def test_meter_readings_are_counters(key: str) -> None:
    assert is_counter(key)


@pytest.mark.parametrize(
    "key", ["grid/power_w", "grid/imported_today_wh", "chargepoints/4/energy_since_plugged_wh", "nobody/knows_it_wh"]
)
def test_nothing_else_is(key: str) -> None:
    assert not is_counter(key)


def test_a_counter_that_falls_jumps_once() -> None:
    counters = Counters()
    found = [counters.jumps(METER, reading, NOW + n * 60_000) for n, reading in enumerate((5.0, 5.0, 4.9, 4.9, 5.0))]
    assert found == [False, False, True, False, False]


def test_a_rise_is_judged_by_the_time_since_it_last_moved() -> None:
    """1 kW: 1,000 Wh in an hour."""

    def second_jumps(rise_wh: float, after_ms: int, still_ms: int = 0) -> bool:
        counters = Counters(most_power_w=1000)
        counters.jumps(METER, 50.0, NOW)
        counters.jumps(METER, 50.0, NOW + still_ms)
        return counters.jumps(METER, 50.0 + rise_wh, NOW + after_ms)

    hour = 3_600_000
    assert not second_jumps(1000, hour)
    assert second_jumps(1001, hour)
    assert not second_jumps(1000, hour, still_ms=hour - 1)
    assert not second_jumps(16, 1), "a minute is allowed at least"
    assert second_jumps(17, LEAST_SPAN_MS)


def test_what_was_held_before_counts() -> None:
    counters = Counters()
    counters.hold({METER: 900.0}, NOW)
    assert counters.jumps(METER, 899.0, NOW + 60_000)


def test_marks_are_the_last_readings_of_counters_without_one() -> None:
    counters = Counters()
    counters.jumps(METER, 7.0, NOW)
    counters.jumps("pv/produced_wh", 8.0, NOW)
    values = {METER: (None, 1), "pv/produced_wh": (8.0, 0), "grid/power_w": (None, 1)}
    assert counters.marks(values) == {METER: 7.0}
