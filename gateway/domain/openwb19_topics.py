"""The topics of openWB 1.9 that give values.

Patterns stand without the prefix; ``+`` is the number of a charge point, an inverter or a consumer. A *direct* topic
holds the value of its keys, three *phase* topics together hold a list, from the others (*facts*) keys are worked out
(``openwb19_derived``). All others are in ``openwb19_ignored``.

The box publishes a topic only when its value changed, and each as ``topic=value`` on a line that its publisher
splits at the last ``=``: a charge point named ``A = B`` comes as topic ``lp/1/strChargePointName=A `` with payload
`` B``.
"""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Final

import msgspec

from gateway.domain.openwb2_payloads import declared
from gateway.domain.openwb19_payloads import (
    BATTERY_MODE_WORDS,
    LIMIT_WORDS,
    MODE_WORDS,
    Convert,
    Decode,
    decoder,
    eur_per_kwh,
    fault_text,
    flag,
    id_tag,
    inverted,
    known_text,
    member_of,
    negative,
    phase_of,
    prices,
    wh,
    word,
)

HEARTBEAT_TOPIC: Final = "system/Timestamp"

CHARGEPOINTS: Final = tuple("12345678")
INVERTERS: Final = tuple("12")
CONSUMERS: Final = tuple("12")


class Part(Enum):
    """What a value is of: most parts show only when the box says that it has them, since it sends zeros without."""

    box = auto()
    chargepoint = auto()
    vehicle = auto()
    pv = auto()
    inverter = auto()
    battery = auto()
    consumer = auto()


class Topic(msgspec.Struct, frozen=True):
    """A topic and how its payload is decoded; ``decode`` raises Unreadable."""

    pattern: str
    decode: Decode


class Direct(msgspec.Struct, frozen=True):
    """A topic whose decoded payload is the value of each of the keys."""

    topic: Topic
    keys: tuple[str, ...]
    part: Part


class Phases(msgspec.Struct, frozen=True):
    """Three topics whose decoded payloads are the value of a key."""

    topics: tuple[Topic, Topic, Topic]
    key: str
    part: Part


def _direct(pattern: str, *keys: str, part: Part, convert: Convert | None = None) -> Direct:
    return Direct(Topic(pattern, decoder(declared(keys[0].replace("+", "1")), convert)), keys, part)


def _family(
    topics: str, keys: str, part: Part, leaves: tuple[tuple[str, str, Convert | None], ...]
) -> tuple[Direct, ...]:
    return tuple(
        _direct(f"{topics}/{topic}", f"{keys}/{leaf}", part=part, convert=convert) for topic, leaf, convert in leaves
    )


def _faults(topics: str, keys: str, part: Part, *, of: str = "fault") -> tuple[Direct, Direct]:
    return (
        _direct(f"{topics}/{of}State", f"{keys}/fault_state", part=part),
        Direct(Topic(f"{topics}/{of}Str", fault_text), (f"{keys}/fault_text",), part),
    )


def _phases(topics: str, leaf: str, key: str, part: Part) -> Phases:
    decode = decoder(phase_of(declared(key.replace("+", "1"))))
    one, two, three = (Topic(f"{topics}/{leaf}Phase{phase}", decode) for phase in (1, 2, 3))
    return Phases((one, two, three), key, part)


