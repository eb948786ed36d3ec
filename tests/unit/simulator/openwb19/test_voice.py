import re

import msgspec
import pytest

from gateway.domain.openwb19 import OpenWB19Reader
from gateway.simulator.openwb19.order import ORDER
from gateway.simulator.openwb19.voice import ALWAYS, PAUSE_S
from gateway.simulator.scenes import TagHeld
from gateway.simulator.words import Installation, Outgoing, VehicleSetup, Wish
from tests.support.box import Box as ReadBox
from tests.support.captures import load_capture
from tests.support.simulated19 import HOUSE, SCENE, Simulated19, texts

NAMED = msgspec.structs.replace(
    HOUSE, chargepoints=(msgspec.structs.replace(HOUSE.chargepoints[0], name="A = B = C"), HOUSE.chargepoints[1])
)
EIGHT = msgspec.structs.replace(
    HOUSE,
    chargepoints=tuple(
        msgspec.structs.replace(HOUSE.chargepoints[1], id=20 - number, name=f"Platz {number}")
        for number in range(1, 10)
    ),
)
TAGGED = msgspec.structs.replace(
    HOUSE,
    vehicles=(HOUSE.vehicles[0], msgspec.structs.replace(HOUSE.vehicles[1], id_tags=("04A1",))),
)


def read(*outgoing: Outgoing) -> ReadBox:
    """What the gateway makes of it."""
    box = ReadBox(reader=OpenWB19Reader())
    for one in outgoing:
        box.write(one.topic.removeprefix("openWB/"), one.payload.encode())
    return box


def test_everything_is_retained_and_in_one_burst_with_the_pauses_of_the_recorded_one() -> None:
    simulated = Simulated19()
    for burst in (simulated.voice.boot(simulated.time_s), simulated.loop()):
        assert all(one.retain for one in burst)
        assert [one.after_s for one in burst] == pytest.approx([PAUSE_S * place for place in range(len(burst))])
        assert all(one.topic.startswith("openWB/") for one in burst)


def test_every_topic_has_a_place_in_the_order() -> None:
    for installation in (HOUSE, EIGHT):
        said = Simulated19(installation).boot()
        assert {
            topic for topic in said if topic not in ORDER and not re.match(r"graph/\d+alllivevalues", topic)
        } == set()


def test_a_loop_says_what_changed_and_what_is_always_said() -> None:
    simulated = Simulated19()
    before = simulated.boot()
    for _ in range(3):
        burst = texts(simulated.loop())
        assert set(burst) >= ALWAYS
        assert [topic for topic in burst if topic not in ALWAYS and before.get(topic) == burst[topic]] == []
        before |= burst


def test_what_was_answered_to_a_write_is_said_again_by_the_next_loop() -> None:
    simulated = Simulated19()
    simulated.boot()
    simulated.loops(1)
    simulated.write("set/ChargeMode", "1")
    simulated.write("set/lp/1/ChargePointEnabled", "0")
    said = simulated.loops(1)
    assert (said["global/ChargeMode"], said["lp/1/ChargePointEnabled"]) == ("1", "0")
    assert "global/ChargeMode" not in simulated.loops(1)


def test_a_name_with_an_equals_sign_is_said_under_a_topic_of_its_own_and_the_gateway_mends_it() -> None:
    simulated = Simulated19(NAMED)
    booted = simulated.voice.boot(simulated.time_s)
    assert texts(booted)["lp/1/strChargePointName=A = B "] == " C"
    assert read(*booted).values["chargepoints/1/name"] == "A = B = C"


def test_charge_points_have_numbers_by_position_and_the_ninth_is_not_there() -> None:
    simulated = Simulated19(EIGHT)
    said = simulated.boot() | simulated.loops(1)
    assert [said[f"lp/{number}/strChargePointName"] for number in range(1, 9)] == [
        f"Platz {number}" for number in range(1, 9)
    ]
    assert {said[f"lp/{number}/boolChargePointConfigured"] for number in range(1, 9)} == {"1"}
    simulated.write("set/lp/8/ChargePointEnabled", "0")
    assert simulated.box.state.chargepoints[12].locked
    assert not any(topic.startswith("lp/9") for topic in said)


def test_what_is_empty_is_nothing_to_hear_and_what_is_no_text_stays() -> None:
    simulated = Simulated19()
    assert simulated.write("set/ChargeMode", "") == []
    assert simulated.write("set/ChargeMode", b"\xff") == []


def test_it_hears_what_is_set_and_has_no_heartbeat_of_its_own() -> None:
    voice = Simulated19().voice
    assert voice.subscriptions == ("openWB/set/#", "openWB/config/set/#")
    assert voice.heartbeat(0.0) == []


def test_a_month_of_the_charge_log_comes_in_twelve_parts_and_is_then_taken_back() -> None:
    simulated = Simulated19()
    answered = simulated.voice.heard("openWB/set/graph/RequestMonthLadelog", b"202405", simulated.time_s)
    assert [one.topic for one in answered[:12]] == [f"openWB/system/MonthLadelogData{part}" for part in range(1, 13)]
    assert (answered[12].topic, answered[12].payload) == ("openWB/set/graph/RequestMonthLadelog", "0")
    assert answered[12].after_s == pytest.approx(3 + 12 * PAUSE_S)
    again = simulated.voice.heard(answered[12].topic, answered[12].payload.encode(), simulated.time_s)
    assert [one.payload for one in again] == ["empty"] * 12
    assert all(one.retain for one in (*answered, *again))


