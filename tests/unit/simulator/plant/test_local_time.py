"""The wall clock of the place, over the days on which it is put forward and back."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.simulator.plant.local_time import DAY_S, LocalTime, weekday

BERLIN = ZoneInfo("Europe/Berlin")


@given(st.integers(1_700_000_000, 1_900_000_000))
def test_it_says_what_the_clock_on_the_wall_shows(time_s: int) -> None:
    local = LocalTime("Europe/Berlin")
    shown = datetime.fromtimestamp(time_s, BERLIN)
    assert local.seconds(time_s) == shown.replace(tzinfo=UTC).timestamp()
    assert weekday(local.day(time_s)) == shown.weekday()


@given(st.lists(st.integers(1_792_800_000, 1_792_900_000)))
def test_what_it_remembers_does_not_show(times_s: list[int]) -> None:
    one = LocalTime("Europe/Berlin")
    assert [one.seconds(time_s) for time_s in times_s] == [LocalTime("Europe/Berlin").seconds(t) for t in times_s]


@pytest.mark.parametrize(
    ("wall", "moment"),
    [
        ("2026-06-12 07:30", "2026-06-12T05:30+00:00"),
        ("2026-12-12 07:30", "2026-12-12T06:30+00:00"),
        ("2026-03-29 02:30", "2026-03-29T01:30+00:00"),  # is skipped
        ("2026-10-25 02:30", "2026-10-25T00:30+00:00"),  # is shown twice
        ("2026-10-25 12:00", "2026-10-25T11:00+00:00"),
    ],
)
def test_a_wall_time_is_a_moment(wall: str, moment: str) -> None:
    seconds = datetime.fromisoformat(wall).replace(tzinfo=UTC).timestamp()
    day, second_of_day = divmod(int(seconds), DAY_S)
    assert LocalTime("Europe/Berlin").moment(day, second_of_day) == datetime.fromisoformat(moment).timestamp()
