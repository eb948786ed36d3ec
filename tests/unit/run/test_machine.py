import pytest

from gateway.run.machine import MADE_AT, clock_words

MADE = MADE_AT.timestamp()


@pytest.mark.parametrize("now", [MADE, MADE + 86_400 * 3_000])
def test_a_clock_that_may_be_right(now: float) -> None:
    assert clock_words(now) is None


@pytest.mark.parametrize(
    ("now", "shown"),
    [
        (0.0, "1970-01-01 00:00 UTC"),
        (MADE - 1, "2025-12-31"),
        (4e9, "2096-10-02"),
        (1e15, "1000000000000000 seconds"),
    ],
)
def test_one_that_cannot_be_is_told_with_what_to_do(now: float, shown: str) -> None:
    words = clock_words(now)
    assert words is not None
    assert shown in words
    assert "set-ntp true" in words
