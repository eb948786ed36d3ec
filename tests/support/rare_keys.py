"""Thousands of topics that change once or twice in a run.

Busy topics heal every fault: a lost value is overwritten a moment later, and a judge that sees only those passes a
broken gateway. A rare one stays wrong until the end. Every change has a value that never stood anywhere before, so
that it also tells exactly how far a view had come; but for the fault states of a few devices, which come and go.
"""

import heapq
import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.recording import Recorded

FIRST_ID = 1000
REMOVED_SHARE = 0.05
LATE_SHARE = 0.05
TWICE_SHARE = 0.4
FAULTY_SHARE = 0.03
FAULT_LASTS = (0.02, 0.1)
LASTING_SHARE = 0.3
FAULT_STATE = "get/fault_state"
OF_THE_BOX = ("chargepoint/5", "counter/0", "bat/2", "bat", "pv/1", "pv")

Make = Callable[[int], Any]


def _chargepoint_config(number: int) -> dict[str, Any]:
    return {"name": f"Stellplatz {number}", "type": "mqtt", "ev": 0, "template": 0, "configuration": {}}


VEHICLE: Mapping[str, Make] = {
    "name": lambda number: f"Wagen {number}",
    "get/odometer": lambda number: number,
    "get/range": lambda number: number % 9999 / 10,
    "get/soc_timestamp": lambda number: 1_700_000_000 + number,
    "get/fault_str": lambda number: f"Fehler {number}",
}
CHARGEPOINT: Mapping[str, Make] = {
    "config": _chargepoint_config,
    "get/imported": lambda number: number * 10,
    "get/exported": lambda number: number,
    "get/daily_imported": lambda number: number * 10 + 1,
    "get/serial_number": lambda number: f"SN{number}",
    "get/state_str": lambda number: f"Zustand {number}",
}
INVERTER: Mapping[str, Make] = {
    "get/exported": lambda number: number * 10,
    "get/daily_exported": lambda number: number * 10 + 2,
    "get/monthly_exported": lambda number: number * 10 + 3,
    "get/yearly_exported": lambda number: number * 10 + 4,
}


@dataclass(frozen=True, slots=True)
class Device:
    """``appears`` and ``vanishes`` are shares of the run; None: it is there from the start, to the end."""

    root: str
    topics: Mapping[str, Make]
    appears: float | None
    vanishes: float | None


class RareKeys:
    """Hundreds of devices with gaps in their ids; the same seed gives the same messages."""

    def __init__(
        self,
        seed: int,
        *,
        vehicles: int = 300,
        chargepoints: int = 150,
        inverters: int = 150,
        prefix: str = "openWB/",
    ) -> None:
        self._dice = random.Random(seed)
        self._number = 0
        self._prefix = prefix
        kinds = (
            ("vehicle", vehicles, VEHICLE),
            ("chargepoint", chargepoints, CHARGEPOINT),
            ("pv", inverters, INVERTER),
        )
        self._devices = [device for kind in kinds for device in self._make(*kind)]
        faulty = [one.root for one in self._devices if self._dice.random() < FAULTY_SHARE and one.vanishes is None]
        self._faulty = (*OF_THE_BOX, *faulty)
        self.start = {
            topic: payload
            for device in self._devices
            if device.appears is None
            for topic, payload in self._whole(device)
        }

    def messages(self, duration_s: float) -> list[Recorded]:
        """What happens in so many seconds of recorded time: changed values, devices that go, devices that come."""
        found: list[Recorded] = []
        for device in self._devices:
            first, last = device.appears or 0.0, device.vanishes or 1.0
            if device.appears is not None:
                found += [Recorded(*one, t=first * duration_s) for one in self._whole(device)]
            for topic, make in device.topics.items():
                for _ in range(2 if self._dice.random() < TWICE_SHARE else 1):
                    at_s = self._dice.uniform(first, last) * duration_s
                    found.append(Recorded(f"{self._prefix}{device.root}/{topic}", self._payload(make), t=at_s))
            if device.vanishes is not None:
                topics = [f"{self._prefix}{device.root}/{topic}" for topic in device.topics]
                found += [Recorded(topic, "", t=last * duration_s) for topic in topics]
        found += [message for root in self._faulty for message in self._faults(root, duration_s)]
        return sorted(found, key=lambda one: one.t)

    def _faults(self, root: str, duration_s: float) -> Iterator[Recorded]:
        """A fault that passes, then a warning; some vehicles, on which no sum rests, are in fault at the end."""
        began = self._dice.uniform(0.1, 0.8)
        over = began + self._dice.uniform(*FAULT_LASTS)
        ends = 2 if self._dice.random() < LASTING_SHARE and root.startswith("vehicle/") else 0
        for share, state in ((began, 2), (over, 1), (over + 0.05, ends)):
            yield Recorded(f"{self._prefix}{root}/{FAULT_STATE}", str(state), t=share * duration_s)

    def _make(self, kind: str, count: int, topics: Mapping[str, Make]) -> Iterator[Device]:
        number = FIRST_ID
        for _ in range(count):
            number += self._dice.choice((1, 1, 2, 5))
            luck = self._dice.random()
            vanishes = self._dice.uniform(0.6, 0.9) if luck < REMOVED_SHARE else None
            appears = self._dice.uniform(0.1, 0.5) if luck > 1 - LATE_SHARE else None
            yield Device(f"{kind}/{number}", topics, appears, vanishes)

    def _whole(self, device: Device) -> Iterator[tuple[str, str]]:
        for topic, make in device.topics.items():
            yield f"{self._prefix}{device.root}/{topic}", self._payload(make)

    def _payload(self, make: Make) -> str:
        self._number += 1
        return json.dumps(make(self._number))


def merged(one: Iterable[Recorded], other: Iterable[Recorded]) -> list[Recorded]:
    """Both by time; each keeps its own order."""
    return list(heapq.merge(one, other, key=lambda message: message.t))
