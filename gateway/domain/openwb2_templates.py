"""Charge templates of openWB 2.x: how a charge point charges.

Since 2.1.8 the one in force stands at the charge point; before, only the vehicle's own is known, its plans are
elsewhere and unread, a price limit binds all modes (``et``), and mode pv ends at ``max_soc`` (above 100: never).
"""

import msgspec

from gateway.domain.catalogue import Entry
from gateway.domain.catalogue_entries import REPEATS
from gateway.domain.fitting import fit
from gateway.domain.openwb2_payloads import LIMIT_WORDS, MODE_WORDS, WH_PER_KWH, ConnectedConfig, declared, record
from gateway.domain.values import JsonValue

FULL_PERCENT = 100


class Plan(msgspec.Struct, frozen=True):
    """A plan as the catalogue shows it, and what tells whether it is the one in use."""

    id: int | None
    active: bool
    shown: JsonValue


class Template(msgspec.Struct, frozen=True):
    """A charge template in the catalogue's words."""

    mode: JsonValue
    limit: JsonValue
    instant_current_a: JsonValue
    min_current_a: JsonValue
    price_limit_eur_per_kwh: JsonValue
    scheduled: tuple[Plan, ...]
    timed: tuple[Plan, ...]

    def plan(self, connected: ConnectedConfig) -> JsonValue:
        """The plan that a charge point uses: the one it names, else the only one it could mean, else None."""
        if connected.time_charging_in_use:
            plans = self.timed
        elif self.mode == "scheduled":
            plans = self.scheduled
        else:
            return None
        named = [plan for plan in plans if plan.id is not None and plan.id == connected.current_plan]
        meant = named or [plan for plan in plans if plan.active]
        return meant[0].shown if named or len(meant) == 1 else None


class _Limit(msgspec.Struct, frozen=True):
    selected: str | None = None
    soc: float | None = None
    soc_scheduled: float | None = None
    amount: float | None = None


class _Frequency(msgspec.Struct, frozen=True):
    selected: str | None = None


class _Plan(msgspec.Struct, frozen=True):
    id: int | None = None
    name: str | None = None
    active: bool | None = None
    current: float | None = None
    limit: _Limit | None = None
    time: str | list[str] | None = None
    frequency: _Frequency | None = None


class _Plans(msgspec.Struct, frozen=True):
    plans: list[_Plan] | dict[str, _Plan] | None = None


class _Instant(msgspec.Struct, frozen=True):
    current: float | None = None
    limit: _Limit | None = None


class _Pv(msgspec.Struct, frozen=True):
    min_current: float | None = None
    limit: _Limit | None = None
    max_soc: float | None = None


class _Eco(msgspec.Struct, frozen=True):
    max_price: float | None = None
    limit: _Limit | None = None


class _Chargemode(msgspec.Struct, frozen=True):
    selected: str | None = None
    instant_charging: _Instant | None = None
    pv_charging: _Pv | None = None
    eco_charging: _Eco | None = None
    scheduled_charging: _Plans | None = None


class _Et(msgspec.Struct, frozen=True):
    active: bool | None = None
    max_price: float | None = None


class _Template(msgspec.Struct, frozen=True):
    chargemode: _Chargemode | None = None
    time_charging: _Plans | None = None
    et: _Et | None = None


def template(payload: bytes) -> Template:
    """Decode a whole template; raises Unreadable if any member that is read does not fit."""
    box = record(payload, _Template)
    chargemode = box.chargemode or _Chargemode()
    instant, pv = chargemode.instant_charging or _Instant(), chargemode.pv_charging or _Pv()
    mode = MODE_WORDS.get(chargemode.selected or "")
    return Template(
        mode=mode,
        limit=fit(declared("chargepoints/0/limit"), _limit_of(mode, chargemode)),
        instant_current_a=fit(declared("chargepoints/0/instant_current_a"), instant.current),
        min_current_a=fit(declared("chargepoints/0/min_current_a"), pv.min_current),
        price_limit_eur_per_kwh=fit(
            declared("chargepoints/0/price_limit_eur_per_kwh"), _price_limit(box, chargemode)
        ),
        scheduled=_plans("scheduled", chargemode.scheduled_charging),
        timed=_plans("time", box.time_charging),
    )


def _limit_of(mode: str | None, chargemode: _Chargemode) -> JsonValue:
    part: _Instant | _Pv | _Eco | None = None
    match mode:
        case None:
            return None
        case "instant":
            part = chargemode.instant_charging
        case "pv":
            part = chargemode.pv_charging
            if part is not None and part.limit is None and part.max_soc is not None:
                ends = part.max_soc <= FULL_PERCENT
                return {"kind": "soc", "soc_percent": part.max_soc} if ends else {"kind": "none"}
        case "eco":
            part = chargemode.eco_charging
    if part is None or part.limit is None:
        return {"kind": "none"}
    return _limit(part.limit)


def _limit(limit: _Limit) -> dict[str, JsonValue]:
    kind = LIMIT_WORDS.get(limit.selected or "")
    scheduled_or_soc = limit.soc if limit.soc_scheduled is None else limit.soc_scheduled
    return {
        "kind": kind,
        "soc_percent": scheduled_or_soc if kind == "soc" else None,
        "energy_wh": limit.amount if kind == "energy" else None,
    }


def _price_limit(box: _Template, chargemode: _Chargemode) -> float | None:
    price = chargemode.eco_charging.max_price if chargemode.eco_charging else None
    if box.et is not None and box.et.active:
        price = box.et.max_price
    return None if price is None else price * WH_PER_KWH


def _plans(kind: str, box: _Plans | None) -> tuple[Plan, ...]:
    plans = box.plans if box is not None else None
    each = plans.values() if isinstance(plans, dict) else plans or ()
    entry = declared("chargepoints/0/plan")
    return tuple(Plan(plan.id, bool(plan.active), _shown(entry, kind, plan)) for plan in each)


def _shown(entry: Entry, kind: str, plan: _Plan) -> JsonValue:
    limit = _limit(plan.limit or _Limit())
    repeats = plan.frequency.selected if plan.frequency else None
    window = plan.time if isinstance(plan.time, list) else []
    starts_at, ends_at = (*window, None, None)[:2]
    return fit(
        entry,
        {
            "kind": kind,
            "id": plan.id,
            "name": plan.name,
            "current_a": plan.current,
            "soc_percent": limit["soc_percent"],
            "energy_wh": limit["energy_wh"],
            "ready_at": plan.time if isinstance(plan.time, str) else None,
            "starts_at": starts_at,
            "ends_at": ends_at,
            "repeats": repeats if repeats in REPEATS else None,
        },
    )
