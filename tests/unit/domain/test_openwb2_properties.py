"""What holds of the 2.x reader for any messages at all."""

import json
import re
from collections.abc import Mapping

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain import openwb2_topics as topics
from gateway.domain.catalogue import check
from gateway.domain.errors import Unreadable
from gateway.domain.openwb2_ignored import IGNORED
from gateway.domain.values import JsonValue
from tests.support.box import Box
from tests.support.captures import load_capture

IDS = st.sampled_from(["0", "1"])
Said = tuple[str, bytes]


def of_the_captures() -> dict[str, list[bytes]]:
    """For each mapped pattern some payloads that were really seen."""
    seen: dict[str, list[bytes]] = {pattern: [] for pattern in topics.MAPPED}
    for message in (*load_capture("v2-retained"), *load_capture("v2-session")):
        topic = message.topic.removeprefix("openWB/")
        pattern = re.sub(r"(?<=/)\d+(?=/|$)|(?<=^command/)[^/]+", "+", topic)
        payload = message.payload.encode()
        if payload and payload not in seen.get(pattern, [payload]) and len(seen[pattern]) < 8:
            seen[pattern].append(payload)
    return seen


REAL = of_the_captures()
HIERARCHIES = st.lists(
    st.fixed_dictionaries({"id": st.sampled_from([0, 1]), "type": st.sampled_from(["counter", "cp"])}), max_size=2
).map(lambda elements: json.dumps(elements).encode())
INFOS = st.sampled_from([0, 1, None]).map(lambda vehicle: json.dumps({"id": vehicle, "name": "x"}).encode())
PRICES = st.dictionaries(st.sampled_from(["900", "1800", "2700"]), st.sampled_from([0.0001, 0.0003, None])).map(
    lambda prices: json.dumps(prices).encode()
)
TIMES = st.sampled_from([b"800", b"900", b"1900.5", b"9999", b"null"])
CONFIGS = st.sampled_from([0, 1]).map(
    lambda template: json.dumps({"chargemode": "pv_charging", "charge_template": template}).encode()
)
SOCS = st.sampled_from([b'{"soc": 0}', b'{"soc": 50, "timestamp": 9, "range": 7}', b'{"soc": 0, "timestamp": 9}'])
LIVELY: Mapping[str, st.SearchStrategy[bytes]] = {
    "counter/get/hierarchy": HIERARCHIES,
    "chargepoint/+/get/connected_vehicle/config": CONFIGS,
    "chargepoint/+/get/connected_vehicle/info": INFOS,
    "chargepoint/+/get/connected_vehicle/soc": SOCS,
    "optional/ep/get/prices": PRICES,
    "optional/et/get/prices": PRICES,
    "system/time": TIMES,
}
JSON = st.recursive(
    st.sampled_from([None, True, False, 0, 1, -3, 5.25, 1e30, float("nan"), float("inf"), "", "none", "Kein Fehler."])
    | st.text(max_size=10)
    | st.text(st.characters(categories=["Cs"]), min_size=1, max_size=2),  # JSON can say half a character
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
).map(lambda value: json.dumps(value).encode())


# topics that work on each other; the more of them meet, the better
GROUPS = (
    [topics.CONNECTED_INFO.pattern, topics.CONNECTED_SOC.pattern, topics.SOC_MODULE.pattern],
    [topics.CONNECTED_INFO.pattern, topics.CONNECTED_SOC.pattern, topics.VEHICLE_SOC.pattern],
    [topics.CONNECTED_CONFIG.pattern, topics.TEMPLATE.pattern, topics.TEMPLATE_IN_FORCE.pattern],
    [topics.PRICES.pattern, topics.OLD_PRICES.pattern, topics.USUAL_PRICE.pattern, topics.BOX_TIME.pattern],
    [topics.HIERARCHY.pattern, "counter/+/get/power", "counter/+/get/frequency"],
    [pattern for pattern in topics.MAPPED if pattern.startswith(("pv", "bat"))],
    sorted(topics.MAPPED),
)


