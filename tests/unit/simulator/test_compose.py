"""A simulated openWB without a broker: what it says of itself over the hours, in each dialect."""

from collections import Counter
from typing import Any

import pytest

from gateway.domain.dialects import reader_for
from gateway.domain.errors import Unreadable
from gateway.domain.values import Removed
from gateway.simulator.compose import compose, simulate
from gateway.simulator.scenes import SCENES
from gateway.simulator.simulation import DIALECTS, Dialect

BEGAN_S = 1_795_330_000.0


@pytest.mark.parametrize("dialect", DIALECTS)
def test_minutes_go_by_in_a_moment_and_can_be_read(dialect: Dialect) -> None:
    reader = reader_for("openwb-1.9" if dialect == "openwb-1.9" else "openwb-2", "openWB/", False)
    values: dict[str, Any] = {}
    before_s = BEGAN_S
    for at_s, said in simulate(SCENES["pv-day"], dialect, begin_s=BEGAN_S, until_s=BEGAN_S + 300):
        assert before_s <= at_s <= BEGAN_S + 300
        before_s = at_s
        try:
            values.update(reader.read(said.topic, said.payload))
        except Unreadable:
            raise AssertionError(said) from None
    held = {key: value for key, value in values.items() if not isinstance(value, Removed)}
    assert held["pv/power_w"] > 1_000
    assert held["charging/power_w"] > 1_000
    assert held["box/time"] == pytest.approx(BEGAN_S + 300, abs=11)


def test_the_same_seed_says_the_same_and_another_one_something_else() -> None:
    def said(seed: int) -> list[tuple[float, Any]]:
        return list(simulate(SCENES["pv-day"], begin_s=BEGAN_S, until_s=BEGAN_S + 60, seed=seed))

    assert said(3) == said(3)
    assert said(3) != said(4)


def test_faults_come_when_they_are_ordered() -> None:
    faults = [(30.0, "silence 20"), (60.0, "garbage")]
    said = list(simulate(SCENES["full-car"], begin_s=BEGAN_S, until_s=BEGAN_S + 90, faults=faults))
    assert not [at_s for at_s, _ in said if 31 < at_s - BEGAN_S < 50]
    assert "openWB/chargepoint/abc/get/power" in {one.topic for _, one in said}


def test_a_longer_interval_says_less() -> None:
    def loops(interval_s: int) -> int:
        said = simulate(SCENES["pv-day"], begin_s=BEGAN_S, until_s=BEGAN_S + 600, interval_s=interval_s)
        return Counter(one.topic for _, one in said)["openWB/counter/0/get/power"]

    assert loops(10) > 5 * loops(60)


@pytest.mark.parametrize("name", SCENES)
def test_every_scene_goes_through_half_an_hour(name: str) -> None:
    simulation = compose(SCENES[name], "openwb-2", BEGAN_S, interval_s=60)
    for _ in simulation.advance(BEGAN_S + 1_800):
        pass
    assert simulation.speech.retained == simulation.speech.truth
