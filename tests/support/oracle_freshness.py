"""What is stale while the link is up, reckoned from the broker's log by a rule of the oracle's own (architecture 4).

Rules:

* A key is live when the present connection brought it and nothing that it rests on is in fault; else it is stale. A
  message that names the key brings it, whether its value is new or not.
* In fault is what has the fault state 2; a warning is no fault. A fault holds until the box says otherwise or its key
  ceases, over connections too.
* A charge point, vehicle, meter, inverter or battery rests on its own fault state. A sum rests on its own and on
  those of its parts. What tells of faults rests on none, nor does what the box says of itself.
* A connection of the bridge begins with all that the broker retains, or, when the broker had lost everything, with
  all that the box publishes again. So what it has brought is what came since the subscriber's last Break.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

RestsOn: TypeAlias = Callable[[str], tuple[str, ...]]
"""A key -> the keys of the fault states that make it stale; ``+`` stands for any one level but the last."""

Brought: TypeAlias = Mapping[str, tuple[Any] | None]
"""What one message says of which keys: a value, or None, the key ceases."""

IN_FAULT = 2
PARTS: Mapping[str, tuple[str, ...]] = {
    "grid": ("grid",),
    "pv": ("pv", "inverters/+"),
    "battery": ("battery", "batteries/+"),
    "charging": ("chargepoints/+",),
    "house": ("grid", "meters/+", "pv", "inverters/+", "battery", "batteries/+", "chargepoints/+"),
}
DEVICES = ("chargepoints", "vehicles", "meters", "inverters", "batteries")


def no_faults(key: str) -> tuple[str, ...]:
    """Nothing is ever in fault."""
    return ()


def rests_on(key: str) -> tuple[str, ...]:
    """As the gateway's keys are named."""
    first, *others = key.split("/")
    if others[-1:] in (["fault_state"], ["fault_text"]):
        return ()
    units = (f"{first}/{others[0]}",) if first in DEVICES and others else PARTS.get(first, ())
    return tuple(f"{unit}/fault_state" for unit in units)


class Flags:
    """``moves`` has for each key the prefixes at which it became stale or live again, with the mark of that."""

    def __init__(self, rests: RestsOn, mark: Callable[[str], int]) -> None:
        self.moves: dict[str, list[tuple[int, int]]] = {}
        self._rests = rests
        self._mark = mark
        self._brought: dict[str, bool] = {}
        self._rests_of: dict[str, tuple[str, ...]] = {}
        self._resting: dict[str, set[str]] = {}
        self._in_fault: dict[str, int] = {}
        self._stale: set[str] = set()

    def broke(self, n: int) -> None:
        """Nothing of what was known has been brought by the next connection."""
        self._brought = dict.fromkeys(self._brought, False)
        for key in self._brought:
            self._judge(n, key)

    def took(self, n: int, brought: Brought) -> None:
        """One message."""
        changed = set(brought)
        for key, value in brought.items():
            self._learn(key)
            was = self._in_fault.get(key, 0)
            if value is None:
                self._brought.pop(key, None)
            else:
                self._brought[key] = True
            now = int(value is not None and key.endswith("fault_state") and value[0] == IN_FAULT)
            if now != was:
                for name in (key, _any_of(key)):
                    self._in_fault[name] = self._in_fault.get(name, 0) + now - was
                    changed |= self._resting.get(name, set())
        for key in changed:
            self._judge(n, key)

    def is_stale(self, key: str, n: int) -> bool:
        """At a prefix."""
        return sum(1 for at, _ in self.moves.get(key, ()) if at <= n) % 2 == 1

    def _learn(self, key: str) -> None:
        if key not in self._rests_of:
            self._rests_of[key] = self._rests(key)
            for name in self._rests_of[key]:
                self._resting.setdefault(name, set()).add(key)

    def _judge(self, n: int, key: str) -> None:
        brought = self._brought.get(key)
        stale = brought is not None and (not brought or any(self._in_fault.get(name) for name in self._rests_of[key]))
        if stale != (key in self._stale):
            self._stale ^= {key}
            self.moves.setdefault(key, []).append((n, self._mark(key)))


def _any_of(key: str) -> str:
    """The name by which a sum rests on a part."""
    levels = key.split("/")
    return "/".join([*levels[:-2], "+", levels[-1]])
