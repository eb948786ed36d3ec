"""Rare keys: reproducible, rare, and never the same value twice."""

from collections import Counter

from tests.support.rare_keys import FAULT_STATE, RareKeys, merged
from tests.support.recording import Recorded


def rare(seed: int) -> RareKeys:
    return RareKeys(seed, vehicles=60, chargepoints=30, inverters=30)


def test_the_same_seed_gives_the_same_messages() -> None:
    assert rare(3).start == rare(3).start
    assert rare(3).messages(600) == rare(3).messages(600)
    assert rare(3).messages(600) != rare(4).messages(600)


def test_thousands_of_topics_by_default() -> None:
    assert len(RareKeys(1).start) > 2500


def test_each_topic_changes_once_to_four_times_to_values_of_its_own() -> None:
    keys = rare(1)
    messages = [message for message in keys.messages(600) if not message.topic.endswith(FAULT_STATE)]
    per_topic = Counter(message.topic for message in messages)
    assert set(per_topic.values()) <= {1, 2, 3}
    assert set(keys.start) <= set(per_topic)
    payloads = Counter([message.payload for message in messages if message.payload] + list(keys.start.values()))
    assert max(payloads.values()) == 1


def test_some_devices_come_late_and_some_go() -> None:
    keys = rare(1)
    messages = keys.messages(600)
    assert {message.topic for message in messages if not message.payload}
    assert {message.topic for message in messages} - set(keys.start)
    assert all(0 <= message.t <= 600 for message in messages)
    assert messages == sorted(messages, key=lambda message: message.t)


def test_some_fall_into_fault_and_come_out_of_it_and_some_are_left_in_it() -> None:
    states: dict[str, list[str]] = {}
    for message in RareKeys(1).messages(600):
        if message.topic.endswith(FAULT_STATE):
            states.setdefault(message.topic, []).append(message.payload)
    assert {tuple(told) for told in states.values()} == {("2", "1", "0"), ("2", "1", "2")}


def test_nothing_is_heard_of_a_device_that_went() -> None:
    last = {message.topic: message.payload for message in rare(1).messages(600)}
    gone = {message.topic for message in rare(1).messages(600) if not message.payload}
    assert {last[topic] for topic in gone} == {""}


def test_merging_keeps_both_orders() -> None:
    one = [Recorded("a", "1", t=1), Recorded("a", "2", t=3), Recorded("b", "3", t=3)]
    other = [Recorded("c", "4", t=2), Recorded("d", "5", t=3)]
    assert [message.topic for message in merged(one, other)] == ["a", "c", "a", "b", "d"]
