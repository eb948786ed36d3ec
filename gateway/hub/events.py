"""The events of one site in this process: the newest ones, and up to which of them each connection was told.

Rules:

* A connection listens from its first subscription of the site to the end of its last: to the events after an id that
  it gives, else to those that are still to come. Each is told once, in the order of ids, if the rights select the
  value that it concerns; once also when it stops to listen and begins again, without knowing what is on its way.
* An event is told to a connection when those of its subscriptions that show the value have shown it: behind the
  delta, also where that waits for an interval, and behind the whole snapshot.
* A connection without room, or whose subscriptions of the site are all paused, is told nothing meanwhile and costs
  nothing but the id up to which it was told. It is told the rest when there is room, or one goes on.
* Only the newest ``most`` events are kept here. Who was told less than what is gone here is told of the gap, and then
  what is kept.
* Who gives an id that is ahead of what is known here has either been told by a process that is faster, so that the
  rest will come, or has it from a history that the store lost: after ``PATIENCE_S`` that is a gap, too.
"""

from collections import deque
from itertools import takewhile
from typing import Final
from weakref import WeakValueDictionary

from gateway.domain.events import NO_EVENT, EventEntry, EventId
from gateway.domain.filters import Filter, Matcher
from gateway.hub.member import Member, Standing
from gateway.hub.views import EVERYTHING, Allowed, view_of
from gateway.protocol.frames import Frame, event_frame, frame
from gateway.protocol.messages import EventGap
from gateway.store.follow import EventsLoaded

PATIENCE_S: Final = 5.0
NEVER: Final = float("inf")


class Kept:
    """One event: what decides about its telling, and the frame that tells it to everybody."""

    __slots__ = ("after_seq", "frame", "id", "key")

    def __init__(self, site: str, entry: EventEntry) -> None:
        self.id = entry.id
        self.after_seq = entry.after_seq
        self.key = entry.event.key
        self.frame: Frame = event_frame(site, entry)


class Listener:
    """One connection; it was told all up to ``told`` that it may see."""

    __slots__ = ("ahead_since_s", "events", "matches", "member", "missed_after", "told")

    def __init__(self, events: "SiteEvents", member: Member, matches: Matcher, told: EventId) -> None:
        self.events = events
        self.member = member
        self.matches = matches
        self.told = told
        self.missed_after: EventId | None = None
        """It misses some behind this one, and does not know yet."""
        self.ahead_since_s: float | None = None

    def proceed(self) -> None:
        """Tell what can be told now."""
        self.events.tell(self)

    def miss(self, after: EventId, told: EventId) -> None:
        """Go on behind ``told``, although there was something else behind ``after``."""
        if self.missed_after is None:
            self.missed_after = after
        self.told = told


class SiteEvents:
    """``floor`` is the id after which the kept ones are complete, ``newest`` that of the last one."""

    def __init__(self, site: str, most: int) -> None:
        self._site = site
        self._most = most
        self._kept: deque[Kept] = deque()
        self.floor = self.newest = NO_EVENT
        self._listeners: dict[Listener, None] = {}
        self._waiting: dict[Listener, None] = {}
        self._matchers: WeakValueDictionary[Filter, Matcher] = WeakValueDictionary()

    # --- what the store tells ---------------------------------------------------------------------------------------

    def loaded(self, step: EventsLoaded) -> None:
        """The newest events anew; everybody goes on from what was told."""
        self._kept = deque(Kept(self._site, entry) for entry in step.entries)
        self.floor, self.newest = step.floor, step.newest
        self._tell_all()

    def happened(self, entry: EventEntry) -> None:
        """The next event."""
        self._kept.append(Kept(self._site, entry))
        self.newest = entry.id
        while len(self._kept) > self._most:
            self.floor = self._kept.popleft().id
        self._tell_all()

    # --- who listens ------------------------------------------------------------------------------------------------

    def join(self, member: Member, allowed: Allowed, after: EventId | None) -> None:
        """The member has a subscription of this site; the first one counts. To be followed by ``Member.listen``."""
        if self._site not in member.listeners:
            told = self.newest if after is None else max(after, member.told_events.get(self._site, NO_EVENT))
            listener = Listener(self, member, self._matcher(allowed), told)
            member.listeners[self._site] = listener
            self._listeners[listener] = None

    def leave(self, member: Member) -> None:
        """The member has no subscription of this site any more."""
        listener = member.listeners.pop(self._site)
        # a gap that could not be told yet is one for whoever listens next
        member.told_events[self._site] = listener.told if listener.missed_after is None else listener.missed_after
        del self._listeners[listener]
        self._waiting.pop(listener, None)

    def allow(self, member: Member, allowed: Allowed) -> None:
        """From now on the member sees other values."""
        member.listeners[self._site].matches = self._matcher(allowed)

    def _matcher(self, allowed: Allowed) -> Matcher:
        chosen = view_of(self._site, EVERYTHING, allowed).chosen
        matcher = self._matchers.get(chosen)
        if matcher is None:
            self._matchers[chosen] = matcher = chosen.matcher()
        return matcher

    # --- telling ----------------------------------------------------------------------------------------------------

    def _tell_all(self) -> None:
        for listener in list(self._listeners):
            self.tell(listener)

    def tell_waiting(self) -> None:
        """Values have been shown."""
        for listener in list(self._waiting):
            self.tell(listener)

    def tick(self, now_s: float) -> float:
        """Give up waiting for events that may never come; answers when to come again."""
        next_s = NEVER
        for listener in list(self._waiting):
            if listener.told <= self.newest:
                continue
            if listener.ahead_since_s is None:
                listener.ahead_since_s = now_s
            if listener.ahead_since_s + PATIENCE_S <= now_s:
                listener.miss(listener.told, self.floor)
                self.tell(listener)
            else:
                next_s = min(next_s, listener.ahead_since_s + PATIENCE_S)
        return next_s

    def tell(self, listener: Listener) -> None:
        """Tell the listener what can be told now."""
        if self._waits(listener):
            self._waiting[listener] = None
        else:
            self._waiting.pop(listener, None)

    def _waits(self, listener: Listener) -> bool:
        """Tell; whether to come again when more values are shown or time has passed.

        Who has no room, or only paused subscriptions, comes by himself when that changes.
        """
        if listener.told > self.newest:
            return True
        listener.ahead_since_s = None
        if listener.told < self.floor:
            listener.miss(listener.told, self.floor)
        if listener.told == self.newest and listener.missed_after is None:
            return False
        member = listener.member
        own = member.subscriptions_of(self._site)
        showing = [one for one in own if one.standing is not Standing.paused]
        if not showing or member.full:
            return False
        if listener.missed_after is not None:
            member.write(frame(EventGap(site=self._site, after=str(listener.missed_after))))
            listener.missed_after = None
        for kept in self._kept_after(listener.told):
            if listener.matches(kept.key):
                if member.full:
                    return False
                if not all(one.has_shown(kept.after_seq) for one in showing if one.group.matches(kept.key)):
                    return True
                member.write(kept.frame)
            listener.told = kept.id
        listener.told = self.newest
        return False

    def _kept_after(self, told: EventId) -> list[Kept]:
        newest_first = list(takewhile(lambda kept: kept.id > told, reversed(self._kept)))
        return newest_first[::-1]
