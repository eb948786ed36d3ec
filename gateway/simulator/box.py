"""The simulated openWB without a dialect: what it decides, adds up and logs. No I/O, no clock.

Rules of a loop, in their order (read off the recorded session):

* A new day begins its totals. A vehicle that left gives way to the default one a loop after the unplug.
* Plugs and unplugs; then tags scanned before this loop; then SoC; then the log; then what is released until the next.
* A tag that is scanned in this loop is shown, and looked at in the next one.
* An action changes the state at once; charging follows with the next loop.
* Loops may come at any distance. Waiting goes by the time that passed, stamps by the clock, which may be set: a loop
  that seems to lie before the last one, or more than LONGEST_LOOP_S after it, counts for no time at all.
"""

from collections.abc import Mapping
from datetime import date

from gateway.simulator import id_tags
from gateway.simulator.charge_log import VISIBLE_EVERY_S, Ledger, Source, sources
from gateway.simulator.control import Control
from gateway.simulator.limits import Demand, Demands, Moment
from gateway.simulator.plant.local_time import LocalTime
from gateway.simulator.prices import Prices
from gateway.simulator.soc import SocModule
from gateway.simulator.state import BoxState, ChargePoint, Vehicle
from gateway.simulator.totals import DAYS_BEFORE_1970, Counting
from gateway.simulator.words import (
    ChargePointReading,
    Happening,
    Installation,
    LogEntry,
    Logged,
    PluggedIn,
    Readings,
    SetPoint,
    TagRefused,
    Unplugged,
    VehicleAssigned,
    Wish,
)

LONGEST_LOOP_S = 600.0
UNPLUGGED = "Keine Ladung, da kein Auto angesteckt ist."
LOCKED = "Keine Ladung, da der Ladepunkt gesperrt ist."
HELD = ("stop", "standby")


