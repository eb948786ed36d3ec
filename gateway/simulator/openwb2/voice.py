"""2.x speaks: the retained state, the burst of each loop, the answers to what is written.

Rules:

* ``boot``: everything that is retained. ``loop``: values of the devices always, everything else when it has changed
  since it was last said; so what a client wrote over is said right again with the next loop.
* A loop runs in this order: what was scanned · faults · values of inverters, battery and charge points · the grid
  meter, in between the noise of the devices · ids, vehicles that came, states · curves · sums, control values.
* ``heard`` answers what others write; our own messages below ``set/`` come back and are known again.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from gateway.simulator.box import Box
from gateway.simulator.openwb2 import commands, controlled, effects, measured
from gateway.simulator.openwb2.graph import Curves, last_live_values
from gateway.simulator.openwb2.history import History
from gateway.simulator.openwb2.mind import Mind
from gateway.simulator.openwb2.speech import PREFIX, SET, Burst, Said, Written, hidden
from gateway.simulator.openwb2.versions import VERSIONS, VersionName
from gateway.simulator.openwb2.writes import hear
from gateway.simulator.words import (
    Happening,
    Outgoing,
    PluggedIn,
    Readings,
    TagRefused,
    TagTaken,
    Unplugged,
    VehicleAssigned,
)

NOISE: Final[Said] = ("system/device/module_update_completed", True)
VEHICLE_NOISE: Final[Said] = ("vehicle/set/vehicle_update_completed", True)
NOISE_AFTER_S: Final = 0.5


class OpenWB2Voice:
    """The voice of ``box`` (see ``Voice``), at HEAD or as before 2.1.8."""

    subscriptions: tuple[str, ...] = ("openWB/set/#", "openWB/command/+/messages/+")

    def __init__(self, box: Box, version: VersionName = "2.2.2") -> None:
        self.mind = Mind(box, VERSIONS[version])
        self._speech = self.mind.speech
        self._curves = Curves()
        self._history = History()
        self._memory = commands.Memory(self.mind, self._history)

    def boot(self, time_s: float) -> list[Outgoing]:
        """Everything retained; it is all said again after a restart."""
        self._speech.said.clear()
        self._speech.forget_the_way()
        self._history.note(self.mind.state)
        burst = Burst(self._speech)
        for topic, value in self._retained(time_s):
            if not hidden(topic):
                burst.direct(topic, value)
        return burst.messages

    def heartbeat(self, time_s: float) -> list[Outgoing]:
        """The box's time, a second before the loop begins; then the noise of the vehicles."""
        burst = Burst(self._speech)
        burst.echoed(("system/time", time_s))
        burst.pause(NOISE_AFTER_S)
        burst.echoed(VEHICLE_NOISE)
        burst.echoed(VEHICLE_NOISE)
        return burst.messages

    def heard(self, topic: str, payload: bytes, time_s: float) -> list[Outgoing]:
        """Validate, do, echo, clear, answer; nothing for what is our own or deletes."""
        path = topic.removeprefix(PREFIX)
        burst = Burst(self._speech)
        if not payload:
            if commands.is_message(path):
                commands.dismiss(self.mind, path)
        elif path.startswith(SET) and not self._speech.is_own(path, payload.decode(errors="replace")):
            path = path.removeprefix(SET)
            if commands.is_command(path):
                commands.do(self._memory, burst, path, payload, time_s)
            else:
                hear(self.mind, burst, path, payload, time_s)
        return burst.messages

    def loop(self, readings: Readings, happenings: tuple[Happening, ...]) -> list[Outgoing]:
        """One control loop."""
        mind, burst = self.mind, Burst(self._speech)
        state = mind.state
        burst.echoed(*self._scans_before_they_went(happenings))
        burst.echoed(*measured.chargepoint_faults(state))
        burst.echoed(*measured.component_faults(state.installation))
        values = (
            *measured.component_values(state.installation, readings),
            *measured.chargepoint_values(state, readings),
        )
        burst.echoed(*values)
        burst.pause(0.04)
        burst.echoed(NOISE)
        burst.echoed(*measured.grid_values(state.installation, readings))
        for _ in range(4):
            burst.echoed(NOISE)
        self._prices_configured(burst)
        burst.echoed(NOISE)
        burst.direct("optional/dc_charging", mind.kept["optional/dc_charging"])
        burst.pause(0.01)
        self._happened(burst, happenings, readings)
        burst.echoed(
            controlled.simulation(state, readings),
            *((f"chargepoint/{key}/get/state_str", point.state_text) for key, point in state.chargepoints.items()),
        )
        self._curves_of(burst, readings)
        self._control_values(burst, readings)
        self._soc_modules(burst)
        return burst.messages

    def _retained(self, time_s: float) -> Iterator[Said]:
        mind = self.mind
        state, readings = mind.state, measured.readings_of(mind.state)
        yield from mind.kept.items()
        yield "system/time", time_s
        yield from measured.chargepoint_faults(state)
        yield from measured.component_faults(state.installation)
        yield from measured.component_values(state.installation, readings)
        for topic, value in (
            *measured.chargepoint_values(state, readings),
            *measured.grid_values(state.installation, readings),
            *_at_boot(self.mind),
        ):
            yield topic, value.value if isinstance(value, Written) else value
        yield from controlled.prices_at_boot(state, mind.version)
        yield controlled.simulation(state, readings)
        yield from controlled.sums(state, readings)
        yield from controlled.daily_sums(state)
        yield from controlled.daily_of_parts(state)
        for point in mind.points(readings):
            yield from controlled.point_values(point)
        live = last_live_values(state, readings)
        yield from (("graph/lastlivevaluesJson", live), ("system/lastlivevaluesJson", live), *self._curves.topics())

    def _scans_before_they_went(self, happenings: Iterable[Happening]) -> Iterator[Said]:
        """A tag that came and went within one loop is seen for a moment nevertheless."""
        for happening in happenings:
            if isinstance(happening, TagTaken | TagRefused):
                topic = f"chargepoint/{happening.chargepoint_id}/get/rfid"
                if self._speech.said.get(topic, "null") == "null":
                    yield topic, happening.id_tag

    def _prices_configured(self, burst: Burst) -> None:
        topic = "optional/ep/configured"
        if topic in self.mind.kept:
            burst.echoed((topic, self.mind.kept[topic]))

    def _happened(self, burst: Burst, happenings: tuple[Happening, ...], readings: Readings) -> None:
        """Tags, plugs, vehicles that came; their SoC is asked for."""
        mind = self.mind
        asked: set[int] = set()
        for happening in happenings:
            branch = f"chargepoint/{getattr(happening, 'chargepoint_id', None)}"
            match happening:
                case TagTaken():
                    burst.direct(f"{branch}/get/rfid", None)
                case PluggedIn(chargepoint_id) | Unplugged(chargepoint_id):
                    plugged = isinstance(happening, PluggedIn)
                    burst.echoed((f"{branch}/set/plug_time", readings.time_s if plugged else None))
                    self._speech.forget(f"{branch}/set/phases_to_use")  # said at each plug and unplug
                    asked.add(mind.state.chargepoints[chargepoint_id].vehicle_id)
                    if not plugged:
                        mind.switched.setdefault(chargepoint_id, mind.state.chargepoints[chargepoint_id].vehicle_id)
                case VehicleAssigned(chargepoint_id, vehicle_id):
                    self._came(chargepoint_id, vehicle_id, readings)
        burst.changed(_scans(mind))
        for chargepoint_id, vehicle_id in mind.switched.items():
            mind.load(chargepoint_id, vehicle_id)
            if mind.version.whole_templates:
                burst.changed([(f"chargepoint/{chargepoint_id}/set/charge_template", mind.in_force[chargepoint_id])])
        mind.switched.clear()
        for vehicle_id in sorted(asked):
            burst.echoed((f"vehicle/{vehicle_id}/get/force_soc_update", True))

    def _came(self, chargepoint_id: int, vehicle_id: int, readings: Readings) -> None:
        """The box changed the vehicle. After an unplug the template says whether the default one comes back."""
        mind = self.mind
        point = mind.state.chargepoints[chargepoint_id]
        left = not readings.chargepoints[chargepoint_id].plugged and point.scanned_tag is None
        template = mind.in_force[chargepoint_id]
        if left and isinstance(template, dict) and template.get("load_default") is False:
            mind.box.assign(chargepoint_id, effects.configured_vehicle(mind, chargepoint_id))
            return
        effects.switched_by_the_box(mind, chargepoint_id, vehicle_id)
        mind.switched[chargepoint_id] = vehicle_id

    def _curves_of(self, burst: Burst, readings: Readings) -> None:
        live = last_live_values(self.mind.state, readings)
        burst.echoed(("graph/lastlivevaluesJson", live), ("system/lastlivevaluesJson", live))
        self._curves.add(live)
        burst.pause(0.01)
        for topic, lines in self._curves.topics():
            burst.direct(topic, lines)
            burst.pause(0.005)

    def _control_values(self, burst: Burst, readings: Readings) -> None:
        state = self.mind.state
        five_minutes = self._history.note(state)
        points = [said for point in self.mind.points(readings) for said in controlled.point_values(point)]
        values: list[Said] = [*controlled.sums(state, readings), *points]
        if five_minutes:
            self._prices_configured(burst)
            burst.direct("optional/dc_charging", self.mind.kept["optional/dc_charging"])
            burst.echoed(*controlled.prices(state, self.mind.version))
            values = [*controlled.sums(state, readings), *controlled.daily_sums(state), *points]
            values += controlled.daily_of_parts(state)
        burst.changed(values)

    def _soc_modules(self, burst: Burst) -> None:
        """Those that were asked in this loop."""
        for vehicle_id, vehicle in self.mind.state.vehicles.items():
            if vehicle.soc_module is not None and vehicle.asked_s != self.mind.asked_soc_s.get(vehicle_id):
                effects.poll(self.mind, burst, vehicle_id)


