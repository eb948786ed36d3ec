from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.values import Changes, Delta, Position, Reading, SiteState, Snapshot, differences, same

KEYS = st.sampled_from(["a", "b", "c", "d"])
READINGS = st.builds(Reading, st.integers(0, 3), st.none() | st.floats(0, 10), st.booleans())
CHANGES = st.dictionaries(KEYS, st.none() | READINGS, max_size=3)


def snapshot(
    seq: int = 0, readings: Mapping[str, Reading] | None = None, **more: Mapping[str, int] | int
) -> Snapshot:
    known = dict(readings or {})
    seqs = more.get("seqs", dict.fromkeys(known, seq))
    removed, complete_after = more.get("removed", {}), more.get("complete_after", seq)
    assert isinstance(seqs, Mapping)
    assert isinstance(removed, Mapping)
    assert isinstance(complete_after, int)
    return Snapshot(Position("e", seq), known, dict(seqs), dict(removed), complete_after)


def everything(_: str) -> bool:
    return True


def applied(readings: Mapping[str, Reading], changes: Changes) -> dict[str, Reading]:
    state = dict(readings)
    for key, reading in changes.items():
        if reading is None:
            state.pop(key, None)
        else:
            state[key] = reading
    return state


@given(st.dictionaries(KEYS, READINGS), st.lists(CHANGES, max_size=12), st.integers(1, 12))
def test_a_state_is_what_its_deltas_make_it_and_every_resume_leads_to_it(
    first: dict[str, Reading], steps: list[Changes], resume_entries: int
) -> None:
    state = SiteState(snapshot(0, first), resume_entries)
    history = [dict(first)]
    for seq, changes in enumerate(steps, start=1):
        state.apply(Delta("e", seq - 1, seq, changes))
        history.append(applied(history[-1], changes))
    assert state.readings == history[-1]
    assert state.position == Position("e", len(steps))
    for seq, before in enumerate(history):
        if state.can_resume(Position("e", seq)):
            assert applied(before, state.since(seq, everything)) == history[-1]
        else:
            assert seq < len(steps) - resume_entries


@given(st.lists(CHANGES, min_size=1, max_size=8), KEYS)
def test_a_resume_holds_only_what_matches_and_only_what_changed(steps: list[Changes], wanted: str) -> None:
    state = SiteState(snapshot())
    for seq, changes in enumerate(steps, start=1):
        state.apply(Delta("e", seq - 1, seq, changes))
    for seq in range(len(steps) + 1):
        told = state.since(seq, wanted.__eq__)
        changed_later = any(wanted in changes for changes in steps[seq:])
        assert set(told) <= {wanted}
        assert bool(told) == changed_later


def test_a_delta_must_continue_the_state() -> None:
    state = SiteState(snapshot(5))
    for delta in (Delta("e", 4, 6, {}), Delta("e", 6, 7, {}), Delta("other", 5, 6, {})):
        with pytest.raises(ValueError, match="does not continue"):
            state.apply(delta)
    assert state.position == Position("e", 5)


def test_a_delta_may_span_several_seqs() -> None:
    state = SiteState(snapshot(5))
    state.apply(Delta("e", 5, 9, {"a": Reading(1)}))
    assert state.seq_of("a") == 9
    assert state.since(8, everything) == {"a": Reading(1)}
    assert state.since(9, everything) == {}


def test_resume_needs_the_epoch_a_complete_past_and_no_future() -> None:
    state = SiteState(snapshot(10, complete_after=7), resume_entries=100)
    assert [state.can_resume(Position("e", seq)) for seq in (6, 7, 10, 11)] == [False, True, True, False]
    assert not state.can_resume(Position("other", 10))


def test_a_snapshot_brings_the_past_with_it() -> None:
    state = SiteState(snapshot(10, {"a": Reading(1), "b": Reading(2)}, seqs={"a": 9, "b": 3}, removed={"c": 8}))
    assert state.since(7, everything) == {"a": Reading(1), "c": None}
    assert state.since(2, everything) == {"a": Reading(1), "b": Reading(2), "c": None}


def test_removals_out_of_reach_are_forgotten() -> None:
    state = SiteState(snapshot(0, {"a": Reading(1), "b": Reading(1)}), resume_entries=2)
    state.apply(Delta("e", 0, 1, {"a": None}))
    state.apply(Delta("e", 1, 2, {"b": None}))
    state.apply(Delta("e", 2, 3, {}))
    assert state.since(0, everything) == {"b": None}


@given(st.dictionaries(KEYS, READINGS), st.dictionaries(KEYS, st.integers(0, 3)), st.booleans())
def test_differences_are_exactly_what_must_be_told(
    known: dict[str, Reading], values: dict[str, int], stale: bool
) -> None:
    changes = differences(known, values, 7.0, stale=stale)
    after = applied(known, changes)
    for key, value in values.items():
        assert (after[key].value, after[key].stale) == (value, stale)
        if key in known and known[key].value == value:
            assert after[key].changed_at == known[key].changed_at
            assert (key in changes) == (known[key].stale != stale)
        else:
            assert changes[key] == Reading(value, 7.0, stale)
    assert changes.keys() <= values.keys()


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [(1, 1.0, True), (True, 1, False), (0, False, False), (True, True, True), (None, 0, False), ("a", "a", True)],
)
def test_same(one: bool | float | str | None, other: bool | float | str | None, equal: bool) -> None:
    assert same(one, other) is equal