NAME: Final = Topic("lp/+/strChargePointName", known_text("chargepoints/1/name"))
CHARGEPOINT_CONFIGURED: Final = Topic("lp/+/boolChargePointConfigured", flag)
SOC_CONFIGURED: Final = Topic("lp/+/boolSocConfigured", flag)
PLUGGED: Final = Topic("lp/+/boolPlugStat", flag)
LAST_TAG: Final = Topic("lp/+/lastRfId", id_tag)
PV_CONFIGURED: Final = Topic("pv/boolPVConfigured", flag)
INVERTER_CONFIGURED: Final = Topic("pv/+/boolPVConfigured", flag)
BATTERY_CONFIGURED: Final = Topic("housebattery/boolHouseBatteryConfigured", flag)
CONSUMER_CONFIGURED: Final = Topic("Verbraucher/+/Configured", flag)
MODE: Final = Topic("global/ChargeMode", word(MODE_WORDS))
MIN_CURRENT: Final = Topic("config/get/pv/minCurrentMinPv", decoder(declared("chargepoints/1/min_current_a")))
LIMIT_KIND: Final = Topic("config/get/sofort/lp/+/chargeLimitation", word(LIMIT_WORDS))
LIMIT_ENERGY: Final = Topic(
    "config/get/sofort/lp/+/energyToCharge", decoder(member_of("chargepoints/1/limit", "energy_wh"), wh)
)
_LIMIT_SOC: Final = decoder(member_of("chargepoints/1/limit", "soc_percent"))
LIMIT_SOC: Final = Topic("config/get/sofort/lp/+/socToChargeTo", _LIMIT_SOC)
PV_LIMITED: Final = Topic("config/get/pv/lp/+/socLimitation", flag)
PV_LIMIT_SOC: Final = Topic("config/get/pv/lp/+/maxSoc", _LIMIT_SOC)
PV_ENDS_AT_SOC: Final = Topic("config/get/pv/lp/+/maxSocToChargeTo", _LIMIT_SOC)
TARIFF_ENABLED: Final = Topic("global/awattar/boolAwattarEnabled", flag)
TARIFF_PRICE: Final = Topic(
    "global/awattar/ActualPriceForCharging", decoder(declared("tariff/price_eur_per_kwh"), eur_per_kwh)
)
TARIFF_PRICES: Final = Topic("global/awattar/pricelist", prices)
USUAL_PRICE: Final = Topic("system/priceForKWh", decoder(declared("tariff/price_eur_per_kwh")))
PRICE_LIMIT: Final = Topic(
    "global/awattar/MaxPriceForCharging", decoder(declared("chargepoints/1/price_limit_eur_per_kwh"), eur_per_kwh)
)
BY_PRICE: Final = Topic("config/get/sofort/lp/+/etBasedCharging", flag)

FACTS: tuple[Topic, ...] = (
    NAME,
    CHARGEPOINT_CONFIGURED,
    SOC_CONFIGURED,
    PLUGGED,
    LAST_TAG,
    PV_CONFIGURED,
    INVERTER_CONFIGURED,
    BATTERY_CONFIGURED,
    CONSUMER_CONFIGURED,
    MODE,
    MIN_CURRENT,
    LIMIT_KIND,
    LIMIT_ENERGY,
    LIMIT_SOC,
    PV_LIMITED,
    PV_LIMIT_SOC,
    PV_ENDS_AT_SOC,
    TARIFF_ENABLED,
    TARIFF_PRICE,
    TARIFF_PRICES,
    USUAL_PRICE,
    PRICE_LIMIT,
    BY_PRICE,
)

_YIELD = (
    ("WhCounter", "produced_wh", None),
    ("DailyYieldKwh", "produced_today_wh", wh),
    ("MonthlyYieldKwh", "produced_month_wh", wh),
    ("YearlyYieldKwh", "produced_year_wh", wh),
)
_PV = (("W", "power_w", negative), *_YIELD)
_GRID = (
    ("W", "power_w", None),
    ("Hz", "frequency_hz", None),
    ("WhImported", "imported_wh", None),
    ("WhExported", "exported_wh", None),
    ("DailyYieldImportKwh", "imported_today_wh", wh),
    ("DailyYieldExportKwh", "exported_today_wh", wh),
)
_CONSUMER = (
    ("Watt", "power_w", None),
    ("WhImported", "imported_wh", None),
    ("WhExported", "exported_wh", None),
    ("DailyYieldImportkWh", "imported_today_wh", wh),
    ("DailyYieldExportkWh", "exported_today_wh", wh),
)
_BATTERY = (
    ("W", "power_w", None),
    ("%Soc", "soc_percent", None),
    ("WhImported", "charged_wh", None),
    ("WhExported", "discharged_wh", None),
    ("DailyYieldImportKwh", "charged_today_wh", wh),
    ("DailyYieldExportKwh", "discharged_today_wh", wh),
)
_CHARGEPOINT = (
    ("W", "power_w", None),
    ("countPhasesInUse", "phases_in_use", None),
    ("boolChargeStat", "charging", None),
    ("ChargePointEnabled", "locked", inverted),
    ("AConfigured", "current_target_a", None),
    ("kWhCounter", "meter_wh", wh),
    ("kWhDailyCharged", "energy_today_wh", wh),
    ("kWhChargedSincePlugged", "energy_since_plugged_wh", wh),
)

