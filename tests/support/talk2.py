"""What a 2.x may say."""

import json
import re
from collections.abc import Iterator, Mapping

from hypothesis import strategies as st

from gateway.domain import openwb2_topics as topics
from gateway.domain.openwb2_ignored import IGNORED
from tests.support.box import Box
from tests.support.captures import load_capture
from tests.support.talk import Said, Talk, anything, conversations, really_seen

IDS = st.sampled_from(["0", "1"])


def of_the_captures() -> Iterator[Said]:
    """What was really seen, with patterns for topics."""
    for message in (*load_capture("v2-retained"), *load_capture("v2-session")):
        topic = message.topic.removeprefix("openWB/")
        if message.payload:
            yield re.sub(r"(?<=/)\d+(?=/|$)|(?<=^command/)[^/]+", "+", topic), message.payload.encode()


REAL = really_seen(topics.MAPPED, of_the_captures())
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


TALK_2 = Talk(
    make_box=lambda raw: Box(raw=raw),
    conversations=conversations(GROUPS, said),
    broken=said() | damaged(),
    anything=said()
    | damaged()
    | anything(
        [*topics.MAPPED, *(pattern for pattern, _ in IGNORED)],
        IDS,
        st.binary(max_size=30) | JSON,
    ),
)
