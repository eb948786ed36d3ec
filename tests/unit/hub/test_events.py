"""Who is told which events, when, and once."""

from typing import Any

import msgspec
import pytest

from gateway.hub.events import PATIENCE_S
from gateway.hub.views import Allowed
from gateway.protocol.messages import DeltaMessage, Error, EventGap, EventMessage
from gateway.store.follow import Reachable, Unreachable
from tests.support.small_hub import SITE, SMALL, SmallClient, SmallHub, everything, only

STATE = "link/state"


def told(messages: list[Any]) -> list[int | str]:
    """The numbers of the events, and where gaps were told the id behind which they lie."""
    found: list[int | str] = []
    for message in messages:
        if isinstance(message, EventMessage):
            assert message.event_id == f"{message.details['number']}-0"
            found.append(message.details["number"])
        elif isinstance(message, EventGap):
            found.append(f"gap after {message.after}")
    return found


def listening(hub: SmallHub, *keys: str, **more: Any) -> SmallClient:
    client = hub.client()
    client.subscribe(*(keys or ("a/#",)), **more)
    client.take()
    return client


def test_an_event_on_the_wire() -> None:
    hub = SmallHub()
    client = listening(hub)
    hub.happens(7)
    message = EventMessage(event_id="7-0", at=7.0, site=SITE, event="test", details={"number": 7})
    assert client.take() == [message]


def test_everybody_gets_the_same_frame_once() -> None:
    hub = SmallHub()
    clients = [listening(hub) for _ in range(3)]
    clients[1].subscribe("b/#")
    hub.happens(1)
    frames = {client.sink.waiting[-1] for client in clients}
    assert len(frames) == 1
    assert [told(client.take()) for client in clients] == [[1], [1], [1]]


def test_without_an_id_only_what_is_still_to_come() -> None:
    hub = SmallHub()
    hub.events_loaded(1, 2)
    client = listening(hub)
    hub.happens(3)
    assert told(client.take()) == [3]


@pytest.mark.parametrize(("after", "events"), [(0, [1, 2, 3]), (1, [2, 3]), (2, [3]), (3, [])])
def test_behind_an_id_what_is_kept_and_then_the_rest(after: int, events: list[int]) -> None:
    hub = SmallHub()
    hub.events_loaded(1, 2, 3)
    client = hub.client()
    client.ask("a/#", events_after=after)
    messages = client.take()
    assert told(messages) == events
    assert [type(message).__name__ for message in messages][:2] == ["Subscribed", "SnapshotPart"]
    hub.happens(4)
    assert told(client.take()) == [4]


@pytest.mark.parametrize(("after", "behind"), [(None, "2-0"), (1, "1-0"), (9, "9-0")])
def test_the_answer_says_behind_which_id_events_come(after: int | None, behind: str) -> None:
    """Who gives it after a break misses none, although none had come."""
    hub = SmallHub()
    hub.events_loaded(1, 2)
    client = hub.client()
    assert client.subscribe("a/#", events_after=after).events_after == behind


def test_further_answers_say_it_as_it_is_by_then() -> None:
    hub = SmallHub()
    client = hub.client()
    number = client.subscribe("a/#", events_after=0).subscription
    hub.happens(1)
    client.take()
    client.update(number, min_interval_ms=1000)
    assert client.take_only().events_after == "1-0"
    assert client.subscribe("b/#", events_after=0).events_after == "1-0"


def test_what_is_no_id_is_refused_and_nothing_subscribed() -> None:
    client = SmallHub().client()
    client.ask("a/#", events_after=f"{2**64}-0")
    error = client.take_only()
    assert isinstance(error, Error)
    assert error.code == "invalid_argument"
    assert not client.member.subscriptions


def test_only_the_first_subscription_of_a_site_says_behind_which_id() -> None:
    hub = SmallHub()
    hub.events_loaded(1, 2)
    client = listening(hub)
    client.ask("b/#", events_after=0)
    client.ask("a/#", events_after=0)
    assert told(client.take()) == []


def test_each_site_has_its_own() -> None:
    hub = SmallHub()
    hub.events_loaded(1)
    client = hub.client()
    client.ask("a/#", site="yard", events_after=0)
    assert told(client.take()) == [], "and nothing is known of the yard"
    client.ask("a/#", events_after=0)
    assert told(client.take()) == [1]


def test_after_the_last_subscription_no_more() -> None:
    hub = SmallHub()
    client = hub.client()
    numbers = [client.subscribe(keys).subscription for keys in ("a/#", "b/#")]
    client.unsubscribe(numbers[0])
    client.take()
    hub.happens(1)
    assert told(client.take()) == [1]
    client.unsubscribe(numbers[1])
    client.take()
    hub.happens(2)
    assert client.take() == []
    client.ask("a/#", events_after=1)
    assert told(client.take()) == [2]
    hub.happens(3)
    assert told(client.take()) == [3]


