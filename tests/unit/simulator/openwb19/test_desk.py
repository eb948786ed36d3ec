import msgspec
import pytest

from gateway.simulator.words import Limit, Mode, VehicleSetup, Wish
from tests.support.simulated19 import HOUSE, SCENE, Simulated19

TAGGED = msgspec.structs.replace(
    HOUSE,
    vehicles=(
        VehicleSetup(id=0, name="Standard"),
        VehicleSetup(id=1, name="Auto"),
        VehicleSetup(id=2, name="Zweitwagen", id_tags=("04A1",)),
    ),
    chargepoints=(HOUSE.chargepoints[0], msgspec.structs.replace(HOUSE.chargepoints[1], vehicle_id=2)),
)


BY_HAND = msgspec.structs.replace(
    HOUSE, vehicles=(HOUSE.vehicles[0], msgspec.structs.replace(HOUSE.vehicles[1], soc_module="manual"))
)
ALONE = msgspec.structs.replace(HOUSE, chargepoints=HOUSE.chargepoints[:1])


def wishes(simulated: Simulated19) -> list[Wish]:
    return [chargepoint.wish for chargepoint in simulated.box.state.chargepoints.values()]


@pytest.mark.parametrize(("payload", "mode"), [("0", "instant"), ("1", "min_pv"), ("3", "stop"), ("4", "standby")])
def test_the_mode_is_asked_of_every_charge_point(payload: str, mode: Mode) -> None:
    simulated = Simulated19()
    assert [wish.mode for wish in wishes(simulated)] == ["pv", "pv"]
    simulated.write("set/ChargeMode", payload)
    assert [wish.mode for wish in wishes(simulated)] == [mode, mode]


def test_wishes_that_differ_are_brought_to_one_mode_at_the_start() -> None:
    simulated = Simulated19(wishes={5: Wish(mode="instant", instant_current_a=12.0), 6: Wish(mode="stop")})
    assert [(wish.mode, wish.instant_current_a) for wish in wishes(simulated)] == [
        ("instant", 12.0),
        ("instant", 10.0),
    ]


def test_a_setting_is_asked_of_its_charge_point() -> None:
    simulated = Simulated19()
    simulated.write("config/set/sofort/lp/2/current", "14")
    simulated.write("config/set/sofort/lp/1/energyToCharge", "5")
    simulated.write("config/set/sofort/lp/1/chargeLimitation", "1")
    assert [wish.instant_current_a for wish in wishes(simulated)] == [10.0, 14.0]
    assert wishes(simulated)[0].instant_limit == Limit(kind="energy", soc_percent=60, energy_wh=5000.0)


def test_one_that_is_not_there_can_be_written_and_asks_nobody() -> None:
    simulated = Simulated19()
    before = wishes(simulated)
    simulated.write("set/lp/3/ChargePointEnabled", "0")
    simulated.write("config/set/sofort/lp/3/current", "14")
    assert wishes(simulated) == before
    assert simulated.loops(1)["config/get/sofort/lp/3/current"] == "14"


def test_enabled_is_not_locked() -> None:
    simulated = Simulated19()
    simulated.write("set/lp/2/ChargePointEnabled", "0")
    assert [one.locked for one in simulated.box.state.chargepoints.values()] == [False, True]
    simulated.write("set/lp/2/ChargePointEnabled", "1")
    assert not simulated.box.state.chargepoints[6].locked


def test_a_price_limit_shows_with_the_next_loop() -> None:
    simulated = Simulated19()
    simulated.boot()
    simulated.write("set/awattar/MaxPriceForCharging", "22.5")
    assert simulated.loops(1)["global/awattar/MaxPriceForCharging"] == "22.5"
    assert wishes(simulated)[0].price_limit_eur_per_wh == pytest.approx(0.000225)


def test_who_comes_first_is_told_to_the_box() -> None:
    simulated = Simulated19()
    simulated.write("config/set/pv/priorityModeEVBattery", "0")
    assert simulated.box.state.bat_mode == "bat_mode"
    simulated.write("config/set/pv/priorityModeEVBattery", "1")
    assert simulated.box.state.bat_mode == "ev_mode"


