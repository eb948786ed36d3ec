"""Charge sessions as they are written down: one plug-in is one charge session.

Rules:

* A charge session is known by its site, charge point and the moment of the plug in epoch milliseconds, for good.
* Meter readings and energies are exact decimals of Wh, of the digits that the box published: a difference of two of
  them has no binary noise. Times are epoch seconds UTC, and always the gateway's receive times, never the box's.
* ``energy_wh`` is meter at end less meter at start. Where the meter was exchanged or jumped in between it is the sum
  of what it counted between the jumps, and the flag ``meter_jump`` says so.
* The energies of the segments add up to ``energy_wh`` exactly.
* What nobody knows is None. What is known, but not whole, has a flag in ``completeness``; no flag: all was seen.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final, Literal, NamedTuple, TypeAlias

import msgspec

Flag: TypeAlias = Literal["begin_unknown", "end_unknown", "gap", "meter_jump", "clock"]
"""``begin_unknown``: it was plugged in before anybody saw it; ``plugged_at`` is when it was seen, the meter at start
reckoned from the energy since the plug where the box tells that. ``end_unknown``: it was unplugged while nobody saw
it; ``unplugged_at`` is when it was seen plugged in last. ``gap``: a part was not seen; energy is right, for the meter
counted on, but peak, times and segments may lack something. ``meter_jump``: the meter jumped or was exchanged.
``clock``: box and gateway disagreed about the time, or the gateway's clock was set."""

FLAGS: Final[tuple[Flag, ...]] = ("begin_unknown", "end_unknown", "gap", "meter_jump", "clock")

SourceHow: TypeAlias = Literal["box", "estimated"]

NOTHING: Final = Decimal(0)
SMALL_WH: Final = Decimal(50)
MOST_MORE_WH: Final = Decimal(5_000)
"""More than that never flows from one word of the tracker to the next: then the meter jumped."""


class ChargeSessionKey(NamedTuple):
    site: str
    chargepoint_id: str
    plugged_at_ms: int


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch in one charge mode; None while it was unknown. ``end`` None: it is the present one."""

    mode: str | None
    begin: float
    end: float | None
    energy_wh: Decimal | None


class EnergyBySource(msgspec.Struct, frozen=True, kw_only=True):
    """Where the energy came from, Wh. What is missing from the whole is unknown."""

    grid_wh: Decimal
    pv_wh: Decimal
    battery_wh: Decimal


class ChargeSession(msgspec.Struct, frozen=True, kw_only=True):
    """``unplugged_at`` None: still plugged in, everything as it stands at present.

    ``peak_w``: the highest power told, and at least ``mean_w``: energy over the time in which it charged.
    ``vehicle_id``: the one bound to it, 0 = the box's default one. ``person``, ``person_how`` and ``cost`` are for
    those who know of persons and prices; here they are None.
    """

    site: str
    chargepoint_id: str
    plugged_at_ms: int
    plugged_at: float
    unplugged_at: float | None = None
    meter_start_wh: Decimal | None = None
    meter_end_wh: Decimal | None = None
    energy_wh: Decimal | None = None
    peak_w: float | None = None
    mean_w: float | None = None
    charging_s: float = 0.0
    plugged_s: float = 0.0
    vehicle_id: int | None = None
    vehicle_name: str | None = None
    id_tag: str | None = None
    person: str | None = None
    person_how: str | None = None
    soc_start_percent: float | None = None
    soc_end_percent: float | None = None
    odometer_start_km: float | None = None
    odometer_end_km: float | None = None
    segments: tuple[Segment, ...] = ()
    energy_by_source: EnergyBySource | None = None
    source_how: SourceHow | None = None
    cost: Decimal | None = None
    completeness: tuple[Flag, ...] = ()
    serial_number: str | None = None

    @property
    def key(self) -> ChargeSessionKey:
        return ChargeSessionKey(self.site, self.chargepoint_id, self.plugged_at_ms)

    @property
    def small(self) -> bool:
        """Whether it is too little to be more than a try; a row like any other all the same."""
        return self.energy_wh is None or self.energy_wh < SMALL_WH


def as_of(session: ChargeSession, meter_wh: Decimal | None, at: float) -> ChargeSession:
    """An open one, brought up to a later moment and reading of its meter.

    None, or a reading that does not go on from the one before, brings nothing up.
    """
    begun = msgspec.structs.replace(session, plugged_s=max(session.plugged_s, round(at - session.plugged_at, 3)))
    if meter_wh is None or session.meter_end_wh is None or session.energy_wh is None:
        return begun
    more_wh = meter_wh - session.meter_end_wh
    if not NOTHING < more_wh <= MOST_MORE_WH:
        return begun
    segments = session.segments
    if segments and (held_wh := segments[-1].energy_wh) is not None:
        segments = (*segments[:-1], msgspec.structs.replace(segments[-1], energy_wh=held_wh + more_wh))
    energy_wh = session.energy_wh + more_wh
    return msgspec.structs.replace(begun, meter_end_wh=meter_wh, energy_wh=energy_wh, segments=segments)


def exact(published: float) -> Decimal:
    """The number as it was published: the shortest decimal text that stands for it, without a superfluous zero.

    A thousandth of a Wh is the finest that meters tell; what lies below is the noise of a box's own arithmetic.
    """
    number = round(float(published), 3)
    return Decimal(int(number)) if number.is_integer() else Decimal(repr(number))


def in_order(flags: Iterable[Flag]) -> tuple[Flag, ...]:
    """Each flag once, in the order of FLAGS."""
    held = set(flags)
    return tuple(flag for flag in FLAGS if flag in held)
