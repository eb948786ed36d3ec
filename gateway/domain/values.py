"""What a site's values are, and how a reader keeps them.

Rules:

* A *reading* is a value, the time of its last change and whether it is stale. Its absence (``None`` in changes)
  means that the key ceased to be, which is not the same as a reading whose value is ``None``: known to be unknown.
* A *position* is ``(epoch, seq)``. Within an epoch seq grows by one with every delta; positions of different epochs
  cannot be compared.
* Applying a snapshot and the deltas after it in order gives exactly the state at the last delta's seq.
"""

from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from itertools import takewhile
from typing import TypeAlias

import msgspec

JsonValue: TypeAlias = bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"] | None


class Removed(Enum):
    """Says that a key ceased to be, where a value may be None."""

    REMOVED = "removed"


REMOVED = Removed.REMOVED


class Reading(msgspec.Struct, frozen=True):
    """One value as the gateway knows it.

    ``changed_at`` is the gateway's receive time of the last change of ``value`` (epoch seconds UTC), or None when the
    value was first seen by retained replay. ``stale`` says that nobody vouches for the value any more.
    """

    value: JsonValue
    changed_at: float | None = None
    stale: bool = False


Changes: TypeAlias = dict[str, Reading | None]
"""Key to its new reading; None = the key ceased to be."""


class Position(msgspec.Struct, frozen=True):
    """A point in the history of a site: comparable only within one epoch."""

    epoch: str
    seq: int


class Delta(msgspec.Struct, frozen=True):
    """The newest reading, as of ``seq``, of every key that changed in (``from_seq``, ``seq``]."""

    epoch: str
    from_seq: int
    seq: int
    changes: Changes


class Snapshot(msgspec.Struct, frozen=True):
    """The whole state at a position, and what a reader needs to serve resumes from before it.

    ``seqs`` holds for each present key the seq of its last change, ``removed`` the seq at which a key ceased to be.
    Both are complete for every seq greater than ``complete_after``.
    """

    position: Position
    readings: dict[str, Reading]
    seqs: dict[str, int]
    removed: dict[str, int]
    complete_after: int


class SiteState:
    """A reader's copy of one site: the readings at a position, ordered by when each key last changed.

    Because every key remembers the seq of its last change, the merged delta from any older position is read off the
    end of that order; no history of messages is kept.
    """

    def __init__(self, snapshot: Snapshot, resume_entries: int = 10_000) -> None:
        self.position = snapshot.position
        self.readings = dict(snapshot.readings)
        self._resume_entries = resume_entries
        self._complete_after = snapshot.complete_after
        self._changed = _by_seq(snapshot.seqs)
        self._removed = _by_seq(snapshot.removed)

    def apply(self, delta: Delta) -> None:
        """Move to the delta's seq. The delta must continue exactly from this state's position."""
        if delta.epoch != self.position.epoch or delta.from_seq != self.position.seq:
            msg = f"delta {delta.epoch}:{delta.from_seq} does not continue {self.position}"
            raise ValueError(msg)
        for key, reading in delta.changes.items():
            self._changed.pop(key, None)
            self._removed.pop(key, None)
            if reading is None:
                self.readings.pop(key, None)
                self._removed[key] = delta.seq
            else:
                self.readings[key] = reading
                self._changed[key] = delta.seq
        self.position = Position(delta.epoch, delta.seq)
        self._forget_old_removals()

    def can_resume(self, position: Position) -> bool:
        """Whether ``since`` is complete for a reader that stands at ``position``."""
        return position.epoch == self.position.epoch and self._floor() <= position.seq <= self.position.seq

    def since(self, seq: int, matches: Callable[[str], bool]) -> Changes:
        """The newest reading of every matching key that changed after ``seq``; None for those that ceased to be."""
        changes: Changes = {key: self.readings[key] for key in _newer(self._changed, seq) if matches(key)}
        changes.update((key, None) for key in _newer(self._removed, seq) if matches(key))
        return changes

    def seq_of(self, key: str) -> int:
        """The seq of a present key's last change."""
        return self._changed[key]

    def _floor(self) -> int:
        return max(self._complete_after, self.position.seq - self._resume_entries)

    def _forget_old_removals(self) -> None:
        floor = self._floor()
        while self._removed:
            key, seq = next(iter(self._removed.items()))
            if seq > floor:
                return
            del self._removed[key]


def _by_seq(seqs: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(seqs.items(), key=lambda item: item[1]))


def _newer(ordered: dict[str, int], seq: int) -> Iterator[str]:
    return (key for key, _ in takewhile(lambda item: item[1] > seq, reversed(ordered.items())))


def differences(
    known: Mapping[str, Reading], values: Mapping[str, JsonValue], at: float | None, *, stale: bool
) -> Changes:
    """The readings that new ``values``, received ``at``, change against the ``known`` ones.

    An equal value keeps its ``changed_at``; it is a change only when its staleness differs.
    """
    changes: Changes = {}
    for key, value in values.items():
        old = known.get(key)
        if old is None or not same(old.value, value):
            changes[key] = Reading(value, at, stale)
        elif old.stale != stale:
            changes[key] = Reading(old.value, old.changed_at, stale)
    return changes


def same(one: JsonValue, other: JsonValue) -> bool:
    """Equality of JSON values, in which true is not 1."""
    return one == other and (type(one) is type(other) or not (isinstance(one, bool) or isinstance(other, bool)))
