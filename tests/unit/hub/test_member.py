"""Where a subscription stands: live, behind, loading, paused."""

import pytest

from gateway.hub.member import Standing
from gateway.protocol.messages import DeltaMessage, Error, Reset, SnapshotPart, Subscribed
from tests.support.small_hub import SMALL, SmallClient, SmallHub


def standing(client: SmallClient) -> list[Standing]:
    return [one.standing for one in client.member.subscriptions.values()]


def fill(small: SmallHub) -> None:
    """More than the bound of unacknowledged bytes, in changes of one key."""
    for number in range(20):
        small.change(a__x=f"{number:050}")


def test_who_is_full_is_conflated_and_gets_one_merged_delta() -> None:
    small = SmallHub(SMALL)
    slow, quick = small.client(), small.client()
    slow.subscribe("a/#")
    quick.subscribe("a/#")
    for number in range(20):
        small.change(a__x=f"{number:050}")
        assert isinstance(quick.take_only(), DeltaMessage)
    small.change(a__y=...)
    assert standing(slow) == [Standing.behind]
    assert slow.sink.unacknowledged < SMALL.unacknowledged_bytes + 200
    queued = slow.sink.deliver()
    assert 0 < len(queued) < 20
    merged = slow.take_only()
    assert isinstance(merged, DeltaMessage)
    assert merged.from_seq == queued[-1].seq
    assert (merged.seq, merged.values) == (121, {"a/x": [f"{19:050}", 2.0], "a/y": None})
    assert standing(slow) == [Standing.live]


def test_who_was_conflated_too_long_begins_anew() -> None:
    small = SmallHub(SMALL)
    slow = small.client()
    slow.subscribe("a/#")
    fill(small)
    for _ in range(100):
        small.change(b__x=0)
    slow.sink.deliver()
    reset, snapshot = slow.take()
    assert reset == Reset(subscription=1, reason="trimmed", now=1)
    assert isinstance(snapshot, SnapshotPart)
    assert snapshot.seq == small.seq


def test_parts_go_out_while_there_is_room_and_no_delta_before_the_last() -> None:
    small = SmallHub(SMALL, **{f"a/{number}": "x" * 100 for number in range(20)})
    one = small.client()
    one.ask("a/#")
    assert standing(one) == [Standing.loading]
    assert one.sink.unacknowledged < SMALL.unacknowledged_bytes + 900
    first = one.sink.deliver(2)
    assert isinstance(first[0], Subscribed)
    assert isinstance(first[1], SnapshotPart)
    small.change(a__0="new")
    small.change(a__21="new")
    rest = one.take()
    *parts, delta = rest
    assert all(isinstance(part, SnapshotPart) and part.seq == 100 for part in parts)
    assert delta == DeltaMessage(
        subscription=1, from_seq=100, seq=102, values={"a/21": ["new", 2.0], "a/0": ["new", 2.0]}
    )
    assert standing(one) == [Standing.live]


def test_an_epoch_in_the_midst_of_parts_begins_anew() -> None:
    small = SmallHub(SMALL, **{f"a/{number}": "x" * 100 for number in range(20)})
    one = small.client()
    one.ask("a/#")
    small.epoch, small.seq = "e2", 1_000_100
    small.load("epoch", a__1=1)
    arrived = one.take()
    old = [message for message in arrived if isinstance(message, SnapshotPart) and message.epoch == "e1"]
    assert old
    assert old[-1].part < old[-1].parts
    assert arrived[-2] == Reset(subscription=1, reason="epoch", now=1)
    assert isinstance(arrived[-1], SnapshotPart)
    assert (arrived[-1].epoch, arrived[-1].part, arrived[-1].parts) == ("e2", 1, 1)


@pytest.mark.parametrize("under_way", range(500, 1_000, 20))
def test_no_snapshot_begins_behind_what_was_shown(under_way: int) -> None:
    """Wherever the connection becomes full while its subscriptions begin anew."""
    small = SmallHub(SMALL)
    one = small.client()
    one.subscribe("a/#")
    one.subscribe("b/#")
    small.change(a__x="x" * under_way)
    small.epoch, small.seq = "e2", 1_000_100
    small.load("epoch", a__x=1, b__x=1)
    small.change(a__x=2, b__x=2)
    positions = [
        message.seq
        for message in one.take()
        if (isinstance(message, SnapshotPart) and message.epoch == "e2")
        or (isinstance(message, DeltaMessage) and message.seq >= small.seq)
    ]
    assert positions == sorted(positions)
    assert positions[-1] == small.seq


def test_unsubscribing_in_the_midst_of_parts_ends_them() -> None:
    small = SmallHub(SMALL, **{f"a/{number}": "x" * 100 for number in range(20)})
    one = small.client()
    one.ask("a/#")
    one.unsubscribe(1)
    sent = len(one.sink.written)
    one.take()
    assert len(one.sink.written) == sent
    assert not small.site.groups


def test_dying_in_the_midst_of_parts_leaves_nothing() -> None:
    small = SmallHub(SMALL, **{f"a/{number}": "x" * 100 for number in range(20)})
    one = small.client()
    one.ask("a/#")
    small.hub.leave(one.member)
    small.change(a__0=1)
    sent = len(one.sink.written)
    one.take()
    assert len(one.sink.written) == sent
    assert not small.site.groups
    assert not small.hub._members


def test_paused_gets_nothing_and_then_one_merged_delta() -> None:
    small = SmallHub()
    one = small.client()
    one.subscribe("a/#")
    one.update(1, paused=True)
    answer = one.take_only()
    assert (answer.how, answer.seq) == ("unchanged", 100)
    small.change(a__x=5)
    small.change(a__x=6)
    small.pass_time(30)
    assert one.take() == []
    one.update(1, paused=False)
    answer, delta = one.take()
    assert (answer.how, answer.seq) == ("unchanged", 100)
    assert delta == DeltaMessage(subscription=1, from_seq=100, seq=102, values={"a/x": [6, 2.0]})
    one.update(1, paused=False)
    assert one.take_only().how == "unchanged"
    small.change(a__x=7)
    assert one.take_only().seq == 103


def test_paused_for_too_long_gets_a_snapshot() -> None:
    small = SmallHub()
    one = small.client()
    one.subscribe("a/#")
    one.update(1, paused=True)
    for _ in range(101):
        small.change(a__x=5)
    one.take()
    one.update(1, paused=False)
    answer, snapshot = one.take()
    assert (answer.how, answer.seq) == ("snapshot", 201)
    assert snapshot.seq == 201


def test_paused_over_an_epoch_gets_a_snapshot() -> None:
    small = SmallHub()
    one = small.client()
    one.subscribe("a/#")
    one.update(1, paused=True)
    one.take()
    small.epoch, small.seq = "e2", 1_000_100
    small.load("epoch", a__x=1)
    assert one.take() == []
    one.update(1, paused=False)
    answer, snapshot = one.take()
    assert (answer.how, answer.epoch) == ("snapshot", "e2")
    assert snapshot.epoch == "e2"


def test_a_notice_waits_for_room() -> None:
    small = SmallHub(SMALL)
    slow = small.client()
    slow.subscribe("a/#")
    fill(small)
    notice = slow.sink.written[0]
    written = len(slow.sink.written)
    slow.member.tell(notice)
    assert len(slow.sink.written) == written
    slow.sink.deliver()
    assert slow.sink.written[written] is notice
    slow.member.tell(notice)
    slow.member.notice = None
    assert not [message for message in slow.take() if isinstance(message, Error)]
