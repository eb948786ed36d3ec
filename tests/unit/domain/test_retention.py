import pytest

from gateway.domain.errors import InvalidArgument
from gateway.domain.retention import DAY_MS, check_days, cut_off

NOW = 1_800_000_000_000


@pytest.mark.parametrize("days", [0, 2, 100, 36_500])
def test_for_ever_and_some_days_are_allowed(days: int) -> None:
    assert check_days(days) == days


@pytest.mark.parametrize("days", [1, -1])
def test_fewer_are_not(days: int) -> None:
    with pytest.raises(InvalidArgument, match="allowed are 0"):
        check_days(days)


def test_what_is_older_goes_once_it_is_rolled_up() -> None:
    assert cut_off(10, NOW, NOW) == NOW - 10 * DAY_MS
    assert cut_off(10, NOW, NOW - 20 * DAY_MS) == NOW - 20 * DAY_MS
    assert cut_off(0, NOW, NOW) is None, "for ever"
    assert cut_off(10, NOW, -1) is None, "nothing is rolled up"
    assert cut_off(10, 5 * DAY_MS, NOW) is None, "the clock is that of 1970"
