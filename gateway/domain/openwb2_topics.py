"""The topics of openWB 2.x that give values.

Patterns stand without the prefix; ``+`` is an id. A *value topic* holds the value of its keys. A *fact topic* is one
of several from which keys are worked out together (``openwb2_derived``). All others are in ``openwb2_ignored``.
"""

from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import Final, Generic, TypeAlias, TypeVar

import msgspec

from gateway.domain.catalogue import Entry, Field, Kind
from gateway.domain.fitting import fit
from gateway.domain.openwb2_payloads import (
    battery_mode,
    chargepoint_config,
    connected_config,
    control_interval_s,
    declared,
    energy_since_plugged,
    fault_text,
    hierarchy,
    message,
    negative,
    per_kwh,
    reader_for,
    soc_module,
    vehicle_info,
    vehicle_soc,
)
from gateway.domain.openwb2_templates import template
from gateway.domain.values import JsonValue

Fact_co = TypeVar("Fact_co", covariant=True)
Convert: TypeAlias = Callable[[JsonValue], JsonValue]

HEARTBEAT_TOPIC: Final = "system/time"


class Place(Enum):
    """What decides under which key, or whether, a value shows."""

    fixed = auto()
    counter = auto()  # below grid or below meters: the hierarchy
    pv = auto()  # not when the box has none configured
    battery = auto()  # likewise


class ValueTopic(msgspec.Struct, frozen=True):
    """A topic whose payload, once converted, is the value of each of the keys."""

    pattern: str
    keys: tuple[str, ...]
    convert: Convert | None = None
    place: Place = Place.fixed

    def read(self, payload: bytes) -> JsonValue:
        """Decode, convert and fit; raises Unreadable."""
        return _read(declared(self.keys[0].replace("+", "0")), payload, self.convert)


class FactTopic(Generic[Fact_co]):
    """A topic that says something from which keys are worked out; ``decode`` raises Unreadable."""

    def __init__(self, pattern: str, decode: Callable[[bytes], Fact_co]) -> None:
        self.pattern = pattern
        self.decode = decode


class Scalar(msgspec.Struct, frozen=True):
    """A fact that is one value; None is known to be unknown."""

    value: JsonValue


def _read(entry: Entry | Field, payload: bytes, convert: Convert | None) -> JsonValue:
    value = reader_for(entry)(payload)
    return fit(entry, value if convert is None else convert(value))


def _scalar(key: str, convert: Convert | None = None) -> Callable[[bytes], Scalar]:
    entry = declared(key)
    return lambda payload: Scalar(_read(entry, payload, convert))


def _flag(payload: bytes) -> Scalar:
    return Scalar(_read(Field(name="flag", kind=Kind.boolean), payload, None))


CHARGEPOINT_CONFIG: Final = FactTopic("chargepoint/+/config", chargepoint_config)
CONNECTED_CONFIG: Final = FactTopic("chargepoint/+/get/connected_vehicle/config", connected_config)
CONNECTED_INFO: Final = FactTopic("chargepoint/+/get/connected_vehicle/info", vehicle_info)
CONNECTED_SOC: Final = FactTopic("chargepoint/+/get/connected_vehicle/soc", vehicle_soc)
TEMPLATE_IN_FORCE: Final = FactTopic("chargepoint/+/set/charge_template", template)
BOUND_TAG: Final = FactTopic("chargepoint/+/set/rfid", _scalar("chargepoints/0/id_tag"))
SCANNED_TAG: Final = FactTopic("chargepoint/+/get/rfid", _scalar("chargepoints/0/id_tag"))
TEMPLATE: Final = FactTopic("vehicle/template/charge_template/+", template)
VEHICLE_SOC: Final = FactTopic("vehicle/+/get/soc", _scalar("vehicles/0/soc_percent"))
VEHICLE_SOC_AT: Final = FactTopic("vehicle/+/get/soc_timestamp", _scalar("vehicles/0/soc_at"))
VEHICLE_RANGE: Final = FactTopic("vehicle/+/get/range", _scalar("vehicles/0/range_km"))
SOC_MODULE: Final = FactTopic("vehicle/+/soc_module/config", soc_module)
HIERARCHY: Final = FactTopic("counter/get/hierarchy", hierarchy)
PV_CONFIGURED: Final = FactTopic("pv/config/configured", _flag)
BATTERY_CONFIGURED: Final = FactTopic("bat/config/configured", _flag)
PRICES: Final = FactTopic("optional/ep/get/prices", _scalar("tariff/prices", per_kwh))
OLD_PRICES: Final = FactTopic("optional/et/get/prices", _scalar("tariff/prices", per_kwh))
USUAL_PRICE: Final = FactTopic("general/prices/grid", _scalar("tariff/price_eur_per_kwh", per_kwh))
BOX_TIME: Final = FactTopic(HEARTBEAT_TOPIC, _scalar("box/time"))
CONTROL_INTERVAL: Final = FactTopic("general/control_interval", control_interval_s)
SECONDARY: Final = FactTopic("general/extern", _flag)

FACT_TOPICS: tuple[FactTopic[object], ...] = (
    CHARGEPOINT_CONFIG,
    CONNECTED_CONFIG,
    CONNECTED_INFO,
    CONNECTED_SOC,
    TEMPLATE_IN_FORCE,
    BOUND_TAG,
    SCANNED_TAG,
    TEMPLATE,
    VEHICLE_SOC,
    VEHICLE_SOC_AT,
    VEHICLE_RANGE,
    SOC_MODULE,
    HIERARCHY,
    PV_CONFIGURED,
    BATTERY_CONFIGURED,
    PRICES,
    OLD_PRICES,
    USUAL_PRICE,
    BOX_TIME,
    CONTROL_INTERVAL,
    SECONDARY,
)

