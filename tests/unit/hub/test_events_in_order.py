"""Events come behind the values that show them, in order, and wait for room: none is lost without a word."""

from typing import Any

import msgspec

from gateway.protocol.messages import DeltaMessage
from tests.support.small_hub import SMALL, SmallClient, SmallHub, listening, told

# --- behind the values


def test_behind_the_delta_that_waits_for_its_interval() -> None:
    """Red: with a has_shown that looks at the mirror only."""
    hub = SmallHub()
    slow, quick, other = (
        listening(hub, "a/#", interval_ms=1000),
        listening(hub, "a/#"),
        listening(hub, "b/#", interval_ms=1000),
    )
    hub.change(a__x=0, b__y=0)
    for client in (slow, quick, other):
        client.take()
    hub.change(a__x=5)
    hub.happens(1, "a/x")
    assert told(quick.take()) == [1]
    assert told(other.take()) == [1], "it does not see that value anyway"
    hub.pass_time(0.5)
    assert slow.take() == []
    hub.pass_time(0.5)
    first, second = slow.take()
    assert isinstance(first, DeltaMessage)
    assert first.values["a/x"][0] == 5
    assert told([second]) == [1]


def test_in_the_order_of_ids_also_when_one_waits() -> None:
    hub = SmallHub()
    client = listening(hub, "a/#", interval_ms=1000)
    hub.change(a__x=0)
    client.take()
    hub.change(a__x=5)
    hub.happens(1, "a/x")
    hub.happens(2, "b/x")
    assert client.take() == []
    hub.pass_time(1.0)
    assert told(client.take()) == [1, 2]


def test_behind_the_whole_snapshot() -> None:
    hub = SmallHub(SMALL, **{f"a/k{number}": "x" * 50 for number in range(60)})
    hub.events_loaded(1, key="a/k1")
    client = hub.client()
    client.ask("a/#", events_after=0)
    arrived: list[Any] = []
    while more := client.sink.deliver(1):
        arrived += more
    kinds = [type(message).__name__ for message in arrived]
    assert kinds.count("SnapshotPart") > 3
    assert kinds[-1] == "EventMessage"


def test_a_change_that_needs_no_delta_holds_nothing_up() -> None:
    hub = SmallHub()
    client = listening(hub, "a/#", interval_ms=1000)
    hub.change(b__x=5)
    hub.happens(1, "a/x")
    assert told(client.take()) == [1]


# --- no room, and paused


def full(hub: SmallHub, client: SmallClient) -> None:
    """So many bytes are under way that nothing may be added."""
    while not client.member.full:
        hub.change(a__x="x" * 400)


def test_without_room_events_wait_and_none_is_lost() -> None:
    """Red: with a _waits that writes without looking."""
    hub = SmallHub(SMALL)
    slow, quick = listening(hub), listening(hub)
    full(hub, slow)
    written = len(slow.sink.written)
    for number in range(1, 4):
        hub.happens(number)
    assert len(slow.sink.written) == written
    assert told(quick.take()) == [1, 2, 3]
    hub.happens(4)
    assert told(slow.take()) == [1, 2, 3, 4]
    hub.happens(5)
    assert told(slow.take()) == [5]


def test_as_many_as_there_is_room_for() -> None:
    """Red: with a _waits that looks for room only before the first."""
    hub = SmallHub(SMALL)
    client = listening(hub)
    full(hub, client)
    for number in range(1, 31):
        hub.happens(number)
    messages = client.sink.deliver()
    while more := client.sink.deliver():
        assert len(told(more)) < 15
        messages += more
    assert told(messages) == list(range(1, 31))


def test_more_than_are_kept_is_a_gap_that_is_told_once() -> None:
    """Red: with a happened that does not move the floor."""
    hub = SmallHub(msgspec.structs.replace(SMALL, replayed_events=3))
    client = listening(hub)
    hub.happens(1)
    assert told(client.take()) == [1]
    full(hub, client)
    for number in range(2, 8):
        hub.happens(number)
    assert told(client.take()) == ["gap after 1-0", 5, 6, 7]
    hub.happens(8)
    assert told(client.take()) == [8]


def test_a_gap_that_grows_before_it_can_be_told() -> None:
    hub = SmallHub(msgspec.structs.replace(SMALL, replayed_events=2))
    client = listening(hub)
    full(hub, client)
    for number in range(1, 10):
        hub.happens(number)
    assert told(client.take()) == ["gap after 0-0", 8, 9]


def test_a_gap_that_was_not_told_is_not_forgotten_by_who_listens_anew() -> None:
    """Red: with a leave that takes what is behind the gap for told."""
    hub = SmallHub(msgspec.structs.replace(SMALL, replayed_events=2))
    client = hub.client()
    subscribed = client.subscribe("a/#")
    hub.happens(1)
    assert told(client.take()) == [1]
    client.update(subscribed.subscription, paused=True)
    client.take()
    for number in range(2, 7):
        hub.happens(number)
    client.unsubscribe(subscribed.subscription)
    client.ask("a/#", events_after=1)
    assert told(client.take()) == ["gap after 1-0", 5, 6]


def test_older_than_what_is_kept() -> None:
    hub = SmallHub()
    hub.events_loaded(5, 6, floor=4)
    for after, expected in ((3, ["gap after 3-0", 5, 6]), (4, [5, 6]), (0, ["gap after 0-0", 5, 6])):
        client = hub.client()
        client.ask("a/#", events_after=after)
        assert told(client.take()) == expected


def test_nothing_is_kept_and_something_is_gone() -> None:
    hub = SmallHub()
    hub.events_loaded(floor=4)
    client = hub.client()
    client.ask("a/#", events_after=3)
    assert told(client.take()) == ["gap after 3-0"]
    hub.happens(5)
    assert told(client.take()) == [5]


def test_paused_altogether_events_wait_for_the_first_that_goes_on() -> None:
    hub = SmallHub()
    client = hub.client()
    one, other = (client.subscribe(keys).subscription for keys in ("a/#", "b/#"))
    client.update(one, paused=True)
    client.take()
    hub.happens(1)
    assert told(client.take()) == [1], "the other one goes on"
    client.update(other, paused=True)
    client.take()
    hub.happens(2)
    hub.happens(3)
    assert client.take() == []
    assert not hub.site.events._waiting, "it costs nothing"
    client.update(one, paused=False)
    assert told(client.take()) == [2, 3]


def test_what_a_paused_one_would_show_holds_nothing_up() -> None:
    hub = SmallHub()
    client = hub.client()
    client.subscribe("b/#")
    number = client.subscribe("a/#").subscription
    client.update(number, paused=True)
    client.take()
    hub.change(a__x=5)
    hub.happens(1, "a/x")
    assert told(client.take()) == [1]
