"""Readings for a simulated box, made by hand: what each test says of them, and rest for all else."""

from collections.abc import Mapping

import msgspec

from gateway.simulator.box import Box
from gateway.simulator.installations import HOME
from gateway.simulator.words import (
    BatteryReading,
    ChargePointReading,
    GridReading,
    Happening,
    Installation,
    InverterReading,
    Phases,
    Readings,
    Scan,
    VehicleReading,
    Wish,
)

NOTHING: Phases = (0.0, 0.0, 0.0)
NOON_S = 1_795_345_200.0
"""2026-11-22 12:00:00 in Berlin."""


def phases(total: float, number: int) -> Phases:
    """A total spread over the first phases."""
    part = total / number if number else 0.0
    return part, part if number > 1 else 0.0, part if number > 2 else 0.0


class HandMadePlant:
    """What stands in the readings of the next loop; powers in W with the gateway's signs, energies run by themselves.

    A car charges as soon as a step begins with a released current, and stops as soon as one begins without.
    """

    def __init__(self, installation: Installation = HOME, time_s: float = NOON_S) -> None:
        self.installation = installation
        self.time_s = time_s
        self.sun_w = 0.0
        self.house_w = 400.0
        self.battery_w = 0.0
        self.battery_percent = 57.0
        self.plugged: dict[int, int] = {}
        self.full: set[int] = set()
        self.meters_wh = {setup.id: setup.imported_wh for setup in installation.chargepoints}
        self.powers_w = dict.fromkeys(self.meters_wh, 0.0)
        self.phases_in_use = {setup.id: setup.phases for setup in installation.chargepoints}
        self.grid_wh = [installation.imported_wh, installation.exported_wh]
        self.sun_wh = {setup.id: setup.produced_wh for setup in installation.inverters}
        self.battery_wh = [0.0, 0.0]
        self.soc_percent = {setup.id: setup.soc_percent for setup in installation.vehicles}
        self.scans: tuple[Scan, ...] = ()

    @property
    def grid_w(self) -> float:
        return self.house_w + self.battery_w + sum(self.powers_w.values()) - self.sun_w

    def step(self, box: Box, seconds: float = 10.0) -> Readings:
        """Let time pass under what the box released."""
        hours = seconds / 3_600
        for id_, set_point in box.set_points.items():
            flows = id_ in self.plugged and id_ not in self.full and set_point.current_a >= 6
            if id_ in self.plugged and set_point.current_a > 0 and flows:
                vehicle = box.state.vehicles[self.plugged[id_]].setup
                self.phases_in_use[id_] = min(set_point.phases, vehicle.phases)
            self.powers_w[id_] = set_point.current_a * 230 * self.phases_in_use[id_] if flows else 0.0
            self.meters_wh[id_] += self.powers_w[id_] * hours
        grid_w = self.grid_w
        self.grid_wh[grid_w < 0] += abs(grid_w) * hours
        self.battery_wh[self.battery_w < 0] += abs(self.battery_w) * hours
        for id_ in self.sun_wh:
            self.sun_wh[id_] += self.sun_w / len(self.sun_wh) * hours
        self.time_s += seconds
        scans, self.scans = self.scans, ()
        return self.readings(scans)

    def readings(self, scans: tuple[Scan, ...] = ()) -> Readings:
        """As everything is now."""
        battery = self.installation.battery
        return Readings(
            time_s=self.time_s,
            voltages_v=(230.0, 230.0, 230.0),
            house_w=self.house_w,
            grid=GridReading(
                power_w=self.grid_w,
                powers_w=phases(self.grid_w, 3),
                currents_a=phases(self.grid_w / 230, 3),
                power_factors=(1.0, 1.0, 1.0),
                frequency_hz=50.0,
                imported_wh=self.grid_wh[0],
                exported_wh=self.grid_wh[1],
            ),
            inverters={
                id_: InverterReading(
                    power_w=self.sun_w / len(self.sun_wh), currents_a=NOTHING, produced_wh=produced_wh
                )
                for id_, produced_wh in self.sun_wh.items()
            },
            batteries={}
            if battery is None
            else {
                battery.id: BatteryReading(
                    power_w=self.battery_w,
                    currents_a=NOTHING,
                    soc_percent=self.battery_percent,
                    charged_wh=battery.charged_wh + self.battery_wh[0],
                    discharged_wh=battery.discharged_wh + self.battery_wh[1],
                )
            },
            chargepoints={id_: self._chargepoint(id_) for id_ in self.meters_wh},
            vehicles={
                setup.id: VehicleReading(
                    soc_percent=self.soc_percent[setup.id],
                    odometer_km=setup.odometer_km,
                    range_km=self.soc_percent[setup.id] * 4,
                )
                for setup in self.installation.vehicles
                if setup.id
            },
            scans=scans,
        )

    def _chargepoint(self, id_: int) -> ChargePointReading:
        power_w, number = self.powers_w[id_], self.phases_in_use[id_]
        return ChargePointReading(
            plugged=id_ in self.plugged,
            charging=power_w > 0,
            car=self.plugged.get(id_),
            power_w=power_w,
            powers_w=phases(power_w, number),
            currents_a=phases(power_w / 230, number),
            power_factors=(1.0, 1.0, 1.0) if power_w else NOTHING,
            phases_in_use=number,
            imported_wh=self.meters_wh[id_],
        )


class Day:
    """A box at a plant made by hand, loop by loop."""

    def __init__(
        self, wishes: Mapping[int, Wish] = {}, installation: Installation = HOME, at_s: float = NOON_S
    ) -> None:
        self.plant = HandMadePlant(installation, at_s)
        self.box = Box(installation, at_s, wishes=wishes)
        self.happenings: list[Happening] = []
        chargepoints = list(self.box.state.chargepoints.values())
        self.left, self.right = chargepoints[0], chargepoints[-1]
        self.loop(0.0)

    def loop(self, seconds: float = 10.0) -> tuple[Happening, ...]:
        """One control loop, so long after the last one."""
        happened = self.box.loop(self.plant.step(self.box, seconds))
        self.happenings.extend(happened)
        return happened

    def loops(self, number: int) -> list[Happening]:
        return [happening for _ in range(number) for happening in self.loop()]

    def plug(self, chargepoint_id: int, vehicle_id: int) -> None:
        """From the next loop on."""
        self.plant.plugged[chargepoint_id] = vehicle_id

    def unplug(self, chargepoint_id: int) -> None:
        del self.plant.plugged[chargepoint_id]

    def ask(self, chargepoint_id: int, **changed: object) -> None:
        """Change what is wished in these fields."""
        wish = self.box.state.chargepoints[chargepoint_id].wish
        self.box.ask(chargepoint_id, msgspec.structs.replace(wish, **changed))

    def text(self, chargepoint_id: int) -> str:
        return self.box.state.chargepoints[chargepoint_id].state_text

    def current_a(self, chargepoint_id: int) -> float:
        return self.box.state.chargepoints[chargepoint_id].set_point.current_a
