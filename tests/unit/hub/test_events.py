"""Who is told which events, and once."""

import pytest

from gateway.hub.views import Allowed
from gateway.protocol.messages import Error, EventMessage
from tests.support.small_hub import SITE, SmallHub, everything, listening, only, told

STATE = "link/state"


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
