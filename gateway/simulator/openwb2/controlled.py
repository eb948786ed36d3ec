"""What the control knows and decides, as topics: sums, charge points, vehicles. Only when it has changed.

Of these topics most are published at the end of the loop, in the order of the functions here; totals of the day move
with the job that runs every five minutes.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec

from gateway.simulator.openwb2.clockwork import local
from gateway.simulator.openwb2.measured import NO_FAULT, NOTHING
from gateway.simulator.openwb2.speech import Said
from gateway.simulator.openwb2.templates import SELECTED, Json, whole
from gateway.simulator.openwb2.versions import Version
from gateway.simulator.state import BoxState, ChargePoint, SessionLog, Vehicle
from gateway.simulator.words import ChargePointReading, Phases, Readings

SLOT_S: Final = 900
SLOTS_AHEAD: Final = 141
LEAST_CURRENT_A: Final = 6
LEFTOVER: Final = {  # an object that the box writes once, when a charge point is made
    "config": {
        "average_consumption": 17,
        "charge_template": 0,
        "chargemode": "stop",
        "current_plan": 0,
        "ev_template": 0,
        "priority": False,
        "time_charging_in_use": False,
    },
    "info": {"id": 0, "name": "Ladepunkt"},
    "soc": {
        "fault_str": NO_FAULT,
        "fault_state": 0,
        "range_charged": 0,
        "range_unit": "km",
        "range": 0,
        "soc": 0,
        "timestamp": None,
    },
}


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of a charge point. ``template``: the one in force; ``ev_template``: of its vehicle."""

    box: ChargePoint
    reading: ChargePointReading
    voltages_v: Phases
    vehicle: Vehicle | None
    template: Any
    template_id: Any
    ev_template: Json
    ev_template_id: Any
    config: Json
    version: Version


def sums(state: BoxState, readings: Readings) -> Iterator[Said]:
    """Batteries, charge points, house and inverters together, with the float noise of the box's own sums."""
    batteries, points = readings.batteries.values(), readings.chargepoints.values()
    if batteries:
        yield "bat/get/soc", round(sum(battery.soc_percent for battery in batteries) / len(batteries))
        yield "bat/get/imported", sum(round(battery.charged_wh, 2) for battery in batteries)
        yield "bat/get/exported", sum(round(battery.discharged_wh, 2) for battery in batteries)
        yield "bat/get/power", sum(round(battery.power_w, 2) + 0.0 for battery in batteries)
        yield "bat/set/charging_power_left", sum(round(battery.power_w, 2) + 0.0 for battery in batteries)
    yield "chargepoint/get/power", sum(round(point.power_w, 2) + 0.0 for point in points)
    yield "chargepoint/get/imported", sum(round(point.imported_wh, 2) for point in points)
    yield "counter/set/home_consumption", home_consumption(readings)
    yield "counter/set/imported_home_consumption", state.house_total_wh
    if readings.inverters:
        yield "pv/get/exported", sum(round(pv.produced_wh, 2) for pv in readings.inverters.values())
        yield "pv/get/power", sum(round(-pv.power_w, 2) + 0.0 for pv in readings.inverters.values())


def home_consumption(readings: Readings) -> float:
    """What is left of the meters' powers, never below zero."""
    produced = sum(round(-pv.power_w, 2) for pv in readings.inverters.values())
    taken = sum(round(point.power_w, 2) for point in readings.chargepoints.values())
    taken += sum(round(battery.power_w, 2) for battery in readings.batteries.values())
    return max(round(readings.grid.power_w, 2) - produced - taken, 0.0)


def simulation(state: BoxState, readings: Readings) -> Said:
    """The integral of the house's power, which no meter counts."""
    return "counter/set/simulation", {
        "timestamp": readings.time_s,
        "power": home_consumption(readings),
        "imported": state.house_total_wh,
        "exported": 0,
    }


def daily_sums(state: BoxState) -> Iterator[Said]:
    """Since midnight, of all together; and of the inverters also since the first of the month and of the year."""
    today = state.today
    if state.installation.battery is not None:
        yield "bat/get/daily_imported", round(today.charged_wh, 2)
        yield "bat/get/daily_exported", round(today.discharged_wh, 2)
    yield "chargepoint/get/daily_imported", round(sum(p.imported_today_wh for p in state.chargepoints.values()), 2)
    yield "counter/set/daily_yield_home_consumption", round(today.house_wh, 3)
    if state.installation.inverters:
        yield "pv/get/daily_exported", round(sum(today.produced_wh.values()), 2)
        yield "pv/get/monthly_exported", round(today.produced_month_wh, 2)
        yield "pv/get/yearly_exported", round(today.produced_year_wh, 2)


