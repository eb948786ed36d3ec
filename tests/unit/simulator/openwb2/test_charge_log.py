import json

import msgspec
import pytest

from gateway.simulator.box import Box
from gateway.simulator.openwb2.charge_log import asked, charge_log, entry_json, range_km
from gateway.simulator.openwb2.versions import BEFORE_2_1_8, HEAD
from gateway.simulator.words import LogEntry
from tests.support.captures import load_capture
from tests.support.simulated2 import RECORDED_HOME

STATE = Box(msgspec.structs.replace(RECORDED_HOME, timezone="UTC"), 1795330295.0).state  # as the recorder's machine
ALL = {
    "year": "2026",
    "month": "11",
    "filter": {"chargepoint": {"id": []}, "vehicle": {"id": [], "tag": [], "chargemode": []}},
}
# the first entry that the real core wrote in the recorded session, as our box would hand it on
ENTRY = LogEntry(
    chargepoint_id=5,
    vehicle_id=1,
    mode="pv",
    id_tag="04A1B2C3D4",
    begin_s=1795330341.6,
    end_s=1795330512.6,
    charging_s=121.15,
    imported_at_start_wh=10839000.0,
    imported_at_end_wh=10839232.54,
    since_mode_switch_wh=232.54,
    since_plugged_wh=232.54,
    power_w=6910.04,
    cost_eur=0.011,
    shares={"grid": 0.25, "pv": 0.5, "bat": 0.125, "cp": 0.0},
    soc_at_start_percent=42,
    soc_at_end_percent=42,
    range_at_start_km=None,
    range_at_end_km=None,
    odometer_km=None,
)


def shares(entry: LogEntry) -> dict[str, float]:
    power_source: dict[str, float] = entry_json(STATE, entry, HEAD)["data"]["power_source"]
    return power_source


def test_an_entry_is_written_as_the_real_core_wrote_it() -> None:
    (answer,) = [json.loads(m.payload) for m in load_capture("v2-session") if m.topic == "openWB/log/gateway1/data"]
    recorded = answer["entries"][0]
    ours = entry_json(STATE, ENTRY, HEAD)
    for part in ("costs", "power_source"):
        recorded["data"].pop(part), ours["data"].pop(part)
    assert ours == recorded


def test_small_entries_have_no_shares() -> None:
    assert shares(ENTRY) == {"bat": 0.125, "cp": 0.0, "grid": 0.25, "pv": 0.5}
    small = LogEntry(**{n: getattr(ENTRY, n) for n in ENTRY.__struct_fields__} | {"since_mode_switch_wh": 99.0})
    assert set(shares(small).values()) == {0.0}


def test_before_2_1_8_members_are_missing_and_the_power_is_per_second() -> None:
    told = entry_json(STATE, ENTRY, BEFORE_2_1_8)
    assert "odometer" not in told["vehicle"]
    assert "exported_at_start" not in told["chargepoint"]
    assert told["data"]["power"] == round(232.54 / 121.15, 2)
    still = LogEntry(**{n: getattr(ENTRY, n) for n in ENTRY.__struct_fields__} | {"charging_s": 0.0})
    assert entry_json(STATE, still, BEFORE_2_1_8)["data"]["power"] == 0


def test_a_vehicle_that_is_gone_has_no_name() -> None:
    gone = LogEntry(**{n: getattr(ENTRY, n) for n in ENTRY.__struct_fields__} | {"vehicle_id": 77})
    assert entry_json(STATE, gone, HEAD)["vehicle"]["name"] == "-"
    assert range_km(None, 170.0) == 0.9


def test_totals_are_sums_and_the_mean_power() -> None:
    what = asked(ALL)
    assert what is not None
    totals = charge_log(STATE, [ENTRY, ENTRY], what, HEAD)["totals"]
    assert totals == {
        "time_charged": "0:04",
        "range_charged": 2.46,
        "imported_since_mode_switch": 465.08,
        "power": 6910.04,
        "costs": 0.02,
    }


@pytest.mark.parametrize(
    ("year", "month", "expected"),
    [("2026", "11", (2026, 11)), (2026, "01", (2026, 1)), ("2026", "1", None), ("26", "0111", (2601, 11))],
)
def test_the_month_is_a_file_name(year: str | int, month: str, expected: tuple[int, int] | None) -> None:
    what = asked(ALL | {"year": year, "month": month})
    assert what is not None
    assert what.year_and_month == expected
