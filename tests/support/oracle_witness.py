"""One client's testimony, judged: is each of its views the reading of a prefix, and do the prefixes never go back?

Rules:

* A step at which the view's ``link/state`` is ``up`` is judged *strictly*: its values are the reading of one prefix
  n. The smallest n is taken that no earlier n of this client exceeds; taking the smallest never spoils a later step.
* n is a growing function of seq within an epoch, over all subscriptions and connections of the client. From epoch to
  epoch it does not fall either, except where the store was made to lose data.
* Which of them are stale is judged with them: n is one at which both are right, the values and the flags.
* Any other step is judged *loosely*: each value it brings was its key's value at some prefix, not older than what the
  same view showed before. Absent keys are allowed, and keys that several topics have a say in may waver: a flood is
  under way, and a new connection's reading knows only what it has brought so far.
* At the end of each ``Dead`` time, no view that a client was reading all the while says that the link is up.
* ``Bounds`` of a client that sees everything narrow n at each position to what that client saw there.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from tests.support.oracle_bounds import Bounds, Floors, Sighting
from tests.support.oracle_logs import ClientLog, Dead, Loss, Received
from tests.support.oracle_readings import (
    ABSENT,
    EVERYTHING,
    LINK,
    STALE,
    Marks,
    Matches,
    Prefixes,
    Timeline,
    canonical,
)
from tests.support.oracle_views import Moment, Problem, Replay, Step, View

LINK_KEYS = frozenset({"link/state", "link/reason", "link/since", "link/dialect"})
MOST_TOLD = 3
MOST_KEYS_TOLD = 5


@dataclass(frozen=True, slots=True)
class Difference:
    """One key: what the prefix says, and what the client saw."""

    key: str
    expected: object
    seen: object

    def __str__(self) -> str:
        return f"{self.key}: expected {self.expected!r}, seen {self.seen!r}"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something a right gateway never does. ``n`` is the prefix against which the differences are told."""

    client: str
    connection: int
    subscription: int
    kind: str
    text: str
    epoch: str = ""
    seq: int = -1
    n: int = -1
    differences: tuple[Difference, ...] = ()

    def __str__(self) -> str:
        place = f"{self.client}, connection {self.connection}, subscription {self.subscription}"
        lines = [f"[{self.kind}] {place} at {self.epoch}:{self.seq} (prefix {self.n}): {self.text}"]
        return "\n      ".join([*lines, *map(str, self.differences)])


@dataclass(slots=True)
class Tally:
    """What was judged: a clean report over nothing says nothing."""

    strict: int = 0
    loose: int = 0
    agreed: int = 0
    snapshots: int = 0
    resumed: int = 0
    resets: int = 0
    ignored: int = 0
    dead: int = 0
    final: int = 0

    def add(self, other: "Tally") -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class Court:
    """What all witnesses are judged by: the log's reading, and the hashes of each set of patterns."""

    def __init__(
        self,
        timeline: Timeline,
        marks: Marks,
        losses: Iterable[Loss] = (),
        dead: Iterable[Dead] = (),
        *,
        stale_unless_up: bool = False,
    ) -> None:
        self.timeline = timeline
        self.stale_unless_up = stale_unless_up
        self.marks = marks
        self.dead = {one.until_s: one for one in sorted(dead, key=lambda one: one.until_s)}
        self._losses = tuple(losses)
        self._lossy_epochs: set[str] = set()
        self._chosen: dict[object, Matches] = {}
        self._prefixes: dict[object, Prefixes] = {}

    def choose(self, patterns: Iterable[str], within: Iterable[str] = EVERYTHING) -> Matches:
        wanted = Matches(patterns, within)
        return self._chosen.setdefault(wanted.identity, wanted)

    def prefixes(self, chosen: Matches, *, flagged: bool = False) -> Prefixes:
        found = self._prefixes.get((chosen.identity, flagged))
        if found is None:
            found = Prefixes(self.timeline, chosen, flagged=flagged)
            self._prefixes[chosen.identity, flagged] = found
        return found

    def learn_epochs(self, log: ClientLog) -> None:
        """Which epochs began in the losses, as somebody saw it who sees everything."""
        for event in log.events:
            if isinstance(event, Received) and "epoch" in event.message and self.may_go_back(event.at_s, event.at_s):
                self._lossy_epochs.add(event.message["epoch"])

    def may_go_back(self, since_s: float, at_s: float, epoch: str = "") -> bool:
        """Whether what was sent between these times may be older than what was seen before."""
        return epoch in self._lossy_epochs or any(
            loss.from_s <= at_s and since_s <= loss.until_s for loss in self._losses
        )


