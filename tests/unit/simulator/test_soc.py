"""What the box knows of a SoC, and when it asks."""

import pytest

from gateway.simulator.installations import IONIQ
from gateway.simulator.words import Limit, Wish
from tests.support.simulated import NOON_S, Day


def ask_times(day: Day, loops: int) -> list[float]:
    """When the left car's module was asked during so many loops."""
    ionic, asked = day.box.state.vehicles[1], []
    for _ in range(loops):
        before_s = ionic.asked_s
        day.loop()
        if ionic.asked_s != before_s:
            asked.append(day.plant.time_s - NOON_S)
    return asked


def test_without_a_module_nothing_is_known() -> None:
    day = Day()
    day.plug(6, 3)
    day.loops(3)
    day.box.know_soc(3, 50.0, NOON_S)
    day.loop()
    e_up = day.box.state.vehicles[3]
    assert (e_up.soc_percent, e_up.soc_at_s, e_up.asked_s, e_up.range_km, e_up.odometer_km) == (None,) * 5


def test_a_car_is_asked_at_its_plug_while_it_charges_at_the_end_and_when_it_leaves() -> None:
    day = Day({5: Wish(mode="stop")})
    assert day.box.state.vehicles[1].asked_s == NOON_S
    assert ask_times(day, 10) == []
    day.plug(5, 1)
    assert ask_times(day, 10) == [110.0]
    day.ask(5, mode="instant")
    assert ask_times(day, 65) == [410.0, 710.0]
    day.plant.full.add(5)
    assert ask_times(day, 3) == [860.0]
    day.unplug(5)
    assert ask_times(day, 3) == [890.0]
    assert ask_times(day, 4_400) == [890.0 + 43_200.0]


def test_it_is_asked_when_somebody_wants_it_now() -> None:
    day = Day()
    day.plant.soc_percent[1] = 61.27
    day.loop()
    ionic = day.box.state.vehicles[1]
    assert ionic.soc_percent == 42.0
    day.box.ask_for_soc(1)
    day.loop()
    assert (ionic.soc_percent, ionic.soc_at_s) == (61.3, NOON_S + 20)
    assert (ionic.range_km, ionic.odometer_km) == (245.1, IONIQ.odometer_km)


@pytest.mark.parametrize(("kind", "known"), [("mqtt", 33.0), ("tronity", 42.0)])
def test_only_mqtt_takes_what_it_is_fed(kind: str, known: float) -> None:
    day = Day()
    ionic = day.box.state.vehicles[1]
    day.box.set_soc_module(1, kind)
    assert ionic.soc_percent is None
    day.box.know_soc(1, 33.0, NOON_S - 40)
    assert ionic.soc_percent is None
    day.loop()
    assert ionic.soc_percent == known
    assert ionic.soc_at_s == (NOON_S - 40 if kind == "mqtt" else NOON_S + 10)


def test_a_module_of_a_vehicle_without_a_car_learns_nothing() -> None:
    day = Day()
    day.box.set_soc_module(0, "tronity")
    day.loop()
    nobody = day.box.state.vehicles[0]
    assert (nobody.asked_s, nobody.soc_percent) == (day.plant.time_s, None)


def test_a_manual_soc_is_known_at_once_and_counts_on() -> None:
    day = Day({5: Wish(instant_current_a=16.0)})
    ionic = day.box.state.vehicles[1]
    day.box.set_soc_module(1, "manual")
    day.plug(5, 1)
    day.loops(2)
    assert [ionic.soc_percent, ionic.soc_at_s] == [None, None]
    day.box.know_soc(1, 50.0, day.plant.time_s)
    assert [ionic.soc_percent, ionic.soc_at_s] == [50.0, day.plant.time_s]
    day.loop()
    from_wh = ionic.counted_from_wh
    assert from_wh == day.plant.meters_wh[5]
    day.loops(28)
    assert ionic.soc_percent == 50.0
    day.loop()
    grown = (day.plant.meters_wh[5] - from_wh) * 0.9 / IONIQ.capacity_wh * 100
    assert ionic.soc_percent == pytest.approx(50 + grown, abs=0.01)
    day.unplug(5)
    day.loop()
    assert ionic.counted_from_wh is None


def test_a_manual_soc_ends_at_full_and_stays_while_nobody_charges() -> None:
    day = Day({5: Wish(instant_current_a=16.0)})
    ionic = day.box.state.vehicles[1]
    day.box.set_soc_module(1, "manual")
    day.box.know_soc(1, 99.9, NOON_S)
    day.box.ask_for_soc(1)
    day.loop()
    assert [ionic.soc_percent] == [99.9]
    day.plug(5, 1)
    day.loops(40)
    assert [ionic.soc_percent] == [100.0]
    day.box.set_soc_module(1, None)
    day.loop()
    assert [ionic.soc_percent, ionic.soc_module] == [None, None]


def test_a_limit_by_soc_ends_the_charge_when_the_box_hears_of_it() -> None:
    day = Day({5: Wish()})
    day.ask(5, instant_limit=Limit(kind="soc", soc_percent=80))
    day.plug(5, 1)
    day.loops(3)
    day.plant.soc_percent[1] = 81.0
    day.loops(5)
    assert day.current_a(5) > 0
    day.loops(30)
    assert day.current_a(5) == 0
