import msgspec
import pytest

from gateway.simulator.openwb19.settings import Settings
from gateway.simulator.openwb19.state_texts import Place, box_texts, daily_texts, place_texts, tariff_texts
from gateway.simulator.openwb19.texts import local
from gateway.simulator.state import BoxState, Totals
from gateway.simulator.words import (
    BatteryReading,
    ChargePointReading,
    GridReading,
    Installation,
    InverterReading,
    InverterSetup,
    Readings,
    SetPoint,
)
from tests.support.simulated19 import BEGAN_S, HOUSE, Simulated19

CHARGING = ChargePointReading(
    plugged=True,
    charging=True,
    car=1,
    power_w=6899.4,
    powers_w=(2299.8, 2299.8, 2299.8),
    currents_a=(9.93, 10.0, 9.951),
    power_factors=(0.99, 0.99, 0.99),
    phases_in_use=3,
    imported_wh=8_124_540.0,
)
IDLE = msgspec.structs.replace(
    CHARGING,
    plugged=False,
    charging=False,
    car=None,
    power_w=0.0,
    powers_w=(0.0, 0.0, 0.0),
    currents_a=(0.0, 0.0, 0.0),
    power_factors=(0.0, 0.0, 0.0),
    imported_wh=1_454_090.0,
)
READINGS = Readings(
    time_s=BEGAN_S,
    voltages_v=(228.06, 229.0, 232.84),
    house_w=507.4,
    grid=GridReading(
        power_w=-39.6,
        powers_w=(55.2, -27.0, -67.8),
        currents_a=(0.24, -0.12, 0.0),
        power_factors=(0.92, 0.9, 0.0),
        frequency_hz=50.0,
        imported_wh=21_450_000.28,
        exported_wh=9_120_287.1,
    ),
    inverters={1: InverterReading(power_w=8430.2, currents_a=(12.2, 12.2, 12.2), produced_wh=31_179_398.4)},
    batteries={
        2: BatteryReading(
            power_w=-271.3,
            currents_a=(-1.2, 0.0, 0.0),
            soc_percent=72.4,
            charged_wh=2552090.61,
            discharged_wh=2306765.5,
        )
    },
    chargepoints={5: CHARGING, 6: IDLE},
    vehicles={},
)


def state(installation: Installation = HOUSE, readings: Readings | None = READINGS) -> BoxState:
    return BoxState(installation=installation, time_s=BEGAN_S, readings=readings)


def place(number: int = 1, *, chargepoint: int | None = 5) -> Place:
    there = None if chargepoint is None else Simulated19().box.state.chargepoints[chargepoint]
    return Place(number=number, chargepoint=there)


def test_the_meters_of_the_house() -> None:
    said = box_texts(state(), Settings(mode=2), "0001,1714732240")
    expected = {
        "global/ChargeMode": "2",
        "global/WAllChargePoints": "6899",
        "global/WHouseConsumption": "507",
        "global/kWhCounterAllChargePoints": "9578.63",
        "evu/W": "-40",
        "evu/WPhase2": "-27",
        "evu/APhase1": "0.24",
        "evu/APhase3": "0.0",
        "evu/VPhase2": "229.0",
        "evu/PfPhase1": "0.92",
        "evu/PfPhase3": "0",
        "evu/Hz": "50.0",
        "evu/WhImported": "21450000.28",
        "evu/WhExported": "9120287.1",
        "pv/W": "-8430",
        "pv/1/W": "-8430",
        "pv/2/W": "0",
        "pv/WhCounter": "31179398",
        "pv/1/boolPVConfigured": "1",
        "pv/2/boolPVConfigured": "0",
        "housebattery/W": "-271",
        "housebattery/%Soc": "72",
        "housebattery/WhImported": "2552090.61",
        "housebattery/WhExported": "2306765.5",
        "housebattery/boolHouseBatteryConfigured": "1",
        "system/lastRfId": "0001,1714732240",
        "Verbraucher/2/Watt": "0",
    }
    assert {topic: said[topic] for topic in expected} == expected


