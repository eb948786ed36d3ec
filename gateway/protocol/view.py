"""A client's copy of a view: the rules of applying what the server sends, and nothing else (architecture 7).

Rules:

* ``subscribed`` with how=snapshot voids the copy until its snapshot is complete. how=resumed: the copy goes on from
  the position it held; a delta follows. how=unchanged: nothing changes.
* A snapshot part 1 begins anew, whatever was gathered before; the parts take effect together with the last one.
* A delta with ``from`` <= held is applied, and max(held, ``seq``) is held; with ``seq`` <= held it is ignored. With
  ``from`` > held, or without a complete copy, the chain is broken: a right server never sends that.
* ``reset`` voids the copy until its next snapshot, under the number ``now``. With reason view the name of the view is
  void too, and nothing can be resumed from it, until the next ``subscribed`` tells another.
"""

from typing import Any

import msgspec

from gateway.domain.errors import GatewayError
from gateway.domain.values import Changes, Position, Reading
from gateway.protocol.messages import DeltaMessage, Held, Reset, SnapshotPart, Subscribed

LEAST_ITEMS, MOST_ITEMS = 2, 3


class ChainBroken(GatewayError):
    """The server sent what does not follow from what is held; resume from what is held, or begin anew."""

    code = "chain_broken"


class Applied(msgspec.Struct, frozen=True):
    """What a message changed. ``whole``: keys not in ``changes`` are gone (a snapshot came)."""

    position: Position
    changes: Changes
    whole: bool = False


class View:
    """One view; feed it its messages in the order of receipt.

    ``readings`` are those at ``position``. While ``position`` is None they are what was known last.
    """

    def __init__(self) -> None:
        self.name = ""
        self.position: Position | None = None
        self.readings: dict[str, Reading] = {}
        self._parts: list[SnapshotPart] = []

    @property
    def held(self) -> Held | None:
        """What a resume gives as ``from``."""
        if self.position is None or not self.name:
            return None
        return Held(epoch=self.position.epoch, seq=self.position.seq, view=self.name)

    def copy(self) -> "View":
        """Another view that holds the same; a snapshot half gathered is left out."""
        other = View()
        other.name, other.position, other.readings = self.name, self.position, dict(self.readings)
        return other

    def subscribed(self, message: Subscribed) -> None:
        """The answer to ``subscribe`` or ``update``."""
        if message.how == "resumed" and self.position is None:
            raise ChainBroken("resumed, but nothing was held")
        if message.how == "snapshot":
            self.position = None
        if message.how != "unchanged":
            self._parts = []
        self.name = message.view

    def snapshot(self, message: SnapshotPart) -> Applied | None:
        """A part; answers the changes with the last one."""
        if message.part == 1:
            self._parts = []
        expected = len(self._parts) + 1
        if message.part != expected or (self._parts and _place(message) != _place(self._parts[0])):
            raise ChainBroken(f"snapshot part {message.part} of {_place(message)} came where part {expected} belongs")
        self._parts.append(message)
        if message.part < message.parts:
            return None
        values = {key: wire for part in self._parts for key, wire in part.values.items()}
        changes = {key: reading_of(wire) for key, wire in values.items()}
        self._parts = []
        self.readings = {key: reading for key, reading in changes.items() if reading is not None}
        self.position = Position(message.epoch, message.seq)
        return Applied(self.position, changes, whole=True)

    def delta(self, message: DeltaMessage) -> Applied | None:
        """A delta; None when it brings nothing new."""
        held = self.position
        if held is None or self._parts:
            raise ChainBroken("a delta came before the snapshot was complete")
        if message.from_seq > held.seq:
            raise ChainBroken(f"a delta from {message.from_seq} came while {held.seq} was held")
        if message.seq <= held.seq:
            return None
        changes = {key: reading_of(wire) for key, wire in message.values.items()}
        for key, reading in changes.items():
            if reading is None:
                self.readings.pop(key, None)
            else:
                self.readings[key] = reading
        self.position = Position(held.epoch, message.seq)
        return Applied(self.position, changes)

    def reset(self, message: Reset) -> int:
        """The number under which the view goes on."""
        self.position = None
        self._parts = []
        if message.reason == "view":
            self.name = ""
        return message.now


def reading_of(wire: Any) -> Reading | None:
    """A value of the wire; what a later server adds behind is not looked at."""
    if wire is None:
        return None
    if not isinstance(wire, list) or len(wire) < LEAST_ITEMS:
        raise ChainBroken(f"a value is [value, changed_at], not {wire!r:.60}")
    return Reading(wire[0], wire[1], stale="stale" in wire[LEAST_ITEMS:MOST_ITEMS])


def _place(part: SnapshotPart) -> tuple[str, int, int]:
    return part.epoch, part.seq, part.parts
