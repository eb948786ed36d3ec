import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.catalogue import CATALOGUE, Entry, entry_for, fits
from gateway.domain.errors import Unreadable
from gateway.domain.fitting import MOST_PRICES, fit

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.floats(0, 100),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


def entry(key: str) -> Entry:
    found = entry_for(key)
    assert found is not None
    return found


@given(st.sampled_from(CATALOGUE), JSON)
def test_what_fits_is_inside_type_and_range(declared: Entry, value: Any) -> None:
    try:
        fitted = fit(declared, value)
    except Unreadable:
        return
    assert fits(declared, fitted)
    if declared.pattern != "tariff/prices":
        assert fit(declared, fitted) == fitted


@pytest.mark.parametrize(
    ("key", "value", "fitted"),
    [
        ("pv/power_w", -5361.9400000000005, -5361.94),
        ("chargepoints/1/energy_since_plugged_wh", 356.8500000014901, 356.85),
        ("grid/frequency_hz", 49.98649, 49.986),
        ("vehicles/1/soc_percent", 46.64, 46.6),
        ("tariff/price_eur_per_kwh", 0.32000000000000006, 0.32),
        ("grid/power_w", 5, 5.0),
        ("grid/power_w", math.nan, None),
        ("grid/power_w", -math.inf, None),
        ("grid/power_w", None, None),
        ("chargepoints/1/phases_in_use", 3.0, 3),
        ("chargepoints/1/mode", "pv", "pv"),
        ("chargepoints/1/name", "<b>Hof</b>", "Hof"),
        ("chargepoints/1/plugged", 1, True),
        ("chargepoints/1/plugged", 0, False),
        ("chargepoints/1/plugged", True, True),
        ("vehicles/1/soc_at", 1795330365335.408, 1795330365.335),
        ("grid/powers_w", [1, math.nan, None], [1.0, None, None]),
        ("box/messages/1", {"type": "info", "more": 1}, {"type": "info", "text": None}),
        ("tariff/prices", {"1800": 0.5, "900.0": 1, "2700": None}, [[900, 1.0], [1800, 0.5], [2700, None]]),
        ("tariff/prices", {"1795330800000": 0.5}, [[1795330800, 0.5]]),
    ],
)
def test_fit(key: str, value: Any, fitted: Any) -> None:
    result = fit(entry(key), value)
    assert result == fitted
    assert type(result) is type(fitted)


def test_minus_zero_is_zero() -> None:
    assert math.copysign(1, fit(entry("pv/power_w"), -0.0)) == 1  # type: ignore[arg-type] # a float, see above
    assert math.copysign(1, fit(entry("pv/power_w"), -0.001)) == 1  # type: ignore[arg-type] # likewise


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("grid/power_w", True),
        ("grid/power_w", "5"),
        ("grid/power_w", [5]),
        ("grid/power_w", 1e9),
        ("grid/power_w", 10**400),
        ("grid/power_w", 1e300),
        ("grid/voltages_v", [230, 230]),
        ("grid/voltages_v", 230),
        ("grid/voltages_v", [230, 230, 501]),
        ("grid/voltages_v", [230, 230, "230"]),
        ("vehicles/1/soc_percent", -1),
        ("vehicles/1/soc_percent", 101),
        ("chargepoints/1/phases_in_use", 1.5),
        ("chargepoints/1/plugged", 2),
        ("chargepoints/1/plugged", "true"),
        ("chargepoints/1/mode", "turbo"),
        ("chargepoints/1/name", 5),
        ("chargepoints/1/limit", []),
        ("tariff/prices", []),
        ("tariff/prices", {"soon": 1}),
        ("tariff/prices", {"-5": 1}),
        ("tariff/prices", {"nan": 1}),
        ("tariff/prices", {"inf": 1}),
        ("tariff/prices", {"1800": "cheap"}),
        ("tariff/prices", {str(start): 1 for start in range(MOST_PRICES + 1)}),
    ],
)
def test_what_does_not_fit_is_unreadable(key: str, value: Any) -> None:
    with pytest.raises(Unreadable):
        fit(entry(key), value)
