import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.simulator.openwb2.templates import (
    SELECTED,
    standard,
    standard_before_2_1_8,
    whole,
    wish_of,
    with_wish,
)
from gateway.simulator.words import Limit, Plan, Wish
from tests.support.captures import load_capture

limits = st.builds(
    Limit,
    kind=st.sampled_from(["none", "soc", "energy"]),
    soc_percent=st.integers(0, 100),
    energy_wh=st.integers(0, 50_000).map(float),
)
currents = st.one_of(st.integers(6, 32).map(float), st.sampled_from([6.5, 15.75]))
plans = st.builds(
    Plan,
    ready_at=st.sampled_from(["07:00", "16:30"]),
    limit=limits.filter(lambda limit: limit.kind != "none"),
    current_a=currents,
    active=st.booleans(),
)
wishes = st.builds(
    Wish,
    mode=st.sampled_from(["instant", "pv", "eco", "scheduled", "stop"]),
    instant_current_a=currents,
    min_current_a=st.sampled_from([0.0, 6.0, 10.0]),
    instant_limit=limits,
    pv_limit=limits,
    eco_current_a=currents,
    eco_limit=limits,
    price_limit_eur_per_wh=st.floats(0, 0.001),
    phases=st.sampled_from([0, 1, 3]),
    plans=st.lists(plans, max_size=2).map(tuple),
    priority=st.booleans(),
)


@given(wishes)
def test_a_wish_comes_back_out_of_a_template(wish: Wish) -> None:
    template = json.loads(json.dumps(with_wish(standard(3, "P"), wish)))
    found = wish_of(template)
    assert found is not None
    says_phases = wish.mode in ("instant", "pv", "eco") or (wish.mode == "scheduled" and wish.plans)
    assert found.phases == (wish.phases if says_phases else 0)
    assert found == Wish(**{**{n: getattr(wish, n) for n in wish.__struct_fields__}, "phases": found.phases})


@given(wishes)
def test_before_2_1_8_what_it_can_say_comes_back(wish: Wish) -> None:
    found = wish_of(json.loads(json.dumps(with_wish(standard_before_2_1_8("P"), wish))))
    assert found is not None
    assert (found.mode, found.min_current_a, found.priority) == (wish.mode, wish.min_current_a, wish.priority)
    assert (found.pv_limit.kind == "soc") == (wish.pv_limit.kind == "soc")
    assert found.plans == wish.plans
    if wish.mode == "eco":
        assert (found.eco_current_a, found.eco_limit) == (wish.eco_current_a, wish.eco_limit)


def test_min_pv_is_pv_with_a_floor() -> None:
    template = with_wish(standard(0, "P"), Wish(mode="min_pv"))
    assert template["chargemode"]["selected"] == "pv_charging"
    assert template["chargemode"]["pv_charging"]["min_current"] == 6
    found = wish_of(template)
    assert found is not None
    assert (found.mode, found.min_current_a) == ("pv", 6)


def test_the_recorded_templates_are_read() -> None:
    recorded = {m.topic: json.loads(m.payload) for m in load_capture("v2-retained") if "charge_template/" in m.topic}
    first, second = (wish_of(template) for _, template in sorted(recorded.items()))
    assert first is not None
    assert second is not None
    assert (first.mode, first.instant_current_a, first.phases) == ("instant", 16, 3)
    assert (second.mode, second.pv_limit) == ("pv", Limit(kind="soc", soc_percent=80, energy_wh=50_000))
    assert second.plans[0].limit == Limit(kind="energy", soc_percent=80, energy_wh=1000)


def test_members_that_a_wish_does_not_have_are_left_alone() -> None:
    template = standard(0, "P") | {"colour": "green"}
    told = with_wish(template, Wish(mode="pv"))
    assert told["colour"] == "green"
    assert template["chargemode"]["selected"] == "instant_charging"


@pytest.mark.parametrize(
    "broken",
    [
        None,
        5,
        [],
        {},
        {"chargemode": {"selected": "instant_charging"}},
        standard(0, "P") | {"prio": "yes"},
        standard(0, "P") | {"chargemode": standard(0, "P")["chargemode"] | {"selected": "flying"}},
        standard(0, "P") | {"chargemode": standard(0, "P")["chargemode"] | {"pv_charging": {"min_current": "6"}}},
    ],
)
def test_what_the_control_would_stumble_over_is_no_wish(broken: object) -> None:
    assert wish_of(broken) is None


@pytest.mark.parametrize(("member", "value"), [("phases_to_use", 2), ("limit", {"selected": "forever"})])
def test_values_without_a_meaning_are_no_wish(member: str, value: object) -> None:
    template = standard(0, "P")
    template["chargemode"]["instant_charging"][member] = value
    assert wish_of(template) is None


def test_eco_without_its_part_is_no_wish() -> None:
    template = standard(0, "P")
    template["chargemode"]["selected"] = "eco_charging"
    template["chargemode"].pop("eco_charging")
    assert wish_of(template) is None


def test_every_mode_has_a_word() -> None:
    assert set(SELECTED.values()) >= {"instant_charging", "pv_charging", "eco_charging", "scheduled_charging", "stop"}
    assert (whole(6.0), whole(6.5)) == (6, 6.5)
    assert isinstance(whole(6.0), int)
