"""The box without a dialect: a day as it was recorded, and what its actions do."""

import pickle
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from gateway.simulator.box import Box
from gateway.simulator.installations import HOME
from gateway.simulator.words import (
    Logged,
    PluggedIn,
    Scan,
    SetPoint,
    TagRefused,
    TagTaken,
    Unplugged,
    VehicleAssigned,
    Wish,
)
from tests.support.simulated import Day

STRANGERS_FIRST = msgspec.structs.replace(
    HOME, chargepoints=tuple(msgspec.structs.replace(setup, vehicle_id=0) for setup in HOME.chargepoints)
)
BERLIN = ZoneInfo("Europe/Berlin")
NO_CAR = "Keine Ladung, da kein Auto angesteckt ist."
WAITS = "Wenn nach dem Scannen nicht innerhalb von 5 Minuten ein Auto angesteckt wird, wird der ID-Tag verworfen. "


def test_the_recorded_session() -> None:
    """The order of the 2.x capture: tag, plug, sun, the other car, modes, a strange tag, lock, phases, unplugs."""
    day = Day({5: Wish(mode="pv"), 6: Wish(instant_current_a=16.0)}, STRANGERS_FIRST)
    day.plant.sun_w = 10_500.0
    _tag_before_the_plug(day)
    _sun_is_waited_for(day)
    _another_car_in_a_hurry(day)
    _mode_is_changed(day)
    _strange_tag(day)
    _lock(day)
    _phases_are_switched(day)
    _leaves(day)


def _tag_before_the_plug(day: Day) -> None:
    left = day.left
    assert day.loop() == ()
    assert (left.state_text, left.vehicle_id, left.scanned_tag) == (NO_CAR, 0, None)

    day.box.scan(5, "04A1B2C3D4")
    assert (left.scanned_tag, left.scanned_s) == ("04A1B2C3D4", None)
    assert day.loop() == (VehicleAssigned(5, 1),)
    assert (left.scanned_tag, left.scanned_s, left.id_tag) == ("04A1B2C3D4", day.plant.time_s, None)
    assert left.state_text == NO_CAR
    day.loop()
    assert left.state_text == WAITS + NO_CAR


def _sun_is_waited_for(day: Day) -> None:
    left = day.left
    day.plug(5, 1)
    assert day.loop() == (PluggedIn(5), TagTaken(5, "04A1B2C3D4"))
    assert (left.scanned_tag, left.scanned_s, left.id_tag) == (None, None, "04A1B2C3D4")
    assert left.state_text == WAITS + "Die Ladung wird gestartet, sobald in 29 Sek. die Wartezeit abgelaufen ist."
    assert left.set_point == SetPoint(0.0, 1)
    assert (left.log.imported_at_plug_wh, left.log.mode, left.log.mode_switched_s) == (
        10_839_000.0,
        "_",
        day.plant.time_s,
    )
    day.loop()
    assert left.state_text == "Die Ladung wird gestartet, sobald in 19 Sek. die Wartezeit abgelaufen ist."
    day.loops(2)
    assert left.state_text.startswith("Einschaltschwelle für die Dauer der Wartezeit überschritten.")
    assert left.set_point == SetPoint(0.0, 3)
    day.loop()
    assert (left.state_text, left.set_point) == ("Ladevorgang wird gestartet... ", SetPoint(6.0, 3))
    day.loop()
    assert left.state_text == "Fahrzeug lädt."
    assert left.set_point.current_a > 14
    assert (left.log.mode, left.log.vehicle_id, left.log.id_tag) == ("pv", 1, "04A1B2C3D4")


def _another_car_in_a_hurry(day: Day) -> None:
    left, right = day.left, day.right
    day.plant.scans = (Scan(6, "1234567890"),)
    assert day.loop() == ()
    assert right.scanned_tag == "1234567890"
    assert day.loop() == (VehicleAssigned(6, 3),)
    day.plug(6, 3)
    assert day.loop() == (PluggedIn(6), TagTaken(6, "1234567890"))
    assert right.set_point == SetPoint(6.0, 3)
    day.loop()
    assert (right.state_text, right.set_point.current_a, left.set_point.current_a) == ("Fahrzeug lädt.", 16.0, 6.0)
    assert day.plant.phases_in_use[6] == 2
    day.loop()
    assert left.state_text.startswith("Umschaltung von 3 auf 1 Phasen in 5 Min. ")


def _mode_is_changed(day: Day) -> None:
    left = day.left
    day.ask(5, mode="instant", instant_current_a=16.0)
    (written,) = day.loop()
    assert isinstance(written, Logged)
    assert (written.entry.mode, written.entry.vehicle_id, written.entry.id_tag) == ("pv", 1, "04A1B2C3D4")
    assert (left.state_text, left.set_point, left.log.mode) == ("Fahrzeug lädt.", SetPoint(16.0, 3), "instant")
    assert left.log.since_mode_switch_wh == 0
    assert left.log.since_plugged_wh == written.entry.since_plugged_wh


def _strange_tag(day: Day) -> None:
    right = day.right
    day.box.scan(6, "FFFFFFFF")
    (refused,) = day.loop()
    assert refused == TagRefused(6, "FFFFFFFF", "Der ID-Tag FFFFFFFF ist an diesem Ladepunkt nicht gültig.")
    assert (right.state_text, right.scanned_tag, right.id_tag) == (refused.text, None, "1234567890")
    day.loop()
    assert right.state_text == "Fahrzeug lädt."


