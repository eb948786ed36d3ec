from gateway.domain.catalogue_entries import (
    BATTERY_MODES,
    DIALECTS,
    ENTRIES,
    LIMIT_KINDS,
    LINK_STATES,
    MODES,
)
from gateway.domain.entries import Entry


def by_pattern() -> dict[str, Entry]:
    return {entry.pattern: entry for entry in ENTRIES}


def test_the_words_that_clients_depend_on() -> None:
    assert MODES == ("instant", "min_pv", "pv", "eco", "scheduled", "time", "stop", "standby")
    assert LINK_STATES == ("connecting", "up", "silent", "down", "no_rights", "secondary", "bridge_down")
    assert LIMIT_KINDS == ("none", "soc", "energy")
    assert DIALECTS == ("openwb-2", "openwb-1.9")
    assert BATTERY_MODES == ("vehicles_first", "battery_first", "battery_first_to_min_soc")


def test_a_family_is_the_same_for_the_sum_and_for_each() -> None:
    entries = by_pattern()
    for whole, each in (("grid", "meters/+"), ("pv", "inverters/+"), ("battery", "batteries/+")):
        leaves = [pattern.removeprefix(whole) for pattern in entries if pattern.startswith(f"{whole}/")]
        assert leaves
        for leaf in leaves:
            one, other = entries[whole + leaf], entries[each + leaf]
            assert (one.kind, one.unit, one.minimum, one.maximum) == (
                other.kind,
                other.unit,
                other.minimum,
                other.maximum,
            )
            assert one.sign == other.sign


def test_no_range_is_narrower_than_real_boxes() -> None:
    """A direct-current charger, a housing company's grid connection, a bidirectional car, a car that drove far."""
    entries = by_pattern()
    for pattern, low, high in (
        ("chargepoints/+/power_w", -400_000, 400_000),
        ("chargepoints/+/current_target_a", -450, 450),
        ("chargepoints/+/instant_current_a", 0, 450),
        ("grid/power_w", -1_000_000, 1_000_000),
        ("grid/currents_a", -1500, 1500),
        ("grid/voltages_v", 0, 500),
        ("grid/imported_wh", 0, 1e11),
        ("grid/imported_today_wh", -1e7, 1e7),
        ("tariff/price_eur_per_kwh", -1, 10),
        ("vehicles/+/range_km", 0, 1000),
        ("vehicles/+/odometer_km", 0, 999_999),
        ("box/time", 0, 4_102_444_800),
    ):
        entry = entries[pattern]
        assert entry.minimum is not None
        assert entry.maximum is not None
        assert entry.minimum <= low
        assert high <= entry.maximum
