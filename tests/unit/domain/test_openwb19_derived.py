from typing import Any

import pytest

from gateway.domain import openwb19_topics as topics
from gateway.domain.catalogue import check, entry_for
from gateway.domain.openwb19_derived import (
    OUTPUTS,
    OUTPUTS_OF,
    Facts,
    id_tag,
    limit,
    min_current_a,
    mode,
    name,
    price,
    price_limit,
    prices,
    vehicle_id,
)
from gateway.domain.openwb19_topics import MAPPED, Part, Topic
from gateway.domain.values import REMOVED, JsonValue


def facts(*told: tuple[Topic, str, JsonValue]) -> Facts:
    known = Facts()
    for topic, topic_id, fact in told:
        known.set(topic, topic_id, topic.pattern.replace("+", topic_id), fact)
    return known


def of_one(*told: tuple[Topic, JsonValue]) -> Facts:
    """What is told of charge point 1, or of the box."""
    return facts(*((topic, "1" if "+" in topic.pattern else "", fact) for topic, fact in told))


def soc(percent: float | None) -> JsonValue:
    return {"kind": "soc", "soc_percent": percent, "energy_wh": None}


NONE = {"kind": "none", "soc_percent": None, "energy_wh": None}


def test_the_facts_of_a_topic() -> None:
    known = of_one((topics.PLUGGED, None))
    assert known.get(topics.PLUGGED, "1") is None
    assert known.get(topics.PLUGGED, "2") is REMOVED
    assert known.known(topics.PLUGGED, "2") is None
    known.delete(topics.PLUGGED, "1", "lp/1/boolPlugStat")
    known.delete(topics.PLUGGED, "2", "lp/2/boolPlugStat")
    assert known.all(topics.PLUGGED, "1") == []


def test_every_mapped_topic_has_a_say_and_every_key_is_declared_and_worked_out_once() -> None:
    assert set(OUTPUTS_OF) == set(MAPPED)
    keys = [output.key for output in OUTPUTS]
    assert len(keys) == len(set(keys))
    assert all(entry_for(key.replace("+", "1")) for key in keys)


def test_for_whom_a_topic_has_a_say() -> None:
    by_key = {output.key: output for output in OUTPUTS}
    configured = topics.CHARGEPOINT_CONFIGURED
    assert by_key["chargepoints/+/mode"].ids(topics.MODE, "") == topics.CHARGEPOINTS
    assert by_key["chargepoints/+/mode"].ids(configured, "3") == ("3",)
    assert by_key["chargepoints/+/limit"].ids(configured, "3") == topics.CHARGEPOINTS
    assert by_key["pv/power_w"].ids(topics.INVERTER_CONFIGURED, "2") == ("",)


@pytest.mark.parametrize(
    ("part", "topic"),
    [
        (Part.chargepoint, topics.CHARGEPOINT_CONFIGURED),
        (Part.inverter, topics.INVERTER_CONFIGURED),
        (Part.battery, topics.BATTERY_CONFIGURED),
        (Part.consumer, topics.CONSUMER_CONFIGURED),
        (Part.pv, topics.PV_CONFIGURED),
        (Part.pv, topics.INVERTER_CONFIGURED),
    ],
)
def test_a_part_shows_only_when_the_box_says_that_it_is_configured(part: Part, topic: Topic) -> None:
    part_id = "1" if "+" in topic.pattern and part is not Part.pv else ""
    assert of_one((topic, True)).shows(part, part_id)
    assert not of_one((topic, False)).shows(part, part_id)
    assert not of_one((topic, None)).shows(part, part_id)
    assert not Facts().shows(part, part_id)


def test_what_is_of_the_box_always_shows() -> None:
    assert Facts().shows(Part.box, "")


def test_a_vehicle_takes_a_charge_point_and_a_module() -> None:
    point, module = (topics.CHARGEPOINT_CONFIGURED, True), (topics.SOC_CONFIGURED, True)
    assert of_one(point, module).shows(Part.vehicle, "1")
    assert not of_one(point, (topics.SOC_CONFIGURED, False)).shows(Part.vehicle, "1")
    assert not of_one(module).shows(Part.vehicle, "1")


