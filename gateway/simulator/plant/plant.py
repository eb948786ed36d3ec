"""The plant: everything that has a meter, put together over time.

Rules:

* Time moves only by ``step``; a step longer than SUBSTEP_S is made of equal shorter ones. Power is constant within a
  substep, so what the meters add up is exactly power times time.
* In every reading: grid = house + charge points + battery - inverters, bit by bit (see ``meters``).
* People act at the begin of the substep in which their moment lies.
* The same installation, scene, seed, start and steps give the same readings.
"""

import math
from collections.abc import Mapping
from typing import Literal, TypeAlias

from gateway.simulator.plant.battery import Battery
from gateway.simulator.plant.car import Car
from gateway.simulator.plant.charge_point import NOTHING, ChargePointHardware
from gateway.simulator.plant.house import House
from gateway.simulator.plant.local_time import LocalTime
from gateway.simulator.plant.mains import Mains
from gateway.simulator.plant.meters import Register, measured
from gateway.simulator.plant.people import Comes, Deed, Holds, People
from gateway.simulator.plant.roof import Roof
from gateway.simulator.plant.sky import Sky
from gateway.simulator.plant.sun import sun_at
from gateway.simulator.scenes import Scene
from gateway.simulator.words import (
    BatteryReading,
    GridReading,
    Installation,
    Phases,
    Readings,
    Scan,
    SetPoint,
    VehicleReading,
)

MeterKind: TypeAlias = Literal["grid", "inverter", "battery", "chargepoint"]

SUBSTEP_S = 10.0
SUN_MOVES_EVERY_S = 30.0
GRID_POWER_FACTOR = 0.97
RELEASED_NOTHING = SetPoint(0.0, 3)


