"""Answers to ``getChargeLog``: the entries of a month as the box writes them, filtered, with totals (openwb.md 5)."""

from collections.abc import Iterable
from typing import Any, Final, Literal

import msgspec

from gateway.simulator.openwb2.clockwork import local
from gateway.simulator.openwb2.templates import SELECTED, Json
from gateway.simulator.openwb2.versions import Version
from gateway.simulator.state import BoxState, Vehicle
from gateway.simulator.words import LogEntry, VehicleSetup

EMPTY: Final[Json] = {"entries": [], "totals": {}}
SECONDS_PER_HOUR: Final = 3600
SOURCES: Final[tuple[Literal["bat", "cp", "grid", "pv"], ...]] = ("bat", "cp", "grid", "pv")
EFFICIENCY: Final = 0.9
SMALL_WH: Final = 100.0  # below, the box reckons no shares


class _Ids(msgspec.Struct, frozen=True):
    id: list[int]


class _Vehicles(msgspec.Struct, frozen=True):
    id: list[int]
    tag: list[str]
    chargemode: list[str]
    prio: bool | None = None


class _Filter(msgspec.Struct, frozen=True):
    chargepoint: _Ids
    vehicle: _Vehicles


class Asked(msgspec.Struct, frozen=True):
    """``month`` has two digits: the box makes a file name of both."""

    year: str | int
    month: str
    filter: _Filter

    @property
    def year_and_month(self) -> tuple[int, int] | None:
        name = f"{self.year}{self.month}"
        return (int(name[:4]), int(name[4:])) if len(name) == len("202601") and name.isdecimal() else None


def asked(data: Any) -> Asked | None:
    """None for another shape, which the box answers with nothing."""
    try:
        return msgspec.convert(data, Asked, strict=True)
    except (msgspec.ValidationError, UnicodeEncodeError):  # the latter: half a character
        return None


def charge_log(state: BoxState, entries: Iterable[LogEntry], what: Asked, version: Version) -> Json:
    """The answer."""
    found = [told for entry in entries if _passes(told := entry_json(state, entry, version), what.filter)]
    return {"entries": found, "totals": _totals(found)} if found else EMPTY


def _passes(told: Json, wanted: _Filter) -> bool:
    vehicle = told["vehicle"]
    tests = (
        (wanted.chargepoint.id, told["chargepoint"]["id"]),
        (wanted.vehicle.id, vehicle["id"]),
        (wanted.vehicle.tag, vehicle["rfid"]),
        (wanted.vehicle.chargemode, vehicle["chargemode"]),
    )
    prio_fits = wanted.vehicle.prio is None or wanted.vehicle.prio == vehicle["prio"]
    return prio_fits and all(not choices or value in choices for choices, value in tests)


def entry_json(state: BoxState, entry: LogEntry, version: Version) -> Json:
    """One entry, without what the version does not write yet."""
    chargepoint = state.chargepoints[entry.chargepoint_id].setup
    vehicle = state.vehicles.get(entry.vehicle_id)
    told: dict[str, Json] = {
        "chargepoint": {
            "id": entry.chargepoint_id,
            "name": chargepoint.name,
            "serial_number": chargepoint.serial_number,
            "imported_at_start": round(entry.imported_at_start_wh, 2),
            "imported_at_end": round(entry.imported_at_end_wh, 2),
            "exported_at_start": 0,
            "exported_at_end": 0,
        },
        "vehicle": {
            "id": entry.vehicle_id,
            "name": vehicle.name if vehicle else "-",
            "chargemode": SELECTED[entry.mode],
            "prio": entry.priority,
            "rfid": entry.id_tag,
            "odometer": entry.odometer_km,
            "soc_at_start": entry.soc_at_start_percent,
            "soc_at_end": entry.soc_at_end_percent,
            "range_at_start": entry.range_at_start_km,
            "range_at_end": entry.range_at_end_km,
        },
        "time": {
            "begin": _us_time(state, entry.begin_s),
            "end": _us_time(state, entry.end_s),
            "time_charged": _hours_minutes(entry.charging_s),
        },
        "data": _energy(entry, vehicle, version),
    }
    return {
        part: {member: value for member, value in members.items() if member not in version.log_members_missing}
        for part, members in told.items()
    }


def _energy(entry: LogEntry, vehicle: Vehicle | None, version: Version) -> Json:
    """Up to 2.1.7 ``power`` is wrong: Wh per second. Small entries have no shares."""
    per_second = entry.since_mode_switch_wh / entry.charging_s if entry.charging_s else 0.0
    has_shares = entry.since_mode_switch_wh >= SMALL_WH
    return {
        "range_charged": range_km(vehicle, entry.since_mode_switch_wh),
        "exported_since_mode_switch": 0,
        "exported_since_plugged": 0,
        "imported_since_mode_switch": round(entry.since_mode_switch_wh, 2),
        "imported_since_plugged": round(entry.since_plugged_wh, 2),
        "power": round(entry.power_w if version.whole_templates else per_second, 2),
        "costs": round(entry.cost_eur, 2),
        "power_source": {source: entry.shares[source] if has_shares else 0.0 for source in SOURCES},
    }


def range_km(vehicle: Vehicle | None, energy_wh: float) -> float:
    """How far the car comes with what was charged, reckoned by its profile; a tenth is lost on the way."""
    consumption = (vehicle.setup if vehicle else VehicleSetup(id=0, name="")).consumption_wh_per_100km
    return round(energy_wh / consumption * 100 * EFFICIENCY, 2)


def _us_time(state: BoxState, at_s: float) -> str:
    return local(state.installation, at_s).strftime("%m/%d/%Y, %H:%M:%S")


def _hours_minutes(seconds: float) -> str:
    minutes = int(seconds) // 60
    return f"{minutes // 60}:{minutes % 60:02}"


def _minutes(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def _totals(entries: list[Json]) -> Json:
    """Sums; null where one entry knows none. ``power`` is the mean."""
    power = _sum(entries, "power")
    return {
        "time_charged": _hours_minutes(60 * sum(_minutes(entry["time"]["time_charged"]) for entry in entries)),
        "range_charged": _sum(entries, "range_charged"),
        "imported_since_mode_switch": _sum(entries, "imported_since_mode_switch"),
        "power": None if power is None else round(power / len(entries), 2),
        "costs": _sum(entries, "costs"),
    }


def _sum(entries: list[Json], member: str) -> float | None:
    values = [entry["data"][member] for entry in entries]
    return None if None in values else sum(values)
