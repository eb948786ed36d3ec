"""The charge log that a box keeps itself, as it is taken over: one entry for each line that the box has.

Rules:

* What is taken over is what the box wrote, oddities included: they are kept, and marked (``Oddity``), never mended.
* Energies and meter readings are exact decimals of Wh, made of the digits that the box wrote, to the mWh. Times are
  epoch seconds UTC; beside them stays what the box wrote, since local time may be ambiguous (``box_log_times.py``).
* An entry is known by its *natural key*, made of what the box wrote and never of how we read it. The same line, asked
  for again or taken from a file, has the same key, so taking it over twice is taking it over once.
* ``energy_wh`` is of this entry alone. ``since_plugged_wh`` counts on from entry to entry of one plug-in and is never
  added up: it tells which entries belong together (``box_log_joins.py``).
* Nothing that a box or a file holds raises anything but Unreadable, and that only for the log as a whole.
"""

import hashlib
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final, Literal, TypeAlias, get_args

import msgspec

from gateway.domain.texts import bounded

Source: TypeAlias = Literal["openwb-2", "openwb-1.9", "evcc"]

Oddity: TypeAlias = Literal[
    "migrated",
    "no_time",
    "no_such_time",
    "ambiguous_time",
    "ends_before_begin",
    "overlaps",
    "over_a_day",
    "no_energy",
    "energy_differs",
    "discharged",
    "unknown_mode",
    "shares_unknown",
    "shares_incomplete",
    "no_serial_number",
]
"""``migrated``: from an older box, whose units vary. ``no_time``: begin or end is missing or no time.
``no_such_time``: a local time that the clocks skipped. ``ambiguous_time``: one that they showed twice, and nothing
tells which; the first is taken. ``overlaps``: it begins before the one before it ended. ``over_a_day``: longer than
24 h. ``energy_differs``: the meter's difference is another than the energy. ``shares_unknown``: all zero though
energy flowed. ``shares_incomplete``: they do not add up to 1."""

ODDITIES: Final[tuple[Oddity, ...]] = get_args(Oddity)

MOST_WH: Final = Decimal(10) ** 12
MILLI: Final = Decimal("0.001")
NO_WH: Final = Decimal(0)
WH_PER_KWH: Final = 1000
ROUNDING_WH: Final = Decimal("0.05")
"""What boxes round away between their meter and their sums."""

MOST_CHARS: Final = 255
MOST_DIGITS: Final = 40
DAY_S: Final = 86_400


class Shares(msgspec.Struct, frozen=True):
    """Which part of the energy came from where, 0 to 1, as the box says; they need not add up to 1."""

    grid: float
    pv: float
    battery: float
    chargepoints: float

    @property
    def total(self) -> float:
        return self.grid + self.pv + self.battery + self.chargepoints


class BoxLogEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the box's log. None: the box does not say, or not what can be read.

    ``chargepoint``: its id on 2.x, its number on 1.9, its name in evcc. ``mode``: in the words of the values; None is
    one that we do not know. ``charging_s``: how long it charged, to the minute on openWB. ``cost`` is in the currency
    of the box, by the price of the box.
    """

    key: str
    source: Source
    chargepoint: str | None = None
    chargepoint_name: str | None = None
    serial_number: str | None = None
    vehicle_id: str | None = None
    vehicle_name: str | None = None
    mode: str | None = None
    id_tag: str | None = None
    begin: float | None = None
    end: float | None = None
    begin_text: str | None = None
    end_text: str | None = None
    charging_s: int | None = None
    meter_start_wh: Decimal | None = None
    meter_end_wh: Decimal | None = None
    energy_wh: Decimal | None = None
    since_plugged_wh: Decimal | None = None
    discharged_wh: Decimal | None = None
    cost: Decimal | None = None
    shares: Shares | None = None
    soc_start_percent: float | None = None
    soc_end_percent: float | None = None
    odometer_km: float | None = None
    oddities: tuple[Oddity, ...] = ()


class BoxLog(msgspec.Struct, frozen=True):
    """What was read of a log, in the order of writing; ``unreadable`` lines are no entries at all."""

    entries: tuple[BoxLogEntry, ...]
    unreadable: int = 0


def natural_key(source: Source, *parts: object) -> str:
    """64 hexadecimal digits; equal for equal parts, where decimals count by their value and None is a part."""
    texts = ("\x00" if part is None else plain(part) if isinstance(part, Decimal) else str(part) for part in parts)
    return hashlib.sha256("\x1f".join((source, *texts)).encode("utf-8", "surrogatepass")).hexdigest()


def plain(number: Decimal) -> str:
    """The number without exponent and without superfluous zeros."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def exact_number(given: Any, *, times: int = 1, most: Decimal = MOST_WH) -> Decimal | None:
    """A number as it is written, with three decimals; None: none is given, or one that cannot be meant."""
    if isinstance(given, bool) or not isinstance(given, int | float | str | Decimal):
        return None
    if isinstance(given, str) and len(given) > MOST_DIGITS:
        return None
    try:
        number = Decimal(repr(given) if isinstance(given, float) else given)
        if not number.is_finite() or not abs(number) < most:
            return None
        # + 0 makes of a negative zero what it is
        return (number * times).quantize(MILLI) + 0
    except (ArithmeticError, ValueError):
        return None


def as_float(given: Any) -> float | None:
    """A number that need not be exact."""
    number = exact_number(given)
    return None if number is None else float(number)


def as_text(given: Any) -> str | None:
    """Text, or the digits of a number, as it is written; formulas, quotes and markup are left as they are.

    None for what is empty or "-", which is how boxes write that there is nothing.
    """
    if isinstance(given, bool) or not isinstance(given, str | int | float | Decimal):
        return None
    try:
        text = given if isinstance(given, str) else str(given)
    except ValueError:  # more digits than Python writes
        return None
    text = bounded(text.encode("utf-8", "replace").decode().replace("\x00", " ").strip(), MOST_CHARS)
    return None if text in ("", "-") else text


def in_order(oddities: Iterable[Oddity]) -> tuple[Oddity, ...]:
    """Each once, in the order of ODDITIES."""
    held = set(oddities)
    return tuple(oddity for oddity in ODDITIES if oddity in held)
