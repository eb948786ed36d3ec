import json
from typing import Any

from gateway.simulator.openwb2.history import History
from gateway.simulator.scenes import Stay
from tests.support.captures import load_capture
from tests.support.simulated2 import Simulated2


def daily(home: Simulated2) -> Any:
    (payload,) = [m.payload for m in home.command("getDailyLog", {"date": "20261122"}) if "log/daily" in m.topic][1:2]
    return json.loads(payload)


def test_each_five_minutes_are_an_entry_with_the_members_that_were_recorded() -> None:
    home = Simulated2(stays=(Stay(vehicle_id=1, chargepoint_id=5, plugs_in_s=5),))
    home.loops(70)
    (recorded,) = [
        json.loads(m.payload) for m in load_capture("v2-session") if m.topic == "openWB/log/daily/20261122"
    ]
    ours = daily(home)
    theirs = recorded["entries"][1]
    assert len(ours["entries"]) == 3
    for group, parts in theirs.items():
        entry = ours["entries"][1]
        assert entry.keys() == theirs.keys()
        if group in ("cp", "counter", "pv", "bat", "hc"):
            assert {name: part.keys() for name, part in entry[group].items()} == {
                name: part.keys() for name, part in parts.items()
            }
    assert ours["totals"]["cp"]["all"].keys() == recorded["totals"]["cp"]["all"].keys()


def test_the_totals_are_what_the_meters_counted() -> None:
    home = Simulated2(stays=(Stay(vehicle_id=1, chargepoint_id=5, plugs_in_s=5),))
    before = home.value("chargepoint/5/get/imported")
    home.loops(70)
    charged = home.value("chargepoint/5/get/imported") - before
    totals = daily(home)["totals"]["cp"]["cp5"]
    assert abs(totals["energy_imported"] - charged) < 3  # kWh with three decimals, in three entries
    sources = sum(totals[f"energy_imported_{source}"] for source in ("grid", "pv", "bat", "cp"))
    assert abs(sources - charged) < 5


def test_a_day_a_month_and_a_year_that_nobody_noted_are_empty() -> None:
    state = Simulated2().box.state
    history = History()
    for kind, date in (("daily", "20250101"), ("monthly", "202501"), ("yearly", "2025")):
        answer = history.answer(state, kind, date)
        assert answer["entries"] == []
        assert answer["totals"]["cp"] == {}


def test_the_first_note_of_each_day_is_one_of_the_month() -> None:
    state = Simulated2().box.state
    history = History()
    for _ in range(2 * 86_400 // 300):
        history.note(state)
        state.time_s += 300
    entries = history.answer(state, "monthly", "202611")["entries"]
    assert [entry["date"] for entry in entries] == ["20261122", "20261123", "20261124"]
    assert [entry["date"] for entry in history.answer(state, "yearly", "2026")["entries"]] == ["202611"] * 3


def test_a_note_is_taken_once_in_five_minutes() -> None:
    state = Simulated2().box.state
    history = History()
    assert history.note(state)
    assert not history.note(state)
    state.time_s += 300
    assert history.note(state)
