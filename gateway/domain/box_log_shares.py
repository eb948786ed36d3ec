"""Where the energy of a charge session came from, by the word of the box's own log, where it gives one.

Rules:

* The box's word wins over the gateway's estimate, for the box counts it so on its pages, too. Its word is of a charge
  session when its plug-ins at the same charge point in that time have the same energy, to 1 % or what it rounds away.
  Otherwise one of the two did not see all of it, and shares of the one would be wrong for the other.
* All its entries with as much energy as a box needs to tell shares must have them. Smaller ones have none; their
  energy has no source.
* What came from another charge point (a car that gives) came from none of the three, and has no source here.
* If the shares make up the whole, so do the energies, to the last digit.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from gateway.domain.box_log import NO_WH, BoxLogEntry
from gateway.domain.box_log_joins import PlugIn
from gateway.domain.charge_sessions import ChargeSession, EnergyBySource, SourceHow
from gateway.domain.reconcile import CLOCKS_S, ROUNDING_WH

LEAST_WITH_SHARES_WH: Final = Decimal(100)
"""Entries below that have zeros for shares (openWB/core: shares are reckoned from 100 Wh on)."""

SAME: Final = Decimal("0.01")
CENTS: Final = Decimal("0.01")
WHOLE: Final = 0.995
MOST: Final = 1.005


class BoxWord:
    """The plug-ins of some time, by charge point; made once for many charge sessions."""

    def __init__(self, plug_ins: Iterable[PlugIn]) -> None:
        self._at: dict[str, list[tuple[float, float, PlugIn]]] = {}
        for one in plug_ins:
            if one.chargepoint is not None and one.end is not None:
                begin = one.end if one.begin is None else one.begin
                self._at.setdefault(one.chargepoint, []).append((one.end, begin, one))
        for found in self._at.values():
            found.sort(key=lambda place: place[:2])

    def of(self, session: ChargeSession) -> EnergyBySource | None:
        """None: the box says nothing of this charge session."""
        wh = session.energy_wh
        if wh is None or wh <= NO_WH or session.unplugged_at is None:
            return None
        begin, end = session.plugged_at - CLOCKS_S, session.unplugged_at + CLOCKS_S
        near = self._near(session.chargepoint_id, begin, end)
        # one that was unplugged and plugged in again at once overlaps both, but for its middle
        inside = [place for place in near if begin <= (place[0] + place[1]) / 2 <= end]
        for places in (near, inside):
            own = [one for _, _, one in places]
            if own and _agree(own, wh):
                return _told([entry for one in own for entry in one.segments], wh)
        return None

    def told(self, session: ChargeSession) -> tuple[EnergyBySource | None, SourceHow | None]:
        """The sources, and who says so; the estimate where the box says nothing."""
        found = self.of(session)
        if found is not None:
            return found, "box"
        return session.energy_by_source, session.source_how

    def _near(self, chargepoint: str, begin: float, end: float) -> list[tuple[float, float, PlugIn]]:
        places = self._at.get(chargepoint, [])
        first = bisect_left(places, begin, key=lambda place: place[0])
        return [place for place in places[first:] if place[1] <= end]


def _agree(plug_ins: Sequence[PlugIn], wh: Decimal) -> bool:
    box_wh = sum((one.energy_wh or NO_WH for one in plug_ins), NO_WH)
    rounding_wh = sum((len(one.segments) * ROUNDING_WH[one.source] for one in plug_ins), NO_WH)
    return abs(box_wh - wh) <= max(rounding_wh, wh * SAME)


def _told(entries: Sequence[BoxLogEntry], wh: Decimal) -> EnergyBySource | None:
    sources = [NO_WH, NO_WH, NO_WH]
    whole = True
    for entry in entries:
        energy_wh, shares = entry.energy_wh or NO_WH, entry.shares
        if energy_wh <= NO_WH:
            continue
        if shares is None or not shares.total:
            if energy_wh >= LEAST_WITH_SHARES_WH:
                return None
            whole = False
            continue
        if shares.total > MOST:
            return None
        whole = whole and shares.total - shares.chargepoints >= WHOLE
        for number, share in enumerate((shares.grid, shares.pv, shares.battery)):
            sources[number] += energy_wh * Decimal(repr(share))
    return _rounded(sources, wh, whole=whole)


def _rounded(sources: Sequence[Decimal], wh: Decimal, *, whole: bool) -> EnergyBySource | None:
    rounded = [source.quantize(CENTS) for source in sources]
    if not any(rounded):
        return None
    apart_wh = wh - sum(rounded, NO_WH)
    if whole or apart_wh < NO_WH:
        greatest = rounded.index(max(rounded))
        rounded[greatest] += apart_wh
    grid_wh, pv_wh, battery_wh = rounded
    return EnergyBySource(grid_wh=grid_wh, pv_wh=pv_wh, battery_wh=battery_wh)