def daily_of_parts(state: BoxState) -> Iterator[Said]:
    installation, today = state.installation, state.today
    for chargepoint_id, chargepoint in state.chargepoints.items():
        yield f"chargepoint/{chargepoint_id}/get/daily_imported", round(chargepoint.imported_today_wh, 2)
        yield f"chargepoint/{chargepoint_id}/get/daily_exported", 0
    if installation.battery is not None:
        branch = f"bat/{installation.battery.id}/get"
        yield f"{branch}/daily_exported", round(today.discharged_wh, 2)
        yield f"{branch}/daily_imported", round(today.charged_wh, 2)
    yield f"counter/{installation.counter_id}/get/daily_exported", round(today.grid_exported_wh, 3)
    yield f"counter/{installation.counter_id}/get/daily_imported", round(today.grid_imported_wh, 3)
    for inverter in installation.inverters:
        yield f"pv/{inverter.id}/get/daily_exported", round(today.produced_wh.get(inverter.id, 0.0), 2)


def prices(state: BoxState, version: Version) -> Iterator[Said]:
    """EUR/Wh by the begin of each quarter of an hour, from the running one on."""
    slots = _slots(state)
    if version.prices_branch == "et":
        yield "optional/et/get/prices", slots
        return
    yield "optional/ep/get/prices", slots
    yield "optional/ep/flexible_tariff/get/prices", slots


def prices_at_boot(state: BoxState, version: Version) -> Iterator[Said]:
    yield from prices(state, version)
    branch = "optional/et/get" if version.prices_branch == "et" else "optional/ep/flexible_tariff/get"
    count = len(_slots(state))
    text = f"Die flexible_tariff Preisliste hat {count} Einträge. " if count else NO_FAULT
    yield f"{branch}/fault_state", 0
    yield f"{branch}/fault_str", text
    if version.prices_branch == "ep":
        yield f"{branch}/next_query_time", int(state.time_s) // 3600 * 3600 + 3600


def _slots(state: BoxState) -> dict[str, float]:
    tariff = state.installation.tariff
    if not tariff:
        return {}
    first = int(state.time_s) // SLOT_S * SLOT_S
    return {str(at): _price(state, at) for at in range(first, first + SLOTS_AHEAD * SLOT_S, SLOT_S)}


def _price(state: BoxState, at_s: int) -> float:
    wall = local(state.installation, at_s)
    since_midnight = wall.hour * 3600 + wall.minute * 60
    slots = state.installation.tariff
    begun = [price for start, price in slots if start <= since_midnight]
    return begun[-1] if begun else slots[-1][1]


def vehicle_known(vehicle: Vehicle, fed_range_km: float | None = None) -> Iterator[Said]:
    """What a SoC module brought. ``fed_range_km``: what was fed to the MQTT module."""
    branch = f"vehicle/{vehicle.setup.id}/get"
    range_km = vehicle.range_km if fed_range_km is None else fed_range_km
    yield f"{branch}/soc", None if vehicle.soc_percent is None else whole(round(vehicle.soc_percent, 1))
    yield f"{branch}/range", None if range_km is None else round(range_km, 1)
    yield f"{branch}/soc_timestamp", vehicle.soc_at_s
    yield f"{branch}/odometer", None if vehicle.odometer_km is None else round(vehicle.odometer_km, 1)


def released(point: Point) -> bool:
    """Whether the control would let it charge at all."""
    return point.reading.plugged and not point.box.locked and point.box.wish.mode not in ("stop", "standby")


def _state_number(point: Point) -> int:
    if not released(point):
        return 0
    if point.box.set_point.current_a:
        return 4 if point.reading.charging else 3
    return 6 if point.box.wish.mode in ("pv", "min_pv") else 0


def _phases(point: Point) -> int:
    return point.box.set_point.phases if released(point) else 0


def _required_current(point: Point) -> float:
    return point.box.setup.max_current_a if released(point) else 0


CONTROL: Final[Mapping[str, Callable[[Point], Any]]] = {
    "chargemode": lambda point: SELECTED[point.box.wish.mode] if released(point) else "stop",
    "min_current": lambda point: point.ev_template["min_current"] if released(point) else LEAST_CURRENT_A,
    "phases": _phases,
    "required_current": lambda point: whole(_required_current(point)),
    "state": _state_number,
    "submode": lambda point: SELECTED[point.box.wish.mode] if released(point) else "stop",
    "template_phases": lambda point: point.box.wish.phases if released(point) else None,
    "timestamp_charge_start": lambda point: point.box.log.started_s,
    "timestamp_chargemode_changed": lambda point: point.box.log.mode_switched_s,
}


def _average_consumption(point: Point) -> int:
    consumption: int = point.ev_template["average_consump"]
    return consumption


