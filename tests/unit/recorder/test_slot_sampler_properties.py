"""Any steps at any times, beside a brute-force search in the list of all changes.

"Red:" names the deliberate faults with which the tests were seen to fail.
"""

from itertools import pairwise
from typing import TypeAlias

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.slots import Quality, Sample, slot_of
from gateway.domain.values import Changes, Delta, Position, Reading
from gateway.store.follow import Absent, Loaded, Reachable, Step, Unreachable
from recorder.slot_sampler import OFFSET_MS, Moment, SlotSampler

T0 = 1_800_000_000_000
KEYS = st.sampled_from(["a", "b", "c"])
PERIODS = st.sampled_from([50, 200, 700, 1_000])


class Change(msgspec.Struct, frozen=True):
    """A value becomes another (None: stale, or no more), a while after the last change, and arrives later still."""

    key: str
    after_ms: int
    late_ms: int
    what: str


class Look(msgspec.Struct, frozen=True):
    """Somebody asks for samples; after a restart, as one that has only the last sample."""

    after_ms: int
    most: int
    restarts: bool


CHANGES = st.builds(
    Change,
    KEYS,
    st.integers(1, 900),
    st.integers(0, 150),
    st.sampled_from(["value", "value", "stale", "live", "gone"]),
)
LOOKS = st.builds(Look, st.integers(0, 3_000), st.integers(1, 5), st.booleans())
Act: TypeAlias = Change | Look


class World:
    """Writes down what is true, and tells it when it arrives."""

    def __init__(self, period_ms: int) -> None:
        self.period_ms = period_ms
        self.now = T0
        self.epoch_seq = 100
        self.truth: list[tuple[int, dict[str, Reading]]] = [(T0, {"a": Reading(0.0)})]
        self.deltas: list[tuple[int, Delta]] = []
        self.told = 0
        self.made: list[Sample] = []
        self.core = self.begun(None)

    def begun(self, last: Sample | None) -> SlotSampler:
        """As the sampler does it: the last sample, the changes since, the snapshot."""
        core = SlotSampler(self.period_ms, lambda key: key != "link/since", most_missing=10**9)
        if last is not None:
            core.resume(last)
            for delta in self.arrived():
                if delta.seq > last.seq:
                    core.rebuild(delta, self.moment)
        seq = 100 + len(self.arrived())
        readings = dict(self.truth[len(self.arrived())][1])
        if last is not None:
            core.ask(self.moment)
            assert core.confirm(Position("e", seq))
        core.take(Loaded(Position("e", seq), readings, dict.fromkeys(readings, seq), {}, seq), self.moment)
        self.told = len(self.arrived())
        return core

    @property
    def moment(self) -> Moment:
        return Moment(self.now, self.now - T0)

    def arrived(self) -> list[Delta]:
        return [delta for arrives, delta in self.deltas if arrives <= self.now]

    def change(self, one: Change) -> None:
        """Times only grow, as do arrivals; what has no time of its own rides with something that has.

        Nothing arrives before now, and nothing so late that its slot may have been sampled.
        """
        was_ms, state = self.truth[-1]
        changed_ms = max(was_ms + one.after_ms, self.now + 1 - one.late_ms)
        changed_s, old = changed_ms / 1000, state.get(one.key)
        changes: Changes = {"link/since": Reading(changed_s, changed_s)}
        match one.what:
            case "gone":
                changes[one.key] = None
            case "value":
                changes[one.key] = Reading(float(len(self.truth)), changed_s)
            case _ if old is not None:
                changes[one.key] = Reading(old.value, old.changed_at, one.what == "stale")
        after = {key: reading for key, reading in {**state, **changes}.items() if reading and key != "link/since"}
        self.truth.append((changed_ms, after))
        arrives = max(changed_ms + one.late_ms, self.deltas[-1][0] if self.deltas else 0)
        seq = 100 + len(self.deltas)
        self.deltas.append((arrives, Delta("e", seq, seq + 1, changes)))

    def look(self, one: Look) -> None:
        """What has arrived is told first, each at its time, or all together after a time of deep sleep."""
        self.now = max(self.now, self.truth[-1][0]) + one.after_ms
        if one.restarts and self.made:
            self.core = self.begun(self.made[-1])
        for delta in self.arrived()[self.told :]:
            self.core.take(delta, self.moment)
            self.told += 1
        self.core.ask(self.moment)
        assert self.core.confirm(Position("e", 100 + self.told))
        self.made += self.core.samples(self.moment, one.most)

    def true_at(self, end_ms: int) -> dict[str, float | None]:
        state = [state for changed_ms, state in self.truth if changed_ms <= end_ms][-1]
        return {key: None if one.stale else float(str(one.value)) for key, one in state.items()}