def test_a_known_tag_enables_its_charge_point_as_the_box_writes_to_itself() -> None:
    simulated = Simulated19(TAGGED)
    simulated.boot()
    simulated.loops(9)
    simulated.write("set/lp/1/ChargePointEnabled", "0")
    simulated.write("set/system/SimulateRFID", "04A1")
    said = simulated.loops(1)
    epoch = int(simulated.time_s)
    assert (said["system/lastRfId"], said["lp/1/lastRfId"]) == (f"04A1,{epoch}", f"04A1,{epoch}")
    assert said["lp/1/tagScanInfo"] == f"{epoch},04A1,1"
    assert said["set/lp/1/ChargePointEnabled"] == "1"
    simulated.write("set/lp/1/ChargePointEnabled", said["set/lp/1/ChargePointEnabled"])
    assert not simulated.box.state.chargepoints[5].locked


def test_an_unknown_tag_enables_nothing() -> None:
    simulated = Simulated19(TAGGED)
    simulated.boot()
    simulated.write("set/system/SimulateRFID", "ffff")
    said = simulated.loops(1)
    assert said["lp/1/tagScanInfo"].endswith(",ffff,0")
    assert not {"lp/1/lastRfId", "set/lp/1/ChargePointEnabled"} & set(said)


def test_a_box_that_knows_no_tags_has_no_opinion_and_one_without_a_reader_hears_none() -> None:
    without_tags, without_reader = Simulated19(), Simulated19(TAGGED)
    without_reader.box.set_id_tags_active(False)
    for simulated in (without_tags, without_reader):
        simulated.boot()
        simulated.write("set/system/SimulateRFID", "04A1")
    assert "lp/1/tagScanInfo" not in without_tags.loops(1)
    assert "system/lastRfId" not in without_reader.loops(1)


def test_a_tag_at_a_ninth_charge_point_shows_for_the_box_only() -> None:
    tagged = msgspec.structs.replace(EIGHT, vehicles=TAGGED.vehicles)
    holds = msgspec.structs.replace(SCENE, stays=(), tags=(TagHeld(after_s=5.0, chargepoint_id=11, id_tag="04A1"),))
    simulated = Simulated19(tagged, wishes={}, scene=holds)
    simulated.boot()
    said = simulated.loops(2)
    assert said["system/lastRfId"].startswith("04A1,")
    assert not {f"lp/{number}/tagScanInfo" for number in range(1, 9)} & set(said)


def test_a_tag_held_to_the_box_shows_in_that_loop() -> None:
    holds = msgspec.structs.replace(SCENE, tags=(TagHeld(after_s=15.0, chargepoint_id=5, id_tag="04A1"),))
    simulated = Simulated19(TAGGED, scene=holds)
    simulated.boot()
    said = [simulated.loops(1).get("lp/1/lastRfId") for _ in range(3)]
    assert [one is not None for one in said] == [False, True, False]


def test_sums_of_the_day_change_every_five_minutes() -> None:
    simulated = Simulated19()
    simulated.boot()
    loops = [number for number in range(1, 91) if "pv/DailyYieldKwh" in texts(simulated.loop())]
    assert loops == [31, 61]


def test_a_start_forgets_what_was_only_in_memory() -> None:
    simulated = Simulated19(wishes={5: Wish(mode="instant", instant_current_a=16.0)})
    simulated.boot()
    simulated.write("config/set/sofort/lp/1/current", "14")
    assert float(simulated.loops(20)["lp/1/kWhChargedSincePlugged"]) > 0
    said = simulated.boot()
    assert (said["lp/1/kWhChargedSincePlugged"], said["lp/1/pluggedladungakt"]) == ("0", "0")
    assert said["config/get/sofort/lp/1/current"] == "14"
    assert said["graph/alllivevalues"].count("\n") == 0
    assert " up 0 min," in said["system/Uptime"]


def test_a_vehicle_without_consumption_data_counts_as_the_usual_one() -> None:
    unknown = msgspec.structs.replace(
        HOUSE, chargepoints=(msgspec.structs.replace(HOUSE.chargepoints[0], vehicle_id=99), HOUSE.chargepoints[1])
    )
    said = Simulated19(unknown).boot()
    assert (said["lp/1/energyConsumptionPer100km"], said["lp/1/boolSocConfigured"]) == ("17", "0")
    thirsty = msgspec.structs.replace(
        HOUSE,
        vehicles=(HOUSE.vehicles[0], VehicleSetup(id=1, name="Bus", consumption_wh_per_100km=24_500.0)),
    )
    assert Simulated19(thirsty).boot()["lp/1/energyConsumptionPer100km"] == "24.5"


def tariff() -> Installation:
    return msgspec.structs.replace(HOUSE, tariff=((0, 0.0002), (64_800, 0.0004)))


def test_the_gateway_reads_all_of_it_and_finds_every_key_of_the_capture() -> None:
    captured = ReadBox(reader=OpenWB19Reader()).play(load_capture("v19-retained"))
    simulated = Simulated19()
    said = [*simulated.voice.boot(simulated.time_s), *(one for _ in range(20) for one in simulated.loop())]
    box = read(*said)
    assert not box.unreadable
    assert set(captured.values) - set(box.values) == set()


def test_the_gateway_reads_a_tariff() -> None:
    simulated = Simulated19(tariff())
    box = read(*simulated.voice.boot(simulated.time_s), *simulated.loop())
    assert not box.unreadable
    assert box.values["tariff/price_eur_per_kwh"] == pytest.approx(0.2)
    prices = box.values["tariff/prices"]
    assert isinstance(prices, list)
    assert len(prices) == 24
