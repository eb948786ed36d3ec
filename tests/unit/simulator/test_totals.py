"""Totals since local midnight, the month and the year."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.simulator.words import Wish
from tests.support.simulated import Day

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> Day:
    """A box that begins at this local time; 3 kW from the roofs, 400 W for the house, the battery takes 1 kW."""
    day = Day({5: Wish(instant_current_a=10.0)}, at_s=datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp())
    day.plant.sun_w, day.plant.battery_w = 3_600.0, 1_000.0
    return day


def test_a_day_adds_up_what_the_meters_counted() -> None:
    day = at("2026-06-10 12:00")
    day.loops(180)
    today = day.box.state.today
    assert today.produced_wh == pytest.approx({1: 900.0, 3: 900.0})
    assert (today.produced_month_wh, today.produced_year_wh) == pytest.approx((1_800.0, 1_800.0))
    assert (today.charged_wh, today.discharged_wh) == pytest.approx((500.0, 0.0))
    assert (today.grid_imported_wh, today.grid_exported_wh) == pytest.approx((0.0, 1_100.0))
    assert (today.house_wh, day.box.state.house_total_wh) == pytest.approx((200.0, 200.0))
    day.plant.sun_w, day.plant.battery_w = 0.0, -200.0
    day.plug(5, 1)
    day.loops(180)
    assert today.grid_imported_wh == pytest.approx(100.0 + day.left.imported_today_wh)
    assert today.discharged_wh == pytest.approx(100.0)
    assert day.left.imported_today_wh == pytest.approx(day.plant.meters_wh[5] - 10_839_000.0)


@pytest.mark.parametrize(
    ("begins", "month_begins", "year_begins"),
    [
        ("2026-06-10 23:30", False, False),
        ("2026-06-30 23:30", True, False),
        ("2026-12-31 23:30", True, True),
    ],
)
def test_midnight_begins_a_day_and_sometimes_more(begins: str, month_begins: bool, year_begins: bool) -> None:
    day = at(begins)
    day.plug(5, 1)
    day.loops(179)
    assert day.box.state.today.produced_year_wh == pytest.approx(1_790.0)
    assert day.left.imported_today_wh > 0
    day.loop()
    today = day.box.state.today
    assert (today.produced_wh, today.house_wh, today.grid_exported_wh) == ({1: 0.0, 3: 0.0}, 0.0, 0.0)
    assert day.left.imported_today_wh == 0.0
    assert today.produced_month_wh == pytest.approx(0.0 if month_begins else 1_800.0)
    assert today.produced_year_wh == pytest.approx(0.0 if year_begins else 1_800.0)
    assert day.box.state.house_total_wh == pytest.approx(200.0)


@pytest.mark.parametrize(
    ("day_of_change", "hours"), [("2026-03-29 00:00", 23), ("2026-10-25 00:00", 25), ("2026-05-05 00:00", 24)]
)
def test_a_day_has_the_hours_the_clock_gives_it(day_of_change: str, hours: int) -> None:
    day = at(day_of_change)
    for _ in range(hours * 6 - 1):
        day.loop(600)
    assert day.box.state.today.produced_wh[1] == pytest.approx(1_800.0 * (hours - 1 / 6))
    day.loop(600)
    assert day.box.state.today.produced_wh[1] == 0


def test_a_swapped_meter_counts_on_from_where_it_is() -> None:
    day = at("2026-06-10 12:00")
    day.loops(180)
    day.plant.sun_wh[1] = 0.0
    day.plant.grid_wh[:] = [0.0, 0.0]
    day.plant.battery_wh[0] = -2_000.0
    day.plant.meters_wh[5] = 0.0
    day.loop()
    today = day.box.state.today
    assert today.produced_wh[1] == pytest.approx(900.0)
    assert (today.grid_exported_wh, today.charged_wh) == pytest.approx((1_100.0, 500.0))
    assert day.left.imported_today_wh == 0.0
    day.loops(180)
    assert today.produced_wh[1] == pytest.approx(1_800.0)


def test_a_meter_that_jumps_up_is_believed() -> None:
    day = at("2026-06-10 12:00")
    day.plant.sun_wh[3] += 70_000.0
    day.loop()
    assert day.box.state.today.produced_wh[3] == pytest.approx(70_005.0)


@pytest.mark.parametrize("clock_moves_s", [-7_200.0, 7_200.0])
def test_a_clock_that_is_set_costs_no_house_energy(clock_moves_s: float) -> None:
    day = at("2026-06-10 12:00")
    day.loops(10)
    before_wh = day.box.state.today.house_wh
    day.plant.time_s += clock_moves_s
    day.loop()
    assert day.box.state.today.house_wh == before_wh
    day.loop()
    assert day.box.state.today.house_wh > before_wh


def test_a_clock_set_back_over_midnight_begins_that_day_anew() -> None:
    day = at("2026-06-10 23:59")
    day.loops(12)
    day.plant.time_s -= 300
    day.loop()
    assert day.box.state.today.house_wh == 0.0


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(["sun", "grid", "car"]), st.floats(-1e7, 1e7)), max_size=12))
def test_no_total_ever_falls_but_at_midnight(jumps: list[tuple[str, float]]) -> None:
    day = at("2026-06-10 12:00")
    day.plug(5, 1)
    before = (0.0, 0.0, 0.0)
    for meter, by_wh in jumps:
        match meter:
            case "sun":
                day.plant.sun_wh[1] = max(0.0, day.plant.sun_wh[1] + by_wh)
            case "grid":
                day.plant.grid_wh[0] = max(0.0, day.plant.grid_wh[0] + by_wh)
            case _:
                day.plant.meters_wh[5] = max(0.0, day.plant.meters_wh[5] + by_wh)
        day.loop()
        today = day.box.state.today
        now = (today.produced_wh[1], today.grid_imported_wh, day.left.imported_today_wh)
        assert all(there <= here for there, here in zip(before, now, strict=True))
        assert day.left.log.since_plugged_wh >= 0
        before = now
