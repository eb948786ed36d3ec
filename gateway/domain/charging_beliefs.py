"""What is believed of a site, as far as charge sessions need it.

Rules:

* A stale value is not believed: the last one that was live stays. Null is unknown: the last known value stays, too,
  but for id tag and vehicle, where nothing is a word of the box.
* A power at the site that is stale or null is unknown. One that the site does not have is 0 W.
* The box's clock is wrong when it is CLOCK_OFF_S or more away from the time at which it was received.
* ``plugged`` is not taken here: what to make of it is the business of ``charging.py``.
"""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias, TypeGuard

import msgspec

from gateway.domain.charging_session import OpenSession
from gateway.domain.energy_sources import Mix, mix_of
from gateway.domain.values import Changes, JsonValue, Reading

CLOCK_OFF_S: Final = 120.0
GRID_POWER, PV_POWER, BATTERY_POWER = "grid/power_w", "pv/power_w", "battery/power_w"
POWERS: Final = (GRID_POWER, PV_POWER, BATTERY_POWER)
LINK_STATE, LINK_SINCE, DIALECT, BOX_TIME = "link/state", "link/since", "link/dialect", "box/time"
CHARGEPOINTS, VEHICLES = "chargepoints", "vehicles"

Leaves: TypeAlias = Mapping[str, Reading | None]
"""The changes of one charge point or vehicle, by what stands after its id; None = the key ceased to be."""


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """An unplug, as of ``at``, that is not believed yet. ``seen_last``, ``unknown``: when it had been seen before, if
    nobody saw it come, and whether its time is unknown therefore.
    """

    raised_at: float
    at: float
    unknown: bool
    seen_last: float | None


class ChargePoint(msgspec.Struct, kw_only=True):
    """``stale_since``: when it was last seen before it went stale; ``gone_since``: likewise, before its keys ceased.

    ``idle_wh``: the meter while nothing was plugged in last. ``last_ms``: the last charge session's plug, so that no
    two have the same.
    """

    plugged: bool | None = None
    charging: bool = False
    mode: str | None = None
    meter_wh: float | None = None
    energy_since_plugged_wh: float | None = None
    power_w: float | None = None
    id_tag: str | None = None
    vehicle_id: int | None = None
    serial_number: str | None = None
    fault_state: int = 0
    well_since: float = 0.0
    stale_since: float | None = None
    gone_since: float | None = None
    idle_wh: float | None = None
    last_ms: int = 0
    doubt: Doubt | None = None
    session: OpenSession | None = None

    @property
    def seen(self) -> bool:
        """Whether what is believed is what is there now."""
        return self.stale_since is None and self.gone_since is None and self.doubt is None

    def take(self, leaves: Leaves, at: float) -> None:
        """Take what is live of the changes."""
        for leaf, reading in leaves.items():
            if reading is not None and reading.stale:
                continue
            told = None if reading is None else reading.value
            if leaf in _KEPT:
                if _KEPT[leaf](told):
                    setattr(self, leaf, told)
            elif leaf in _CLEARED:
                setattr(self, leaf, told if _CLEARED[leaf](told) else None)
            elif leaf == "fault_state" and is_id(told):
                self.well_since = at if self.fault_state and not told else self.well_since
                self.fault_state = told


class Vehicle(msgspec.Struct, kw_only=True):
    """``soc_told_at``: when the box last told of the state of charge, be it the same; 0 when nobody knows."""

    name: str | None = None
    soc_percent: float | None = None
    soc_told_at: float = 0.0
    odometer_km: float | None = None
    odometer_told_at: float = 0.0

    def take(self, leaves: Leaves) -> None:
        """Take what is live of the changes."""
        for leaf, reading in leaves.items():
            if reading is None or reading.stale:
                continue
            told, told_at = reading.value, reading.changed_at or 0.0
            match leaf:
                case "name" if isinstance(told, str):
                    self.name = told
                case "soc_percent":
                    self.soc_percent = float(told) if is_number(told) else None
                    self.soc_told_at = max(self.soc_told_at, told_at)
                case "soc_at" if told is not None:
                    self.soc_told_at = max(self.soc_told_at, told_at)
                case "odometer_km":
                    self.odometer_km = float(told) if is_number(told) else None
                    self.odometer_told_at = told_at
                case _:
                    pass


class Site(msgspec.Struct, kw_only=True):
    """All that is believed as of ``at``, with the open charge sessions; it can be written down and read again.

    ``up_since``: since when the link is up; None while it is not. ``powers_w``: of those that the site has.
    """

    at: float = 0.0
    up_since: float | None = None
    dialect: str | None = None
    clock_wrong: bool = False
    powers_w: dict[str, float | None] = msgspec.field(default_factory=dict)
    vehicles: dict[str, Vehicle] = msgspec.field(default_factory=dict)
    chargepoints: dict[str, ChargePoint] = msgspec.field(default_factory=dict)

    @property
    def mix(self) -> Mix | None:
        """Where what is used comes from at present."""
        powers_w = self.powers_w
        return mix_of(powers_w.get(GRID_POWER), powers_w.get(PV_POWER, 0.0), powers_w.get(BATTERY_POWER, 0.0))

    def take(self, changes: Changes) -> None:
        """Take what concerns the site as a whole."""
        self._take_link(changes)
        for key in POWERS:
            if key in changes:
                reading = changes[key]
                if reading is None:
                    self.powers_w.pop(key, None)
                else:
                    told = None if reading.stale else reading.value
                    self.powers_w[key] = told if is_number(told) else None
        box_time = changes.get(BOX_TIME)
        if box_time is not None and not box_time.stale and box_time.changed_at is not None:
            self.clock_wrong = is_number(box_time.value) and abs(box_time.value - box_time.changed_at) >= CLOCK_OFF_S

    def _take_link(self, changes: Changes) -> None:
        dialect = changes.get(DIALECT)
        if dialect is not None and isinstance(dialect.value, str):
            self.dialect = dialect.value
        state, since = changes.get(LINK_STATE), changes.get(LINK_SINCE)
        if state is not None:
            self.up_since = state.changed_at if state.value == "up" else None
        if since is not None and is_number(since.value) and self.up_since is not None:
            self.up_since = float(since.value)


def by_member(changes: Changes, kind: str) -> dict[str, dict[str, Reading | None]]:
    """The changes of each charge point or vehicle, by its id and then its leaf."""
    members: dict[str, dict[str, Reading | None]] = {}
    for key, reading in changes.items():
        group, _, rest = key.partition("/")
        if group == kind:
            member, _, leaf = rest.partition("/")
            members.setdefault(member, {})[leaf] = reading
    return members


def is_number(told: JsonValue) -> TypeGuard[int | float]:
    return isinstance(told, int | float) and not isinstance(told, bool)


def is_id(told: JsonValue) -> TypeGuard[int]:
    return isinstance(told, int) and not isinstance(told, bool)


def _is_flag(told: JsonValue) -> bool:
    return isinstance(told, bool)


def _is_text(told: JsonValue) -> bool:
    return isinstance(told, str) and told != ""


_KEPT: Mapping[str, Callable[[JsonValue], bool]] = {
    "charging": _is_flag,
    "mode": _is_text,
    "meter_wh": is_number,
    "power_w": is_number,
    "serial_number": _is_text,
}
_CLEARED: Mapping[str, Callable[[JsonValue], bool]] = {
    "energy_since_plugged_wh": is_number,
    "id_tag": _is_text,
    "vehicle_id": is_id,
}
