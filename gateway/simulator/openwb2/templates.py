"""Charge templates of 2.x, and the wish that is in one.

A template is JSON that the box hardly checks: what is written is kept as it is, unknown members included, and only
what the control reads must fit. ``standard`` is the profile of a fresh box; ``with_wish`` puts a wish into a template
and ``wish_of`` reads it back. Before 2.1.8 a template has no eco part and no phases, ends pv charging at ``max_soc``,
and a price limit (``et``) binds all modes.
"""

import copy
import math
from collections.abc import Iterator
from typing import Annotated, Any, Final

import msgspec

from gateway.simulator.words import Limit, LimitKind, Mode, Plan, Wish

Json = dict[str, Any]

SELECTED: Final[dict[Mode | str, str]] = {
    "_": "_",
    "instant": "instant_charging",
    "min_pv": "pv_charging",
    "pv": "pv_charging",
    "eco": "eco_charging",
    "scheduled": "scheduled_charging",
    "stop": "stop",
    "standby": "standby",
}
_MODES: Final[dict[str, Mode]] = {
    "instant_charging": "instant",
    "pv_charging": "pv",
    "eco_charging": "eco",
    "scheduled_charging": "scheduled",
    "stop": "stop",
    "standby": "standby",
}
_LIMIT_WORDS: Final[dict[LimitKind, str]] = {"none": "none", "soc": "soc", "energy": "amount"}
_LIMIT_KINDS: Final[dict[str, LimitKind]] = {"none": "none", "soc": "soc", "amount": "energy"}
_WITH_PHASES: Final = ("instant_charging", "pv_charging", "eco_charging")
_PHASES: Final = (0, 1, 3)
_LOWEST_CURRENT_A: Final = 6
_NEVER_PERCENT: Final = 101  # max_soc before 2.1.8: above 100 there is no limit


class _Limit(msgspec.Struct, frozen=True):
    selected: str
    soc: float = 80
    soc_scheduled: float | None = None
    amount: float = 10_000


class _Instant(msgspec.Struct, frozen=True):
    current: float
    limit: _Limit
    phases_to_use: int = 0


class _Pv(msgspec.Struct, frozen=True):
    min_current: float
    limit: _Limit | None = None
    max_soc: float = _NEVER_PERCENT
    phases_to_use: int = 0


class _Eco(msgspec.Struct, frozen=True):
    current: float
    limit: _Limit
    max_price: float
    phases_to_use: int = 0


class _Plan(msgspec.Struct, frozen=True):
    time: Annotated[str, msgspec.Meta(pattern=r"^(?:[01]\d|2[0-3]):[0-5]\d$")]
    limit: _Limit
    current: float = 14
    active: bool = True
    phases_to_use: int = 0


class _Plans(msgspec.Struct, frozen=True):
    plans: list[_Plan] | dict[str, _Plan] = []

    @property
    def each(self) -> list[_Plan]:
        return list(self.plans.values()) if isinstance(self.plans, dict) else self.plans


class _Chargemode(msgspec.Struct, frozen=True):
    selected: str
    instant_charging: _Instant
    pv_charging: _Pv
    scheduled_charging: _Plans
    eco_charging: _Eco | None = None


class _Et(msgspec.Struct, frozen=True):
    active: bool = False
    max_price: float = 0.0002


class _Template(msgspec.Struct, frozen=True):
    chargemode: _Chargemode
    prio: bool = False
    et: _Et | None = None

    @property
    def lacks_eco(self) -> bool:
        """Neither the part nor the price of before 2.1.8."""
        return self.chargemode.eco_charging is None and self.et is None


_AT_FIRST: Final = Limit(soc_percent=50, energy_wh=50_000.0)


def _limit_json(limit: Limit = _AT_FIRST) -> Json:
    return {
        "selected": _LIMIT_WORDS[limit.kind],
        "amount": whole(limit.energy_wh),
        "soc": limit.soc_percent,
    }


def whole(number: float) -> float:
    """The box writes integers where it can."""
    return int(number) if number == int(number) else number


