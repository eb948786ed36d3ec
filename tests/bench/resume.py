"""Resuming from the last change of each key, beside a ring of deltas (docs/adr/0007)."""

import random
import time
import tracemalloc
from collections import deque
from collections.abc import Callable, Iterator

import msgspec

from gateway.domain.values import Changes, Delta, Position, Reading, SiteState, Snapshot
from tests.bench.table import Figure, Row
from tests.bench.world import Cores

KEYS, CHANGES, ROUNDS = 500, 10, 20


class Size(msgspec.Struct, frozen=True):
    entries: int = 10_000
    back: tuple[int, ...] = (10, 1_000, 9_999)
    repeated: int = 5


def deltas(entries: int) -> Iterator[Delta]:
    dice = random.Random(1)
    keys = [f"chargepoints/{number // 20}/value_{number % 20}_w" for number in range(KEYS)]
    for seq in range(entries):
        changes: Changes = {key: Reading(dice.random(), 1.79e9 + seq) for key in dice.sample(keys, CHANGES)}
        yield Delta("e", seq, seq + 1, changes)


def filled_state(entries: int) -> SiteState:
    state = SiteState(Snapshot(Position("e", 0), {}, {}, {}, 0))
    for delta in deltas(entries):
        state.apply(delta)
    return state


def filled_ring(entries: int) -> deque[Delta]:
    return deque(deltas(entries), maxlen=entries)


def megabytes(make: Callable[[], object]) -> float:
    tracemalloc.start()
    try:
        held = make()
        used, _ = tracemalloc.get_traced_memory()
        del held
        return used / 1e6
    finally:
        tracemalloc.stop()


def milliseconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    for _ in range(ROUNDS):
        act()
    return (time.perf_counter() - began) / ROUNDS * 1000


async def rows(size: Size, _: Cores) -> list[Row]:
    """Memory, and the time for one merged delta."""
    entries, against = size.entries, f"ring of {size.entries} deltas"
    held = [Figure.of(megabytes(lambda make=make: make(entries))) for make in (filled_state, filled_ring)]  # type: ignore[misc]
    found = [Row("memory of what a resume needs", "MB", held[0], against, held[1])]
    state, ring = filled_state(entries), filled_ring(entries)
    for back in size.back:

        def from_ring(after: int = entries - back) -> Changes:
            merged: Changes = {}
            for delta in ring:
                if delta.seq > after:
                    merged.update(delta.changes)
            return merged

        def from_state(after: int = entries - back) -> Changes:
            return state.since(after, lambda _: True)

        assert from_ring() == from_state()
        ours, theirs = (
            Figure.of(*(milliseconds(way) for _ in range(size.repeated))) for way in (from_state, from_ring)
        )
        found.append(Row(f"merged delta over {back} entries", "ms", ours, against, theirs))
    return found
