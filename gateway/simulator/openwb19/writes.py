"""What may be written to a 1.9, within which bounds, and what does it.

Rules:

* A write for a charge point is matched by what its topic *contains*; its number is all digits in it. So
  ``set/lp1/ChargePointEnabled`` works as well as ``set/lp/1/ChargePointEnabled``.
* A payload is an integer as text, of device inputs any number. What is out of bounds does nothing.
* What is no number, or has no charge point's number where one belongs, raises ValueError: the box's handler breaks
  off there, and the message is not taken away. Every other one is, known or not, but the request for a charge log.
* Inputs of devices are heard, but this box reads its meters another way; only a state of charge is taken.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

import msgspec

from gateway.simulator.openwb19.desk import Asked, Desk, Said
from gateway.simulator.openwb19.settings import MOST_CHARGEPOINTS, MOST_WITH_SOC

SUBSCRIPTIONS: Final = ("set/#", "config/set/#")
MONTH_REQUEST: Final = "set/graph/RequestMonthLadelog"

Does: TypeAlias = Callable[[Desk, Asked], list[Said]]


class Write(msgspec.Struct, frozen=True):
    """``leaf``: the topic is matched by what it contains, and ``numbers`` are those of the charge points.

    ``read``: int or float; None for a text, which must match ``allowed``.
    """

    topic: str
    does: Does
    low: float = float("-inf")
    high: float = float("inf")
    leaf: str = ""
    numbers: range = range(1)
    read: Callable[[str], float] | None = int
    allowed: str = ".*"

    def matches(self, topic: str) -> bool:
        return topic.startswith(self.topic) and self.leaf in topic if self.leaf else self.topic == topic

    def asked(self, topic: str, text: str, time_s: float) -> Asked | None:
        """None when it is out of bounds; raises ValueError."""
        number = int(re.sub(r"\D", "", topic)) if self.leaf else 0
        if self.leaf and number not in self.numbers:
            return None
        within = (
            re.match(self.allowed, text) is not None
            if self.read is None
            else self.low <= self.read(text) <= self.high
        )
        return Asked(topic, text, number, time_s) if within else None


_ALL = range(1, MOST_CHARGEPOINTS + 1)
_WITH_SOC = range(1, MOST_WITH_SOC + 1)
_WITHOUT_SOC = range(MOST_WITH_SOC + 1, MOST_CHARGEPOINTS + 1)
_WITH_INPUTS = range(1, 4)
_OWN_SOFORT = "config/set/sofort/lp"

_CHARGEPOINTS: tuple[Write, ...] = (
    Write("set/lp", Desk.enable, 0, 1, "ChargePointEnabled", _ALL),
    Write("set/lp", Desk.nothing, 1, 1, "ForceSoCUpdate", _WITH_SOC),
    Write(_OWN_SOFORT, Desk.setting, 6, 32, "current", _ALL),
    Write("set/lp", Desk.manual_soc, 0, 100, "manualSoc", _WITH_SOC),
    Write(_OWN_SOFORT, Desk.setting, 0, 100, "energyToCharge", _ALL),
    Write(_OWN_SOFORT, Desk.reset_charged, 1, 1, "resetEnergyToCharge", _ALL),
    Write(_OWN_SOFORT, Desk.setting, 0, 100, "socToChargeTo", _WITH_SOC),
    Write(_OWN_SOFORT, Desk.setting, 0, 1, "etBasedCharging", _ALL),
    Write(_OWN_SOFORT, Desk.limitation, 0, 1, "chargeLimitation", _WITHOUT_SOC),
    Write(_OWN_SOFORT, Desk.limitation, 0, 2, "chargeLimitation", _WITH_SOC),
)

_PV_BOUNDS = {
    "minFeedinPowerBeforeStart": (-100_000, 100_000),
    "maxPowerConsumptionBeforeStop": (-100_000, 100_000),
    "stopDelay": (0, 10_000),
    "startDelay": (0, 100_000),
    "minCurrentMinPv": (6, 16),
    "lp/1/maxSoc": (0, 100),
    "lp/2/maxSoc": (0, 100),
    "lp/1/socLimitation": (0, 1),
    "lp/2/socLimitation": (0, 1),
    "lp/1/minCurrent": (6, 16),
    "lp/2/minCurrent": (6, 16),
    "lp/1/minSocAlwaysToChargeTo": (0, 80),
    "lp/1/maxSocToChargeTo": (0, 101),
    "lp/1/minSocAlwaysToChargeToCurrent": (6, 32),
    "chargeSubmode": (0, 2),
    "regulationPoint": (-300_000, 300_000),
    "boolShowPriorityIconInTheme": (0, 1),
    "minBatteryChargePowerAtEvPriority": (0, 90_000),
    "minBatteryDischargeSocAtBattPriority": (0, 101),
    "batteryDischargePowerAtBattPriority": (0, 90_000),
    "socStartChargeAtMinPv": (0, 101),
    "socStopChargeAtMinPv": (0, 101),
    "boolAdaptiveCharging": (0, 1),
    "adaptiveChargingFactor": (0, 100),
    "nurpv70dynact": (0, 1),
    "nurpv70dynw": (2000, 50_000),
}
_PHASE_BOUNDS = {
    "standbyPhases": (1, 3),
    "sofortPhases": (1, 3),
    "nachtPhases": (1, 3),
    "minundpvPhases": (1, 4),
    "nurpvPhases": (1, 4),
    "isConfigured": (0, 1),
}
_BOX: tuple[Write, ...] = (
    Write("set/ChargeMode", Desk.mode, 0, 4),
    *(Write(f"config/set/pv/{leaf}", Desk.setting, low, high) for leaf, (low, high) in _PV_BOUNDS.items()),
    Write("config/set/pv/priorityModeEVBattery", Desk.priority, 0, 1),
    *(Write(f"config/set/u1p3p/{leaf}", Desk.setting, low, high) for leaf, (low, high) in _PHASE_BOUNDS.items()),
    Write("set/awattar/MaxPriceForCharging", Desk.max_price, -50, 95, read=float),
    Write("set/system/SimulateRFID", Desk.hold_tag, read=None, allowed=r"^[0-9a-zA-Z ]+$"),
    Write(MONTH_REQUEST, Desk.month),
)


def _inputs() -> Iterator[Write]:
    """Readings of devices that are fed over MQTT; their faults are shown at once."""
    for phase in (1, 2, 3):
        for quantity in ("A", "V", "W", "Pf"):
            yield Write(f"set/evu/{quantity}Phase{phase}", Desk.nothing, read=float)
    for topic in ("evu/W", "evu/Hz", "evu/HzFrequenz", "evu/WhImported", "evu/WhExported"):
        yield Write(f"set/{topic}", Desk.nothing, read=float)
    for topic in ("W", "WhImported", "WhExported", "%Soc"):
        yield Write(f"set/houseBattery/{topic}", Desk.nothing, read=float)
    for topic in ("W", "WhCounter", "kWhCounter"):
        yield from (Write(f"set/pv/{number}/{topic}", Desk.nothing, read=float) for number in (1, 2))
    for device in ("evu", "houseBattery", "pv/1", "pv/2", *(f"lp/{number}" for number in _ALL)):
        yield Write(f"set/{device}/faultState", Desk.echo, 0, 2)
        yield Write(f"set/{device}/faultStr", Desk.echo, read=None)
    for number in _WITH_SOC:
        yield Write(f"set/lp/{number}/socFaultState", Desk.echo, 0, 2)
        yield Write(f"set/lp/{number}/socFaultStr", Desk.echo, read=None)
    yield Write("set/lp", Desk.fed_soc, 0, 100, "%Soc", _WITH_SOC, read=float)
    for leaf in ("plugStat", "chargeStat", "/W"):
        yield Write("set/lp", Desk.nothing, leaf=leaf, numbers=_WITH_INPUTS)
    for leaf in ("kWhCounter", "HzFrequenz"):
        yield Write("set/lp", Desk.nothing, leaf=leaf, numbers=_WITH_INPUTS, read=float)


WRITES: Final = (*_CHARGEPOINTS, *_BOX, *_inputs())
"""In the order in which the box goes through them; several may match."""


def answer(desk: Desk, topic: str, text: str, time_s: float) -> list[Said]:
    """Does a write; ``topic`` without the prefix. Raises ValueError for what the box's handler breaks off at."""
    said: list[Said] = []
    for write in WRITES:
        if write.matches(topic):
            asked = write.asked(topic, text, time_s)
            said += write.does(desk, asked) if asked else []
    return said
