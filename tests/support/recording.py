"""A recorded openWB as data: its messages, when each is due again, and which numbers in them are moments.

Rules of the shift in time:

* The box's clock (``system/time``) says the moment at which the message is played, whatever it said once.
* Any other number that names a moment near the recording, in epoch seconds or milliseconds, moves by the round's
  offset, a whole number of seconds; its fraction stays as it is written.
* Where such a number is the name of a field it is the start of a slot (electricity prices): it moves by the greatest
  multiple of a quarter of an hour that is not above the offset: slots stay on the quarters, and one is current.
* Everything else, the text of the payload included, stays as recorded.
"""

import math
import re
from collections.abc import Iterator, Sequence

import msgspec

HEARTBEAT = "openWB/system/time"
SLOT_S = 900
BEFORE_S, AFTER_S = 86_400, 5 * 86_400
MOMENT = re.compile(r'(?<![\w.+-])(?P<seconds>[12]\d{9})(?P<milliseconds>\d{3})?(?!\w)(?P<field>(?:\.\d+)?"\s*:)?')


class Recorded(msgspec.Struct, frozen=True):
    """One message of the box; ``t`` is in seconds from the start of the recording."""

    topic: str
    payload: str
    retain: bool = True
    t: float = 0.0


class Due(msgspec.Struct, frozen=True):
    """One message to publish, ``due_s`` seconds after the moment for which it was asked.

    ``index`` counts the session's messages from 0.
    """

    due_s: float
    index: int
    topic: str
    payload: str
    retain: bool


class Capture(msgspec.Struct, frozen=True):
    """``start``: the retained messages before the session; ``session``: what followed, in order."""

    start: tuple[Recorded, ...]
    session: tuple[Recorded, ...]

    def recorded_at(self) -> float | None:
        """Epoch seconds of the session's t = 0 by the box's own clock; None when that never showed."""
        for message in self.session:
            if message.topic == HEARTBEAT:
                return float(message.payload) - message.t
        return None


class Shift:
    """Moves the moments of a capture so that its t = 0 becomes ``now``."""

    def __init__(self, capture: Capture, now: float) -> None:
        recorded_at = capture.recorded_at()
        self._offset_s = 0 if recorded_at is None else math.floor(now - recorded_at)
        self._slot_offset_s = self._offset_s // SLOT_S * SLOT_S
        self._first_s = math.inf if recorded_at is None else recorded_at - BEFORE_S
        self._last_s = -math.inf if recorded_at is None else recorded_at + AFTER_S

    def payload(self, message: Recorded, now: float) -> str:
        """The message's payload when it is played at ``now``."""
        if message.topic == HEARTBEAT:
            return f"{now:.6f}"
        return MOMENT.sub(self._moved, message.payload)

    def _moved(self, found: re.Match[str]) -> str:
        seconds = int(found["seconds"])
        if not self._first_s <= seconds <= self._last_s:
            return found[0]
        moved = seconds + (self._slot_offset_s if found["field"] else self._offset_s)
        return f"{moved}{found['milliseconds'] or ''}{found['field'] or ''}"


def start_of(capture: Capture, shift: Shift, now: float) -> dict[str, str]:
    """Topic to payload of the start state, as of ``now``."""
    return {message.topic: shift.payload(message, now) for message in capture.start}


def schedule(
    session: Sequence[Recorded], shift: Shift, now: float, *, speed: float = 1.0, first: int = 0
) -> Iterator[Due]:
    """The session from message ``first`` on, in order, counted from ``now``, ``speed`` times as fast as recorded.

    Time went on up to the message before ``first``, so that a schedule can be made anew in the middle.
    """
    began_t = session[first - 1].t if first else 0.0
    for index in range(first, len(session)):
        message = session[index]
        due_s = (message.t - began_t) / speed
        yield Due(due_s, index, message.topic, shift.payload(message, now + due_s), message.retain)


def read_messages(lines: bytes) -> tuple[Recorded, ...]:
    """Decode JSON lines of ``topic``, ``payload``, ``retain`` and, in a session, ``t``."""
    return tuple(msgspec.json.Decoder(Recorded).decode_lines(lines))
