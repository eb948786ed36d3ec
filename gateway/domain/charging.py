"""Charge sessions from the changes of a site: one plug-in, one charge session. Pure: changes in, happenings out.

Phases and what leads from one to the next:

    plugged --charges--> charging <--rests / charges--> paused;  all of them --unplugs--> ended

Rules:

* Only the plug begins and ends a charge session. Charging that comes and goes, as in a phase switch or when the
  control pilot is interrupted, leads from charging to paused and back. A mode change begins another segment.
* ``feed`` takes what changed, ``reset`` everything there is, when the position in the changes was lost. The time of a
  step is that of its youngest change: the same changes lead to the same records, whenever and wherever they are fed.
* A plug is *seen* when a live change brings it to a charge point that was known to be free. Everything else that is
  found plugged in (what a connection replays, what changed while it was stale) has ``begin_unknown``.
* What is stale is not believed. What happened meanwhile is judged when it is live again: free now: it ended, unseen,
  ``end_unknown``. Still plugged in: the same plug-in, unless the energy since the plug fell, or the meter counted
  more than it, or the bridge saw the plug come again. Longer than GAP_S, and always after a reset, it has a ``gap``.
* A 1.9 counts the energy since the plug anew when it starts: there that it fell within RESTART_S is no sign.
* An unplug while the charge point warns (fault state 1) is doubted, for a box that starts says so for one loop. It is
  believed, as of its own time, ALL_WELL_S after the warning ended or DOUBT_S after it came, if nothing is plugged in
  until then. Null is no unplug at all.
* A charge point that ceases to be ends its charge session after GONE_S, as of then, ``end_unknown``.
* Between two plug-ins of which nobody saw the change, the meter at the second one's plug is where the first ended.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from enum import Enum
from typing import Final, TypeAlias

import msgspec

from gateway.domain.charge_sessions import NOTHING, ChargeSession, exact
from gateway.domain.charging_beliefs import (
    BOX_TIME,
    CHARGEPOINTS,
    VEHICLES,
    ChargePoint,
    Doubt,
    Leaves,
    Site,
    Vehicle,
    by_member,
)
from gateway.domain.charging_meter import HOUR_S, NOISE_WH
from gateway.domain.charging_session import Gauge, OpenSession, Phase, record_of
from gateway.domain.values import Changes, Reading

GAP_S: Final = 60.0
RESTART_S: Final = 600.0
ALL_WELL_S: Final = 15.0
DOUBT_S: Final = 180.0
GONE_S: Final = 86_400.0
SET_BACK_S: Final = 60.0
LAG_S: Final = 70.0
COARSE_WH: Final = Decimal(50)
OPENWB_19: Final = "openwb-1.9"


class Signal(Enum):
    """What moves a charge session on."""

    charges = "charges"
    rests = "rests"
    unplugs = "unplugs"


STEPS: Final[Mapping[tuple[Phase, Signal], Phase]] = {
    (Phase.plugged, Signal.charges): Phase.charging,
    (Phase.plugged, Signal.unplugs): Phase.ended,
    (Phase.charging, Signal.rests): Phase.paused,
    (Phase.charging, Signal.unplugs): Phase.ended,
    (Phase.paused, Signal.charges): Phase.charging,
    (Phase.paused, Signal.unplugs): Phase.ended,
}


def next_phase(phase: Phase, signal: Signal) -> Phase:
    """Where a signal leads; raises ValueError when it cannot come in this phase."""
    try:
        return STEPS[phase, signal]
    except KeyError:
        raise ValueError(f"a charge session that is {phase.value} takes no {signal.value!r}") from None


class Started(msgspec.Struct, frozen=True):
    session: ChargeSession


class SegmentBegan(msgspec.Struct, frozen=True):
    session: ChargeSession


class Ended(msgspec.Struct, frozen=True):
    """The record is final."""

    session: ChargeSession


Happening: TypeAlias = Started | SegmentBegan | Ended


class Found(msgspec.Struct, frozen=True):
    """How a plug, in or out, was found. ``seen_last``: when it had been seen before, None: just now.

    ``witnessed``: the bridge saw it change at ``changed_at``, and only we did not see it then.
    """

    changed_at: float | None
    seen_last: float | None
    witnessed: bool


class ChargingWatch:
    """Follows the charge sessions of one site.

    ``beliefs`` is all it knows, and goes on from where another one stood. Steps must come in order.
    """

    def __init__(self, site: str, beliefs: Site | None = None) -> None:
        self.beliefs = beliefs or Site()
        self._site = site

    def dump(self) -> bytes:
        """Everything that is known, to be written down beside the position."""
        return msgspec.json.encode(self.beliefs)

    @classmethod
    def load(cls, site: str, dumped: bytes) -> "ChargingWatch":
        """Go on from a ``dump``; raises msgspec.DecodeError when it is none."""
        return cls(site, msgspec.json.decode(dumped, type=Site))

    @property
    def has_open(self) -> bool:
        """Whether there are any."""
        return any(point.session is not None for point in self.beliefs.chargepoints.values())

    def open_sessions(self) -> tuple[ChargeSession, ...]:
        """The open charge sessions as they stand."""
        return tuple(self._record(id_, session, self.beliefs.at) for id_, _, session in self._open())

    def feed(self, changes: Changes) -> tuple[Happening, ...]:
        """One step of the changes; None = the key ceased to be."""
        return tuple(self._step(changes, reset=False))

    def reset(self, readings: Mapping[str, Reading]) -> tuple[Happening, ...]:
        """The whole state, where the changes in between are lost, or there were none before."""
        changes: Changes = {f"{CHARGEPOINTS}/{id_}/plugged": None for id_ in self.beliefs.chargepoints}
        self.beliefs.powers_w.clear()
        return tuple(self._step({**changes, **readings}, reset=True))

    def _step(self, changes: Changes, *, reset: bool) -> Iterator[Happening]:
        site = self.beliefs
        at, set_back = self._moment(changes, reset=reset)
        self._pass_time(at, seen=not reset)
        site.take(changes)
        for id_, leaves in by_member(changes, VEHICLES).items():
            site.vehicles.setdefault(id_, Vehicle()).take(leaves)
        for _, _, session in self._open():
            self._flag(session, set_back=set_back, lost=reset)
        before, site.at = site.at, at
        for id_, leaves in by_member(changes, CHARGEPOINTS).items():
            point = site.chargepoints.setdefault(id_, ChargePoint())
            yield from self._take(id_, point, leaves, before, reset=reset)
            if point.plugged is False and point.session is None:
                point.idle_wh = point.meter_wh
        for id_, point, session in list(self._open()):
            yield from self._settle(id_, point, session)

    def _moment(self, changes: Changes, *, reset: bool) -> tuple[float, bool]:
        """The time of a step, and whether the gateway's clock was set back; the box's time comes only when it is."""
        told = (reading.changed_at for reading in changes.values() if reading is not None)
        youngest = max((at for at in told if at is not None), default=0.0)
        beat = changes.get(BOX_TIME)
        live = beat is not None and not beat.stale and not reset
        if live and youngest < self.beliefs.at - SET_BACK_S:
            return youngest, True
        return max(self.beliefs.at, youngest), False

    def _pass_time(self, at: float, *, seen: bool) -> None:
        seconds, mix = max(at - self.beliefs.at, 0.0), self.beliefs.mix
        for _, point, session in self._open():
            flows_seen = seen and point.seen
            session.sources.pass_time(seconds, point.power_w or 0.0, mix if flows_seen else None)
            if session.phase is Phase.charging:
                if flows_seen:
                    session.charging_s += seconds
                else:
                    session.unseen_s += seconds

    def _flag(self, session: OpenSession, *, set_back: bool, lost: bool) -> None:
        if set_back or self.beliefs.clock_wrong:
            session.flag("clock")
        if lost:
            session.flag("gap")

    def _take(
        self, id_: str, point: ChargePoint, leaves: Leaves, before: float, *, reset: bool
    ) -> Iterator[Happening]:
        """What changed at one charge point; ``before`` is the time of the step before."""
        since_before = point.energy_since_plugged_wh
        point.take(leaves, self.beliefs.at)
        if "plugged" not in leaves:
            return
        plug = leaves["plugged"]
        if plug is None:
            point.gone_since = before if point.gone_since is None else point.gone_since
        elif plug.stale:
            point.stale_since = before if point.stale_since is None else point.stale_since
        elif isinstance(plug.value, bool):
            unseen = [last for last in (point.stale_since, point.gone_since) if last is not None]
            witnessed = reset and not unseen and self._saw(plug)
            if reset:
                unseen.append(before)
            point.stale_since = point.gone_since = None
            found = Found(plug.changed_at, min(unseen, default=None), witnessed)
            if plug.value:
                fresh = "energy_since_plugged_wh" in leaves
                yield from self._plugged(id_, point, found, since_before if fresh else None)
            else:
                yield from self._free(id_, point, found)

    def _saw(self, plug: Reading) -> bool:
        """Whether the bridge saw this change come, and not only found it."""
        up_since = self.beliefs.up_since
        return plug.changed_at is not None and up_since is not None and plug.changed_at >= up_since

    def _plugged(self, id_: str, point: ChargePoint, found: Found, since_before: float | None) -> Iterator[Happening]:
        """Something is plugged in. ``since_before``: the energy since the plug as it was; None: no way to compare."""
        known, point.plugged = point.plugged, True
        session, doubt, point.doubt = point.session, point.doubt, None
        if session is None:
            yield self._begin(id_, point, found, known=known)
            return
        if doubt is not None and doubt.seen_last is not None:
            found = msgspec.structs.replace(found, seen_last=doubt.seen_last)
        if found.seen_last is not None and not self._is_same(point, session, found, since_before):
            yield from self._another(id_, point, session, found)
            return
        if found.seen_last is not None and self.beliefs.at - found.seen_last >= GAP_S:
            session.flag("gap")
        if point.charging:
            session.charging_s += session.unseen_s
        session.unseen_s = 0.0

    def _is_same(self, point: ChargePoint, session: OpenSession, found: Found, since_before: float | None) -> bool:
        """Whether it is the plug-in of the open charge session that is found plugged in again."""
        assert found.seen_last is not None
        came_again = found.witnessed and found.changed_at is not None and found.changed_at > found.seen_last
        since_now, meter_before = point.energy_since_plugged_wh, session.meter.end_wh
        if since_before is None or since_now is None:
            return not came_again
        grew_wh = exact(since_now) - exact(since_before)
        if grew_wh < -NOISE_WH:
            return self.beliefs.dialect == OPENWB_19 and self.beliefs.at - found.seen_last < RESTART_S
        lag_wh = COARSE_WH + exact(max(session.peak_w or 0.0, point.power_w or 0.0) * LAG_S / HOUR_S)
        if (
            point.meter_wh is not None
            and meter_before is not None
            and (exact(point.meter_wh) - meter_before - grew_wh > lag_wh)
        ):
            return False
        return not came_again or exact(since_now) > COARSE_WH

    def _another(self, id_: str, point: ChargePoint, session: OpenSession, found: Found) -> Iterator[Happening]:
        """The open charge session ended unseen, and the next one has begun."""
        assert found.seen_last is not None
        point.idle_wh = None
        start_wh, end_wh = _reckoned_start(point), session.meter.end_wh
        if start_wh is None and point.meter_wh is not None:
            start_wh = exact(point.meter_wh)
        if start_wh is not None and end_wh is not None and start_wh > end_wh:
            self._count(session, float(start_wh))
        yield self._end(id_, point, session, found.seen_last, unknown=True)
        yield self._begin(id_, point, found, known=True)

    def _begin(self, id_: str, point: ChargePoint, found: Found, *, known: bool | None) -> Happening:
        """``known``: whether something was plugged in before."""
        live = found.seen_last is None and known is False and found.changed_at is not None
        moment = found.changed_at
        if moment is None or (found.seen_last is not None and known is not None and moment < found.seen_last):
            moment = self.beliefs.at
        point.last_ms = max(round(moment * 1000), point.last_ms + 1)
        session = OpenSession(plugged_at_ms=point.last_ms, plugged_at=moment, heard_at=self.beliefs.at)
        self._flag(session, set_back=False, lost=found.witnessed)
        if not live and not found.witnessed:
            session.flag("begin_unknown")
        if not live and _reckoned_start(point) is not None:
            session.floor_wh = _floor(point)
        point.session = session
        self._sync(point, session)
        return Started(self._record(id_, session, self.beliefs.at))

    def _free(self, id_: str, point: ChargePoint, found: Found) -> Iterator[Happening]:
        """Nothing is plugged in."""
        point.plugged = False
        session = point.session
        if session is None or point.doubt is not None:
            return
        self._measure(point, session)
        unknown = found.seen_last is not None and not found.witnessed
        moment = found.seen_last if unknown else found.changed_at
        at = self.beliefs.at if moment is None else moment
        if point.fault_state:
            point.doubt = Doubt(raised_at=self.beliefs.at, at=at, unknown=unknown, seen_last=found.seen_last)
        else:
            yield self._end(id_, point, session, at, unknown=unknown)

    def _end(self, id_: str, point: ChargePoint, session: OpenSession, at: float, *, unknown: bool) -> Happening:
        session.phase = next_phase(session.phase, Signal.unplugs)
        if unknown:
            session.flag("end_unknown")
        point.session = point.doubt = None
        point.idle_wh = None if session.meter.end_wh is None else float(session.meter.end_wh)
        record = self._record(id_, session, max(at, session.plugged_at), ended=True)
        return Ended(record)

    def _settle(self, id_: str, point: ChargePoint, session: OpenSession) -> Iterator[Happening]:
        """What a step means for an open charge session, whether or not it concerned its charge point."""
        at, doubt = self.beliefs.at, point.doubt
        if point.gone_since is not None and at - point.gone_since >= GONE_S:
            point.plugged = None
            yield self._end(id_, point, session, point.gone_since, unknown=True)
        elif point.seen:
            if self._sync(point, session):
                yield SegmentBegan(self._record(id_, session, at))
        elif doubt is not None and point.stale_since is None and point.gone_since is None:
            well = not point.fault_state and at - point.well_since >= ALL_WELL_S
            if well or at - doubt.raised_at >= DOUBT_S:
                yield self._end(id_, point, session, doubt.at, unknown=doubt.unknown)

    def _sync(self, point: ChargePoint, session: OpenSession) -> bool:
        """Take into the charge session what is believed now; whether a segment began."""
        at = self.beliefs.at
        session.id_tag.see(point.id_tag, at)
        session.vehicle.see(point.vehicle_id or None, at)
        session.box_vehicle = point.vehicle_id
        if session.serial_number is None:
            session.serial_number = point.serial_number
        elif session.serial_number != point.serial_number:
            session.flag("meter_jump")
        self._measure(point, session)
        return session.switch(point.mode, at)

    def _measure(self, point: ChargePoint, session: OpenSession) -> None:
        """Meter, power, charging or not, and the vehicle's figures."""
        if point.meter_wh is not None:
            if session.meter.end_wh != exact(point.meter_wh):
                self._count(session, point.meter_wh)
            if session.floor_wh is not None and point.energy_since_plugged_wh is not None:
                start_wh = exact(point.meter_wh) - exact(point.energy_since_plugged_wh)
                session.began_at(max(start_wh, session.floor_wh))
        session.heard_at = self.beliefs.at
        if point.power_w is not None:
            session.peak_w = max(session.peak_w or 0.0, point.power_w)
        if point.charging is not (session.phase is Phase.charging):
            session.phase = next_phase(session.phase, Signal.charges if point.charging else Signal.rests)
        bound = session.vehicle.latest
        vehicle_id = bound if isinstance(bound, int) else session.box_vehicle
        if vehicle_id != session.gauged_vehicle:
            session.gauged_vehicle, session.soc, session.odometer = vehicle_id, Gauge(), Gauge()
        vehicle = self.beliefs.vehicles.get(str(vehicle_id))
        if vehicle is not None:
            session.soc.read(vehicle.soc_percent, vehicle.soc_told_at, session.plugged_at, session.energy_wh)
            session.odometer.read(vehicle.odometer_km, vehicle.odometer_told_at, session.plugged_at, NOTHING)

    def _count(self, session: OpenSession, meter_wh: float) -> None:
        added_wh = session.meter.read(meter_wh, self.beliefs.at - session.heard_at, session.peak_w or 0.0)
        session.sources.count(float(added_wh), self.beliefs.mix)
        if session.meter.jumped:
            session.flag("meter_jump")

    def _open(self) -> Iterator[tuple[str, ChargePoint, OpenSession]]:
        for id_, point in self.beliefs.chargepoints.items():
            if point.session is not None:
                yield id_, point, point.session

    def _record(self, id_: str, session: OpenSession, at: float, *, ended: bool = False) -> ChargeSession:
        vehicle = self.beliefs.vehicles.get(str(session.bound_vehicle(at)))
        return record_of(self._site, id_, session, vehicle.name if vehicle else None, at, ended=ended)


def _floor(point: ChargePoint) -> Decimal:
    """Where the meter stood at least at the plug."""
    if point.idle_wh is None or point.meter_wh is None or point.meter_wh < point.idle_wh:
        return NOTHING
    return exact(point.idle_wh)


def _reckoned_start(point: ChargePoint) -> Decimal | None:
    """The meter at the plug, by the energy since then; None: the box does not tell it."""
    if point.meter_wh is None or point.energy_since_plugged_wh is None:
        return None
    return max(exact(point.meter_wh) - exact(point.energy_since_plugged_wh), _floor(point))