def test_the_second_inverter_stands_for_all_others() -> None:
    more = tuple(InverterSetup(id=number, name="Dach", peak_w=1000.0) for number in (1, 7, 8))
    told = {number: InverterReading(power_w=100.0, currents_a=(0, 0, 0), produced_wh=10.0) for number in (1, 7, 8)}
    said = box_texts(
        state(msgspec.structs.replace(HOUSE, inverters=more), msgspec.structs.replace(READINGS, inverters=told)),
        Settings(),
        "0",
    )
    assert (said["pv/W"], said["pv/1/W"], said["pv/2/W"], said["pv/2/WhCounter"]) == ("-300", "-100", "-200", "20")
    assert said["pv/2/boolPVConfigured"] == "1"


def test_a_house_without_sun_and_battery_says_zeros() -> None:
    bare = msgspec.structs.replace(HOUSE, inverters=(), battery=None)
    readings = msgspec.structs.replace(READINGS, inverters={}, batteries={})
    for told in (readings, None):
        said = box_texts(state(bare, told), Settings(), "0")
        flags = ("pv/1/boolPVConfigured", "housebattery/boolHouseBatteryConfigured")
        assert {said[topic] for topic in (*flags, "pv/W", "pv/WhCounter", "housebattery/W", "housebattery/%Soc")} == {
            "0"
        }


def test_before_the_first_readings_meters_stand_where_they_are_and_nothing_flows() -> None:
    said = box_texts(state(readings=None), Settings(), "0")
    assert (said["evu/W"], said["evu/WhImported"], said["evu/VPhase1"]) == ("0", "21450000.28", "0.0")
    assert (said["pv/W"], said["pv/WhCounter"], said["housebattery/%Soc"]) == ("0", "31178057", "71")
    assert said["global/kWhCounterAllChargePoints"] == "9577.57"
    assert place_texts(place(), None)["lp/1/kWhCounter"] == "8123.48"
    assert place_texts(place(), None)["lp/1/VPhase1"] == "0"


def test_the_first_charge_point_while_it_charges() -> None:
    charging = place()
    assert charging.chargepoint is not None
    charging.chargepoint.set_point = SetPoint(10.0, 3)
    charging.chargepoint.imported_today_wh = 2320.0
    said = place_texts(charging, READINGS)
    expected = {
        "ChargeStatus": "1",
        "lp/1/ChargeStatus": "1",
        "lp/1/AConfigured": "10",
        "lp/1/W": "6899",
        "lp/1/APhase1": "9.93",
        "lp/1/APhase2": "10.0",
        "lp/1/APhase3": "9.95",
        "lp/1/VPhase1": "228.06",
        "lp/1/PfPhase1": "0.99",
        "lp/1/kWhCounter": "8124.54",
        "lp/1/kWhDailyCharged": "2.32",
        "lp/1/boolPlugStat": "1",
        "lp/1/boolChargeStat": "1",
        "lp/1/countPhasesInUse": "3",
        "lp/1/ChargePointEnabled": "1",
        "lp/1/MeterSerialNumber": "20160243",
        "lp/1/strChargePointName": "Ladepunkt Carport",
        "lp/1/lastRfId": "0",
        "lp/1/%Soc": "0",
    }
    assert {topic: said[topic] for topic in expected} == expected
    assert "lp/1/tagScanInfo" not in said


def test_a_locked_one_that_idles() -> None:
    idle = place(2, chargepoint=6)
    assert idle.chargepoint is not None
    idle.chargepoint.locked = True
    idle.tag_scan = "1714732240,04A1,0"
    said = place_texts(idle, READINGS)
    assert (said["lp/2/ChargePointEnabled"], said["lp/2/countPhasesInUse"], said["lp/2/APhase1"]) == ("0", "0", "0")
    assert (said["lp/2/ChargeStatus"], said["lp/2/AConfigured"], said["lp/2/tagScanInfo"]) == (
        "0",
        "0",
        "1714732240,04A1,0",
    )
    assert not {"ChargeStatus", "lp/2/PfPhase1", "lp/2/MeterSerialNumber"} & set(said)


