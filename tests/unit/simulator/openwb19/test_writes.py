"""The table of writes, row by row: what is within bounds is echoed and taken away, what is not is taken away only."""

import pytest

from gateway.simulator.openwb19.writes import WRITES
from tests.support.simulated19 import Simulated19

ECHOED: list[tuple[str, str, dict[str, str]]] = [
    ("set/ChargeMode", "0", {"global/ChargeMode": "0"}),
    ("set/ChargeMode", "4", {"global/ChargeMode": "4"}),
    ("set/lp/1/ChargePointEnabled", "0", {"lp/1/ChargePointEnabled": "0"}),
    ("set/lp/8/ChargePointEnabled", "1", {"lp/8/ChargePointEnabled": "1"}),
    ("set/lp1/ChargePointEnabled", "0", {"lp/1/ChargePointEnabled": "0"}),
    ("set/lp/2/ForceSoCUpdate", "1", {}),
    ("set/lp/1/manualSoc", "63", {"lp/1/manualSoc": "63", "lp/1/%Soc": "63"}),
    ("config/set/sofort/lp/1/current", "6", {"config/get/sofort/lp/1/current": "6"}),
    ("config/set/sofort/lp/8/current", "32", {"config/get/sofort/lp/8/current": "32"}),
    ("config/set/sofort/lp/3/energyToCharge", "100", {"config/get/sofort/lp/3/energyToCharge": "100"}),
    ("config/set/sofort/lp/2/socToChargeTo", "0", {"config/get/sofort/lp/2/socToChargeTo": "0"}),
    ("config/set/sofort/lp/1/resetEnergyToCharge", "1", {}),
    ("config/set/sofort/lp/5/etBasedCharging", "1", {"config/get/sofort/lp/5/etBasedCharging": "1"}),
    (
        "config/set/sofort/lp/1/chargeLimitation",
        "1",
        {
            "lp/1/boolDirectModeChargekWh": "1",
            "lp/1/boolDirectChargeModeSoc": "0",
            "config/get/sofort/lp/1/chargeLimitation": "1",
        },
    ),
    (
        "config/set/sofort/lp/2/chargeLimitation",
        "2",
        {
            "lp/2/boolDirectModeChargekWh": "0",
            "lp/2/boolDirectChargeModeSoc": "1",
            "config/get/sofort/lp/2/chargeLimitation": "2",
        },
    ),
    (
        "config/set/sofort/lp/3/chargeLimitation",
        "1",
        {"lp/3/boolDirectModeChargekWh": "1", "config/get/sofort/lp/3/chargeLimitation": "1"},
    ),
    ("config/set/pv/minCurrentMinPv", "16", {"config/get/pv/minCurrentMinPv": "16"}),
    ("config/set/pv/lp/2/minCurrent", "6", {"config/get/pv/lp/2/minCurrent": "6"}),
    ("config/set/pv/lp/1/maxSoc", "100", {"config/get/pv/lp/1/maxSoc": "100"}),
    ("config/set/pv/lp/2/socLimitation", "1", {"config/get/pv/lp/2/socLimitation": "1"}),
    ("config/set/pv/priorityModeEVBattery", "1", {"config/get/pv/priorityModeEVBattery": "1"}),
    ("config/set/pv/regulationPoint", "-300000", {"config/get/pv/regulationPoint": "-300000"}),
    ("config/set/pv/startDelay", "0", {"config/get/pv/startDelay": "0"}),
    ("config/set/pv/stopDelay", "10000", {"config/get/pv/stopDelay": "10000"}),
    ("config/set/u1p3p/sofortPhases", "3", {"config/get/u1p3p/sofortPhases": "3"}),
    ("config/set/u1p3p/nurpvPhases", "4", {"config/get/u1p3p/nurpvPhases": "4"}),
    ("set/awattar/MaxPriceForCharging", "-50", {}),
    ("set/awattar/MaxPriceForCharging", "22.5", {}),
    ("set/system/SimulateRFID", "0001180644", {}),
    ("set/evu/W", "-100000.5", {}),
    ("set/houseBattery/%Soc", "50", {}),
    ("set/pv/1/W", "-1", {}),
    ("set/lp/1/W", "5000", {}),
    ("set/lp/2/plugStat", "1", {}),
    ("set/lp/1/kWhCounter", "12.5", {}),
    ("set/houseBattery/faultState", "2", {"housebattery/faultState": "2"}),
    ("set/lp/1/faultStr", "Kein Zähler", {"lp/1/faultStr": "Kein Zähler"}),
    ("set/lp/2/socFaultState", "1", {"lp/2/socFaultState": "1"}),
]
OUT_OF_BOUNDS = [
    ("set/ChargeMode", "5"),
    ("set/ChargeMode", "-1"),
    ("set/lp/1/ChargePointEnabled", "2"),
    ("set/lp/9/ChargePointEnabled", "1"),
    ("set/lp/3/manualSoc", "50"),
    ("set/lp/1/manualSoc", "101"),
    ("config/set/sofort/lp/1/current", "5"),
    ("config/set/sofort/lp/1/current", "40"),
    ("config/set/sofort/lp/1/energyToCharge", "101"),
    ("config/set/sofort/lp/3/socToChargeTo", "50"),
    ("config/set/sofort/lp/3/chargeLimitation", "2"),
    ("config/set/sofort/lp/1/chargeLimitation", "3"),
    ("config/set/pv/minCurrentMinPv", "17"),
    ("config/set/pv/lp/3/minCurrent", "8"),
    ("config/set/pv/regulationPoint", "300001"),
    ("config/set/u1p3p/sofortPhases", "4"),
    ("config/set/u1p3p/nurpvPhases", "0"),
    ("set/awattar/MaxPriceForCharging", "96"),
    ("set/system/SimulateRFID", "04:A1"),
    ("set/lp/1/faultState", "3"),
    ("set/nobody/knows", "1"),
    ("set/lp1/DirectChargeAmps", "10"),
]
NO_NUMBERS = [
    ("set/ChargeMode", "abc"),
    ("set/ChargeMode", "1.0"),
    ("set/ChargeMode", '"1"'),
    ("set/lp/1/ChargePointEnabled", "true"),
    ("set/lp/x/ChargePointEnabled", "1"),
    ("config/set/sofort/lp/1/current", "ten"),
    ("config/set/pv/minCurrentMinPv", "8 A"),
    ("set/awattar/MaxPriceForCharging", "cheap"),
    ("set/evu/W", "much"),
    ("set/lp/1/W", "12.5"),
    ("set/graph/RequestMonthLadelog", "May"),
]


@pytest.mark.parametrize(("topic", "payload", "echoes"), ECHOED)
def test_what_is_within_bounds_is_echoed_and_taken_away(topic: str, payload: str, echoes: dict[str, str]) -> None:
    answered = Simulated19().write(topic, payload)
    assert answered == [*echoes.items(), (topic, "")]


@pytest.mark.parametrize(("topic", "payload"), OUT_OF_BOUNDS)
def test_what_is_not_is_taken_away_and_does_nothing(topic: str, payload: str) -> None:
    simulated = Simulated19()
    before = simulated.boot()
    assert simulated.write(topic, payload) == [(topic, "")]
    after = simulated.boot()
    assert {name for name in before if before[name] != after[name]} == set()


@pytest.mark.parametrize(("topic", "payload"), NO_NUMBERS)
def test_what_is_no_number_stays_where_it_is(topic: str, payload: str) -> None:
    assert Simulated19().write(topic, payload) == []


def test_every_row_has_bounds_that_can_be_met() -> None:
    assert all(write.low <= write.high for write in WRITES)
    assert all(write.leaf or write.topic.count("/") for write in WRITES)
