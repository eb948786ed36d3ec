"""Id tags held to a charge point: which are good, whose they are, and how long they wait for a plug.

Rules, as openWB's (2.1.5 and later):

* A tag is looked at in the loop after the scan. It is good when a vehicle has it, or when it is among the charge
  point's own; case does not matter, an exact match comes before a pattern (``*``, ``?``, ``[...]``).
* It is refused with a sentence for that loop: tags are switched off, nobody knows it, or energy has flowed already.
* A good tag assigns its vehicle at once, and one of the charge point's own unlocks it. It waits WAITS_S for a plug,
  then is dropped and the default vehicle is back; with the plug it becomes the tag of the plug-in until the unplug.
"""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from gateway.simulator.state import BoxState, ChargePoint, Vehicle
from gateway.simulator.words import Happening, TagRefused, TagTaken, VehicleAssigned

WAITS_S = 300.0

SWITCHED_OFF = "Der ID-Tag {} wird nicht beachtet, da ID-Tags nicht aktiviert sind."
TOO_LATE = "Der ID-Tag {} wird nicht beachtet, da bereits geladen wurde."
UNKNOWN = "Der ID-Tag {} ist an diesem Ladepunkt nicht gültig."
WAITS_FOR_PLUG = (
    "Wenn nach dem Scannen nicht innerhalb von 5 Minuten ein Auto angesteckt wird, wird der ID-Tag verworfen. "
)


def knows(tags: Iterable[str], id_tag: str, *, exact: bool) -> bool:
    """Whether a tag is among these, literally or by a pattern."""
    tag = id_tag.lower()
    if exact:
        return any(known.lower() == tag for known in tags)
    return any(fnmatchcase(tag, known.lower()) for known in tags)


def owner(vehicles: Mapping[int, Vehicle], id_tag: str) -> int | None:
    """The vehicle that has the tag; None: no vehicle."""
    for exact in (True, False):
        for id_, vehicle in vehicles.items():
            if knows(vehicle.id_tags, id_tag, exact=exact):
                return id_
    return None


def look(state: BoxState, chargepoint: ChargePoint, *, plugged: bool) -> list[Happening]:
    """One loop at a charge point with a scanned tag; a refusal's sentence is for its state text."""
    id_tag = chargepoint.scanned_tag
    assert id_tag is not None
    id_ = chargepoint.setup.id
    happenings: list[Happening] = []
    if chargepoint.scanned_s is None:
        if text := _refusal(state, chargepoint, id_tag):
            drop(chargepoint)
            return [TagRefused(id_, id_tag, text)]
        chargepoint.scanned_s = state.time_s
        chargepoint.locked = chargepoint.locked and not _unlocks(chargepoint, id_tag)
        vehicle_id = owner(state.vehicles, id_tag)
        if vehicle_id is not None and vehicle_id != chargepoint.vehicle_id:
            chargepoint.vehicle_id = vehicle_id
            happenings.append(VehicleAssigned(id_, vehicle_id))
    if plugged:
        drop(chargepoint)
        chargepoint.id_tag = id_tag
        happenings.append(TagTaken(id_, id_tag))
    elif state.time_s - chargepoint.scanned_s >= WAITS_S:
        drop(chargepoint)
        if chargepoint.vehicle_id != chargepoint.setup.vehicle_id:
            chargepoint.vehicle_id = chargepoint.setup.vehicle_id
            happenings.append(VehicleAssigned(id_, chargepoint.vehicle_id))
    return happenings


def drop(chargepoint: ChargePoint) -> None:
    """No tag waits any more."""
    chargepoint.scanned_tag = chargepoint.scanned_s = None


def _unlocks(chargepoint: ChargePoint, id_tag: str) -> bool:
    return any(knows(chargepoint.valid_tags, id_tag, exact=exact) for exact in (True, False))


def _refusal(state: BoxState, chargepoint: ChargePoint, id_tag: str) -> str:
    if not state.id_tags_active:
        return SWITCHED_OFF.format(id_tag)
    if not _unlocks(chargepoint, id_tag) and owner(state.vehicles, id_tag) is None:
        return UNKNOWN.format(id_tag)
    return TOO_LATE.format(id_tag) if chargepoint.log.since_plugged_wh > 0 else ""
