"""Whether the link to a box is alive, judged by the box's heartbeat. Times are monotonic seconds, handed in.

Rules:

* A heartbeat counts when a message that is not retained brings a value different from the last one of this
  connection. Retained ones only set the last value: a replay is no life. A value set back counts: no death.
  The first of a connection has nothing to differ from and only sets the last value, because a broker that was
  restarted passes on what it kept as if it were live.
* Before the first connection, and until the first failure: ``connecting``. Not connected after a failure: ``down``,
  with the failure as reason.
* Connected: ``up`` when a heartbeat counted within the last three control intervals and the retained flood of this
  connection has ended; ``silent`` when none counted within three intervals of connecting, or of the last one;
  otherwise ``connecting``.
* The state at a moment does not depend on how often it was asked for: ``since`` of ``silent`` is the moment at which
  the time was up, or that of the input that shortened it.
* The flood has ended 1 s after its last retained message, at most 10 s after subscribing. What has ended stays so.
"""

from typing import Final, Literal, TypeAlias

import msgspec

State: TypeAlias = Literal["connecting", "up", "silent", "down"]
DownReason: TypeAlias = Literal["bad_credentials", "certificate", "unreachable"]

DEFAULT_INTERVAL_S: Final = 10.0
INTERVALS_TO_SILENCE: Final = 3


class LinkState(msgspec.Struct, frozen=True):
    """``since`` is the monotonic time at which this state began."""

    state: State
    reason: DownReason | None
    since: float


class LinkWatch:
    """Judges one link. Every input answers with the state at its time; ``tick`` only asks."""

    def __init__(self, intervals_to_silence: float = INTERVALS_TO_SILENCE) -> None:
        self._intervals_to_silence = intervals_to_silence
        self._interval_s = DEFAULT_INTERVAL_S
        self._connected = False
        self._failure: DownReason | None = None
        self._flood_ended = False
        self._last_value: float | None = None
        self._counted = False
        self._alive_at = 0.0
        self._told: LinkState | None = None

    def connected(self, at: float) -> LinkState:
        """A connection began; what is known of the one before it counts no longer."""
        self.tick(at)
        self._connected = True
        self._flood_ended = self._counted = False
        self._last_value = None
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
            self._counted = True
            self._alive_at = at
        return self._judge(at)

    def flood_ended(self, at: float) -> LinkState:
        """The retained messages of this connection have all come."""
        self.tick(at)
        self._flood_ended = True
        return self._judge(at)

    def tick(self, at: float, interval_s: float | None = None) -> LinkState:
        """The state at a moment; a control interval that is given holds from it on."""
        state = self._judge(at)
        if interval_s is None or interval_s == self._interval_s:
            return state
        self._interval_s = interval_s
        return self._judge(at, not_before=at)

    def _judge(self, at: float, not_before: float = 0.0) -> LinkState:
        silent_after = self._alive_at + self._intervals_to_silence * self._interval_s
        state: State
        since, reason = at, None
        if not self._connected:
            state, reason = ("connecting", None) if self._failure is None else ("down", self._failure)
        elif at > silent_after:
            state, since = "silent", max(silent_after, not_before)
        else:
            state = "up" if self._counted and self._flood_ended else "connecting"
        if self._told is None or (state, reason) != (self._told.state, self._told.reason):
            self._told = LinkState(state, reason, since)
        return self._told


class Flood:
    """When the retained flood of one subscription has ended."""

    def __init__(self, subscribed_at: float, quiet_s: float = 1.0, limit_s: float = 10.0) -> None:
        self._quiet_s = quiet_s
        self._limit_at = subscribed_at + limit_s
        self._ends_at = min(subscribed_at + quiet_s, self._limit_at)

    def retained_message(self, at: float) -> None:
        """A retained message came; one after the end does not bring the flood back."""
        if not self.ended(at):
            self._ends_at = min(at + self._quiet_s, self._limit_at)

    def ended(self, at: float) -> bool:
        return at >= self._ends_at
