"""Charge sessions added up: by month, vehicle, charge point and source.

Rules:

* All sums are of exact decimals. A charge session is of the local month in which it *ended*, as boxes count.
* Energy whose source nobody knows is of the source ``unknown``: the sources of a sum add up to its energy.
* A charge session whose energy is unknown counts as one, and adds nothing; how many of them there are is told.
* One below 50 Wh counts as any other; how many those are is told, too.
* By source, a row counts the charge sessions that got something from it.
"""

from collections.abc import Iterable
from datetime import tzinfo
from decimal import Decimal
from typing import Final, Literal, TypeAlias, get_args

import msgspec

from gateway.domain.charge_sessions import NOTHING, SMALL_WH, EnergyBySource
from gateway.domain.errors import InvalidArgument
from gateway.domain.months import Month
from gateway.domain.reconcile import month_of

By: TypeAlias = Literal["month", "vehicle", "chargepoint", "source"]
Source: TypeAlias = Literal["grid", "pv", "battery", "unknown"]
Parts: TypeAlias = tuple[Decimal, Decimal, Decimal, Decimal]
Key: TypeAlias = tuple[Month | None, int | None, str | None, Source | None]

BYS: Final[tuple[By, ...]] = get_args(By)
SOURCES: Final[tuple[Source, ...]] = get_args(Source)
NO_MONTH: Final = Month(0, 0)


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """A charge session as far as it counts. ``ended`` in epoch seconds; ``vehicle_id`` as corrected."""

    chargepoint_id: str
    ended: float
    vehicle_id: int | None
    vehicle_name: str | None
    energy_wh: Decimal | None
    sources: EnergyBySource | None


class Sum(msgspec.Struct, kw_only=True):
    """``small``: those below 50 Wh; ``without_energy``: those of which it is not known."""

    sessions: int = 0
    small: int = 0
    without_energy: int = 0
    energy_wh: Decimal = NOTHING
    grid_wh: Decimal = NOTHING
    pv_wh: Decimal = NOTHING
    battery_wh: Decimal = NOTHING
    unknown_wh: Decimal = NOTHING

    def add(self, one: Counted) -> None:
        """Add a charge session with all its sources."""
        self.count(one)
        grid_wh, pv_wh, battery_wh, unknown_wh = sources_of(one.energy_wh, one.sources)
        self.energy_wh += grid_wh + pv_wh + battery_wh + unknown_wh
        self.grid_wh += grid_wh
        self.pv_wh += pv_wh
        self.battery_wh += battery_wh
        self.unknown_wh += unknown_wh

    def count(self, one: Counted) -> None:
        """Count a charge session, without its energy."""
        self.sessions += 1
        if one.energy_wh is None:
            self.without_energy += 1
        elif one.energy_wh < SMALL_WH:
            self.small += 1


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A sum, and what it is of; None where it is of all, or of those of which nobody knows."""

    month: Month | None = None
    vehicle_id: int | None = None
    vehicle_name: str | None = None
    chargepoint_id: str | None = None
    source: Source | None = None
    sum: Sum


class Statistics:
    """Adds up charge sessions as they come, in any order."""

    def __init__(self, by: Iterable[By], zone: tzinfo) -> None:
        self._by = frozenset(by)
        self._zone = zone
        self._sums: dict[Key, Sum] = {}
        self._names: dict[int | None, tuple[float, str]] = {}
        self.total = Sum()

    def add(self, one: Counted) -> None:
        self.total.add(one)
        if one.vehicle_name is not None:
            known = self._names.get(one.vehicle_id)
            if known is None or known[0] <= one.ended:
                self._names[one.vehicle_id] = (one.ended, one.vehicle_name)
        month = month_of(one.ended, self._zone) if "month" in self._by else None
        vehicle = one.vehicle_id if "vehicle" in self._by else None
        chargepoint = one.chargepoint_id if "chargepoint" in self._by else None
        if "source" not in self._by:
            self._sum(month, vehicle, chargepoint, None).add(one)
            return
        for source, energy_wh in zip(SOURCES, sources_of(one.energy_wh, one.sources), strict=True):
            if energy_wh or (source == "unknown" and one.energy_wh is None):
                found = self._sum(month, vehicle, chargepoint, source)
                found.count(one)
                found.energy_wh += energy_wh

    def _sum(self, month: Month | None, vehicle: int | None, chargepoint: str | None, source: Source | None) -> Sum:
        return self._sums.setdefault((month, vehicle, chargepoint, source), Sum())

    def rows(self) -> list[Row]:
        """In the order of months, vehicles, charge points and sources; what is not known comes last."""
        return [
            Row(
                month=month,
                vehicle_id=vehicle,
                vehicle_name=self._name_of(vehicle),
                chargepoint_id=chargepoint,
                source=source,
                sum=found,
            )
            for (month, vehicle, chargepoint, source), found in sorted(self._sums.items(), key=_order)
        ]

    def _name_of(self, vehicle: int | None) -> str | None:
        """The newest one; of none where vehicles are not told apart."""
        known = self._names.get(vehicle) if "vehicle" in self._by and vehicle is not None else None
        return None if known is None else known[1]


def sources_of(energy_wh: Decimal | None, sources: EnergyBySource | None) -> Parts:
    """Grid, PV, battery and unknown, Wh; they add up to the energy."""
    if energy_wh is None:
        return NOTHING, NOTHING, NOTHING, NOTHING
    if sources is None:
        return NOTHING, NOTHING, NOTHING, energy_wh
    left = energy_wh
    found = []
    for told in (sources.grid_wh, sources.pv_wh, sources.battery_wh):
        part = min(told, max(left, NOTHING))  # estimates may be above the whole by what was rounded
        left -= part
        found.append(part)
    grid_wh, pv_wh, battery_wh = found
    return grid_wh, pv_wh, battery_wh, left


def parse_by(text: str) -> tuple[By, ...]:
    """``month,vehicle``; raises InvalidArgument."""
    given = [one.strip() for one in text.split(",")]
    found = tuple(by for by in BYS if by in given)
    if len(found) != len(given):
        raise InvalidArgument(f"by: allowed are {', '.join(BYS)}, each once, separated by commas; got {text[:80]!r}")
    return found


def _order(item: tuple[Key, Sum]) -> tuple[bool, Month, bool, int, int, str, int]:
    month, vehicle, chargepoint, source = item[0]
    return (
        month is None,
        month or NO_MONTH,
        vehicle is None,
        vehicle or 0,
        len(chargepoint or ""),  # "10" comes after "9"
        chargepoint or "",
        0 if source is None else SOURCES.index(source),
    )