def test_who_begins_again_is_not_told_again_what_is_on_its_way() -> None:
    hub = SmallHub()
    client = hub.client()
    number = client.subscribe("a/#", events_after=0).subscription
    hub.happens(1)
    client.unsubscribe(number)
    hub.happens(2)
    client.ask("a/#", events_after=0)
    assert told(client.take()) == [1, 2]


def test_a_client_that_leaves_is_forgotten() -> None:
    hub = SmallHub()
    client = listening(hub)
    hub.hub.leave(client.member)
    hub.happens(1)
    assert client.take() == []
    assert not hub.site.events._listeners
    assert not hub.site.events._waiting


# --- rights


def test_only_what_the_rights_select_and_always_the_link() -> None:
    hub = SmallHub()
    few, many = hub.client(only("chargepoints/4/#")), hub.client()
    for client in (few, many):
        client.subscribe("a/#")
        client.take()
    keys = (STATE, "chargepoints/4/fault_state", "chargepoints/5/fault_state", "box/version")
    for number, key in enumerate(keys, 1):
        hub.happens(number, key)
    assert told(few.take()) == [1, 2]
    assert told(many.take()) == [1, 2, 3, 4]


def test_other_rights_hold_from_the_next_event_on() -> None:
    hub = SmallHub()
    client = listening(hub)
    hub.hub.change_rights(client.member, only("a/#"))
    client.take()
    hub.happens(1, "b/x")
    hub.happens(2, "a/x")
    assert told(client.take()) == [2]
    hub.hub.change_rights(client.member, everything)
    client.take()
    hub.happens(3, "b/x")
    assert told(client.take()) == [3], "and what was passed over does not come"


def test_who_may_not_see_the_site_any_more_hears_nothing() -> None:
    hub = SmallHub()
    client = listening(hub)
    nothing: dict[str, Allowed] = {}
    hub.hub.change_rights(client.member, nothing.get)
    client.take()
    hub.happens(1)
    assert client.take() == []


def test_equal_rights_share_a_matcher_which_goes_with_the_last() -> None:
    hub = SmallHub()
    clients = [listening(hub) for _ in range(2)]
    assert len({client.member.listeners[SITE].matches for client in clients}) == 1
    for client in clients:
        hub.hub.leave(client.member)
        client.member.listeners.clear()
    assert not hub.site.events._matchers


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


# --- what the store lost


def test_loaded_anew_everybody_goes_on() -> None:
    hub = SmallHub()
    client = listening(hub)
    hub.happens(1)
    hub.events_loaded(1, 2)
    assert told(client.take()) == [1, 2]
    hub.events_loaded(4, 5, floor=3)
    assert told(client.take()) == ["gap after 2-0", 4, 5]


def test_an_id_ahead_of_what_is_known_waits_for_the_rest() -> None:
    """A faster process has told it. Red: with a join that takes it for a gap."""
    hub = SmallHub()
    hub.events_loaded(1)
    client = hub.client()
    client.ask("a/#", events_after=3)
    hub.pass_time(PATIENCE_S / 2)
    for number in (2, 3, 4):
        hub.happens(number)
    hub.pass_time(PATIENCE_S)
    assert told(client.take()) == [4]


def test_an_id_that_stays_ahead_is_of_a_lost_history() -> None:
    hub = SmallHub()
    hub.events_loaded(1, 2)
    client = hub.client()
    client.ask("a/#", events_after=9)
    assert hub.pass_time(0) == PATIENCE_S
    assert told(client.take()) == []
    hub.happens(3)
    hub.pass_time(PATIENCE_S)
    assert told(client.take()) == ["gap after 9-0", 1, 2, 3]
    hub.happens(4)
    assert told(client.take()) == [4]


def test_who_was_told_what_the_store_lost() -> None:
    hub = SmallHub()
    client = listening(hub)
    hub.happens(9)
    hub.events_loaded(2)
    assert told(client.take()) == [9]
    hub.pass_time(0)
    hub.pass_time(PATIENCE_S)
    assert told(client.take()) == ["gap after 9-0", 2]


def test_patience_begins_anew_each_time() -> None:
    hub = SmallHub()
    client = listening(hub)
    hub.happens(9)
    for number in (9, 10):
        hub.events_loaded(2)
        hub.pass_time(PATIENCE_S * 0.7)
        hub.events_loaded(number)
    assert told(client.take()) == [9, 10]


def test_patience_does_not_run_while_the_store_is_away() -> None:
    hub = SmallHub()
    client = listening(hub)
    hub.happens(9)
    client.take()
    hub.events_loaded(2)
    hub.hub.on_step(SITE, Unreachable("gone"))
    hub.pass_time(3 * PATIENCE_S)
    hub.hub.on_step(SITE, Reachable())
    assert told(client.take()) == []
    hub.pass_time(0)
    hub.pass_time(PATIENCE_S)
    assert told(client.take()) == ["gap after 9-0", 2]
