"""Each fault on a box that says little: what goes out while it lasts, and that the truth is back at its end."""

from collections.abc import Callable

import pytest

from gateway.domain.errors import InvalidArgument
from gateway.simulator.faults import COMMANDS, Faults, as_empty, as_null, read, usage
from gateway.simulator.garbage import ODD_TOPICS
from gateway.simulator.simulation import Dialect, Simulation
from gateway.simulator.speech import Said
from tests.support.tiny_voice import BEGAN_S, FAULT, IMPORTED, LOOP, POWER, TIME, tiny

SET = "openWB/set/chargepoint/5/set/manual_lock"
LOCK = "openWB/chargepoint/5/set/manual_lock"


class Rig:
    """A simulation that has run for so many seconds. ``demands``: how often something has changed."""

    def __init__(self, to_s: float = 20.0, dialect: Dialect = "openwb-2") -> None:
        self.simulation: Simulation = tiny(dialect)
        self.demands = 0
        self.faults = Faults(self.simulation, seed=1, changed=self._changed)
        self.to(to_s)

    def _changed(self) -> None:
        self.demands += 1

    def to(self, to_s: float) -> list[tuple[float, str, bytes]]:
        said = []
        while self.simulation.next_due_s <= BEGAN_S + to_s:
            for one in self.simulation.advance(self.simulation.next_due_s):
                said += [(round(self.simulation.now_s - BEGAN_S, 3), one.topic, one.payload)]
        self.simulation.wait(BEGAN_S + to_s)
        return said

    @property
    def is_true(self) -> bool:
        speech = self.simulation.speech
        return speech.retained == speech.truth


def topics(said: list[tuple[float, str, bytes]]) -> set[str]:
    return {topic for _, topic, _ in said}


def test_silence_says_and_hears_nothing_and_cars_charge_on() -> None:
    rig = Rig(100)
    before = float(rig.simulation.speech.retained[IMPORTED])
    rig.faults.silence(60)
    rig.simulation.hear(SET, b"true")
    assert rig.to(159.9) == []
    said = rig.to(170)
    assert LOCK not in topics(said)
    assert {TIME, LOOP} <= topics(said)
    assert float(rig.simulation.speech.retained[IMPORTED]) > before + 50


def test_silence_that_is_asked_for_again_begins_anew() -> None:
    rig = Rig()
    rig.faults.silence(60)
    assert rig.to(40) == []
    rig.faults.silence(60)
    assert rig.to(99.9) == []
    assert rig.to(110)


def test_to_be_away_is_for_the_one_who_holds_the_connection() -> None:
    rig = Rig()
    assert rig.faults.away_until_s < rig.simulation.now_s
    rig.faults.disconnect(30)
    assert rig.faults.away_until_s == rig.simulation.now_s + 30
    assert rig.to(40), "it lives on"
    assert rig.demands == 1


def test_garbage_is_taken_back() -> None:
    rig = Rig()
    rig.faults.garbage(5)
    said = rig.to(20.5)
    assert set(ODD_TOPICS) <= topics(said)
    assert len(said) == len(ODD_TOPICS) + len(rig.simulation.speech.truth)
    assert not rig.is_true
    rig.to(30)
    assert rig.is_true


def test_nulls_come_in_a_storm_and_with_each_loop() -> None:
    rig = Rig()
    rig.faults.nulls(10)
    said = rig.to(20.0)
    assert {topic: payload for _, topic, payload in said} == {
        **rig.simulation.speech.truth,
        POWER: b"null",
        FAULT: b"null",
        IMPORTED: b"null",
    }
    assert (23.0, POWER, b"null") in rig.to(29)
    rig.to(31)
    assert rig.is_true
    assert rig.simulation.speech.retained[POWER] != b"null"


def test_a_19_says_nothing_instead_of_null() -> None:
    assert as_empty(Said("openWB/lp/1/W", b"11")) == Said("openWB/lp/1/W", b"")
    assert as_empty(Said("openWB/system/Timestamp", b"11")) == Said("openWB/system/Timestamp", b"11")
    assert as_null(Said("openWB/pv/get/power", b"")) == Said("openWB/pv/get/power", b""), "a deletion stays one"
    hierarchy = Said("openWB/counter/get/hierarchy", b"[]")
    assert as_null(hierarchy) == hierarchy
    rig = Rig(dialect="openwb-1.9")
    rig.faults.nulls(10)
    assert rig.simulation.speech.distortions == {"nulls": as_empty}


@pytest.mark.parametrize(
    ("act", "change_wh"),
    [
        (lambda faults: faults.jump("chargepoint", 5, 5_000), 5_000),
        (lambda faults: faults.jump("chargepoint", 5, -2_000), -2_000),
        (lambda faults: faults.swap("chargepoint", 5), -10_839_000),
    ],
)
def test_a_meter_goes_on_from_elsewhere(act: Callable[[Faults], None], change_wh: float) -> None:
    rig = Rig(20)
    before = float(rig.simulation.speech.retained[IMPORTED])
    act(rig.faults)
    rig.to(24)
    assert float(rig.simulation.speech.retained[IMPORTED]) - before == pytest.approx(change_wh, abs=100)


