import json

from gateway.simulator.openwb2.graph import CHUNKS, LINES_PER_CHUNK, Curves, last_live_values
from gateway.simulator.openwb2.measured import readings_of
from tests.support.simulated2 import Simulated2


def test_the_live_values_are_in_kilowatts_and_production_is_positive() -> None:
    home = Simulated2()
    home.loops()
    readings = readings_of(home.box.state)
    live = last_live_values(home.box.state, readings)
    assert live["pv-all"] == round(sum(pv.power_w for pv in readings.inverters.values()) / 1000, 3)
    assert live["pv-all"] > 0
    assert (live["time"], live["cp5-power"], live["bat-all-soc"]) == ("12:51:45", 0.0, 57)
    assert "ev1-soc" in live
    assert "ev3-soc" not in live
    assert home.value("system/lastlivevaluesJson") == home.value("graph/lastlivevaluesJson")


def lines(payload: str) -> list[int]:
    return [json.loads(line)["n"] for line in payload.split("\n")]


def test_all_topics_hold_a_dash_at_first() -> None:
    topics = dict(Curves().topics())
    assert len(topics) == 1 + CHUNKS
    assert set(topics.values()) == {"-"}


def test_a_chunk_begins_with_the_last_line_of_the_one_before() -> None:
    curves = Curves()
    for number in range(LINES_PER_CHUNK + 10):
        curves.add({"n": number})
    topics = dict(curves.topics())
    assert lines(topics["graph/alllivevaluesJson"]) == list(range(10, 60))
    assert lines(topics["graph/alllivevaluesJson1"]) == list(range(50))
    assert lines(topics["graph/alllivevaluesJson2"]) == list(range(49, 60))
    assert topics["graph/alllivevaluesJson3"] == "-"


def test_the_oldest_chunk_goes_when_all_are_full() -> None:
    curves = Curves()
    for number in range(LINES_PER_CHUNK * 20):
        curves.add({"n": number})
    topics = dict(curves.topics())
    assert "-" not in topics.values()
    assert lines(topics["graph/alllivevaluesJson16"])[-1] == LINES_PER_CHUNK * 20 - 1
