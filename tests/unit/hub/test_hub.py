"""Requests of connections, limits, and changes of rights."""

import asyncio
import contextlib
import inspect

import pytest

from gateway.hub.hub import Hub
from gateway.protocol.messages import (
    DeltaMessage,
    Error,
    Limits,
    Reset,
    SnapshotPart,
    Subscribed,
    Unsubscribed,
)
from tests.support.small_hub import SITE, SmallHub, everything, only
from tests.support.waiting import eventually


def test_subscribing_is_one_tick_of_the_event_loop() -> None:
    """No change can come between the snapshot and the registration, because nothing in here can wait."""
    for method in (Hub.do, Hub._subscribe, Hub._update, Hub.on_step, Hub.change_rights):
        assert not inspect.iscoroutinefunction(method)
    small = SmallHub()
    one = small.client()
    one.ask("a/#")
    small.change(a__x=5)
    answer, snapshot, delta = one.take()
    assert isinstance(answer, Subscribed)
    assert isinstance(snapshot, SnapshotPart)
    assert isinstance(delta, DeltaMessage)
    assert answer.seq == snapshot.seq == delta.from_seq
    assert snapshot.values == {"a/x": [1, 1.0], "a/y": [2, 1.0]}


def test_link_is_in_every_subscription() -> None:
    small = SmallHub()
    one = small.client(only("b/#"))
    one.subscribe("a/#")
    small.change(link__state="down")
    assert one.take_only().values == {"link/state": ["down", 2.0]}


def test_equal_subscriptions_of_a_connection_are_one() -> None:
    small = SmallHub(Limits(subscriptions=2))
    one = small.client()
    first = one.subscribe("a/#", "b/x", interval_ms=90)
    for _ in range(3):
        again = one.subscribe("b/x", "a/#", interval_ms=100)
        assert (again.subscription, again.how) == (first.subscription, "unchanged")
    assert one.subscribe("a/#").subscription != first.subscription
    one.unsubscribe(first.subscription)
    assert one.take_only() == Unsubscribed(id=one.last_id, subscription=first.subscription)
    one.unsubscribe(first.subscription)
    assert one.take_only().code == "not_found"


@pytest.mark.parametrize(
    ("keys", "site", "code"),
    [
        (("a",) * 17, SITE, "invalid_argument"),
        (("a/#/b",), SITE, "invalid_argument"),
        (("#",), "nowhere", "not_found"),
        (("#",), "x" * 64, "not_found"),
    ],
)
def test_wrong_requests(keys: tuple[str, ...], site: str, code: str) -> None:
    small = SmallHub()
    one = small.client()
    one.ask(*keys, site=site)
    error = one.take_only()
    assert isinstance(error, Error)
    assert (error.id, error.code) == (1, code)


def test_a_site_that_may_not_be_seen_is_a_site_that_is_not_there() -> None:
    small = SmallHub()
    hidden, nowhere = small.client(lambda _site: None), small.client()
    hidden.ask("#")
    nowhere.ask("#", site="homf")
    assert hidden.take_only().message.replace(SITE, "homf") == nowhere.take_only().message


def test_limits_of_subscriptions_and_groups() -> None:
    small = SmallHub(Limits(subscriptions=2, groups_per_site=3))
    one, two = small.client(), small.client()
    one.subscribe("a/#")
    one.subscribe("b/#")
    one.ask("c/#")
    assert one.take_only().code == "too_many_subscriptions"
    two.subscribe("c/#")
    two.ask("d/#")
    error = two.take_only()
    assert (error.code, error.retry_after_s) == ("too_many_views", 10.0)
    two.update(3, keys=("d/#",))
    assert two.take_only().code == "too_many_views"
    # what others have costs nothing more
    two.subscribe("a/#")
    one.unsubscribe(2)
    two.update(3, keys=("d/#",))
    assert two.take()[0].how == "snapshot"


