"""What was asked of a charge point, by its mode, limits, prices and plans, before anybody looks at the sun.

Rules:

* ``stop`` and ``standby`` release nothing; a limit that is reached ends the charging of its own mode only.
* ``instant`` releases its current. ``pv`` and ``min_pv`` ask for surplus, above a floor if one was given (``min_pv``
  has at least 6 A). ``eco`` is instant while the price is at or below its limit, and ``pv`` else.
* ``scheduled``: surplus until ten minutes before the plan's current would be too late for its aim, then that current;
  if it becomes too late, the most that charge point and vehicle take. A plan once begun is carried on over its hour.
* A SoC limit counts only when the box knows a SoC; an energy limit counts from the plug.
* Currents are 6 to 32 A, at most what charge point and vehicle are set up for.
"""

from collections.abc import Callable
from typing import Literal, TypeAlias

import msgspec

from gateway.simulator.plant.local_time import DAY_S, LocalTime
from gateway.simulator.state import ChargePoint, Vehicle
from gateway.simulator.words import Limit, Mode, Plan

LEAST_A = 6.0
MOST_A = 32.0
VOLTS = 230.0
EFFICIENCY = 0.9
HOUR_S = 3_600
BEGINS_EARLIER_S = 600.0

STOP = "Keine Ladung, da der Lademodus Stop gewählt ist."
STANDBY = "Keine Ladung, da der Lademodus Standby gewählt ist."
SOC_REACHED = "Keine Ladung, da der gewünschte SoC erreicht ist."
ENERGY_REACHED = "Keine Ladung, da die gewünschte Energiemenge geladen ist."
NO_PLAN = "Keine Ladung, da kein Zielladen-Termin ansteht."


class Demand(msgspec.Struct, frozen=True):
    """``none``: nothing, for the reason in ``text``. ``fixed``: ``current_a``. ``surplus``: at least ``current_a``.

    ``phases`` 0: the box chooses.
    """

    kind: Literal["none", "fixed", "surplus"]
    current_a: float = 0.0
    phases: int = 0
    text: str = ""


class Moment(msgspec.Struct, frozen=True):
    """``price_eur_per_wh``: what the grid costs now."""

    time_s: float
    price_eur_per_wh: float
    local_time: LocalTime


_By: TypeAlias = Callable[[ChargePoint, Vehicle, Moment], Demand]


def most_a(chargepoint: ChargePoint, vehicle: Vehicle) -> float:
    """The most that both are set up for, in A."""
    return min(MOST_A, chargepoint.setup.max_current_a, vehicle.setup.max_current_a)


def allowed_a(current_a: float, chargepoint: ChargePoint, vehicle: Vehicle) -> float:
    """A wished current within what may flow."""
    return max(LEAST_A, min(current_a, most_a(chargepoint, vehicle)))


def reached(limit: Limit, chargepoint: ChargePoint, vehicle: Vehicle) -> str:
    """Why the limit ends the charging; empty while it does not."""
    if limit.kind == "soc" and vehicle.soc_percent is not None and vehicle.soc_percent >= limit.soc_percent:
        return SOC_REACHED
    if limit.kind == "energy" and chargepoint.log.since_plugged_wh >= limit.energy_wh:
        return ENERGY_REACHED
    return ""


