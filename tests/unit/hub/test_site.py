"""What a hub does when the store knows nothing, or does not answer."""

from typing import Any

import pytest

from gateway.domain.errors import StoreUnavailable
from gateway.domain.values import Delta
from gateway.hub.group import Group
from gateway.protocol.messages import Error, Held, Reset, SnapshotPart, Subscribed
from gateway.store.follow import Absent, Reachable, Unreachable
from tests.support.small_hub import SITE, SmallHub

GONE = Unreachable("gone")


def test_nothing_is_known_at_first() -> None:
    small = SmallHub()
    one = small.client()
    one.ask("#", site="yard")
    error = one.take_only()
    assert (error.code, error.retry_after_s) == ("site_unavailable", 1.0)
    assert small.hub.state("yard") is None
    assert small.hub.state(SITE) is small.site.state


def test_a_change_of_a_site_of_which_nothing_is_known_is_left_out() -> None:
    small = SmallHub()
    small.hub.on_step("yard", Delta("e1", 1, 2, {}))
    assert small.hub.state("yard") is None


def test_each_connection_is_told_once_that_the_store_is_gone() -> None:
    small = SmallHub()
    one, idle = small.client(), small.client()
    one.subscribe("a/#")
    one.subscribe("b/#")
    small.hub.on_step(SITE, GONE)
    small.hub.on_step(SITE, GONE)
    error = one.take_only()
    assert (error.id, error.code) == (None, "store_unavailable")
    assert idle.take() == []
    idle.ask("#")
    assert idle.take_only().code == "store_unavailable"
    with pytest.raises(StoreUnavailable):
        small.hub.state(SITE)


def test_no_heartbeat_while_the_store_is_gone_and_one_when_it_is_back() -> None:
    small = SmallHub()
    one = small.client()
    one.subscribe("a/#")
    small.hub.on_step(SITE, GONE)
    one.take()
    assert small.pass_time(60) is None
    assert one.take() == []
    small.hub.on_step(SITE, Reachable())
    small.hub.tick()
    assert one.take_only().values == {}
    assert small.change(a__x=5) == one.take_only().seq


def test_a_notice_not_told_yet_is_dropped_when_the_store_is_back() -> None:
    small = SmallHub()
    one = small.client()
    one.subscribe("a/#")
    one.member.notice = one.sink.written[0]
    small.hub.on_step(SITE, Reachable())
    assert one.take() == []


def test_everybody_hears_at_once_that_the_store_is_back() -> None:
    small = SmallHub()
    one = small.client()
    one.subscribe("a/#")
    small.hub.on_step(SITE, GONE)
    assert one.take_only().code == "store_unavailable"
    small.hub.on_step(SITE, Reachable())
    small.hub.tick()
    beat = one.take_only()
    assert (beat.seq, beat.values) == (100, {})
    small.hub.tick()
    assert one.take() == []


def test_what_is_there_can_be_paused_and_ended_while_the_store_is_gone_but_not_changed() -> None:
    small = SmallHub()
    one = small.client()
    one.subscribe("a/#")
    small.hub.on_step(SITE, GONE)
    one.take()
    one.update(1, paused=True)
    assert one.take_only().how == "unchanged"
    one.update(1, keys=("b/#",))
    assert one.take_only().code == "store_unavailable"
    one.update(1, paused=False)
    assert one.take_only().how == "unchanged"
    one.unsubscribe(1)
    assert one.take_only().subscription == 1


def test_a_site_that_is_lost_and_comes_back_is_reset() -> None:
    small = SmallHub()
    one, paused = small.client(), small.client()
    first = one.subscribe("a/#", interval_ms=100)
    paused.subscribe("a/#")
    paused.update(2, paused=True)
    paused.take()
    small.change(a__x=5)
    small.hub.on_step(SITE, Absent())
    error = one.take_only()
    assert (error.id, error.code) == (None, "site_unavailable")
    assert isinstance(paused.take_only(), Error)
    small.pass_time(60)
    small.site._beat(small.clock.monotonic())
    assert one.take() == []
    paused.update(2, paused=False)
    answer = paused.take_only()
    assert (answer.how, answer.seq) == ("unchanged", 100)
    small.epoch, small.seq = "e2", 1_000_100
    small.load(None, a__x=1)
    for each, number in ((one, first.subscription), (paused, 2)):
        reset, snapshot = each.take()
        assert reset == Reset(subscription=number, reason="epoch", now=number)
        assert isinstance(snapshot, SnapshotPart)
        assert snapshot.epoch == "e2"


@pytest.mark.parametrize(
    ("held", "how"),
    [
        ({"epoch": "e1", "seq": 150}, "resumed"),
        ({"epoch": "e1", "seq": 100}, "resumed"),
        ({"epoch": "e1", "seq": 200}, "resumed"),
        ({"epoch": "e1", "seq": 99}, "snapshot"),
        ({"epoch": "e1", "seq": 201}, "snapshot"),
        ({"epoch": "e0", "seq": 150}, "snapshot"),
        ({"epoch": "e1", "seq": 150, "view": "another"}, "snapshot"),
    ],
)
def test_resume_needs_the_same_view_and_epoch_and_what_the_mirror_remembers(held: dict[str, Any], how: str) -> None:
    small = SmallHub()
    view = small.client().subscribe("a/#").view
    for number in range(100):
        small.change(a__x=number)
    one = small.client()
    one.ask("a/#", held=Held(**{"view": view, **held}))
    answer, *rest = one.take()
    assert isinstance(answer, Subscribed)
    assert (answer.how, answer.seq) == (how, held["seq"] if how == "resumed" else 200)
    if how == "snapshot":
        assert isinstance(rest[0], SnapshotPart)
    elif held["seq"] == 200:
        assert rest == []
    else:
        (delta,) = rest
        assert (delta.from_seq, delta.seq, delta.values) == (held["seq"], 200, {"a/x": [99, 2.0]})
    small.change(a__x=7)
    assert one.take_only().seq == 201


def test_a_resume_is_followed_by_a_delta_also_when_nothing_of_the_view_changed() -> None:
    """Else the client would hold less than its group, whose next delta would look like a gap."""
    small = SmallHub()
    first = small.client().subscribe("a/#")
    small.change(b__x=1)
    one = small.client()
    one.ask("a/#", held=Held(epoch="e1", seq=100, view=first.view))
    _, delta = one.take()
    assert (delta.from_seq, delta.seq, delta.values) == (100, 101, {})


def test_groups_with_nothing_due_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each change of any site wakes the hub, which must not walk all groups of all sites then."""
    small = SmallHub()
    clients = [small.client() for _ in range(20)]
    for number, client in enumerate(clients):
        client.subscribe(f"a/{number}", interval_ms=1_000)
    small.pass_time(2)
    looked_at: list[Group] = []
    flush_if_due = Group.flush_if_due

    def counted(group: Group, now_s: float) -> None:
        looked_at.append(group)
        flush_if_due(group, now_s)

    monkeypatch.setattr(Group, "flush_if_due", counted)
    for _ in range(50):
        small.change(b__x=1)
        small.pass_time(0.01)
    assert looked_at == []
    small.change(a__3=5)
    small.change(a__3=6)
    small.pass_time(1)
    assert [delta.values for delta in clients[3].take()] == [{"a/3": [5, 2.0]}, {"a/3": [6, 2.0]}]
