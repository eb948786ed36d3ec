"""What holds of the 1.9 reader for any messages at all."""

import re

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain import openwb19_topics as topics
from gateway.domain.catalogue import check
from gateway.domain.errors import Unreadable
from gateway.domain.openwb19 import OpenWB19Reader
from gateway.domain.openwb19_ignored import IGNORED
from gateway.domain.values import JsonValue
from tests.support.box import Box
from tests.support.captures import load_capture

Said = tuple[str, bytes]

NAMED = "lp/+/strChargePointName=A "
PATTERNS = (*sorted(topics.MAPPED), NAMED)
IDS = st.sampled_from(["1", "2"])
USUAL = st.sampled_from([b"0", b"1", b"2", b"", b" ", b"null", b"-5.5", b".64", b"100", b"0001180644,1714732240"])


def of_the_captures() -> dict[str, list[bytes]]:
    """For each mapped pattern some payloads that were really seen."""
    seen: dict[str, list[bytes]] = {pattern: [] for pattern in PATTERNS}
    for message in (*load_capture("v19-retained"), *load_capture("v19-session")):
        pattern = re.sub(r"(?<=/)\d(?=/|$)", "+", message.topic.removeprefix("openWB/"))
        payload = message.payload.encode()
        if payload not in seen.get(pattern, [payload]) and len(seen[pattern]) < 8:
            seen[pattern].append(payload)
    return seen


REAL = of_the_captures()
# topics that work on each other; the more of them meet, the better
GROUPS = (
    [topics.NAME.pattern, NAMED, topics.CHARGEPOINT_CONFIGURED.pattern],
    [pattern for pattern in PATTERNS if "boolPVConfigured" in pattern or pattern.endswith(("pv/W", "pv/+/W"))],
    [
        topics.MODE.pattern,
        topics.CHARGEPOINT_CONFIGURED.pattern,
        topics.SOC_CONFIGURED.pattern,
        topics.LIMIT_KIND.pattern,
        topics.LIMIT_ENERGY.pattern,
        topics.PV_LIMITED.pattern,
        topics.PV_LIMIT_SOC.pattern,
        topics.PV_ENDS_AT_SOC.pattern,
        topics.MIN_CURRENT.pattern,
    ],
    [topics.CHARGEPOINT_CONFIGURED.pattern, topics.SOC_CONFIGURED.pattern, "lp/+/%Soc", "lp/+/socFaultState"],
    [topics.CHARGEPOINT_CONFIGURED.pattern, topics.LAST_TAG.pattern, topics.PLUGGED.pattern, "lp/+/APhase1"],
    [
        topics.CHARGEPOINT_CONFIGURED.pattern,
        topics.TARIFF_ENABLED.pattern,
        topics.TARIFF_PRICE.pattern,
        topics.TARIFF_PRICES.pattern,
        topics.USUAL_PRICE.pattern,
        topics.PRICE_LIMIT.pattern,
        topics.BY_PRICE.pattern,
    ],
    list(PATTERNS),
)


@st.composite
def said(draw: st.DrawFn, group: list[str] = GROUPS[-1]) -> Said:
    pattern = draw(st.sampled_from(group))
    payloads = st.one_of(st.sampled_from(REAL[pattern] or [b"1"]), USUAL, st.just(b"1"))
    return pattern.replace("+", draw(IDS)), draw(payloads)


@st.composite
def anything(draw: st.DrawFn) -> Said:
    pattern = draw(st.sampled_from([*PATTERNS, *(pattern for pattern, _ in IGNORED)]))
    levels = [draw(st.text(max_size=5) | IDS) if level in "+#" else level for level in pattern.split("/")]
    topic = draw(st.one_of(st.just("/".join(levels)), st.text(max_size=20)))
    return topic, draw(st.binary(max_size=30) | st.text(max_size=10).map(lambda text: text.encode(errors="ignore")))


@st.composite
def conversations(draw: st.DrawFn) -> list[Said]:
    """Messages that have to do with each other."""
    return draw(st.lists(said(draw(st.sampled_from(GROUPS))), max_size=20))


def heard(messages: list[Said], *, raw: bool = False) -> Box:
    box = Box(reader=OpenWB19Reader(raw=raw))
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


@given(conversations() | st.lists(said() | anything(), max_size=20), st.data())
def test_only_the_last_readable_payload_of_each_topic_counts(messages: list[Said], data: st.DataObject) -> None:
    last = {topic: payload for topic, payload in messages if readable((topic, payload))}
    present = data.draw(st.permutations([(topic, payload) for topic, payload in last.items() if payload]))
    assert heard(messages).values == heard(present).values


@given(st.lists(said() | anything(), max_size=12), st.booleans())
def test_nothing_leaves_outside_of_its_declared_type_and_range(messages: list[Said], raw: bool) -> None:
    values: dict[str, JsonValue] = heard(messages, raw=raw).values
    assert all(check(key, value) for key, value in values.items())
    assert msgspec.json.decode(msgspec.json.encode(values)) == values


@given(conversations() | st.lists(said() | anything(), max_size=14), st.booleans(), st.data())
def test_deleting_everything_leaves_no_key(messages: list[Said], raw: bool, data: st.DataObject) -> None:
    box = heard(messages, raw=raw)
    for topic in data.draw(st.permutations(sorted({topic for topic, _ in messages}))):
        box.write(topic, b"")
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
