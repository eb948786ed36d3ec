"""What is asked of a charge point by mode, limit, price and plan."""

from collections.abc import Mapping

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.simulator import limits
from gateway.simulator.installations import CARPORT, IONIQ
from gateway.simulator.limits import Demand, Demands, Moment
from gateway.simulator.plant.local_time import LocalTime
from gateway.simulator.state import ChargePoint, SessionLog, Vehicle
from gateway.simulator.words import Limit, Mode, Plan, Wish
from tests.support.simulated import NOON_S

BERLIN = LocalTime("Europe/Berlin")
TO_80 = Limit(kind="soc", soc_percent=80)
TO_5_KWH = Limit(kind="energy", energy_wh=5_000.0)


def demand(wish: Wish, *, soc: float | None = 50.0, charged_wh: float = 0.0, price: float = 0.0003) -> Demand:
    return Demands().of(*stand(wish, soc, charged_wh), Moment(NOON_S, price, BERLIN))


def stand(wish: Wish, soc: float | None = 50.0, charged_wh: float = 0.0) -> tuple[ChargePoint, Vehicle]:
    log = SessionLog(since_plugged_wh=charged_wh)
    chargepoint = ChargePoint(setup=CARPORT, wish=wish, vehicle_id=1, log=log)
    return chargepoint, Vehicle(setup=IONIQ, name="", id_tags=(), soc_module="mqtt", soc_percent=soc)


@pytest.mark.parametrize(
    ("wish", "demanded"),
    [
        (Wish(mode="instant", instant_current_a=13.0), Demand("fixed", 13.0)),
        (Wish(mode="instant", instant_current_a=32.0, phases=1), Demand("fixed", 16.0, 1)),
        (Wish(mode="instant", instant_current_a=3.0), Demand("fixed", 6.0)),
        (Wish(mode="pv"), Demand("surplus", 0.0)),
        (Wish(mode="pv", min_current_a=8.0, phases=3), Demand("surplus", 8.0, 3)),
        (Wish(mode="min_pv"), Demand("surplus", 6.0)),
        (Wish(mode="min_pv", min_current_a=10.0), Demand("surplus", 10.0)),
        (Wish(mode="eco", eco_current_a=12.0, price_limit_eur_per_wh=0.0003), Demand("fixed", 12.0)),
        (Wish(mode="eco", eco_current_a=12.0, price_limit_eur_per_wh=0.00029), Demand("surplus")),
        (Wish(mode="stop"), Demand("none", text=limits.STOP)),
        (Wish(mode="standby"), Demand("none", text=limits.STANDBY)),
        (Wish(mode="scheduled"), Demand("none", text=limits.NO_PLAN)),
        (
            Wish(mode="scheduled", plans=(Plan(ready_at="13:00", limit=TO_80, active=False),)),
            Demand("none", text=limits.NO_PLAN),
        ),
    ],
)
def test_a_mode_demands(wish: Wish, demanded: Demand) -> None:
    assert demand(wish) == demanded


@pytest.mark.parametrize(
    ("limited", "soc", "charged_wh", "text"),
    [
        (TO_80, 79.9, 0.0, ""),
        (TO_80, 80.0, 0.0, limits.SOC_REACHED),
        (TO_80, None, 99_000.0, ""),
        (TO_5_KWH, 99.0, 4_999.0, ""),
        (TO_5_KWH, None, 5_000.0, limits.ENERGY_REACHED),
        (Limit(), 100.0, 99_000.0, ""),
    ],
)
@pytest.mark.parametrize(
    ("mode", "field"),
    [("instant", "instant_limit"), ("pv", "pv_limit"), ("min_pv", "pv_limit"), ("eco", "eco_limit")],
)
def test_a_limit_ends_its_own_mode(
    mode: Mode, field: str, limited: Limit, soc: float | None, charged_wh: float, text: str
) -> None:
    own: Mapping[str, Limit] = {field: limited}
    others = {name: limited for name in ("instant_limit", "pv_limit", "eco_limit") if name != field}
    reached = demand(msgspec.structs.replace(Wish(mode=mode), **own), soc=soc, charged_wh=charged_wh)
    assert reached.text == text
    assert (reached.kind == "none") is bool(text)
    untouched = demand(msgspec.structs.replace(Wish(mode=mode), **others), soc=soc, charged_wh=charged_wh)
    assert untouched.kind != "none"


