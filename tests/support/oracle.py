"""The oracle: the independent judge of whether every websocket client's view was right.

Input: the broker's log as an independent subscriber got it, the catalogue's reading of a message, and each client's
log of what it sent and received. The oracle applies snapshots and deltas by its own copy of the protocol's rules
(``oracle_views.py``) and compares with the log's reading (``oracle_readings.py``, ``oracle_witness.py``).

What a clean report proves, for every client, subscription and position at which ``link/state`` was ``up``:

* the view's keys and values were exactly the reading of some prefix of the broker's log: nothing lost, nothing mixed
  from two moments, no ceased key kept, no foreign key;
* and exactly those values were stale that by that prefix nobody had brought on this connection, or that rested on
  something in fault (``oracle_freshness.py``): what looked live was live, and the other way round;
* those prefixes never went back as seq grew: not in a subscription, nor over the subscriptions and connections of a
  client, nor from epoch to epoch, except within a declared ``Loss``;
* with an auditor (a client that subscribes to ``#``) the prefix is also the one the auditor had at that position, so
  a client that lags behind its own position is caught, and at equal positions everything agrees with the auditor:
  ``changed_at`` and ``link/*`` too;
* no gap in the chain of ``from`` and ``seq``, no delta inside a snapshot, no resume from a position or view never
  held; positions within an epoch never went back;
* after ``Granted`` rights took hold, by ``reset`` or anew, no key outside of them, and everything within;
* each surviving client was left with the reading of the whole log; had the box fallen silent, with nothing live.

While the link was not ``up`` (connecting, silent, down, bridge_down) it proves only, for keys that come from one
topic, that each value told was its key's value at some prefix, and that no key went back; and, where asked for, that
no value looked live. By the end of each ``Dead`` time, no attentive client thought the link up.

The auditor commonly leaves one reading for each position (``Report.bounds_widest``), so the bridge's trace of which
message led to which seq is not needed.

What it does not prove: that the catalogue reads topics rightly (it uses the same reading); that ``changed_at`` and
``link/*`` are true (only that clients agree on them, and that ``up`` ends with the box); how fast anything came (a
view that stands still together with its position is a prefix, until the end); anything of messages that the broker
kept from the independent subscriber itself. A value that returns to an older one is taken as new wherever that is
possible; without an auditor a subscription whose few keys repeat their values proves little, which is why tests add
``rare_keys``.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.support.oracle_bounds import Bounds
from tests.support.oracle_freshness import RestsOn, no_faults
from tests.support.oracle_logs import BrokerLog, ClientLog, Dead, Loss
from tests.support.oracle_readings import ABSENT, Marks, Read, Timeline, accumulated
from tests.support.oracle_views import Replay, Step, View
from tests.support.oracle_witness import Court, Difference, Fault, Tally, Witness

MOST_FAULTS_SHOWN = 20
MOST_KEYS_SHOWN = 5


@dataclass(slots=True)
class Report:
    """The judgement. ``bounds_widest``: the most readings that the auditor left open for one position."""

    faults: list[Fault]
    tally: Tally
    per_client: dict[str, Tally]
    prefixes: int
    keys: int
    unreadable: int
    bounds_widest: int | None
    untold: dict[str, int] = field(default_factory=dict)

    @property
    def clean(self) -> bool:
        return not self.faults

    @property
    def kinds(self) -> set[str]:
        return {fault.kind for fault in self.faults}

    def __str__(self) -> str:
        head = (
            f"{len(self.faults)} faults told (untold: {self.untold or 'none'}) in {len(self.per_client)} clients over"
            f" {self.prefixes} log entries and {self.keys} keys; {self.tally}; bounds at most {self.bounds_widest}"
        )
        return "\n".join([head, *map(str, self.faults[:MOST_FAULTS_SHOWN])])


def judge(
    log: BrokerLog,
    read: Read,
    clients: Sequence[ClientLog],
    *,
    ceased: object,
    auditor: ClientLog | None = None,
    losses: Iterable[Loss] = (),
    dead: Iterable[Dead] = (),
    rests_on: RestsOn = no_faults,
    stale_unless_up: bool = False,
) -> Report:
    """Judge all clients and the auditor; ``ceased`` is what ``read`` gives for a key that ceased to be.

    ``rests_on`` gives the fault states that make a key stale while the link is up. ``stale_unless_up``: while the
    link is not up every value must be flagged stale.
    """
    marks = Marks()
    timeline = Timeline(log, read, ceased, marks, rests_on)
    court = Court(timeline, marks, losses, dead, stale_unless_up=stale_unless_up)
    witnesses: list[Witness] = []
    bounds, agreement = None, None
    if auditor is not None:
        court.learn_epochs(auditor)
        seer, journal = _audit(auditor, court)
        witnesses.append(seer)
        bounds = Bounds(seer.sightings, court.prefixes(court.choose(["#"])), timeline.length)
        agreement = Agreement(auditor, journal, court)
    for client in clients:
        witness = Witness(client, court, bounds)
        _hear(witness, agreement)
        witnesses.append(witness)
    widest = bounds.widest(court.prefixes(court.choose(["#"]))) if bounds else None
    return _report(witnesses, timeline, widest)


def _report(witnesses: list[Witness], timeline: Timeline, widest: int | None) -> Report:
    tally, untold = Tally(), dict[str, int]()
    for witness in witnesses:
        tally.add(witness.tally)
        for kind, count in witness.untold.items():
            untold[kind] = untold.get(kind, 0) + count
    return Report(
        faults=[fault for witness in witnesses for fault in witness.faults],
        tally=tally,
        per_client={witness.log.name: witness.tally for witness in witnesses},
        prefixes=timeline.length,
        keys=len(timeline.histories),
        unreadable=timeline.unreadable,
        bounds_widest=widest,
        untold=untold,
    )


Place = tuple[str, int]


@dataclass(slots=True)
class Journal:
    """How the full hash of the auditor's view moved: by key, the number of the step and what it changed."""

    steps: int = 0
    numbers: dict[Place, int] = field(default_factory=dict)
    moves: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    _marks: dict[str, int] = field(default_factory=dict)

    def note(self, step: Step) -> None:
        view = step.view
        self.steps += 1
        self.numbers[(view.epoch, view.seq)] = self.steps
        for key in view.marks.keys() | self._marks.keys() if step.whole else step.changed.keys():
            old, new = self._marks.get(key, 0), view.marks.get(key, (0, 0, 0))[1]
            if old != new:
                self.moves.setdefault(key, []).append((self.steps, old ^ new))
                self._marks[key] = new


