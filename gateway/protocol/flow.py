"""What goes out on one connection, and how much of it the client is known to have (architecture 6).

Rules:

* After each quarter of ``full_bytes`` a ping goes out (RFC 6455 5.5.2) that carries the position, which is the number
  of bytes written so far, and a nonce that nobody can guess. A pong with exactly the content of a ping under way
  acknowledges that position; pings before it count as answered.
* Any other pong - unsolicited, late, forged - means nothing. So nobody can claim bytes that did not reach him, and
  nobody's claim ever goes back.
* A ping goes out every ``ping_idle_s``, whatever else does. Whoever lets ``gone_after_s`` pass without a pong that
  counts is gone.
* Data that is nothing but one pong to a ping under way need not be parsed (``pong_in``): only who has got the ping
  can know its content, so it is not by chance a piece of something else.
* Pings are no part of the position: what is unacknowledged can reach 0.
"""

import secrets
from collections.abc import Callable

import msgspec

from gateway.protocol.frames import FINAL, MASKED, PING, PONG, Frame, framed

MARK = b"gw"
POSITION_BYTES, NONCE_BYTES = 8, 8
CONTENT_BYTES = len(MARK) + POSITION_BYTES + NONCE_BYTES
PONG_BEGIN = bytes((FINAL | PONG, MASKED | CONTENT_BYTES))
MASK_BYTES = 4
PONG_BYTES = len(PONG_BEGIN) + MASK_BYTES + CONTENT_BYTES


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """When to ping, and how fast to read.

    With ``full_bytes`` unacknowledged a connection is full; four pings are on the way to there, so that a client that
    reads never comes near it.
    ``close_within_s``: how long a connection that is being closed may take to go. ``frame_burst`` frames of a client
    are taken at once, ``frames_per_s`` for long; others wait on its side.
    """

    full_bytes: int = 131_072
    ping_idle_s: float = 30.0
    gone_after_s: float = 120.0
    close_within_s: float = 10.0
    frame_burst: int = 500
    frames_per_s: float = 200.0

    @property
    def ping_bytes(self) -> int:
        return max(1, self.full_bytes // 4)


class Flow:
    """Writes finished frames with ``write`` and counts; a ``Sink`` of the hub. Nothing in here waits.

    ``clock`` (seconds) is asked once for each ping and pong, to tell how far a client is behind. ``full``: so much is
    under way that nothing may be added but answers. What a frame costs each of many connections is mostly memory that
    is touched, so ``write`` looks no further than to the next position at which something is to be done.
    """

    __slots__ = (
        "_acknowledged",
        "_clock",
        "_gone_at_s",
        "_idle_ping_at_s",
        "_look_at",
        "_new_nonce",
        "_next_ping",
        "_pace",
        "_under_way",
        "_write",
        "full",
        "on_drained",
        "written",
    )

    def __init__(
        self,
        write: Callable[[bytes], None],
        pace: Pace,
        now_s: float,
        clock: Callable[[], float],
        new_nonce: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self.on_drained: Callable[[], None] = _nothing
        self.written = 0
        self.full = False
        self._acknowledged = 0
        self._write = write
        self._pace = pace
        self._clock = clock
        self._new_nonce = new_nonce
        self._next_ping = self._look_at = pace.ping_bytes
        self._under_way: dict[bytes, tuple[int, float]] = {}
        self._idle_ping_at_s = now_s + pace.ping_idle_s
        self._gone_at_s = now_s + pace.gone_after_s

    def write(self, one: Frame) -> None:
        """Hand the frame over; after ``close`` it is dropped."""
        wire = one.wire
        self.written += len(wire)
        if self.written < self._look_at:
            self._write(wire)
        else:
            self._write_and_look(wire)

    @property
    def unacknowledged(self) -> int:
        """Bytes that the client is not known to have."""
        return self.written - self._acknowledged

    def pong(self, content: bytes, now_s: float) -> float | None:
        """What a pong acknowledges; then ``on_drained``. Answers how long ago its ping was written, if it had one."""
        acknowledged = self._under_way.get(content)
        if acknowledged is None:
            return None
        position, pinged_s = acknowledged
        lag_s = self._clock() - pinged_s
        contents = list(self._under_way)
        for answered in contents[: contents.index(content) + 1]:
            del self._under_way[answered]
        self._gone_at_s = now_s + self._pace.gone_after_s
        self._acknowledged = position
        self._look()
        self.on_drained()
        return lag_s

    def pong_in(self, data: bytes, now_s: float) -> float | None:
        """As ``pong``, for all that came in one piece; None when that is not one pong that counts."""
        if len(data) != PONG_BYTES or not data.startswith(PONG_BEGIN):
            return None
        return self.pong(_unmasked_pong(data), now_s)

    def look(self, now_s: float) -> float | None:
        """Ping when it is time; answers when to look again. None: the client is gone."""
        if now_s >= self._gone_at_s:
            return None
        if now_s >= self._idle_ping_at_s:
            self._idle_ping_at_s = now_s + self._pace.ping_idle_s
            self._write(self._ping())
        return min(self._idle_ping_at_s, self._gone_at_s)

    def close(self) -> None:
        """Nothing more goes out."""
        self._write = _drop
        self.on_drained = _nothing
        self._under_way.clear()

    def _write_and_look(self, wire: bytes) -> None:
        # in one piece with its ping: each one more costs the system as much as a small frame
        self._write(wire if self.written < self._next_ping else wire + self._ping())
        self._look()

    def _look(self) -> None:
        full_at = self._acknowledged + self._pace.full_bytes
        self.full = self.written >= full_at
        self._look_at = self._next_ping if self.full else min(self._next_ping, full_at)

    def _ping(self) -> bytes:
        self._next_ping = self.written + self._pace.ping_bytes
        content = MARK + self.written.to_bytes(POSITION_BYTES) + self._new_nonce(NONCE_BYTES)
        self._under_way[content] = (self.written, self._clock())
        return framed(PING, content)


def _unmasked_pong(data: bytes) -> bytes:
    """RFC 6455 5.3."""
    begin = len(PONG_BEGIN)
    mask = (data[begin : begin + MASK_BYTES] * CONTENT_BYTES)[:CONTENT_BYTES]
    return (int.from_bytes(data[begin + MASK_BYTES :]) ^ int.from_bytes(mask)).to_bytes(CONTENT_BYTES)


def _nothing() -> None:
    """Nobody wants to know."""


def _drop(_wire: bytes) -> None:
    """There is nobody to send it to."""