def test_a_meter_that_is_not_there_says_which_are() -> None:
    with pytest.raises(InvalidArgument, match="no chargepoint has the id 7; there are: 5"):
        Rig().faults.jump("chargepoint", 7)


def test_the_clock_is_put_forward_and_back() -> None:
    rig = Rig()
    rig.faults.clock(3_600)
    rig.to(32)
    assert float(rig.simulation.speech.retained[TIME]) == pytest.approx(BEGAN_S + 31.4 + 3_600)
    rig.faults.clock(-7_200)
    rig.to(42)
    assert float(rig.simulation.speech.retained[TIME]) == pytest.approx(BEGAN_S + 41.4 - 3_600)


def test_a_restart_repeats_what_is_retained_and_warns_for_one_loop() -> None:
    rig = Rig()
    before = dict(rig.simulation.speech.retained)
    rig.faults.restart()
    assert rig.to(27.9) == []
    said = rig.to(28.5)
    assert topics(said) == set(before)
    assert (28.0, POWER, before[POWER]) in said
    assert [payload for _, topic, payload in said if topic == FAULT] == [b"1"]
    assert [payload for _, topic, payload in said if topic == "openWB/system/boot_done"] == [b"false"]
    said = rig.to(42.9)
    assert (31.0, "openWB/system/boot_done", b"true") in said
    assert (33.1, FAULT, b"1") in said
    assert rig.simulation.speech.retained[FAULT] == b"1"
    rig.to(43.2)
    assert rig.simulation.speech.retained[FAULT] == b"0"
    assert rig.is_true
    assert rig.simulation.speech.distortions == {}


def test_two_restarts_at_once_are_one_and_a_later_one_is_another() -> None:
    rig = Rig()
    rig.faults.restart()
    rig.to(25)
    rig.faults.restart()
    rig.to(34)
    rig.faults.restart()
    rig.to(80)
    assert rig.is_true
    assert rig.simulation.speech.distortions == {}


def test_a_refused_write_is_cleared_and_changes_nothing() -> None:
    rig = Rig()
    rig.faults.refuse(10)
    rig.simulation.hear(SET, b"true")
    rig.simulation.hear(SET, b"")
    assert rig.to(20) == [(20.0, SET, b"")]
    rig.to(31)
    rig.simulation.hear(SET, b"true")
    assert rig.to(31) == [(31.0, LOCK, b"true"), (31.0, SET, b"")]


def test_answers_come_late() -> None:
    rig = Rig()
    rig.faults.late(2, 5)
    rig.simulation.hear(SET, b"true")
    assert LOCK not in topics(rig.to(21.9))
    assert (22.0, LOCK, b"true") in rig.to(24)
    rig.to(26)
    rig.simulation.hear(SET, b"false")
    assert (26.0, LOCK, b"false") in rig.to(26)


def test_an_updated_box_speaks_the_newest_dialect_and_leaves_what_it_had_retained() -> None:
    rig = Rig(dialect="openwb-1.9")
    old = rig.simulation.voice
    rig.faults.update(30)
    assert rig.to(49.9) == []
    said = rig.to(50)
    assert (50.0, "openWB/new", b"1") in said
    assert rig.simulation.dialect == "openwb-2"
    assert rig.simulation.voice is not old
    assert LOOP in rig.simulation.speech.retained
    assert rig.is_true
    with pytest.raises(InvalidArgument, match=r"only openwb-1\.9 and openwb-2\.1\.7 can be updated"):
        rig.faults.update()


def test_faults_are_combined() -> None:
    rig = Rig()
    for words in ("late 1 30", "garbage 20", "nulls 15", "clock -3600", "restart", "jump grid 0", "refuse 10"):
        rig.faults.do(words)
    rig.to(100)
    assert rig.is_true
    assert rig.demands == 7


@pytest.mark.parametrize(
    ("words", "name", "arguments"),
    [
        ("silence", "silence", []),
        ("  late 2.5   60 ", "late", [2.5, 60.0]),
        ("jump chargepoint 5 -1000", "jump", ["chargepoint", 5, -1_000.0]),
    ],
)
def test_lines(words: str, name: str, arguments: list[object]) -> None:
    assert read(words) == (name, arguments)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("", "no fault '': allowed are silence, disconnect"),
        ("explode", "no fault 'explode': allowed are silence"),
        ("silence long", "silence: seconds is a number above 0, not 'long'"),
        ("silence nan", "silence: seconds is a number above 0, not 'nan'"),
        ("silence 1 2", r"allowed is: silence \[seconds=60\]"),
        ("jump", r"allowed is: jump <meter> <id> \[Wh=5000\]"),
        ("swap roof 1", "swap: meter is one of grid, inverter, battery, chargepoint, not 'roof'"),
        ("swap grid one", "swap: id is a number, not 'one'"),
        ("silence -3", "silence: seconds is a number above 0, not '-3'"),
    ],
)
def test_a_line_that_is_none_says_what_is_allowed(words: str, problem: str) -> None:
    with pytest.raises(InvalidArgument, match=problem):
        read(words)


def test_every_fault_has_its_line() -> None:
    public = {name for name in vars(Faults) if not name.startswith("_")} - {"do"}
    assert public == set(COMMANDS)
    assert usage("late") == "late [by-seconds=5] [seconds=60]"
