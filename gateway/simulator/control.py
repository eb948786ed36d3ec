"""What the box releases at each charge point: one decision a loop, for all of them together.

Rules:

* What has a fixed current comes first; the surplus is what is left of the sun after the house and them.
* ``ev_mode``: what charges the house battery is surplus for cars. ``bat_mode``: only what the battery leaves.
  ``min_soc_bat_mode``: the battery first until BATTERY_FIRST_BELOW_PERCENT. What it discharges is never surplus.
* Surplus goes to charge points with priority first; equals share it. One that waits may count on what others of its
  rank take above their least.
* Without a floor, charging on surplus begins after SWITCH_ON_DELAY_S of SWITCH_ON_W and ends after SWITCH_OFF_DELAY_S
  without enough for 6 A. A car that does not charge yet gets 6 A, in every mode.
* Phases left to the box: three where enough shines for 6 A on each, else one. A running charge is switched
  PHASE_SWITCH_DELAY_S after the last switch at the earliest, and SWITCH_OFF_DELAY_S after there was reason to; the
  current rests for a loop while the contactor moves.
* Reason to switch or to end counts once the current is at the end of what it can do, not in the loop it gets there.
* ``up_s`` is time that only ever goes on, whatever the clock says.
"""

from collections.abc import Mapping

import msgspec

from gateway.simulator.limits import LEAST_A, VOLTS, Demand, most_a
from gateway.simulator.state import BoxState, ChargePoint, Vehicle
from gateway.simulator.words import ChargePointReading, Readings, SetPoint

SWITCH_ON_W = 1_500.0
SWITCH_ON_DELAY_S = 30.0
SWITCH_OFF_DELAY_S = 60.0
PHASE_SWITCH_DELAY_S = 420.0
BATTERY_FIRST_BELOW_PERCENT = 50.0
GIVES_UP_AFTER_S = 120.0
THREE = 3

CHARGES = "Fahrzeug lädt."
STARTS = "Ladevorgang wird gestartet... "
WILL_START = "Die Ladung wird gestartet, sobald in {} die Wartezeit abgelaufen ist."
STARTS_ON_THREE = (
    "Einschaltschwelle für die Dauer der Wartezeit überschritten.Der Überschuss ist ausreichend, um direkt mit 3"
    " Phasen zu laden. Umschaltung von 1 auf 3 Phasen, dafür wird die Ladung unterbrochen."
)
TOO_LITTLE = "Keine Ladung, da die Einschaltschwelle nicht erreicht ist."
WILL_STOP = "Die Ladung wird gestoppt, sobald in {} die Wartezeit abgelaufen ist."
STOPS = "Keine Ladung, da die Abschaltschwelle für die Dauer der Wartezeit unterschritten ist."
WILL_SWITCH = "Umschaltung von {} auf {} Phasen in {}."
SWITCHES_DOWN = "Umschaltung von 3 auf 1 Phase, dafür wird die Ladung unterbrochen."
SWITCHES_UP = "Umschaltung von 1 auf 3 Phasen, dafür wird die Ladung unterbrochen."
TAKES_NOTHING = "Keine Ladung, da das Fahrzeug nichts abnimmt."


