"""What a right client would hold after each message of its log: the protocol's rules, written a second time.

Rules (architecture 7), independent of ``gateway.protocol`` and of every client:

* ``subscribed`` opens a view: empty until its snapshot (how ``snapshot``), or the view that was held at the position
  the client asked to resume ``from`` (how ``resumed``), or as it was (``unchanged``, after an ``update``).
* Snapshot parts come 1 to ``parts``, with one position; the view is complete after the last. No delta before that.
* A delta is applied when ``from`` <= held < ``seq``, after which ``seq`` is held; ``seq`` <= held is ignored;
  ``from`` > held is a gap.
* ``reset`` voids the view until its next snapshot; ``now`` is its new number. With reason ``view`` the view is
  another from then on, whose name is not told: what was asked for, cut down to what is granted now.
* While paused a subscription gets no deltas. An update that makes a subscription equal to another joins it: there is
  one from then on, under the other's number, and paused if the other was.
* A connection's end keeps its complete views for a later resume.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.support.oracle_logs import (
    ClientEvent,
    ClientLog,
    Closed,
    Granted,
    Message,
    Opened,
    Received,
    Sent,
    Stalled,
)
from tests.support.oracle_readings import EVERYTHING, LINK, STALE, Marks, Matches, canonical


class Choose(Protocol):
    """The matcher of patterns, within others."""

    def __call__(self, patterns: Iterable[str], within: Iterable[str] = EVERYTHING) -> Matches: ...


@dataclass(frozen=True, slots=True)
class Problem:
    """A message that breaks the protocol, seen without knowing any reading."""

    kind: str
    text: str
    subscription: int = -1
    seq: int = -1


@dataclass(slots=True, eq=False)
class View:
    """A client's copy of the values its patterns select.

    ``value_hash`` covers keys and values without ``link/*``, ``flagged_hash`` which of them are stale, too;
    ``full_hash`` covers everything, times as well.
    ``live`` counts the values that are not flagged stale, ``link/*`` aside.
    ``shown`` is the judge's: for each key told while the link was not up, the prefix at which it had that value.
    """

    chosen: Matches
    name: str
    epoch: str = ""
    seq: int = -1
    complete: bool = False
    entries: dict[str, Any] = field(default_factory=dict)
    value_hash: int = 0
    flagged_hash: int = 0
    full_hash: int = 0
    live: int = 0
    shown: dict[str, int] = field(default_factory=dict)
    marks: dict[str, tuple[int, int, int]] = field(default_factory=dict)

    def put(self, key: str, entry: Any, marks: Marks) -> None:
        """Set one key, or take it away (None)."""
        old = self.marks.pop(key, None)
        if old is not None:
            self.value_hash ^= old[0]
            self.full_hash ^= old[1]
            self.flagged_hash ^= old[2]
            self.live -= _counts_as_live(key, self.entries.pop(key))
        if entry is None:
            return
        form = canonical(entry[0])
        is_link, is_live = key.startswith(LINK), _counts_as_live(key, entry)
        value_mark = 0 if is_link else marks((key, form))
        flagged_mark = value_mark if is_live or is_link else value_mark ^ marks((key, STALE))
        self.live += is_live
        full_mark = marks((key, form, entry[1], len(entry)))
        self.entries[key] = entry
        self.marks[key] = (value_mark, full_mark, flagged_mark)
        self.value_hash ^= value_mark
        self.full_hash ^= full_mark
        self.flagged_hash ^= flagged_mark

    def clear(self) -> None:
        self.complete = False
        self.entries.clear()
        self.marks.clear()
        self.value_hash = self.flagged_hash = self.full_hash = self.live = 0


@dataclass(slots=True)
class Step:
    """A view reached a position: ``changed`` is what the message brought; ``whole``: it was a snapshot.

    ``seen`` is the highest seq of this epoch that the client had seen anywhere before the snapshot began. It was sent
    at ``since_s`` at the earliest: what is read after a stall may be as old as that.
    """

    at_s: float
    since_s: float
    subscription: int
    view: View
    changed: dict[str, Any]
    whole: bool
    seen: int


@dataclass(slots=True)
class Subscription:
    """A view as one connection knows it. ``parts`` is None unless a snapshot is under way or awaited."""

    number: int
    view: View
    paused: bool = False
    parts: list[Message] | None = None
    not_below: int = -1
    seen: int = -1


@dataclass(frozen=True, slots=True)
class Moment:
    """One of the times asked about: ``held`` is as it was then. ``heard_s``: from when on the client was reading."""

    at_s: float
    heard_s: float


Outcome = Problem | Step | Moment


class Replay:
    """Goes through one client's log, and stops at ``moments``, which are in order."""

    def __init__(self, log: ClientLog, marks: Marks, choose: Choose, moments: Sequence[float] = ()) -> None:
        self._log = log
        self._marks = marks
        self._choose = choose
        self._moments = list(reversed(moments))
        self._heard_s = 0.0
        self._stalled_s: float | None = None
        self._proof: int | None = None  # the first request after a stall: its answer comes behind all that lay there
        self.connection = 0
        self.granted: tuple[str, ...] = EVERYTHING
        self._granted_at = -1
        self.held: dict[int, Subscription] = {}
        self.ignored = 0
        self.how: dict[str, int] = {"snapshot": 0, "resumed": 0, "unchanged": 0, "reset": 0}
        self._asked: dict[int, Message] = {}
        self._kept: dict[tuple[str, int, str], list[View]] = {}
        self._seen: dict[str, int] = {}
        self._at_s = 0.0
        self._handlers: dict[str, Callable[[Message], Iterable[Outcome]]] = {
            "subscribed": self._subscribed,
            "unsubscribed": self._unsubscribed,
            "snapshot": self._snapshot,
            "delta": self._delta,
            "reset": self._reset,
            "error": self._error,
        }

    def outcomes(self) -> Iterator[Outcome]:
        """Every complete step and every breach of the protocol, in order."""
        for event in self._log.events:
            if not isinstance(event, Stalled):
                yield from self._reached(event.at_s)
            self._at_s = event.at_s
            if isinstance(event, Received):
                if self._proof is not None and event.message.get("id") == self._proof:
                    self._stalled_s = self._proof = None
                handler = self._handlers.get(event.message["type"])
                if handler is not None:
                    yield from handler(event.message)
            else:
                self._own(event)
        yield from self._reached(float("inf"))

    def _reached(self, at_s: float) -> Iterator[Moment]:
        while self._moments and self._moments[-1] < at_s:
            yield Moment(self._moments.pop(), self._heard_s)

    def _own(self, event: ClientEvent) -> None:
        if isinstance(event, Sent):
            if "id" in event.message:
                self._asked[event.message["id"]] = event.message
                if self._stalled_s is not None and self._proof is None:
                    self._proof = event.message["id"]
        elif isinstance(event, Opened):
            self.connection += 1
        elif isinstance(event, Stalled):
            self._heard_s, self._stalled_s, self._proof = event.at_s, event.from_s, None
        elif isinstance(event, Granted):
            self.granted, self._granted_at = event.patterns, event.seq
        elif isinstance(event, Closed):
            for one in self.held.values():
                if one.view.complete:
                    self._kept.setdefault((one.view.epoch, one.view.seq, one.view.name), []).append(one.view)
            self.held.clear()
            self._asked.clear()
            self._stalled_s = self._proof = None

    def _error(self, message: Message) -> Iterable[Outcome]:
        self._asked.pop(message.get("id") or -1, None)
        return ()

    def _subscribed(self, message: Message) -> Iterable[Outcome]:
        asked = self._asked.pop(message["id"], None)
        number, how = message["subscription"], message["how"]
        if asked is None:
            return [Problem("protocol", f"subscribed answers no request: id {message['id']}", number)]
        self.how[how] = self.how.get(how, 0) + 1
        if asked["type"] == "update":
            return self._updated(asked, message)
        chosen = self._choose(asked["keys"], self.granted)
        if how == "resumed":
            return self._resumed(asked.get("from"), message, chosen)
        if how == "unchanged":
            known = self.held.get(number)
            if known is None:
                return [Problem("protocol", "unchanged, but there was no such subscription", number)]
            known.view.chosen = self._both(known.view.chosen, chosen)
            return ()
        self.held[number] = self._awaiting(number, View(chosen, message["view"]), message)
        return ()

    def _both(self, one: Matches, other: Matches) -> Matches:
        return self._choose([*one.patterns, *other.patterns], self.granted)

    def _awaiting(self, number: int, view: View, message: Message, *, paused: bool = False) -> Subscription:
        not_below = message.get("seq", -1)
        return Subscription(number, view, paused=paused, parts=[], not_below=not_below)

    def _resumed(self, asked: Message | None, message: Message, chosen: Matches) -> Iterable[Outcome]:
        number = message["subscription"]
        problem = _wrong_resume(asked, message)
        kept = self._kept.get((asked["epoch"], asked["seq"], asked["view"])) if asked else None
        if problem is None and not kept:
            problem = f"from {asked}, which this client never held"
        if not kept or problem is not None:
            self.held[number] = self._awaiting(number, View(chosen, message["view"]), message)
            return [Problem("resume", f"resumed {problem}", number, message["seq"])]
        view = kept.pop()
        view.chosen = chosen
        self.held[number] = Subscription(number, view)
        return ()

    def _updated(self, asked: Message, message: Message) -> Iterable[Outcome]:
        old = self.held.pop(asked["subscription"], None)
        number = message["subscription"]
        if old is None:
            return [Problem("protocol", "an update of a subscription that was not there succeeded", number)]
        there = self.held.get(number, old)
        paused = asked.get("paused", there.paused)
        patterns = asked["keys"] if asked.get("keys") is not None else old.view.chosen.patterns
        chosen = self._choose(patterns, self.granted)
        if there is not old:
            chosen = self._both(chosen, there.view.chosen)
        if message["how"] == "snapshot":
            fresh = View(chosen, message["view"])
            self.held[number] = self._awaiting(number, fresh, message, paused=paused)
            return ()
        there.view.name = there.view.name or message["view"]
        same = message["view"] == there.view.name
        there.view.chosen = chosen
        self.held[number] = Subscription(number, there.view, paused, there.parts, there.not_below)
        if same:
            return ()
        return [Problem("resume", f"{message['how']} although the view is another", number, message["seq"])]

    def _unsubscribed(self, message: Message) -> Iterable[Outcome]:
        self._asked.pop(message.get("id") or -1, None)
        if self.held.pop(message["subscription"], None) is None:
            return [Problem("protocol", "unsubscribed what was not subscribed", message["subscription"])]
        return ()

    def _reset(self, message: Message) -> Iterable[Outcome]:
        self.how["reset"] += 1
        old = self.held.pop(message["subscription"], None)
        if old is None:
            return [Problem("protocol", "reset of an unknown subscription", message["subscription"])]
        number, chosen = message["now"], old.view.chosen
        old.view.clear()
        there = self.held.get(number, old)
        name = old.view.name
        if message["reason"] == "view":
            chosen, name = self._both(chosen, there.view.chosen), ""
        self.held[number] = Subscription(number, View(chosen, name), there.paused, parts=[])
        if message["reason"] != "view" and number != old.number:
            return [Problem("protocol", f"reset for {message['reason']} changed the number", number)]
        return ()

    def _snapshot(self, message: Message) -> Iterable[Outcome]:
        number = message["subscription"]
        one = self.held.get(number)
        if one is None or one.parts is None:
            return [Problem("protocol", "a snapshot nobody asked for", number, message["seq"])]
        parts = one.parts
        parts.append(message)
        if len(parts) == 1:
            one.seen = self._seen.get(message["epoch"], -1)
        problem = _wrong_part(parts, one.not_below)
        if problem is not None:
            return [Problem("snapshot", problem, number, message["seq"])]
        if message["part"] < message["parts"]:
            return ()
        one.parts = None
        view = one.view
        view.epoch, view.seq, view.complete = message["epoch"], message["seq"], True
        values = {key: entry for part in parts for key, entry in part["values"].items()}
        return self._applied(one, values, whole=True)

    def _delta(self, message: Message) -> Iterable[Outcome]:
        number, start, seq = message["subscription"], message["from"], message["seq"]
        one = self.held.get(number)
        if one is None:
            return [Problem("protocol", "a delta of an unknown subscription", number, seq)]
        view = one.view
        if not view.complete:
            return [Problem("order", "a delta before the snapshot was complete", number, seq)]
        if one.paused:
            return [Problem("protocol", "a delta for a paused subscription", number, seq)]
        if start > view.seq or seq < start:
            gap = Problem("gap", f"delta from {start} to {seq}, but {view.seq} was held", number, seq)
            view.seq = max(seq, view.seq)
            return [gap, *self._applied(one, message["values"], whole=False)]
        if seq <= view.seq:
            self.ignored += 1
            return ()
        view.seq = seq
        return self._applied(one, message["values"], whole=False)

    def _applied(self, one: Subscription, values: Message, *, whole: bool) -> list[Outcome]:
        found: list[Outcome] = []
        view, marks = one.view, self._marks
        allowed = self._choose(EVERYTHING, self.granted) if view.seq > self._granted_at else None
        changed = {}
        for key, entry in values.items():
            problem = _wrong_entry(key, entry, view.chosen, whole=whole)
            if problem is not None:
                found.append(Problem(*problem, one.number, view.seq))
                continue
            if allowed is not None and not allowed(key):
                found.append(Problem("rights", f"{key} is shown although it is not granted", one.number, view.seq))
            view.put(key, entry, marks)
            changed[key] = entry
        self._seen[view.epoch] = max(view.seq, self._seen.get(view.epoch, -1))
        since_s = self._at_s if self._stalled_s is None else self._stalled_s
        found.append(Step(self._at_s, since_s, one.number, view, changed, whole, one.seen))
        return found


def _counts_as_live(key: str, entry: Any) -> bool:
    return len(entry) == len(("value", "changed_at")) and not key.startswith(LINK)


def _wrong_resume(asked: Message | None, message: Message) -> str | None:
    if not asked:
        return "although no position was given"
    if asked["view"] != message["view"]:
        return f"view {message['view']} from a position of view {asked['view']}"
    if asked["epoch"] != message["epoch"]:
        return f"epoch {message['epoch']} from a position of epoch {asked['epoch']}"
    if asked["seq"] > message["seq"]:
        return f"at {message['seq']} from the later position {asked['seq']}"
    return None


def _wrong_part(parts: list[Message], not_below: int) -> str | None:
    first, last = parts[0], parts[-1]
    if last["part"] != len(parts) or last["part"] > last["parts"]:
        return f"part {last['part']} of {last['parts']} came as number {len(parts)}"
    if (first["epoch"], first["seq"], first["parts"]) != (last["epoch"], last["seq"], last["parts"]):
        return "the parts of one snapshot have different positions"
    if last["seq"] < not_below:
        return f"a snapshot at {last['seq']} after subscribed told {not_below}"
    return None


def _wrong_entry(key: str, entry: Any, chosen: Matches, *, whole: bool) -> tuple[str, str] | None:
    if not chosen(key):
        return "outside", f"{key} is not in {chosen.patterns} within {chosen.within}"
    if entry is None:
        return ("snapshot", f"a snapshot with the ceased key {key}") if whole else None
    timed = isinstance(entry, list) and (
        len(entry) == 2 or (len(entry) == 3 and entry[2] == "stale")  # [value, changed_at(, "stale")]
    )
    if not timed or not (entry[1] is None or isinstance(entry[1], int | float)):
        return "protocol", f"{key} has the malformed entry {entry!r}"
    return None
