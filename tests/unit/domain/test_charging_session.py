from decimal import Decimal

import pytest

from gateway.domain.charge_sessions import Flag, Segment
from gateway.domain.charging_session import Bound, Gauge, OpenSession, record_of

SOME, MUCH, NONE = Decimal(300), Decimal(5000), Decimal(0)


def bound(*shown: tuple[float, str | int | None], end: float) -> str | int | None:
    one = Bound()
    for at, what in shown:
        one.see(what, at)
    return one.at(end)


def test_what_stands_at_the_end_is_bound() -> None:
    assert bound(end=50.0) is None
    assert bound((0.0, None), (20.0, "04A1"), end=500.0) == "04A1"
    assert bound((0.0, "04A1"), (0.1, None), (0.2, "04A1"), (9.0, "04A1"), end=500.0) == "04A1"


def test_what_was_cleared_a_moment_before_the_unplug_is_bound() -> None:
    assert bound((20.0, "04A1"), (500.0, None), end=502.0) == "04A1"
    assert bound((20.0, "04A1"), (30.0, None), end=45.0) == "04A1"


def test_a_tag_that_was_refused_is_not_bound() -> None:
    assert bound((20.0, "DEAD"), (30.0, None), (40.0, None), end=500.0) is None


def test_what_stood_long_is_bound_even_when_cleared_long_before_the_end() -> None:
    assert bound((20.0, "04A1"), (400.0, None), end=5000.0) == "04A1"
    assert bound((20.0, "04A1"), (400.0, None), (410.0, "DEAD"), (416.0, None), end=5000.0) == "04A1"


def test_the_latest_one_counts() -> None:
    assert bound((0.0, 1), (300.0, 3), end=5000.0) == 3
    assert bound((0.0, 1), (300.0, 3), (310.0, None), end=5000.0) == 1


def test_a_figure_from_before_the_plug_counts_until_a_newer_one_comes() -> None:
    gauge = Gauge()
    gauge.read(80.0, 50.0, 100.0, NONE)
    assert (gauge.start, gauge.start_is_new, gauge.end_is_new) == (80.0, False, False)
    gauge.read(42.0, 130.0, 100.0, SOME)
    assert (gauge.start, gauge.start_is_new, gauge.end) == (42.0, True, 42.0)
    gauge.read(43.0, 160.0, 100.0, SOME)
    gauge.read(66.0, 960.0, 100.0, MUCH)
    assert (gauge.start, gauge.end, gauge.end_is_new) == (42.0, 66.0, True)


def test_before_energy_flows_the_last_figure_is_the_start() -> None:
    gauge = Gauge()
    gauge.read(42.0, 110.0, 100.0, NONE)
    gauge.read(43.0, 120.0, 100.0, NONE)
    assert gauge.start == 43.0


def test_a_figure_that_comes_late_is_no_start() -> None:
    gauge = Gauge()
    gauge.read(None, 105.0, 100.0, NONE)
    gauge.read(66.0, 960.0, 100.0, MUCH)
    assert (gauge.start, gauge.end) == (None, 66.0)


def test_a_figure_is_taken_once() -> None:
    gauge = Gauge()
    gauge.read(42.0, 110.0, 100.0, NONE)
    gauge.read(50.0, 110.0, 100.0, NONE)
    assert gauge.end == 42.0


def session() -> OpenSession:
    return OpenSession(plugged_at_ms=100_000, plugged_at=100.0, heard_at=100.0)


def read(one: OpenSession, meter_wh: float) -> None:
    one.meter.read(meter_wh, 3600.0, 0.0)


def test_a_mode_change_begins_a_segment() -> None:
    one = session()
    read(one, 1000.0)
    assert [one.switch(mode, 100.0) for mode in ("pv", "pv", None)] == [False, False, False]
    read(one, 1200.5)
    assert one.switch("instant", 200.0)
    read(one, 1300.5)
    assert record_of("home", "5", one, None, 300.0, ended=True).segments == (
        Segment(mode="pv", begin=100.0, end=200.0, energy_wh=Decimal("200.5")),
        Segment(mode="instant", begin=200.0, end=300.0, energy_wh=Decimal(100)),
    )
    assert record_of("home", "5", one, None, 300.0, ended=False).segments[-1].end is None


