"""Which entries of a box's log are of one plug-in.

Rules:

* A 2.x writes an entry at the unplug and at each change of the mode, with its energy and with that since the plug.
  Both are of the meter, so that the reading at the end less the energy since the plug is the reading *at the plug*:
  entries of a charge point with the same one are of the same plug-in. Where there is no reading, an entry goes on
  with the one before when its energy since the plug is that one's and its own together.
* An entry whose energy since the plug is its own begins a plug-in, whatever came before.
* The energy of a plug-in is the sum of its entries' own. What the box counted since the plug beyond that has no
  entry: ``missing_wh``. It is told, and not added.
* 1.9 and evcc tell nothing of the kind: each of their entries stays alone.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec

from gateway.domain.box_log import NO_WH, ROUNDING_WH, BoxLogEntry, Oddity, Source, in_order


class PlugIn(msgspec.Struct, frozen=True, kw_only=True):
    """One plug-in as the box tells it; ``segments`` are its entries in the order of writing.

    ``energy_wh`` None: none of the entries tells any. ``missing_wh`` None: the box does not say what it counted since
    the plug.
    """

    source: Source
    chargepoint: str | None
    serial_number: str | None
    begin: float | None
    end: float | None
    energy_wh: Decimal | None
    meter_start_wh: Decimal | None
    meter_end_wh: Decimal | None
    missing_wh: Decimal | None
    segments: tuple[BoxLogEntry, ...]
    oddities: tuple[Oddity, ...]


def joined(entries: Iterable[BoxLogEntry]) -> list[PlugIn]:
    """The plug-ins, in the order of their ends; those without one come last."""
    ordered = sorted(entries, key=_when_written)
    groups: list[list[BoxLogEntry]] = []
    open_groups: dict[tuple[str, str | None], list[BoxLogEntry]] = {}
    for entry in ordered:
        place = (entry.source, entry.serial_number or entry.chargepoint)
        group = open_groups.get(place)
        if group is not None and goes_on(group[-1], entry):
            group.append(entry)
        else:
            open_groups[place] = [entry]
            groups.append(open_groups[place])
    return sorted((_plug_in(group) for group in groups), key=lambda one: _last(one.end))


def goes_on(before: BoxLogEntry, entry: BoxLogEntry) -> bool:
    """Whether an entry is of the same plug-in as the one before it at its charge point."""
    since, since_before, own = entry.since_plugged_wh, before.since_plugged_wh, entry.energy_wh
    if since is None or since_before is None or own is None or abs(since - own) <= ROUNDING_WH:
        return False
    if entry.meter_end_wh is not None and before.meter_end_wh is not None:
        at_plug_wh, at_plug_before_wh = entry.meter_end_wh - since, before.meter_end_wh - since_before
        if abs(at_plug_wh - at_plug_before_wh) <= 2 * ROUNDING_WH:
            return True
    return abs(since_before + own - since) <= 2 * ROUNDING_WH


def _when_written(entry: BoxLogEntry) -> tuple[float, float]:
    return _last(entry.end), _last(entry.begin)


def _last(moment: float | None) -> float:
    return float("inf") if moment is None else moment


def _plug_in(segments: Sequence[BoxLogEntry]) -> PlugIn:
    first, last = segments[0], segments[-1]
    energies = [one.energy_wh for one in segments if one.energy_wh is not None]
    energy_wh = sum(energies, NO_WH) if energies else None
    begins = [one.begin for one in segments if one.begin is not None]
    return PlugIn(
        source=first.source,
        chargepoint=last.chargepoint,
        serial_number=last.serial_number,
        begin=min(begins) if begins else None,
        end=last.end,
        energy_wh=energy_wh,
        meter_start_wh=first.meter_start_wh,
        meter_end_wh=last.meter_end_wh,
        missing_wh=_missing(last.since_plugged_wh, energy_wh),
        segments=tuple(segments),
        oddities=in_order(oddity for one in segments for oddity in one.oddities),
    )


def _missing(since_plugged_wh: Decimal | None, energy_wh: Decimal | None) -> Decimal | None:
    if since_plugged_wh is None or energy_wh is None:
        return None
    missing_wh = since_plugged_wh - energy_wh
    return missing_wh if abs(missing_wh) > 2 * ROUNDING_WH else NO_WH
