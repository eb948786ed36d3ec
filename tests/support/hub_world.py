"""A site, its hub and its clients, all driven by chance: input of the hub's model test."""

import random
from collections.abc import Callable
from typing import Any

from msgspec import UNSET

from gateway.domain.events import Event, EventEntry, EventId
from gateway.domain.filters import Filter
from gateway.domain.values import Delta, Position, Reading
from gateway.hub.hub import Hub
from gateway.hub.member import Member, Standing
from gateway.hub.views import Allowed
from gateway.protocol.frames import Frame
from gateway.protocol.messages import EventGap, EventMessage, Limits, Subscribe, Unsubscribe, Update
from gateway.protocol.view import View
from gateway.store.follow import EventsLoaded, Happened, Loaded, Lost, Reachable, Unreachable
from tests.support.clock import FakeClock
from tests.support.ears import Ears, Numbered, Shown
from tests.support.sinks import Far, HeldSink
from tests.support.small_hub import everything

SITE = "home"
KEYS = ("grid/power_w", "pv/power_w", "link/state", *(f"chargepoints/{n}/{name}" for n in range(8) for name in "abc"))
PATTERNS = ("#", "grid/#", "+/power_w", "chargepoints/+/a", "chargepoints/1/#", "chargepoints/2/b", "none")
INTERVALS_MS = (0.0, 0.0, 90.0, 1_000.0, 10_000.0)
LIMITS = Limits(
    unacknowledged_bytes=1_500,
    snapshot_part_bytes=812,
    heartbeat_s=6.0,
    subscriptions=3,
    groups_per_site=8,
    replayed_events=12,
)
RESUME_ENTRIES = 12
Truth = dict[str, Reading]


LITTLE = Filter.of(["chargepoints/1/#", "+/power_w"])


def little(_site: str) -> Allowed:
    return Allowed(LITTLE, ("little",))


class NotedSink(HeldSink):
    """Shows what is written to it to somebody."""

    def __init__(self, note: Callable[[Frame], None]) -> None:
        super().__init__(LIMITS.unacknowledged_bytes)
        self._note = note

    def write(self, one: Frame) -> None:
        self._note(one)
        super().write(one)


class Client:
    """A connection with the views of its far end; ``kept`` are views of connections before, with their wishes."""

    def __init__(self, hub: Hub, happened: Numbered) -> None:
        self.hub = hub
        self.happened = happened
        self.ears = Ears(happened, LITTLE.matcher())
        self.events_shown = 0
        self.kept: list[tuple[tuple[str, ...], View]] = []
        self.wishes: dict[View, tuple[str, ...]] = {}
        self.connect(little_rights=False)

    def connect(self, *, little_rights: bool) -> None:
        self.shown = Shown(self.happened)
        self.sink = NotedSink(lambda one: self.shown.written(self.member, one))
        self.far = Far()
        self.member: Member = self.hub.join(self.sink, little if little_rights else everything)

    def disconnect(self) -> None:
        self.hub.leave(self.member)
        self.events_shown += self.shown.checked
        self.kept += [(self.wishes[view], view) for view in self.far.views.values() if view.held is not None]