@st.composite
def said(draw: st.DrawFn, group: list[str] = GROUPS[-1]) -> Said:
    pattern = draw(st.sampled_from(group))
    ids = (draw(IDS) for _ in range(pattern.count("+")))
    topic = re.sub(r"\+", lambda _: next(ids), pattern)
    usual = st.sampled_from(REAL[pattern]) if REAL[pattern] else st.just(b"1")
    payload = draw(
        st.one_of(LIVELY.get(pattern, usual), usual, st.sampled_from([b"", b"null", b"0", b"false"]), JSON)
    )
    return topic, payload


@st.composite
def damaged(draw: st.DrawFn) -> Said:
    """A real message with a member of it replaced, or cut off."""
    topic, payload = draw(said())
    members = list(re.finditer(rb'-?\d+(?:\.\d+)?|"[^"]*"|true|false', payload))
    place = draw(st.integers(-1, len(members) - 1))
    if place >= 0:
        hit = members[place]
        return topic, payload[: hit.start()] + draw(JSON) + payload[hit.end() :]
    return topic, payload[: draw(st.integers(0, len(payload)))]


@st.composite
def anything(draw: st.DrawFn) -> Said:
    pattern = draw(st.sampled_from([*topics.MAPPED, *(pattern for pattern, _ in IGNORED)]))
    levels = [draw(st.text(max_size=5) | IDS) if level in "+#" else level for level in pattern.split("/")]
    topic = draw(st.one_of(st.just("/".join(levels)), st.text(max_size=20)))
    return topic, draw(st.binary(max_size=30) | JSON)


@st.composite
def conversations(draw: st.DrawFn) -> list[Said]:
    """Messages that have to do with each other."""
    group = draw(st.sampled_from(GROUPS))
    return draw(st.lists(said(group), max_size=20))


def heard(messages: list[Said], *, raw: bool = False) -> Box:
    box = Box(raw=raw)
    for topic, payload in messages:
        try:
            box.write(topic, payload)
        except Unreadable:
            box.unreadable.append(topic)
    return box


def readable(message: Said) -> bool:
    return not heard([message]).unreadable


@given(conversations(), st.data())
def test_the_order_of_topics_does_not_matter(messages: list[Said], data: st.DataObject) -> None:
    once = list(dict(messages).items())
    shuffled = data.draw(st.permutations(once))
    assert heard(once, raw=True).values == heard(shuffled, raw=True).values


@given(conversations() | st.lists(said() | damaged(), max_size=20), st.data())
def test_only_the_last_readable_payload_of_each_topic_counts(messages: list[Said], data: st.DataObject) -> None:
    last = {topic: payload for topic, payload in messages if readable((topic, payload))}
    present = data.draw(st.permutations([(topic, payload) for topic, payload in last.items() if payload]))
    assert heard(messages).values == heard(present).values


@given(st.lists(said() | damaged() | anything(), max_size=12), st.booleans())
def test_nothing_leaves_outside_of_its_declared_type_and_range(messages: list[Said], raw: bool) -> None:
    values: dict[str, JsonValue] = heard(messages, raw=raw).values
    assert all(check(key, value) for key, value in values.items())
    assert msgspec.json.decode(msgspec.json.encode(values)) == values


@given(conversations() | st.lists(said() | damaged() | anything(), max_size=14), st.booleans(), st.data())
def test_deleting_everything_leaves_no_key(messages: list[Said], raw: bool, data: st.DataObject) -> None:
    box = heard(messages, raw=raw)
    for topic in data.draw(st.permutations(sorted({topic for topic, _ in messages}))):
        box.delete(topic)
    assert box.values == {}


@given(conversations())
def test_saying_it_again_changes_nothing_but_is_told(messages: list[Said]) -> None:
    """The keys a flood brings are counted by the bridge, so equal values must be told again."""
    box = heard(messages)
    before = dict(box.values)
    last = {topic: payload for topic, payload in messages if readable((topic, payload))}
    told: set[str] = set()
    for topic, payload in last.items():
        if payload:
            told.update(box.write(topic, payload))
    assert box.values == before
    assert told == set(before)
