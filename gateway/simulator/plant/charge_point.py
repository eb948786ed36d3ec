"""A charge point's hardware: its contactor, its meter, and the car whose plug is in it."""

from gateway.simulator.plant.car import Car
from gateway.simulator.plant.meters import SECONDS_OF_AN_HOUR, Register, measured
from gateway.simulator.words import ChargePointReading, ChargePointSetup, Phases, SetPoint

POWER_FACTOR = 0.998
NOTHING: Phases = (0.0, 0.0, 0.0)


class ChargePointHardware:
    """Cars hang on its first phases: one on L1, two on L1 and L2."""

    def __init__(self, setup: ChargePointSetup) -> None:
        self.setup = setup
        self.imported = Register(setup.imported_wh)
        self.car: Car | None = None
        self.powers_w: Phases = NOTHING
        self._currents_a: Phases = NOTHING
        self._phases_in_use = setup.phases

    def plug(self, car: Car) -> None:
        self.car = car

    def unplug(self) -> None:
        self.car = None
        self.powers_w = self._currents_a = NOTHING

    def run(self, set_point: SetPoint, voltages_v: Phases, seconds: float) -> None:
        """Let flow what box and car agree on."""
        car = self.car
        if car is None:
            return
        current_a = car.take(set_point, self.setup.max_current_a, seconds)
        if current_a == 0:
            self.powers_w = self._currents_a = NOTHING
            return
        phases = min(self.setup.phases, car.setup.phases, set_point.phases)
        power_per_volt = current_a * POWER_FACTOR
        first, second, third = voltages_v
        shown_a = round(current_a, 2)
        l1 = measured(first * power_per_volt)
        l2 = measured(second * power_per_volt) if phases > 1 else 0.0
        l3 = measured(third * power_per_volt) if phases > 2 else 0.0  # noqa: PLR2004 - the third phase
        self.powers_w = (l1, l2, l3)
        self._currents_a = (shown_a, shown_a if l2 else 0.0, shown_a if l3 else 0.0)
        self._phases_in_use = phases
        power_w = l1 + l2 + l3
        self.imported.add(power_w, seconds)
        car.fill(power_w * seconds / SECONDS_OF_AN_HOUR)

    def read(self) -> ChargePointReading:
        powers_w = self.powers_w
        l1, l2, l3 = powers_w
        return ChargePointReading(
            plugged=self.car is not None,
            charging=l1 > 0,
            car=None if self.car is None else self.car.setup.id,
            power_w=l1 + l2 + l3,
            powers_w=powers_w,
            currents_a=self._currents_a,
            power_factors=(POWER_FACTOR if l1 else 0.0, POWER_FACTOR if l2 else 0.0, POWER_FACTOR if l3 else 0.0),
            phases_in_use=self._phases_in_use,
            imported_wh=self.imported.energy_wh,
        )
