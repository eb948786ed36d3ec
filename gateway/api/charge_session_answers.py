"""The charge sessions in the shape in which REST tells them."""

from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec

from gateway.domain.charge_corrections import Correctable, Version
from gateway.domain.charge_sessions import ChargeSession, EnergyBySource, Flag, Segment, SourceHow
from gateway.domain.charge_statistics import Sum, sources_of
from gateway.domain.moments import local_moment
from gateway.services.charge_sessions import Told

SourceHowText = Annotated[
    SourceHow | None,
    msgspec.Meta(
        description="Who says so: the box's own log, or the gateway's estimate, slot by slot. Null: nobody does."
    ),
]
Completeness = Annotated[
    tuple[Flag, ...],
    msgspec.Meta(
        description="What is not whole about it; empty: all was seen. `begin_unknown`: plugged in before anybody saw"
        " it. `end_unknown`: unplugged while nobody saw it. `gap`: a part was not seen; the energy is right, times,"
        " peak and segments may lack something. `meter_jump`: the meter jumped or was exchanged. `clock`: box and"
        " gateway disagreed about the time."
    ),
]
Origin = Annotated[
    Literal["simulated"] | None,
    msgspec.Meta(description="`simulated` at the site of the demo: no charge session that ever was."),
]
VersionNumber = Annotated[int, msgspec.Meta(description="How often it was corrected; 0: never.")]


class SourcesAnswer(msgspec.Struct, frozen=True):
    """Wh; they add up to the energy."""

    grid_wh: float
    pv_wh: float
    battery_wh: float
    unknown_wh: float


class SegmentAnswer(msgspec.Struct, frozen=True):
    """A stretch in one charge mode. The energies of all add up to that of the charge session."""

    mode: str | None
    begin: datetime
    end: datetime | None
    energy_wh: float | None


class CommonAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What there is of one that goes on, too. ``person`` and ``cost`` come with persons and prices, and are null."""

    chargepoint_id: str
    plugged_at: datetime
    unplugged_at: datetime | None
    meter_start_wh: float | None
    meter_end_wh: float | None
    energy_wh: float | None
    peak_w: float | None
    mean_w: float | None
    charging_s: float
    plugged_s: float
    vehicle_id: int | None
    vehicle_name: str | None
    id_tag: str | None
    person: str | None
    person_how: str | None
    soc_start_percent: float | None
    soc_end_percent: float | None
    odometer_start_km: float | None
    odometer_end_km: float | None
    modes: tuple[str, ...]
    energy_by_source: SourcesAnswer | None
    source_how: SourceHowText
    cost: float | None
    completeness: Completeness
    serial_number: str | None
    origin: Origin


class CurrentAnswer(CommonAnswer, frozen=True, kw_only=True):
    """One that goes on: everything as it stands at present."""

    segments: tuple[SegmentAnswer, ...]


class ChargeSessionAnswer(CommonAnswer, frozen=True, kw_only=True):
    """One that ended, as corrected."""

    id: int
    note: str | None
    version: VersionNumber


class CorrectableAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What may be corrected."""

    vehicle_id: int | None
    vehicle_name: str | None
    odometer_start_km: float | None
    odometer_end_km: float | None
    note: str | None


class VersionAnswer(CorrectableAnswer, frozen=True, kw_only=True):
    """A correction, and all that may be corrected as it is from then on."""

    version: int
    author: str
    reason: str
    at: datetime


class DetailAnswer(ChargeSessionAnswer, frozen=True, kw_only=True):
    """``original``: what was recorded, which never changes."""

    segments: tuple[SegmentAnswer, ...]
    original: CorrectableAnswer
    versions: tuple[VersionAnswer, ...]


class SumAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """``small``: how many of them are below 50 Wh. ``without_energy``: of how many it is not known."""

    sessions: int
    small: int
    without_energy: int
    energy_wh: float
    grid_wh: float
    pv_wh: float
    battery_wh: float
    unknown_wh: float


