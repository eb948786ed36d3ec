"""What entries of a box's log are made of."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.box_log import (
    MOST_CHARS,
    ODDITIES,
    Shares,
    as_float,
    as_text,
    exact_number,
    in_order,
    natural_key,
    plain,
)


@pytest.mark.parametrize(
    ("given", "exact"),
    [
        (Decimal("10839232.54"), "10839232.540"),
        (10200000.0, "10200000.000"),
        (0.1 + 0.2, "0.300"),
        (7, "7.000"),
        (".64", "0.640"),
        ("-0", "0.000"),
        (Decimal("82.92000000007451"), "82.920"),
        (Decimal("-5.5"), "-5.500"),
    ],
)
def test_numbers_keep_the_digits_that_were_written_to_the_mwh(given: object, exact: str) -> None:
    assert str(exact_number(given)) == exact


@pytest.mark.parametrize(
    "given",
    [None, True, [], {}, "", "-", "12 kWh", "9" * 41, 10**12, Decimal("NaN"), Decimal("Infinity"), float("nan")],
)
def test_what_is_no_number_that_can_be_meant_is_none(given: object) -> None:
    assert exact_number(given) is None
    assert as_float(given) is None


def test_kilowatt_hours_become_watt_hours_exactly() -> None:
    assert exact_number("33.09", times=1000) == Decimal(33090)
    assert as_float(Decimal("54.1")) == 54.1


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ('Hof; links "2"', 'Hof; links "2"'),
        ("=Dienstwagen Müller", "=Dienstwagen Müller"),
        ("0001180644", "0001180644"),
        (5, "5"),
        (" a\x00b ", "a b"),
        ("\ud800", "?"),
        ("", None),
        ("-", None),
        (None, None),
        (True, None),
        (["a"], None),
    ],
)
def test_text_stays_as_it_is_written(given: object, text: str | None) -> None:
    assert as_text(given) == text


def test_text_is_bounded() -> None:
    assert as_text(10**5000) is None
    assert len(as_text("x" * 1000) or "") == MOST_CHARS


def test_equal_parts_have_equal_keys_and_others_have_not() -> None:
    assert natural_key("openwb-2", "5", Decimal("10200000.0")) == natural_key(
        "openwb-2", "5", Decimal("10200000.000")
    )
    parts: list[tuple[object, ...]] = [("5", None), ("5", ""), ("5",), (None, "5"), ("5", "x"), ("5x",)]
    keys = {natural_key("openwb-2", *one) for one in parts}
    assert len(keys) == len(parts)
    assert natural_key("openwb-2", "5") != natural_key("evcc", "5")


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9))
def test_plain_numbers_have_the_same_value(number: Decimal) -> None:
    text = plain(number)
    assert Decimal(text) == number
    assert "E" not in text
    assert not ("." in text and text.endswith("0"))


def test_shares_add_up() -> None:
    assert Shares(0.25, 0.5, 0.125, 0.0).total == 0.875


def test_oddities_come_once_and_in_order() -> None:
    assert in_order(("no_serial_number", "migrated", "migrated")) == ("migrated", "no_serial_number")
    assert in_order(reversed(ODDITIES)) == ODDITIES
