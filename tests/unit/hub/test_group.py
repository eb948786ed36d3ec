from typing import Any

import pytest

from gateway.hub.group import MOST_MERGED, rounded_up
from gateway.protocol.messages import DeltaMessage, Held, Limits, Reset, SnapshotPart, Subscribed
from tests.support.small_hub import SmallHub


@pytest.mark.parametrize(
    ("asked", "given"), [(0, 0), (0.1, 100), (100, 100), (101, 250), (9_999, 10_000), (60_000, 10_000)]
)
def test_intervals_are_rounded_up(asked: float, given: int) -> None:
    assert rounded_up(asked) == given


def test_a_change_is_encoded_once_for_all_members() -> None:
    small = SmallHub()
    clients = [small.client() for _ in range(5)]
    answers = [client.subscribe("a/#") for client in clients]
    assert len({answer.subscription for answer in answers}) == 1
    (group,) = small.site.groups.values()
    assert group.encoded == 1, "one snapshot for all"
    small.change(a__x=5)
    frames = [client.sink.waiting[0] for client in clients]
    assert all(one is frames[0] for one in frames)
    small.change(b__x=5)
    assert group.encoded == 2
    delta = DeltaMessage(subscription=group.number, from_seq=100, seq=101, values={"a/x": [5, 2.0]})
    assert [client.take() for client in clients] == [[delta]] * 5


def test_an_interval_gives_the_first_change_at_once_and_the_newest_in_the_end() -> None:
    small = SmallHub()
    one = small.client()
    assert one.subscribe("a/#", interval_ms=700).min_interval_ms == 1_000
    small.pass_time(2)
    small.change(a__x=10)
    assert one.take_only().values == {"a/x": [10, 2.0]}
    small.change(a__x=11)
    small.change(b__x=0)
    small.pass_time(0.5)
    small.change(a__x=12, a__y=...)
    assert one.take() == []
    assert small.hub.tick() == pytest.approx(0.5)
    small.pass_time(0.5)
    delta = one.take_only()
    assert (delta.from_seq, delta.seq) == (101, 104)
    assert delta.values == {"a/x": [12, 2.0], "a/y": None}
    small.pass_time(5)
    assert one.take() == []


def test_what_does_not_match_costs_nothing_and_moves_nothing() -> None:
    small = SmallHub()
    one = small.client()
    one.subscribe("a/x", interval_ms=100)
    for _ in range(3):
        small.change(b__x=1)
    small.pass_time(1)
    assert one.take() == []
    small.change(a__x=9)
    assert one.take_only() == DeltaMessage(subscription=1, from_seq=100, seq=104, values={"a/x": [9, 2.0]})


def test_the_heartbeat_is_shared_moves_positions_and_waits_for_silence() -> None:
    small = SmallHub()
    one, two = small.client(), small.client()
    one.subscribe("a/#")
    two.subscribe("a/#")
    small.pass_time(6)
    small.change(a__x=2)
    small.change(b__x=2)
    one.take(), two.take()
    assert small.pass_time(6) == pytest.approx(4)
    assert one.take() == []
    small.pass_time(4)
    assert one.sink.waiting[0] is two.sink.waiting[0]
    assert one.take_only() == DeltaMessage(subscription=1, from_seq=101, seq=102, values={})
    small.pass_time(10)
    assert one.take_only() == DeltaMessage(subscription=1, from_seq=102, seq=102, values={})


def test_a_heartbeat_never_passes_what_is_due() -> None:
    small = SmallHub(Limits(heartbeat_s=1))
    one = small.client()
    one.subscribe("a/#", interval_ms=10_000)
    small.pass_time(0.5)
    small.change(a__x=7)
    small.pass_time(0.6)
    assert one.take_only().values == {"a/x": [7, 2.0]}


def test_more_changes_than_the_mirror_remembers_within_an_interval() -> None:
    """A key that ceased early in the interval is forgotten: a merged delta would leave it standing."""
    small = SmallHub()
    one = small.client()
    one.subscribe("a/#", interval_ms=10_000)
    small.change(a__x=...)
    for number in range(150):
        small.change(b__x=number)
    small.pass_time(10)
    reset, snapshot = one.take()
    assert reset == Reset(subscription=1, reason="trimmed", now=1)
    assert isinstance(snapshot, SnapshotPart)
    assert (snapshot.seq, snapshot.values) == (251, {"a/y": [2, 1.0]})


def test_members_that_all_left_or_paused_are_told_nothing() -> None:
    small = SmallHub()
    one = small.client()
    one.subscribe("a/#", interval_ms=100)
    small.change(a__x=1)
    one.update(1, paused=True)
    assert isinstance(one.take_only(), Subscribed)
    (group,) = small.site.groups.values()
    before = group.encoded
    small.pass_time(1)
    small.change(a__x=2)
    small.pass_time(20)
    assert group.encoded == before
    assert one.take() == []


def test_who_comes_back_from_the_same_position_gets_the_same_frame() -> None:
    small = SmallHub()
    at = small.client().subscribe("a/#")
    (group,) = small.site.groups.values()
    for number in range(MOST_MERGED + 1):
        small.change(a__x=number)
    before = group.encoded

    def back(seq: int) -> list[Any]:
        client = small.client()
        client.ask("a/#", held=Held(epoch=small.epoch, seq=seq, view=at.view))
        return list(client.sink.waiting)

    frames = [back(at.seq)[-1] for _ in range(3)]
    assert all(one is frames[0] for one in frames)
    assert group.encoded == before + 1
    for seq in range(at.seq + 1, at.seq + 1 + MOST_MERGED):
        back(seq)
    assert back(at.seq)[-1] is not frames[0], "only the latest few are kept"
    assert len(group._merged) == MOST_MERGED
    small.change(b__x=9)
    assert not group._merged
