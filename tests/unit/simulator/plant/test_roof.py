"""An inverter under the sun."""

import math

import pytest

from gateway.simulator.plant.roof import Roof
from gateway.simulator.plant.sun import Sun
from gateway.simulator.words import InverterSetup

VOLTS = (230.0, 231.0, 229.0)
NOON = Sun(math.radians(60), math.pi)


def roof() -> Roof:
    return Roof(InverterSetup(id=1, name="Roof", peak_w=6_000, produced_wh=100))


def test_it_produces_by_sun_and_clouds_on_three_phases() -> None:
    it = roof()
    it.look_up(NOON)
    it.run(1.0, 10)
    clear = it.read(VOLTS)
    it.run(0.5, 10)
    cloudy = it.read(VOLTS)
    assert 5_000 < clear.power_w <= 6_000
    assert cloudy.power_w == pytest.approx(clear.power_w / 2, abs=0.1)
    assert clear.currents_a[0] == pytest.approx(clear.power_w / 3 / 230, abs=0.01)
    assert cloudy.produced_wh == pytest.approx(100 + (clear.power_w + cloudy.power_w) / 360, abs=1e-6)


def test_before_it_looked_up_and_at_night_it_rests() -> None:
    it = roof()
    it.run(1.0, 10)
    assert it.read(VOLTS).power_w == 0
    it.look_up(Sun(-0.1, 0.0))
    it.run(1.0, 10)
    assert it.read(VOLTS).produced_wh == 100