class Box:
    """``state`` is what a dialect publishes; every id in an action is one of the installation."""

    def __init__(self, installation: Installation, time_s: float, *, wishes: Mapping[int, Wish] = {}) -> None:
        self.state = BoxState(
            installation=installation,
            time_s=time_s,
            chargepoints={
                setup.id: ChargePoint(
                    setup=setup,
                    wish=wishes.get(setup.id, Wish()),
                    vehicle_id=setup.vehicle_id,
                    set_point=SetPoint(0.0, setup.phases),
                )
                for setup in installation.chargepoints
            },
            vehicles={
                setup.id: Vehicle(setup=setup, name=setup.name, id_tags=setup.id_tags, soc_module=setup.soc_module)
                for setup in installation.vehicles
            },
        )
        self._local_time = LocalTime(installation.timezone)
        self._prices = Prices(installation, self._local_time)
        self._counting = Counting(self._local_time, time_s)
        self._control = Control()
        self._demands = Demands()
        self._ledgers = {id_: Ledger(chargepoint) for id_, chargepoint in self.state.chargepoints.items()}
        self._soc_modules = {id_: SocModule(vehicle) for id_, vehicle in self.state.vehicles.items()}
        self._plugged: set[int] = set()
        self._leaving: set[int] = set()
        self._entries: dict[tuple[int, int], list[LogEntry]] = {}
        self._up_s = 0.0
        self._shown_at = time_s // VISIBLE_EVERY_S

    @property
    def set_points(self) -> dict[int, SetPoint]:
        """For the plant's next step."""
        return {id_: chargepoint.set_point for id_, chargepoint in self.state.chargepoints.items()}

    def loop(self, readings: Readings) -> tuple[Happening, ...]:
        """One control loop; afterwards ``state`` is what to publish."""
        state = self.state
        self._pass_time(readings)
        happenings: list[Happening] = []
        self._return_to_default(happenings)
        for id_, reading in readings.chargepoints.items():
            if reading.plugged is not (id_ in self._plugged):
                self._turn(id_, reading, happenings)
        waiting = self._look_at_tags(happenings)
        self._ask_for_soc(readings)
        self._keep_log(readings, happenings)
        self._release(readings)
        self._say_of_tags(waiting, happenings)
        for scan in readings.scans:
            self.scan(scan.chargepoint_id, scan.id_tag)
        state.readings = readings
        return tuple(happenings)

    def entries(self, year: int, month: int) -> tuple[LogEntry, ...]:
        """The charge log's lines that were written in that month, local time."""
        return tuple(self._entries.get((year, month), ()))

    def ask(self, chargepoint_id: int, wish: Wish) -> None:
        self.state.chargepoints[chargepoint_id].wish = wish

    def lock(self, chargepoint_id: int, locked: bool) -> None:
        self.state.chargepoints[chargepoint_id].locked = locked

    def assign(self, chargepoint_id: int, vehicle_id: int) -> VehicleAssigned:
        """By hand; until the unplug."""
        self.state.chargepoints[chargepoint_id].vehicle_id = vehicle_id
        return VehicleAssigned(chargepoint_id, vehicle_id)

    def scan(self, chargepoint_id: int, id_tag: str) -> None:
        """A tag is held to the box, or somebody says so; the last one counts."""
        chargepoint = self.state.chargepoints[chargepoint_id]
        chargepoint.scanned_tag, chargepoint.scanned_s = id_tag, None

    def know_soc(self, vehicle_id: int, soc_percent: float, time_s: float) -> None:
        """Said by hand (``manual``) or fed over MQTT."""
        self._soc_modules[vehicle_id].know(soc_percent, time_s)

    def ask_for_soc(self, vehicle_id: int) -> None:
        """With the next loop, whatever the interval."""
        self._soc_modules[vehicle_id].ask_now()

    def set_soc_module(self, vehicle_id: int, kind: str | None) -> None:
        self._soc_modules[vehicle_id].choose(kind)

    def set_vehicle_tags(self, vehicle_id: int, tags: tuple[str, ...]) -> None:
        self.state.vehicles[vehicle_id].id_tags = tags

    def set_valid_tags(self, chargepoint_id: int, tags: tuple[str, ...]) -> None:
        """Tags or patterns that are good at this charge point, whoever's they are."""
        self.state.chargepoints[chargepoint_id].valid_tags = tags

    def rename_vehicle(self, vehicle_id: int, name: str) -> None:
        self.state.vehicles[vehicle_id].name = name

    def set_control_interval(self, seconds: int) -> None:
        self.state.control_interval_s = seconds

    def set_bat_mode(self, bat_mode: str) -> None:
        self.state.bat_mode = bat_mode

    def set_id_tags_active(self, active: bool) -> None:
        self.state.id_tags_active = active

    def _pass_time(self, readings: Readings) -> None:
        state = self.state
        elapsed_s = readings.time_s - state.time_s
        if not 0 <= elapsed_s <= LONGEST_LOOP_S:
            elapsed_s = 0.0
        self._up_s += elapsed_s
        state.time_s = readings.time_s
        if state.readings is not None:
            self._counting.add(state, state.readings, readings, elapsed_s)
        self._counting.begin_day(state, readings.time_s)

    def _return_to_default(self, happenings: list[Happening]) -> None:
        for id_ in self._leaving:
            chargepoint = self.state.chargepoints[id_]
            if chargepoint.scanned_tag is None and chargepoint.vehicle_id != chargepoint.setup.vehicle_id:
                happenings.append(self.assign(id_, chargepoint.setup.vehicle_id))
        self._leaving.clear()

    def _turn(self, id_: int, reading: ChargePointReading, happenings: list[Happening]) -> None:
        """A car was plugged in or has left."""
        chargepoint = self.state.chargepoints[id_]
        self.ask_for_soc(chargepoint.vehicle_id)
        if reading.plugged:
            self._plugged.add(id_)
            self._ledgers[id_].plug(reading, self.state.time_s)
            happenings.append(PluggedIn(id_))
            return
        self._plugged.discard(id_)
        self._leaving.add(id_)
        self._demands.forget(id_)
        vehicle = self.state.vehicles[chargepoint.vehicle_id]
        self._log(self._ledgers[id_].unplug(reading, vehicle, self.state.time_s), happenings)
        chargepoint.id_tag = None
        happenings.append(Unplugged(id_))

    def _look_at_tags(self, happenings: list[Happening]) -> list[ChargePoint]:
        """Give those charge points at which a tag had been waiting for a plug already."""
        waiting = []
        for id_, chargepoint in self.state.chargepoints.items():
            if chargepoint.scanned_tag is None:
                continue
            if chargepoint.scanned_s is not None:
                waiting.append(chargepoint)
            happenings.extend(id_tags.look(self.state, chargepoint, plugged=id_ in self._plugged))
        return waiting

    def _ask_for_soc(self, readings: Readings) -> None:
        chargepoints = self.state.chargepoints
        plugged = {chargepoints[id_].vehicle_id: readings.chargepoints[id_] for id_ in self._plugged}
        for id_, module in self._soc_modules.items():
            module.loop(readings, plugged.get(id_), self._up_s)

    def _keep_log(self, readings: Readings, happenings: list[Happening]) -> None:
        shown_at = readings.time_s // VISIBLE_EVERY_S
        show, self._shown_at = shown_at != self._shown_at, shown_at
        if not self._plugged:
            return
        shares = sources(readings)
        prices: dict[Source, float] = {
            "grid": self._prices.grid(readings.time_s),
            "pv": self._prices.sun,
            "bat": self._prices.battery,
            "cp": self._prices.sun,
        }
        for id_, chargepoint in self.state.chargepoints.items():
            if id_ not in self._plugged:
                continue
            ledger, reading = self._ledgers[id_], readings.chargepoints[id_]
            ledger.add(reading, shares, prices)
            if show:
                ledger.show()
            held = chargepoint.locked or chargepoint.wish.mode in HELD
            vehicle = self.state.vehicles[chargepoint.vehicle_id]
            self._log(ledger.collect(reading, vehicle, chargepoint.wish, readings.time_s, held=held), happenings)

    def _log(self, entry: LogEntry | None, happenings: list[Happening]) -> None:
        if entry is None:
            return
        day = date.fromordinal(DAYS_BEFORE_1970 + self._local_time.day(entry.end_s))
        self._entries.setdefault((day.year, day.month), []).append(entry)
        happenings.append(Logged(entry))

    def _release(self, readings: Readings) -> None:
        state = self.state
        moment = Moment(readings.time_s, self._prices.grid(readings.time_s), self._local_time)
        demands = {}
        for id_, chargepoint in state.chargepoints.items():
            if id_ not in self._plugged:
                demands[id_] = Demand("none", text=UNPLUGGED)
            elif chargepoint.locked:
                demands[id_] = Demand("none", text=LOCKED)
            else:
                demands[id_] = self._demands.of(chargepoint, state.vehicles[chargepoint.vehicle_id], moment)
        self._control.decide(state, readings, demands, self._up_s)

    def _say_of_tags(self, waiting: list[ChargePoint], happenings: list[Happening]) -> None:
        """The last word of the state text: a tag that waits, or one that is not good."""
        for chargepoint in waiting:
            if chargepoint.scanned_tag is not None or chargepoint.id_tag is not None:
                chargepoint.state_text = id_tags.WAITS_FOR_PLUG + chargepoint.state_text
        for happening in happenings:
            if isinstance(happening, TagRefused):
                self.state.chargepoints[happening.chargepoint_id].state_text = happening.text
