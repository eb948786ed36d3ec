"""What stands in the payloads of an openWB 2.x, decoded once, at the edge.

Rules:

* A payload is JSON text. NaN and Infinity, which Python writes, are null.
* Text that is not JSON is a string where a text is wanted; numbers there keep their digits as they were written.
* A string where something else is wanted is decoded once more.
* A null object says of all its members: known to be unknown.
* A word that we do not know (of modes, of limits) is null, since the last known one holds no longer.
* Anything else that does not fit raises Unreadable; its message never holds the payload, which may be secret.
"""

import json
import math
from collections.abc import Callable, Mapping
from typing import Final, TypeGuard, TypeVar

import msgspec

from gateway.domain.catalogue import Entry, Field, Kind, entry_for
from gateway.domain.catalogue_entries import MESSAGE_TYPES
from gateway.domain.errors import Unreadable
from gateway.domain.fitting import fit
from gateway.domain.values import JsonValue

MODE_WORDS: Mapping[str, str] = {
    "instant_charging": "instant",
    "pv_charging": "pv",
    "eco_charging": "eco",
    "scheduled_charging": "scheduled",
    "bidi_charging": "scheduled",  # a plan that may discharge too
    "time_charging": "time",
    "stop": "stop",
    "standby": "standby",
}
LIMIT_WORDS: Mapping[str, str] = {"none": "none", "soc": "soc", "amount": "energy"}
BATTERY_MODE_WORDS: Mapping[str, str] = {
    "ev_mode": "vehicles_first",
    "bat_mode": "battery_first",
    "min_soc_bat_mode": "battery_first_to_min_soc",
}
WH_PER_KWH: Final = 1000

Record = TypeVar("Record")


def declared(key: str) -> Entry:
    """The entry of a key that the catalogue is known to have; the key's id does not matter."""
    entry = entry_for(key)
    assert entry is not None, key
    return entry


def json_value(payload: bytes | str) -> JsonValue:
    """The payload as a JSON value, without NaN and infinity."""
    try:
        value: JsonValue = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _python_json(payload)
    return value


def _python_json(payload: bytes | str) -> JsonValue:
    """The same for what only Python's own decoder takes; slow, and rarely needed."""
    try:
        text = payload if isinstance(payload, str) else payload.decode()
        value: JsonValue = json.loads(text, parse_constant=lambda _: None, parse_float=_finite)
    except (ValueError, RecursionError):
        raise Unreadable("not JSON", reason="encoding") from None
    return value


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


def decoded(payload: bytes) -> JsonValue:
    """The payload as a JSON value that is no string."""
    value = json_value(payload)
    if not isinstance(value, str):
        return value
    value = json_value(value)
    if isinstance(value, str):
        raise Unreadable("a text where there should be none")
    return value


def text(payload: bytes) -> str | None:
    """The payload as a text."""
    written = payload.decode(errors="replace").strip()
    try:
        value = json_value(payload)
    except Unreadable:
        return written
    if isinstance(value, list | dict):
        raise Unreadable("not a text")
    return value if value is None or isinstance(value, str) else written


def word(payload: bytes) -> str | None:
    """The payload as a bare word, also when it was encoded twice."""
    value = text(payload)
    return value if value is None else value.strip('"')


def reader_for(entry: Entry | Field) -> Callable[[bytes], JsonValue]:
    """How a payload of that entry's kind is decoded."""
    if entry.kind is not Kind.text:
        return decoded
    return word if entry.allowed else text


def record(payload: bytes, shape: type[Record]) -> Record:
    """The payload as a struct; null as one that knows nothing."""
    value = decoded(payload)
    try:
        return msgspec.convert({} if value is None else value, shape, strict=False)
    except msgspec.ValidationError as error:
        raise Unreadable(f"not what the topic holds: {_place(error)}") from None
    except UnicodeError:
        raise Unreadable("half a character", reason="encoding") from None


def _place(error: msgspec.ValidationError) -> str:
    """Where in the payload it was, without what it was."""
    return str(error).partition(" - at ")[2].strip("`") or "$"


class _BoxVehicleInfo(msgspec.Struct, frozen=True):
    id: int | None = None


class VehicleInfo(msgspec.Struct, frozen=True):
    """Which vehicle a charge point has."""

    id: int | None


def vehicle_info(payload: bytes) -> VehicleInfo:
    return VehicleInfo(_vehicle_id(record(payload, _BoxVehicleInfo).id))


class _BoxChargepointConfig(msgspec.Struct, frozen=True):
    name: str | None = None
    ev: int | None = None
    old_ev: int | None = msgspec.field(default=None, name="_ev")


class ChargepointConfig(msgspec.Struct, frozen=True):
    """Of a charge point's settings only these; the rest may hold addresses and passwords."""

    name: JsonValue
    vehicle_id: int | None