class TestUpdate:
    def test_other_keys_are_another_view(self) -> None:
        small = SmallHub()
        one = small.client()
        before = one.subscribe("a/#", interval_ms=500)
        one.update(1, keys=("b/#",))
        after, snapshot = one.take()
        assert isinstance(after, Subscribed)
        assert (after.subscription, after.how, after.min_interval_ms) == (2, "snapshot", 500)
        assert after.view != before.view
        assert snapshot.values == {"b/x": [3, 1.0]}
        assert [group.number for group in small.site.groups.values()] == [2]
        one.update(1, keys=("b/#",))
        assert one.take_only().code == "not_found"

    def test_another_interval_goes_on(self) -> None:
        small = SmallHub()
        one = small.client()
        before = one.subscribe("a/#", interval_ms=1_000)
        small.change(a__x=5)
        one.update(1, min_interval_ms=0)
        after, delta = one.take()
        assert isinstance(after, Subscribed)
        assert (after.subscription, after.how, after.seq, after.view) == (2, "resumed", 100, before.view)
        assert delta == DeltaMessage(subscription=2, from_seq=100, seq=101, values={"a/x": [5, 2.0]})

    def test_nothing_else_is_nothing(self) -> None:
        small = SmallHub()
        one = small.client()
        one.subscribe("a/#", interval_ms=100)
        one.update(1, keys=("a/#", "a/x"), min_interval_ms=50)
        assert one.take_only().how == "unchanged"

    def test_what_becomes_equal_becomes_one(self) -> None:
        small = SmallHub()
        one = small.client()
        one.subscribe("a/#")
        one.subscribe("b/#")
        one.update(2, keys=("a/#",))
        answer, snapshot = one.take()
        assert isinstance(answer, Subscribed)
        assert (answer.subscription, answer.how) == (1, "snapshot")
        assert isinstance(snapshot, SnapshotPart)
        assert list(one.member.subscriptions) == [1]
        small.change(a__x=5)
        assert one.take_only().subscription == 1

    def test_paused_stays_paused_in_another_group(self) -> None:
        small = SmallHub()
        one = small.client()
        one.subscribe("a/#")
        one.update(1, paused=True)
        one.update(1, min_interval_ms=1_000)
        assert [message.how for message in one.take()] == ["unchanged", "resumed"]
        small.change(a__x=5)
        small.pass_time(20)
        assert one.take() == []
        one.update(2, paused=False)
        answer, delta = one.take()
        assert (answer.how, answer.seq) == ("unchanged", 100)
        assert (delta.from_seq, delta.seq) == (100, 101)

    def test_paused_with_other_keys_holds_nothing(self) -> None:
        small = SmallHub()
        one = small.client()
        one.subscribe("a/#")
        one.update(1, keys=("b/#",), paused=True)
        assert one.take_only().how == "snapshot"
        one.update(2, paused=False)
        answer, snapshot = one.take()
        assert answer.how == "snapshot"
        assert isinstance(snapshot, SnapshotPart)


class TestRights:
    def test_fewer_rights_reset_the_view(self) -> None:
        small = SmallHub()
        one = small.client()
        one.subscribe("#")
        small.hub.change_rights(one.member, only("a/x"))
        reset, snapshot = one.take()
        assert reset == Reset(subscription=1, reason="view", now=2)
        assert isinstance(snapshot, SnapshotPart)
        assert (snapshot.subscription, snapshot.values) == (2, {"a/x": [1, 1.0]})
        small.change(a__x=5, a__y=5)
        assert one.take_only().values == {"a/x": [5, 2.0]}
        small.hub.change_rights(one.member, everything)
        reset, snapshot = one.take()
        assert reset == Reset(subscription=2, reason="view", now=3)
        assert sorted(snapshot.values) == ["a/x", "a/y", "b/x"]

    def test_rights_that_change_nothing_are_not_told(self) -> None:
        small = SmallHub()
        one = small.client(only("a/#", "b/#"))
        one.subscribe("a/x")
        small.hub.change_rights(one.member, only("a/x", "c/#"))
        assert one.take() == []

    def test_no_rights_end_the_subscription(self) -> None:
        small = SmallHub()
        one = small.client()
        one.subscribe("#")
        small.hub.change_rights(one.member, lambda _site: None)
        assert one.take_only() == Unsubscribed(id=None, subscription=1)
        assert not small.site.groups
        one.ask("#")
        assert one.take_only().code == "not_found"

    def test_what_becomes_equal_becomes_one_and_parts_again(self) -> None:
        small = SmallHub()
        one = small.client()
        one.subscribe("a/#")
        one.subscribe("a/x", "b/#")
        small.hub.change_rights(one.member, only("a/x"))
        arrived = one.take()
        resets = [message for message in arrived if isinstance(message, Reset)]
        assert [(reset.subscription, reset.now) for reset in resets] == [(1, 3), (2, 3), (3, 3)]
        assert isinstance(arrived[-1], SnapshotPart)
        assert list(one.member.subscriptions) == [3]
        small.hub.change_rights(one.member, everything)
        snapshot = one.take()[-1]
        assert sorted(snapshot.values) == ["a/x", "a/y", "b/x"]

    def test_a_mark_alone_makes_another_view(self) -> None:
        small = SmallHub()
        one = small.client(only("#", mark="one"))
        one.subscribe("a/#")
        small.hub.change_rights(one.member, only("#", mark="two"))
        assert isinstance(one.take()[0], Reset)

    def test_rights_hold_whatever_the_limit_of_groups(self) -> None:
        small = SmallHub(Limits(groups_per_site=1))
        one, two = small.client(), small.client()
        one.subscribe("#")
        two.subscribe("#")
        small.hub.change_rights(one.member, only("a/x"))
        assert len(small.site.groups) == 2


async def test_run_sends_what_is_due_by_itself() -> None:
    small = SmallHub(Limits(heartbeat_s=0.05))
    one = small.client()
    running = asyncio.create_task(small.hub.run())
    try:
        one.subscribe("a/#", interval_ms=100)
        # the clock of the test stands still: nothing but the wake-up of a request or a change makes it look
        small.clock.advance(1)
        small.change(a__x=5)
        await eventually(lambda: any(one.sink.waiting))
        small.clock.advance(1)
        await eventually(lambda: len(one.sink.waiting) > 1)
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


def test_a_hub_without_sites_waits_for_ever() -> None:
    small = SmallHub()
    assert Hub([], small.clock, Limits()).tick() is None


def test_leaving_twice_is_leaving() -> None:
    small = SmallHub()
    one = small.client()
    one.subscribe("#")
    small.hub.leave(one.member)
    small.hub.leave(one.member)
    assert not small.site.groups
