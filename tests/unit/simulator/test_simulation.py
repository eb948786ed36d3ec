"""One line of time: what is done and said when, under a voice that says little."""

import pytest

from gateway.simulator.simulation import Simulation
from tests.support.tiny_voice import BEGAN_S, FAULT, IMPORTED, LOOP, POWER, TIME, TinyVoice, tiny


def run(simulation: Simulation, to_s: float) -> list[tuple[float, str, str]]:
    """What is said until so many seconds after the begin, and when after the begin."""
    said = []
    while simulation.next_due_s <= BEGAN_S + to_s:
        for one in simulation.advance(simulation.next_due_s):
            said += [(round(simulation.now_s - BEGAN_S, 3), one.topic, one.payload.decode())]
    return said


def times(said: list[tuple[float, str, str]], topic: str) -> list[float]:
    return [at_s for at_s, said_of, _ in said if said_of == topic]


def test_it_begins_with_everything_and_gives_soon_signs_of_life() -> None:
    said = run(tiny(), 0.5)
    assert [topic for _, topic, _ in said[:5]] == [TIME, "openWB/system/boot_done", "openWB/name", POWER, FAULT]
    assert times(run(tiny(), 45), TIME) == [0.0, 0.8, 1.8, 2.8, 4.8, 11.4, 21.4, 31.4, 41.4]


def test_slots_do_not_drift_however_late_somebody_comes() -> None:
    on_time, late = tiny(), tiny()
    loops = times(run(on_time, 10_000), LOOP)
    assert loops[:4] == [0.1, 1.1, 3.1, 13.1]
    assert loops[-1] == 9_993.1
    assert len(loops) == 1_002
    for to_s in (0.7, 17.77, 18.0, 3_333.3, 10_000.0):
        for _ in late.advance(BEGAN_S + to_s):
            pass
    assert late.speech.retained == on_time.speech.retained
    assert late.now_s == BEGAN_S + 10_000
    assert late.next_due_s == on_time.next_due_s


@pytest.mark.parametrize("interval_s", [20, 60])
def test_the_control_interval_paces_loops_and_not_heartbeats(interval_s: int) -> None:
    simulation = tiny()
    simulation.box.set_control_interval(interval_s)
    said = run(simulation, 200)
    assert times(said, LOOP)[2:5] == [3.1, 3.1 + interval_s, 3.1 + 2 * interval_s]
    assert times(said, TIME)[-2:] == [181.4, 191.4]


def test_a_burst_has_its_pauses() -> None:
    said = run(tiny(), 13.2)
    assert [(at_s, topic) for at_s, topic, _ in said if at_s >= 13] == [
        (13.0, POWER),
        (13.1, FAULT),
        (13.1, IMPORTED),
        (13.1, LOOP),
        (13.2, "openWB/log"),
    ]


def test_a_write_is_answered_at_its_moment() -> None:
    simulation = tiny()
    run(simulation, 6)
    simulation.wait(BEGAN_S + 7.5)
    simulation.hear("openWB/set/general/control_interval", b"20")
    assert run(simulation, 8) == [
        (7.5, "openWB/general/control_interval", "20"),
        (7.5, "openWB/set/general/control_interval", ""),
    ]
    simulation.hear("openWB/set/general/control_interval", b"")
    assert run(simulation, 9) == []


def test_waiting_skips_nothing() -> None:
    simulation = tiny()
    run(simulation, 4)
    simulation.wait(BEGAN_S + 100)
    assert simulation.now_s == pytest.approx(BEGAN_S + 4.8)
    assert times(run(simulation, 5), TIME) == [4.8]


def test_the_box_reads_what_the_plant_does_and_tells_what_happened() -> None:
    simulation = tiny()
    said = run(simulation, 120)
    readings = simulation.box.state.readings
    assert readings is not None
    assert readings.chargepoints[5].plugged
    assert float([payload for _, topic, payload in said if topic == IMPORTED][-1]) == pytest.approx(
        readings.chargepoints[5].imported_wh
    )
    assert isinstance(simulation.voice, TinyVoice)
    assert "PluggedIn" in {type(one).__name__ for one in simulation.voice.happenings}


def test_another_clock_moves_what_the_box_says_and_not_its_slots() -> None:
    simulation = tiny()
    run(simulation, 5)
    simulation.clock_ahead_s = -3_600
    said = run(simulation, 25)
    assert times(said, TIME) == [11.4, 21.4]
    assert float(said[-1][2]) == pytest.approx(BEGAN_S + 23 - 3_600)
    assert simulation.box_time_s == simulation.now_s - 3_600


def test_what_was_to_be_done_later_is_done_then() -> None:
    simulation, done = tiny(), list[float]()
    run(simulation, 5)
    simulation.after(0.5, lambda: done.append(simulation.now_s - BEGAN_S))
    simulation.before_next_loop(lambda: done.append(simulation.now_s - BEGAN_S))
    run(simulation, 60)
    assert done == [pytest.approx(simulation_s) for simulation_s in (5.3, 13.0)]
