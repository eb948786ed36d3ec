"""Rare keys of a 1.9: what its few numbered devices tell seldom, each time a value that never stood anywhere before.

A 1.9 has at most 8 charge points, 2 inverters and 2 consumers; so there are tens of rare topics instead of thousands,
and each changes several times. Charge points 1 and 2 are the recorded ones; the last two come and go.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from tests.support.recording import Recorded

PREFIX = "openWB/"
CHANGES = 6
COME_AND_GO = ("lp/7", "lp/8")
FAULTS = ("lp/1/faultState", "lp/4/faultState", "lp/1/socFaultState", "housebattery/faultState", "pv/1/faultState")

Make = Callable[[int], str]

CHARGEPOINT: Mapping[str, Make] = {
    "strChargePointName": lambda number: f"Platz {number}",
    "kWhCounter": lambda number: f"{number}.125",
    "kWhDailyCharged": lambda number: f"{number / 100:.2f}",
    "kWhChargedSincePlugged": lambda number: f"{number / 100:.2f}",
    "MeterSerialNumber": lambda number: f"SN{number}",
    "faultStr": lambda number: f"Fehler {number}",
}
INVERTER: Mapping[str, Make] = {
    "WhCounter": lambda number: f"{number}.5",
    "DailyYieldKwh": lambda number: f"{number / 100:.2f}",
    "MonthlyYieldKwh": lambda number: f"{number}.1",
    "YearlyYieldKwh": lambda number: f"{number}.2",
}
CONSUMER: Mapping[str, Make] = {
    "WhImported": lambda number: f"{number}.5",
    "WhExported": lambda number: f"{number}",
    "DailyYieldImportkWh": lambda number: f"{number / 100:.2f}",
}


@dataclass(frozen=True, slots=True)
class Device:
    """``configured`` is the topic that says whether the box has it."""

    root: str
    configured: str
    topics: Mapping[str, Make]


DEVICES = (
    *(Device(f"lp/{number}", "boolChargePointConfigured", CHARGEPOINT) for number in range(3, 9)),
    Device("pv/2", "boolPVConfigured", INVERTER),
    *(Device(f"Verbraucher/{number}", "Configured", CONSUMER) for number in (1, 2)),
)


class RareKeys19:
    """The same seed gives the same messages."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        self._number = 1000
        self.start = dict(self._beginning())

    def messages(self, duration_s: float) -> list[Recorded]:
        """What happens in so many seconds of recorded time."""
        found = [
            Recorded(f"{PREFIX}{device.root}/{topic}", self._payload(make), t=self._dice.uniform(0, duration_s))
            for device in DEVICES
            for topic, make in device.topics.items()
            for _ in range(CHANGES)
        ]
        for root in COME_AND_GO:
            gone, back = sorted(self._dice.uniform(0.2, 0.9) for _ in range(2))
            topic = f"{PREFIX}{root}/boolChargePointConfigured"
            found += [Recorded(topic, "0", t=gone * duration_s), Recorded(topic, "1", t=back * duration_s)]
        for topic in FAULTS:
            began = self._dice.uniform(0.1, 0.8)
            found += [
                Recorded(f"{PREFIX}{topic}", state, t=(began + share) * duration_s)
                for share, state in ((0.0, "2"), (0.08, "1"), (0.12, "0"))
            ]
        return sorted(found, key=lambda one: one.t)

    def _beginning(self) -> Iterator[tuple[str, str]]:
        for device in DEVICES:
            yield f"{PREFIX}{device.root}/{device.configured}", "1"
            for topic, make in device.topics.items():
                yield f"{PREFIX}{device.root}/{topic}", self._payload(make)
        for topic in FAULTS:
            yield f"{PREFIX}{topic}", "0"

    def _payload(self, make: Make) -> str:
        self._number += 1
        return make(self._number)
