"""An inverter and its panels."""

from gateway.simulator.plant.meters import Register, measured
from gateway.simulator.plant.sun import Sun, share_of_peak
from gateway.simulator.words import InverterReading, InverterSetup, Phases

PHASES = 3


class Roof:
    """``power_w`` is the same on all phases, so it is three times ``phase_w``."""

    def __init__(self, setup: InverterSetup) -> None:
        self.setup = setup
        self.produced = Register(setup.produced_wh)
        self.phase_w = 0.0
        self._clear_w = 0.0

    @property
    def power_w(self) -> float:
        return PHASES * self.phase_w

    def look_up(self, sun: Sun) -> None:
        """Where the sun stands now; it moves slowly."""
        self._clear_w = self.setup.peak_w * share_of_peak(sun, self.setup.azimuth_degrees)

    def run(self, clearness: float, seconds: float) -> None:
        self.phase_w = measured(self._clear_w * clearness / PHASES)
        self.produced.add(self.power_w, seconds)

    def read(self, voltages_v: Phases) -> InverterReading:
        phase_w = self.phase_w
        first, second, third = voltages_v
        return InverterReading(
            power_w=self.power_w,
            currents_a=(round(phase_w / first, 2), round(phase_w / second, 2), round(phase_w / third, 2)),
            produced_wh=self.produced.energy_wh,
        )
