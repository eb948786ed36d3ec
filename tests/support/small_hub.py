"""A hub with one site and clients whose bytes wait: for tests that look at single rules."""

from typing import Any

from gateway.domain.events import Event, EventEntry, EventId
from gateway.domain.filters import Filter
from gateway.domain.values import Changes, Delta, Position, Reading
from gateway.hub.hub import Hub
from gateway.hub.views import Allowed, Rights
from gateway.protocol.messages import EventGap, EventMessage, Held, Limits, Subscribe, Subscribed, Unsubscribe, Update
from gateway.store.follow import EventsLoaded, Happened, Loaded, Lost
from tests.support.clock import FakeClock
from tests.support.sinks import HeldSink

SITE = "home"
SMALL = Limits(unacknowledged_bytes=1_000, snapshot_part_bytes=812)


def everything(_site: str) -> Allowed:
    return Allowed(Filter.of(["#"]))


def only(*patterns: str, mark: str = "") -> Rights:
    allowed = Allowed(Filter.of(patterns), (mark,))
    return lambda _site: allowed


class SmallHub:
    """``seq`` and ``epoch`` are the site's."""

    def __init__(self, limits: Limits | None = None, **values: Any) -> None:
        self.clock = FakeClock()
        self.limits = limits or Limits()
        self.hub = Hub([SITE, "yard"], self.clock, self.limits, resume_entries=100)
        self.epoch, self.seq = "e1", 100
        self.load(**(values or {"a/x": 1, "a/y": 2, "b/x": 3}))

    @property
    def site(self) -> Any:
        return self.hub._sites[SITE]

    def load(self, reason: Lost | None = None, **values: Any) -> None:
        readings = {key: Reading(value, 1.0) for key, value in values.items()}
        seqs = dict.fromkeys(readings, self.seq)
        self.hub.on_step(SITE, Loaded(Position(self.epoch, self.seq), readings, seqs, {}, self.seq - 1, reason))

    def change(self, **values: Any) -> int:
        """One delta; ``...`` takes a key away, and two underscores stand for a slash."""
        changes: Changes = {
            key.replace("__", "/"): None if value is ... else Reading(value, 2.0) for key, value in values.items()
        }
        self.seq += 1
        self.hub.on_step(SITE, Delta(self.epoch, self.seq - 1, self.seq, changes))
        return self.seq

    def events_loaded(self, *numbers: int, floor: int = 0, newest: int = 0, key: str = "link/state") -> None:
        """What the store has of events: those with these numbers as ids."""
        entries = tuple(entry(number, self.seq, key) for number in numbers)
        self.hub.on_step(SITE, EventsLoaded(entries, EventId(floor), EventId(newest or max(numbers, default=floor))))

    def happens(self, number: int, key: str = "link/state", after_seq: int | None = None) -> None:
        """An event whose changes the mirror has; its number is its id."""
        self.hub.on_step(SITE, Happened(entry(number, self.seq if after_seq is None else after_seq, key)))

    def pass_time(self, seconds: float) -> float | None:
        self.clock.advance(seconds)
        return self.hub.tick()

    def client(self, rights: Rights = everything) -> "SmallClient":
        return SmallClient(self, rights)


def entry(number: int, after_seq: int, key: str) -> EventEntry:
    return EventEntry(EventId(number), after_seq, Event("test", float(number), key, {"number": number}))


class SmallClient:
    """One connection."""

    def __init__(self, owner: SmallHub, rights: Rights) -> None:
        self.hub = owner.hub
        self.sink = HeldSink(owner.limits.unacknowledged_bytes)
        self.member = owner.hub.join(self.sink, rights)
        self.last_id = 0

    def next_id(self) -> int:
        self.last_id += 1
        return self.last_id

    def ask(
        self,
        *keys: str,
        interval_ms: float = 0,
        held: Held | None = None,
        site: str = SITE,
        events_after: int | str | None = None,
    ) -> int:
        """Send ``subscribe``."""
        after = f"{events_after}-0" if isinstance(events_after, int) else events_after
        request = Subscribe(
            id=self.next_id(), site=site, keys=keys, min_interval_ms=interval_ms, held=held, events_after=after
        )
        self.hub.do(self.member, request)
        return request.id

    def subscribe(self, *keys: str, **more: Any) -> Subscribed:
        """Subscribe and take everything that follows."""
        self.ask(*keys, **more)
        answer = next(one for one in self.take() if isinstance(one, Subscribed))
        assert isinstance(answer, Subscribed)
        return answer

    def update(self, number: int, **change: Any) -> None:
        self.hub.do(self.member, Update(id=self.next_id(), subscription=number, **change))

    def unsubscribe(self, number: int) -> None:
        self.hub.do(self.member, Unsubscribe(id=self.next_id(), subscription=number))

    def take(self) -> list[Any]:
        """Everything that is under way, and what follows from its arrival."""
        return self.sink.all()

    def take_only(self) -> Any:
        """The only message under way."""
        (message,) = self.take()
        return message


def told(messages: list[Any]) -> list[int | str]:
    """The numbers of the events, and where gaps were told the id behind which they lie."""
    found: list[int | str] = []
    for message in messages:
        if isinstance(message, EventMessage):
            assert message.event_id == f"{message.details['number']}-0"
            found.append(message.details["number"])
        elif isinstance(message, EventGap):
            found.append(f"gap after {message.after}")
    return found


def listening(hub: SmallHub, *keys: str, **more: Any) -> SmallClient:
    client = hub.client()
    client.subscribe(*(keys or ("a/#",)), **more)
    client.take()
    return client