_FAULTS = (("fault_state", "fault_state", None), ("fault_str", "fault_text", fault_text))
_COUNTER = (
    ("power", "power_w", None),
    ("powers", "powers_w", None),
    ("currents", "currents_a", None),
    ("voltages", "voltages_v", None),
    ("frequency", "frequency_hz", None),
    ("imported", "imported_wh", None),
    ("exported", "exported_wh", None),
    ("daily_imported", "imported_today_wh", None),
    ("daily_exported", "exported_today_wh", None),
    *_FAULTS,
)
_PV = (
    ("power", "power_w", negative),
    ("exported", "produced_wh", None),
    ("daily_exported", "produced_today_wh", None),
    ("monthly_exported", "produced_month_wh", None),
    ("yearly_exported", "produced_year_wh", None),
    *_FAULTS,
)
_BATTERY = (
    ("power", "power_w", None),
    ("soc", "soc_percent", None),
    ("imported", "charged_wh", None),
    ("exported", "discharged_wh", None),
    ("daily_imported", "charged_today_wh", None),
    ("daily_exported", "discharged_today_wh", None),
    *_FAULTS,
)
_CHARGEPOINT = (
    ("power", "power_w", None),
    ("powers", "powers_w", None),
    ("currents", "currents_a", None),
    ("voltages", "voltages_v", None),
    ("phases_in_use", "phases_in_use", None),
    ("charge_state", "charging", None),
    ("imported", "meter_wh", None),
    ("exported", "discharged_wh", None),
    ("daily_imported", "energy_today_wh", None),
    ("serial_number", "serial_number", None),
    ("state_str", "state_text", None),
    *_FAULTS,
)


def _family(
    topics: str, keys: str, leaves: tuple[tuple[str, str, Convert | None], ...], place: Place = Place.fixed
) -> tuple[ValueTopic, ...]:
    return tuple(
        ValueTopic(f"{topics}/get/{topic}", (f"{keys}/{leaf}",), convert, place) for topic, leaf, convert in leaves
    )


VALUE_TOPICS: tuple[ValueTopic, ...] = (
    *_family("counter/+", "meters/+", _COUNTER, Place.counter),
    *_family("pv", "pv", _PV, Place.pv),
    *_family("pv/+", "inverters/+", _PV),
    *_family("bat", "battery", _BATTERY, Place.battery),
    *_family("bat/+", "batteries/+", _BATTERY),
    *_family("chargepoint/+", "chargepoints/+", _CHARGEPOINT),
    *_family("vehicle/+", "vehicles/+", (("odometer", "odometer_km", None), *_FAULTS)),
    ValueTopic(
        "general/chargemode_config/pv_charging/bat_mode", ("battery/mode",), convert=battery_mode, place=Place.battery
    ),
    ValueTopic("counter/set/home_consumption", ("house/power_w",)),
    ValueTopic("counter/set/daily_yield_home_consumption", ("house/consumed_today_wh",)),
    ValueTopic("chargepoint/get/power", ("charging/power_w",)),
    ValueTopic("chargepoint/get/imported", ("charging/energy_wh",)),
    ValueTopic("chargepoint/get/daily_imported", ("charging/energy_today_wh",)),
    ValueTopic("chargepoint/+/get/plug_state", ("chargepoints/+/plugged", "chargepoints/+/busy")),
    ValueTopic("chargepoint/+/set/manual_lock", ("chargepoints/+/locked",)),
    ValueTopic("chargepoint/+/set/current", ("chargepoints/+/current_target_a",)),
    ValueTopic("chargepoint/+/set/log", ("chargepoints/+/energy_since_plugged_wh",), convert=energy_since_plugged),
    ValueTopic("vehicle/+/name", ("vehicles/+/name",)),
    ValueTopic("system/version", ("box/version",)),
    ValueTopic("system/update_in_progress", ("box/updating",)),
    ValueTopic("system/messages/+", ("box/messages/+",), convert=message),
)

AnyTopic: TypeAlias = ValueTopic | FactTopic[object]

MAPPED: Mapping[str, AnyTopic] = {
    **{topic.pattern: topic for topic in VALUE_TOPICS},
    **{topic.pattern: topic for topic in FACT_TOPICS},
}

SUBSCRIBED = (
    "bat/#",
    "chargepoint/#",
    "counter/+/get/#",
    "counter/get/hierarchy",
    "counter/set/daily_yield_home_consumption",
    "counter/set/home_consumption",
    "general/#",
    "optional/ep/#",
    "optional/et/#",
    "pv/#",
    "system/messages/+",
    "system/security/access/+",
    "system/security/user_management_active",
    "system/time",
    "system/update_in_progress",
    "system/version",
    "vehicle/#",
)
# all branches that are not an echo, a reply to somebody or a repetition
SUBSCRIBED_RAW = (
    "LegacySmartHome/#",
    "bat/#",
    "chargepoint/#",
    "counter/#",
    "general/#",
    "graph/lastlivevaluesJson",
    "internal_chargepoint/#",
    "internal_io/#",
    "io/#",
    "mqtt/#",
    "optional/#",
    "pv/#",
    "system/#",
    "vehicle/#",
)


def subscriptions(prefix: str, raw: bool) -> tuple[str, ...]:
    """What to subscribe to; no two of them bring the same message."""
    return tuple(prefix + topic for topic in (SUBSCRIBED_RAW if raw else SUBSCRIBED))
