"""What the devices measure, as topics: tables of leaf and how it is made. In every control loop, changed or not.

Signs are the box's: inverters produce negative power. Zeros of an idle charge point are integers, as they come from
the device.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Generic, TypeVar

import msgspec

from gateway.simulator.openwb2.speech import Said, Written
from gateway.simulator.openwb2.templates import whole
from gateway.simulator.state import BoxState, ChargePoint
from gateway.simulator.words import (
    BatteryReading,
    ChargePointReading,
    ChargePointSetup,
    GridReading,
    Installation,
    InverterReading,
    Phases,
    Readings,
)

NO_FAULT: Final = "Kein Fehler."
NOTHING: Final[Phases] = (0.0, 0.0, 0.0)
Of = TypeVar("Of")


class Of3(msgspec.Struct, Generic[Of], frozen=True):
    """A reading, and the voltages of the house."""

    reading: Of
    voltages_v: Phases


class PluggedPoint(msgspec.Struct, frozen=True):
    """A charge point: what the box knows of it, what it measures."""

    box: ChargePoint
    reading: ChargePointReading
    voltages_v: Phases


def _list(values: Phases, digits: int, sign: int = 1) -> list[float]:
    return [round(sign * value, digits) + 0.0 for value in values]


def _or_zero(values: Phases, digits: int) -> list[float]:
    return [round(value, digits) if value else 0 for value in values]


def _nothing(_: Any) -> None:
    return None


def _zero(_: Any) -> int:
    return 0


GRID: Final[Mapping[str, Callable[[Of3[GridReading]], Any]]] = {
    "voltages": lambda grid: _list(grid.voltages_v, 1),
    "currents": lambda grid: _list(grid.reading.currents_a, 2),
    "powers": lambda grid: _list(grid.reading.powers_w, 2),
    "power_factors": lambda grid: _list(grid.reading.power_factors, 2),
    "imported": lambda grid: round(grid.reading.imported_wh, 3),
    "exported": lambda grid: round(grid.reading.exported_wh, 3),
    "power": lambda grid: round(grid.reading.power_w, 2),
    "frequency": lambda grid: round(grid.reading.frequency_hz, 3),
}
INVERTER: Final[Mapping[str, Callable[[InverterReading], Any]]] = {
    "power": lambda pv: round(-pv.power_w, 2) + 0.0,
    "exported": lambda pv: round(pv.produced_wh, 2),
    "currents": lambda pv: _list(pv.currents_a, 1, sign=-1),
}
BATTERY: Final[Mapping[str, Callable[[BatteryReading], Any]]] = {
    "currents": lambda bat: _list(bat.currents_a, 1),
    "power": lambda bat: round(bat.power_w, 2) + 0.0,
    "soc": lambda bat: round(bat.soc_percent),
    "imported": lambda bat: round(bat.charged_wh, 2),
    "exported": lambda bat: round(bat.discharged_wh, 2),
}
CHARGEPOINT: Final[Mapping[str, Callable[[PluggedPoint], Any]]] = {
    "charging_current": _zero,
    "charging_power": _zero,
    "charging_voltage": _zero,
    "voltages": lambda cp: _list(cp.voltages_v, 1),
    "currents": lambda cp: _or_zero(cp.reading.currents_a, 2),
    "power_factors": lambda cp: _or_zero(cp.reading.power_factors, 2),
    "imported": lambda cp: round(cp.reading.imported_wh, 2),
    "exported": _zero,
    "power": lambda cp: round(cp.reading.power_w, 2) + 0.0,
    "powers": lambda cp: _list(cp.reading.powers_w, 2),
    "frequency": lambda _: 50.0,
    "phases_in_use": lambda cp: cp.reading.phases_in_use,
    "charge_state": lambda cp: Written(int(cp.reading.charging), cp.reading.charging),
    "plug_state": lambda cp: Written(int(cp.reading.plugged), cp.reading.plugged),
    "serial_number": lambda cp: cp.box.setup.serial_number,
    "soc": _nothing,
    "soc_timestamp": _nothing,
    "evse_current": lambda cp: whole(round(cp.box.set_point.current_a, 2)) if cp.reading.plugged else 0,
    "vehicle_id": _nothing,
    "max_evse_current": _nothing,
    "max_charge_power": _nothing,
    "max_discharge_power": _nothing,
    "version": _nothing,
    "current_branch": _nothing,
    "current_commit": _nothing,
    "evse_signaling": _nothing,
}


def readings_of(state: BoxState) -> Readings:
    """The last readings; before the first, those of a plant at rest."""
    return state.readings or at_rest(state.installation, state.time_s)


def at_rest(installation: Installation, time_s: float) -> Readings:
    """Nobody is plugged in, nothing flows, meters as set up."""
    batteries = (installation.battery,) if installation.battery is not None else ()
    return Readings(
        time_s=time_s,
        voltages_v=(230.0, 230.0, 230.0),
        house_w=0.0,
        grid=GridReading(
            power_w=0.0,
            powers_w=NOTHING,
            currents_a=NOTHING,
            power_factors=NOTHING,
            frequency_hz=50.0,
            imported_wh=installation.imported_wh,
            exported_wh=installation.exported_wh,
        ),
        inverters={
            inverter.id: InverterReading(power_w=0.0, currents_a=NOTHING, produced_wh=inverter.produced_wh)
            for inverter in installation.inverters
        },
        batteries={
            battery.id: BatteryReading(
                power_w=0.0,
                currents_a=NOTHING,
                soc_percent=battery.soc_percent,
                charged_wh=battery.charged_wh,
                discharged_wh=battery.discharged_wh,
            )
            for battery in batteries
        },
        chargepoints={chargepoint.id: _empty(chargepoint) for chargepoint in installation.chargepoints},
        vehicles={},
    )


def _empty(setup: ChargePointSetup) -> ChargePointReading:
    return ChargePointReading(
        plugged=False,
        charging=False,
        car=None,
        power_w=0.0,
        powers_w=NOTHING,
        currents_a=NOTHING,
        power_factors=NOTHING,
        phases_in_use=setup.phases,
        imported_wh=setup.imported_wh,
    )


def chargepoint_faults(state: BoxState) -> Iterator[Said]:
    for chargepoint_id, chargepoint in state.chargepoints.items():
        yield f"chargepoint/{chargepoint_id}/get/fault_str", chargepoint.fault_text
        yield f"chargepoint/{chargepoint_id}/get/fault_state", chargepoint.fault_state


def component_faults(installation: Installation) -> Iterator[Said]:
    for branch in (f"counter/{installation.counter_id}", *_components(installation)):
        yield f"{branch}/get/fault_str", NO_FAULT
        yield f"{branch}/get/fault_state", 0


def _components(installation: Installation) -> Iterator[str]:
    """Inverters and battery in the order of their ids, as in the hierarchy."""
    kinds = {inverter.id: "pv" for inverter in installation.inverters}
    if installation.battery is not None:
        kinds[installation.battery.id] = "bat"
    for component_id in sorted(kinds):
        yield f"{kinds[component_id]}/{component_id}"


def component_values(installation: Installation, readings: Readings) -> Iterator[Said]:
    for branch in _components(installation):
        kind, component_id = branch.split("/")
        if kind == "pv":
            inverter = readings.inverters[int(component_id)]
            yield from ((f"{branch}/get/{leaf}", made(inverter)) for leaf, made in INVERTER.items())
        else:
            battery = readings.batteries[int(component_id)]
            yield from ((f"{branch}/get/{leaf}", made(battery)) for leaf, made in BATTERY.items())


def chargepoint_values(state: BoxState, readings: Readings) -> Iterator[Said]:
    for chargepoint_id, chargepoint in state.chargepoints.items():
        point = PluggedPoint(chargepoint, readings.chargepoints[chargepoint_id], readings.voltages_v)
        branch = f"chargepoint/{chargepoint_id}/get"
        yield from ((f"{branch}/{leaf}", made(point)) for leaf, made in CHARGEPOINT.items())


def grid_values(installation: Installation, readings: Readings) -> Iterator[Said]:
    grid = Of3(readings.grid, readings.voltages_v)
    branch = f"counter/{installation.counter_id}/get"
    yield from ((f"{branch}/{leaf}", made(grid)) for leaf, made in GRID.items())
