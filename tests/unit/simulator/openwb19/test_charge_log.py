import csv

import msgspec
import pytest

from gateway.simulator.openwb19.charge_log import LogSetup, month_csv, month_parts
from gateway.simulator.words import LogEntry

LOG = LogSetup(
    numbers={5: 1, 6: 2}, kwh_per_100km={5: "17", 6: "14.5"}, timezone="Europe/Berlin", price_eur_per_kwh="0.3"
)
BEGIN_S = 1_714_437_070.0  # 30 April 2024, 02:31:10 local
ENTRY = LogEntry(
    chargepoint_id=5,
    vehicle_id=1,
    mode="pv",
    id_tag="0001180644",
    begin_s=BEGIN_S,
    end_s=BEGIN_S + 43 * 60,
    charging_s=2500.0,
    imported_at_start_wh=8_120_000.0,
    imported_at_end_wh=8_122_600.0,
    since_mode_switch_wh=2600.0,
    since_plugged_wh=5000.0,
    power_w=3628.0,
    cost_eur=0.78,
    shares={"grid": 0.0, "pv": 1.0, "bat": 0.0, "cp": 0.0},
    soc_at_start_percent=None,
    soc_at_end_percent=None,
    range_at_start_km=None,
    range_at_end_km=None,
    odometer_km=None,
)


def line(**changed: object) -> str:
    return month_csv([msgspec.structs.replace(ENTRY, **changed)], LOG)


def test_a_line_as_the_box_writes_it() -> None:
    """As the second line of the recorded file: 03.05.24-12:31,03.05.24-12:42,8,1.40,7.41,11 Min,1,2,0,"""
    assert line() == "30.04.24-02:31,30.04.24-03:14,15,2.60,3.62,43 Min,1,2,0001180644,.78\n"


@pytest.mark.parametrize(
    ("mode", "digit"),
    [
        ("instant", "0"),
        ("min_pv", "1"),
        ("pv", "2"),
        ("stop", "3"),
        ("standby", "4"),
        ("eco", "0"),
        ("scheduled", "7"),
        ("_", "0"),
    ],
)
def test_every_mode_has_a_digit(mode: str, digit: str) -> None:
    assert line(mode=mode).split(",")[7] == digit


def test_small_numbers_have_no_zero_in_front_but_for_the_energy() -> None:
    columns = line(since_mode_switch_wh=610.0).strip().split(",")
    assert (columns[3], columns[4], columns[9]) == ("0.61", ".85", ".18")


def test_a_long_charge_over_midnight_at_the_second_charge_point() -> None:
    columns = line(chargepoint_id=6, end_s=BEGIN_S + 5 * 3600, since_mode_switch_wh=33_099.0).strip().split(",")
    assert columns[1:7] == ["30.04.24-07:31", "228", "33.09", "6.61", "5 H 0 Min", "2"]
    assert columns[9] == "9.92"  # cut, not rounded


def test_without_a_tag_or_a_price_there_is_a_zero_and_nothing() -> None:
    log = msgspec.structs.replace(LOG, price_eur_per_kwh="")
    assert month_csv([msgspec.structs.replace(ENTRY, id_tag=None)], log).endswith(",1,2,0,\n")


def test_an_entry_without_a_duration_can_be_written() -> None:
    assert line(end_s=BEGIN_S).split(",")[4:6] == ["9360.00", "0 Min"]


def test_the_newest_line_is_first_and_unknown_charge_points_are_left_out() -> None:
    later = msgspec.structs.replace(ENTRY, end_s=ENTRY.end_s + 600, id_tag="B")
    foreign = msgspec.structs.replace(ENTRY, chargepoint_id=9)
    text = month_csv([ENTRY, foreign, later], LOG)
    assert [row[8] for row in csv.reader(text.splitlines())] == ["B", "0001180644"]


def test_a_month_is_cut_into_twelve_parts_the_first_one_a_line_shorter() -> None:
    parts = month_parts("".join(f"{number}\n" for number in range(60)))
    assert [len(part.splitlines()) for part in parts] == [24, 25, 11, *[0] * 9]
    assert "\n".join(part for part in parts if part) == "\n".join(map(str, range(60)))


def test_what_is_more_than_that_is_not_sent() -> None:
    parts = month_parts("line\n" * 400)
    assert [len(part.splitlines()) for part in parts] == [24, *[25] * 11]
