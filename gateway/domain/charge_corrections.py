"""Corrections of charge sessions: what a person knows better than the box.

Rules:

* What was measured is never corrected: energy, times and meter readings are what they are.
* The charge session itself stays as it was recorded: version 0. Each correction is a version of its own, with author,
  reason and moment, and holds all that may be corrected as it is from then on.
* Who corrects says which version he saw. If that is not the newest one any more, he has to look again.
* Another vehicle brings its own name; the one of the vehicle before does not stay with it.
"""

import unicodedata
from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gateway.domain.access import STEERING
from gateway.domain.errors import InvalidArgument

MOST_CHARS: Final = 255
MOST_REASON_CHARS: Final = 500
MOST_NOTE_CHARS: Final = 2_000
MOST_KM: Final = 10_000_000

VehicleId: TypeAlias = Annotated[int, Meta(ge=0, le=2_147_483_647)]
VehicleName: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MOST_CHARS)]
Odometer: TypeAlias = Annotated[float, Meta(ge=0, le=MOST_KM)]
Note: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MOST_NOTE_CHARS)]
Reason: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MOST_REASON_CHARS)]


class Correctable(msgspec.Struct, frozen=True, kw_only=True):
    """All that may be corrected, as it is in some version. None: not known."""

    vehicle_id: int | None = None
    vehicle_name: str | None = None
    odometer_start_km: float | None = None
    odometer_end_km: float | None = None
    note: str | None = None


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A correction; ``version`` counts from 1, ``at`` is in epoch seconds."""

    version: int
    author: str
    reason: str
    at: float
    holds: Correctable


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants corrected: what is not given stays, None makes it unknown."""

    vehicle_id: VehicleId | UnsetType | None = UNSET
    vehicle_name: VehicleName | UnsetType | None = UNSET
    odometer_start_km: Odometer | UnsetType | None = UNSET
    odometer_end_km: Odometer | UnsetType | None = UNSET
    note: Note | UnsetType | None = UNSET


FIELDS: Final = tuple(field.name for field in msgspec.structs.fields(Correction))


def corrected(held: Correctable, wanted: Correction, name_of_vehicle: str | None) -> Correctable:
    """What holds after the correction. ``name_of_vehicle``: that of the wanted vehicle, where it is known.

    Raises InvalidArgument when nothing would change, or nothing sensible come of it.
    """
    given = {field: text for field in FIELDS if (text := getattr(wanted, field)) is not UNSET}
    if not given:
        raise InvalidArgument(f"nothing to correct is given; allowed are {', '.join(FIELDS)}")
    for field in ("vehicle_name", "note"):
        check_text(field, given.get(field))
    if given.get("vehicle_id", held.vehicle_id) != held.vehicle_id:
        given.setdefault("vehicle_name", name_of_vehicle)
    found = msgspec.structs.replace(held, **given)
    if found == held:
        raise InvalidArgument("the charge session is already as this correction would make it")
    start, end = found.odometer_start_km, found.odometer_end_km
    if start is not None and end is not None and end < start:
        raise InvalidArgument(f"odometer_end_km: allowed is {start:g}, that of the start, or more, got {end:g}")
    return found


def check_text(field: str, text: str | None) -> None:
    """Text for people: it steers no terminal; a note may have several lines. Raises InvalidArgument."""
    shown = "" if text is None else text.replace("\n", " ") if field == "note" else text
    if any(unicodedata.category(one) in STEERING for one in shown) or (text is not None and not text.strip()):
        allowed = "characters that can be read, and line breaks" if field == "note" else "one line that can be read"
        raise InvalidArgument(f"{field}: allowed are {allowed}")