class Witness:
    """One client under judgement. Call ``step`` for each step of its replay, then ``end``."""

    def __init__(self, log: ClientLog, court: Court, bounds: Bounds | None = None) -> None:
        self.log = log
        self.faults: list[Fault] = []
        self.untold: dict[str, int] = {}
        self.tally = Tally()
        self.sightings: list[Sighting] = []
        self.replay = Replay(log, court.marks, court.choose, tuple(court.dead))
        self._court = court
        self._bounds = bounds
        self._floors: dict[str, Floors] = {}
        self._epoch = ""
        self._epoch_floor = 0
        self._highest = 0
        self._afresh = True

    def other(self, outcome: Problem | Moment) -> None:
        """What is no step: a breach of the protocol, or the end of a dead time."""
        if isinstance(outcome, Problem):
            self._fault(outcome.kind, outcome.text, outcome.subscription, seq=outcome.seq)
        else:
            self._dead(self._court.dead[outcome.at_s], outcome.heard_s)

    def _dead(self, dead: Dead, heard_s: float) -> None:
        if heard_s > dead.from_s:
            return
        for one in self.replay.held.values():
            state = one.view.entries.get("link/state")
            if one.view.complete and not one.paused:
                self.tally.dead += 1
                if state is None or state[0] == "up":
                    self._fault("dead", f"the link is {state}, though {dead.why}", one.number, one.view)

    def step(self, step: Step) -> bool:
        """Judge one step; False: a fault was found."""
        view = step.view
        self._place(step)
        state = view.entries.get("link/state")
        is_up = state is not None and state[0] == "up"
        right = self._strictly(step) if is_up else self._loosely(step)
        if view.entries.keys() >= LINK_KEYS:
            return right
        missing = ", ".join(sorted(LINK_KEYS - view.entries.keys()))
        self._fault("link", f"{missing} missing", step.subscription, view)
        return False

    def end(self) -> None:
        """Judge what the client was left with."""
        self.tally.ignored = self.replay.ignored
        self.tally.resumed, self.tally.resets = self.replay.how["resumed"], self.replay.how["reset"]
        if not self.log.survives:
            return
        views = [one for one in self.replay.held.values() if not one.paused]
        if not views:
            self._fault("final", "nothing was subscribed at the end", -1)
        for one in views:
            self._last(one.number, one.view)

    def _last(self, number: int, view: View) -> None:
        self.tally.final += 1
        state = view.entries.get("link/state", [None])[0]
        if not view.complete or state not in ("up", "silent"):
            self._fault("final", f"complete: {view.complete}, link/state {state!r}", number, view)
            return
        granted = self._court.choose(view.chosen.patterns, self.replay.granted)
        if any(view.chosen(key) != granted(key) for key in self._court.timeline.histories):
            text = f"left within {view.chosen.within}, though {granted.within} is granted"
            self._fault("rights", text, number, view)
            return
        n, right = self._court.timeline.length, self._court.prefixes(view.chosen).last_hash
        if view.value_hash != right:
            self._fault("final", "not the whole log's reading", number, view, n, self._differences(view, n))
        elif state == "silent":
            if view.live:
                self._fault(STALE, f"{view.live} values look live, the link is silent", number, view, n)
        elif view.flagged_hash != self._court.prefixes(view.chosen, flagged=True).last_hash:
            self._fault("stale", "not the whole log's freshness", number, view, n, self._flags(view, n))

    def _place(self, step: Step) -> None:
        view = step.view
        if view.epoch != self._epoch:
            forgiven = self._court.may_go_back(step.since_s, step.at_s, view.epoch)
            if view.epoch in self._floors and not forgiven:
                self._fault("position", f"back in epoch {view.epoch} after {self._epoch}", step.subscription, view)
            self._afresh = forgiven or not self._epoch
            self._epoch, self._epoch_floor = view.epoch, 0 if forgiven else self._highest
            self._floors.setdefault(view.epoch, Floors())
        if step.whole:
            self.tally.snapshots += 1
            if view.seq < step.seen:
                self._afresh = True
                if not self._court.may_go_back(step.since_s, step.at_s):
                    text = f"a snapshot at {view.seq} after {step.seen} was seen"
                    self._fault("position", text, step.subscription, view)

    def _floor(self, view: View) -> int:
        return max(self._epoch_floor, self._floors[view.epoch].at(view.seq))

    def _strictly(self, step: Step) -> bool:
        self.tally.strict += 1
        view, at_most = step.view, self._court.timeline.length
        own = self._floor(view)
        if view.shown:
            own = max(own, *view.shown.values())
            view.shown.clear()
        at_least = own
        if self._bounds is not None:
            low, at_most = self._bounds.of(view.epoch, view.seq)
            at_least = max(at_least, low)
        prefixes = self._court.prefixes(view.chosen)
        n = prefixes.first(view.value_hash, at_least, at_most)
        if n is None:
            self._no_prefix(step, own, at_least, at_most)
            return False
        fresh = self._court.prefixes(view.chosen, flagged=True).first(view.flagged_hash, n, at_most)
        if fresh is None:
            text = f"not the freshness of prefix {n}, nor of one up to {at_most} with these values"
            differences = () if self._told_enough(STALE) else self._flags(view, n)
            self._fault(STALE, text, step.subscription, view, n, differences)
        else:
            n = fresh
        self._floors[view.epoch].note(view.seq, n)
        self._highest = max(self._highest, n)
        if view.chosen.is_everything:
            self.sightings.append(Sighting(view.epoch, view.seq, view.value_hash, n, self._afresh))
            self._afresh = False
        return fresh is not None

    def _no_prefix(self, step: Step, own: int, at_least: int, at_most: int) -> None:
        view, court = step.view, self._court
        prefixes = court.prefixes(view.chosen)
        latest = prefixes.last(view.value_hash, court.timeline.length)
        if latest is None:
            n = at_least if self._told_enough("mixed") else self._newest(view, at_least)
            kind, text = "mixed", "the reading of no prefix"
        elif latest < at_least:
            kind, n = "back", at_least
            whose = "this client had" if latest < own else "the auditor had by this position"
            text = f"the reading of prefix {latest} and none later, although {whose} seen prefix {at_least}"
        else:
            kind, n = "ahead", at_most
            text = f"the reading of prefix {latest} and none between {at_least} and {at_most}"
        differences = () if self._told_enough(kind) else self._differences(view, n)
        self._fault(kind, text, step.subscription, view, n, differences)

    def _newest(self, view: View, at_least: int) -> int:
        """The first prefix by which the newest of the view's values had come."""
        histories = self._court.timeline.histories
        firsts = [
            histories[key].first(canonical(entry[0]), at_least)
            for key, entry in view.entries.items()
            if key in histories
        ]
        return max((n for n in firsts if n is not None), default=at_least)

    def _loosely(self, step: Step) -> bool:
        self.tally.loose += 1
        view, right = step.view, True
        floor = self._floor(view)
        if self._court.stale_unless_up and view.live:
            right = False
            text = f"{view.live} values look live, link {view.entries.get('link/state')}"
            self._fault("stale", text, step.subscription, view)
        for key, entry in step.changed.items():
            if entry is None or key.startswith(LINK):
                continue
            history = self._court.timeline.histories.get(key)
            if history is not None and self._court.timeline.worked_out(key):
                continue
            at_least = max(floor, view.shown.get(key, 0))
            form = canonical(entry[0])
            n = history.first(form, at_least) if history else None
            if n is not None:
                view.shown[key] = n
                continue
            right = False
            ever = history is not None and history.first(form, 0) is not None
            expected = history.at(at_least) if history else ABSENT
            text = (
                f"an older value than was seen, link {view.entries.get('link/state')}" if ever else "never a reading"
            )
            difference = Difference(key, expected, entry[0])
            self._fault("back" if ever else "mixed", text, step.subscription, view, at_least, (difference,))
        return right

    def _differences(self, view: View, n: int) -> tuple[Difference, ...]:
        expected = self._court.timeline.reading(n, view.chosen)
        seen = {key: entry[0] for key, entry in view.entries.items() if not key.startswith(LINK)}
        keys = sorted(expected.keys() | seen.keys())
        pairs = [(key, expected.get(key, ABSENT), seen.get(key, ABSENT)) for key in keys]
        found = [Difference(*pair) for pair in pairs if not _same(pair[1], pair[2])]
        return _first_few(found)

    def _flags(self, view: View, n: int) -> tuple[Difference, ...]:
        found = []
        for key, entry in sorted(view.entries.items()):
            flags = self._court.timeline.flags.is_stale(key, n), len(entry) > len(("value", "changed_at"))
            if flags[0] != flags[1] and not key.startswith(LINK):
                found.append(Difference(key, *(STALE if flag else "live" for flag in flags)))
        return _first_few(found)

    def _fault(
        self,
        kind: str,
        text: str,
        subscription: int,
        view: View | None = None,
        n: int = -1,
        differences: tuple[Difference, ...] = (),
        *,
        seq: int = -1,
    ) -> None:
        if self._told_enough(kind):
            self.untold[kind] = self.untold.get(kind, 0) + 1
            return
        epoch, seq = (view.epoch, view.seq) if view else (self._epoch, seq)
        name, connection = self.log.name, self.replay.connection
        self.faults.append(Fault(name, connection, subscription, kind, text, epoch, seq, n, differences))

    def _told_enough(self, kind: str) -> bool:
        return sum(fault.kind == kind for fault in self.faults) >= MOST_TOLD

    def disagrees(self, step: Step, differences: tuple[Difference, ...]) -> None:
        text = "another client saw other values, times or flags at the same position"
        self._fault("disagree", text, step.subscription, step.view, -1, differences)


def _first_few(found: list[Difference]) -> tuple[Difference, ...]:
    hidden = len(found) - MOST_KEYS_TOLD
    more = [Difference(f"... and {hidden} more", "", "")] if hidden > 0 else []
    return (*found[:MOST_KEYS_TOLD], *more)


def _same(one: object, other: object) -> bool:
    if one is ABSENT or other is ABSENT:
        return one is other
    return canonical(one) == canonical(other)
