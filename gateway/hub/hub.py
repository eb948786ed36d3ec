"""Fan-out: follows the changes of all sites once per process and gives every subscription its view.

Everything here is synchronous and belongs to one event loop, so that no change can come between a snapshot and the
registration of who gets it: a subscription is made in one tick (architecture 6). Nothing waits for a client.
"""

import asyncio
import contextlib
from collections.abc import Hashable, Iterable
from itertools import count

from msgspec import UNSET

from gateway.domain.clock import Clock
from gateway.domain.errors import (
    GatewayError,
    InvalidArgument,
    LimitExceeded,
    NotFound,
    TooManySubscriptions,
    TooManyViews,
)
from gateway.domain.events import EventId
from gateway.domain.figures import Tally, limits_tally
from gateway.domain.filters import Filter
from gateway.domain.values import Delta, Position, SiteState
from gateway.hub.group import Group, rounded_up
from gateway.hub.member import Member, Sink, Standing, Subscription
from gateway.hub.shares import Shares
from gateway.hub.site import RETRY_AFTER_S, Knowledge, Site
from gateway.hub.traffic import Traffic
from gateway.hub.views import Allowed, Rights, view_of
from gateway.protocol.frames import frame
from gateway.protocol.messages import (
    How,
    Limits,
    Request,
    Reset,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
    Update,
    error_message,
    shown,
)
from gateway.store.follow import Absent, EventsLoaded, Happened, Loaded, Reachable, Step, Unreachable


