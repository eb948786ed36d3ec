"""What a 1.9 keeps in its settings file, as texts under the topics that show them, and what that asks of the charge
points.

Rules:

* The box has one mode. Whatever changes, every charge point is asked anew, and all for the same mode.
* A limit by state of charge exists at the charge points 1 and 2 only.
* With a tariff, a charge point that follows the price charges in mode instant below the price limit only: that is
  what the control of 2.x calls eco.
* Phases are switched only by a box that is fitted for it; 4 leaves them to the box, 2 are as good as 3.
* What a scene wishes that 1.9 cannot be told over MQTT is the nearest that it knows: a plan is mode PV.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from gateway.simulator.openwb19.texts import WH_PER_KWH, flag, measured, whole
from gateway.simulator.words import ChargePointSetup, Installation, Limit, LimitKind, Mode, Wish

MOST_CHARGEPOINTS: Final = 8
MOST_WITH_SOC: Final = 2

MODES: Final[tuple[Mode, ...]] = ("instant", "min_pv", "pv", "stop", "standby")
_NEAREST: Final[Mapping[Mode, int]] = {
    **{mode: number for number, mode in enumerate(MODES)},
    "eco": 0,
    "scheduled": 2,
}
_LIMITS: Final[tuple[LimitKind, ...]] = ("none", "energy", "soc")
LIMIT_ENERGY: Final = 1
LIMIT_SOC: Final = 2
_PHASES_OF: Final[Mapping[Mode, str]] = {
    "instant": "sofortPhases",
    "eco": "sofortPhases",
    "min_pv": "minundpvPhases",
    "pv": "nurpvPhases",
    "standby": "standbyPhases",
}
_BOX_CHOOSES = 4
_CT_PER_EUR = 100

_PV: Final[Mapping[str, str]] = {
    "config/get/pv/chargeSubmode": "0",
    "config/get/pv/lp/1/maxSocToChargeTo": "95",
    "config/get/pv/lp/1/minCurrent": "6",
    "config/get/pv/lp/1/minSocAlwaysToChargeTo": "25",
    "config/get/pv/lp/1/minSocAlwaysToChargeToCurrent": "30",
    "config/get/pv/maxPowerConsumptionBeforeStop": "5",
    "config/get/pv/minCurrentMinPv": "10",
    "config/get/pv/minFeedinPowerBeforeStart": "1400",
    "config/get/pv/priorityModeEVBattery": "0",
    "config/get/pv/regulationPoint": "0",
    "config/get/pv/stopDelay": "60",
}
_SOFORT: Final[Mapping[str, str]] = {
    **{f"config/get/sofort/lp/{number}/current": "10" for number in range(1, MOST_CHARGEPOINTS + 1)},
    "config/get/sofort/lp/1/chargeLimitation": "0",
    "config/get/sofort/lp/1/energyToCharge": "4",
    "config/get/sofort/lp/1/socToChargeTo": "60",
    "config/get/sofort/lp/2/chargeLimitation": "0",
    "config/get/sofort/lp/2/energyToCharge": "8",
    "config/get/sofort/lp/2/socToChargeTo": "80",
    "config/get/sofort/lp/3/energyToCharge": "4",
    "lp/3/boolDirectModeChargekWh": "1",
}
_OTHERS: Final[Mapping[str, str]] = {
    "config/get/global/dataProtectionAcknoledged": "0",
    "config/get/global/maxEVSECurrentAllowed": "32",
    "config/get/global/minEVSECurrentAllowed": "6",
    "global/awattar/MaxPriceForCharging": "0",
    "lp/1/boolDirectModeChargekWh": "0",
    "lp/2/boolDirectModeChargekWh": "0",
    "lp/1/boolDirectChargeModeSoc": "0",
    "lp/2/boolDirectChargeModeSoc": "0",
    "system/wizzardDone": "0",
    **{f"config/get/SmartHome/Devices/{number}/mode": "0" for number in range(1, 10)},
}
_DEFAULTS: Final[Mapping[str, str]] = {**_PV, **_SOFORT, **_OTHERS}


class Settings(msgspec.Struct, kw_only=True):
    """``texts``: without the prefix, exactly as written; ``mode``: 0 to 4."""

    mode: int = 0
    texts: dict[str, str] = msgspec.field(default_factory=lambda: dict(_DEFAULTS))

    def number(self, topic: str) -> float:
        """0 for what was never set."""
        return float(self.texts.get(topic, 0))


def settings_for(installation: Installation, wishes: Sequence[Wish], bat_mode: str) -> Settings:
    """The settings that ask nearest to ``wishes``, one for each charge point in order; the first one's mode holds."""
    settings = Settings(mode=_NEAREST[wishes[0].mode] if wishes else 0)
    texts = settings.texts
    texts["config/get/pv/priorityModeEVBattery"] = flag(bat_mode == "ev_mode")
    texts["system/priceForKWh"] = str(round(installation.price_eur_per_wh * WH_PER_KWH, 4))
    for number, wish in enumerate(wishes[:MOST_CHARGEPOINTS], 1):
        eco = wish.mode == "eco"
        texts[f"config/get/sofort/lp/{number}/current"] = whole(wish.eco_current_a if eco else wish.instant_current_a)
        _limit_settings(texts, number, wish.eco_limit if eco else wish.instant_limit)
        if installation.tariff:
            texts[f"config/get/sofort/lp/{number}/etBasedCharging"] = flag(eco)
        if number <= MOST_WITH_SOC and wish.pv_limit.kind == "soc":
            texts[f"config/get/pv/lp/{number}/socLimitation"] = "1"
            texts[f"config/get/pv/lp/{number}/maxSoc"] = whole(wish.pv_limit.soc_percent)
    by_price = [wish for wish in wishes if wish.mode == "eco"]
    if installation.tariff and by_price:
        price_ct = by_price[0].price_limit_eur_per_wh * WH_PER_KWH * _CT_PER_EUR
        texts["global/awattar/MaxPriceForCharging"] = measured(price_ct)
    return settings


