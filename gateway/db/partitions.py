"""The monthly partitions of what is recorded, on MariaDB; SQLite has none, and nothing to do here.

Rules:

* A partition holds the slots that begin in one month, UTC, and is named by it: ``p202611``. The first one also holds
  all that is older.
* ``MONTHS_AHEAD`` are kept ahead. There is none without an end: it would take what belongs into months that nobody
  had made yet, and could only be cut up with a copy of all that is in it. A row beyond the last one is refused, stays
  in the queue and is told.
* Who adds partitions adds them one by one: two who do it at once find that the other one has.
"""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.db.columns import MARIADB

MONTHS_AHEAD = 7
FEWEST_AHEAD = 3
PARTITIONED = ("slots", "samples", "rollups_15m")
SAME_NAME, NOT_BEYOND_THE_LAST, NO_SUCH_PARTITION = 1517, 1493, 1507


class PartitionMonth(int):
    """A month of UTC, counted from the year 0: months may be added to it."""

    @classmethod
    def of(cls, time_s: float) -> "PartitionMonth":
        """The one in which a moment lies, by UTC."""
        when = datetime.fromtimestamp(time_s, UTC)
        return cls(when.year * 12 + when.month - 1)

    @classmethod
    def ending_at(cls, end_ms: int) -> "PartitionMonth":
        return cls(cls.of(end_ms / 1000) - 1)

    @property
    def end_ms(self) -> int:
        """The first moment after it."""
        year, month = divmod(int(self) + 1, 12)
        return int(datetime(year, month + 1, 1, tzinfo=UTC).timestamp()) * 1000

    def __str__(self) -> str:
        year, month = divmod(int(self), 12)
        return f"{year:04}-{month + 1:02}"

    @property
    def partition(self) -> str:
        """Its partition, as it stands in a statement."""
        return f"PARTITION p{str(self).replace('-', '')} VALUES LESS THAN ({self.end_ms})"


def partitioned_by_month(now_s: float) -> str:
    """What follows PARTITION BY when a table is made."""
    first = PartitionMonth.of(now_s)
    months = ", ".join(PartitionMonth(first + ahead).partition for ahead in range(MONTHS_AHEAD + 1))
    return f"RANGE (slot) ({months})"


async def last_months(connection: AsyncConnection) -> dict[str, PartitionMonth]:
    """Up to which month each table takes rows; a table that is not partitioned, or not there, is not in it."""
    if connection.dialect.name not in MARIADB:
        return {}
    ends = text(
        "SELECT table_name, MAX(CAST(partition_description AS UNSIGNED)) FROM information_schema.partitions"
        " WHERE table_schema = DATABASE() AND partition_name IS NOT NULL GROUP BY table_name"
    )
    return {
        name: PartitionMonth.ending_at(int(end_ms))
        for name, end_ms in await connection.execute(ends)
        if name in PARTITIONED
    }


async def add_partitions(connection: AsyncConnection, now_s: float) -> list[str]:
    """Add what is missing ahead of now; what was added, for people.

    A statement of these ends the transaction it stands in: give it a connection of its own.
    """
    added = []
    target = PartitionMonth.of(now_s) + MONTHS_AHEAD
    for table, last in (await last_months(connection)).items():
        for month in map(PartitionMonth, range(last + 1, target + 1)):
            with _already_there():
                await connection.execute(text(f"ALTER TABLE {table} ADD PARTITION ({month.partition})"))
                added.append(f"{table} {month}")
    return added


async def drop_partitions(connection: AsyncConnection, table: str, before: int) -> list[str]:
    """Drop the months that end before a moment, but never the last one; what was dropped, for people.

    A statement of these ends the transaction it stands in: give it a connection of its own.
    """
    ends = text(
        "SELECT partition_name, CAST(partition_description AS UNSIGNED) FROM information_schema.partitions"
        " WHERE table_schema = DATABASE() AND table_name = :name AND partition_name IS NOT NULL"
        " ORDER BY partition_ordinal_position"
    )
    months = [(name, int(end_ms)) for name, end_ms in await connection.execute(ends, {"name": table})]
    gone = [name for name, end_ms in months[:-1] if end_ms <= before]
    for name in gone:
        with _gone_already():
            await connection.execute(text(f"ALTER TABLE {table} DROP PARTITION {name}"))
    return [f"{table} {name}" for name in gone]


@contextlib.contextmanager
def _gone_already() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if not error.orig or error.orig.args[:1] != (NO_SUCH_PARTITION,):
            raise


@contextlib.contextmanager
def _already_there() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if not error.orig or error.orig.args[:1] not in ((SAME_NAME,), (NOT_BEYOND_THE_LAST,)):
            raise
