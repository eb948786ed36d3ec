"""What a 1.9 may say."""

import re
from collections.abc import Iterator

from hypothesis import strategies as st

from gateway.domain import openwb19_topics as topics
from gateway.domain.openwb19 import OpenWB19Reader
from gateway.domain.openwb19_ignored import IGNORED
from tests.support.box import Box
from tests.support.captures import load_capture
from tests.support.talk import Said, Talk, anything, conversations, really_seen

NAMED = "lp/+/strChargePointName=A "
PATTERNS = (*sorted(topics.MAPPED), NAMED)
IDS = st.sampled_from(["1", "2"])
USUAL = st.sampled_from([b"0", b"1", b"2", b"", b" ", b"null", b"-5.5", b".64", b"100", b"0001180644,1714732240"])


def of_the_captures() -> Iterator[Said]:
    """What was really seen, with patterns for topics."""
    for message in (*load_capture("v19-retained"), *load_capture("v19-session")):
        yield re.sub(r"(?<=/)\d(?=/|$)", "+", message.topic.removeprefix("openWB/")), message.payload.encode()


REAL = really_seen(PATTERNS, of_the_captures())
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


ANYTHING = said() | anything(
    [*PATTERNS, *(pattern for pattern, _ in IGNORED)],
    IDS,
    st.binary(max_size=30) | st.text(max_size=10).map(lambda text: text.encode(errors="ignore")),
)
TALK_19 = Talk(
    make_box=lambda raw: Box(reader=OpenWB19Reader(raw=raw)),
    conversations=conversations(GROUPS, said),
    broken=ANYTHING,
    anything=ANYTHING,
)
