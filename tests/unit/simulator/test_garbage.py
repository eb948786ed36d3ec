"""Garbage is garbage to every reader, and the same for the same seed."""

import random

import pytest

from gateway.domain.errors import Unreadable
from gateway.domain.openwb2 import OpenWB2Reader
from gateway.domain.openwb19 import OpenWB19Reader
from gateway.simulator.garbage import BROKEN, ODD_TOPICS, garbage
from tests.support.captures import load_capture


def test_the_same_seed_says_the_same_and_each_odd_topic_gets_something() -> None:
    topics = {message.topic for message in load_capture("v2-start")}
    made = garbage(random.Random(3), topics)
    assert made == garbage(random.Random(3), topics)
    assert made != garbage(random.Random(4), topics)
    assert {one.topic for one in made} - topics == set(ODD_TOPICS)
    assert len(garbage(random.Random(3), ["openWB/only/one"])) == len(ODD_TOPICS) + 1
    assert max(len(one.payload) for seed in range(9) for one in garbage(random.Random(seed), topics)) > 100_000


@pytest.mark.parametrize("name", ["v2-start", "v19-retained"])
def test_no_reading_comes_of_it(name: str) -> None:
    """A number, a state, a name: whatever is spoiled is not read as something else."""
    topics = sorted({message.topic for message in load_capture("v2-start" if name == "v2-start" else "v19-retained")})
    for topic in topics:
        if topic.endswith(("ame", "Name", "tr", "Str")) or "/messages/" in topic:
            continue  # a text may be anything
        for payload in BROKEN:
            reader = OpenWB2Reader() if name == "v2-start" else OpenWB19Reader()
            try:
                told = dict(reader.read(topic, payload))
            except Unreadable:
                continue
            assert not [value for value in told.values() if isinstance(value, float | int)], (topic, payload, told)