@pytest.mark.parametrize(("number", "topics"), [(3, 26), (4, 21), (8, 21)])
def test_what_is_not_there_says_zeros_and_the_later_ones_less(number: int, topics: int) -> None:
    said = place_texts(place(number, chargepoint=None), READINGS)
    assert len(said) == topics
    others = {"ChargePointEnabled", "boolChargePointConfigured", "strChargePointName", "kWhDailyCharged"}
    others.add("energyConsumptionPer100km")
    assert {text for topic, text in said.items() if topic.rpartition("/")[2] not in others} == {"0"}
    assert said[f"lp/{number}/ChargePointEnabled"] == "1"
    assert said.get(f"lp/{number}/boolChargePointConfigured") == ("0" if number == 3 else None)


def test_a_fourth_one_that_is_there_has_a_name_and_says_so() -> None:
    said = place_texts(place(4), READINGS)
    assert (said["lp/4/boolChargePointConfigured"], said["lp/4/strChargePointName"]) == ("1", "Ladepunkt Carport")
    assert (said["lp/4/kWhCounter"], said["lp/4/W"]) == ("8124.54", "6899")


def test_the_sums_of_the_day_are_cut_and_lack_a_zero() -> None:
    told = state()
    told.today = Totals(
        grid_imported_wh=3129.9,
        grid_exported_wh=649.9,
        produced_wh={1: 12_400.0},
        produced_month_wh=400_000.0,
        produced_year_wh=1_000_000.0,
        charged_wh=2110.0,
        discharged_wh=3.0,
        house_wh=10.0,
    )
    told.chargepoints = Simulated19().box.state.chargepoints
    told.chargepoints[5].imported_today_wh = 1500.0
    said = daily_texts(told)
    assert said == {
        "evu/DailyYieldImportKwh": "3.12",
        "evu/DailyYieldExportKwh": ".64",
        "housebattery/DailyYieldImportKwh": "2.11",
        "housebattery/DailyYieldExportKwh": "0",
        "global/DailyYieldHausverbrauchKwh": ".01",
        "global/DailyYieldAllChargePointsKwh": "1.50",
        "pv/DailyYieldKwh": "12.40",
        "pv/MonthlyYieldKwh": "400.00",
        "pv/YearlyYieldKwh": "1000.00",
        "pv/1/DailyYieldKwh": "12.40",
        "pv/2/DailyYieldKwh": "0",
        "pv/1/MonthlyYieldKwh": "0",
        "pv/1/YearlyYieldKwh": "0",
        "pv/2/MonthlyYieldKwh": "0",
        "pv/2/YearlyYieldKwh": "0",
    }


def test_hourly_prices_from_this_hour_on() -> None:
    priced = msgspec.structs.replace(HOUSE, tariff=((21_600, 0.0003), (45_000, 0.000221)))
    moment = local(BEGAN_S, "Europe/Berlin")  # 12:30, when the cheaper price begins
    said = tariff_texts(state(priced), moment)
    assert said["global/awattar/boolAwattarEnabled"] == "1"
    assert said["global/awattar/ActualPriceForCharging"] == "22.1"
    provider, *lines = said["global/awattar/pricelist"].split("\n")
    assert provider == "openWB Simulation"
    assert len(lines) == 24
    assert lines[:2] == ["1714730400,30.0", "1714734000,22.1"]
    assert lines[17:19] == ["1714791600,22.1", "1714795200,30.0"]  # from midnight still that of the evening, till 6


def test_without_a_tariff_there_are_no_prices() -> None:
    said = tariff_texts(state(), local(BEGAN_S, "Europe/Berlin"))
    assert said == {"global/awattar/boolAwattarEnabled": "0", "global/awattar/ActualPriceForCharging": "0"}
