"""Charge sessions added up."""

from collections import Counter
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.charge_sessions import EnergyBySource
from gateway.domain.charge_statistics import BYS, SOURCES, By, Counted, Statistics, parse_by, sources_of
from gateway.domain.errors import InvalidArgument
from gateway.domain.months import Month

BERLIN = ZoneInfo("Europe/Berlin")


def wh(*numbers: str) -> tuple[Decimal, ...]:
    return tuple(Decimal(number) for number in numbers)


def one(
    ended: str = "2026-03-10T12:00",
    energy: str | None = "1000",
    sources: tuple[str, str, str] | None = None,
    *,
    vehicle: int | None = 1,
    name: str | None = None,
    place: str = "5",
) -> Counted:
    told = None
    if sources is not None:
        grid, pv, battery = (Decimal(part) for part in sources)
        told = EnergyBySource(grid_wh=grid, pv_wh=pv, battery_wh=battery)
    return Counted(
        chargepoint_id=place,
        ended=datetime.fromisoformat(ended).replace(tzinfo=BERLIN).timestamp(),
        vehicle_id=vehicle,
        vehicle_name=name,
        energy_wh=None if energy is None else Decimal(energy),
        sources=told,
    )


def summed(*some: Counted, by: tuple[By, ...]) -> Statistics:
    found = Statistics(by, BERLIN)
    for counted in some:
        found.add(counted)
    return found


def test_a_charge_session_is_of_the_local_month_in_which_it_ended() -> None:
    found = summed(one("2026-03-31T23:59"), one("2026-04-01T00:00"), one("2026-02-01T00:00"), by=("month",))
    assert [(row.month, row.sum.sessions) for row in found.rows()] == [
        (Month(2026, 2), 1),
        (Month(2026, 3), 1),
        (Month(2026, 4), 1),
    ]
    assert found.total.sessions == 3


def test_small_ones_and_those_without_energy_are_counted_and_told() -> None:
    found = summed(one(energy="49.999"), one(energy="50"), one(energy=None), by=("chargepoint",))
    (row,) = found.rows()
    assert row.sum == found.total
    assert (row.sum.sessions, row.sum.small, row.sum.without_energy) == (3, 1, 1)
    assert row.sum.energy_wh == Decimal("99.999")
    assert (row.month, row.vehicle_id, row.vehicle_name, row.chargepoint_id) == (None, None, None, "5")


def test_energy_is_told_by_source_and_the_rest_is_unknown() -> None:
    found = summed(one(sources=("100", "600.5", "200")), one(energy="10"), one(energy=None), by=("source",))
    assert [(row.source, row.sum.sessions, row.sum.energy_wh) for row in found.rows()] == [
        ("grid", 1, Decimal(100)),
        ("pv", 1, Decimal("600.5")),
        ("battery", 1, Decimal(200)),
        ("unknown", 3, Decimal("109.5")),
    ]
    total = found.total
    assert (total.grid_wh, total.pv_wh, total.battery_wh, total.unknown_wh) == wh("100", "600.5", "200", "109.5")
    assert total.energy_wh == 1010


def test_a_vehicle_has_its_newest_name() -> None:
    found = summed(
        one("2026-03-02T00:00", name="Ioniq 5"),
        one("2026-03-01T00:00", name="Ionik"),
        one("2026-03-03T00:00"),
        one(vehicle=None, name="a guest"),
        one(vehicle=0),
        by=("vehicle",),
    )
    assert [(row.vehicle_id, row.vehicle_name, row.sum.sessions) for row in found.rows()] == [
        (0, None, 1),
        (1, "Ioniq 5", 3),
        (None, None, 1),
    ]


def test_charge_points_are_in_the_order_of_their_numbers() -> None:
    found = summed(one(place="10"), one(place="9"), one(place="11"), by=("chargepoint",))
    assert [row.chargepoint_id for row in found.rows()] == ["9", "10", "11"]


def test_sources_above_the_whole_are_cut_to_it() -> None:
    told = EnergyBySource(grid_wh=Decimal(1), pv_wh=Decimal(2), battery_wh=Decimal(3))
    assert sources_of(Decimal(4), told) == wh("1", "2", "1", "0")
    assert sources_of(Decimal("0.5"), told) == wh("0.5", "0", "0", "0")


@pytest.mark.parametrize(
    ("text", "by"),
    [
        ("month", ("month",)),
        ("source, month", ("month", "source")),
        ("vehicle,chargepoint", ("vehicle", "chargepoint")),
    ],
)
def test_what_to_sum_by(text: str, by: tuple[By, ...]) -> None:
    assert parse_by(text) == by


@pytest.mark.parametrize("text", ["", "person", "month,", "month,month", "Month"])
def test_what_there_is_no_sum_by_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match="by: allowed are month, vehicle, chargepoint, source"):
        parse_by(text)


decimals = st.decimals(0, 10_000, places=2)
counted = st.builds(
    Counted,
    chargepoint_id=st.sampled_from(["5", "6", "12"]),
    ended=st.floats(1_770_000_000, 1_790_000_000),
    vehicle_id=st.sampled_from([None, 0, 1, 2]),
    vehicle_name=st.sampled_from([None, "a", "b"]),
    energy_wh=st.none() | decimals,
    sources=st.none() | st.builds(EnergyBySource, grid_wh=decimals, pv_wh=decimals, battery_wh=decimals),
)


@given(st.lists(counted, max_size=20), st.sets(st.sampled_from(BYS)))
def test_nothing_is_lost_and_nothing_counted_twice(some: list[Counted], by: set[By]) -> None:
    found = summed(*some, by=tuple(by))
    rows = found.rows()
    energy_wh = sum((one.energy_wh or Decimal(0) for one in some), Decimal(0))
    assert found.total.energy_wh == sum((row.sum.energy_wh for row in rows), Decimal(0)) == energy_wh
    assert found.total.sessions == len(some)
    keys = Counter((row.month, row.vehicle_id, row.chargepoint_id, row.source) for row in rows)
    assert all(count == 1 for count in keys.values())
    if "source" not in by:
        assert sum(row.sum.sessions for row in rows) == len(some)
        for row in rows:
            part = row.sum
            assert part.grid_wh + part.pv_wh + part.battery_wh + part.unknown_wh == part.energy_wh
            assert min(part.grid_wh, part.pv_wh, part.battery_wh, part.unknown_wh) >= 0
    else:
        assert {row.source for row in rows} <= set(SOURCES)