def chargepoint_config(payload: bytes) -> ChargepointConfig:
    """``ev`` is the newer where both are there: a write adds it, the box itself goes on writing ``_ev``."""
    box = record(payload, _BoxChargepointConfig)
    vehicle_id = box.old_ev if box.ev is None else box.ev
    return ChargepointConfig(fit(declared("chargepoints/0/name"), box.name), _vehicle_id(vehicle_id))


def _vehicle_id(box_id: int | None) -> int | None:
    """Below 0 the box means none."""
    if box_id is None or box_id < 0:
        return None
    fit(declared("chargepoints/0/vehicle_id"), box_id)
    return box_id


class ConnectedConfig(msgspec.Struct, frozen=True):
    """How a charge point charges its vehicle."""

    chargemode: str | None = None
    charge_template: int | None = None
    current_plan: int | str | None = None
    time_charging_in_use: bool | None = None

    @property
    def mode(self) -> str | None:
        return MODE_WORDS.get(self.chargemode or "")


def connected_config(payload: bytes) -> ConnectedConfig:
    return record(payload, ConnectedConfig)


class VehicleSoc(msgspec.Struct, frozen=True):
    """What the catalogue declares of a vehicle's state of charge."""

    soc_percent: JsonValue
    range_km: JsonValue
    soc_at: JsonValue


class _BoxSocModule(msgspec.Struct, frozen=True):
    type: str | None = None
    name: str | None = None


class SocModule(msgspec.Struct, frozen=True):
    """What may be shown of a module; its configuration, which holds passwords, is not even decoded."""

    exists: bool
    shown: JsonValue


def soc_module(payload: bytes) -> SocModule:
    """A box without a module for a vehicle says so with the type null."""
    box = record(payload, _BoxSocModule)
    shown = fit(declared("vehicles/0/soc_module"), {"type": box.type, "name": box.name})
    return SocModule(box.type is not None, shown)


class _Node(msgspec.Struct, frozen=True):
    id: int
    type: str


class Hierarchy(msgspec.Struct, frozen=True):
    """``grid`` is the id of the counter at the grid connection."""

    grid: str | None


def hierarchy(payload: bytes) -> Hierarchy:
    """The first element is the grid's counter, or there is none."""
    value = decoded(payload)
    if value is None or value == []:
        return Hierarchy(None)
    if not isinstance(value, list):
        raise Unreadable("not a list")
    try:
        first = msgspec.convert(value[0], _Node)
    except (msgspec.ValidationError, UnicodeError):
        raise Unreadable("the first element has no id and type") from None
    return Hierarchy(str(first.id) if first.type == "counter" else None)


class _BoxVehicleSoc(msgspec.Struct, frozen=True):
    soc: float | None = None
    range: float | None = None
    timestamp: float | None = None


def vehicle_soc(payload: bytes) -> VehicleSoc:
    box = record(payload, _BoxVehicleSoc)
    return VehicleSoc(
        fit(declared("vehicles/0/soc_percent"), box.soc),
        fit(declared("vehicles/0/range_km"), box.range),
        fit(declared("vehicles/0/soc_at"), box.timestamp),
    )


_CONTROL_INTERVAL = Field(name="control_interval", kind=Kind.number, unit="s", minimum=1, maximum=600)


def control_interval_s(payload: bytes) -> float | None:
    interval_s = fit(_CONTROL_INTERVAL, decoded(payload))
    assert interval_s is None or isinstance(interval_s, float)
    return interval_s


def message(value: JsonValue) -> JsonValue:
    """A message of the box in the catalogue's members."""
    if not isinstance(value, dict):
        return value
    kind = value.get("type")
    return {"type": kind if kind in MESSAGE_TYPES else None, "text": value.get("message")}


def fault_text(value: JsonValue) -> JsonValue:
    """No fault is no text."""
    return "" if value == "Kein Fehler." else value


def battery_mode(value: JsonValue) -> JsonValue:
    """Who gets surplus first, in the catalogue's words."""
    return BATTERY_MODE_WORDS.get(value) if isinstance(value, str) else value


def energy_since_plugged(value: JsonValue) -> JsonValue:
    """The one member of a charge point's session log that the catalogue shows."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise Unreadable("not an object")
    return value.get("imported_since_plugged")


def per_kwh(value: JsonValue) -> JsonValue:
    """Prices per Wh, one or an object of them, as prices per kWh."""
    if isinstance(value, dict):
        return {start: per_kwh(price) for start, price in value.items()}
    return value * WH_PER_KWH if _is_number(value) else value


def negative(value: JsonValue) -> JsonValue:
    """The box counts production below zero, the catalogue above."""
    return -value if _is_number(value) else value


def _is_number(value: JsonValue) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
