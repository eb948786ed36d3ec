"""What is told when the store lost events, or a client knows more of them than the store."""

from gateway.hub.events import PATIENCE_S
from gateway.store.follow import Reachable, Unreachable
from tests.support.small_hub import SITE, SmallHub, listening, told


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
