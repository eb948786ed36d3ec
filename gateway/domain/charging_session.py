"""A charge session while it is open: what is kept of it, and the record that comes of it.

Rules:

* *Id tag and vehicle* come a loop or two after the plug, and may be cleared a moment before the unplug. What stood at
  the end, or was cleared CLEARED_BEFORE_S before it or less, is bound; else what stood for HELD_S or longer, which is
  longer than a box takes to refuse a tag. The latest one counts.
* *State of charge*: a reading from before the plug is a car's that has been driving since. It counts as the start
  only until one from the time after the plug comes, and as the end only if no energy flowed. The start is the last
  reading before energy flowed, else the first one within the first START_WH. An odometer does not move meanwhile.
* *Segments* begin at the plug and at each change of the mode. A mode that becomes known before energy flowed holds
  from the begin.
* The energy is that since the plug, also where nobody looked, and the time only what was seen: where a part was not
  seen (UNSEEN) there is no mean power.
* Powers are told every few seconds, and the highest may lie between two of them: the peak is at least the mean. A
  mean of more than MOST_ABOVE times the highest power told is none: its time is not that of the energy, as in a try
  of a few seconds, or at a simulated box whose time goes faster than ours.
* What is timed while nobody sees the charge point counts only if it turns out to be the same plug-in, still charging.
"""

from collections.abc import Sequence
from decimal import Decimal
from enum import Enum
from typing import Final

import msgspec

from gateway.domain.charge_sessions import NOTHING, ChargeSession, Flag, Segment, in_order
from gateway.domain.charging_meter import HOUR_S, MeterCount
from gateway.domain.energy_sources import SourceCount

CLEARED_BEFORE_S = 15.0
HELD_S = 150.0
START_WH = 500
MOST_ABOVE = 1.25
NEVER = -1.0
UNSEEN: Final[frozenset[Flag]] = frozenset({"begin_unknown", "end_unknown", "gap"})


class Phase(Enum):
    """Where a charge session stands."""

    plugged = "plugged"
    charging = "charging"
    paused = "paused"
    ended = "ended"


class Bound(msgspec.Struct, kw_only=True):
    """Which tag, or vehicle, is bound to the charge session, of those that came and went."""

    settled: str | int | None = None
    latest: str | int | None = None
    since: float = 0.0
    cleared_at: float | None = None

    def see(self, shown: str | int | None, at: float) -> None:
        """What shows at a moment; None: nothing does."""
        if shown is None:
            if self.latest is not None and self.cleared_at is None:
                self._settle(at)
                self.cleared_at = at
        elif shown == self.latest:
            self.cleared_at = None
        else:
            if self.latest is not None and self.cleared_at is None:
                self._settle(at)
            self.latest, self.since, self.cleared_at = shown, at, None

    def at(self, end: float) -> str | int | None:
        """What is bound if the charge session ends at that moment."""
        if self.cleared_at is None or end - self.cleared_at <= CLEARED_BEFORE_S:
            return self.latest
        return self.settled

    def _settle(self, at: float) -> None:
        if at - self.since >= HELD_S:
            self.settled = self.latest


class Gauge(msgspec.Struct, kw_only=True):
    """A figure of the vehicle at start and end; ``..._is_new``: told after the plug."""

    start: float | None = None
    start_is_new: bool = False
    end: float | None = None
    end_is_new: bool = False
    told_at: float = NEVER

    def read(self, figure: float | None, told_at: float, plugged_at: float, energy_wh: Decimal) -> None:
        """Take a reading; one that was taken already changes nothing."""
        if figure is None or told_at <= self.told_at:
            return
        is_new = told_at >= plugged_at
        may_start = energy_wh <= START_WH and not self.start_is_new
        if may_start or energy_wh <= 0:
            self.start, self.start_is_new = figure, is_new
        self.end, self.end_is_new, self.told_at = figure, is_new, told_at


class OpenSegment(msgspec.Struct, kw_only=True):
    """``begin_wh``: the charge session's energy at its begin."""

    mode: str | None
    begin: float
    begin_wh: Decimal = NOTHING