def test_a_state_of_charge_written_by_hand_is_known_where_it_is_kept_by_hand() -> None:
    simulated = Simulated19(BY_HAND)
    simulated.boot()
    simulated.write("set/lp/1/manualSoc", "63")
    assert simulated.box.state.vehicles[1].soc_percent == 63.0
    assert simulated.loops(1)["lp/1/%Soc"] == "63"


def test_a_module_that_asks_the_vehicle_says_the_next_that_it_hears() -> None:
    """So does the real one: 63 stood there until the vehicle said 45."""
    simulated = Simulated19()
    simulated.boot()
    simulated.loops(1)
    assert ("lp/1/%Soc", "63") in simulated.write("set/lp/1/manualSoc", "63")
    assert simulated.box.state.vehicles[1].soc_percent == 41.0
    assert "lp/1/%Soc" not in simulated.loops(1)


def test_without_a_module_it_is_only_said() -> None:
    simulated = Simulated19()
    simulated.boot()
    assert ("lp/2/%Soc", "30") in simulated.write("set/lp/2/manualSoc", "30")
    assert simulated.box.state.vehicles[0].soc_percent is None
    assert simulated.loops(1)["lp/2/%Soc"] == "30"
    assert ("lp/2/%Soc", "30") in Simulated19(ALONE).write("set/lp/2/manualSoc", "30")


def test_a_state_of_charge_can_be_fed_where_the_module_is_for_that() -> None:
    fed, by_hand = Simulated19(), Simulated19(BY_HAND)
    for simulated in (fed, by_hand):
        simulated.boot()
        assert simulated.write("set/lp/1/%Soc", "77.4") == [("set/lp/1/%Soc", "")]
        simulated.write("set/lp/2/%Soc", "50")
    assert fed.loops(1)["lp/1/%Soc"] == "77"
    assert "lp/1/%Soc" not in by_hand.loops(1)


def test_what_was_charged_can_be_set_back_to_nothing() -> None:
    simulated = Simulated19(wishes={5: Wish(mode="instant", instant_current_a=16.0)})
    simulated.boot()
    assert float(simulated.loops(20)["lp/1/kWhActualCharged"]) > 0
    simulated.write("config/set/sofort/lp/1/resetEnergyToCharge", "1")
    assert simulated.loop()
    assert simulated.voice._said["lp/1/kWhActualCharged"] == "0"


def test_a_tag_that_is_written_shows_with_the_next_loop() -> None:
    simulated = Simulated19()
    simulated.boot()
    simulated.write("set/system/SimulateRFID", "0001180644")
    assert simulated.loops(1)["system/lastRfId"] == f"0001180644,{int(simulated.time_s)}"
    assert "system/lastRfId" not in simulated.loops(1)
    simulated.write("set/system/SimulateRFID", "0001180644")
    assert simulated.loops(1)["system/lastRfId"] == f"0001180644,{int(simulated.time_s)}"


def scanned_at(simulated: Simulated19, tag: str) -> list[int]:
    """The charge points at which the box saw a tag that somebody writes."""
    simulated.write("set/system/SimulateRFID", tag)
    chargepoints = simulated.box.state.chargepoints
    return [id_ for id_, chargepoint in chargepoints.items() if chargepoint.scanned_tag == tag]


def test_a_tag_is_for_the_charge_point_whose_vehicle_knows_it() -> None:
    assert scanned_at(Simulated19(TAGGED), "04A1") == [6]


def test_else_for_one_with_a_vehicle_else_for_the_first() -> None:
    plugged = msgspec.structs.replace(SCENE, stays=(msgspec.structs.replace(SCENE.stays[0], chargepoint_id=6),))
    simulated = Simulated19(TAGGED, scene=plugged)
    assert scanned_at(simulated, "ffff") == [5]
    simulated.loops(10)
    assert scanned_at(simulated, "ffff") == [6]


def test_a_tag_where_there_is_no_charge_point_is_nobodys() -> None:
    bare = msgspec.structs.replace(HOUSE, chargepoints=())
    simulated = Simulated19(bare, wishes={}, scene=msgspec.structs.replace(SCENE, installation=bare, stays=()))
    simulated.boot()
    assert simulated.write("set/system/SimulateRFID", "ffff") == [("set/system/SimulateRFID", "")]
    assert "system/lastRfId" not in simulated.loops(1)
