"""One site in this process: the mirror of its values and the groups of its subscriptions.

Rules:

* ``unknown`` (at first, and when the store has nothing of the site) and ``unreachable`` (the store does not answer)
  refuse new subscriptions; ``current`` serves them.
* unreachable: what is known stays, positions stand still, no heartbeat goes out; each connection is told once.
* A snapshot of the site while there are subscriptions means that their positions do not count any more: reset.
"""

from collections.abc import Callable, Iterator
from enum import Enum

from gateway.domain.errors import GatewayError, SiteUnavailable, StoreUnavailable
from gateway.domain.values import Delta, Position, SiteState, Snapshot
from gateway.hub.events import SiteEvents
from gateway.hub.group import Group
from gateway.hub.member import Member
from gateway.hub.traffic import Traffic
from gateway.hub.views import View
from gateway.protocol.frames import frame
from gateway.protocol.messages import Limits, ResetReason, error_message

RETRY_AFTER_S = 1.0
NEVER = float("inf")


class Knowledge(Enum):
    """See the rules above."""

    unknown = "unknown"
    current = "current"
    unreachable = "unreachable"


class Site:
    """``groups`` by view and interval."""

    def __init__(
        self, name: str, limits: Limits, resume_entries: int, new_number: Callable[[], int], traffic: Traffic
    ) -> None:
        self.name = name
        self.knowledge = Knowledge.unknown
        self.state: SiteState | None = None
        self.position = Position("", 0)
        self.epoch_changes = 0
        self.groups: dict[tuple[View, int], Group] = {}
        self.events = SiteEvents(name, limits.replayed_events)
        self._limits = limits
        self._resume_entries = resume_entries
        self._new_number = new_number
        self._traffic = traffic
        self._next_beat_s = NEVER
        self._next_s = NEVER
        """When a group has something due, or a heartbeat is."""

    def current_state(self) -> SiteState:
        """The mirror; raises StoreUnavailable or SiteUnavailable while it need not be what the store has."""
        if self.knowledge is Knowledge.unreachable:
            raise self._unreachable()
        if self.state is None:
            raise self._unknown()
        return self.state

    def group(self, view: View, interval_ms: int, now_s: float) -> Group:
        """The group of that view and interval; a new one goes on from the mirror."""
        found = self.groups.get((view, interval_ms))
        if found is None:
            part_bytes = self._limits.snapshot_part_bytes
            found = Group(self._new_number(), view, interval_ms, part_bytes, now_s, self._traffic)
            found.begin(self.state)
            self.groups[view, interval_ms] = found
            self._next_beat_s = min(self._next_beat_s, now_s + self._limits.heartbeat_s)
            self._next_s = min(self._next_s, self._next_beat_s)
        return found

    def drop_if_empty(self, group: Group) -> None:
        if not group.members:
            del self.groups[group.view, group.interval_ms]

    # --- what the store tells ---------------------------------------------------------------------------------------

    def loaded(self, snapshot: Snapshot, lost: ResetReason) -> None:
        """The whole site anew; what anybody holds does not count any more because of ``lost``."""
        self._known_again()
        self.epoch_changes += self.position.epoch not in ("", snapshot.position.epoch)
        self.state = SiteState(snapshot, self._resume_entries)
        self.position = snapshot.position
        for group in self.groups.values():
            group.begin(self.state)
            for subscription in list(group.members):
                subscription.void(lost)
                subscription.proceed()

    def changed(self, delta: Delta, now_s: float) -> None:
        """The next change."""
        if self.state is None:
            return
        self.state.apply(delta)
        self.position = self.state.position
        for group in self.groups.values():
            group.changed(delta, now_s)
            if group.due_s is not None:
                self._next_s = min(self._next_s, group.due_s)
        self.events.tell_waiting()

    def absent(self) -> None:
        """The store answers, and knows nothing of this site."""
        self.knowledge = Knowledge.unknown
        self.state = None
        for group in self.groups.values():
            group.begin(None)
        self._tell_all(self._unknown())

    def unreachable(self) -> None:
        """The store does not answer."""
        if self.knowledge is not Knowledge.unreachable:
            self.knowledge = Knowledge.unreachable
            self._tell_all(self._unreachable())

    def reachable(self, now_s: float) -> None:
        """The store answers again, and what was known goes on: everybody is owed a sign of life at once."""
        self._next_beat_s = now_s
        for group in self.groups.values():
            group.last_frame_s = -NEVER
        self._known_again()

    def _known_again(self) -> None:
        self.knowledge = Knowledge.current
        self._next_s = min(self._next_s, self._next_beat_s)
        for member in self._members():
            member.notice = None

    def _tell_all(self, error: GatewayError) -> None:
        notice = frame(error_message(error, None))
        for member in self._members():
            member.tell(notice)

    def _members(self) -> Iterator[Member]:
        return iter({one.member: None for group in self.groups.values() for one in group.members})

    def _unreachable(self) -> GatewayError:
        return StoreUnavailable("the store does not answer; what was sent may be old", retry_after_s=RETRY_AFTER_S)

    def _unknown(self) -> GatewayError:
        return SiteUnavailable(f"nothing is known of site {self.name!r} yet", retry_after_s=RETRY_AFTER_S)

    # --- time -------------------------------------------------------------------------------------------------------

    def tick(self, now_s: float) -> float:
        """Send what is due; answers when to come again."""
        if self._next_s <= now_s:
            self._send_due(now_s)
        self.events.tell_waiting()
        if self.knowledge is not Knowledge.current or self.state is None:
            return self._next_s
        return min(self._next_s, self.events.tick(now_s))

    def _send_due(self, now_s: float) -> None:
        self._next_s = NEVER
        for group in self.groups.values():
            group.flush_if_due(now_s)
            if group.due_s is not None:
                self._next_s = min(self._next_s, group.due_s)
        if self.knowledge is Knowledge.current and self.state is not None:
            if self._next_beat_s <= now_s:
                self._beat(now_s)
            self._next_s = min(self._next_s, self._next_beat_s)

    def _beat(self, now_s: float) -> None:
        self._next_beat_s = NEVER
        for group in self.groups.values():
            if group.live and group.last_frame_s + self._limits.heartbeat_s <= now_s:
                group.beat(now_s)
            silent_since_s = group.last_frame_s if group.live else now_s
            self._next_beat_s = min(self._next_beat_s, silent_since_s + self._limits.heartbeat_s)
