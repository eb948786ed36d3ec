"""What a box's log, the gateway's charge sessions and the meter say of a month, side by side.

Rules:

* Sums are of the month, in the site's local time, in which a plug-in or a charge session *ended*, as boxes count. The
  meter knows no sessions: its difference is that of the readings at the two ends of the month.
* A charge session and the plug-ins of the box that overlap it at the same charge point are held against each other:
  1.9 writes several lines for one. What is left over on either side is a difference of its own.
* Each difference has the likely cause, by what the records tell of themselves. Nothing is hidden and nothing mended:
  where nothing explains it, that is said.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Final, Literal, TypeAlias, TypeVar

import msgspec

from gateway.domain.box_log import NO_WH, Source
from gateway.domain.box_log_joins import PlugIn
from gateway.domain.months import Month

Ended = TypeVar("Ended")
Cause: TypeAlias = Literal[
    "gateway_was_away",
    "not_in_box_log",
    "gap",
    "meter_jump",
    "box_lacks_a_part",
    "no_energy_told",
    "over_month_end",
    "recorded_later",
    "outside_of_sessions",
    "unexplained",
]
"""``gateway_was_away``: the box has a plug-in that the gateway did not see. ``not_in_box_log``: the gateway saw one
of which the box wrote nothing, or nothing was asked for yet. ``gap``: the gateway did not see all of it, and says so.
``box_lacks_a_part``: the box counted more since the plug than its entries have. ``over_month_end``: a plug-in lasted
over it, so that the meter counts it in two months. ``recorded_later``: the meter is known from some time in the month
on, and what was charged before that is missing. ``outside_of_sessions``: the meter counted more than either."""

ROUNDING_WH: Final[Mapping[Source, Decimal]] = {
    "openwb-2": Decimal(1),
    "openwb-1.9": Decimal(10),
    "evcc": Decimal(10),
}
"""What each entry may be off by, for its digits."""

METER_ROUNDING_WH: Final = Decimal(10)
CLOCKS_S: Final = 120
"""How far apart the clocks of box and gateway may be."""

GAPS: Final = frozenset({"gap", "begin_unknown", "end_unknown"})


class Charged(msgspec.Struct, frozen=True):
    """A charge session of the gateway, as far as it matters here; ``flags``: how complete it is."""

    chargepoint: str
    begin: float
    end: float
    energy_wh: Decimal | None
    flags: tuple[str, ...] = ()


class MeterSpan(msgspec.Struct, frozen=True):
    """The readings at the ends of a month; None: none was recorded.

    ``jumps_wh``: how much the readings changed where the meter jumped or was exchanged; None: it did not.
    ``whole``: it was recorded from the beginning of the month on.
    """

    start_wh: Decimal | None
    end_wh: Decimal | None
    jumps_wh: Decimal | None = None
    whole: bool = True

    @property
    def counted_wh(self) -> Decimal | None:
        """What it counted; None as well where that would be less than nothing, for a jump that nobody knows of."""
        if self.start_wh is None or self.end_wh is None:
            return None
        counted_wh = self.end_wh - self.start_wh - (self.jumps_wh or NO_WH)
        return None if counted_wh < NO_WH else counted_wh


class Difference(msgspec.Struct, frozen=True):
    """One, with its moment. Of a whole month (``begin`` None) it is between gateway, else box, and meter."""

    cause: Cause
    begin: float | None
    end: float | None
    box_wh: Decimal | None
    gateway_wh: Decimal | None
    meter_wh: Decimal | None = None


class Reconciled(msgspec.Struct, frozen=True):
    """One month of one charge point. None: that source knows nothing of it."""

    month: Month
    chargepoint: str
    box_wh: Decimal | None
    gateway_wh: Decimal | None
    meter_wh: Decimal | None
    differences: tuple[Difference, ...]


def reconcile(
    plug_ins: Iterable[PlugIn],
    sessions: Iterable[Charged] | None,
    meters: Mapping[tuple[Month, str], MeterSpan],
    zone: tzinfo,
) -> list[Reconciled]:
    """By month and charge point. ``sessions`` None: there are none to be compared with, which is no difference."""
    box = _by_place([(one.chargepoint, one.end, one) for one in plug_ins], zone)
    gateway = _by_place([(one.chargepoint, one.end, one) for one in sessions or ()], zone)
    compare = sessions is not None
    found = []
    for month, chargepoint in sorted({*box, *gateway, *meters}):
        place = (month, chargepoint)
        ours = gateway.get(place, []) if compare else None
        found.append(_row(place, box.get(place, []), ours, meters.get(place), zone))
    return found


def _by_place(
    items: Iterable[tuple[str | None, float | None, Ended]], zone: tzinfo
) -> dict[tuple[Month, str], list[Ended]]:
    """What has an end, and a charge point."""
    found: dict[tuple[Month, str], list[Ended]] = {}
    for chargepoint, end, one in items:
        if chargepoint is not None and end is not None:
            found.setdefault((month_of(end, zone), chargepoint), []).append(one)
    return found


def _row(
    place: tuple[Month, str],
    box: Sequence[PlugIn],
    gateway: Sequence[Charged] | None,
    meter: MeterSpan | None,
    zone: tzinfo,
) -> Reconciled:
    box_wh = _sum(one.energy_wh for one in box)
    gateway_wh = None if gateway is None else _sum(one.energy_wh for one in gateway)
    meter_wh = None if meter is None else meter.counted_wh
    differences = [] if gateway is None else _differences(box, gateway)
    told_wh = box_wh if gateway_wh is None else gateway_wh
    if meter is not None and meter_wh is not None and abs((told_wh or NO_WH) - meter_wh) > METER_ROUNDING_WH:
        begins = [one.begin for one in gateway or box]
        cause = _meter_cause(place[0], meter, meter_wh - (told_wh or NO_WH), begins, zone)
        differences.append(Difference(cause, None, None, box_wh, gateway_wh, meter_wh))
    return Reconciled(*place, box_wh, gateway_wh, meter_wh, tuple(differences))


def _sum(energies: Iterable[Decimal | None]) -> Decimal | None:
    """None: nothing of the kind is there."""
    known = [energy for energy in energies if energy is not None]
    return sum(known, NO_WH) if known else None


def _differences(box: Sequence[PlugIn], gateway: Sequence[Charged]) -> list[Difference]:
    left = list(box)
    found = []
    for session in sorted(gateway, key=lambda one: one.begin):
        own = [one for one in left if _overlap(one, session)]
        left = [one for one in left if one not in own]
        difference = _compared(own, session)
        if difference is not None:
            found.append(difference)
    found.extend(
        Difference("gateway_was_away", one.begin, one.end, one.energy_wh, None) for one in left if one.energy_wh
    )
    return sorted(found, key=lambda one: one.begin or one.end or 0.0)


def _overlap(plug_in: PlugIn, session: Charged) -> bool:
    end = plug_in.end
    begin = end if plug_in.begin is None else plug_in.begin
    assert begin is not None  # else it would be of no month
    assert end is not None
    return begin <= session.end + CLOCKS_S and end >= session.begin - CLOCKS_S


def _compared(box: Sequence[PlugIn], session: Charged) -> Difference | None:
    box_wh = _sum(one.energy_wh for one in box)
    wh = session.energy_wh
    cause = _cause(box, box_wh, session)
    return None if cause is None else Difference(cause, session.begin, session.end, box_wh, wh)


def _cause(box: Sequence[PlugIn], box_wh: Decimal | None, session: Charged) -> Cause | None:
    """None: they agree."""
    wh = session.energy_wh
    if wh is None:
        return "gap" if box_wh else None
    if box_wh is None:
        return "no_energy_told" if box else "not_in_box_log" if wh > NO_WH else None
    apart_wh = wh - box_wh
    if abs(apart_wh) <= sum((len(one.segments) * ROUNDING_WH[one.source] for one in box), NO_WH):
        return None
    if "meter_jump" in session.flags:
        return "meter_jump"
    missing_wh = sum((one.missing_wh or NO_WH for one in box), NO_WH)
    if missing_wh and abs(apart_wh - missing_wh) <= ROUNDING_WH["openwb-2"]:
        return "box_lacks_a_part"
    return "gap" if GAPS & set(session.flags) else "unexplained"


def _meter_cause(
    month: Month,
    meter: MeterSpan,
    more_wh: Decimal,
    begins: Iterable[float | None],
    zone: tzinfo,
) -> Cause:
    if meter.jumps_wh is not None:
        return "meter_jump"
    if any(begin is not None and month_of(begin, zone) != month for begin in begins):
        return "over_month_end"
    if more_wh > NO_WH:
        return "outside_of_sessions"
    return "unexplained" if meter.whole else "recorded_later"


def month_of(moment: float, zone: tzinfo) -> Month:
    """The local month."""
    local = datetime.fromtimestamp(moment, zone)
    return Month(local.year, local.month)
