"""What is stale while the link is up, reckoned from the broker's log by a rule of the oracle's own (architecture 4).

Rules:

* A key is live when the present connection brought it and its unit is not in fault; else it is stale. A message
  that names the key brings it, whether its value is new or not.
* A unit is in fault while its fault state is 2; a warning is no fault. ``Unit`` says which key that fault state is.
* A connection of the bridge begins with all that the broker retains, or, when the broker had lost everything, with
  all that the box publishes again. So what it has brought is what came since the subscriber's last Break.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from gateway.domain.catalogue import Freshness, entry_for

Unit: TypeAlias = Callable[[str], str | None]
"""A key -> the key of its unit's fault state, None when no fault makes it stale."""

Brought: TypeAlias = Mapping[str, tuple[Any] | None]
"""What one message says of which keys: a value, or None, the key ceases."""

IN_FAULT = 2
OF_THE_UNIT: Mapping[Freshness, str] = {
    Freshness.chargepoint: "chargepoints/",
    Freshness.vehicle: "vehicles/",
    Freshness.battery: "batteries/",
    Freshness.pv: "inverters/",
}


def no_units(key: str) -> None:
    """Nothing is ever in fault."""


def unit_of(key: str) -> str | None:
    """The catalogue's units: each charge point, vehicle, battery and inverter has a fault state of its own."""
    entry = entry_for(key)
    group = OF_THE_UNIT.get(entry.freshness) if entry is not None else None
    if group is None:
        return None
    levels = key.split("/")
    return "/".join([*levels[: 2 if key.startswith(group) else 1], "fault_state"])


class Flags:
    """``moves`` has for each key the prefixes at which it became stale or ceased to be, with the mark of that."""

    def __init__(self, unit: Unit, mark: Callable[[str], int]) -> None:
        self.moves: dict[str, list[tuple[int, int]]] = {}
        self._unit = unit
        self._mark = mark
        self._brought: dict[str, bool] = {}
        self._units: dict[str, str | None] = {}
        self._members: dict[str | None, set[str]] = {}
        self._faults: set[str | None] = set()
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
            if value is None:
                self._brought.pop(key, None)
            else:
                self._brought[key] = True
            changed |= self._fault(key, value)
        for key in changed:
            self._judge(n, key)

    def is_stale(self, key: str, n: int) -> bool:
        """At a prefix."""
        return sum(1 for at, _ in self.moves.get(key, ()) if at <= n) % 2 == 1

    def _fault(self, key: str, value: tuple[Any] | None) -> set[str]:
        """Who else is concerned."""
        if key not in self._units:
            self._units[key] = self._unit(key)
            self._members.setdefault(self._units[key], set()).add(key)
        if self._units[key] != key:
            return set()
        if value is not None and value[0] == IN_FAULT:
            self._faults.add(key)
        else:
            self._faults.discard(key)
        return self._members[key]

    def _judge(self, n: int, key: str) -> None:
        brought = self._brought.get(key)
        stale = brought is not None and (not brought or self._units[key] in self._faults)
        if stale != (key in self._stale):
            self._stale ^= {key}
            self.moves.setdefault(key, []).append((n, self._mark(key)))
