"""Months and their partitions."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from gateway.db.partitions import MONTHS_AHEAD, PartitionMonth, partitioned_by_month


def test_a_month_is_that_of_utc() -> None:
    last_moment = datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC).timestamp()
    assert str(PartitionMonth.of(last_moment)) == "2026-12"
    assert str(PartitionMonth.of(last_moment + 0.000_001)) == "2027-01"
    assert PartitionMonth.of(last_moment).partition == "PARTITION p202612 VALUES LESS THAN (1798761600000)"


@given(st.integers(0, 4_000_000_000))
def test_a_moment_is_in_its_month_and_no_other(time_s: int) -> None:
    month = PartitionMonth.of(time_s)
    assert PartitionMonth(month - 1).end_ms <= time_s * 1000 < month.end_ms
    assert PartitionMonth.ending_at(month.end_ms) == month


def test_a_new_table_has_room_for_this_month_and_those_ahead() -> None:
    made = partitioned_by_month(datetime(2026, 11, 26, tzinfo=UTC).timestamp())
    assert made.startswith("RANGE (slot) (PARTITION p202611 VALUES LESS THAN (1796083200000), PARTITION p202612 ")
    assert made.count("PARTITION p") == MONTHS_AHEAD + 1
    assert made.endswith("PARTITION p202706 VALUES LESS THAN (1814400000000))")
    assert "MAXVALUE" not in made