def _audit(auditor: ClientLog, court: Court) -> tuple[Witness, Journal]:
    witness, journal = Witness(auditor, court), Journal()
    for outcome in witness.replay.outcomes():
        if isinstance(outcome, Step):
            witness.step(outcome)
            if outcome.view.chosen.is_everything:
                journal.note(outcome)
        else:
            witness.other(outcome)
    witness.end()
    return witness, journal


def _hear(witness: Witness, agreement: "Agreement | None") -> None:
    for outcome in witness.replay.outcomes():
        if not isinstance(outcome, Step):
            witness.other(outcome)
            continue
        if not witness.step(outcome) or agreement is None:
            continue
        agrees = agreement.check(outcome.view)
        if agrees is not None:
            witness.tally.agreed += 1
            if not agrees:
                witness.disagrees(outcome, agreement.differences(outcome.view))
    witness.end()


class Agreement:
    """At equal positions a view and the auditor's, as far as the patterns reach, are the same in everything."""

    def __init__(self, auditor: ClientLog, journal: Journal, court: Court) -> None:
        self._auditor = auditor
        self._journal = journal
        self._court = court
        self._hashes: dict[object, tuple[list[int], list[int]]] = {}
        self._searches_left = 5

    def check(self, view: View) -> bool | None:
        """None: the auditor was never at that position."""
        number = self._journal.numbers.get((view.epoch, view.seq))
        if number is None:
            return None
        known = self._hashes.get(view.chosen.identity)
        if known is None:
            known = self._hashes[view.chosen.identity] = accumulated(view.chosen, self._journal.moves)
        numbers, hashes = known
        return hashes[bisect_right(numbers, number) - 1] == view.full_hash

    def differences(self, view: View) -> tuple[Difference, ...]:
        """Search the auditor's log again for what it held at the view's position; for the first few faults only."""
        if self._searches_left == 0:
            return ()
        self._searches_left -= 1
        expected = self._entries_at((view.epoch, view.seq))
        wanted = {key: entry for key, entry in expected.items() if view.chosen(key)}
        keys = sorted(wanted.keys() | view.entries.keys())
        pairs = [(key, wanted.get(key, ABSENT), view.entries.get(key, ABSENT)) for key in keys]
        return tuple(Difference(*pair) for pair in pairs if pair[1] != pair[2])[:MOST_KEYS_SHOWN]

    def _entries_at(self, place: Place) -> dict[str, object]:
        replay = Replay(self._auditor, self._court.marks, self._court.choose)
        for outcome in replay.outcomes():
            if isinstance(outcome, Step) and (outcome.view.epoch, outcome.view.seq) == place:
                return dict(outcome.view.entries)
        return {}
