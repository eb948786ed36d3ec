from decimal import Decimal

import msgspec
import pytest

from gateway.domain.charge_sessions import (
    FLAGS,
    ChargeSession,
    ChargeSessionKey,
    EnergyBySource,
    Segment,
    as_of,
    exact,
    in_order,
)


@pytest.mark.parametrize(
    ("published", "text"),
    [
        (10839010.19, "10839010.19"),
        (10839000.0, "10839000"),
        (0.1, "0.1"),
        (0, "0"),
        (-0.25, "-0.25"),
        (8123.48 * 1000, "8123480"),
        (1e12, "1000000000000"),
    ],
)
def test_a_number_is_exact_as_it_was_published(published: float, text: str) -> None:
    assert str(exact(published)) == text


def test_a_difference_of_exact_numbers_has_no_noise() -> None:
    assert 0.3 - 0.1 != 0.2
    assert exact(0.3) - exact(0.1) == exact(0.2)


def test_flags_stand_once_and_in_order() -> None:
    assert in_order(["clock", "gap", "gap", "begin_unknown"]) == ("begin_unknown", "gap", "clock")
    assert in_order(FLAGS) == FLAGS
    assert in_order([]) == ()


def session(energy_wh: Decimal | None = None) -> ChargeSession:
    return ChargeSession(
        site="home",
        chargepoint_id="5",
        plugged_at_ms=1_000_500,
        plugged_at=1_000.5,
        energy_wh=energy_wh,
        energy_by_source=EnergyBySource(grid_wh=Decimal("1.10"), pv_wh=Decimal(0), battery_wh=Decimal(0)),
        completeness=("gap",),
    )


def test_its_key_is_site_charge_point_and_plug() -> None:
    assert session().key == ChargeSessionKey("home", "5", 1_000_500)


def test_below_fifty_watt_hours_it_is_small() -> None:
    assert session(Decimal("49.99")).small
    assert session().small
    assert not session(Decimal(50)).small


def test_persons_and_prices_are_left_to_others() -> None:
    one = session()
    assert (one.person, one.person_how, one.cost) == (None, None, None)


def test_written_down_and_read_again_it_is_the_same() -> None:
    one = session(Decimal("1038.19"))
    assert msgspec.json.decode(msgspec.json.encode(one), type=ChargeSession) == one
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(one), type=ChargeSession) == one


OPEN = ChargeSession(
    site="home",
    chargepoint_id="4",
    plugged_at_ms=1_000_000,
    plugged_at=1_000.0,
    meter_start_wh=Decimal(5_000),
    meter_end_wh=Decimal("5100.5"),
    energy_wh=Decimal("100.5"),
    plugged_s=50.0,
    segments=(
        Segment(mode="pv", begin=1_000.0, end=1_020.0, energy_wh=Decimal("0.5")),
        Segment(mode="instant", begin=1_020.0, end=None, energy_wh=Decimal(100)),
    ),
)


def test_an_open_one_is_brought_up_to_the_meter_of_now() -> None:
    now = as_of(OPEN, Decimal("5200.75"), 1_060.0)
    assert (now.energy_wh, now.meter_end_wh, now.plugged_s) == (Decimal("200.75"), Decimal("5200.75"), 60.0)
    assert sum(one.energy_wh or 0 for one in now.segments) == now.energy_wh
    assert now.segments[0] == OPEN.segments[0]


@pytest.mark.parametrize("meter_wh", [None, Decimal(0), Decimal("5100.5"), Decimal(5_000_000)])
def test_a_reading_that_does_not_go_on_brings_nothing_up(meter_wh: Decimal | None) -> None:
    assert as_of(OPEN, meter_wh, 1_060.0) == msgspec.structs.replace(OPEN, plugged_s=60.0)
    assert as_of(OPEN, meter_wh, 1_010.0) == OPEN, "nor does a clock that goes back"


@pytest.mark.parametrize("unknown", ["meter_end_wh", "energy_wh"])
def test_what_nobody_knows_stays_unknown(unknown: str) -> None:
    one = msgspec.structs.replace(OPEN, **{unknown: None})
    assert as_of(one, Decimal(5_200), 1_050.0) == one


def test_segments_whose_energy_nobody_knows_stay_as_they_are() -> None:
    unknown = Segment(mode="pv", begin=1_000.0, end=None, energy_wh=None)
    for segments in ((), (unknown,)):
        one = msgspec.structs.replace(OPEN, segments=segments)
        assert as_of(one, Decimal(5_200), 1_050.0).segments == segments