class World:
    """``truth`` holds the site's state at every position there ever was."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.clock = FakeClock()
        self.hub = Hub([SITE], self.clock, LIMITS, resume_entries=RESUME_ENTRIES)
        self.epoch, self.seq = "e1", 100
        self.readings: Truth = {key: Reading(0, None) for key in KEYS[::2]}
        self.seqs = dict.fromkeys(self.readings, 100)
        self.truth: dict[tuple[str, int], Truth] = {}
        self.chosen: dict[str, Filter] = {}
        self.up = True
        self.ids = 0
        self.stamp = 0.0
        self.checked = 0
        self.happened: Numbered = {}
        self.load(None)
        self.clients = [Client(self.hub, self.happened) for _ in range(4)]
        self.acts: dict[Callable[[], None], int] = {
            self.change: 100,
            self.happen: 20,
            self.arrive: 80,
            self.wait: 25,
            self.subscribe_anew: 20,
            self.update: 20,
            self.resume: 15,
            self.reconnect: 6,
            self.unsubscribe: 5,
            self.rights: 3,
            self.outage: 3,
            self.new_epoch: 3,
            self.trimmed: 2,
        }

    def live(self, steps: int) -> None:
        """So many acts of chance, each followed by what must always hold; then the end."""
        for act in self.chance.choices(list(self.acts), list(self.acts.values()), k=steps):
            act()
            self.check_tables()
        self.end()

    # --- the site -----------------------------------------------------------------------------------------------

    def load(self, reason: Lost | None) -> None:
        self.truth[self.epoch, self.seq] = dict(self.readings)
        position = Position(self.epoch, self.seq)
        self.hub.on_step(SITE, Loaded(position, dict(self.readings), dict(self.seqs), {}, self.seq, reason))
        newest = sorted(self.happened)[-LIMITS.replayed_events :]
        floor = EventId(newest[0] - 1 if newest else 0)
        entries = tuple(self.entry(number) for number in newest)
        self.hub.on_step(SITE, EventsLoaded(entries, floor, EventId(len(self.happened))))

    def entry(self, number: int) -> EventEntry:
        key, after_seq = self.happened[number]
        return EventEntry(EventId(number), after_seq, Event("test", float(number), key, {}))

    def happen(self) -> None:
        """A change, and an event that tells of one of its keys."""
        if self.up:
            told = self.put(3)
            self.truth[self.epoch, self.seq] = dict(self.readings)
            self.hub.on_step(SITE, Delta(self.epoch, self.seq - 1, self.seq, told))
            number = len(self.happened) + 1
            self.happened[number] = (next(iter(told)), self.seq)
            self.hub.on_step(SITE, Happened(self.entry(number)))

    def put(self, most: int) -> dict[str, Reading | None]:
        self.seq += 1
        told: dict[str, Reading | None] = {}
        for key in self.chance.sample(KEYS, self.chance.randint(1, most)):
            self.stamp += 1
            self.readings.pop(key, None)
            self.seqs.pop(key, None)
            told[key] = None
            if self.chance.random() < 0.8:
                told[key] = self.readings[key] = Reading(self.stamp, self.stamp, stale=self.chance.random() < 0.2)
                self.seqs[key] = self.seq
        return told

    def change(self) -> None:
        if self.up:
            told = self.put(3)
            self.truth[self.epoch, self.seq] = dict(self.readings)
            self.hub.on_step(SITE, Delta(self.epoch, self.seq - 1, self.seq, told))
        elif self.chance.random() < 0.2:
            self.outage()

    def new_epoch(self) -> None:
        if self.up:
            self.seq += 1_000_000
            self.put(3)
            self.epoch = f"e{self.seq}"
            self.load("epoch")

    def trimmed(self) -> None:
        if self.up:
            for _ in range(30):
                self.put(3)
            self.load("trimmed")

    def outage(self) -> None:
        self.up = not self.up
        self.hub.on_step(SITE, Reachable() if self.up else Unreachable("gone"))

    def wait(self) -> None:
        self.clock.advance(self.chance.choice((0.05, 0.1, 1.0, 5.0, 11.0)))
        self.hub.tick()

    # --- the clients --------------------------------------------------------------------------------------------

    def next_id(self) -> int:
        self.ids += 1
        return self.ids

    def keys(self) -> tuple[str, ...]:
        return tuple(self.chance.sample(PATTERNS, self.chance.randint(0, 2)))

    def client(self) -> Client:
        return self.chance.choice(self.clients)

    def ask(self, client: Client, keys: tuple[str, ...], view: View) -> None:
        interval_ms = self.chance.choice(INTERVALS_MS)
        request = Subscribe(
            id=self.next_id(),
            site=SITE,
            keys=keys,
            min_interval_ms=interval_ms,
            held=view.held,
            events_after=f"{client.ears.last}-0",
        )
        client.far.asked[request.id] = view
        client.wishes[view] = keys
        self.hub.do(client.member, request)

    def subscribe_anew(self) -> None:
        self.ask(self.client(), self.keys(), View())

    def resume(self) -> None:
        client = self.client()
        if client.kept:
            self.ask(client, *client.kept.pop())

    def update(self) -> None:
        client = self.client()
        for number, view in self.chance.sample(list(client.far.views.items()), min(1, len(client.far.views))):
            keys: Any = self.keys() if self.chance.random() < 0.4 else UNSET
            interval_ms: Any = self.chance.choice(INTERVALS_MS) if self.chance.random() < 0.4 else UNSET
            paused: Any = self.chance.choice((True, False, UNSET))
            request = Update(
                id=self.next_id(), subscription=number, keys=keys, min_interval_ms=interval_ms, paused=paused
            )
            client.far.asked[request.id] = number
            if keys is not UNSET:
                client.wishes[view] = keys
            self.hub.do(client.member, request)

    def unsubscribe(self) -> None:
        client = self.client()
        for number in self.chance.sample(sorted(client.far.views), min(1, len(client.far.views))):
            self.hub.do(client.member, Unsubscribe(id=self.next_id(), subscription=number))

    def rights(self) -> None:
        self.hub.change_rights(self.client().member, self.chance.choice((little, everything)))

    def reconnect(self) -> None:
        client = self.client()
        client.disconnect()
        client.connect(little_rights=self.chance.random() < 0.2)

    def arrive(self) -> None:
        self.deliver(self.client(), self.chance.choice((1, 1, 2, 5, None)))

    def deliver(self, client: Client, most: int | None) -> bool:
        messages = client.sink.deliver(most)
        for message in messages:
            if isinstance(message, EventMessage | EventGap):
                client.ears.take(message)
                continue
            reached = client.far.take(message)
            if reached is not None:
                self.check(reached)
        return bool(messages)

    # --- what must hold -----------------------------------------------------------------------------------------

    def check(self, view: View) -> None:
        """The view is the truth at its position, as far as it may be seen."""
        assert view.position is not None
        self.checked += 1
        truth = self.truth[view.position.epoch, view.position.seq]
        if view.name:
            matches = self.chosen[view.name].matcher()
            assert view.readings == {key: reading for key, reading in truth.items() if matches(key)}
        else:  # after a change of rights the client is not told which view it has now
            assert view.readings.items() <= truth.items()

    def check_tables(self) -> None:
        """What the hub keeps of groups, members and subscriptions fits together, and no queue is beyond its bound."""
        groups = {group.number: group for group in self.hub._sites[SITE].groups.values()}
        for group in groups.values():
            self.chosen[group.view.name] = group.view.chosen
            assert group.members
            assert set(group.live) == {one for one in group.members if one.standing is Standing.live}
            assert all(one.held is not None and one.held >= group.sent for one in group.live)
        owned = {one for client in self.clients for one in client.member.subscriptions.values()}
        assert owned == {one for group in groups.values() for one in group.members}
        for client in self.clients:
            values = [len(one) for one in client.sink.waiting if b'"values"' in one.payload]
            assert sum(values[:-1]) < LIMITS.unacknowledged_bytes

    def end(self) -> None:
        """In the end all is quiet and everybody sees the last truth; then everybody leaves, and nothing is left."""
        if not self.up:
            self.outage()
        self.quiet()
        for client in self.clients:
            for number in client.far.views:
                request = Update(id=self.next_id(), subscription=number, paused=False)
                client.far.asked[request.id] = number
                self.hub.do(client.member, request)
        self.quiet()
        self.clock.advance(11)
        self.hub.tick()
        self.quiet()
        for client in self.clients:
            assert set(client.far.views) == set(client.member.subscriptions)
            if client.far.views:
                client.ears.end()
            for view in client.far.views.values():
                assert view.position == Position(self.epoch, self.seq)
                self.check(view)
            self.hub.leave(client.member)
            assert not client.member.subscriptions
        assert not self.hub._sites[SITE].groups
        assert not self.hub._members

    def quiet(self) -> None:
        for client in self.clients:
            while self.deliver(client, None):
                pass