class Plant:
    """``time_s``: of the start, epoch seconds of the simulated clock. ``seed`` decides all chance."""

    def __init__(self, installation: Installation, scene: Scene, time_s: float, *, seed: int) -> None:
        self._installation = installation
        self._time_s = time_s
        self._shift_s = scene.day_shift_s(time_s)
        self._local = LocalTime(installation.timezone)
        self._sky = Sky(scene.weather, seed)
        self._house = House(seed)
        self._mains = Mains(seed)
        self._roofs = [Roof(setup) for setup in installation.inverters]
        self._battery = None if installation.battery is None else Battery(installation.battery, seed)
        self._chargepoints = {setup.id: ChargePointHardware(setup) for setup in installation.chargepoints}
        self._cars = {setup.id: Car(setup, seed) for setup in installation.vehicles if setup.id != 0}
        self._imported, self._exported = Register(installation.imported_wh), Register(installation.exported_wh)
        self._registers: Mapping[MeterKind, Mapping[int, Register]] = {
            "grid": {installation.counter_id: self._imported},
            "inverter": {roof.setup.id: roof.produced for roof in self._roofs},
            "battery": {} if self._battery is None else {self._battery.setup.id: self._battery.charged},
            "chargepoint": {id_: chargepoint.imported for id_, chargepoint in self._chargepoints.items()},
        }
        self._people = People(scene, time_s + self._shift_s, seed=seed)
        self._house_w = 0.0
        self._grid_w: Phases = NOTHING
        self._voltages_v: Phases = self._mains.voltages(time_s, NOTHING)
        self._sun_s = -math.inf
        self._scans = self._advance(0.0, {})  # what happens at the very start is told with the first readings

    def step(self, seconds: float, set_points: Mapping[int, SetPoint]) -> Readings:
        """Let time go by under what the box released; a charge point without a set point gets nothing.

        0 s: the readings as they are. Raises ValueError for a negative time.
        """
        if not 0 <= seconds < math.inf:
            raise ValueError(f"a step takes 0 s or more, not {seconds}")
        parts = math.ceil(seconds / SUBSTEP_S)
        scans, self._scans = self._scans, []
        for _ in range(parts):
            scans += self._advance(seconds / parts, set_points)
        return self._read(tuple(scans))

    def jump_meter(self, kind: MeterKind, id_: int, by_wh: float) -> None:
        """A total jumps, also back, to 0 at least: of the grid the imported one, of a battery the charged one.

        Raises ValueError when there is no such meter.
        """
        register = self._register(kind, id_)
        register.set(max(register.energy_wh + by_wh, 0.0))

    def set_meter(self, kind: MeterKind, id_: int, energy_wh: float) -> None:
        """Another meter is put in, which has counted so far already; else like ``jump_meter``."""
        self._register(kind, id_).set(energy_wh)

    def _register(self, kind: MeterKind, id_: int) -> Register:
        if kind not in self._registers:
            raise ValueError(f"no meter of kind {kind!r}: it is one of {', '.join(self._registers)}")
        registers = self._registers[kind]
        if id_ not in registers:
            there_are = ", ".join(map(str, registers)) or "none"
            raise ValueError(f"no {kind} has the id {id_}; there are: {there_are}")
        return registers[id_]

    def _advance(self, seconds: float, set_points: Mapping[int, SetPoint]) -> list[Scan]:
        self._time_s += seconds
        time_s = self._time_s + self._shift_s
        scans = [scan for deed in self._people.due(time_s) if (scan := self._do(deed)) is not None]
        self._voltages_v = voltages_v = self._mains.voltages(time_s, self._grid_w)
        first, second, third = map(measured, self._house.powers(self._local.seconds(time_s)))
        self._house_w = first + second + third
        for id_, chargepoint in self._chargepoints.items():
            chargepoint.run(set_points.get(id_, RELEASED_NOTHING), voltages_v, seconds)
            l1, l2, l3 = chargepoint.powers_w
            first, second, third = first + l1, second + l2, third + l3
        produced_w = self._shine(time_s, seconds)
        inner_w = -produced_w
        if self._battery is not None:
            if seconds:
                self._battery.follow(3 * produced_w - (first + second + third), seconds)
            inner_w += self._battery.phase_w
        self._grid_w = (first + inner_w, second + inner_w, third + inner_w)
        power_w = sum(self._grid_w)
        if power_w > 0:
            self._imported.add(power_w, seconds)
        else:
            self._exported.add(-power_w, seconds)
        return scans

    def _shine(self, time_s: float, seconds: float) -> float:
        """What the roofs bring on each phase."""
        if not self._roofs:
            return 0.0
        if not 0 <= time_s - self._sun_s < SUN_MOVES_EVERY_S:
            self._sun_s = time_s
            sun = sun_at(time_s, self._installation.latitude, self._installation.longitude)
            for roof in self._roofs:
                roof.look_up(sun)
        clearness = self._sky.clearness(time_s)
        phase_w = 0.0
        for roof in self._roofs:
            roof.run(clearness, seconds)
            phase_w += roof.phase_w
        return phase_w

    def _do(self, deed: Deed) -> Scan | None:
        if isinstance(deed, Holds):
            return Scan(deed.chargepoint_id, deed.id_tag)
        self._unplug(deed.vehicle_id)
        if isinstance(deed, Comes):
            car = self._cars[deed.vehicle_id]
            car.drive(deed.drives_km)
            if deed.chargepoint_id is not None and self._chargepoints[deed.chargepoint_id].car is None:
                self._chargepoints[deed.chargepoint_id].plug(car)
        return None

    def _unplug(self, vehicle_id: int) -> None:
        for chargepoint in self._chargepoints.values():
            if chargepoint.car is self._cars[vehicle_id]:
                chargepoint.unplug()

    def _read(self, scans: tuple[Scan, ...]) -> Readings:
        voltages_v = self._voltages_v
        return Readings(
            time_s=self._time_s,
            voltages_v=voltages_v,
            house_w=self._house_w,
            grid=self._read_grid(),
            inverters={roof.setup.id: roof.read(voltages_v) for roof in self._roofs},
            batteries=self._read_batteries(),
            chargepoints={id_: chargepoint.read() for id_, chargepoint in self._chargepoints.items()},
            vehicles={
                id_: VehicleReading(
                    soc_percent=round(car.soc_percent, 1),
                    odometer_km=round(car.odometer_km, 1),
                    range_km=round(car.range_km, 1),
                )
                for id_, car in self._cars.items()
            },
            scans=scans,
        )

    def _read_grid(self) -> GridReading:
        first, second, third = self._grid_w
        volts = self._voltages_v
        return GridReading(
            power_w=first + second + third,
            powers_w=self._grid_w,
            currents_a=(
                round(first / volts[0] / GRID_POWER_FACTOR, 2),
                round(second / volts[1] / GRID_POWER_FACTOR, 2),
                round(third / volts[2] / GRID_POWER_FACTOR, 2),
            ),
            power_factors=(GRID_POWER_FACTOR, GRID_POWER_FACTOR, GRID_POWER_FACTOR),
            frequency_hz=self._mains.frequency_hz(self._time_s),
            imported_wh=self._imported.energy_wh,
            exported_wh=self._exported.energy_wh,
        )

    def _read_batteries(self) -> dict[int, BatteryReading]:
        battery = self._battery
        if battery is None:
            return {}
        phase_w = battery.phase_w
        first, second, third = self._voltages_v
        reading = BatteryReading(
            power_w=battery.power_w,
            currents_a=(round(phase_w / first, 2), round(phase_w / second, 2), round(phase_w / third, 2)),
            soc_percent=float(round(battery.soc_percent)),
            charged_wh=battery.charged.energy_wh,
            discharged_wh=battery.discharged.energy_wh,
        )
        return {battery.setup.id: reading}
