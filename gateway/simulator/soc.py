"""What the box knows of a vehicle's SoC, and when it asks.

Rules:

* Without a module nothing is known. ``manual``: what was said, counted on with what was charged since. ``mqtt``: what
  was fed; before anybody feeds it, the car does so itself. Every other module asks the car.
* It is asked at the start, at plug, unplug and the end of a charge, every CHARGING_EVERY_S while the car charges and
  every IDLE_EVERY_S else, and when somebody wants it now. A changed module is asked with the next loop.
"""

from gateway.simulator.limits import EFFICIENCY
from gateway.simulator.state import Vehicle
from gateway.simulator.words import ChargePointReading, Readings

CHARGING_EVERY_S = 300.0
IDLE_EVERY_S = 43_200.0
FULL_PERCENT = 100.0


class SocModule:
    """Asks for one vehicle."""

    def __init__(self, vehicle: Vehicle) -> None:
        self._vehicle = vehicle
        self._fed: tuple[float, float] | None = None
        self._asked_up_s: float | None = None
        self._up_s = 0.0
        self._charged = False

    def choose(self, kind: str | None) -> None:
        """Another module, or none: what the old one knew is forgotten."""
        vehicle = self._vehicle
        vehicle.soc_module = kind
        vehicle.soc_percent = vehicle.soc_at_s = vehicle.range_km = vehicle.odometer_km = None
        self._fed = None
        self.ask_now()

    def know(self, soc_percent: float, time_s: float) -> None:
        """Said by hand, known at once; or fed, known when asked for."""
        if self._vehicle.soc_module == "manual":
            self._vehicle.soc_percent, self._vehicle.soc_at_s = soc_percent, time_s
            self._vehicle.asked_s, self._asked_up_s = time_s, self._up_s
            self._vehicle.counted_from_wh = None
        else:
            self._fed = soc_percent, time_s

    def ask_now(self) -> None:
        """With the next loop."""
        self._asked_up_s = None

    def loop(self, readings: Readings, reading: ChargePointReading | None, up_s: float) -> None:
        """One loop; ``reading``: of the charge point at which the vehicle is plugged."""
        vehicle, self._up_s = self._vehicle, up_s
        if vehicle.soc_module is None:
            return
        charges = reading is not None and reading.charging
        if vehicle.soc_module == "manual":
            if reading is None:
                vehicle.counted_from_wh = None
            elif vehicle.counted_from_wh is None:
                vehicle.counted_from_wh = reading.imported_wh
        ended, self._charged = self._charged and not charges, charges
        every_s = CHARGING_EVERY_S if charges else IDLE_EVERY_S
        if self._asked_up_s is None or ended or up_s - self._asked_up_s >= every_s:
            self._asked_up_s = up_s
            vehicle.asked_s = readings.time_s
            self._ask(readings, reading)

    def _ask(self, readings: Readings, reading: ChargePointReading | None) -> None:
        vehicle = self._vehicle
        if vehicle.soc_module == "manual":
            self._count(readings.time_s, reading)
            return
        car = readings.vehicles.get(vehicle.setup.id)
        if self._fed is not None and vehicle.soc_module == "mqtt":
            vehicle.soc_percent, vehicle.soc_at_s = self._fed
        elif car is not None:
            vehicle.soc_percent, vehicle.soc_at_s = round(car.soc_percent, 1), readings.time_s
            vehicle.range_km, vehicle.odometer_km = round(car.range_km, 1), round(car.odometer_km)

    def _count(self, time_s: float, reading: ChargePointReading | None) -> None:
        vehicle = self._vehicle
        if vehicle.soc_percent is None or reading is None or vehicle.counted_from_wh is None:
            return
        charged_wh = max(0.0, reading.imported_wh - vehicle.counted_from_wh) * EFFICIENCY
        vehicle.counted_from_wh = reading.imported_wh
        grown = vehicle.soc_percent + charged_wh / vehicle.setup.capacity_wh * FULL_PERCENT
        vehicle.soc_percent, vehicle.soc_at_s = round(min(FULL_PERCENT, grown), 2), time_s