def test_names() -> None:
    known = of_one((topics.NAME, "Hof"))
    assert name(known, "1") == "Hof"
    assert name(known, "2") is REMOVED
    known.set(topics.NAME, "1", "lp/1/strChargePointName=H", "H=of")
    assert name(known, "1") is None


def test_one_mode_for_all() -> None:
    assert mode(Facts(), "1") is REMOVED
    assert mode(of_one((topics.MODE, "pv")), "1") == mode(of_one((topics.MODE, "pv")), "8") == "pv"


@pytest.mark.parametrize(
    ("told", "current"),
    [
        ([(topics.MODE, "min_pv"), (topics.MIN_CURRENT, 10.0)], 10.0),
        ([(topics.MODE, "stop"), (topics.MIN_CURRENT, 10.0)], 10.0),
        ([(topics.MODE, "pv"), (topics.MIN_CURRENT, 10.0)], 0.0),
        ([(topics.MODE, "pv")], 0.0),
        ([(topics.MIN_CURRENT, 6.0)], 6.0),
        ([(topics.MODE, "instant")], REMOVED),
    ],
)
def test_the_least_current_is_what_flows_without_sun(told: list[tuple[Topic, JsonValue]], current: Any) -> None:
    assert min_current_a(of_one(*told), "1") == current


INSTANT = (topics.MODE, "instant")
PV = (topics.MODE, "pv")
VEHICLE = [(topics.CHARGEPOINT_CONFIGURED, True), (topics.SOC_CONFIGURED, True)]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([], REMOVED),
        ([(topics.MODE, None)], None),
        ([(topics.MODE, "stop"), (topics.LIMIT_KIND, "soc")], NONE),
        ([(topics.MODE, "standby")], NONE),
        ([INSTANT], None),
        ([INSTANT, (topics.LIMIT_KIND, None)], None),
        ([INSTANT, (topics.LIMIT_KIND, "none"), (topics.LIMIT_SOC, 60.0)], NONE),
        ([INSTANT, (topics.LIMIT_KIND, "soc"), (topics.LIMIT_SOC, 60.0), (topics.LIMIT_ENERGY, 4000.0)], soc(60.0)),
        ([INSTANT, (topics.LIMIT_KIND, "soc")], soc(None)),
        (
            [INSTANT, (topics.LIMIT_KIND, "energy"), (topics.LIMIT_SOC, 60.0), (topics.LIMIT_ENERGY, 4000.0)],
            {"kind": "energy", "soc_percent": None, "energy_wh": 4000.0},
        ),
        ([PV], NONE),
        ([PV, (topics.PV_LIMITED, False), (topics.PV_LIMIT_SOC, 80.0)], NONE),
        ([PV, (topics.PV_LIMITED, True), (topics.PV_LIMIT_SOC, 80.0)], soc(80.0)),
        ([PV, (topics.PV_LIMITED, True), (topics.PV_LIMIT_SOC, 100.0)], NONE),
        ([PV, (topics.PV_LIMITED, True)], soc(None)),
        ([(topics.MODE, "min_pv"), (topics.PV_LIMITED, True), (topics.PV_LIMIT_SOC, 80.0)], soc(80.0)),
        # the older setting: only mode pv, only with a module, only without a second charge point
        ([PV, *VEHICLE, (topics.PV_ENDS_AT_SOC, 95.0)], soc(95.0)),
        ([PV, *VEHICLE, (topics.PV_ENDS_AT_SOC, 100.0)], NONE),
        ([PV, *VEHICLE, (topics.PV_ENDS_AT_SOC, None)], soc(None)),
        ([PV, *VEHICLE], NONE),
        ([PV, (topics.CHARGEPOINT_CONFIGURED, True), (topics.PV_ENDS_AT_SOC, 95.0)], NONE),
        ([(topics.MODE, "min_pv"), *VEHICLE, (topics.PV_ENDS_AT_SOC, 95.0)], NONE),
        (
            [PV, *VEHICLE, (topics.PV_ENDS_AT_SOC, 95.0), (topics.PV_LIMITED, True), (topics.PV_LIMIT_SOC, 80.0)],
            soc(80.0),
        ),
    ],
)
def test_limits(told: list[tuple[Topic, JsonValue]], expected: Any) -> None:
    shown = limit(of_one(*told), "1")
    assert shown == expected
    assert shown is REMOVED or check("chargepoints/1/limit", shown)