@given(PERIODS, st.lists(CHANGES | LOOKS, max_size=40))
def test_every_value_is_the_true_one_at_the_end_of_the_slot(period_ms: int, acts: list[Act]) -> None:
    """Red: with changes dated by their arrival, and with a position behind an entry that is in the sample in part."""
    world = World(period_ms)
    for act in acts:
        if isinstance(act, Change):
            world.change(act)
        else:
            world.look(act)
    world.look(Look(1_000, 10**6, restarts=False))
    slots = [sample.slot for sample in world.made]
    assert slots == [slot_of(T0, period_ms) + number * period_ms for number in range(len(slots))]
    due = world.now - OFFSET_MS - period_ms
    assert not slots or slots[-1] + period_ms > due, "none that is due is missing"
    for sample in world.made:
        assert {key: number for key, (number, _) in sample.values.items()} == world.true_at(sample.end)
        for number, grade in sample.values.values():
            assert (grade == Quality.stale) == (number is None)
            assert grade != Quality.live or sample.end + 2 * period_ms + OFFSET_MS > sample.taken_ms


# --- anything at all ------------------------------------------------------------------------------------------------


class Event(msgspec.Struct, frozen=True):
    """One step of a follower, and how the clocks went on before it."""

    kind: str
    wall_ms: int
    monotonic_ms: int
    key: str
    value: float | None
    changed_ms: int | None
    most: int


EVENTS = st.builds(
    Event,
    st.sampled_from(
        ["delta", "delta", "delta", "samples", "samples", "loaded", "epoch", "trimmed", "absent", "away"]
    ),
    st.integers(0, 3_000) | st.sampled_from([-(10**9), -5_000, 5_000, 10**12]),
    st.integers(0, 3_000),
    KEYS,
    st.none() | st.floats(-1e6, 1e6),
    st.none() | st.integers(-10_000, 10_000),
    st.integers(1, 8),
)
MOST_MISSING = 12


class Anything:
    """A follower's contract is kept, and nothing else."""

    def __init__(self, period_ms: int) -> None:
        self.core = SlotSampler(period_ms, lambda _: True, most_missing=MOST_MISSING)
        self.wall_ms, self.monotonic_ms = T0, 0
        self.position: Position | None = None
        self.readings: dict[str, Reading] = {}
        self.made: list[Sample] = []

    def happen(self, one: Event) -> None:
        self.wall_ms += one.wall_ms
        self.monotonic_ms += one.monotonic_ms
        at = Moment(self.wall_ms, self.monotonic_ms)
        if one.kind == "samples":
            self.core.ask(at)
            self.core.confirm(self.position)
            made = self.core.samples(at, one.most)
            assert len(made) <= one.most
            self.made += made
        elif (step := self.step(one)) is not None:
            self.core.take(step, at)

    def step(self, one: Event) -> Step | None:
        changed = None if one.changed_ms is None else (self.wall_ms + one.changed_ms) / 1000
        reading = Reading(one.value, changed, one.most == 1)
        position = self.position
        match one.kind:
            case "delta" if position is not None:
                self.readings = {**self.readings, one.key: reading}
                self.position = Position(position.epoch, position.seq + 1)
                return Delta(position.epoch, position.seq, position.seq + 1, {one.key: reading})
            case "epoch" | "trimmed" | "loaded":
                epoch, seq = (position.epoch, position.seq) if position else ("e", 1)
                again = one.kind != "epoch" and position is not None
                self.position = Position(epoch if again else epoch + "'", seq + one.most)
                self.readings = {**self.readings, one.key: reading}
                seqs = dict.fromkeys(self.readings, self.position.seq)
                reason = None if one.kind == "loaded" else "epoch" if one.kind == "epoch" else "trimmed"
                return Loaded(self.position, self.readings, seqs, {}, 0, reason)  # type: ignore[arg-type]
            case "absent":
                self.position = None
                return Absent()
        return Unreachable("?") if one.most % 2 else Reachable()


@given(PERIODS, st.lists(EVENTS, max_size=50))
def test_whatever_happens_slots_are_in_order_and_few(period_ms: int, events: list[Event]) -> None:
    world = Anything(period_ms)
    for event in events:
        before = len(world.made)
        world.happen(event)
        assert len(world.made) - before <= MOST_MISSING
    for one, other in pairwise(world.made):
        assert other.slot == one.slot + period_ms * (1 + other.skipped)
    for sample in world.made:
        assert sample.slot % period_ms == 0
        assert sample.end + OFFSET_MS <= sample.taken_ms
        for number, grade in sample.values.values():
            assert grade in (Quality.live, Quality.rebuilt) or number is None
    if world.position is not None and world.made:
        settle = Event("samples", 10**10, 0, "a", None, None, 1_000)
        world.happen(msgspec.structs.replace(settle, monotonic_ms=10**10))
        shown = {key: None if one.stale else one.value for key, one in world.readings.items()}
        last = world.made[-1]
        if last.taken_ms == world.wall_ms:
            assert {key: number for key, (number, _) in last.values.items()} == shown
            assert Position(last.epoch, last.seq) == world.position
