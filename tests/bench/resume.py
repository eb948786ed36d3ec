"""Resuming from the last change of each key, beside a ring of deltas (docs/adr/0007)."""

import random
import time
import tracemalloc
from collections import deque
from collections.abc import Callable, Iterator

from gateway.domain.values import Changes, Delta, Position, Reading, SiteState, Snapshot
from tests.bench.table import Row

KEYS, ENTRIES, CHANGES, ROUNDS = 500, 10_000, 10, 20


def deltas() -> Iterator[Delta]:
    dice = random.Random(1)
    keys = [f"chargepoints/{number // 20}/value_{number % 20}_w" for number in range(KEYS)]
    for seq in range(ENTRIES):
        changes: Changes = {key: Reading(dice.random(), 1.79e9 + seq) for key in dice.sample(keys, CHANGES)}
        yield Delta("e", seq, seq + 1, changes)


def filled_state() -> SiteState:
    state = SiteState(Snapshot(Position("e", 0), {}, {}, {}, 0))
    for delta in deltas():
        state.apply(delta)
    return state


def filled_ring() -> deque[Delta]:
    return deque(deltas(), maxlen=ENTRIES)


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


def resume_rows() -> Iterator[Row]:
    """Memory, and the time for one merged delta."""
    against = "ring of 10,000 deltas"
    yield Row("memory of what a resume needs", "MB", megabytes(filled_state), against, megabytes(filled_ring))
    state, ring = filled_state(), filled_ring()
    for back in (10, 1_000, 9_999):

        def from_ring(after: int = ENTRIES - back) -> Changes:
            merged: Changes = {}
            for delta in ring:
                if delta.seq > after:
                    merged.update(delta.changes)
            return merged

        def from_state(after: int = ENTRIES - back) -> Changes:
            return state.since(after, lambda _: True)

        assert from_ring() == from_state()
        yield Row(
            f"merged delta over {back} entries", "ms", milliseconds(from_state), against, milliseconds(from_ring)
        )
