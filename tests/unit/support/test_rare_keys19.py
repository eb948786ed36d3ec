"""Rare keys of a 1.9: reproducible, and read to values that never stood anywhere before."""

from collections import Counter

from gateway.domain.openwb19 import OpenWB19Reader
from gateway.domain.values import REMOVED
from tests.support.captures import load_capture
from tests.support.rare_keys19 import RareKeys19


def test_the_same_seed_gives_the_same_messages() -> None:
    assert RareKeys19(3).messages(600) == RareKeys19(3).messages(600)
    assert RareKeys19(3).messages(600) != RareKeys19(4).messages(600)


def test_all_are_read_and_values_do_not_repeat() -> None:
    keys, reader = RareKeys19(1), OpenWB19Reader()
    told: Counter[tuple[str, str]] = Counter()
    for message in load_capture("v19-retained"):
        reader.read(message.topic, message.payload.encode())
    for topic, payload in keys.start.items():
        reader.read(topic, payload.encode())
    for message in keys.messages(600):
        read = reader.read(message.topic, message.payload.encode())
        assert read or "lp/7" in message.topic or "lp/8" in message.topic
        told.update((key, repr(value)) for key, value in read.items() if isinstance(value, float | str))
    assert len(told) > 200
    assert max(told.values()) <= 2, "twice where a charge point came back"


def test_some_charge_points_go_and_come_back() -> None:
    keys, reader = RareKeys19(1), OpenWB19Reader()
    removed = [
        key
        for topic, payload in [*keys.start.items(), *((one.topic, one.payload) for one in keys.messages(600))]
        for key, value in reader.read(topic, payload.encode()).items()
        if value is REMOVED
    ]
    assert {"chargepoints/7/name", "chargepoints/8/name"} <= set(removed)
