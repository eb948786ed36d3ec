"""Which values of a site are live. The link, on which all of them rest, is judged in ``link.py``.

Rules:

* A value is live while the link is up, the present connection brought it, and none of the units it rests on is in
  fault. A unit is in fault while its fault state is 2: then the box keeps the last value on the topic. A warning (1)
  is no fault.
* Units are the charge points, vehicles, meters, inverters and batteries, each by its id, and grid, pv and battery. A
  member of a kind is a unit of its own: one inverter in fault leaves the others live, and so does pv in fault.
* A sum rests on its parts, because a kept value is in it: pv on every inverter, battery on every battery, charging on
  every charge point. So the box sees it too: where a sum has a fault state, it is the worst of its parts'.
* house is what the box reckons from grid, meters, pv, battery and charging: it rests on the units of all of them.
* ``fault_state`` and ``fault_text``, the tariff, the box itself and raw topics are the box's present word: they rest
  on the link alone. ``link/*`` is the bridge's own word and never stale.
* What is known of a fault holds until the box says otherwise or the key ceases, over connections too: no value looks
  live only because its fault state comes a moment after it.

A value that is sent seldom is not stale for that: healthy boxes leave single values unsent for minutes.
"""

from collections.abc import Mapping
from typing import Final, TypeAlias

from gateway.domain.values import JsonValue, Removed

Unit: TypeAlias = str
"""The keys' common beginning, as in ``chargepoints/4`` or ``grid``; ``inverters/+`` stands for any of a kind."""

IN_FAULT: Final = 2
FAULT_STATE: Final = "fault_state"
_PRESENT_WORD: Final = frozenset({FAULT_STATE, "fault_text"})
_KINDS: Final = frozenset({"chargepoints", "vehicles", "meters", "inverters", "batteries"})

_PV = ("pv", "inverters/+")
_BATTERY = ("battery", "batteries/+")
_CHARGING = ("chargepoints/+",)
_RESTS_ON: Mapping[str, tuple[Unit, ...]] = {
    "grid": ("grid",),
    "pv": _PV,
    "battery": _BATTERY,
    "charging": _CHARGING,
    "house": ("grid", "meters/+", *_PV, *_BATTERY, *_CHARGING),
}


def rests_on(key: str) -> tuple[Unit, ...]:
    """The units whose fault makes a key stale; none for what rests on the link alone."""
    group, _, rest = key.partition("/")
    if group not in _KINDS:
        return () if rest in _PRESENT_WORD else _RESTS_ON.get(group, ())
    member, _, leaf = rest.partition("/")
    return () if leaf in _PRESENT_WORD else (f"{group}/{member}",)


class Faults:
    """Which units are in fault."""

    def __init__(self) -> None:
        self._in_fault: set[Unit] = set()

    def note(self, key: str, value: JsonValue | Removed) -> bool:
        """Take in a value of any key; whether what is in fault differs from before."""
        unit, _, leaf = key.rpartition("/")
        if leaf != FAULT_STATE or (value == IN_FAULT) == (unit in self._in_fault):
            return False
        group, _, member = unit.partition("/")
        self._in_fault ^= {unit}
        if member:
            self._in_fault.discard(f"{group}/+")
            if any(one.startswith(f"{group}/") for one in self._in_fault):
                self._in_fault.add(f"{group}/+")
        return True

    def concern(self, units: tuple[Unit, ...]) -> bool:
        """Whether any of the units is in fault."""
        return not self._in_fault.isdisjoint(units)
