from decimal import Decimal

import msgspec
import pytest

from gateway.domain.charge_sessions import FLAGS, ChargeSession, ChargeSessionKey, EnergyBySource, exact, in_order


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
