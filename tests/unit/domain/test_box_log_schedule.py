"""When the box's log is asked for."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from gateway.domain.box_log_schedule import LogSchedule
from gateway.domain.months import Month

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()


def begun(text: str) -> tuple[LogSchedule, float]:
    """A schedule whose start is over."""
    schedule, now = LogSchedule(BERLIN), at(text)
    schedule.due(now)
    return schedule, now


def unplug(schedule: LogSchedule, now: float, chargepoint: str = "5") -> None:
    schedule.take({f"chargepoints/{chargepoint}/plugged": True, "grid/power_w": 7.0}, now - 3600)
    schedule.take({f"chargepoints/{chargepoint}/plugged": False}, now)


def test_at_the_start_this_month_and_the_one_before_are_asked_for() -> None:
    schedule = LogSchedule(BERLIN)
    assert schedule.due(at("2026-01-15T12:00")) == [Month(2025, 12), Month(2026, 1)]
    assert schedule.due(at("2026-01-15T12:00:01")) == []


@pytest.mark.parametrize(("day", "wanted"), [("02", [Month(2026, 2), Month(2026, 3)]), ("04", [Month(2026, 3)])])
def test_each_night_this_month_is_asked_for_and_early_the_one_before(day: str, wanted: list[Month]) -> None:
    schedule, _ = begun("2026-03-01T12:00")
    night = at(f"2026-03-{day}T03:20")
    schedule.due(night - 86_400)
    assert schedule.due(night - 1) == []
    assert schedule.due(night) == wanted
    assert schedule.due(night + 3600) == []


def test_after_an_unplug_it_is_asked_for_and_once_more() -> None:
    schedule, now = begun("2026-03-10T12:00")
    unplug(schedule, now)
    assert schedule.due(now + 24) == []
    assert schedule.due(now + 25) == [Month(2026, 3)]
    assert schedule.due(now + 26) == []
    schedule.answered([])
    schedule.answered([None, now - 10_000])
    assert schedule.due(now + 85) == [Month(2026, 3)]
    assert schedule.due(now + 10_000) == []


def test_an_entry_of_that_time_ends_it() -> None:
    schedule, now = begun("2026-03-10T12:00")
    unplug(schedule, now)
    schedule.answered([now])  # it answers an earlier question
    assert schedule.due(now + 25) == [Month(2026, 3)]
    schedule.answered([now - 4000, now + 8])
    assert schedule.due(now + 10_000) == []


def test_around_the_end_of_a_month_two_are_asked_for() -> None:
    schedule, now = begun("2026-03-31T23:59:50")
    unplug(schedule, now)
    assert schedule.due(now + 25) == [Month(2026, 3), Month(2026, 4)]


def test_only_a_plug_that_was_seen_plugged_is_unplugged() -> None:
    schedule, now = begun("2026-03-10T12:00")
    schedule.take({"chargepoints/5/plugged": False}, now)
    schedule.take({"chargepoints/5/plugged": None, "chargepoints/5/name": True}, now)
    schedule.take({"chargepoints/5/plugged": False}, now)
    assert schedule.due(now + 100) == []
