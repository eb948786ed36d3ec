"""Makes samples of what a follower tells: pure, without clock or store.

Rules:

* The sample of a slot is the state at the slot's end, and is made 200 ms later: what the bridge received before the
  end has arrived by then, and what has arrived beyond that waits for the next slot.
* *When a change was*: at its ``changed_at``, if that is later than all that came before it. A change without such a
  time (a value turned stale, a key ceased to be) counts with the newest of its entry; where none has one, when it
  arrived. No change was later than it arrived, and none before those that came ahead of it. So a clock that was set
  back, here or at the bridge, moves changes together, never out of order.
* *Known* is a site up to the time of the last change that was told, and up to any moment at which the store said that
  there was no other. Only slots that end before that are sampled; who cannot know waits.
* The newest slot that is due is ``live``. Those before it are made up for, first and in order, from the same changes:
  ``rebuilt``. A sampler that begins is given the last sample and the changes since (``resume``, ``rebuild``), and
  goes on as if it had been there.
* A snapshot holds from the newest of its changes on, if it goes on from what was told; else from when it came.
* What cannot be known any more is *dark*: from where the place was lost, or the clock began a jump forward, until the
  next snapshot, or the end of the jump. Slots that end in the dark have every value None and ``stale``.
* At most ``most_missing`` slots are made up for, the newest ones. Those before them, after a jump of years or a long
  time switched off, are absent, and the next sample says how many (``skipped``).
* A clock that was set back makes no slot twice: the next one is waited for.
"""

import math
from collections import deque
from collections.abc import Callable
from typing import Final, TypeAlias

import msgspec

from gateway.domain.slots import (
    Counters,
    Quality,
    Sample,
    Value,
    first_slot_from,
    is_counter,
    moment_ms,
    next_slot,
    slot_of,
)
from gateway.domain.values import Changes, Delta, Position, Reading
from gateway.store.follow import Absent, Loaded, Step

OFFSET_MS: Final = 200
JUMP_MS: Final = 1_000
MOST_MISSING: Final = 1_440


class Moment(msgspec.Struct, frozen=True):
    """The same moment on both clocks, in milliseconds."""

    wall_ms: int
    monotonic_ms: int


class _Changed(msgspec.Struct, frozen=True):
    """A key has another reading, or none."""

    at: int
    key: str
    reading: Reading | None


class _Known(msgspec.Struct, frozen=True):
    """The readings are these, all of them; None: as they were before the dark."""

    at: int
    readings: dict[str, Reading] | None


class _Dark(msgspec.Struct, frozen=True):
    """From here on nobody knows."""

    at: int


_What: TypeAlias = _Changed | _Known | _Dark


class _Entry(msgspec.Struct):
    """What arrived together, as far as it is not in the state yet, and the position behind it (None: as before)."""

    position: Position | None
    whats: list[_What]


