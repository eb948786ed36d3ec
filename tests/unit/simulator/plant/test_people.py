"""The people of a scene: what they do, when, and that each deed is done once."""

import calendar

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.simulator.installations import HOME
from gateway.simulator.plant.people import Comes, Deed, Holds, Leaves, People
from gateway.simulator.scenes import SCENES, Scene, Stay, TagHeld, Trip

MONDAY_0600 = float(calendar.timegm((2026, 6, 8, 4, 0, 0)))  # 06:00 in Berlin
HOUR_S, DAY_S = 3_600, 86_400
STAYS = (
    Stay(vehicle_id=1, chargepoint_id=5, plugs_in_s=20, leaves_s=500, drives_km=30, id_tag="A"),
    Stay(vehicle_id=3, chargepoint_id=6),
)
WORK = Trip(
    vehicle_id=1,
    chargepoint_id=5,
    leaves="07:00",
    returns="17:00",
    drives_km=40,
    weekdays=(0, 1, 2, 3, 4),
    spread_s=0,
)


def scene(
    stays: tuple[Stay, ...] = (),
    trips: tuple[Trip, ...] = (),
    tags: tuple[TagHeld, ...] = (),
    repeat_s: float | None = None,
) -> Scene:
    return Scene(
        name="x", title="X", text="X.", installation=HOME, stays=stays, trips=trips, tags=tags, repeat_s=repeat_s
    )


def people(of: Scene, start_s: float = MONDAY_0600, seed: int = 1) -> People:
    return People(of, start_s, seed=seed)


def told(of: People, hours: float, start_s: float = MONDAY_0600) -> list[tuple[int, Deed]]:
    """Deeds by the minute, with the hour of the start in which they fell."""
    return [(minute // 60, deed) for minute in range(int(hours * 60) + 1) for deed in of.due(start_s + 60 * minute)]


def test_stays_and_tags_count_from_the_start() -> None:
    it = people(scene(STAYS, tags=(TagHeld(after_s=5, chargepoint_id=6, id_tag="B"),)))
    assert list(it.due(MONDAY_0600)) == [Comes(3, 6, 0.0)]
    assert list(it.due(MONDAY_0600 + 6)) == [Holds(6, "B")]
    assert list(it.due(MONDAY_0600 + 7)) == [Holds(5, "A")]
    assert list(it.due(MONDAY_0600 + 20)) == [Comes(1, 5, 0.0)]
    assert list(it.due(MONDAY_0600 + 499)) == []
    assert list(it.due(MONDAY_0600 + 10_000)) == [Leaves(1)]
    assert list(it.due(MONDAY_0600 + 9 * DAY_S)) == []


def test_a_tag_is_never_held_up_before_the_start() -> None:
    stay = Stay(vehicle_id=1, chargepoint_id=5, plugs_in_s=4, id_tag="A")
    assert list(people(scene((stay,))).due(MONDAY_0600)) == [Holds(5, "A")]


def test_a_round_begins_anew_with_the_way_driven_and_who_never_left_does_not_come_again() -> None:
    it = people(scene(STAYS, repeat_s=1_000))
    first, second = list(it.due(MONDAY_0600 + 999)), list(it.due(MONDAY_0600 + 1_999))
    assert first == [Comes(3, 6, 0.0), Holds(5, "A"), Comes(1, 5, 0.0), Leaves(1)]
    assert second == [Holds(5, "A"), Comes(1, 5, 30.0), Leaves(1)]


def test_habits_go_by_the_clock_and_the_weekday() -> None:
    assert told(people(scene(trips=(WORK,))), 24) == [(0, Comes(1, 5, 0.0)), (1, Leaves(1)), (11, Comes(1, 5, 40.0))]
    friday_0600 = MONDAY_0600 + 4 * DAY_S
    weekend = told(people(scene(trips=(WORK,)), friday_0600), 72, friday_0600)
    assert [deed for hour, deed in weekend if hour < 24] == [Comes(1, 5, 0.0), Leaves(1), Comes(1, 5, 40.0)]
    assert [deed for hour, deed in weekend if hour >= 24] == []


def test_who_is_on_the_way_at_the_start_comes_home_later() -> None:
    noon = MONDAY_0600 + 6 * HOUR_S
    assert told(people(scene(trips=(WORK,)), noon), 8, noon) == [(5, Comes(1, 5, 40.0))]


def test_who_was_back_before_the_start_is_at_home() -> None:
    evening = MONDAY_0600 + 13 * HOUR_S
    assert told(people(scene(trips=(WORK,)), evening), 5, evening) == [(0, Comes(1, 5, 0.0))]


def test_who_does_not_plug_in_parks_and_a_tag_is_held_up_only_before_a_plug() -> None:
    lazy = Trip(vehicle_id=1, chargepoint_id=5, leaves="07:00", returns="17:00", drives_km=40, plugs=0.5, id_tag="A")
    deeds = list(people(scene(trips=(lazy,))).due(MONDAY_0600 + 40 * DAY_S))
    plugged = [deed for deed in deeds if deed == Comes(1, 5, 40.0)]
    parked = [deed for deed in deeds if deed == Comes(1, None, 40.0)]
    assert len(plugged) > 5
    assert len(parked) > 5
    assert deeds.count(Holds(5, "A")) == len(plugged)


def test_a_chance_is_not_always_taken() -> None:
    rare = Trip(vehicle_id=1, chargepoint_id=5, leaves="07:00", returns="17:00", drives_km=40, chance=0.3)
    deeds = list(people(scene(trips=(rare,))).due(MONDAY_0600 + 60 * DAY_S))
    assert 5 < deeds.count(Leaves(1)) < 35


@settings(max_examples=15)
@given(st.sampled_from(sorted(SCENES)), st.integers(0, 99), st.lists(st.floats(1, 40_000), max_size=40))
def test_whatever_the_steps_are_the_same_deeds_are_done_in_the_same_order(
    name: str, seed: int, steps: list[float]
) -> None:
    stepwise, at_once = (people(SCENES[name], seed=seed) for _ in range(2))
    now = MONDAY_0600
    deeds = list(stepwise.due(now))
    for step in steps:
        now += step
        deeds += stepwise.due(now)
    assert deeds == list(at_once.due(now))


@settings(max_examples=15)
@given(st.sampled_from(sorted(SCENES)), st.integers(0, 99), st.floats(0, 7 * DAY_S))
def test_a_car_comes_and_leaves_in_turn(name: str, seed: int, later_s: float) -> None:
    start_s = MONDAY_0600 + later_s
    away = {vehicle.id: True for vehicle in HOME.vehicles} | {4: True}
    for deed in people(SCENES[name], start_s, seed).due(start_s + 15 * DAY_S):
        if isinstance(deed, Comes):
            assert away[deed.vehicle_id]
            away[deed.vehicle_id] = False
        elif isinstance(deed, Leaves):
            assert not away[deed.vehicle_id]
            away[deed.vehicle_id] = True