def _lock(day: Day) -> None:
    right = day.right
    day.box.lock(6, True)
    assert day.plant.powers_w[6] > 0
    assert day.loop() == ()
    assert (right.state_text, right.set_point.current_a) == ("Keine Ladung, da der Ladepunkt gesperrt ist.", 0.0)
    day.loop()
    day.box.lock(6, False)
    (written,) = day.loop()
    assert isinstance(written, Logged)
    assert (written.entry.mode, right.log.mode) == ("instant", "_")
    assert (right.state_text, right.set_point.current_a) == ("Ladevorgang wird gestartet... ", 6.0)
    day.loops(2)
    assert (right.state_text, right.set_point.current_a) == ("Fahrzeug lädt.", 16.0)


def _phases_are_switched(day: Day) -> None:
    left = day.left
    day.loops(30)
    day.plant.sun_w = 6_000.0
    day.ask(5, mode="pv")
    (written,) = day.loop()
    assert isinstance(written, Logged)
    assert (left.set_point, left.state_text) == (SetPoint(6.0, 3), "Fahrzeug lädt.")
    day.loop()
    assert left.state_text == "Umschaltung von 3 auf 1 Phasen in 59 Sek.."
    day.loops(6)
    assert (left.set_point, left.state_text) == (
        SetPoint(0.0, 1),
        "Umschaltung von 3 auf 1 Phase, dafür wird die Ladung unterbrochen.",
    )
    day.loop()
    assert day.plant.powers_w[5] == 0
    assert (left.set_point, left.state_text) == (SetPoint(6.0, 1), "Ladevorgang wird gestartet... ")
    assert (left.log.started_s, left.log.stopped_s) == (None, day.plant.time_s)


def _leaves(day: Day) -> None:
    left = day.left
    day.unplug(5)
    logged, unplugged = day.loop()
    assert isinstance(logged, Logged)
    assert unplugged == Unplugged(5)
    assert (left.id_tag, left.log.since_plugged_wh, left.state_text) == (None, 0.0, NO_CAR)
    assert (left.set_point.current_a, left.vehicle_id) == (0.0, 1)
    assert day.loop() == (VehicleAssigned(5, 0),)
    lines = [happening.entry for happening in day.happenings if isinstance(happening, Logged)]
    assert [line.mode for line in lines if line.chargepoint_id == 5] == ["pv", "instant", "pv"]
    assert day.box.entries(2026, 11) == tuple(lines)
    assert day.box.entries(2026, 12) == ()


def test_a_car_that_is_there_at_the_start_is_plugged_in() -> None:
    day = Day()
    fresh = Box(HOME, day.plant.time_s)
    day.plant.plugged[5] = 1
    assert fresh.loop(day.plant.readings()) == (PluggedIn(5),)


def test_a_vehicle_by_hand_stays_until_the_unplug() -> None:
    day = Day()
    assert day.box.assign(5, 3) == VehicleAssigned(5, 3)
    day.loops(2)
    day.plug(5, 1)
    day.loops(2)
    assert day.left.vehicle_id == 3
    day.unplug(5)
    assert VehicleAssigned(5, 1) not in day.loop()
    assert day.loop() == (VehicleAssigned(5, 1),)


def test_what_is_asked_is_state_at_once_and_current_with_the_next_loop() -> None:
    day = Day()
    day.plug(5, 1)
    day.loops(2)
    assert day.current_a(5) == 10
    day.ask(5, instant_current_a=14.0)
    day.box.lock(6, True)
    assert (day.left.wish.instant_current_a, day.right.locked, day.current_a(5)) == (14.0, True, 10.0)
    day.loop()
    assert day.current_a(5) == 14
    assert day.text(6) == NO_CAR


def test_settings_are_state() -> None:
    box = Day().box
    box.set_control_interval(20)
    box.set_bat_mode("bat_mode")
    box.set_id_tags_active(False)
    box.set_vehicle_tags(1, ("A", "B"))
    box.rename_vehicle(1, "Ein anderer")
    state, vehicle = box.state, box.state.vehicles[1]
    assert (state.control_interval_s, state.bat_mode, state.id_tags_active) == (20, "bat_mode", False)
    assert (vehicle.id_tags, vehicle.name) == (("A", "B"), "Ein anderer")


def test_a_line_belongs_to_the_month_in_which_it_is_written_by_the_local_clock() -> None:
    day = Day(at_s=datetime(2026, 11, 30, 23, 59, tzinfo=BERLIN).timestamp())
    day.plug(5, 1)
    day.loops(4)
    day.ask(5, mode="min_pv")
    day.loops(4)
    day.unplug(5)
    day.loop()
    (november,), (december,) = day.box.entries(2026, 11), day.box.entries(2026, 12)
    assert november.imported_at_end_wh == december.imported_at_start_wh
    assert (november.mode, december.mode) == ("instant", "min_pv")


def test_waits_go_by_the_time_that_passed_whatever_the_clock_says() -> None:
    day = Day({5: Wish(mode="pv")})
    day.plant.sun_w = 2_400.0
    day.plug(5, 1)
    day.loop()
    for moved_s in (-86_400.0, 86_400.0):
        day.plant.time_s += moved_s
        day.loop()
        assert day.text(5).endswith("sobald in 29 Sek. die Wartezeit abgelaufen ist.")
    day.loops(3)
    assert day.current_a(5) == 6


def test_loops_leave_nothing_behind_but_lines() -> None:
    day = Day({5: Wish(mode="min_pv")})
    day.plug(5, 1)
    day.loops(50)
    before = len(pickle.dumps(day.box))
    day.loops(500)
    assert len(pickle.dumps(day.box)) < before + 200
