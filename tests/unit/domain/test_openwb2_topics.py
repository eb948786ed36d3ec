import itertools

import pytest

from gateway.domain.catalogue import entry_for
from gateway.domain.errors import Unreadable
from gateway.domain.filters import covers
from gateway.domain.openwb2_ignored import IGNORED
from gateway.domain.openwb2_topics import (
    BOX_TIME,
    FACT_TOPICS,
    MAPPED,
    PV_CONFIGURED,
    VALUE_TOPICS,
    Scalar,
    ValueTopic,
    subscriptions,
)


def test_no_topic_is_mapped_twice() -> None:
    assert len(MAPPED) == len(VALUE_TOPICS) + len(FACT_TOPICS)


def test_every_key_of_a_value_topic_is_declared() -> None:
    for topic in VALUE_TOPICS:
        for key in topic.keys:
            assert entry_for(key.replace("+", "0")) is not None, key


@pytest.mark.parametrize("raw", [False, True])
def test_subscriptions_bring_every_mapped_topic_exactly_once(raw: bool) -> None:
    subscribed = subscriptions("openWB/", raw)
    for pattern in MAPPED:
        assert sum(covers(one, f"openWB/{pattern}") for one in subscribed) == 1, pattern


@pytest.mark.parametrize("raw", [False, True])
def test_subscriptions_do_not_overlap_and_leave_the_echoes_out(raw: bool) -> None:
    subscribed = subscriptions("haus/", raw)
    assert all(one.startswith("haus/") for one in subscribed)
    for one, other in itertools.permutations(subscribed, 2):
        assert not overlap(one.split("/"), other.split("/")), (one, other)
    for unwanted in ("haus/set/x", "haus/log/me/data", "haus/graph/alllivevaluesJson1"):
        assert not any(covers(one, unwanted) for one in subscribed)


def overlap(one: list[str], other: list[str]) -> bool:
    """Whether some topic matches both patterns."""
    if not one or not other:
        return one in ([], ["#"]) and other in ([], ["#"])
    if "#" in (one[0], other[0]):
        return True
    return (one[0] == other[0] or "+" in (one[0], other[0])) and overlap(one[1:], other[1:])


def test_a_reason_never_hides_a_mapped_topic_of_its_own() -> None:
    assert not set(MAPPED) & {pattern for pattern, _ in IGNORED}


def test_a_value_topic_decodes_converts_and_fits() -> None:
    power = MAPPED["pv/get/power"]
    assert isinstance(power, ValueTopic)
    assert power.read(b"-5361.9400000000005") == 5361.94
    assert power.read(b"NaN") is None
    with pytest.raises(Unreadable):
        power.read(b"much")


def test_a_fact_topic_decodes() -> None:
    assert BOX_TIME.decode(b"900.0004") == Scalar(900.0)
    assert PV_CONFIGURED.decode(b"0") == Scalar(False)
    with pytest.raises(Unreadable):
        PV_CONFIGURED.decode(b"2")