def _connected_config(point: Point) -> Json:
    template = point.template if isinstance(point.template, dict) else {}
    plans = [index for index, plan in enumerate(point.box.wish.plans) if plan.active]
    scheduled = point.box.wish.mode == "scheduled" and plans
    return {
        "average_consumption": _average_consumption(point),
        "charge_template": point.template_id,
        "chargemode": _selected(template),
        "current_plan": plans[0] if scheduled else None,
        "ev_template": point.ev_template_id,
        "priority": bool(template.get("prio", False)),
        "time_charging_in_use": False,
    }


def _selected(template: Json) -> Any:
    chargemode = template.get("chargemode")
    return chargemode.get("selected") if isinstance(chargemode, dict) else None


def _connected_soc(point: Point) -> Json:
    vehicle = point.vehicle
    known = vehicle is not None and vehicle.soc_module is not None
    range_km = vehicle.range_km if vehicle is not None else None
    charged_km = point.box.log.range_charged_km or 0
    return LEFTOVER["soc"] | {
        "range_charged": round(charged_km, 2),
        "range": (None if range_km is None else round(range_km, 1)) if known else 0,
        "soc": vehicle.soc_percent if vehicle is not None and known else 0,
        "timestamp": vehicle.soc_at_s if vehicle is not None and known else None,
    }


def log_json(log: SessionLog, version: Version) -> Json:
    """``set/log``."""
    told = {
        "chargemode_log_entry": SELECTED.get(log.mode, log.mode),
        "charged_energy_by_source": log.by_source_wh,
        "costs": round(log.cost_eur, 4),
        "end": log.stopped_s if log.started_s is None else None,
        "exported_at_mode_switch": 0,
        "exported_at_plugtime": 0,
        "exported_since_mode_switch": 0,
        "exported_since_plugged": 0,
        "imported_at_mode_switch": log.imported_at_mode_switch_wh,
        "imported_at_plugtime": log.imported_at_plug_wh,
        "imported_since_mode_switch": log.since_mode_switch_wh,
        "imported_since_plugged": log.since_plugged_wh,
        "range_charged": round(log.range_charged_km or 0, 2),
        "time_charged": whole(log.charging_s),
        "timestamp_start_charging": log.started_s,
        "timestamp_mode_switch": log.mode_switched_s,
        "ev": log.vehicle_id,
        "prio": log.priority,
        "rfid": log.id_tag,
        "serial_number": None,
        "soc_at_start": log.soc_at_start_percent,
        "soc_at_end": None,
        "range_at_start": log.range_at_start_km,
        "range_at_end": None,
        "odometer": None,
    }
    return {member: value for member, value in told.items() if member not in version.log_members_missing}


def _required_power(point: Point) -> float:
    used = point.voltages_v[: point.reading.phases_in_use] if released(point) else NOTHING
    return round(sum(used), 1) * _required_current(point)


# in the order of the real loop; ``None`` values of ``Point.template`` are left out before 2.1.8
POINT: Final[Mapping[str, Callable[[Point], Any]]] = {
    **{f"control_parameter/{leaf}": made for leaf, made in CONTROL.items()},
    "get/connected_vehicle/config": _connected_config,
    "get/connected_vehicle/info": lambda point: {
        "id": point.box.vehicle_id,
        "name": point.vehicle.name if point.vehicle is not None else "",
    },
    "get/connected_vehicle/soc": _connected_soc,
    "set/charge_template": lambda point: point.template,
    "set/current": lambda point: whole(round(point.box.set_point.current_a, 2)),
    "set/ev_prev": lambda point: point.box.vehicle_id,
    "set/log": lambda point: log_json(point.box.log, point.version),
    "set/manual_lock": lambda point: point.box.locked,
    "set/phases_to_use": lambda point: point.box.set_point.phases,
    "set/plug_state_prev": lambda point: point.reading.plugged,
    "set/required_power": _required_power,
    "set/rfid": lambda point: point.box.id_tag,
    "set/current_prev": lambda point: whole(round(point.box.set_point.current_a, 2)),
    "set/charge_state_prev": lambda point: point.reading.charging,
    "set/charging_ev": lambda point: point.box.vehicle_id if point.reading.plugged else -1,
    "config": lambda point: point.config,
}
_ONLY_SINCE_2_1_8: Final = frozenset({"set/charge_template"})
_ONLY_BEFORE_2_1_8: Final = frozenset({"set/charging_ev"})


def point_values(point: Point) -> Iterator[Said]:
    """All of one charge point."""
    absent = _ONLY_BEFORE_2_1_8 if point.version.whole_templates else _ONLY_SINCE_2_1_8
    for leaf, made in POINT.items():
        if leaf not in absent:
            yield f"chargepoint/{point.box.setup.id}/{leaf}", made(point)
