"""Units, what rests on them, and what a fault takes with it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.catalogue import CATALOGUE, Freshness
from gateway.domain.freshness import Faults, rests_on
from gateway.domain.values import REMOVED, JsonValue, Removed

HOUSE = {"grid", "meters/+", "pv", "inverters/+", "battery", "batteries/+", "chargepoints/+"}


@pytest.mark.parametrize(
    ("key", "units"),
    [
        ("chargepoints/4/power_w", {"chargepoints/4"}),
        ("chargepoints/4/name", {"chargepoints/4"}),
        ("vehicles/0/soc_percent", {"vehicles/0"}),
        ("meters/7/power_w", {"meters/7"}),
        ("inverters/3/power_w", {"inverters/3"}),
        ("batteries/2/soc_percent", {"batteries/2"}),
        ("grid/power_w", {"grid"}),
        ("pv/power_w", {"pv", "inverters/+"}),
        ("battery/mode", {"battery", "batteries/+"}),
        ("charging/power_w", {"chargepoints/+"}),
        ("house/power_w", HOUSE),
        ("house/consumed_today_wh", HOUSE),
        ("grid/fault_state", set()),
        ("pv/fault_text", set()),
        ("chargepoints/4/fault_state", set()),
        ("chargepoints/4/fault_text", set()),
        ("tariff/price_eur_per_kwh", set()),
        ("box/messages/17", set()),
        ("raw/chargepoint/4/get/fault_state", set()),
        ("raw/counter/0/get/power", set()),
        ("link/state", set()),
    ],
)
def test_what_a_key_rests_on(key: str, units: set[str]) -> None:
    assert set(rests_on(key)) == units


def test_every_unit_of_the_catalogue_has_its_own_fault() -> None:
    """A key rests on the unit that has its fault state, if there is one beside it."""
    patterns = {entry.pattern for entry in CATALOGUE}
    for entry in CATALOGUE:
        prefix, _, leaf = entry.pattern.rpartition("/")
        if leaf in ("fault_state", "fault_text") or f"{prefix}/fault_state" not in patterns:
            continue
        assert prefix.replace("+", "5") in rests_on(entry.pattern.replace("+", "5"))


def test_the_catalogue_says_the_same() -> None:
    kinds = {"chargepoints": Freshness.chargepoint, "vehicles": Freshness.vehicle}
    kinds |= dict.fromkeys(("battery", "batteries"), Freshness.battery)
    kinds |= dict.fromkeys(("pv", "inverters"), Freshness.pv)
    for entry in CATALOGUE:
        group = entry.pattern.partition("/")[0]
        assert entry.freshness is kinds.get(group, Freshness.link if group == "link" else Freshness.site)


def in_fault(*keys: str) -> Faults:
    faults = Faults()
    for key in keys:
        assert faults.note(f"{key}/fault_state", 2)
    return faults


def test_a_fault_concerns_its_unit_and_the_sums_it_is_in() -> None:
    faults = in_fault("inverters/3")
    assert faults.concern(rests_on("inverters/3/power_w"))
    assert faults.concern(rests_on("pv/power_w"))
    assert faults.concern(rests_on("house/power_w"))
    for other in (
        "inverters/4/power_w",
        "grid/power_w",
        "battery/power_w",
        "charging/power_w",
        "chargepoints/3/name",
    ):
        assert not faults.concern(rests_on(other))
    assert not faults.concern(rests_on("inverters/3/fault_text"))


def test_a_fault_of_a_sum_does_not_concern_its_parts() -> None:
    faults = in_fault("pv")
    assert faults.concern(rests_on("pv/power_w"))
    assert not faults.concern(rests_on("inverters/3/power_w"))


def test_a_sum_is_well_when_the_last_of_its_parts_is() -> None:
    faults = in_fault("chargepoints/4", "chargepoints/5")
    assert faults.note("chargepoints/4/fault_state", 0)
    assert faults.concern(rests_on("charging/power_w"))
    assert faults.note("chargepoints/5/fault_state", REMOVED)
    assert not faults.concern(rests_on("charging/power_w"))


@pytest.mark.parametrize("value", [0, 1, None, REMOVED, 2.5, "2", [2]])
def test_only_two_is_a_fault(value: JsonValue | Removed) -> None:
    assert not Faults().note("grid/fault_state", value)
    faults = in_fault("grid")
    assert not faults.note("grid/fault_state", 2)
    assert faults.note("grid/fault_state", value)
    assert not faults.concern(("grid",))


def test_no_other_key_says_anything_of_faults() -> None:
    faults = Faults()
    for key in ("grid/power_w", "chargepoints/4/phases_in_use"):
        assert not faults.note(key, 2)
    assert not faults.note("raw/chargepoint/4/get/fault_state", "2")


UNITS = st.sampled_from(["grid", "pv", "inverters/1", "inverters/2", "chargepoints/4", "meters/7"])
KEYS = ["grid/power_w", "pv/power_w", "inverters/1/power_w", "house/power_w", "charging/power_w", "meters/7/power_w"]


@given(st.lists(st.tuples(UNITS, st.sampled_from([0, 1, 2, None]))))
def test_only_the_last_word_on_each_unit_counts(said: list[tuple[str, int | None]]) -> None:
    gradually, at_once = Faults(), Faults()
    for unit, state in said:
        before = [gradually.concern(rests_on(key)) for key in KEYS]
        if not gradually.note(f"{unit}/fault_state", state):
            assert before == [gradually.concern(rests_on(key)) for key in KEYS]
    for unit, state in dict(said).items():
        at_once.note(f"{unit}/fault_state", state)
    for key in KEYS:
        assert gradually.concern(rests_on(key)) == at_once.concern(rests_on(key))