class Planned:
    """A plan from noon on; 14 A on three phases are 9,660 W."""

    def __init__(self, *plans: Plan, soc: float | None = 50.0) -> None:
        self.demands = Demands()
        self.chargepoint, self.vehicle = stand(Wish(mode="scheduled", plans=plans), soc)

    def after(self, seconds: float) -> Demand:
        return self.demands.of(self.chargepoint, self.vehicle, Moment(NOON_S + seconds, 0.0003, BERLIN))


def test_a_plan_waits_for_the_last_moment_and_takes_the_sun_until_then() -> None:
    planned = Planned(Plan(ready_at="14:00", limit=Limit(kind="energy", energy_wh=9_660.0)))
    assert planned.after(0) == Demand("surplus")
    assert planned.after(2_900) == Demand("surplus")
    assert planned.after(3_000) == Demand("fixed", 14.0)


def test_a_plan_that_is_late_takes_what_it_can_get_and_goes_on_over_its_hour() -> None:
    planned = Planned(Plan(ready_at="14:00", limit=Limit(kind="energy", energy_wh=9_660.0)))
    assert planned.after(4_000) == Demand("fixed", 16.0)
    assert planned.after(7_300) == Demand("fixed", 14.0)
    planned.chargepoint.log.since_plugged_wh = 9_700.0
    assert planned.after(7_400) == Demand("none", text=limits.ENERGY_REACHED)
    planned.chargepoint.log.since_plugged_wh = 0.0
    assert planned.after(7_500) == Demand("surplus")


def test_a_plan_of_a_car_that_left_or_of_another_mode_begins_anew() -> None:
    planned = Planned(Plan(ready_at="14:00", limit=Limit(kind="energy", energy_wh=9_660.0)))
    planned.after(4_000)
    planned.demands.forget(CARPORT.id)
    assert planned.after(7_300) == Demand("surplus")
    planned.after(4_000)
    wish = planned.chargepoint.wish
    planned.chargepoint.wish = Wish()
    planned.after(4_010)
    planned.chargepoint.wish = wish
    assert planned.after(7_300) == Demand("surplus")


def test_the_next_plan_counts_and_its_soc_is_reckoned_into_energy() -> None:
    tomorrow = Plan(ready_at="11:00", limit=TO_80, current_a=6.0)
    soon = Plan(ready_at="16:00", limit=TO_80, current_a=16.0)
    planned = Planned(tomorrow, soon, soc=50.0)
    needs_s = 0.3 * IONIQ.capacity_wh / limits.EFFICIENCY / (16 * 230 * 3) * 3_600
    begins_s = 4 * 3_600 - needs_s - limits.BEGINS_EARLIER_S
    assert planned.after(begins_s - 1) == Demand("surplus")
    assert planned.after(begins_s + 1) == Demand("fixed", 16.0)
    planned.vehicle.soc_percent = 80.0
    assert planned.after(begins_s + 2).text == limits.SOC_REACHED


def test_without_a_soc_a_plan_thinks_the_worst() -> None:
    plan = Plan(ready_at="18:00", limit=Limit(), current_a=16.0)
    assert Planned(plan, soc=99.0).after(0) == Demand("surplus")
    assert Planned(plan, soc=None).after(0) == Demand("fixed", 16.0)


@given(st.floats(-1e6, 1e6), st.floats(6, 32), st.floats(6, 32))
def test_a_current_stays_within_what_may_flow(wished_a: float, of_chargepoint_a: float, of_vehicle_a: float) -> None:
    chargepoint, vehicle = stand(Wish())
    chargepoint.setup = msgspec.structs.replace(CARPORT, max_current_a=of_chargepoint_a)
    vehicle.setup = msgspec.structs.replace(IONIQ, max_current_a=of_vehicle_a)
    allowed_a = limits.allowed_a(wished_a, chargepoint, vehicle)
    assert 6 <= allowed_a <= min(of_chargepoint_a, of_vehicle_a)
    assert allowed_a == wished_a or not 6 <= wished_a <= limits.most_a(chargepoint, vehicle)
