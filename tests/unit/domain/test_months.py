import pytest

from gateway.domain.errors import InvalidArgument
from gateway.domain.months import Month, months, parse_month


def test_a_month() -> None:
    assert parse_month("2026-03", "to") == Month(2026, 3)


@pytest.mark.parametrize("text", ["", "2026-13", "2026-00", "2026-3", "1950-01", "2026-03-01"])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match=r"to: .*2026-03"):
        parse_month(text, "to")


def test_months_follow_each_other() -> None:
    assert months(Month(2025, 11), Month(2026, 2)) == [(2025, 11), (2025, 12), (2026, 1), (2026, 2)]
    assert months(Month(2026, 2), Month(2026, 1)) == []
    assert str(Month(2026, 2)) == "2026-02"
    assert (Month(2026, 1).before, Month(2026, 2).before) == (Month(2025, 12), Month(2026, 1))
    assert (Month(2026, 12).after, Month(2026, 1).after) == (Month(2027, 1), Month(2026, 2))