class Hub:
    """``on_step`` is for the follower, the rest for connections. ``run`` must run for intervals and heartbeats.

    ``traffic`` counts what was sent, ``limited`` what was refused because of a limit.
    """

    def __init__(
        self,
        sites: Iterable[str],
        clock: Clock,
        limits: Limits,
        *,
        resume_entries: int = 10_000,
        limited: Tally | None = None,
    ) -> None:
        numbers = count(1)
        self._clock = clock
        self._limits = limits
        self.traffic = Traffic()
        self._limited = limited or limits_tally()
        self._sites = {name: Site(name, limits, resume_entries, numbers.__next__, self.traffic) for name in sites}
        self._members: dict[Member, Hashable] = {}
        self._shares = Shares()
        self._wake = asyncio.Event()

    # --- the source -------------------------------------------------------------------------------------------------

    def on_step(self, site: str, step: Step) -> None:
        """What the follower found out, in its order."""
        found = self._sites[site]
        match step:
            case Delta():
                found.changed(step, self._clock.monotonic())
            case Happened():
                found.events.happened(step.entry)
            case EventsLoaded():
                found.events.loaded(step)
            case Loaded():
                found.loaded(step, step.reason or "epoch")
            case Absent():
                found.absent()
            case Unreachable():
                found.unreachable()
            case Reachable():
                found.reachable(self._clock.monotonic())
        self._wake.set()

    def state(self, site: str) -> SiteState | None:
        """The mirror of a site, None while nothing is known of it; raises StoreUnavailable."""
        found = self._sites[site]
        if found.state is None and found.knowledge is not Knowledge.unreachable:
            return None
        return found.current_state()

    # --- figures ----------------------------------------------------------------------------------------------------

    @property
    def groups(self) -> list[Group]:
        """All there are at this moment."""
        return [group for site in self._sites.values() for group in site.groups.values()]

    @property
    def epoch_changes(self) -> dict[str, int]:
        """How often each site's epoch became another, as far as was seen here."""
        return {name: site.epoch_changes for name, site in self._sites.items()}

    def count_conflated(self) -> int:
        """How many connections have so much on the way that their changes wait, to be merged."""
        waiting = {
            one.member
            for group in self.groups
            if group.state is not None and len(group.live) < len(group.members)
            for one in group.members
            if one.standing in (Standing.behind, Standing.loading)
        }
        return sum(member.full for member in waiting)

    # --- time -------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Send what is due, for ever; ends by being cancelled, at any moment."""
        while True:
            self._wake.clear()
            wait_s = self.tick()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()

    def tick(self) -> float | None:
        """Send what is due; answers in how many seconds something will be, None: not before something happens."""
        now_s = self._clock.monotonic()
        next_s = min((site.tick(now_s) for site in self._sites.values()), default=float("inf"))
        return None if next_s == float("inf") else max(0.0, next_s - now_s)

    # --- connections ------------------------------------------------------------------------------------------------

    def join(self, sink: Sink, rights: Rights, user: Hashable = None) -> Member:
        """A connection of a user with these rights; ``leave`` must follow. None: a user with no other connection."""
        member = Member(sink, rights, self.traffic)
        sink.on_drained = member.drained
        self._members[member] = member if user is None else user
        return member

    def leave(self, member: Member) -> None:
        """The connection has ended, in whatever state."""
        for subscription in list(member.subscriptions.values()):
            self._end(subscription)
        self._members.pop(member, None)

    def do(self, member: Member, request: Request) -> None:
        """Carry out a request and write its answer, and what follows from it, to the member's sink."""
        try:
            match request:
                case Subscribe():
                    self._subscribe(member, request)
                case Update():
                    self._update(member, request)
                case Unsubscribe():
                    self._unsubscribe(member, request)
        except GatewayError as error:
            if isinstance(error, LimitExceeded):
                self._limited.add(error.scope)
            member.write(frame(error_message(error, request.id)))
        member.listen()
        self._wake.set()

    def change_rights(self, member: Member, rights: Rights) -> None:
        """From now on the member sees what ``rights`` allow; views that differ are reset."""
        member.rights = rights
        for subscription in list(member.subscriptions.values()):
            number = subscription.group.number
            site = self._sites[subscription.group.view.site]
            allowed = rights(site.name)
            if allowed is None:
                self._end(subscription)
                member.write(frame(Unsubscribed(id=None, subscription=number)))
                continue
            site.events.allow(member, allowed)
            group = self._group_of(site.name, subscription.wanted, allowed, subscription.group)
            if group is not subscription.group:
                moved = self._moved(subscription, group)
                member.tell_reset(Reset(subscription=number, reason="view", now=group.number))
                # one that was there already had another number's snapshot: the client knows of no reset of it
                moved.void("view" if moved is not subscription else None)
                moved.proceed()
        member.listen()
        self._wake.set()

    # --- requests ---------------------------------------------------------------------------------------------------

    def _subscribe(self, member: Member, request: Subscribe) -> None:
        allowed = self._allowed(member, request.site)
        wanted = self._wanted(request.keys)
        events_after = None if request.events_after is None else EventId.parse(request.events_after)
        site = self._sites[request.site]
        state = site.current_state()
        view = view_of(request.site, wanted, allowed)
        interval_ms = rounded_up(request.min_interval_ms)
        known = site.groups.get((view, interval_ms))
        same = member.subscriptions.get(known.number) if known is not None else None
        if same is not None:
            same.wanted = Filter.of([*same.wanted.patterns, *wanted.patterns])
            self._answer(request.id, same, "unchanged", site.position)
            return
        if len(member.subscriptions) >= self._limits.subscriptions:
            raise TooManySubscriptions(f"a connection has at most {self._limits.subscriptions} subscriptions")
        self._check_room(member, site, known)
        subscription = self._begin(member, site.group(view, interval_ms, self._clock.monotonic()), wanted)
        site.events.join(member, allowed, events_after)
        held = request.held
        resumes = held is not None and held.view == view.name and state.can_resume(Position(held.epoch, held.seq))
        if held is not None:
            self.traffic.resumes.add("resumed" if resumes else "snapshot")
        if held is not None and resumes:
            subscription.hold(held.seq)
            self._answer(request.id, subscription, "resumed", Position(held.epoch, held.seq))
        else:
            self._answer(request.id, subscription, "snapshot", state.position)
        subscription.proceed()

    def _update(self, member: Member, request: Update) -> None:
        subscription = self._own(member, request.subscription)
        old = subscription.group
        site = self._sites[old.view.site]
        wanted = subscription.wanted if request.keys is UNSET else self._wanted(request.keys)
        interval_ms = old.interval_ms if request.min_interval_ms is UNSET else rounded_up(request.min_interval_ms)
        view = view_of(old.view.site, wanted, self._allowed(member, old.view.site))
        known = site.groups.get((view, interval_ms))
        if known is not old:
            site.current_state()
            self._check_room(member, site, known, leaving=old)
        subscription.wanted = wanted
        group = site.group(view, interval_ms, self._clock.monotonic())
        how: How = "unchanged"
        if group is not old:
            moved = self._moved(subscription, group)
            goes_on = moved is subscription and view == old.view and self._goes_on(site, moved)
            subscription, how = moved, "resumed" if goes_on else "snapshot"
        how = self._set_paused(subscription, request.paused, how)
        if how == "snapshot":
            subscription.void(None)
        position = site.position
        if how != "snapshot" and subscription.held is not None:
            position = Position(site.position.epoch, subscription.held)
        self._answer(request.id, subscription, how, position)
        subscription.proceed()

    def _set_paused(self, subscription: Subscription, paused: object, how: How) -> How:
        """Answers how the subscription goes on."""
        if paused is True:
            subscription.pause()
        elif paused is False and subscription.standing is Standing.paused:
            subscription.unpause()
            site = self._sites[subscription.group.view.site]
            return how if self._goes_on(site, subscription) or site.state is None else "snapshot"
        return how

    def _unsubscribe(self, member: Member, request: Unsubscribe) -> None:
        self._end(self._own(member, request.subscription))
        member.write(frame(Unsubscribed(id=request.id, subscription=request.subscription)))

    def _answer(self, request_id: int, subscription: Subscription, how: How, position: Position) -> None:
        group = subscription.group
        answer = Subscribed(
            id=request_id,
            subscription=group.number,
            view=group.view.name,
            how=how,
            epoch=position.epoch,
            seq=position.seq,
            min_interval_ms=group.interval_ms,
            events_after=str(subscription.member.listeners[group.view.site].told),
        )
        subscription.member.write(frame(answer))

    # --- what they need ---------------------------------------------------------------------------------------------

    def _allowed(self, member: Member, site: str) -> Allowed:
        allowed = member.rights(site) if site in self._sites else None
        if allowed is None:
            raise NotFound(f"there is no site {shown(site)}")
        return allowed

    def _wanted(self, keys: tuple[str, ...]) -> Filter:
        most = self._limits.keys_per_subscription
        if len(keys) > most:
            raise InvalidArgument(f"a subscription has at most {most} key patterns, this one {len(keys)}")
        return Filter.of(keys)

    def _own(self, member: Member, number: int) -> Subscription:
        found = member.subscriptions.get(number)
        if found is None:
            raise NotFound(f"this connection has no subscription {number}")
        return found

    def _check_room(self, member: Member, site: Site, known: Group | None, leaving: Group | None = None) -> None:
        user, most = self._members[member], self._limits.groups_per_user
        if known is None or not self._shares.has(user, known.number):
            kept = self._shares.count(user) - (leaving is not None and self._shares.is_last(user, leaving.number))
            if kept >= most:
                problem = f"you have {most} different views open; end one, or ask for one of them again"
                raise TooManyViews(problem, retry_after_s=10 * RETRY_AFTER_S)
        most = self._limits.groups_per_site
        if known is None and len(site.groups) >= most:
            problem = f"{most} different views of site {site.name!r} are open; ask for one that others have, or later"
            raise TooManyViews(problem, retry_after_s=10 * RETRY_AFTER_S)

    def _group_of(self, name: str, wanted: Filter, allowed: Allowed, old: Group) -> Group:
        """Rights must take hold, whatever the limit of groups."""
        view = view_of(name, wanted, allowed)
        return old if view == old.view else self._sites[name].group(view, old.interval_ms, self._clock.monotonic())

    def _goes_on(self, site: Site, subscription: Subscription) -> bool:
        return site.state is not None and subscription.can_go_on(site.state)

    def _begin(self, member: Member, group: Group, wanted: Filter) -> Subscription:
        subscription = Subscription(member, group, wanted)
        self._enter(subscription, group)
        return subscription

    def _moved(self, subscription: Subscription, group: Group) -> Subscription:
        """The member's subscription in the other group: this one, or the one it has there already."""
        member = subscription.member
        there = member.subscriptions.get(group.number)
        if there is not None:
            there.wanted = Filter.of([*there.wanted.patterns, *subscription.wanted.patterns])
            self._end(subscription)
            return there
        old = subscription.group
        subscription.move(group)
        self._leave(subscription, old)
        self._enter(subscription, group)
        return subscription

    def _end(self, subscription: Subscription) -> None:
        subscription.pause()
        member, site = subscription.member, self._sites[subscription.group.view.site]
        self._leave(subscription, subscription.group)
        if not member.subscriptions_of(site.name):
            site.events.leave(member)

    def _enter(self, subscription: Subscription, group: Group) -> None:
        group.members[subscription] = None
        subscription.member.subscriptions[group.number] = subscription
        self._shares.add(self._members[subscription.member], group.number)

    def _leave(self, subscription: Subscription, group: Group) -> None:
        del group.members[subscription]
        del subscription.member.subscriptions[group.number]
        self._shares.drop(self._members[subscription.member], group.number)
        self._sites[group.view.site].drop_if_empty(group)
