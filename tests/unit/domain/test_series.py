"""What is recorded: the catalogue's word, and the operator's."""

import pytest

from gateway.domain import series
from gateway.domain.catalogue import CATALOGUE
from gateway.domain.errors import InvalidArgument
from gateway.domain.series import Choice, Recorded


def test_without_a_choice_it_is_the_catalogues_word() -> None:
    records = Recorded()
    for entry in CATALOGUE:
        key = entry.pattern.replace("+", "4").replace("#", "a/b")
        assert records(key) == records(key) == entry.recorded, "asked again, it says the same"


def test_numbers_are_added_and_series_dropped() -> None:
    records = Recorded(Choice.of(["grid/frequency_hz", "chargepoints/+/phases_in_use"], ["vehicles/#"]))
    assert records("grid/frequency_hz")
    assert records("chargepoints/7/phases_in_use")
    assert not records("meters/7/frequency_hz")
    assert not records("vehicles/1/soc_percent")
    assert records("battery/soc_percent")


def test_what_is_added_outlives_what_is_dropped() -> None:
    records = Recorded(Choice.of(["grid/power_w"], ["#"]))
    assert records("grid/power_w")
    assert not records("pv/power_w")


@pytest.mark.parametrize(
    "key", ["link/state", "grid/powers_w", "chargepoints/4/plugged", "tariff/prices", "box/time"]
)
def test_a_pattern_never_makes_other_kinds_a_series(key: str) -> None:
    assert not Recorded(Choice.of(["#"]))(key)
    assert not Recorded()("nobody/knows_it")


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("grid/powers_w", "'grid/powers_w' is of the kind number_list; only numbers"),
        ("link/state", "of the kind text"),
        ("nobody/knows_it", "no key of the catalogue"),
        ("grid/power_w/1", "no key of the catalogue"),
    ],
)
def test_what_can_never_be_a_series_is_refused(key: str, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        Choice.of([key])


def test_what_is_no_pattern_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="level 2"):
        Choice.of(["grid/+x", "+"])
    with pytest.raises(InvalidArgument, match="level 1"):
        Choice.of(dropped=["#/a"])


def test_what_it_remembers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series, "MOST_REMEMBERED", 3)
    records = Recorded()
    for number in range(10):
        assert records(f"meters/{number}/power_w")
        assert len(records._answers) <= 3
