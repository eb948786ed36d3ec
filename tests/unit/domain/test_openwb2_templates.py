import json
from typing import Any

import pytest

from gateway.domain.errors import Unreadable
from gateway.domain.openwb2_payloads import ConnectedConfig
from gateway.domain.openwb2_templates import Template, template

NO_LIMIT = {"kind": "none", "soc_percent": None, "energy_wh": None}


def of(**members: Any) -> Template:
    return template(json.dumps(members).encode())


def selected(mode: str, **parts: Any) -> Template:
    return of(chargemode={"selected": mode, **parts})


def scheduled(*plans: dict[str, Any]) -> Template:
    return selected("scheduled_charging", scheduled_charging={"plans": list(plans)})


PLAN = {
    "id": 3,
    "name": "Pendeln",
    "active": True,
    "current": 14,
    "limit": {"selected": "soc", "amount": 1000, "soc_limit": 90, "soc_scheduled": 80},
    "time": "07:00",
    "frequency": {"selected": "weekly"},
}
SHOWN = {
    "kind": "scheduled",
    "id": 3,
    "name": "Pendeln",
    "current_a": 14.0,
    "soc_percent": 80.0,
    "energy_wh": None,
    "ready_at": "07:00",
    "starts_at": None,
    "ends_at": None,
    "repeats": "weekly",
}


@pytest.mark.parametrize(
    ("written", "mode"),
    [
        ("instant_charging", "instant"),
        ("pv_charging", "pv"),
        ("eco_charging", "eco"),
        ("scheduled_charging", "scheduled"),
        ("bidi_charging", "scheduled"),
        ("time_charging", "time"),
        ("stop", "stop"),
        ("standby", "standby"),
        ("of the future", None),
    ],
)
def test_modes(written: str, mode: str | None) -> None:
    assert selected(written).mode == mode


def test_a_template_that_says_nothing() -> None:
    for payload in (b"null", b"{}", b'{"chargemode": {}}'):
        nothing = template(payload)
        assert nothing == Template(None, None, None, None, None, (), ())
        assert nothing.plan(ConnectedConfig()) is None


def test_currents_and_price() -> None:
    read = selected(
        "stop", instant_charging={"current": 16}, pv_charging={"min_current": 6}, eco_charging={"max_price": 0.0002}
    )
    assert (read.instant_current_a, read.min_current_a, read.price_limit_eur_per_kwh) == (16.0, 6.0, 0.2)


@pytest.mark.parametrize("part", ["instant", "pv", "eco"])
def test_the_limit_is_that_of_the_selected_mode(part: str) -> None:
    mode = f"{part}_charging"
    others = {f"{other}_charging": {"limit": {"selected": "soc", "soc": 10}} for other in ("instant", "pv", "eco")}

    def limit(**written: Any) -> Any:
        return selected(mode, **{**others, mode: {"limit": written}}).limit

    assert limit(selected="none", soc=50, amount=5) == NO_LIMIT
    assert limit(selected="soc", soc=80, amount=5) == {"kind": "soc", "soc_percent": 80.0, "energy_wh": None}
    assert limit(selected="amount", soc=80, amount=5000) == {
        "kind": "energy",
        "soc_percent": None,
        "energy_wh": 5000.0,
    }
    assert limit(selected="of the future") == {**NO_LIMIT, "kind": None}
    assert selected(mode, **{mode: {}}).limit == NO_LIMIT


def test_modes_without_a_limit() -> None:
    for mode in ("stop", "standby", "scheduled_charging", "instant_charging", "pv_charging", "eco_charging"):
        assert selected(mode).limit == NO_LIMIT
    assert selected("of the future").limit is None


def test_boxes_before_2_1_8() -> None:
    def limit(max_soc: int) -> Any:
        return selected("pv_charging", pv_charging={"max_soc": max_soc, "min_current": 0}).limit

    assert limit(80) == {"kind": "soc", "soc_percent": 80.0, "energy_wh": None}
    assert limit(101) == NO_LIMIT
    assert of(et={"active": True, "max_price": 0.00025}).price_limit_eur_per_kwh == 0.25
    assert of(et={"active": False, "max_price": 0.00025}).price_limit_eur_per_kwh is None
    assert scheduled().scheduled == ()
    assert selected("scheduled_charging", scheduled_charging={"plans": {"3": PLAN}}).scheduled[0].shown == SHOWN
    assert selected("scheduled_charging", scheduled_charging={}).scheduled == ()


def test_the_plan_that_is_named() -> None:
    read = scheduled(PLAN, {**PLAN, "id": 4, "name": "Urlaub"})
    assert read.plan(ConnectedConfig(current_plan=3)) == SHOWN
    assert read.plan(ConnectedConfig(current_plan=4)) == {**SHOWN, "id": 4, "name": "Urlaub"}


def test_the_only_plan_it_could_be() -> None:
    resting = {**PLAN, "id": 4, "active": False}
    assert scheduled(PLAN, resting).plan(ConnectedConfig()) == SHOWN
    assert scheduled(PLAN, PLAN).plan(ConnectedConfig()) is None
    assert scheduled(resting).plan(ConnectedConfig()) is None
    assert scheduled({"active": True}).plan(ConnectedConfig(current_plan=None)) == {
        **dict.fromkeys(SHOWN),
        "kind": "scheduled",
    }


def test_time_charging_in_use() -> None:
    timed = {**PLAN, "time": ["06:00", "07:30"], "limit": {"selected": "amount", "amount": 5000}}
    read = of(chargemode={"selected": "pv_charging"}, time_charging={"active": True, "plans": [timed]})
    assert read.plan(ConnectedConfig(time_charging_in_use=False)) is None
    assert read.plan(ConnectedConfig(time_charging_in_use=True, current_plan=3)) == {
        **SHOWN,
        "kind": "time",
        "soc_percent": None,
        "energy_wh": 5000.0,
        "ready_at": None,
        "starts_at": "06:00",
        "ends_at": "07:30",
    }


def test_a_plan_with_odd_members() -> None:
    odd = scheduled({**PLAN, "time": [], "frequency": {"selected": "never"}, "limit": None})
    assert odd.plan(ConnectedConfig()) == {**SHOWN, "ready_at": None, "soc_percent": None, "repeats": None}


@pytest.mark.parametrize(
    "members",
    [
        {"chargemode": []},
        {"chargemode": {"selected": 5}},
        {"chargemode": {"instant_charging": {"current": 1000}}},
        {"chargemode": {"instant_charging": {"current": "much"}}},
        {"chargemode": {"selected": "pv_charging", "pv_charging": {"limit": {"selected": "soc", "soc": 101}}}},
        {"chargemode": {"scheduled_charging": {"plans": [{**PLAN, "id": -1}]}}},
        {"chargemode": {"scheduled_charging": {"plans": "none"}}},
        {"chargemode": {"eco_charging": {"max_price": 1}}},
    ],
)
def test_a_malformed_template_is_unreadable_as_a_whole(members: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        of(**members)
