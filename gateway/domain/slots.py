"""Slots: the spans of time for which the values of a site are recorded, each once.

Rules:

* A slot is as long as the *period* and is named by its start, in whole milliseconds since the epoch. Starts are
  multiples of the period, so every process finds the same ones. Its end is the start of the next.
* The *sample* of a slot is the state at its end: a change at that very moment counts, a later one does not.
* After a change of the period, the first new slot begins where the last old one ended, or as soon after it as its
  alignment allows: no moment is in two slots, and no start is given to two of them.
"""

from collections.abc import Mapping
from enum import IntEnum
from math import ceil
from typing import Final, TypeAlias

import msgspec

from gateway.domain.catalogue import entry_for
from gateway.domain.entries import Kind
from gateway.domain.errors import InvalidArgument

LEAST_PERIOD_MS: Final = 50
MOST_PERIOD_MS: Final = 86_400_000
MOST_POWER_W: Final = 1_000_000.0
LEAST_SPAN_MS: Final = 60_000
MS_OF_AN_HOUR: Final = 3_600_000
_ROUNDING_MS: Final = 0.001


class Quality(IntEnum):
    """How a value of a sample came to be; the numbers are stored."""

    live = 0
    stale = 1
    """Nobody vouched for the value, or nobody was there to look: it is None."""
    rebuilt = 2
    """Found out afterwards, from the changes that the store still had."""
    jumped = 3
    """A counter that did not go on as a counter can: its difference to the value before is no energy."""


Value: TypeAlias = tuple[float | None, int]
"""A number and its quality. None with quality ``live`` or ``rebuilt``: known to be unknown, as the box said."""


class Sample(msgspec.Struct, frozen=True):
    """The recorded values of a site at the end of a slot; times in milliseconds, UTC.

    ``epoch`` and ``seq`` are the position up to which every change is in the values. ``skipped`` is how many slots
    right before this one nobody will ever sample, ``marks`` the last known readings of counters that are None here.
    """

    slot: int
    period_ms: int
    epoch: str
    seq: int
    values: dict[str, Value]
    taken_ms: int = 0
    skipped: int = 0
    marks: dict[str, float] = {}

    @property
    def end(self) -> int:
        return self.slot + self.period_ms


def period_ms_of(seconds: float) -> int:
    """A period as the settings give it, in milliseconds. Raises InvalidArgument with what is allowed."""
    ms = round(seconds * 1000) if abs(seconds) <= MOST_PERIOD_MS else -1  # which NaN is not
    if not LEAST_PERIOD_MS <= ms <= MOST_PERIOD_MS or abs(seconds * 1000 - ms) > _ROUNDING_MS:
        raise InvalidArgument(
            f"a period has {LEAST_PERIOD_MS / 1000:g} to {MOST_PERIOD_MS // 1000} seconds, in whole milliseconds; "
            f"this one has {seconds:.15g}"
        )
    return ms


def slot_of(time_ms: int, period_ms: int) -> int:
    """The slot in which a moment is."""
    return time_ms // period_ms * period_ms


def next_slot(slot: int, period_ms: int) -> int:
    """The first slot that begins after the given start, which may be one of another period."""
    return slot_of(slot, period_ms) + period_ms


def first_slot_from(time_ms: int, period_ms: int) -> int:
    """The first slot that begins then or later."""
    return -(-time_ms // period_ms) * period_ms


def slots_between(from_ms: int, to_ms: int, period_ms: int) -> range:
    """The slots that begin then or later, and before the second moment."""
    return range(first_slot_from(from_ms, period_ms), to_ms, period_ms)


def moment_ms(time_s: float) -> int:
    """Epoch seconds as whole milliseconds, rounded up: what is after the end of a slot stays after it."""
    return ceil(time_s * 1000 - _ROUNDING_MS)  # a float of today's times is less exact than that


def is_counter(key: str) -> bool:
    """Whether the value is a meter reading. A span, as the energy of a day, may be negative and is none."""
    if not key.endswith("_wh"):  # a name holds its unit; asked for every value of every sample
        return False
    entry = entry_for(key)
    return entry is not None and entry.kind is Kind.number and entry.unit == "Wh" and entry.minimum == 0


class Counters:
    """Whether meters go on as a meter can; remembers the last reading of each.

    A reading *jumps* when it is below the one before it, or above by more than ``most_power_w`` would have brought
    since the reading last moved, for which a minute is allowed at least: boxes read some meters late.
    """

    def __init__(self, most_power_w: float = MOST_POWER_W) -> None:
        self._most_power_w = most_power_w
        self._held: dict[str, tuple[float, int]] = {}

    def hold(self, readings_wh: Mapping[str, float], at_ms: int) -> None:
        """What was read before, as of then."""
        self._held.update((key, (reading_wh, at_ms)) for key, reading_wh in readings_wh.items())

    def jumps(self, key: str, reading_wh: float, at_ms: int) -> bool:
        """Take in the next reading; whether it jumps."""
        before_wh, since_ms = self._held.get(key, (reading_wh, at_ms))
        if reading_wh != before_wh or key not in self._held:
            self._held[key] = (reading_wh, at_ms)
        most_wh = self._most_power_w * max(at_ms - since_ms, LEAST_SPAN_MS) / MS_OF_AN_HOUR
        return not 0 <= reading_wh - before_wh <= most_wh

    def marks(self, values: Mapping[str, Value]) -> dict[str, float]:
        """The last readings of the counters that have none among the values."""
        return {
            key: self._held[key][0] for key, (number, _) in values.items() if number is None and key in self._held
        }