class SlotSampler:
    """One site's samples. ``records`` says which keys; ``resume`` comes first, if at all."""

    def __init__(
        self,
        period_ms: int,
        records: Callable[[str], bool],
        *,
        counters: Counters | None = None,
        most_missing: int = MOST_MISSING,
        offset_ms: int = OFFSET_MS,
    ) -> None:
        self._period_ms = period_ms
        self._records = records
        self._counters = counters or Counters()
        self._most_missing = most_missing
        self._offset_ms = offset_ms
        self._slot: int | None = None
        """The next one to be sampled."""
        self._state: dict[str, Reading] = {}
        """At the end of that slot, as far as is known by now."""
        self._dark = False
        self._position = Position("", 0)
        """All up to here is in the state."""
        self._later: deque[_Entry] = deque()
        """What was told and is not in the state, because it was after the end of the slot."""
        self._told: Position | None = None
        """All up to here was told; None: the place is lost."""
        self._newest_ms = 0
        """The time of the last change."""
        self._known_ms = 0
        self._followed_from_ms = math.inf
        self._clock: Moment | None = None
        self._asked: tuple[Moment, Position | None] | None = None
        self._skipped = 0

    # --- what was before --------------------------------------------------------------------------------------------

    def resume(self, last: Sample) -> None:
        """Go on behind the last sample of the queue."""
        recorded = {key: value for key, value in last.values.items() if self._records(key)}
        self._state = {
            key: Reading(number, None, grade == Quality.stale) for key, (number, grade) in recorded.items()
        }
        readings_wh = {key: number for key, (number, _) in recorded.items() if number is not None and is_counter(key)}
        self._counters.hold(readings_wh | last.marks, last.slot)
        self._position = self._told = Position(last.epoch, last.seq)
        self._newest_ms = self._known_ms = last.end
        self._slot = first_slot_from(last.end, self._period_ms)

    def rebuild(self, delta: Delta, read: Moment) -> None:
        """A change since the last sample, as the store still had it; it arrived at some time before it was read."""
        self._take_delta(delta, read, arrived=False)

    def lose(self) -> None:
        """What comes next does not go on from what was told."""
        if self._told is not None:
            self._told = None
            self._add(None, [_Dark(self._darkens_at())])

    # --- what is told -----------------------------------------------------------------------------------------------

    @property
    def told(self) -> Position | None:
        """The position up to which everything was told; None: nothing yet, or the place is lost."""
        return self._told

    def take(self, step: Step, at: Moment) -> None:
        """The follower's next step, and when it came."""
        self._watch_clock(at)
        match step:
            case Loaded():
                self._take_snapshot(step, at)
            case Delta():
                self._take_delta(step, at, arrived=True)
            case Absent():
                self.lose()

    def ask(self, at: Moment) -> None:
        """The store is about to be asked where it stands."""
        self._watch_clock(at)
        self._asked = (at, self._told)

    def confirm(self, stands: Position | None) -> bool:
        """Whether all was told that there was when the store was asked; this is its answer."""
        if self._asked is None or self._told is None or stands is None or stands.epoch != self._told.epoch:
            return False
        at, told = self._asked
        lost_some = told is not None and told.epoch == stands.epoch and told.seq > stands.seq
        if lost_some or stands.seq > self._told.seq:
            return False
        self._known_ms = max(self._known_ms, at.wall_ms)
        return True

    def _take_snapshot(self, loaded: Loaded, at: Moment) -> None:
        told, position = self._told, loaded.position
        whats: list[_What] = []
        if told is not None and told.epoch == position.epoch and told.seq <= position.seq and loaded.reason is None:
            since = {key: one for key, one in loaded.readings.items() if loaded.seqs.get(key, 0) > told.seq}
            whats = self._dated(dict(since), at.wall_ms, arrived=False)
            known_ms = self._newest_ms
        else:
            self.lose()
            newest_s = max((one.changed_at or 0 for one in loaded.readings.values()), default=0)
            self._newest_ms = max(self._newest_ms, min(moment_ms(newest_s), at.wall_ms))
            known_ms = max(self._newest_ms, at.wall_ms)
        if self._slot is None:
            self._slot = slot_of(at.wall_ms, self._period_ms)
        self._known_ms = max(self._known_ms, at.wall_ms)
        self._followed_from_ms = min(self._followed_from_ms, at.wall_ms)
        self._told = position
        readings = {key: reading for key, reading in loaded.readings.items() if self._records(key)}
        self._add(position, [*whats, _Known(known_ms, readings)])

    def _take_delta(self, delta: Delta, at: Moment, *, arrived: bool) -> None:
        if self._told != Position(delta.epoch, delta.from_seq):
            msg = f"delta {delta.epoch}:{delta.from_seq} does not continue {self._told}"
            raise ValueError(msg)
        whats = self._dated(delta.changes, at.wall_ms, arrived=arrived)
        self._told = Position(delta.epoch, delta.seq)
        self._known_ms = max(self._known_ms, self._newest_ms)
        self._add(self._told, whats)

    def _dated(self, changes: Changes, at_ms: int, *, arrived: bool) -> list[_What]:
        """The changes of recorded keys with their times; those of the others count for the times."""
        before_ms = newest_ms = self._newest_ms
        times: dict[str, int] = {}
        for key, reading in changes.items():
            changed_ms = moment_ms(reading.changed_at) if reading and reading.changed_at is not None else before_ms
            if changed_ms > before_ms:
                times[key] = max(before_ms, min(changed_ms, at_ms))
                newest_ms = max(newest_ms, times[key])
        if arrived and not times:
            newest_ms = max(newest_ms, at_ms)
        self._newest_ms = newest_ms
        return [
            _Changed(times.get(key, newest_ms), key, reading)
            for key, reading in changes.items()
            if self._records(key)
        ]

    def _watch_clock(self, at: Moment) -> None:
        """A jump forward is a time that never was; a jump back is waited out."""
        before, self._clock = self._clock, at
        if before is None or self._told is None:
            return
        jump_ms = (at.wall_ms - before.wall_ms) - (at.monotonic_ms - before.monotonic_ms)
        if jump_ms > JUMP_MS:
            dark = _Dark(self._darkens_at())
            self._newest_ms = self._known_ms = max(dark.at, before.wall_ms + jump_ms)
            self._add(None, [dark, _Known(self._newest_ms, None)])

    def _darkens_at(self) -> int:
        return max(self._newest_ms, self._known_ms) + 1

    # --- what comes of it -------------------------------------------------------------------------------------------

    @property
    def due_ms(self) -> int | None:
        """When, by the wall clock, the next sample is to be made; None: nothing is known yet."""
        return None if self._slot is None else self._end + self._offset_ms

    def samples(self, now: Moment, most: int) -> list[Sample]:
        """The next samples, at most so many; fewer than are due where not all is known."""
        self._watch_clock(now)
        made: list[Sample] = []
        if self._slot is None:
            return made
        self._skip(now.wall_ms)
        while len(made) < most and self._end + self._offset_ms <= now.wall_ms and self._end <= self._known_ms:
            made.append(self._sample(now.wall_ms))
            self._skipped = 0
            self._go_to(self._slot + self._period_ms)
        return made

    def passed(self, last: int) -> None:
        """Another sampler has done everything up to that slot."""
        if self._slot is not None and self._slot <= last:
            self._skipped = 0
            self._go_to(next_slot(last, self._period_ms))

    @property
    def _end(self) -> int:
        assert self._slot is not None
        return self._slot + self._period_ms

    def _skip(self, now_ms: int) -> None:
        assert self._slot is not None
        due = (now_ms - self._offset_ms - self._end) // self._period_ms + 1
        if due > self._most_missing:
            self._skipped += due - self._most_missing
            self._go_to(self._slot + (due - self._most_missing) * self._period_ms)

    def _go_to(self, slot: int) -> None:
        self._slot = slot
        self._advance()

    def _add(self, position: Position | None, whats: list[_What]) -> None:
        self._later.append(_Entry(position, whats))
        self._advance()

    def _advance(self) -> None:
        """Bring the state to the end of the slot; only what is later than that is kept."""
        while self._later:
            entry = self._later[0]
            waiting = [what for what in entry.whats if what.at > self._end]
            for what in entry.whats:
                if what.at <= self._end:
                    self._apply(what)
            if waiting:
                entry.whats = waiting
                return
            self._position = entry.position or self._position
            self._later.popleft()

    def _apply(self, what: _What) -> None:
        match what:
            case _Changed(reading=None):
                self._state.pop(what.key, None)
            case _Changed(reading=Reading() as reading):
                self._state[what.key] = reading
            case _Known():
                self._dark = False
                self._state = self._state if what.readings is None else what.readings
            case _Dark() | _:
                self._dark = True

    def _sample(self, now_ms: int) -> Sample:
        assert self._slot is not None
        is_newest = self._end + self._period_ms + self._offset_ms > now_ms
        grade = Quality.live if is_newest and self._end >= self._followed_from_ms else Quality.rebuilt
        values = {key: self._value(key, reading, grade) for key, reading in self._state.items()}
        marks = self._counters.marks(values)
        epoch, seq = self._position.epoch, self._position.seq
        return Sample(self._slot, self._period_ms, epoch, seq, values, now_ms, self._skipped, marks)

    def _value(self, key: str, reading: Reading, grade: Quality) -> Value:
        assert self._slot is not None
        if self._dark or reading.stale:
            return None, Quality.stale
        value = reading.value
        if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
            return None, grade
        number = float(value)
        if is_counter(key) and self._counters.jumps(key, number, self._slot):
            grade = Quality.jumped
        return number, grade