DIRECT: tuple[Direct, ...] = (
    *_family("evu", "grid", Part.box, _GRID),
    *_faults("evu", "grid", Part.box),
    *_family("pv", "pv", Part.pv, _PV),
    *_family("pv/+", "inverters/+", Part.inverter, _PV),
    *_faults("pv/+", "inverters/+", Part.inverter),
    *_family("housebattery", "battery", Part.battery, _BATTERY),
    *_faults("housebattery", "battery", Part.battery),
    Direct(Topic("config/get/pv/priorityModeEVBattery", word(BATTERY_MODE_WORDS)), ("battery/mode",), Part.battery),
    *_family("Verbraucher/+", "meters/+", Part.consumer, _CONSUMER),
    *_family("lp/+", "chargepoints/+", Part.chargepoint, _CHARGEPOINT),
    *_faults("lp/+", "chargepoints/+", Part.chargepoint),
    Direct(PLUGGED, ("chargepoints/+/plugged", "chargepoints/+/busy"), Part.chargepoint),
    Direct(
        Topic("lp/+/MeterSerialNumber", known_text("chargepoints/1/serial_number")),
        ("chargepoints/+/serial_number",),
        Part.chargepoint,
    ),
    _direct("config/get/sofort/lp/+/current", "chargepoints/+/instant_current_a", part=Part.chargepoint),
    _direct("lp/+/%Soc", "vehicles/+/soc_percent", part=Part.vehicle),
    *_faults("lp/+", "vehicles/+", Part.vehicle, of="socFault"),
    _direct("global/WHouseConsumption", "house/power_w", part=Part.box),
    _direct("global/DailyYieldHausverbrauchKwh", "house/consumed_today_wh", part=Part.box, convert=wh),
    _direct("global/WAllChargePoints", "charging/power_w", part=Part.box),
    _direct("global/kWhCounterAllChargePoints", "charging/energy_wh", part=Part.box, convert=wh),
    _direct("global/DailyYieldAllChargePointsKwh", "charging/energy_today_wh", part=Part.box, convert=wh),
    _direct("system/Version", "box/version", part=Part.box),
    _direct(HEARTBEAT_TOPIC, "box/time", part=Part.box),
    _direct("system/updateInProgress", "box/updating", part=Part.box),
)

PHASES: tuple[Phases, ...] = (
    _phases("evu", "W", "grid/powers_w", Part.box),
    _phases("evu", "A", "grid/currents_a", Part.box),
    _phases("evu", "V", "grid/voltages_v", Part.box),
    _phases("lp/+", "A", "chargepoints/+/currents_a", Part.chargepoint),
    _phases("lp/+", "V", "chargepoints/+/voltages_v", Part.chargepoint),
)

MAPPED: Mapping[str, Topic] = {
    topic.pattern: topic
    for topic in (
        *FACTS,
        *(direct.topic for direct in DIRECT),
        *(topic for phases in PHASES for topic in phases.topics),
    )
}

SUBSCRIBED = (
    "Verbraucher/#",
    "config/get/pv/#",
    "config/get/sofort/#",
    "evu/#",
    "global/ChargeMode",
    "global/DailyYieldAllChargePointsKwh",
    "global/DailyYieldHausverbrauchKwh",
    "global/WAllChargePoints",
    "global/WHouseConsumption",
    "global/awattar/#",
    "global/kWhCounterAllChargePoints",
    "housebattery/#",
    "lp/#",
    "pv/#",
    "system/Timestamp",
    "system/Version",
    "system/priceForKWh",
    "system/updateInProgress",
)
# all branches that are not an echo, a reply to somebody, a history or a repetition
SUBSCRIBED_RAW = (
    "ChargeStatus",
    "SmartHome/#",
    "Verbraucher/#",
    "config/get/#",
    "evu/#",
    "global/#",
    "hook/#",
    "housebattery/#",
    "lp/#",
    "pv/#",
    "socket/#",
    "system/#",
)


def subscriptions(prefix: str, raw: bool) -> tuple[str, ...]:
    """What to subscribe to; no two of them bring the same message."""
    return tuple(prefix + topic for topic in (SUBSCRIBED_RAW if raw else SUBSCRIBED))
