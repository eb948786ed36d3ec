from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.values import Position, Reading
from gateway.protocol.messages import DeltaMessage, Held, How, Reset, ResetReason, SnapshotPart, Subscribed
from gateway.protocol.view import Applied, ChainBroken, View, reading_of


def subscribed(how: How, view: str = "v", seq: int = 100) -> Subscribed:
    return Subscribed(id=1, subscription=7, view=view, how=how, epoch="e", seq=seq, min_interval_ms=0)


def part(number: int, of: int, seq: int = 100, epoch: str = "e", **values: Any) -> SnapshotPart:
    return SnapshotPart(subscription=7, epoch=epoch, seq=seq, part=number, parts=of, values=values)


def delta(start: int, seq: int, **values: Any) -> DeltaMessage:
    return DeltaMessage(subscription=7, from_seq=start, seq=seq, values=values)


def reset(reason: ResetReason = "epoch", now: int = 7) -> Reset:
    return Reset(subscription=7, reason=reason, now=now)


def full(**values: Any) -> View:
    view = View()
    view.subscribed(subscribed("snapshot"))
    view.snapshot(part(1, 1, **values))
    return view


def test_nothing_is_held_at_first() -> None:
    view = View()
    assert (view.position, view.held, view.readings) == (None, None, {})


def test_a_snapshot_takes_effect_with_its_last_part() -> None:
    view = full(old=[1, None])
    view.subscribed(subscribed("snapshot", "w"))
    assert view.held is None
    assert view.snapshot(part(1, 2, a=[1, 2.0])) is None
    assert view.readings == {"old": Reading(1)}
    applied = view.snapshot(part(2, 2, b=[None, None], c=[1, 1.0, "stale"]))
    readings = {"a": Reading(1, 2.0), "b": Reading(None), "c": Reading(1, 1.0, stale=True)}
    assert applied == Applied(Position("e", 100), dict(readings), whole=True)
    assert view.readings == readings
    assert view.held == Held(epoch="e", seq=100, view="w")


def test_part_one_begins_anew() -> None:
    view = View()
    view.snapshot(part(1, 2, a=[1, 1.0]))
    view.snapshot(part(1, 2, seq=105, b=[1, 1.0]))
    view.snapshot(part(2, 2, seq=105, c=[1, 1.0]))
    assert sorted(view.readings) == ["b", "c"]


@pytest.mark.parametrize(
    "wrong", [part(3, 3), part(2, 2), part(2, 3, seq=101), part(2, 3, epoch="f"), part(3, 3, seq=100)]
)
def test_parts_that_do_not_fit_break_the_chain(wrong: SnapshotPart) -> None:
    view = View()
    view.snapshot(part(1, 3))
    with pytest.raises(ChainBroken):
        view.snapshot(wrong)


def test_a_part_from_the_middle_breaks_the_chain() -> None:
    with pytest.raises(ChainBroken):
        View().snapshot(part(2, 2))


def test_a_delta_that_begins_at_or_before_what_is_held_is_applied() -> None:
    view = full(a=[1, 1.0], b=[1, 1.0])
    assert view.delta(delta(90, 104, a=[2, 2.0], b=None, c=None)) == Applied(
        Position("e", 104), {"a": Reading(2, 2.0), "b": None, "c": None}
    )
    assert view.readings == {"a": Reading(2, 2.0)}
    assert view.held == Held(epoch="e", seq=104, view="v")
    assert view.delta(delta(104, 105)) == Applied(Position("e", 105), {})


@pytest.mark.parametrize("seq", [99, 100])
def test_an_old_delta_is_ignored(seq: int) -> None:
    view = full(a=[1, 1.0])
    assert view.delta(delta(90, seq, a=[0, 0.0])) is None
    assert view.readings == {"a": Reading(1, 1.0)}
    assert view.position == Position("e", 100)


def test_a_gap_is_told_and_changes_nothing() -> None:
    view = full(a=[1, 1.0])
    with pytest.raises(ChainBroken, match="101"):
        view.delta(delta(101, 102, a=[2, 2.0]))
    assert view.position == Position("e", 100)
    assert view.readings == {"a": Reading(1, 1.0)}