def spoken(seconds: float) -> str:
    """The time left, as the box says it."""
    left = max(0, -int(-seconds // 1) - 1)
    return f"{left} Sek." if left < 60 else f"{left // 60} Min. {left % 60} Sek."  # noqa: PLR2004 - a minute


class Released(msgspec.Struct):
    """What the control remembers of a charge point; times are ``up_s``, None: the wait has not begun."""

    pauses: bool = False
    on_since_s: float | None = None
    off_since_s: float | None = None
    switch_since_s: float | None = None
    switched_s: float = -PHASE_SWITCH_DELAY_S
    offered_s: float | None = None


class Served(msgspec.Struct):
    """A charge point in one loop. ``surplus_w``: its share; a car that was offered current in vain needs none."""

    chargepoint: ChargePoint
    vehicle: Vehicle
    reading: ChargePointReading
    demand: Demand
    released: Released
    up_s: float
    surplus_w: float = 0.0

    @property
    def running(self) -> bool:
        return self.chargepoint.set_point.current_a > 0 or self.released.pauses

    @property
    def given_up(self) -> bool:
        offered_s = self.released.offered_s
        return offered_s is not None and self.up_s - offered_s >= GIVES_UP_AFTER_S

    @property
    def phases(self) -> int:
        """On which the car charges, or would."""
        if self.reading.charging:
            return self.reading.phases_in_use
        if self.given_up:
            return 0
        return min(self.chargepoint.set_point.phases, self.vehicle.setup.phases)

    @property
    def floor_w(self) -> float:
        return max(LEAST_A, self.demand.current_a) * VOLTS * self.phases

    @property
    def ceiling_w(self) -> float:
        return most_a(self.chargepoint, self.vehicle) * VOLTS * self.phases


class Control:
    """Gives each charge point its set point and its state text."""

    def __init__(self) -> None:
        self._released: dict[int, Released] = {}

    def decide(self, state: BoxState, readings: Readings, demands: Mapping[int, Demand], up_s: float) -> None:
        """One loop. Charge points without a demand in ``demands`` are none of its business."""
        served = []
        for id_, demand in demands.items():
            chargepoint = state.chargepoints[id_]
            vehicle = state.vehicles[chargepoint.vehicle_id]
            released = self._released.setdefault(id_, Released())
            served.append(Served(chargepoint, vehicle, readings.chargepoints[id_], demand, released, up_s))
        surplus_w = free_w(state, readings)
        takers = []
        for one in served:
            if one.demand.kind == "surplus":
                surplus_w += one.reading.power_w
                takers.append(one)
            elif one.demand.kind == "fixed":
                surplus_w -= _release_fixed(one)
            else:
                _release_nothing(one)
        if takers:
            share(surplus_w, takers)
        for one in takers:
            _release_surplus(one)


def free_w(state: BoxState, readings: Readings) -> float:
    """What flows into the grid, and into the battery as far as cars come before it, in W."""
    battery_w = sum(battery.power_w for battery in readings.batteries.values())
    if battery_w > 0 and battery_comes_first(state, readings):
        battery_w = 0.0
    return battery_w - readings.grid.power_w


def battery_comes_first(state: BoxState, readings: Readings) -> bool:
    if state.bat_mode != "min_soc_bat_mode":
        return state.bat_mode == "bat_mode"
    return any(battery.soc_percent < BATTERY_FIRST_BELOW_PERCENT for battery in readings.batteries.values())


def share(surplus_w: float, takers: list[Served]) -> None:
    """Give each its share of the surplus: by priority, equals alike."""
    for priority in (True, False):
        rank = [one for one in takers if one.chargepoint.wish.priority is priority]
        running = [one for one in rank if one.running]
        counted_on_w = surplus_w - sum(one.floor_w for one in running)
        for place, one in enumerate(running):
            one.surplus_w = surplus_w / (len(running) - place)
            surplus_w -= min(max(one.surplus_w, one.floor_w), one.ceiling_w)
        for one in rank:
            if not one.running:
                one.surplus_w = counted_on_w
                counted_on_w -= one.floor_w


def _release_nothing(one: Served) -> None:
    chargepoint = one.chargepoint
    one.released.pauses = False
    one.released.on_since_s = one.released.off_since_s = one.released.switch_since_s = one.released.offered_s = None
    _set(chargepoint, 0.0, chargepoint.set_point.phases)
    chargepoint.state_text = one.demand.text


def _release_fixed(one: Served) -> float:
    """How much more will be taken than is measured now, in W."""
    chargepoint, released = one.chargepoint, one.released
    released.on_since_s = released.off_since_s = released.switch_since_s = None
    phases = min(one.demand.phases or chargepoint.setup.phases, chargepoint.setup.phases)
    if one.reading.charging and chargepoint.set_point.phases != phases:
        _switch(one, phases, SWITCHES_UP if phases == THREE else SWITCHES_DOWN)
        return 0.0
    before_a = chargepoint.set_point.current_a
    _set(chargepoint, one.demand.current_a if one.reading.charging else LEAST_A, phases)
    _say_whether_it_charges(one)
    if chargepoint.set_point.current_a <= before_a:
        return 0.0
    return max(0.0, one.demand.current_a * VOLTS * one.phases - one.reading.power_w)


def _release_surplus(one: Served) -> None:
    chargepoint, released = one.chargepoint, one.released
    auto = one.demand.phases == 0 and chargepoint.setup.phases == THREE
    if not auto:
        phases = min(one.demand.phases or chargepoint.setup.phases, chargepoint.setup.phases)
        if one.reading.charging and chargepoint.set_point.phases != phases:
            _switch(one, phases, SWITCHES_UP if phases == THREE else SWITCHES_DOWN)
            return
        _set(chargepoint, chargepoint.set_point.current_a, phases)
    if not one.running:
        _wait_for_sun(one, auto=auto)
        return
    released.on_since_s = None
    least_a = max(LEAST_A, one.demand.current_a)
    if not one.reading.charging:
        _set(chargepoint, least_a, chargepoint.set_point.phases)
        _say_whether_it_charges(one)
        return
    before_a = chargepoint.set_point.current_a
    _follow_sun(one, least_a)
    if before_a != chargepoint.set_point.current_a:
        released.switch_since_s = released.off_since_s = None
        return
    if auto and _wants_other_phases(one):
        _wait_to_switch(one)
        return
    released.switch_since_s = None
    if one.demand.current_a == 0 and one.surplus_w < one.floor_w:
        _wait_to_stop(one)
        return
    released.off_since_s = None


def _wait_for_sun(one: Served, *, auto: bool) -> None:
    chargepoint, released = one.chargepoint, one.released
    released.off_since_s = released.switch_since_s = released.offered_s = None
    if auto and chargepoint.set_point.phases == THREE:
        _set(chargepoint, 0.0, 1)
    if one.demand.current_a == 0:
        if one.surplus_w < SWITCH_ON_W:
            released.on_since_s = None
            chargepoint.state_text = TOO_LITTLE
            return
        if released.on_since_s is None:
            released.on_since_s = one.up_s
        left_s = released.on_since_s + SWITCH_ON_DELAY_S - one.up_s
        if left_s > 0:
            chargepoint.state_text = WILL_START.format(spoken(left_s))
            return
    released.on_since_s = None
    if auto and one.vehicle.setup.phases > 1 and one.surplus_w >= _enough_for_three_w(one):
        _switch(one, THREE, STARTS_ON_THREE)
        return
    _set(chargepoint, max(LEAST_A, one.demand.current_a), chargepoint.set_point.phases)
    _say_whether_it_charges(one)


def _follow_sun(one: Served, least_a: float) -> None:
    most = most_a(one.chargepoint, one.vehicle)
    current_a = min(max(one.surplus_w / (VOLTS * one.phases), least_a), most)
    _set(one.chargepoint, round(current_a, 2), one.chargepoint.set_point.phases)
    _say_whether_it_charges(one)


def _enough_for_three_w(one: Served) -> float:
    return max(LEAST_A, one.demand.current_a) * VOLTS * one.vehicle.setup.phases


def _wants_other_phases(one: Served) -> bool:
    if one.chargepoint.set_point.phases == THREE:
        return one.phases > 1 and one.surplus_w < one.floor_w
    return one.vehicle.setup.phases > 1 and one.surplus_w >= _enough_for_three_w(one)


def _wait_to_switch(one: Served) -> None:
    released = one.released
    released.off_since_s = None
    if released.switch_since_s is None:
        released.switch_since_s = one.up_s
    down = one.chargepoint.set_point.phases == THREE
    ends_s = max(released.switched_s + PHASE_SWITCH_DELAY_S, released.switch_since_s + SWITCH_OFF_DELAY_S)
    if one.up_s < ends_s:
        there, then = (THREE, 1) if down else (1, THREE)
        one.chargepoint.state_text = WILL_SWITCH.format(there, then, spoken(ends_s - one.up_s))
    elif down:
        _switch(one, 1, SWITCHES_DOWN)
    else:
        _switch(one, THREE, SWITCHES_UP)


def _wait_to_stop(one: Served) -> None:
    released, chargepoint = one.released, one.chargepoint
    if released.off_since_s is None:
        released.off_since_s = one.up_s
    left_s = released.off_since_s + SWITCH_OFF_DELAY_S - one.up_s
    if left_s > 0:
        chargepoint.state_text = WILL_STOP.format(spoken(left_s))
        return
    released.off_since_s = None
    _set(chargepoint, 0.0, chargepoint.set_point.phases)
    chargepoint.state_text = STOPS


def _switch(one: Served, phases: int, text: str) -> None:
    """Let the current rest while the contactor moves; the next loop begins anew."""
    one.released.pauses = True
    one.released.switched_s = one.up_s
    one.released.switch_since_s = one.released.offered_s = None
    _set(one.chargepoint, 0.0, phases)
    one.chargepoint.state_text = text


def _say_whether_it_charges(one: Served) -> None:
    released, chargepoint = one.released, one.chargepoint
    released.pauses = False
    if one.reading.charging:
        released.offered_s = None
        chargepoint.state_text = CHARGES
        return
    if released.offered_s is None:
        released.offered_s = one.up_s
    chargepoint.state_text = TAKES_NOTHING if one.given_up else STARTS


def _set(chargepoint: ChargePoint, current_a: float, phases: int) -> None:
    if chargepoint.set_point.current_a != current_a or chargepoint.set_point.phases != phases:
        chargepoint.set_point = SetPoint(current_a, phases)
