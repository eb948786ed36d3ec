import math
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.catalogue import CATALOGUE, Access, Entry, Freshness, Kind, check, entry_for, values_page
from gateway.domain.filters import check_pattern

ROOT = Path(__file__).parents[3]

ELECTRICAL = {"powers_w", "currents_a", "voltages_v"}
FAULTS = {"fault_state", "fault_text"}
METER = {
    "power_w",
    "frequency_hz",
    "imported_wh",
    "exported_wh",
    "imported_today_wh",
    "exported_today_wh",
    *ELECTRICAL,
    *FAULTS,
}
INVERTER = {"power_w", "produced_wh", "produced_today_wh", "produced_month_wh", "produced_year_wh", *FAULTS}
BATTERY = {
    "power_w",
    "soc_percent",
    "charged_wh",
    "discharged_wh",
    "charged_today_wh",
    "discharged_today_wh",
    "mode",
    *FAULTS,
}
CHARGEPOINT = {
    "name",
    "busy",
    "power_w",
    "phases_in_use",
    "plugged",
    "charging",
    "locked",
    "mode",
    "current_target_a",
    "instant_current_a",
    "min_current_a",
    "limit",
    "plan",
    "price_limit_eur_per_kwh",
    "meter_wh",
    "discharged_wh",
    "energy_today_wh",
    "energy_since_plugged_wh",
    "id_tag",
    "vehicle_id",
    "serial_number",
    "state_text",
    *ELECTRICAL,
    *FAULTS,
}
GROUPS = {
    "grid": METER,
    "meters/+": METER,
    "pv": INVERTER,
    "inverters/+": INVERTER,
    "battery": BATTERY,
    "batteries/+": BATTERY,
    "house": {"power_w", "consumed_today_wh"},
    "charging": {"power_w", "energy_wh", "energy_today_wh"},
    "chargepoints/+": CHARGEPOINT,
    "vehicles/+": {"name", "soc_percent", "soc_at", "range_km", "odometer_km", "soc_module", *FAULTS},
    "tariff": {"price_eur_per_kwh", "prices"},
    "box": {"version", "time", "updating"},
    "box/messages": {"+"},
    "link": {"state", "reason", "since", "dialect"},
    "raw": {"#"},
}
UNITS = {"w": "W", "wh": "Wh", "a": "A", "v": "V", "hz": "Hz", "percent": "%", "km": "km", "kwh": "EUR/kWh"}


def entry(key: str) -> Entry:
    found = entry_for(key)
    assert found is not None
    return found


def test_the_whole_table_is_there_and_nothing_else() -> None:
    patterns = [declared.pattern for declared in CATALOGUE]
    assert len(patterns) == len(set(patterns))
    assert set(patterns) == {f"{group}/{leaf}" for group, leaves in GROUPS.items() for leaf in leaves}


@pytest.mark.parametrize("declared", CATALOGUE, ids=lambda declared: declared.pattern)
def test_every_entry_is_complete(declared: Entry) -> None:
    check_pattern(declared.pattern)
    assert declared.text_en
    assert declared.text_de
    numbers = (Kind.number, Kind.integer, Kind.time, Kind.number_list, Kind.price_list)
    if declared.kind in numbers:
        assert declared.minimum is not None
        assert declared.maximum is not None
    if declared.kind is Kind.text:
        assert bool(declared.allowed) != (declared.maximum is not None)
    assert bool(declared.fields) == (declared.kind is Kind.object)
    suffix = declared.pattern.rpartition("_")[2]
    if suffix in UNITS:
        assert declared.unit == UNITS[suffix]
    if suffix == "w" and declared.kind is Kind.number:
        assert declared.sign
    if declared.recorded:
        assert declared.kind is Kind.number


def test_what_strangers_and_members_may_see() -> None:
    access = {declared.pattern: declared.access for declared in CATALOGUE}
    assert {pattern for pattern, who in access.items() if who is Access.public} == {
        *(f"link/{leaf}" for leaf in GROUPS["link"]),
        "chargepoints/+/busy",
        "chargepoints/+/name",
    }
    assert {pattern for pattern, who in access.items() if who is Access.admin} == {"raw/#", "box/messages/+"}
    assert {pattern for pattern, who in access.items() if who is Access.owner} == {
        "chargepoints/+/id_tag",
        "vehicles/+/soc_module",
    }