def _scans(mind: Mind) -> Iterator[Said]:
    for key, point in mind.state.chargepoints.items():
        yield f"chargepoint/{key}/get/rfid", point.scanned_tag
        yield f"chargepoint/{key}/get/rfid_timestamp", point.scanned_s


def _at_boot(mind: Mind) -> Iterator[Said]:
    """What is published once, and what only changes with events."""
    state = mind.state
    for key, point in state.chargepoints.items():
        branch = f"chargepoint/{key}/get"
        yield f"{branch}/connected_vehicle", controlled.LEFTOVER
        yield f"{branch}/error_code", None
        yield f"{branch}/error_timestamp", None
        yield f"{branch}/state_str", point.state_text
    yield from _scans(mind)
    for key, vehicle in state.vehicles.items():
        branch = f"vehicle/{key}"
        yield f"{branch}/get/force_soc_update", vehicle.asked_s is None
        if vehicle.soc_module is not None:
            yield f"{branch}/soc_module/calculated_soc_state", {"last_imported": None, "manual_soc": None}
        if vehicle.soc_percent is None:
            yield f"{branch}/get/soc", None
            continue
        yield from effects.known(mind, key)
        yield f"{branch}/get/fault_state", 0
        yield f"{branch}/get/fault_str", measured.NO_FAULT
        yield f"{branch}/get/soc_request_timestamp", vehicle.asked_s
    for branch in _summed(mind):
        yield f"{branch}/get/fault_state", 0
        yield f"{branch}/get/fault_str", measured.NO_FAULT
    yield from _battery_at_boot(mind)
    yield f"counter/{state.installation.counter_id}/get/serial_number", None
    for inverter in state.installation.inverters[:1]:  # of the others the real box loses them on the way
        yield f"pv/{inverter.id}/get/monthly_exported", 0
        yield f"pv/{inverter.id}/get/yearly_exported", 0


def _summed(mind: Mind) -> Iterator[str]:
    yield "chargepoint"
    if mind.state.installation.battery is not None:
        yield "bat"
    if mind.state.installation.inverters:
        yield "pv"


def _battery_at_boot(mind: Mind) -> Iterator[Said]:
    battery = mind.state.installation.battery
    if battery is None:
        return
    for branch in ("bat", f"bat/{battery.id}"):
        yield f"{branch}/get/power_limit_controllable", False
    yield f"bat/{battery.id}/get/max_charge_power", 0
    yield f"bat/{battery.id}/get/max_discharge_power", 0
    yield f"bat/{battery.id}/get/state_str", "Keine Steuerung"
