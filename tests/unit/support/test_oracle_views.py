"""Each breach of the protocol is caught and named."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.toy_gateway import ToyClient, live, only, verdict


def test_an_update_that_keeps_the_view_but_names_another_is_caught() -> None:
    client = ToyClient(live())
    client.subscribe("a")
    client.patterns[7] = ("b",)
    client.subscribed(client.sent(type="update", subscription=7, keys=["b"]), 7, "unchanged")
    assert "resume" in verdict(client).kinds


@pytest.mark.parametrize(
    "spoil",
    [
        lambda client: client.resume(seq=client.held[7] - 1),
        lambda client: client.patterns.update({7: ("b",)}) or client.resume(),
        lambda client: client.gateway.new_epoch("e2") or client.resume(),
    ],
    ids=["position", "view", "epoch"],
)
def test_a_resume_of_what_was_never_held_is_caught(spoil: Callable[[ToyClient], object]) -> None:
    gateway = live()
    client = ToyClient(gateway)
    client.subscribe("#")
    client.disconnect()
    gateway.publish(a=2)
    client.connect()
    spoil(client)
    assert "resume" in verdict(client).kinds


@pytest.mark.parametrize(("name", "wrong"), [("view", "other"), ("epoch", "e9"), ("seq", 3)])
def test_a_resume_that_answers_another_place_is_caught(name: str, wrong: object) -> None:
    gateway = live()
    client = ToyClient(gateway)
    client.subscribe("a")
    client.disconnect()
    client.connect()
    origin = {"epoch": gateway.epoch, "seq": gateway.seq, "view": "a"}
    asked = client.sent(type="subscribe", keys=["a"], **{"from": origin})
    client.received(**{"type": "subscribed", "id": asked, "subscription": 7, "how": "resumed", **origin, name: wrong})
    assert "resume" in verdict(client).kinds


def test_a_resume_nobody_asked_for_is_caught() -> None:
    client = ToyClient(live())
    client.patterns[7] = ("a",)
    client.subscribed(client.sent(type="subscribe", keys=["a"]), 7, "resumed")
    assert "resume" in verdict(client).kinds


def test_a_resume_that_skips_what_came_since_is_caught() -> None:
    gateway = live()
    client = ToyClient(gateway)
    client.subscribe("#")
    client.disconnect()
    gateway.publish(a=2)
    gateway.publish(a=3, b=3)
    client.connect()
    client.held[7] += 1  # off by one: what changed at the next seq is left out
    asked = client.sent(
        type="subscribe", keys=["#"], **{"from": {"epoch": gateway.epoch, "seq": client.held[7] - 1, "view": "#"}}
    )
    client.subscribed(asked, 7, "resumed")
    client.raw_delta(7, client.held[7] - 1, gateway.seq, {"b": [3, 1.0]})
    assert "mixed" in verdict(client).kinds


def test_a_key_outside_the_filter_is_caught() -> None:
    gateway = live()
    client = ToyClient(gateway)
    client.subscribe("a")
    gateway.publish(b=2)
    client.delta(b=[2, 1.0])
    only(verdict(client), "outside")


@pytest.mark.parametrize("key", ["link/state", "link/reason", "link/since", "link/dialect"])
def test_missing_link_keys_are_caught(key: str) -> None:
    gateway = live()
    gateway.entries.pop(key)
    client = ToyClient(gateway)
    client.subscribe("a")
    assert "link" in verdict(client).kinds


def test_a_delta_inside_a_snapshot_is_caught() -> None:
    gateway = live()
    client = ToyClient(gateway)
    client.patterns[7], client.held[7] = ("#",), gateway.seq
    client.subscribed(client.sent(type="subscribe", keys=["#"]), 7, "snapshot")
    client.snapshot_part(7, 1, 2, gateway.values(["#"]))
    client.delta()
    client.snapshot_part(7, 2, 2, {})
    only(verdict(client), "order")


def test_other_subscriptions_go_on_while_a_snapshot_is_under_way() -> None:
    gateway = live()
    client = ToyClient(gateway)
    client.subscribe("a")
    client.patterns[8] = ("#",)
    client.subscribed(client.sent(type="subscribe", keys=["#"]), 8, "snapshot")
    values, began = gateway.values(["#"]), gateway.seq
    client.snapshot_part(8, 1, 2, values)
    gateway.publish(a=2)
    client.delta(7)
    place = {"epoch": gateway.epoch, "seq": began, "part": 2, "parts": 2}
    client.received(type="snapshot", subscription=8, values={}, **place)
    client.held[8] = began
    client.delta(8)
    report = verdict(client)
    assert report.clean, str(report)


@pytest.mark.parametrize("places", [[(2, 2)], [(1, 2), (1, 2)], [(1, 2), (2, 3)]])
def test_wrong_snapshot_parts_are_caught(places: list[tuple[int, int]]) -> None:
    gateway = live()
    client = ToyClient(gateway)
    client.patterns[7] = ("#",)
    client.subscribed(client.sent(type="subscribe", keys=["#"]), 7, "snapshot")
    for part, parts in places:
        client.snapshot_part(7, part, parts, {})
    assert "snapshot" in verdict(client).kinds


def test_a_snapshot_older_than_announced_or_with_a_ceased_key_is_caught() -> None:
    gateway = live()
    client = ToyClient(gateway)
    client.patterns[7] = ("#",)
    client.subscribed(client.sent(type="subscribe", keys=["#"]), 7, "snapshot")
    gateway.seq -= 1
    client.snapshot_part(7, 1, 1, gateway.values(["#"]))
    assert "snapshot" in verdict(client).kinds
    other = ToyClient(gateway)
    other.patterns[7] = ("#",)
    other.subscribed(other.sent(type="subscribe", keys=["#"]), 7, "snapshot")
    other.snapshot_part(7, 1, 1, {**gateway.values(["#"]), "c": None})
    assert "snapshot" in verdict(other).kinds


@pytest.mark.parametrize(
    "message",
    [
        {"type": "delta", "subscription": 99, "from": 1, "seq": 2, "values": {}},
        {"type": "snapshot", "subscription": 7, "epoch": "e1", "seq": 2, "part": 1, "parts": 1, "values": {}},
        {"type": "subscribed", "id": 99, "subscription": 7, "view": "a", "how": "snapshot", "epoch": "e1", "seq": 1},
        {"type": "unsubscribed", "id": 99, "subscription": 99},
        {"type": "reset", "subscription": 99, "reason": "epoch", "now": 99},
        {"type": "reset", "subscription": 7, "reason": "epoch", "now": 8},
        {"type": "delta", "subscription": 7, "from": 0, "seq": 1000, "values": {"a": 1}},
        {"type": "delta", "subscription": 7, "from": 0, "seq": 1000, "values": {"a": [1, "noon"]}},
        {"type": "delta", "subscription": 7, "from": 0, "seq": 1000, "values": {"a": [1, 1.0, "old"]}},
    ],
)
def test_messages_out_of_place_are_caught(message: dict[str, Any]) -> None:
    client = ToyClient(live())
    client.subscribe("a")
    client.received(**message)
    assert "protocol" in verdict(client).kinds


def test_answers_to_nothing_known_are_caught() -> None:
    client = ToyClient(live())
    client.patterns[7] = ("a",)
    client.subscribed(client.sent(type="subscribe", keys=["a"]), 7, "unchanged")
    client.subscribed(client.sent(type="update", subscription=12, keys=["a"]), 7, "snapshot")
    assert verdict(client).kinds == {"protocol", "final"}


def test_a_refused_request_and_an_unsubscribe_leave_nothing_behind() -> None:
    gateway = live()
    client = ToyClient(gateway)
    client.subscribe("#")
    client.subscribe("a", number=8)
    client.received(type="unsubscribed", id=client.sent(type="unsubscribe", subscription=8), subscription=8)
    client.received(type="error", id=client.sent(type="subscribe", keys=["+x"]), code="invalid_argument")
    client.received(type="pong")
    assert verdict(client).clean


def test_a_reset_voids_the_view_until_its_snapshot() -> None:
    gateway = live()
    client = ToyClient(gateway)
    client.subscribe("#")
    gateway.new_epoch("e2")
    client.received(type="reset", subscription=7, reason="epoch", now=7)
    assert verdict(client).kinds == {"final"}
    client.snapshot()
    report = verdict(client)
    assert (report.clean, report.tally.resets) == (True, 1)
