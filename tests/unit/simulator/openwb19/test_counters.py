"""What is expected was worked out by hand from the recorded session: 6.9 kW, meter 8123.48 at the plug-in."""

from gateway.simulator.openwb19.counters import Counters


def count(counters: Counters, meter_kwh: str, *, plugged: bool = True, power_w: float = 6900.0) -> Counters:
    counters.count(plugged=plugged, power_w=power_w, meter_kwh=meter_kwh, limit_kwh="4", kwh_per_100km="17")
    return counters


def test_the_first_loop_only_remembers_where_the_meter_stands() -> None:
    counters = count(Counters(), "8123.48")
    assert (counters.tracked, counters.plug_start_kwh, counters.since_plugged_kwh) == (True, "8123.48", "0")
    assert (counters.charged_kwh, counters.remaining) == ("0", "0")


def test_the_next_ones_count_energy_range_and_what_remains_to_the_limit() -> None:
    counters = count(count(Counters(), "8123.48"), "8123.50")
    assert (counters.since_plugged_kwh, counters.charged_kwh, counters.charged_km) == ("0.02", "0.02", "0")
    assert counters.remaining == "34 Min"
    count(counters, "8124.54", power_w=8225.0)
    assert (counters.charged_kwh, counters.charged_km, counters.remaining) == ("1.06", "6", "21 Min")


def test_the_limit_counts_whether_or_not_it_is_in_use_and_may_be_passed() -> None:
    counters = count(count(Counters(), "8123.48"), "8127.98")
    assert (counters.charged_kwh, counters.remaining) == ("4.50", "--")


def test_a_charge_ends_with_the_sixth_loop_below_100_w_and_its_energy_stands() -> None:
    counters = count(count(Counters(), "8123.48"), "8124.48")
    for _ in range(5):
        assert count(counters, "8124.48", power_w=100.0).remaining != "--"
    assert count(counters, "8124.48", power_w=0.0).remaining == "--"
    assert (counters.charged_kwh, counters.since_plugged_kwh) == ("1.00", "1.00")


def test_a_pause_shorter_than_that_does_not_end_it() -> None:
    counters = count(count(Counters(), "8123.48"), "8124.48")
    for _ in range(5):
        count(counters, "8124.48", power_w=0.0)
    count(counters, "8124.50")
    assert counters.charged_kwh == "1.02"
    for _ in range(5):
        count(counters, "8124.50", power_w=0.0)
    assert counters.remaining != "--"


def test_the_next_charge_of_a_plug_in_counts_from_nothing() -> None:
    counters = count(count(Counters(), "8123.48"), "8124.48")
    for _ in range(6):
        count(counters, "8124.48", power_w=0.0)
    count(count(counters, "8124.48"), "8124.85")
    assert (counters.charged_kwh, counters.since_plugged_kwh) == ("0.37", "1.37")


def test_a_plug_in_ends_with_the_sixth_loop_without_a_vehicle_and_its_energy_stands() -> None:
    counters = count(Counters(), "8123.48")
    for _ in range(5):
        assert count(counters, "8124.48", plugged=False, power_w=0.0).tracked
    assert not count(counters, "8124.48", plugged=False, power_w=0.0).tracked
    assert counters.since_plugged_kwh == "0"
    count(counters, "8124.48")
    assert counters.plug_start_kwh == "8124.48"


def test_a_vehicle_that_is_back_sooner_is_the_same_plug_in() -> None:
    counters = count(Counters(), "8123.48")
    for _ in range(5):
        count(counters, "8123.48", plugged=False, power_w=0.0)
    count(counters, "8123.98")
    assert counters.since_plugged_kwh == "0.50"
    for _ in range(5):
        count(counters, "8123.98", plugged=False, power_w=0.0)
    assert counters.tracked


def test_what_was_charged_can_be_set_back() -> None:
    counters = count(count(Counters(), "8123.48"), "8125.48")
    counters.reset_charged()
    assert (counters.charged_kwh, counters.charged_km) == ("0", "0")
