from decimal import Decimal

import pytest

from gateway.simulator.openwb19 import texts

BEGAN_S = 1_714_732_200.0


@pytest.mark.parametrize(
    ("number", "text"),
    [(229.97, "229.97"), (232.0, "232.0"), (9.899999, "9.9"), (-0.001, "0.0"), (0, "0.0"), (-6.19, "-6.19")],
)
def test_a_measured_number_is_rounded(number: float, text: str) -> None:
    assert texts.measured(number) == text


def test_some_modules_write_a_bare_nothing() -> None:
    assert [texts.measured_or_nothing(number) for number in (0.0, 9.93, 10.0)] == ["0", "9.93", "10.0"]


def test_whole_numbers_have_no_minus_in_front_of_zero() -> None:
    assert [texts.whole(number) for number in (-8430.4, -0.4, 0.5, 30.6)] == ["-8430", "0", "0", "31"]


@pytest.mark.parametrize(
    ("number", "text", "mended"),
    [
        ("0", "0", "0"),
        ("0.009", "0", "0"),
        ("0.649", ".64", "0.64"),
        ("1.4", "1.40", "1.40"),
        ("-0.1", "-.10", "-.10"),
        ("9.929", "9.92", "9.92"),
    ],
)
def test_a_calculated_number_is_cut_and_has_no_zero_in_front(number: str, text: str, mended: str) -> None:
    assert texts.calculated(Decimal(number)) == text
    assert texts.with_zero(text) == mended


@pytest.mark.parametrize(
    ("minutes", "text"), [(-1, "--"), (0, "0 Min"), (34, "34 Min"), (60, "1 H 0 Min"), (84, "1 H 24 Min")]
)
def test_a_duration_is_text(minutes: int, text: str) -> None:
    assert texts.duration(minutes) == text


@pytest.mark.parametrize(
    ("time_s", "text"),
    [
        (BEGAN_S, "Fri May  3 12:30:00 CEST 2024"),
        (1_766_620_805.0, "Thu Dec 25 01:00:05 CET 2025"),
    ],
)
def test_the_date_is_that_of_a_shell(time_s: float, text: str) -> None:
    assert texts.date(texts.local(time_s, "Europe/Berlin")) == text


@pytest.mark.parametrize(
    ("up_s", "since"),
    [
        (59, "up 0 min,"),
        (33 * 60, "up 33 min,"),
        (65 * 60, "up  1:05,"),
        (86_400, "up 1 day, 0 min,"),
        (2 * 86_400 + 11_040, "up 2 days,  3:04,"),
    ],
)
def test_how_long_the_box_is_up(up_s: float, since: str) -> None:
    said = texts.uptime(texts.local(BEGAN_S, "Europe/Berlin"), up_s)
    assert said.startswith(f" 12:30:00 {since}  0 user,  load average: ")