def test_a_mode_that_becomes_known_holds_from_the_begin_unless_energy_flowed() -> None:
    one = session()
    one.switch(None, 100.0)
    assert not one.switch("pv", 110.0)
    assert [segment.mode for segment in one.segments] == ["pv"]
    one = session()
    one.switch(None, 100.0)
    read(one, 1000.0)
    read(one, 1100.0)
    assert one.switch("pv", 110.0)
    assert [segment.mode for segment in one.segments] == [None, "pv"]


def test_a_start_that_turns_out_to_be_lower_belongs_to_the_first_segment() -> None:
    one = session()
    read(one, 1000.0)
    one.switch("pv", 100.0)
    read(one, 1100.0)
    one.switch("instant", 200.0)
    read(one, 1150.0)
    one.began_at(Decimal(900))
    energies = [segment.energy_wh for segment in record_of("home", "5", one, None, 300.0, ended=True).segments]
    assert energies == [Decimal(200), Decimal(50)]


def test_without_a_meter_there_is_no_energy() -> None:
    one = session()
    one.switch("pv", 100.0)
    record = record_of("home", "5", one, None, 400.0, ended=True)
    assert (record.energy_wh, record.mean_w, record.segments[0].energy_wh) == (None, None, None)
    assert (record.energy_by_source, record.source_how) == (None, None)


def test_a_record_holds_what_is_known() -> None:
    one = session()
    one.flag("gap", "gap")
    one.switch("pv", 100.0)
    one.vehicle.see(3, 110.0)
    one.id_tag.see("04A1", 110.0)
    read(one, 1000.0)
    one.soc.read(40.0, 50.0, 100.0, one.energy_wh)
    read(one, 2000.0)
    one.sources.count(1000.0, None)
    one.sources.grid_wh, one.charging_s, one.peak_w = 1000.0, 360.0, 11_000.0
    record = record_of("home", "5", one, "e-Up", 600.0, ended=True)
    assert (record.energy_wh, record.mean_w, record.peak_w) == (Decimal(1000), None, 11_000.0)
    assert (record.charging_s, record.plugged_s, record.unplugged_at) == (360.0, 500.0, 600.0)
    assert (record.vehicle_id, record.vehicle_name, record.id_tag) == (3, "e-Up", "04A1")
    assert (record.soc_start_percent, record.soc_end_percent) == (40.0, None)
    assert (record.completeness, record.source_how) == (("gap",), "estimated")


@pytest.mark.parametrize(
    ("flag", "mean_w"),
    [("clock", 10_000.0), ("meter_jump", 10_000.0), ("gap", None), ("begin_unknown", None), ("end_unknown", None)],
)
def test_where_a_part_was_not_seen_there_is_no_mean_power(flag: Flag, mean_w: float | None) -> None:
    one = session()
    one.switch("pv", 100.0)
    read(one, 1000.0)
    read(one, 2000.0)
    one.charging_s = 360.0
    one.flag(flag)
    assert record_of("home", "5", one, None, 600.0, ended=True).mean_w == mean_w


@pytest.mark.parametrize(
    ("told_w", "peak_w", "mean_w"),
    [
        (11_000.0, 11_000.0, 10_000.0),
        (9_900.0, 10_000.0, 10_000.0),  # the highest power lay between two that were told
        (8_000.0, 10_000.0, 10_000.0),
        (7_999.0, 7_999.0, None),  # so much cannot lie between: the time is not that of the energy
        (0.0, 0.0, None),
        (None, None, 10_000.0),
    ],
)
def test_the_peak_is_not_below_the_mean(told_w: float | None, peak_w: float | None, mean_w: float | None) -> None:
    one = session()
    one.switch("pv", 100.0)
    read(one, 1000.0)
    read(one, 2000.0)
    one.charging_s, one.peak_w = 360.0, told_w
    record = record_of("home", "5", one, None, 600.0, ended=True)
    assert (record.peak_w, record.mean_w) == (peak_w, mean_w)
    assert one.peak_w == told_w


@pytest.mark.parametrize(("box_vehicle", "told"), [(0, 0), (None, None)])
def test_without_a_vehicle_it_is_the_one_of_the_box(box_vehicle: int | None, told: int | None) -> None:
    one = session()
    one.box_vehicle = box_vehicle
    assert one.bound_vehicle(500.0) == told