def standard(template_id: int, name: str) -> Json:
    """The charge template that a fresh box has and gives to what is added."""
    return {
        "id": template_id,
        "name": name,
        "prio": False,
        "load_default": True,  # what our box does
        "time_charging": {"active": False, "plans": []},
        "chargemode": {
            "selected": "instant_charging",
            "eco_charging": {
                "current": 6,
                "dc_current": 145,
                "limit": _limit_json(),
                "max_price": 0.0002,
                "phases_to_use": 3,
            },
            "pv_charging": {
                "dc_min_current": 145,
                "dc_min_soc_current": 145,
                "feed_in_limit": False,
                "limit": _limit_json(),
                "min_current": 0,
                "min_soc_current": 10,
                "min_soc": 0,
                "phases_to_use": 0,
                "phases_to_use_min_soc": 3,
            },
            "scheduled_charging": {"plans": []},
            "instant_charging": {"current": 16, "dc_current": 145, "limit": _limit_json(), "phases_to_use": 3},
        },
    }


def standard_before_2_1_8(name: str) -> Json:
    """The same up to 2.1.7: one price for all modes, no eco, no phases, plans as topics of their own."""
    return {
        "name": name,
        "prio": False,
        "load_default": True,
        "disable_after_unplug": False,
        "et": {"active": False, "max_price": 0.0002},
        "time_charging": {"active": False, "plans": {}},
        "chargemode": {
            "selected": "stop",
            "pv_charging": {
                "dc_min_current": 145,
                "dc_min_soc_current": 145,
                "feed_in_limit": False,
                "min_current": 0,
                "min_soc_current": 10,
                "min_soc": 0,
                "max_soc": _NEVER_PERCENT,
            },
            "scheduled_charging": {"plans": {}},
            "instant_charging": {"current": 10, "dc_current": 145, "limit": _limit_json()},
        },
    }


def with_wish(template: Json, wish: Wish) -> Json:
    """A copy in which the wish stands; members that no wish has are left alone."""
    told = copy.deepcopy(template)
    chargemode = told["chargemode"]
    told["prio"] = wish.priority
    chargemode["selected"] = SELECTED[wish.mode]
    chargemode["instant_charging"] |= {
        "current": whole(wish.instant_current_a),
        "limit": _limit_json(wish.instant_limit),
    }
    lowest = max(wish.min_current_a, _LOWEST_CURRENT_A) if wish.mode == "min_pv" else wish.min_current_a
    chargemode["pv_charging"]["min_current"] = whole(lowest)
    if "eco_charging" in chargemode:
        _put_since_2_1_8(chargemode, wish)
    else:
        _put_before_2_1_8(told, wish)
    return told


def _put_since_2_1_8(chargemode: Json, wish: Wish) -> None:
    chargemode["pv_charging"]["limit"] = _limit_json(wish.pv_limit)
    chargemode["eco_charging"] |= {
        "current": whole(wish.eco_current_a),
        "limit": _limit_json(wish.eco_limit),
        "max_price": wish.price_limit_eur_per_wh,
    }
    plans = [_plan_json(index, plan) | {"phases_to_use": wish.phases} for index, plan in enumerate(wish.plans)]
    chargemode["scheduled_charging"]["plans"] = plans
    selected = chargemode["selected"]
    if selected in _WITH_PHASES:
        chargemode[selected]["phases_to_use"] = wish.phases


def _put_before_2_1_8(template: Json, wish: Wish) -> None:
    """Eco is instant charging with a price limit."""
    chargemode = template["chargemode"]
    ends = wish.pv_limit.kind == "soc"
    chargemode["pv_charging"]["max_soc"] = wish.pv_limit.soc_percent if ends else _NEVER_PERCENT
    template["et"] |= {"active": wish.mode == "eco", "max_price": wish.price_limit_eur_per_wh}
    if wish.mode == "eco":
        chargemode["selected"] = SELECTED["instant"]
        chargemode["instant_charging"] |= {
            "current": whole(wish.eco_current_a),
            "limit": _limit_json(wish.eco_limit),
        }
    plans = {str(index): _plan_json(index, plan) for index, plan in enumerate(wish.plans)}
    chargemode["scheduled_charging"]["plans"] = plans


