"""Whether the link to a box is alive, and if not, why. Times are monotonic seconds, handed in.

Rules:

* A heartbeat counts when a message that is not retained brings a value different from the last one of this
  connection. Retained ones only set the last value: a replay is no life. A clock set back or forward counts: no
  death. The first of a connection has nothing to differ from and only sets the last value, because a broker that was
  restarted passes on what it kept as if it were live.
* The control interval is what the box says; while it says nothing, the median of the distances of its last
  heartbeats, and the usual one until three distances are known. A distance is the time between two that counted, or
  how far the box's clock went in it, if that is more: what was held up on the way and comes at once was sent apart.
* Before the first connection, and until the first failure: ``connecting``. Not connected after a failure: ``down``,
  with the failure as reason.
* Connected, the first that holds: ``secondary``, when the box says it is one: another box, the primary, controls it.
  ``no_rights``, when the retained flood has ended and brought something, but nothing of what every box has.
  ``silent``, when no heartbeat counted within three control intervals of connecting, or of the last one. ``up``, when
  one counted within them and the flood has ended. Else ``connecting``.
* The state at a moment does not depend on how often it was asked for: ``since`` of ``silent`` is the moment at which
  the time was up, or that of the input that shortened it.
* The flood has ended 1 s after its last retained message, at most 10 s after subscribing. What has ended stays so.

``bridge_down`` is said when no bridge is there to say anything, by others (``store/bridge_down.lua``).
"""

from collections import deque
from statistics import median
from typing import Final, Literal, TypeAlias

import msgspec

from gateway.domain.values import JsonValue, Reading

LINK: Final = "link/"
State: TypeAlias = Literal["connecting", "up", "silent", "down", "no_rights", "secondary"]
DownReason: TypeAlias = Literal["bad_credentials", "certificate", "unreachable"]

CONNECT_TO_PRIMARY: Final = "connect_to_primary"
DISTANCES_KEPT: Final = 9
DISTANCES_NEEDED: Final = 3


class LinkState(msgspec.Struct, frozen=True):
    """``since`` is the monotonic time at which this state began."""

    state: State
    reason: str | None
    since: float


class Word(msgspec.Struct, frozen=True):
    """What the box says of itself on a connection; nothing yet, at first.

    ``interval_s`` is its control interval, ``missing_rights`` what to grant when none of what every box has came.
    """

    interval_s: float | None = None
    secondary: bool = False
    missing_rights: str | None = None


class Patience(msgspec.Struct, frozen=True):
    """How many control intervals without a heartbeat are silence, and how long one is until the box has shown it."""

    intervals_to_silence: float = 3
    usual_interval_s: float = 10


class LinkWatch:
    """Judges one link. Every input answers with the state at its time; ``tick`` only asks."""

    def __init__(self, patience: Patience | None = None) -> None:
        self._patience = patience or Patience()
        self._distances: deque[float] = deque(maxlen=DISTANCES_KEPT)
        self._word = Word()
        self._connected = False
        self._failure: DownReason | None = None
        self._flood_ended = self._flood_brought = False
        self._last_value: float | None = None
        self._beat_at: float | None = None
        self._beat_value = 0.0
        self._alive_at = 0.0
        self._told: LinkState | None = None

    def connected(self, at: float) -> LinkState:
        """A connection began; what is known of the one before it counts no longer."""
        self.tick(at)
        self._connected = True
        self._flood_ended = self._flood_brought = False
        self._last_value = self._beat_at = None
        self._word = Word()
        self._alive_at = at
        return self._judge(at)

    def disconnected(self, reason: DownReason, at: float) -> LinkState:
        """The connection ended, or could not be made."""
        self.tick(at)
        self._connected = False
        self._failure = reason
        return self._judge(at)

    def heartbeat(self, value: float, *, retained: bool, at: float) -> LinkState:
        """The box told its time."""
        self.tick(at)
        differs = self._last_value is not None and value != self._last_value
        self._last_value = value
        if differs and not retained and self._connected:
            if self._beat_at is not None:
                self._distances.append(max(at - self._beat_at, value - self._beat_value))
            self._beat_at = self._alive_at = at
            self._beat_value = value
        return self._judge(at)

    def flood_began(self, at: float) -> LinkState:
        """Retained messages come once more, on the same connection."""
        self.tick(at)
        self._flood_ended = self._flood_brought = False
        return self._judge(at, not_before=at)

    def flood_ended(self, at: float, *, brought: bool = True) -> LinkState:
        """The retained messages of this connection have all come; ``brought``: there were any."""
        self.tick(at)
        self._flood_ended, self._flood_brought = True, brought
        return self._judge(at)

    def tick(self, at: float, word: Word | None = None) -> LinkState:
        """The state at a moment; what the box says of itself holds from that moment on, if given."""
        state = self._judge(at)
        if word is None or word == self._word:
            return state
        self._word = word
        return self._judge(at, not_before=at)

    @property
    def interval_s(self) -> float:
        """The control interval by which silence is judged."""
        if self._word.interval_s is not None:
            return self._word.interval_s
        known = len(self._distances) >= DISTANCES_NEEDED
        return median(self._distances) if known else self._patience.usual_interval_s

    def _judge(self, at: float, not_before: float = 0.0) -> LinkState:
        silent_after = self._alive_at + self._patience.intervals_to_silence * self.interval_s
        state: State
        reason: str | None
        since, reason = at, None
        if not self._connected:
            state, reason = ("connecting", None) if self._failure is None else ("down", self._failure)
        elif self._word.secondary:
            state, reason = "secondary", CONNECT_TO_PRIMARY
        elif self._flood_brought and self._word.missing_rights is not None:
            state, reason = "no_rights", f"no_rights:{self._word.missing_rights}"
        elif at > silent_after:
            state, since = "silent", max(silent_after, not_before)
        else:
            state = "up" if self._beat_at is not None and self._flood_ended else "connecting"
        if self._told is None or (state, reason) != (self._told.state, self._told.reason):
            self._told = LinkState(state, reason, since)
        return self._told


class Flood:
    """When the retained flood of one subscription has ended, and whether it brought anything."""

    def __init__(self, subscribed_at: float, quiet_s: float = 1.0, limit_s: float = 10.0) -> None:
        self.brought = False
        self._quiet_s = quiet_s
        self._limit_at = subscribed_at + limit_s
        self._ends_at = min(subscribed_at + quiet_s, self._limit_at)

    def retained_message(self, at: float) -> None:
        """A retained message came; one after the end does not bring the flood back."""
        if not self.ended(at):
            self.brought = True
            self._ends_at = min(at + self._quiet_s, self._limit_at)

    def ended(self, at: float) -> bool:
        return at >= self._ends_at


def link_words(state: str, reason: str | None, since: float) -> dict[str, JsonValue]:
    """What the keys of a link's state hold; ``since`` in epoch seconds."""
    return {"link/state": state, "link/reason": reason, "link/since": since}


def bridge_down(at: float) -> dict[str, Reading]:
    """The readings that say that no bridge is there, as of ``at`` in epoch seconds."""
    return {key: Reading(value, at) for key, value in link_words("bridge_down", None, at).items()}
