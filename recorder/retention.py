"""Lets go of what was recorded and is older than is wished.

Rules:

* Little at a time, and others have their turn in between: a household's card is slow. What is freed is used again.
* On MariaDB, tables that are partitioned by the month lose whole months, when all sites of the database may do
  without; so they keep up to a month more.
* Slots go with their samples, and first: a sample without its slot is not read, but a slot without samples would look
  as if nothing had been known.
* Quarters of a day that may not be over yet stay: the day is made of them. A site whose roll-ups have taken all that
  there is keeps nobody's months.
"""

import asyncio
from collections.abc import Iterable, Mapping

import structlog
from sqlalchemy import Table

from gateway.db import retention as rows
from gateway.db.columns import MARIADB
from gateway.db.engine import Database
from gateway.db.history import series_of
from gateway.db.partitions import PARTITIONED, drop_partitions
from gateway.db.rollups import newest_end
from gateway.domain.clock import Clock
from gateway.domain.history import LONGEST_DAY_MS, QUARTER_MS
from gateway.domain.retention import Keep, cut_off
from gateway.domain.slots import moment_ms, slot_of

log = structlog.get_logger(__name__)


class Retention:
    """All sites of a database."""

    def __init__(
        self,
        database: Database,
        keep: Keep,
        clock: Clock,
    ) -> None:
        self._database = database
        self._clock = clock
        self._tiers = (
            (rows.SLOTS, keep.slots),
            (rows.SAMPLES, keep.slots),
            (rows.QUARTERS, keep.quarters),
            (rows.SOURCES, keep.quarters),
            (rows.HOURS, keep.hours),
            (rows.DAYS, keep.days),
        )

    async def clean(self) -> None:
        """Let go of all that may go now. Raises DatabaseUnavailable."""
        async with self._database.reading() as connection:
            on_mariadb = connection.dialect.name in MARIADB
            positions = await rows.rolled_up(connection)
            unfinished = [
                position
                for number, position in positions.items()
                if slot_of(await newest_end(connection, number), QUARTER_MS) > max(position, 0)
            ]
        now = moment_ms(self._clock.now())
        for table, days in self._tiers:
            margin = LONGEST_DAY_MS if table in (rows.QUARTERS, rows.SOURCES) else 0
            if on_mariadb and table.name in PARTITIONED:
                await self._months(table, cut_off(days, now, min(unfinished, default=now) - margin))
                continue
            for number, position in positions.items():
                before = cut_off(days, now, position - margin)
                if before is not None:
                    await self._rows(table, number, before)

    async def _months(self, table: Table, before: int | None) -> None:
        if before is None:
            return
        async with self._database.writing() as connection:
            dropped = await drop_partitions(connection, table.name, before)
        if dropped:
            log.info("months are no longer kept", partitions=dropped)

    async def _rows(self, table: Table, number: int, before: int) -> None:
        for of in await self._keys(table, number):
            more = True
            while more:
                async with self._database.writing() as connection:
                    more = await rows.delete_some(connection, table, of, before)
                await asyncio.sleep(0)

    async def _keys(self, table: Table, number: int) -> Iterable[Mapping[str, int | str]]:
        """What stands before the slot in the key of the table, for all that there is of the site."""
        site = {"site_id": number}
        if table is rows.SLOTS:
            return [site]
        async with self._database.reading() as connection:
            if table is rows.SOURCES:
                return [{**site, "consumer": one} for one in await rows.consumers_of(connection, number)]
            return [{**site, "series_id": one.id} for one in await series_of(connection, number) if one.id]
