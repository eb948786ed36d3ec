"""Every topic of a 1.9's state with its text, as the box's state and settings are now.

Rules:

* Charge points, inverters and consumers have numbers by position. What is not there is said too, as zeros.
* Charge points 1 and 2 say more than 3, that more than the others, as the real box does; 4 to 8 have a name and a
  flag only when they are there.
* What it sums up for a day changes with the five-minute job, so it is asked for apart: ``daily_texts``.
* The hardware is always the same.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from gateway.simulator.openwb19.counters import Counters
from gateway.simulator.openwb19.settings import MOST_WITH_SOC, Settings
from gateway.simulator.openwb19.texts import (
    WH_PER_KWH,
    calculated,
    date,
    flag,
    kwh,
    measured,
    measured_or_nothing,
    uptime,
    whole,
)
from gateway.simulator.state import BoxState, ChargePoint
from gateway.simulator.words import BatteryReading, ChargePointReading, GridReading, Phases, Readings

VERSION: Final = "1.9.304"
_MOST_WITH_DAY = 3
_PRICED_HOURS = 24
_HOUR_S = 3600
_CT_PER_EUR = 100
_LONG_YIELDS = ("MonthlyYieldKwh", "YearlyYieldKwh")
_NO_PHASES: Phases = (0.0, 0.0, 0.0)
NO_READING: Final = ChargePointReading(
    plugged=False,
    charging=False,
    car=None,
    power_w=0.0,
    powers_w=_NO_PHASES,
    currents_a=_NO_PHASES,
    power_factors=_NO_PHASES,
    phases_in_use=0,
    imported_wh=0.0,
)

_HARDWARE: Final[Mapping[str, str]] = {
    "global/cpuModel": "ARMv7 Processor rev 4 (v7l)",
    "global/cpuUse": "12",
    "global/cpuTemp": "51.54",
    "global/cpuFreq": "1400",
    "global/memTotal": "926",
    "global/memUse": "287",
    "global/memFree": "412",
    "global/diskUse": "31%",
    "global/diskFree": "9.8G",
}
_CONSUMER_TOPICS = ("DailyYieldExportkWh", "DailyYieldImportkWh", "Watt", "WhExported", "WhImported")
_CONSTANT: Final[Mapping[str, str]] = {
    **{f"Verbraucher/{number}/{topic}": "0" for number in (1, 2) for topic in _CONSUMER_TOPICS},
    "evu/ASchieflast": "0",
    "evu/WAverage": "0",
    "global/boolRse": "0",
    "hook/1/boolHookConfigured": "0",
    **{f"hook/{number}/boolHookStatus": "0" for number in (1, 2, 3)},
    "pv/CounterTillStartPvCharging": "0",
    "pv/bool70PVDynStatus": "0",
    "system/IpAddress": "0",
    "system/Version": VERSION,
    "system/randomSleep": "0",
}


class Place(msgspec.Struct, kw_only=True):
    """What the box remembers of a charge point, by its number; ``chargepoint`` is None where there is none.

    ``soc_percent`` and ``last_tag`` keep what they were last told. ``tag_scan`` is None until a scan was judged.
    """

    number: int
    chargepoint: ChargePoint | None = None
    counters: Counters = msgspec.field(default_factory=Counters)
    has_soc: bool = False
    soc_percent: str = "0"
    kwh_per_100km: str = "17"
    last_tag: str = "0"
    tag_scan: str | None = None

    def reading(self, readings: Readings | None) -> ChargePointReading:
        if self.chargepoint is None:
            return NO_READING
        setup = self.chargepoint.setup
        if readings is None:
            return msgspec.structs.replace(NO_READING, imported_wh=setup.imported_wh)
        return readings.chargepoints[setup.id]


def always_texts(moment: datetime, time_s: float, up_s: float) -> dict[str, str]:
    """What is said in every loop, whether or not it changed; the graph is another."""
    return {
        "system/Uptime": uptime(moment, up_s),
        "system/Date": date(moment),
        "system/Timestamp": str(int(time_s)),
        **_HARDWARE,
    }


def daily_texts(state: BoxState) -> dict[str, str]:
    """Sums of the day, month and year in kWh, cut to two digits."""
    today = state.today
    ids = [setup.id for setup in state.installation.inverters]
    produced_wh = [today.produced_wh.get(inverter, 0.0) for inverter in ids]
    charged_wh = sum(chargepoint.imported_today_wh for chargepoint in state.chargepoints.values())
    sums_wh = {
        "evu/DailyYieldImportKwh": today.grid_imported_wh,
        "evu/DailyYieldExportKwh": today.grid_exported_wh,
        "housebattery/DailyYieldImportKwh": today.charged_wh,
        "housebattery/DailyYieldExportKwh": today.discharged_wh,
        "global/DailyYieldHausverbrauchKwh": today.house_wh,
        "global/DailyYieldAllChargePointsKwh": charged_wh,
        "pv/DailyYieldKwh": sum(produced_wh),
        "pv/MonthlyYieldKwh": today.produced_month_wh,
        "pv/YearlyYieldKwh": today.produced_year_wh,
        "pv/1/DailyYieldKwh": sum(produced_wh[:1]),
        "pv/2/DailyYieldKwh": sum(produced_wh[1:]),
    }
    months_and_years = {f"pv/{number}/{topic}": "0" for number in (1, 2) for topic in _LONG_YIELDS}
    return {topic: _daily_kwh(energy_wh) for topic, energy_wh in sums_wh.items()} | months_and_years


def _daily_kwh(energy_wh: float) -> str:
    return calculated(Decimal(str(round(energy_wh, 2))) / WH_PER_KWH)


def box_texts(state: BoxState, settings: Settings, last_tag: str) -> dict[str, str]:
    """Everything but charge points, heartbeat, graph and the sums of the day."""
    return {
        **_CONSTANT,
        **settings.texts,
        "global/ChargeMode": str(settings.mode),
        "system/lastRfId": last_tag,
        **_charging_and_house(state),
        **_grid(state),
        **_pv(state),
        **_battery(state),
    }


def _charging_and_house(state: BoxState) -> dict[str, str]:
    readings = state.readings
    if readings is None:
        meters_wh = [setup.imported_wh for setup in state.installation.chargepoints]
        charging_w = house_w = 0.0
    else:
        meters_wh = [reading.imported_wh for reading in readings.chargepoints.values()]
        charging_w = sum(reading.power_w for reading in readings.chargepoints.values())
        house_w = readings.house_w
    return {
        "global/WHouseConsumption": whole(house_w),
        "global/WAllChargePoints": whole(charging_w),
        "global/kWhCounterAllChargePoints": kwh(sum(meters_wh)),
    }


def _grid(state: BoxState) -> dict[str, str]:
    readings, installation = state.readings, state.installation
    grid = readings.grid if readings else _no_grid(installation.imported_wh, installation.exported_wh)
    return {
        "evu/W": whole(grid.power_w),
        "evu/Hz": measured(grid.frequency_hz),
        "evu/WhImported": measured(grid.imported_wh),
        "evu/WhExported": measured(grid.exported_wh),
        **_phases("evu/WPhase", grid.powers_w, whole),
        **_phases("evu/APhase", grid.currents_a, measured),
        **_phases("evu/VPhase", readings.voltages_v if readings else _NO_PHASES, measured),
        **_phases("evu/PfPhase", grid.power_factors, measured_or_nothing),
    }


def _no_grid(imported_wh: float, exported_wh: float) -> GridReading:
    return GridReading(
        power_w=0.0,
        powers_w=_NO_PHASES,
        currents_a=_NO_PHASES,
        power_factors=_NO_PHASES,
        frequency_hz=0.0,
        imported_wh=imported_wh,
        exported_wh=exported_wh,
    )


def _phases(topic: str, of_phases: Phases, text: Callable[[float], str]) -> dict[str, str]:
    return {f"{topic}{phase}": text(number) for phase, number in enumerate(of_phases, 1)}


def _pv(state: BoxState) -> dict[str, str]:
    """The box has room for two inverters: the second one stands for all the others."""
    setups, readings = state.installation.inverters, state.readings
    if readings is None:
        told = [(0.0, setup.produced_wh) for setup in setups]
    else:
        told = [(readings.inverters[setup.id].power_w, readings.inverters[setup.id].produced_wh) for setup in setups]
    texts: dict[str, str] = {}
    for topic, inverters in (("pv", told), ("pv/1", told[:1]), ("pv/2", told[1:])):
        texts[f"{topic}/W"] = whole(-sum(power_w for power_w, _ in inverters))
        texts[f"{topic}/WhCounter"] = whole(sum(produced_wh for _, produced_wh in inverters))
    texts["pv/1/boolPVConfigured"] = flag(bool(told))
    texts["pv/2/boolPVConfigured"] = flag(bool(told[1:]))
    return texts


def _battery(state: BoxState) -> dict[str, str]:
    setup, readings = state.installation.battery, state.readings
    configured = {"housebattery/boolHouseBatteryConfigured": flag(setup is not None)}
    if setup is None:
        return configured | {f"housebattery/{topic}": "0" for topic in ("W", "%Soc", "WhImported", "WhExported")}
    reading = BatteryReading(
        power_w=0.0,
        currents_a=_NO_PHASES,
        soc_percent=setup.soc_percent,
        charged_wh=setup.charged_wh,
        discharged_wh=setup.discharged_wh,
    )
    if readings is not None:
        reading = readings.batteries[setup.id]
    return configured | {
        "housebattery/W": whole(reading.power_w),
        "housebattery/%Soc": whole(reading.soc_percent),
        "housebattery/WhImported": measured(reading.charged_wh),
        "housebattery/WhExported": measured(reading.discharged_wh),
    }


def place_texts(place: Place, readings: Readings | None) -> dict[str, str]:
    """All that is said of a charge point, whether or not there is one."""
    topics = _of_every(place, readings)
    chargepoint = place.chargepoint
    if place.number <= _MOST_WITH_DAY or chargepoint is not None:
        topics["boolChargePointConfigured"] = flag(chargepoint is not None)
        topics["strChargePointName"] = chargepoint.setup.name if chargepoint else f"LP{place.number}"
    if place.number <= _MOST_WITH_DAY:
        topics["kWhDailyCharged"] = f"{(chargepoint.imported_today_wh if chargepoint else 0) / WH_PER_KWH:.2f}"
        topics["kmCharged"] = place.counters.charged_km
        topics["energyConsumptionPer100km"] = place.kwh_per_100km
    if place.number <= MOST_WITH_SOC:
        topics |= {
            "%Soc": place.soc_percent,
            "boolSocConfigured": flag(place.has_soc),
            "boolChargeAtNight": "0",
            "lastRfId": place.last_tag,
        }
    if place.number == 1:
        topics |= _of_the_first(place, readings)
    if place.tag_scan is not None:
        topics["tagScanInfo"] = place.tag_scan
    texts = {f"lp/{place.number}/{topic}": text for topic, text in topics.items()}
    return texts | ({"ChargeStatus": topics["ChargeStatus"]} if place.number == 1 else {})


def _of_every(place: Place, readings: Readings | None) -> dict[str, str]:
    chargepoint, counters, reading = place.chargepoint, place.counters, place.reading(readings)
    current_a = chargepoint.set_point.current_a if chargepoint else 0.0
    measures = readings is not None and chargepoint is not None
    return {
        "W": whole(reading.power_w),
        "kWhCounter": kwh(reading.imported_wh) if chargepoint else "0",
        **_phases("APhase", reading.currents_a, measured_or_nothing),
        **_phases("VPhase", readings.voltages_v if readings and measures else _NO_PHASES, measured_or_nothing),
        "boolPlugStat": flag(reading.plugged),
        "boolChargeStat": flag(reading.charging),
        "countPhasesInUse": str(reading.phases_in_use if reading.charging else 0),
        "ChargeStatus": flag(current_a > 0),
        "AConfigured": whole(current_a),
        "ChargePointEnabled": flag(chargepoint is None or not chargepoint.locked),
        "AutolockConfigured": "0",
        "AutolockStatus": "0",
        "TimeRemaining": counters.remaining,
        "kWhActualCharged": counters.charged_kwh,
        "kWhChargedSincePlugged": counters.since_plugged_kwh,
        "plugStartkWh": counters.plug_start_kwh,
        "pluggedladungakt": flag(counters.tracked),
    }


def _of_the_first(place: Place, readings: Readings | None) -> dict[str, str]:
    return {
        "MeterSerialNumber": place.chargepoint.setup.serial_number if place.chargepoint else "0",
        "boolFinishAtTimeChargeActive": "0",
        **_phases("PfPhase", place.reading(readings).power_factors, measured_or_nothing),
    }


def tariff_texts(state: BoxState, moment: datetime) -> dict[str, str]:
    """The hourly prices in ct/kWh: of now, and of the next day from this hour on, after the provider's line."""
    tariff = state.installation.tariff
    if not tariff:
        return {"global/awattar/boolAwattarEnabled": "0", "global/awattar/ActualPriceForCharging": "0"}
    hour = moment.replace(minute=0, second=0, microsecond=0).timestamp()
    lines = ["openWB Simulation"]
    for start_s in range(int(hour), int(hour) + _PRICED_HOURS * _HOUR_S, _HOUR_S):
        starts_at = datetime.fromtimestamp(start_s, moment.tzinfo)
        lines.append(f"{start_s},{measured(_price_ct(tariff, starts_at))}")
    return {
        "global/awattar/boolAwattarEnabled": "1",
        "global/awattar/ActualPriceForCharging": measured(_price_ct(tariff, moment)),
        "global/awattar/pricelist": "\n".join(lines),
    }


def _price_ct(tariff: tuple[tuple[int, float], ...], moment: datetime) -> float:
    """What holds at that time of day; before the first start of the day, what began the evening before."""
    second = (moment.hour * 60 + moment.minute) * 60 + moment.second
    begun = [price for start, price in tariff if start <= second] or [tariff[-1][1]]
    return begun[-1] * WH_PER_KWH * _CT_PER_EUR
