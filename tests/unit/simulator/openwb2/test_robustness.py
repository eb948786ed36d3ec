"""Whatever anybody writes to the simulated 2.x, its loops go on."""

import json
import re
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.simulator.openwb2.rules import MOST_LEVELS
from gateway.simulator.openwb2.templates import standard, wish_of
from gateway.simulator.openwb2.versions import VersionName
from gateway.simulator.openwb2.writes import COMMON, ONLY_SINCE_2_1_8
from tests.support.simulated2 import PLUGGED_IN, Simulated2

IDS = ["0", "1", "3", "5", "6", "05", "\u0665"]
PATTERNS = sorted(
    {*COMMON, *ONLY_SINCE_2_1_8, "command/+/todo", "vehicle/template/charge_template/+/chargemode/selected"}
)
SCALARS_TO_TRY = [
    None,
    True,
    False,
    0,
    1,
    16,
    -1,
    10**400,
    0.5,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "pv_charging",
    "\ud800",
]
SCALARS = st.sampled_from(SCALARS_TO_TRY)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
PLAN = {"time": "07:00", "limit": {"selected": "soc", "soc_scheduled": 80}, "current": 14, "active": True}


def template_of(mode: str) -> str:
    template = standard(0, "P")
    template["chargemode"]["selected"] = mode
    template["chargemode"]["scheduled_charging"]["plans"] = [PLAN]
    return json.dumps(template)


def places(text: str) -> list[re.Match[str]]:
    """Every number, word and text of it."""
    return list(re.finditer(r'(?<=: )(?:-?\d+(?:\.\d+)?|"[^"]*"|true|false)(?=[,}])', text))


@st.composite
def damaged_templates(draw: st.DrawFn) -> str:
    text = template_of(draw(st.sampled_from(["pv_charging", "scheduled_charging", "eco_charging"])))
    hit = draw(st.sampled_from(places(text)))
    return text[: hit.start()] + json.dumps(draw(SCALARS)) + text[hit.end() :]


@st.composite
def writes(draw: st.DrawFn) -> tuple[str, bytes]:
    pattern = draw(st.sampled_from(PATTERNS))
    topic = re.sub(r"\+", lambda _: draw(st.sampled_from(IDS)), pattern)
    payload = draw(JSON.map(json.dumps) | damaged_templates()) if "template" in pattern else json.dumps(draw(JSON))
    return topic, draw(st.just(payload.encode()) | st.binary(min_size=1, max_size=8))


@pytest.mark.parametrize("version", ["2.2.2", "2.1.7"])
def test_whatever_is_written_the_loops_go_on(version: VersionName) -> None:
    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(writes(), min_size=1, max_size=6))
    def lives(written: list[tuple[str, bytes]]) -> None:
        home.boot()
        for topic, payload in written:
            home.write_raw(topic, payload)
        for _ in range(2):
            assert any(message.topic == "openWB/graph/lastlivevaluesJson" for message in home.loops())

    home = Simulated2(version=version, stays=PLUGGED_IN)
    home.loops()
    lives()


def test_every_member_of_a_template_may_be_anything() -> None:
    """What comes out is no wish, or one that the control can reckon with."""
    for mode, damaged in product(("pv_charging", "scheduled_charging", "eco_charging"), SCALARS_TO_TRY):
        text = template_of(mode)
        for hit in places(text):
            wish = wish_of(json.loads(text[: hit.start()] + json.dumps(damaged) + text[hit.end() :]))
            if wish is not None:
                assert "inf" not in repr(wish)
                assert "nan" not in repr(wish)
                assert all(re.fullmatch(r"[0-2]\d:[0-5]\d", plan.ready_at) for plan in wish.plans)


@pytest.mark.parametrize("levels", [MOST_LEVELS, MOST_LEVELS + 1, 100_000])
def test_what_is_nested_too_deep_is_no_document(levels: int) -> None:
    home = Simulated2()
    before = home.template()
    home.write_raw("chargepoint/5/set/charge_template", b"[" * levels + b"]" * levels)
    assert (home.template() == before) is (levels > MOST_LEVELS)