def test_no_delta_before_the_snapshot_is_complete() -> None:
    view = View()
    with pytest.raises(ChainBroken):
        view.delta(delta(1, 2))
    view = full()
    view.snapshot(part(1, 2))
    with pytest.raises(ChainBroken):
        view.delta(delta(100, 101))


def test_resumed_goes_on_from_what_is_held() -> None:
    view = full(a=[1, 1.0])
    view.snapshot(part(1, 2))  # a snapshot that the connection's end cut off
    view.subscribed(subscribed("resumed"))
    view.delta(delta(100, 110, a=[2, 2.0]))
    assert view.readings == {"a": Reading(2, 2.0)}
    with pytest.raises(ChainBroken):
        View().subscribed(subscribed("resumed"))


def test_unchanged_changes_nothing() -> None:
    view = View()
    view.subscribed(subscribed("snapshot"))
    view.snapshot(part(1, 2, a=[1, 1.0]))
    view.subscribed(subscribed("unchanged"))
    view.snapshot(part(2, 2))
    assert list(view.readings) == ["a"]


def test_reset_voids_until_the_next_snapshot() -> None:
    view = full(a=[1, 1.0])
    assert view.reset(reset()) == 7
    assert view.held is None
    assert view.readings == {"a": Reading(1, 1.0)}
    with pytest.raises(ChainBroken):
        view.delta(delta(100, 101))
    view.snapshot(part(1, 1, seq=50, epoch="f"))
    assert view.readings == {}
    assert view.held == Held(epoch="f", seq=50, view="v")


def test_after_a_reset_of_the_view_nothing_can_be_resumed() -> None:
    view = full()
    assert view.reset(reset("view", now=8)) == 8
    view.snapshot(part(1, 1))
    assert view.position is not None
    assert view.held is None
    view.subscribed(subscribed("unchanged", "w"))
    assert view.held == Held(epoch="e", seq=100, view="w")


def test_a_copy_goes_its_own_way() -> None:
    view = full(a=[1, 1.0])
    other = view.copy()
    view.delta(delta(100, 101, a=[2, 2.0]))
    assert other.held == Held(epoch="e", seq=100, view="v")
    assert other.readings == {"a": Reading(1, 1.0)}


@pytest.mark.parametrize("wrong", [1, "a", [], [1], {}])
def test_what_is_no_value_breaks_the_chain(wrong: Any) -> None:
    with pytest.raises(ChainBroken):
        reading_of(wrong)


def test_what_later_servers_add_to_a_value_is_not_looked_at() -> None:
    assert reading_of([1, 2.0, "stale", "more"]) == Reading(1, 2.0, stale=True)
    assert reading_of([1, 2.0, "fresh"]) == Reading(1, 2.0)


Truth = dict[str, int]


@given(st.data())
def test_any_deltas_that_overlap_lead_to_the_truth_at_their_seq(data: st.DataObject) -> None:
    """What the server promises of a delta is enough: frames shared by many members need not begin where each is."""
    history: list[Truth] = [{}]
    changed_at: list[dict[str, int]] = [{}]
    for seq in range(1, data.draw(st.integers(1, 20)) + 1):
        key = data.draw(st.sampled_from("abcd"))
        truth, changed = dict(history[-1]), dict(changed_at[-1])
        if data.draw(st.booleans()):
            truth[key] = seq
        else:
            truth.pop(key, None)
        changed[key] = seq
        history.append(truth)
        changed_at.append(changed)
    view = full()
    held = 0
    for _ in range(data.draw(st.integers(0, 20))):
        start = data.draw(st.integers(0, held))
        seq = data.draw(st.integers(start, len(history) - 1))
        keys = [key for key, at in changed_at[seq].items() if start < at]
        values = {key: [history[seq][key], None] if key in history[seq] else None for key in keys}
        view.delta(delta(100 + start, 100 + seq, **values))
        held = max(held, seq)
        assert view.position == Position("e", 100 + held)
        assert {key: reading.value for key, reading in view.readings.items()} == history[held]
