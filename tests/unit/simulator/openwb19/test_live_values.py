from gateway.simulator.openwb19.live_values import GRAPH, LiveValues, empty_chunks, live_line
from gateway.simulator.openwb19.texts import local
from gateway.simulator.state import BoxState
from gateway.simulator.words import Wish
from tests.support.simulated19 import BEGAN_S, HOUSE, Simulated19

NOON = local(BEGAN_S, "Europe/Berlin")


def test_a_line_has_29_columns_and_pv_counts_above_zero() -> None:
    simulated = Simulated19(wishes={5: Wish(mode="instant")})
    simulated.loops(15)
    state = simulated.box.state
    readings = state.readings
    assert readings is not None
    columns = live_line(NOON, state, ["41", "0"]).split(",")
    car_w, pv_w = readings.chargepoints[5].power_w, readings.inverters[1].power_w
    assert len(columns) == 29
    assert columns[0] == "12:30:00"
    assert [float(column) for column in columns[1:8]] == [
        round(number)
        for number in (readings.grid.power_w, car_w, pv_w, car_w, 0, car_w, readings.batteries[2].power_w)
    ]
    assert car_w > 1000
    assert pv_w > 1000
    assert columns[8:12] == [str(round(readings.batteries[2].soc_percent)), "41", "0", str(round(readings.house_w))]
    assert columns[12:] == ["0"] * 17


def test_before_the_first_readings_it_is_zeros() -> None:
    state = BoxState(installation=HOUSE, time_s=BEGAN_S)
    assert live_line(NOON, state, ["0", "0"]) == "12:30:00" + ",0" * 28


def test_the_last_fifty_lines_are_kept_until_the_box_starts() -> None:
    live = LiveValues()
    for number in range(60):
        said = live.texts(str(number))
    assert set(said) == GRAPH
    assert said["graph/alllivevalues"] == "\n".join(str(number) for number in range(10, 60))
    assert said["system/lastlivevalues"] == said["graph/lastlivevalues"] == "59"
    live.clear()
    assert live.texts("60")["graph/alllivevalues"] == "60"


def test_the_long_history_is_empty() -> None:
    chunks = empty_chunks()
    assert set(chunks.values()) == {"-"}
    assert list(chunks) == [f"graph/{number}alllivevalues" for number in range(1, 17)]
