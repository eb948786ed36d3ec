"""Messages as they go over the wire: encoded once, handed to any number of connections."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from gateway.domain.events import EventEntry
from gateway.domain.values import Changes, Position, Reading
from gateway.protocol.messages import DeltaMessage, EventMessage, ServerMessage, SnapshotPart

# what a snapshot message has besides its values, at most: names, digits and an epoch of 64 characters
FRAME_BYTES = 512

# RFC 6455 5.2
TEXT, PING, PONG = 0x1, 0x9, 0xA
FINAL = MASKED = 0x80
MOST_SHORT_BYTES, MOST_MEDIUM_BYTES = 125, 65_535
TWO_BYTES, EIGHT_BYTES = 126, 127


class Frame:
    """An encoded message. The same object goes to all who get the message; ``len`` is its size on the wire.

    ``wire`` is the whole websocket frame (RFC 6455 5.2): what servers send is not masked, so it is the same for all.
    """

    __slots__ = ("_header_bytes", "_text", "wire")

    def __init__(self, payload: bytes) -> None:
        self.wire = framed(TEXT, payload)
        self._header_bytes = len(self.wire) - len(payload)
        self._text: str | None = None

    def __len__(self) -> int:
        return len(self.wire)

    @property
    def payload(self) -> bytes:
        return self.wire[self._header_bytes :]

    @property
    def text(self) -> str:
        """The payload for servers that frame themselves; decoded once."""
        if self._text is None:
            self._text = self.payload.decode()
        return self._text


def framed(opcode: int, payload: bytes) -> bytes:
    """A whole, unmasked websocket frame."""
    size = len(payload)
    if size <= MOST_SHORT_BYTES:
        return bytes((FINAL | opcode, size)) + payload
    if size <= MOST_MEDIUM_BYTES:
        return bytes((FINAL | opcode, TWO_BYTES)) + size.to_bytes(2) + payload
    return bytes((FINAL | opcode, EIGHT_BYTES)) + size.to_bytes(8) + payload


def frame(message: ServerMessage) -> Frame:
    """Floats that are no numbers become null: JSON has no word for them."""
    return Frame(msgspec.json.encode(message))


def on_the_wire(reading: Reading | None) -> list[Any] | None:
    """``[value, changed_at]``, ``[value, changed_at, "stale"]``, or None for a key that ceased to be."""
    if reading is None:
        return None
    return [reading.value, reading.changed_at, "stale"] if reading.stale else [reading.value, reading.changed_at]


def delta_frame(subscription: int, from_seq: int, seq: int, changes: Changes) -> Frame:
    """A delta; with empty ``changes`` the sign of life that moves positions."""
    values = {key: on_the_wire(reading) for key, reading in changes.items()}
    return frame(DeltaMessage(subscription=subscription, from_seq=from_seq, seq=seq, values=values))


def event_frame(site: str, entry: EventEntry) -> Frame:
    """An event, with its id."""
    event = entry.event
    return frame(
        EventMessage(event_id=str(entry.id), at=event.at, site=site, event=event.kind, details=dict(event.details))
    )


def snapshot_frames(
    subscription: int, position: Position, readings: Mapping[str, Reading], part_bytes: int
) -> tuple[Frame, ...]:
    """The whole view in parts of at most ``part_bytes``; a single greater value has a part of its own."""
    pieces = list(_pieces(readings, part_bytes - FRAME_BYTES))
    return tuple(
        frame(
            SnapshotPart(
                subscription=subscription,
                epoch=position.epoch,
                seq=position.seq,
                part=number,
                parts=len(pieces),
                values=values,
            )
        )
        for number, values in enumerate(pieces, 1)
    )


def _pieces(readings: Mapping[str, Reading], most_bytes: int) -> Iterator[dict[str, msgspec.Raw]]:
    """At least one, which may be empty."""
    piece: dict[str, msgspec.Raw] = {}
    size = 0
    for key, reading in readings.items():
        value = msgspec.json.encode(on_the_wire(reading))
        more = len(msgspec.json.encode(key)) + len(value) + len(":,")
        if piece and size + more > most_bytes:
            yield piece
            piece, size = {}, 0
        piece[key] = msgspec.Raw(value)
        size += more
    yield piece
