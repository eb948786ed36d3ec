"""A connection as the hub sees it, and where each of its subscriptions stands.

Rules of a subscription (architecture 6 and 7):

* ``live``: gets the frames of its group, the same bytes as all others; holds what its group has sent.
* ``behind``: gets nothing while its connection has no room. With room: from the position it holds, one merged delta
  of its own, then ``live``; when it holds none, or one too old to go on from, a snapshot: ``loading``.
* ``loading``: the parts of a snapshot go out one by one while there is room; after the last one it holds the
  snapshot's position, and is ``behind``.
* ``paused``: holds its position, gets nothing and costs nothing; ends as ``behind``.
* live -> behind: a frame comes while the connection has no room; nothing is queued for it.
* Whatever voids what it holds (another epoch, a gap, other rights) makes it ``behind`` without a position, or leaves
  it ``paused`` without one. ``reset`` is told right before the snapshot.
"""

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from gateway.domain.events import EventId
from gateway.domain.filters import Filter
from gateway.domain.values import Position, SiteState
from gateway.hub.traffic import Traffic
from gateway.hub.views import Rights
from gateway.protocol.frames import Frame, frame
from gateway.protocol.messages import Reset, ResetReason

if TYPE_CHECKING:
    from gateway.hub.events import Listener
    from gateway.hub.group import Group


FRAMES = "gateway.frames"
"""The ASGI extension with which a server offers a connection's ``Sink``: finished frames go to its transport."""


class Sink(Protocol):
    """Where a connection's frames go: an outbox with a task that sends, or the transport itself.

    Whoever writes looks at ``full`` first. ``on_drained`` is called after that has ended, at the latest when nothing
    is under way; never from within ``write``.
    """

    on_drained: Callable[[], None]

    @property
    def full(self) -> bool:
        """Whether so much is under way that nothing may be added but answers."""

    def write(self, one: Frame) -> None:
        """Take the frame; never waits, never refuses."""


class Standing(Enum):
    """See the rules above."""

    live = "live"
    behind = "behind"
    loading = "loading"
    paused = "paused"


class Member:
    """A connection: its sink, its rights, its subscriptions by number, and to which sites' events it listens."""

    def __init__(self, sink: Sink, rights: Rights, traffic: Traffic) -> None:
        self.sink = sink
        self.rights = rights
        self.subscriptions: dict[int, Subscription] = {}
        self.listeners: dict[str, Listener] = {}
        self.told_events: dict[str, EventId] = {}
        """By site to which it does not listen any more: up to where it did."""
        self.notice: Frame | None = None
        self._traffic = traffic

    @property
    def full(self) -> bool:
        """Whether its sink is."""
        return self.sink.full

    def write(self, one: Frame) -> None:
        """Give the frame to this connection only."""
        self.sink.write(one)
        self._traffic.private(one)

    def subscriptions_of(self, site: str) -> list["Subscription"]:
        return [one for one in self.subscriptions.values() if one.group.view.site == site]

    def tell(self, notice: Frame) -> None:
        """Give a notice that concerns no request, as soon as there is room; a newer one takes its place."""
        self.notice = notice
        self._tell_notice()

    def tell_reset(self, reset: Reset) -> None:
        """Tell that what it holds of a subscription does not count any more."""
        self._traffic.resets.add(reset.reason)
        self.write(frame(reset))

    def drained(self) -> None:
        """There is room again."""
        self._tell_notice()
        for subscription in list(self.subscriptions.values()):
            subscription.proceed()
        self.listen()

    def listen(self) -> None:
        """Be told the events that can be told now."""
        for listener in self.listeners.values():
            listener.proceed()

    def _tell_notice(self) -> None:
        if self.notice is not None and not self.full:
            self.write(self.notice)
            self.notice = None


class Subscription:
    """One member in one group; ``wanted`` is the wish before rights."""

    __slots__ = ("_parts", "_parts_seq", "_seq", "_untold_reset", "group", "member", "standing", "wanted")

    def __init__(self, member: Member, group: "Group", wanted: Filter) -> None:
        self.member = member
        self.group = group
        self.wanted = wanted
        self.standing = Standing.behind
        self._seq: int | None = None
        self._parts: list[Frame] = []
        self._parts_seq = 0
        self._untold_reset: ResetReason | None = None

    @property
    def held(self) -> int | None:
        """The seq the client holds once it has got everything written so far; None: nothing complete."""
        if self.standing is Standing.live and self._seq is not None:
            return max(self._seq, self.group.sent)
        return self._seq

    def hold(self, seq: int) -> None:
        """The client says that it holds this position."""
        self._seq = seq

    def conflate(self) -> None:
        """Out of the live ones; called before the group's ``sent`` moves on."""
        self._seq = self.held
        self.standing = Standing.behind

    def void(self, reset: ResetReason | None) -> None:
        """Nothing that the client has counts any more; it will be told so unless it knows already (None)."""
        self._seq = None
        self._parts.clear()
        self._untold_reset = reset
        if self.standing is not Standing.paused:
            self._leave_live(Standing.behind)

    def pause(self) -> None:
        """A snapshot half sent is given up."""
        self._seq = self.held
        self._parts.clear()
        self._leave_live(Standing.paused)

    def unpause(self) -> None:
        """To be followed by ``proceed``."""
        self.standing = Standing.behind

    def move(self, group: "Group") -> None:
        """Into another group, with the position that is held; to be followed by ``proceed``."""
        paused = self.standing is Standing.paused
        self.pause()
        self.group = group
        self.standing = Standing.paused if paused else Standing.behind

    def has_shown(self, seq: int) -> bool:
        """Whether the client has been given all of the view up to ``seq``, which the mirror has reached."""
        if self.standing is Standing.live and self.group.due_s is None:
            return True
        held = self.held
        return held is not None and held >= seq

    def can_go_on(self, state: SiteState) -> bool:
        """Whether a merged delta from what is held is complete."""
        held = self.held
        return held is not None and state.can_resume(Position(state.position.epoch, held))

    def proceed(self) -> None:
        """Write what can be written now."""
        state = self.group.state
        while state is not None and not self.member.full:
            if self.standing is Standing.loading:
                self._write_part()
            elif self.standing is not Standing.behind:
                return
            elif self.can_go_on(state):
                self._catch_up(state)
                return
            else:
                self._load(state)

    def _catch_up(self, state: SiteState) -> None:
        seq = state.position.seq
        if self._seq is not None and self._seq < seq:
            self.member.write(self.group.merged(self._seq))
        self._seq = seq
        self.standing = Standing.live
        self.group.add_live(self)

    def _load(self, state: SiteState) -> None:
        reset = "trimmed" if self._seq is not None else self._untold_reset
        if reset is not None:
            number = self.group.number
            self.member.tell_reset(Reset(subscription=number, reason=reset, now=number))
        self._seq = None
        self._untold_reset = None
        if self.member.full:
            return  # a snapshot that begins later is taken later, or it would show less than others did meanwhile
        self._parts.extend(self.group.snapshot())
        self._parts_seq = state.position.seq
        self.standing = Standing.loading

    def _write_part(self) -> None:
        self.member.write(self._parts.pop(0))
        if not self._parts:
            self._seq = self._parts_seq
            self.standing = Standing.behind

    def _leave_live(self, standing: Standing) -> None:
        self.group.live.pop(self, None)
        self.standing = standing