def test_units_of_freshness() -> None:
    assert entry("chargepoints/5/power_w").freshness is Freshness.chargepoint
    assert entry("vehicles/5/soc_percent").freshness is Freshness.vehicle
    assert entry("inverters/5/power_w").freshness is Freshness.pv
    assert entry("battery/power_w").freshness is Freshness.battery
    assert entry("grid/power_w").freshness is Freshness.site
    assert {declared.pattern for declared in CATALOGUE if declared.freshness is Freshness.link} == {
        f"link/{leaf}" for leaf in GROUPS["link"]
    }


@pytest.mark.parametrize(
    ("key", "pattern"),
    [
        ("grid/power_w", "grid/power_w"),
        ("meters/7/power_w", "meters/+/power_w"),
        ("box/messages/17", "box/messages/+"),
        ("raw/chargepoint/5/get/power", "raw/#"),
        ("chargepoints/+/name", None),
        ("raw/#", None),
        ("meters//power_w", None),
        ("meters/power_w", None),
        ("grid/7/power_w", None),
        ("grid", None),
        ("", None),
        ("nothing/of/ours/at/all", None),
    ],
)
def test_entry_for(key: str, pattern: str | None) -> None:
    found = entry_for(key)
    assert (found and found.pattern) == pattern


LIMIT = {"kind": "soc", "soc_percent": 80, "energy_wh": None}


@pytest.mark.parametrize(
    ("key", "value", "inside"),
    [
        ("grid/power_w", None, True),
        ("grid/power_w", -5.5, True),
        ("grid/power_w", 5, True),
        ("grid/power_w", True, False),
        ("grid/power_w", "5", False),
        ("grid/power_w", math.nan, False),
        ("grid/power_w", math.inf, False),
        ("vehicles/1/soc_percent", 100, True),
        ("vehicles/1/soc_percent", 100.1, False),
        ("vehicles/1/soc_percent", -0.1, False),
        ("chargepoints/1/phases_in_use", 3, True),
        ("chargepoints/1/phases_in_use", 3.0, False),
        ("chargepoints/1/plugged", False, True),
        ("chargepoints/1/plugged", 0, False),
        ("chargepoints/1/mode", "pv", True),
        ("chargepoints/1/mode", "pv_charging", False),
        ("chargepoints/1/name", "Hof", True),
        ("chargepoints/1/name", "x" * 201, False),
        ("chargepoints/1/name", 5, False),
        ("grid/voltages_v", [230, None, 0.0], True),
        ("grid/voltages_v", [230, 230], False),
        ("grid/voltages_v", [230, 230, 999], False),
        ("grid/voltages_v", [230, 230, True], False),
        ("grid/voltages_v", 230, False),
        ("chargepoints/1/limit", LIMIT, True),
        ("chargepoints/1/limit", {**LIMIT, "more": 1}, False),
        ("chargepoints/1/limit", {"kind": "soc"}, False),
        ("chargepoints/1/limit", {**LIMIT, "kind": "amount"}, False),
        ("chargepoints/1/limit", [], False),
        ("tariff/prices", [], True),
        ("tariff/prices", [[900, 0.3], [1800, None]], True),
        ("tariff/prices", [[900.5, 0.3]], False),
        ("tariff/prices", [[900]], False),
        ("tariff/prices", [900], False),
        ("tariff/prices", [[900, 1000]], False),
        ("tariff/prices", {}, False),
        ("raw/x", "text", True),
        ("no/such/key", None, False),
    ],
)
def test_check(key: str, value: Any, inside: bool) -> None:
    assert check(key, value) is inside


def test_the_page_of_values_is_the_catalogues() -> None:
    written = (ROOT / "docs" / "values.md").read_text()
    assert written == values_page(), "write docs/values.md anew with what values_page() returns"


def test_the_page_names_every_key_and_its_members() -> None:
    page = values_page()
    for declared in CATALOGUE:
        assert f"`{declared.pattern.replace('+', '<id>').replace('#', '<topic>')}`" in page
        assert all(f"`{field.name}`" in page for field in declared.fields)
