"""What a correction makes of a charge session."""

import pytest

from gateway.domain.charge_corrections import Correctable, Correction, check_text, corrected
from gateway.domain.errors import InvalidArgument

HELD = Correctable(vehicle_id=1, vehicle_name="Ioniq 5", odometer_start_km=48_210.0)


def test_what_is_not_given_stays_and_null_makes_it_unknown() -> None:
    found = corrected(HELD, Correction(odometer_start_km=None, note="lent\nto a friend"), None)
    assert found == Correctable(vehicle_id=1, vehicle_name="Ioniq 5", note="lent\nto a friend")


@pytest.mark.parametrize(
    ("wanted", "named", "vehicle"),
    [
        (Correction(vehicle_id=2), "e-Up", (2, "e-Up")),
        (Correction(vehicle_id=2), None, (2, None)),
        (Correction(vehicle_id=2, vehicle_name="Zoe"), "e-Up", (2, "Zoe")),
        (Correction(vehicle_id=None), None, (None, None)),
        (Correction(vehicle_id=1, note="x"), "Ioniq", (1, "Ioniq 5")),
    ],
)
def test_another_vehicle_brings_its_name(
    wanted: Correction, named: str | None, vehicle: tuple[int | None, str | None]
) -> None:
    found = corrected(HELD, wanted, named)
    assert (found.vehicle_id, found.vehicle_name) == vehicle


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        (Correction(), "nothing to correct.*vehicle_id, .*note"),
        (Correction(vehicle_id=1), "already"),
        (Correction(odometer_end_km=48_209.0), "odometer_end_km: allowed is 48210"),
        (Correction(vehicle_name="a\nb"), "vehicle_name: .*one line"),
        (Correction(vehicle_name=" "), "vehicle_name"),
        (Correction(note="\x1b[2J"), "note: .*line breaks"),
        (Correction(note="\n"), "note"),
    ],
)
def test_what_makes_no_sense_is_refused(wanted: Correction, problem: str) -> None:
    with pytest.raises(InvalidArgument, match=problem):
        corrected(HELD, wanted, None)


def test_the_odometer_may_be_at_its_start_or_beyond() -> None:
    assert corrected(HELD, Correction(odometer_end_km=48_210.0), None).odometer_end_km == 48_210.0
    assert corrected(Correctable(), Correction(odometer_end_km=5.0), None).odometer_end_km == 5.0


def test_a_reason_is_one_line() -> None:
    check_text("reason", "read from the dashboard")
    with pytest.raises(InvalidArgument, match="reason"):
        check_text("reason", "a\u2028b")
