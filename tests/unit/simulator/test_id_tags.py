"""Tags at a charge point: good, refused, waiting."""

import pytest

from gateway.simulator import id_tags
from gateway.simulator.box import UNPLUGGED
from gateway.simulator.installations import CARPORT, HOME, YARD
from gateway.simulator.words import Installation, Scan, TagRefused, TagTaken, VehicleAssigned
from tests.support.simulated import Day


@pytest.mark.parametrize(
    ("tags", "id_tag", "exact", "pattern"),
    [
        (("04A1",), "04A1", True, True),
        (("04A1",), "04a1", True, True),
        (("04a*",), "04A1B2", False, True),
        (("0?A1", "[0-9]1"), "04A1", False, True),
        (("04A1",), "04A", False, False),
        (("[1]",), "[1]", True, False),
        ((), "04A1", False, False),
    ],
)
def test_tags_are_known_by_letters_or_by_pattern(
    tags: tuple[str, ...], id_tag: str, exact: bool, pattern: bool
) -> None:
    assert id_tags.knows(tags, id_tag, exact=True) is exact
    assert id_tags.knows(tags, id_tag, exact=False) is pattern


def test_an_exact_tag_comes_before_a_pattern() -> None:
    day = Day()
    day.box.set_vehicle_tags(1, ("04*",))
    day.box.set_vehicle_tags(3, ("04A1",))
    vehicles = day.box.state.vehicles
    assert (id_tags.owner(vehicles, "04a1"), id_tags.owner(vehicles, "04FF")) == (3, 1)
    assert id_tags.owner(vehicles, "05") is None


def test_a_good_tag_is_taken_at_once_where_a_car_is_plugged() -> None:
    day = Day()
    day.box.lock(5, True)
    day.plug(5, 1)
    day.loop()
    day.plant.scans = (Scan(5, "1234567890"),)
    assert day.loop() == ()
    assert [day.left.scanned_tag, day.left.id_tag] == ["1234567890", None]
    assert day.loop() == (VehicleAssigned(5, 3), TagTaken(5, "1234567890"))
    assert (day.left.scanned_tag, day.left.id_tag, day.left.vehicle_id) == (None, "1234567890", 3)
    assert day.left.locked


def test_the_tag_of_the_vehicle_that_is_there_assigns_nothing() -> None:
    day = Day()
    day.plug(5, 1)
    day.box.scan(5, "04A1B2C3D4")
    assert TagTaken(5, "04A1B2C3D4") in day.loop()
    assert not any(isinstance(happening, VehicleAssigned) for happening in day.happenings)


def test_a_tag_of_the_charge_point_unlocks_it_and_leaves_the_vehicle() -> None:
    day = Day()
    day.box.set_valid_tags(5, ("guest*",))
    day.box.lock(5, True)
    day.plug(5, 1)
    day.loop()
    day.box.scan(5, "Guest 7")
    assert day.loop() == (TagTaken(5, "Guest 7"),)
    assert (day.left.locked, day.left.vehicle_id, day.left.id_tag) == (False, 1, "Guest 7")


def test_a_tag_that_nobody_plugs_in_for_is_dropped_after_five_minutes() -> None:
    day = Day()
    day.box.scan(6, "04A1B2C3D4")
    assert day.loop() == (VehicleAssigned(6, 1),)
    assert day.text(6) == UNPLUGGED
    assert day.loops(29) == []
    assert day.text(6) == id_tags.WAITS_FOR_PLUG + UNPLUGGED
    assert day.loop() == (VehicleAssigned(6, 3),)
    assert (day.right.scanned_tag, day.right.scanned_s, day.text(6)) == (None, None, UNPLUGGED)
    day.plug(6, 3)
    day.loop()
    assert day.right.id_tag is None


def test_the_default_vehicles_own_tag_is_dropped_quietly() -> None:
    day = Day()
    day.box.scan(5, "04A1B2C3D4")
    assert day.loops(32) == []


def test_the_last_of_two_tags_counts() -> None:
    day = Day()
    day.box.scan(6, "04A1B2C3D4")
    day.loop()
    day.box.scan(6, "0012345")
    assert day.loop() == (VehicleAssigned(6, 3),)
    day.plug(6, 3)
    day.loop()
    assert day.right.id_tag == "0012345"


@pytest.mark.parametrize(
    ("id_tag", "active", "charged", "text"),
    [
        ("FFFF", True, False, id_tags.UNKNOWN),
        ("FFFF", True, True, id_tags.UNKNOWN),
        ("04A1B2C3D4", False, False, id_tags.SWITCHED_OFF),
        ("04A1B2C3D4", True, True, id_tags.TOO_LATE),
    ],
)
def test_a_tag_is_refused_with_a_sentence_for_one_loop(id_tag: str, active: bool, charged: bool, text: str) -> None:
    day = Day()
    if charged:
        day.plug(6, 3)
        day.loops(3)
    day.box.set_id_tags_active(active)
    day.box.scan(6, id_tag)
    said = text.format(id_tag)
    assert day.loop() == (TagRefused(6, id_tag, said),)
    assert (day.text(6), day.right.scanned_tag, day.right.vehicle_id) == (said, None, 3)
    day.loop()
    assert day.text(6) != said


def test_a_tag_for_the_next_car_outlives_the_return_to_the_default() -> None:
    """It is scanned in the loop that sees the unplug, so the vehicle it brings is not taken away again."""
    home = Installation(
        counter_id=0, inverters=(), battery=None, chargepoints=(CARPORT, YARD), vehicles=HOME.vehicles
    )
    day = Day(installation=home)
    day.plug(5, 1)
    day.box.assign(5, 3)
    day.loop()
    day.unplug(5)
    day.plant.scans = (Scan(5, "0012345"),)
    day.loop()
    assert day.loop() == ()
    assert (day.left.vehicle_id, day.left.scanned_tag) == (3, "0012345")
