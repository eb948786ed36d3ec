"""The diary: what waits to be written, and its bound."""

from gateway.bridge.diary import MOST_EVENTS, Diary
from gateway.domain.values import Changes, Reading


def versions(*numbers: int) -> list[Changes]:
    return [{"box/version": Reading(f"2.1.{number}")} for number in numbers]


def test_events_wait_until_they_are_taken() -> None:
    diary = Diary({"box/version": Reading("2.1.0")})
    for at, changes in enumerate(versions(1, 1, 2)):
        diary.note(changes, float(at))
    assert [(event.at, event.details["version"]) for event in diary.take()] == [(0.0, "2.1.1"), (2.0, "2.1.2")]
    assert diary.take() == ()


def test_too_many_push_out_the_oldest() -> None:
    diary = Diary({"box/version": Reading("2.1.0")})
    for at, changes in enumerate(versions(*range(1, MOST_EVENTS + 11))):
        diary.note(changes, float(at))
    taken = diary.take()
    assert len(taken) == MOST_EVENTS
    assert [taken[0].at, taken[-1].at] == [10.0, MOST_EVENTS + 9.0]


def test_a_key_that_ceased_is_seen_for_the_first_time_again() -> None:
    diary = Diary({"grid/fault_state": Reading(0), "pv/fault_state": Reading(0)})
    diary.forget("grid/fault_state")
    diary.note({"grid/fault_state": Reading(2), "pv/fault_state": Reading(2)}, 1.0)
    assert [event.key for event in diary.take()] == ["pv/fault_state"]


def test_another_dialect_knows_no_faults_of_before_but_the_link_and_the_version() -> None:
    diary = Diary(
        {"grid/fault_state": Reading(0), "box/version": Reading("1.9.304"), "link/state": Reading("connecting")}
    )
    diary.forget_faults()
    changes = {
        "grid/fault_state": Reading(2),
        "box/version": Reading("2.1.9"),
        "link/state": Reading("up"),
    }
    diary.note(dict(changes), 1.0)
    assert [event.kind for event in diary.take()] == ["box_updated", "link_changed"]