class Demands:
    """What each charge point demands; remembers which plan has begun."""

    def __init__(self) -> None:
        self._begun: set[int] = set()
        self._by_mode: dict[Mode, _By] = {
            "instant": _instant,
            "min_pv": _surplus,
            "pv": _surplus,
            "eco": _eco,
            "scheduled": self._scheduled,
            "stop": _nothing,
            "standby": _nothing,
        }

    def of(self, chargepoint: ChargePoint, vehicle: Vehicle, moment: Moment) -> Demand:
        """For a car that is plugged and may charge."""
        if chargepoint.wish.mode != "scheduled":
            self.forget(chargepoint.setup.id)
        return self._by_mode[chargepoint.wish.mode](chargepoint, vehicle, moment)

    def forget(self, chargepoint_id: int) -> None:
        """The car has left, or another mode was chosen."""
        self._begun.discard(chargepoint_id)

    def _scheduled(self, chargepoint: ChargePoint, vehicle: Vehicle, moment: Moment) -> Demand:
        wish = chargepoint.wish
        plans = [plan for plan in wish.plans if plan.active]
        if not plans:
            return Demand("none", text=NO_PLAN)
        ready_s, plan = min(((_next_ready_s(plan, moment), plan) for plan in plans), key=lambda found: found[0])
        if text := reached(plan.limit, chargepoint, vehicle):
            self.forget(chargepoint.setup.id)
            return Demand("none", text=text)
        current_a = allowed_a(plan.current_a, chargepoint, vehicle)
        phases = wish.phases or chargepoint.setup.phases
        power_w = current_a * VOLTS * min(phases, vehicle.setup.phases)
        needs_s = _missing_wh(plan.limit, chargepoint, vehicle) / power_w * HOUR_S
        left_s = ready_s - moment.time_s
        if chargepoint.setup.id not in self._begun and left_s > needs_s + BEGINS_EARLIER_S:
            return Demand("surplus", 0.0, wish.phases)
        self._begun.add(chargepoint.setup.id)
        return Demand("fixed", most_a(chargepoint, vehicle) if left_s < needs_s else current_a, wish.phases)


def _nothing(chargepoint: ChargePoint, _vehicle: Vehicle, _moment: Moment) -> Demand:
    return Demand("none", text=STOP if chargepoint.wish.mode == "stop" else STANDBY)


def _instant(chargepoint: ChargePoint, vehicle: Vehicle, _moment: Moment) -> Demand:
    wish = chargepoint.wish
    if text := reached(wish.instant_limit, chargepoint, vehicle):
        return Demand("none", text=text)
    return Demand("fixed", allowed_a(wish.instant_current_a, chargepoint, vehicle), wish.phases)


def _surplus(chargepoint: ChargePoint, vehicle: Vehicle, _moment: Moment) -> Demand:
    wish = chargepoint.wish
    if text := reached(wish.pv_limit, chargepoint, vehicle):
        return Demand("none", text=text)
    floor_a = wish.min_current_a
    if floor_a > 0 or wish.mode == "min_pv":
        floor_a = allowed_a(floor_a, chargepoint, vehicle)
    return Demand("surplus", floor_a, wish.phases)


def _eco(chargepoint: ChargePoint, vehicle: Vehicle, moment: Moment) -> Demand:
    wish = chargepoint.wish
    if text := reached(wish.eco_limit, chargepoint, vehicle):
        return Demand("none", text=text)
    if moment.price_eur_per_wh <= wish.price_limit_eur_per_wh:
        return Demand("fixed", allowed_a(wish.eco_current_a, chargepoint, vehicle), wish.phases)
    return Demand("surplus", 0.0, wish.phases)


def _next_ready_s(plan: Plan, moment: Moment) -> float:
    """When the plan's hour comes next, in epoch seconds."""
    hours, minutes = map(int, plan.ready_at.split(":"))
    second_of_day = hours * HOUR_S + minutes * 60
    wall_s = moment.local_time.seconds(moment.time_s)
    day = int(wall_s // DAY_S)
    return moment.local_time.moment(day + (second_of_day <= wall_s % DAY_S), second_of_day)


def _missing_wh(limit: Limit, chargepoint: ChargePoint, vehicle: Vehicle) -> float:
    """At the meter. Of an unknown SoC the box thinks the worst."""
    if limit.kind == "energy":
        return limit.energy_wh - chargepoint.log.since_plugged_wh
    target_percent = limit.soc_percent if limit.kind == "soc" else 100
    return (target_percent - (vehicle.soc_percent or 0.0)) / 100 * vehicle.setup.capacity_wh / EFFICIENCY