class Teller:
    """Tells charge sessions of one site, in its local time."""

    def __init__(self, zone: tzinfo, origin: Literal["simulated"] | None) -> None:
        self._zone = zone
        self._origin = origin

    def ended(self, told: Told) -> ChargeSessionAnswer:
        return ChargeSessionAnswer(**self._ended(told))

    def detail(self, told: Told) -> DetailAnswer:
        stored = told.stored
        return DetailAnswer(
            **self._ended(told),
            segments=self._segments(stored.session.segments),
            original=CorrectableAnswer(**_fields(stored.original)),
            versions=tuple(self.version(one) for one in stored.versions),
        )

    def current(self, session: ChargeSession) -> CurrentAnswer:
        common = self._common(session, session.energy_by_source, session.source_how)
        return CurrentAnswer(**common, segments=self._segments(session.segments))

    def version(self, version: Version) -> VersionAnswer:
        return VersionAnswer(
            version=version.version,
            author=version.author,
            reason=version.reason,
            at=local_moment(version.at, self._zone),
            **_fields(version.holds),
        )

    def _ended(self, told: Told) -> dict[str, Any]:
        stored = told.stored
        common = self._common(stored.session, told.sources, told.how)
        return {**common, **_fields(stored.holds), "id": stored.id, "version": stored.version}

    def _common(
        self, session: ChargeSession, sources: EnergyBySource | None, how: SourceHow | None
    ) -> dict[str, Any]:
        ended = session.unplugged_at
        return {
            "chargepoint_id": session.chargepoint_id,
            "plugged_at": local_moment(session.plugged_at, self._zone),
            "unplugged_at": None if ended is None else local_moment(ended, self._zone),
            "meter_start_wh": number_or_none(session.meter_start_wh),
            "meter_end_wh": number_or_none(session.meter_end_wh),
            "energy_wh": number_or_none(session.energy_wh),
            "peak_w": session.peak_w,
            "mean_w": session.mean_w,
            "charging_s": session.charging_s,
            "plugged_s": session.plugged_s,
            "vehicle_id": session.vehicle_id,
            "vehicle_name": session.vehicle_name,
            "id_tag": session.id_tag,
            "person": session.person,
            "person_how": session.person_how,
            "soc_start_percent": session.soc_start_percent,
            "soc_end_percent": session.soc_end_percent,
            "odometer_start_km": session.odometer_start_km,
            "odometer_end_km": session.odometer_end_km,
            "modes": tuple(dict.fromkeys(one.mode for one in session.segments if one.mode is not None)),
            "energy_by_source": _sources(session.energy_wh, sources),
            "source_how": how,
            "cost": number_or_none(session.cost),
            "completeness": session.completeness,
            "serial_number": session.serial_number,
            "origin": self._origin,
        }

    def _segments(self, segments: tuple[Segment, ...]) -> tuple[SegmentAnswer, ...]:
        return tuple(
            SegmentAnswer(
                one.mode,
                local_moment(one.begin, self._zone),
                None if one.end is None else local_moment(one.end, self._zone),
                number_or_none(one.energy_wh),
            )
            for one in segments
        )


def sum_answer(found: Sum) -> SumAnswer:
    return SumAnswer(
        sessions=found.sessions,
        small=found.small,
        without_energy=found.without_energy,
        energy_wh=number_of(found.energy_wh),
        grid_wh=number_of(found.grid_wh),
        pv_wh=number_of(found.pv_wh),
        battery_wh=number_of(found.battery_wh),
        unknown_wh=number_of(found.unknown_wh),
    )


def _fields(held: Correctable) -> dict[str, Any]:
    return msgspec.structs.asdict(held)


def number_of(exact: Decimal) -> float:
    """The JSON number of the very digits: below 10^12 with three decimals a double keeps and writes them all."""
    return float(exact)


def number_or_none(exact: Decimal | None) -> float | None:
    return None if exact is None else number_of(exact)


def _sources(energy_wh: Decimal | None, sources: EnergyBySource | None) -> SourcesAnswer | None:
    if energy_wh is None or sources is None:
        return None
    return SourcesAnswer(*(number_of(part) for part in sources_of(energy_wh, sources)))