def _plan_json(plan_id: int, plan: Plan) -> Json:
    return {
        "active": plan.active,
        "bidi_charging_enabled": False,
        "bidi_power": 10000,
        "current": whole(plan.current_a),
        "dc_current": 145,
        "et_active": False,
        "frequency": {"selected": "daily", "once": "2026-01-01", "weekly": [False] * 7},
        "id": plan_id,
        "name": "Zielladen",
        "limit": {
            "selected": _LIMIT_WORDS[plan.limit.kind],
            "amount": whole(plan.limit.energy_wh),
            "soc_limit": 100,
            "soc_scheduled": plan.limit.soc_percent,
        },
        "phases_to_use": 0,
        "phases_to_use_pv": 0,
        "time": plan.ready_at,
    }


def wish_of(template: Any) -> Wish | None:
    """What a template asks for; None where the control of the box would stumble over it."""
    try:
        read = msgspec.convert(template, _Template, strict=True)
    except (msgspec.ValidationError, UnicodeEncodeError):  # the latter: half a character
        return None
    chargemode = read.chargemode
    mode = _MODES.get(chargemode.selected)
    instant, pv, plans = chargemode.instant_charging, chargemode.pv_charging, chargemode.scheduled_charging.each
    price = read.et.max_price if read.et is not None else Wish().price_limit_eur_per_wh
    eco = chargemode.eco_charging or _Eco(instant.current, instant.limit, price)
    if mode == "instant" and read.et is not None and read.et.active:
        mode = "eco"
    limits = (instant.limit, pv.limit, eco.limit, *(plan.limit for plan in plans))
    known = all(limit is None or limit.selected in _LIMIT_KINDS for limit in limits)
    known = known and all(math.isfinite(number) for number in _numbers(read))
    phases = _phases(mode, chargemode)
    if mode is None or not known or phases not in _PHASES or (mode == "eco" and read.lacks_eco):
        return None
    return Wish(
        mode=mode,
        instant_current_a=instant.current,
        min_current_a=pv.min_current,
        instant_limit=_limit(instant.limit),
        pv_limit=_pv_limit(pv),
        eco_current_a=eco.current,
        eco_limit=_limit(eco.limit),
        price_limit_eur_per_wh=eco.max_price,
        phases=phases,
        plans=tuple(
            Plan(ready_at=plan.time, limit=_limit(plan.limit), current_a=plan.current, active=plan.active)
            for plan in plans
        ),
        priority=read.prio,
    )


def _numbers(part: Any) -> Iterator[float]:
    """All in a part of a template: the box's JSON may say NaN."""
    if isinstance(part, msgspec.Struct):
        part = [getattr(part, name) for name in part.__struct_fields__]
    if isinstance(part, dict):
        part = list(part.values())
    if isinstance(part, list):
        for member in part:
            yield from _numbers(member)
    elif isinstance(part, float):
        yield part


def _phases(mode: Mode | None, chargemode: _Chargemode) -> int:
    """Of the mode; of a plan its own."""
    plans = chargemode.scheduled_charging.each
    parts: dict[str, _Instant | _Pv | _Eco | _Plan | None] = {
        "instant": chargemode.instant_charging,
        "pv": chargemode.pv_charging,
        "eco": chargemode.eco_charging,
        "scheduled": plans[0] if plans else None,
    }
    part = parts.get(mode or "")
    return 0 if part is None else part.phases_to_use


def _limit(limit: _Limit) -> Limit:
    soc = limit.soc if limit.soc_scheduled is None else limit.soc_scheduled
    return Limit(kind=_LIMIT_KINDS[limit.selected], soc_percent=round(soc), energy_wh=limit.amount)


def _pv_limit(pv: _Pv) -> Limit:
    if pv.limit is not None:
        return _limit(pv.limit)
    ends = pv.max_soc < _NEVER_PERCENT
    return Limit(kind="soc", soc_percent=round(pv.max_soc)) if ends else Limit()
