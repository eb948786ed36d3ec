"""All subscriptions of one view and one interval: what changes is chosen and encoded once for all of them.

Rules:

* ``sent`` is the seq up to which the live members have been given everything. It only grows within an epoch, and no
  live member holds less.
* Interval 0: a change that matches goes out at once. Else: at once when the last frame is an interval old, otherwise
  when it will be; the newest value of everything that changed meanwhile, in one delta.
* Whoever comes back gets one merged delta from what he holds. Many come back together, and the heartbeat moves all
  positions alike: the few latest merged deltas are kept until the mirror moves on.
* A group that sent nothing for the heartbeat's time sends an empty delta, or what is due if there is something.
"""

from typing import Final

from gateway.domain.values import Changes, Delta, Position, SiteState
from gateway.hub.member import Sink, Subscription
from gateway.hub.traffic import Traffic
from gateway.hub.views import View
from gateway.protocol.frames import Frame, delta_frame, snapshot_frames
from gateway.protocol.messages import ResetReason

MOST_MERGED = 4
INTERVALS_MS: Final = (0, 100, 250, 500, 1_000, 2_000, 5_000, 10_000)


def rounded_up(interval_ms: float) -> int:
    """The shortest interval offered that is no shorter; the longest for whatever is longer."""
    return next((one for one in INTERVALS_MS if one >= interval_ms), INTERVALS_MS[-1])


class Group:
    """``live`` are the members that get its frames, ``members`` all of them, in the order in which they came."""

    def __init__(
        self, number: int, view: View, interval_ms: int, part_bytes: int, now_s: float, traffic: Traffic
    ) -> None:
        self.number = number
        self.view = view
        self.interval_ms = interval_ms
        self.matches = view.chosen.matcher()
        self.members: dict[Subscription, None] = {}
        self.live: dict[Subscription, Sink] = {}
        self.state: SiteState | None = None
        self.sent = 0
        self.last_frame_s = now_s
        self.due_s: float | None = None
        self.encoded = 0
        self._nothing_until = 0
        self._part_bytes = part_bytes
        self._traffic = traffic
        self._snapshot: tuple[Position, tuple[Frame, ...]] | None = None
        self._merged: dict[tuple[int, Position], Frame] = {}

    def begin(self, state: SiteState | None) -> None:
        """Go on with this mirror of the site, or without one (None); what was due no longer is."""
        self.state = state
        self.due_s = None
        self._snapshot = None
        self._merged.clear()
        if state is not None:
            self.sent = self._nothing_until = state.position.seq

    def add_live(self, subscription: Subscription) -> None:
        """The subscription holds the mirror's position, or the group's ``sent`` at least."""
        self.live[subscription] = subscription.member.sink

    def snapshot(self) -> tuple[Frame, ...]:
        """The whole view at the mirror's position, encoded once for all who ask before it moves on."""
        assert self.state is not None
        position = self.state.position
        if self._snapshot is None or self._snapshot[0] != position:
            readings = {key: reading for key, reading in self.state.readings.items() if self.matches(key)}
            frames = snapshot_frames(self.number, position, readings, self._part_bytes)
            self._count_encoded(len(frames))
            self._snapshot = (position, frames)
        return self._snapshot[1]

    def merged(self, since: int) -> Frame:
        """What changed after the seq ``since``, as of the mirror's position; encoded once for all who hold the same.

        The mirror must be able to resume from there.
        """
        assert self.state is not None
        position = self.state.position
        known = self._merged.get((since, position))
        if known is None:
            known = delta_frame(self.number, since, position.seq, self.state.since(since, self.matches))
            self._count_encoded(1)
            if len(self._merged) >= MOST_MERGED:
                del self._merged[next(iter(self._merged))]
            self._merged[since, position] = known
        return known

    def changed(self, delta: Delta, now_s: float) -> None:
        """The mirror has moved by this delta."""
        self._merged.clear()
        changes = {key: reading for key, reading in delta.changes.items() if self.matches(key)}
        if not changes:
            if self.due_s is None:
                self._nothing_until = delta.seq
        elif not self.live:
            # nobody to tell: whoever goes live later holds the mirror's position
            self.sent = self._nothing_until = delta.seq
            self.due_s = None
        elif self.interval_ms == 0:
            self._send(changes, delta.seq, now_s)
        elif self.due_s is None:
            self.due_s = self.last_frame_s + self.interval_ms / 1_000
            self.flush_if_due(now_s)

    def flush_if_due(self, now_s: float) -> None:
        if self.due_s is not None and self.due_s <= now_s:
            self._flush(now_s)

    def beat(self, now_s: float) -> None:
        """A sign of life, which moves all positions to the mirror's; never past what is still due."""
        if self.due_s is not None:
            self._flush(now_s)
        elif self.state is not None:
            self._send({}, self.state.position.seq, now_s)

    def _flush(self, now_s: float) -> None:
        self.due_s = None
        if self.state is None or not self.live:
            return
        position = self.state.position
        since = max(self.sent, self._nothing_until)
        if self.state.can_resume(Position(position.epoch, since)):
            self._send(self.state.since(since, self.matches), position.seq, now_s)
        else:
            self._begin_anew("trimmed", now_s)

    def _begin_anew(self, reason: ResetReason, now_s: float) -> None:
        """More has changed than the mirror remembers: nobody's position counts."""
        self.begin(self.state)
        self.last_frame_s = now_s
        for subscription in list(self.live):
            subscription.void(reason)
            subscription.proceed()

    def _send(self, changes: Changes, seq: int, now_s: float) -> None:
        one = delta_frame(self.number, self.sent, seq, changes)
        self._count_encoded(1)
        stalled = []
        for subscription, sink in self.live.items():
            if sink.full:
                stalled.append(subscription)
            else:
                sink.write(one)
        for subscription in stalled:
            subscription.conflate()
            del self.live[subscription]
        self._traffic.shared(one, len(self.live))
        self.sent = self._nothing_until = seq
        self.last_frame_s = now_s

    def _count_encoded(self, frames: int) -> None:
        self.encoded += frames
        self._traffic.encoded += frames
