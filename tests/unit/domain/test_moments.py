"""Times as REST is asked for them and tells them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.errors import InvalidArgument
from gateway.domain.moments import local_moment, parse_moment

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01", "2026-02-28T23:00:00+00:00"),
        ("2026-03-30", "2026-03-29T22:00:00+00:00"),  # the first day of summer time
        ("2026-03-01T06:30:00+01:00", "2026-03-01T05:30:00+00:00"),
        ("2026-03-01T06:30:00 01:00", "2026-03-01T05:30:00+00:00"),
        ("2026-03-01T06:30:00-01:00", "2026-03-01T07:30:00+00:00"),
        ("2026-03-01t06:30:00.125z", "2026-03-01T06:30:00.125+00:00"),
        ("2026-03-01 06:30:00Z", "2026-03-01T06:30:00+00:00"),
    ],
)
def test_a_time_is_one_moment(text: str, moment: str) -> None:
    assert parse_moment(text, BERLIN, "from") == datetime.fromisoformat(moment).timestamp()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026",
        "yesterday",
        "2026-02-30",
        "2026-03-01T25:00:00Z",
        "2026-03-01T06:30:00",
        "2026-03-01T06:30Z",
        "1753791600",
        "2026-03-01T06:30:00+99:00",
        "२०२६-03-01",
    ],
)
def test_what_is_no_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidArgument, match=r"from: .*2026-03-01T06:30:00"):
        parse_moment(text, BERLIN, "from")


@pytest.mark.parametrize("text", ["1969-12-31", "2200-01-01", "9999-12-31T00:00:00Z"])
def test_times_that_are_too_far_away_are_told_the_years(text: str) -> None:
    with pytest.raises(InvalidArgument, match=rf"^from: allowed are the years 1970 to 2199, got '{text}'$"):
        parse_moment(text, BERLIN, "from")


@given(st.integers(0, 4_000_000_000_000))
def test_what_is_told_is_read_back_to_the_millisecond(epoch_ms: int) -> None:
    told = msgspec.json.decode(msgspec.json.encode(local_moment(epoch_ms / 1000, BERLIN)))
    assert round(parse_moment(told, UTC, "from") * 1000) == epoch_ms
