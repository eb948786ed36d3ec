import itertools

import pytest

from gateway.domain.catalogue import entry_for
from gateway.domain.errors import Unreadable
from gateway.domain.filters import covers
from gateway.domain.openwb19_ignored import IGNORED
from gateway.domain.openwb19_topics import (
    DIRECT,
    FACTS,
    HEARTBEAT_TOPIC,
    LIMIT_ENERGY,
    MAPPED,
    PHASES,
    PLUGGED,
    subscriptions,
)


def test_no_topic_is_mapped_twice() -> None:
    patterns = [
        *(topic.pattern for topic in FACTS),
        *(direct.topic.pattern for direct in DIRECT if direct.topic is not PLUGGED),
        *(topic.pattern for phases in PHASES for topic in phases.topics),
    ]
    assert len(patterns) == len(set(patterns)) == len(MAPPED)


def test_every_key_is_declared_and_given_by_one_topic() -> None:
    keys = [*(key for direct in DIRECT for key in direct.keys), *(phases.key for phases in PHASES)]
    assert len(keys) == len(set(keys))
    for key in keys:
        assert entry_for(key.replace("+", "1")) is not None, key


@pytest.mark.parametrize("raw", [False, True])
def test_subscriptions_bring_every_mapped_topic_exactly_once(raw: bool) -> None:
    subscribed = subscriptions("haus/", raw)
    for pattern in MAPPED:
        assert sum(covers(one, f"haus/{pattern}") for one in subscribed) == 1, pattern
    for one, other in itertools.permutations(subscribed, 2):
        assert not covers(one, other), (one, other)


@pytest.mark.parametrize("raw", [False, True])
def test_subscriptions_leave_echoes_and_histories_out(raw: bool) -> None:
    for unwanted in (
        "set/ChargeMode",
        "config/set/pv/minCurrentMinPv",
        "graph/lastlivevalues",
        "graph/alllivevalues1",
    ):
        assert not any(covers(one, f"openWB/{unwanted}") for one in subscriptions("openWB/", raw))


def test_a_reason_never_hides_a_mapped_topic_of_its_own() -> None:
    assert not set(MAPPED) & {pattern for pattern, _ in IGNORED}


def test_topics_decode() -> None:
    assert MAPPED["lp/+/APhase2"].decode(b"9.94") == 9.94
    assert MAPPED[HEARTBEAT_TOPIC].decode(b"1714732740") == 1714732740.0
    assert LIMIT_ENERGY.decode(b"10") == 10_000.0
    with pytest.raises(Unreadable):
        MAPPED["lp/+/VPhase1"].decode(b"501")
