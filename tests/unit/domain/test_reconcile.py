"""Box, gateway and meter side by side."""

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from gateway.domain.box_log import BoxLogEntry, Source
from gateway.domain.box_log_joins import PlugIn, joined
from gateway.domain.months import Month
from gateway.domain.reconcile import Cause, Charged, MeterSpan, Reconciled, reconcile

BERLIN = ZoneInfo("Europe/Berlin")
MARCH = Month(2026, 3)


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()


def plug_in(
    begin: str | None, end: str | None, wh: int | None, *, since: int | None = None, source: Source = "openwb-2"
) -> PlugIn:
    entry = BoxLogEntry(
        key=f"{begin}{end}",
        source=source,
        chargepoint="5",
        begin=None if begin is None else at(begin),
        end=None if end is None else at(end),
        energy_wh=None if wh is None else Decimal(wh),
        since_plugged_wh=None if since is None else Decimal(since),
    )
    return joined([entry])[0]


def session(begin: str, end: str, wh: int | None, *flags: str) -> Charged:
    return Charged("5", at(begin), at(end), None if wh is None else Decimal(wh), flags)


def one(
    box: list[PlugIn], gateway: list[Charged] | None, meter: MeterSpan | None = None, month: Month = MARCH
) -> Reconciled:
    (row,) = reconcile(box, gateway, {} if meter is None else {(month, "5"): meter}, BERLIN)
    return row


def causes(row: Reconciled) -> list[Cause]:
    return [difference.cause for difference in row.differences]


BEGIN, END = "2026-03-10T20:00", "2026-03-11T06:00"


def test_what_agrees_has_no_differences() -> None:
    row = one(
        [plug_in(BEGIN, END, 20_000)],
        [session(BEGIN, END, 20_001)],
        MeterSpan(Decimal(1_000_000), Decimal(1_020_003)),
    )
    assert row == Reconciled(MARCH, "5", Decimal(20_000), Decimal(20_001), Decimal(20_003), ())


def test_without_sessions_there_is_nothing_to_compare_the_box_with_but_the_meter() -> None:
    box = [plug_in(BEGIN, END, 20_000)]
    assert one(box, None, MeterSpan(Decimal(0), Decimal(20_000))) == Reconciled(
        MARCH, "5", Decimal(20_000), None, Decimal(20_000), ()
    )
    assert causes(one(box, None, MeterSpan(Decimal(0), Decimal(25_000)))) == ["outside_of_sessions"]
    assert one(box, None, MeterSpan(None, Decimal(20_000))).meter_wh is None


def test_each_side_may_have_what_the_other_has_not() -> None:
    row = one([plug_in("2026-03-01T10:00", "2026-03-01T11:00", 500)], [session(BEGIN, END, 20_000)])
    assert [(found.cause, found.box_wh, found.gateway_wh) for found in row.differences] == [
        ("gateway_was_away", 500, None),
        ("not_in_box_log", None, 20_000),
    ]
    assert causes(one([plug_in(BEGIN, END, 0)], [session("2026-03-02T10:00", "2026-03-02T11:00", 0)])) == []


@pytest.mark.parametrize(
    ("box", "gateway", "cause"),
    [
        (plug_in(BEGIN, END, 15_000), session(BEGIN, END, 20_000), "unexplained"),
        (plug_in(BEGIN, END, 15_000), session(BEGIN, END, 10_000, "gap"), "gap"),
        (plug_in(BEGIN, END, 15_000), session(BEGIN, END, 20_000, "clock", "meter_jump", "gap"), "meter_jump"),
        (plug_in(BEGIN, END, 15_000, since=20_000), session(BEGIN, END, 20_000), "box_lacks_a_part"),
        (plug_in(BEGIN, END, 15_000, since=20_000), session(BEGIN, END, 18_000), "unexplained"),
        (plug_in(BEGIN, END, None), session(BEGIN, END, 20_000), "no_energy_told"),
        (plug_in(BEGIN, END, 15_000), session(BEGIN, END, None), "gap"),
        (plug_in(BEGIN, END, 20_009, source="openwb-1.9"), session(BEGIN, END, 20_000), None),
        (plug_in(BEGIN, END, 20_009), session(BEGIN, END, 20_000), "unexplained"),
        (plug_in(BEGIN, END, None), session(BEGIN, END, None), None),
    ],
)
def test_a_difference_has_its_likely_cause(box: PlugIn, gateway: Charged, cause: Cause | None) -> None:
    assert causes(one([box], [gateway])) == ([] if cause is None else [cause])


def test_several_lines_of_a_box_are_held_against_one_session() -> None:
    lines = [
        plug_in("2026-03-10T20:00", "2026-03-10T22:00", 8_000, source="openwb-1.9"),
        plug_in(None, "2026-03-11T05:00", 12_000, source="openwb-1.9"),
    ]
    assert one(lines, [session(BEGIN, END, 20_000)]).differences == ()


def test_a_plug_in_without_times_belongs_to_no_month() -> None:
    assert reconcile([plug_in(None, None, 5)], [], {}, BERLIN) == []


def test_clocks_may_be_a_little_apart() -> None:
    assert one([plug_in("2026-03-11T06:01", "2026-03-11T06:02", 700)], [session(BEGIN, END, 700)]).differences == ()
    apart = one([plug_in("2026-03-11T06:05", "2026-03-11T06:06", 700)], [session(BEGIN, END, 700)])
    assert causes(apart) == ["not_in_box_log", "gateway_was_away"]


@pytest.mark.parametrize(
    ("begin", "span", "cause"),
    [
        ("2026-03-01T10:00", MeterSpan(Decimal(0), Decimal(5_000)), "unexplained"),
        ("2026-03-01T10:00", MeterSpan(Decimal(0), Decimal(25_000)), "outside_of_sessions"),
        ("2026-03-01T10:00", MeterSpan(Decimal(0), Decimal(25_000), Decimal(-9)), "meter_jump"),
        ("2026-03-01T10:00", MeterSpan(Decimal(90_000), Decimal(5_000), Decimal(-99_000)), "meter_jump"),
        ("2026-03-01T10:00", MeterSpan(Decimal(0), Decimal(5_000), whole=False), "recorded_later"),
        ("2026-03-01T10:00", MeterSpan(Decimal(0), Decimal(25_000), whole=False), "outside_of_sessions"),
        ("2026-02-28T23:00", MeterSpan(Decimal(0), Decimal(15_000)), "over_month_end"),
    ],
)
def test_the_meter_counts_by_the_month(begin: str, span: MeterSpan, cause: Cause) -> None:
    end = "2026-03-01T12:00"
    row = one([plug_in(begin, end, 20_000)], [session(begin, end, 20_000)], span)
    assert [(found.cause, found.meter_wh) for found in row.differences] == [(cause, span.counted_wh)]


def test_a_meter_counts_across_its_jumps_and_never_less_than_nothing() -> None:
    assert MeterSpan(Decimal(90_000), Decimal(5_000), Decimal(-89_000)).counted_wh == 4_000
    assert MeterSpan(Decimal(90_000), Decimal(5_000)).counted_wh is None


def test_a_month_in_which_nobody_told_anything_but_the_meter() -> None:
    row = one([], [], MeterSpan(Decimal(0), Decimal(300)))
    assert (row.box_wh, row.gateway_wh, causes(row)) == (None, None, ["outside_of_sessions"])


def test_a_box_line_with_one_time_is_taken_for_that_moment() -> None:
    line = plug_in(None, END, 700)
    assert one([line], [session(BEGIN, END, 700)]).differences == ()