def _limit_settings(texts: dict[str, str], number: int, limit: Limit) -> None:
    """Sets the limit of mode instant; a charge point that cannot have it keeps its own."""
    if limit.kind == "none" or (limit.kind == "soc" and number > MOST_WITH_SOC):
        return
    at = f"config/get/sofort/lp/{number}"
    texts[f"{at}/chargeLimitation"] = str(_LIMITS.index(limit.kind))
    texts[f"lp/{number}/boolDirectModeChargekWh"] = flag(limit.kind == "energy")
    if limit.kind == "energy":
        texts[f"{at}/energyToCharge"] = whole(limit.energy_wh / WH_PER_KWH)
    else:
        texts[f"{at}/socToChargeTo"] = str(limit.soc_percent)
        texts[f"lp/{number}/boolDirectChargeModeSoc"] = "1"


def wish_of(settings: Settings, number: int, setup: ChargePointSetup, *, tariff: bool) -> Wish:
    """What the settings ask of the charge point with that number."""
    mode: Mode = MODES[settings.mode]
    if mode == "instant" and tariff and settings.number(f"config/get/sofort/lp/{number}/etBasedCharging"):
        mode = "eco"
    current_a = settings.number(f"config/get/sofort/lp/{number}/current")
    limit = _instant_limit(settings, number)
    return Wish(
        mode=mode,
        instant_current_a=current_a,
        instant_limit=limit,
        min_current_a=settings.number("config/get/pv/minCurrentMinPv") if mode == "min_pv" else 0.0,
        pv_limit=_pv_limit(settings, number),
        eco_current_a=current_a,
        eco_limit=limit,
        price_limit_eur_per_wh=settings.number("global/awattar/MaxPriceForCharging") / _CT_PER_EUR / WH_PER_KWH,
        phases=_phases(settings, mode, setup),
    )


def _instant_limit(settings: Settings, number: int) -> Limit:
    at = f"config/get/sofort/lp/{number}"
    return Limit(
        kind=_LIMITS[int(settings.number(f"{at}/chargeLimitation"))],
        soc_percent=int(settings.number(f"{at}/socToChargeTo")),
        energy_wh=settings.number(f"{at}/energyToCharge") * WH_PER_KWH,
    )


def _pv_limit(settings: Settings, number: int) -> Limit:
    if not settings.number(f"config/get/pv/lp/{number}/socLimitation"):
        return Limit()
    return Limit(kind="soc", soc_percent=int(settings.number(f"config/get/pv/lp/{number}/maxSoc")))


def _phases(settings: Settings, mode: Mode, setup: ChargePointSetup) -> int:
    if not settings.number("config/get/u1p3p/isConfigured") or mode not in _PHASES_OF:
        return setup.phases
    chosen = settings.number(f"config/get/u1p3p/{_PHASES_OF[mode]}")
    return 0 if chosen == _BOX_CHOOSES else 1 if chosen == 1 else setup.phases
