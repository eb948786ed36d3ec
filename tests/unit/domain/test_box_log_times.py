"""Local times without an offset: what they can mean, and what decides it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.box_log_times import Printed, Resolved, parsed, resolve

BERLIN = ZoneInfo("Europe/Berlin")
FORM = "%m/%d/%Y, %H:%M:%S"


def at(text: str) -> datetime | None:
    return parsed(text, FORM)


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def one(begin: str, end: str, **more: int) -> Resolved:
    return resolve([Printed(at(begin), at(end), "5", **more)], BERLIN)[0]


@pytest.mark.parametrize("text", ["", None, "10/25/2026", "13/01/2026, 00:00:00", "10/25/1999, 00:00:00", "x"])
def test_what_is_no_time_of_our_years_is_none(text: str | None) -> None:
    assert parsed(text, FORM) is None


def test_the_first_form_that_fits_counts() -> None:
    assert parsed("2026-10-25", "%d.%m.%Y", "%Y-%m-%d") == datetime(2026, 10, 25)  # noqa: DTZ001 - it is local


def test_a_time_that_exists_once_is_that_moment() -> None:
    found = one("07/01/2026, 12:00:00", "07/01/2026, 13:30:00")
    assert found == Resolved(utc("2026-07-01T10:00:00"), utc("2026-07-01T11:30:00"))


def test_missing_times_are_missing_and_marked() -> None:
    assert one("", "07/01/2026, 13:30:00") == Resolved(None, utc("2026-07-01T11:30:00"), ("no_time",))
    assert one("07/01/2026, 13:30:00", "") == Resolved(utc("2026-07-01T11:30:00"), None, ("no_time",))


def test_a_time_that_was_skipped_is_taken_and_marked() -> None:
    found = one("03/29/2026, 02:30:00", "03/29/2026, 04:00:00")
    assert found == Resolved(utc("2026-03-29T01:30:00"), utc("2026-03-29T02:00:00"), ("no_such_time",))
    assert one("03/29/2026, 01:30:00", "03/29/2026, 02:30:00").oddities == ("no_such_time",)


def test_what_ends_before_it_begins_and_what_lasts_for_days_is_marked() -> None:
    assert one("07/01/2026, 12:00:00", "07/01/2026, 11:00:00").oddities == ("ends_before_begin",)
    assert one("07/01/2026, 12:00:00", "07/03/2026, 12:00:00").oddities == ("over_a_day",)


def test_an_hour_shown_twice_is_ambiguous_where_nothing_decides_it() -> None:
    found = one("10/25/2026, 02:15:00", "10/25/2026, 02:45:00")
    assert found == Resolved(utc("2026-10-25T00:15:00"), utc("2026-10-25T00:45:00"), ("ambiguous_time",))


def test_an_end_before_its_begin_is_in_the_second_hour() -> None:
    found = one("10/25/2026, 02:45:00", "10/25/2026, 02:15:00")
    assert found == Resolved(utc("2026-10-25T00:45:00"), utc("2026-10-25T01:15:00"))


def test_what_charged_for_longer_ended_in_the_second_hour() -> None:
    found = one("10/25/2026, 01:50:00", "10/25/2026, 02:30:00", charged_s=85 * 60)
    assert found == Resolved(utc("2026-10-24T23:50:00"), utc("2026-10-25T01:30:00"))


def test_what_is_known_to_have_taken_that_long_took_that_long() -> None:
    assert one("10/25/2026, 01:50:00", "10/25/2026, 02:30:00", took_s=40 * 60).end == utc("2026-10-25T00:30:00")
    assert one("10/25/2026, 01:50:00", "10/25/2026, 02:30:00", took_s=100 * 60).end == utc("2026-10-25T01:30:00")
    assert one("10/25/2026, 02:50:00", "10/25/2026, 03:30:00", took_s=100 * 60).begin == utc("2026-10-25T00:50:00")


def test_the_order_of_writing_decides() -> None:
    first = Printed(at("10/25/2026, 01:00:00"), at("10/25/2026, 02:40:00"), "5", took_s=160 * 60)
    second = Printed(at("10/25/2026, 01:30:00"), at("10/25/2026, 02:50:00"), "6")
    later = resolve([first, second], BERLIN)[1]
    assert later == Resolved(utc("2026-10-24T23:30:00"), utc("2026-10-25T01:50:00"))
    before = Printed(at("10/25/2026, 01:30:00"), at("10/25/2026, 02:30:00"), "6")
    early = Printed(at("10/25/2026, 01:00:00"), at("10/25/2026, 02:40:00"), "5", took_s=100 * 60)
    assert resolve([before, early], BERLIN)[0] == Resolved(utc("2026-10-24T23:30:00"), utc("2026-10-25T00:30:00"))


def test_a_charge_point_begins_nothing_before_it_ended_what_was_before() -> None:
    first = Printed(at("10/25/2026, 01:00:00"), at("10/25/2026, 02:10:00"), "5", took_s=130 * 60)
    second = Printed(at("10/25/2026, 02:20:00"), at("10/25/2026, 03:10:00"), "5")
    assert resolve([first, second], BERLIN)[1] == Resolved(utc("2026-10-25T01:20:00"), utc("2026-10-25T02:10:00"))


def test_what_overlaps_is_marked_and_left_as_it_is() -> None:
    first = Printed(at("10/15/2026, 12:00:00"), at("10/18/2026, 01:00:00"), "6")
    second = Printed(at("10/16/2026, 02:00:00"), at("10/16/2026, 09:00:00"), "6")
    found = resolve([first, second], BERLIN)
    assert [line.oddities for line in found] == [("over_a_day",), ("overlaps",)]
    assert found[1].begin == utc("2026-10-16T00:00:00")


def test_lines_without_times_stand_in_nobodys_way() -> None:
    nothing = Printed(None, None, "5")
    line = Printed(at("07/01/2026, 12:00:00"), at("07/01/2026, 13:30:00"), "5")
    assert [found.oddities for found in resolve([nothing, line, nothing], BERLIN)] == [("no_time",), (), ("no_time",)]


def _printed(moment: datetime) -> datetime:
    """As a box writes it."""
    return moment.astimezone(BERLIN).replace(tzinfo=None, fold=0)


minutes = st.integers(0, 8 * 60)


@given(st.lists(st.tuples(minutes, minutes, st.sampled_from("56")), max_size=6))
def test_true_times_come_out_as_they_were_or_are_marked(spans: list[tuple[int, int, str]]) -> None:
    """Whatever was written around the night in which the clocks go back."""
    night = datetime(2026, 10, 24, 22, 0, tzinfo=UTC)
    true: list[tuple[int, int, str]] = []
    free = {"5": 0, "6": 0}
    for start, length, place in sorted(spans, key=lambda span: span[0] + span[1]):
        begin = max(start, free[place])
        end = begin + length
        if true and end < true[-1][1]:
            continue
        free[place] = end
        true.append((begin, end, place))
    moments = [(night + timedelta(minutes=begin), night + timedelta(minutes=end)) for begin, end, _ in true]
    lines = [
        Printed(_printed(begin), _printed(end), place)
        for (begin, end), (_, _, place) in zip(moments, true, strict=True)
    ]
    for both, found in zip(moments, resolve(lines, BERLIN), strict=True):
        exact = (found.begin, found.end) == tuple(moment.timestamp() for moment in both)
        assert exact or "ambiguous_time" in found.oddities
        assert "no_such_time" not in found.oddities