class OpenSession(msgspec.Struct, kw_only=True):
    """``heard_at``: when the charge point was last seen. ``unseen_s``: time since then that may have been charging.

    ``floor_wh``: the meter at the start is reckoned, and not below this; None where it was read.
    """

    plugged_at_ms: int
    plugged_at: float
    heard_at: float
    phase: Phase = Phase.plugged
    meter: MeterCount = msgspec.field(default_factory=MeterCount)
    sources: SourceCount = msgspec.field(default_factory=SourceCount)
    peak_w: float | None = None
    charging_s: float = 0.0
    unseen_s: float = 0.0
    floor_wh: Decimal | None = None
    id_tag: Bound = msgspec.field(default_factory=Bound)
    vehicle: Bound = msgspec.field(default_factory=Bound)
    box_vehicle: int | None = None
    gauged_vehicle: int | None = None
    soc: Gauge = msgspec.field(default_factory=Gauge)
    odometer: Gauge = msgspec.field(default_factory=Gauge)
    segments: list[OpenSegment] = msgspec.field(default_factory=list)
    flags: list[Flag] = msgspec.field(default_factory=list)
    serial_number: str | None = None

    @property
    def energy_wh(self) -> Decimal:
        """So far; 0 without a reading of the meter."""
        return self.meter.energy_wh or NOTHING

    def flag(self, *flags: Flag) -> None:
        self.flags = list(in_order((*self.flags, *flags)))

    def switch(self, mode: str | None, at: float) -> bool:
        """The mode that shows; whether that begins another segment."""
        if not self.segments:
            self.segments.append(OpenSegment(mode=mode, begin=self.plugged_at))
            return False
        present = self.segments[-1]
        if mode is None or mode == present.mode:
            return False
        if present.mode is None and self.energy_wh <= 0:
            present.mode = mode
            return False
        self.segments.append(OpenSegment(mode=mode, begin=at, begin_wh=self.energy_wh))
        return True

    def began_at(self, start_wh: Decimal) -> None:
        """The meter stood lower at the plug than thought; it flowed in the first segment."""
        more = self.meter.began_at(start_wh)
        for segment in self.segments[1:]:
            segment.begin_wh += more

    def bound_vehicle(self, at: float) -> int | None:
        bound = self.vehicle.at(at)
        return bound if isinstance(bound, int) else self.box_vehicle


def record_of(
    site: str, chargepoint_id: str, session: OpenSession, vehicle_name: str | None, at: float, *, ended: bool
) -> ChargeSession:
    """The record of a charge session as of ``at``."""
    energy_wh, meter = session.meter.energy_wh, session.meter
    charging_s = round(session.charging_s, 3)
    id_tag = session.id_tag.at(at)
    soc, odometer = session.soc, session.odometer
    by_source = session.sources.of(energy_wh)
    peak_w, mean_w = _powers_w(session, charging_s)
    return ChargeSession(
        site=site,
        chargepoint_id=chargepoint_id,
        plugged_at_ms=session.plugged_at_ms,
        plugged_at=session.plugged_at,
        unplugged_at=at if ended else None,
        meter_start_wh=meter.start_wh,
        meter_end_wh=meter.end_wh,
        energy_wh=energy_wh,
        peak_w=peak_w,
        mean_w=mean_w,
        charging_s=charging_s,
        plugged_s=round(max(at - session.plugged_at, 0.0), 3),
        vehicle_id=session.bound_vehicle(at),
        vehicle_name=vehicle_name,
        id_tag=id_tag if isinstance(id_tag, str) else None,
        soc_start_percent=soc.start,
        soc_end_percent=soc.end if soc.end_is_new or session.energy_wh <= 0 else None,
        odometer_start_km=odometer.start,
        odometer_end_km=odometer.end,
        segments=_segments(session, at, ended=ended),
        energy_by_source=by_source,
        source_how=None if by_source is None else "estimated",
        completeness=tuple(session.flags),
        serial_number=session.serial_number,
    )


def _powers_w(session: OpenSession, charging_s: float) -> tuple[float | None, float | None]:
    """Peak and mean."""
    told_w, mean_w = session.peak_w, _mean_w(session.meter.energy_wh, charging_s, session.flags)
    if told_w is None or mean_w is None:
        return told_w, mean_w
    return (told_w, None) if mean_w > told_w * MOST_ABOVE else (max(told_w, mean_w), mean_w)


def _mean_w(energy_wh: Decimal | None, charging_s: float, flags: Sequence[Flag]) -> float | None:
    if energy_wh is None or charging_s <= 0 or UNSEEN.intersection(flags):
        return None
    return round(float(energy_wh) * HOUR_S / charging_s, 1)


def _segments(session: OpenSession, at: float, *, ended: bool) -> tuple[Segment, ...]:
    known = session.meter.energy_wh is not None
    ends_wh = [*(segment.begin_wh for segment in session.segments[1:]), session.energy_wh]
    ends: list[float | None] = [*(segment.begin for segment in session.segments[1:]), at if ended else None]
    return tuple(
        Segment(
            mode=segment.mode,
            begin=segment.begin,
            end=end,
            energy_wh=end_wh - segment.begin_wh if known else None,
        )
        for segment, end, end_wh in zip(session.segments, ends, ends_wh, strict=True)
    )