def test_with_two_charge_points_the_older_setting_ends_nothing() -> None:
    known = of_one(PV, *VEHICLE, (topics.PV_ENDS_AT_SOC, 95.0))
    known.set(topics.CHARGEPOINT_CONFIGURED, "2", "lp/2/boolChargePointConfigured", True)
    assert limit(known, "1") == limit(known, "2") == NONE


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([(topics.PRICE_LIMIT, 0.25)], REMOVED),
        ([(topics.TARIFF_ENABLED, False), (topics.PRICE_LIMIT, 0.25)], None),
        ([(topics.TARIFF_ENABLED, None), (topics.PRICE_LIMIT, 0.25)], None),
        ([(topics.TARIFF_ENABLED, True), (topics.PRICE_LIMIT, 0.25)], 0.25),
        ([(topics.TARIFF_ENABLED, True), (topics.PRICE_LIMIT, 0.25), (topics.BY_PRICE, True)], 0.25),
        ([(topics.TARIFF_ENABLED, True), (topics.PRICE_LIMIT, 0.25), (topics.BY_PRICE, False)], None),
        ([(topics.TARIFF_ENABLED, True)], None),
    ],
)
def test_price_limits(told: list[tuple[Topic, JsonValue]], expected: Any) -> None:
    assert price_limit(of_one(*told), "1") == expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([], REMOVED),
        ([(topics.USUAL_PRICE, 0.31), (topics.TARIFF_PRICE, 0.0)], 0.31),
        ([(topics.USUAL_PRICE, 0.31), (topics.TARIFF_PRICE, 0.2), (topics.TARIFF_ENABLED, False)], 0.31),
        ([(topics.USUAL_PRICE, 0.31), (topics.TARIFF_PRICE, 0.2), (topics.TARIFF_ENABLED, True)], 0.2),
        ([(topics.USUAL_PRICE, 0.31), (topics.TARIFF_ENABLED, True)], None),
    ],
)
def test_the_price_now(told: list[tuple[Topic, JsonValue]], expected: Any) -> None:
    assert price(of_one(*told), "") == expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([(topics.TARIFF_ENABLED, True)], REMOVED),
        ([(topics.TARIFF_PRICES, [[900, 0.2]])], []),
        ([(topics.TARIFF_PRICES, [[900, 0.2]]), (topics.TARIFF_ENABLED, False)], []),
        ([(topics.TARIFF_PRICES, [[900, 0.2]]), (topics.TARIFF_ENABLED, True)], [[900, 0.2]]),
    ],
)
def test_the_prices(told: list[tuple[Topic, JsonValue]], expected: Any) -> None:
    assert prices(of_one(*told), "") == expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([(topics.PLUGGED, True)], REMOVED),
        ([(topics.LAST_TAG, "0001180644"), (topics.PLUGGED, True)], "0001180644"),
        ([(topics.LAST_TAG, None), (topics.PLUGGED, True)], None),
        ([(topics.LAST_TAG, "0001180644"), (topics.PLUGGED, False)], None),
        ([(topics.LAST_TAG, "0001180644")], None),
    ],
)
def test_a_tag_shows_while_a_vehicle_is_plugged_in(told: list[tuple[Topic, JsonValue]], expected: Any) -> None:
    assert id_tag(of_one(*told), "1") == expected


def test_the_vehicle_of_a_charge_point_is_the_one_whose_charge_it_knows() -> None:
    assert vehicle_id(facts((topics.SOC_CONFIGURED, "2", True)), "2") == 2
    assert vehicle_id(facts((topics.SOC_CONFIGURED, "2", False)), "2") is None
    assert vehicle_id(facts((topics.SOC_CONFIGURED, "2", None)), "2") is None
    assert vehicle_id(Facts(), "2") is REMOVED


def test_three_phases_are_one_list() -> None:
    voltages = next(output for output in OUTPUTS if output.key == "grid/voltages_v")
    known = Facts()
    assert voltages.work(known, "") is REMOVED
    known.set(voltages.sources[1], "", "evu/VPhase2", 230.5)
    assert voltages.work(known, "") == [None, 230.5, None]
    power = next(output for output in OUTPUTS if output.key == "grid/power_w")
    known.set(power.sources[0], "", "evu/W", 31.0)
    assert power.work(known, "") == 31.0
