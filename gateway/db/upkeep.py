"""The tables of recorded values as a whole: there, of the newest form, and with room for the months to come."""

import structlog

from gateway.db.backups import Backups
from gateway.db.engine import Database
from gateway.db.partitions import FEWEST_AHEAD, PartitionMonth, add_partitions, last_months
from gateway.domain.clock import Clock
from gateway.domain.errors import DatabaseUnavailable

log = structlog.get_logger(__name__)


class HistoryTables:
    """Keeps them ready for who writes."""

    def __init__(self, database: Database, clock: Clock, backups: Backups) -> None:
        self._database = database
        self._clock = clock
        self._backups = backups
        self._warned = False

    async def prepare(self) -> None:
        """Make them, or bring them to the newest form. Raises DatabaseUnavailable, SettingsError."""
        await self._database.migrate(self._backups)
        await self.look_ahead()

    async def look_ahead(self) -> None:
        """Make room for the months to come.

        Raises DatabaseUnavailable when that fails and there is none for the next ``FEWEST_AHEAD`` months; a failure
        before that is for the log.
        """
        now_s = self._clock.now()
        try:
            async with self._database.writing() as connection:
                added = await add_partitions(connection, now_s)
        except DatabaseUnavailable as error:
            await self._judge(now_s, error)
            return
        self._warned = False
        if added:
            log.info("room for the months to come", partitions=added)

    async def _judge(self, now_s: float, error: DatabaseUnavailable) -> None:
        async with self._database.reading() as connection:
            last = await last_months(connection)
        if any(month < PartitionMonth.of(now_s) + FEWEST_AHEAD for month in last.values()):
            until = min(last.values())
            raise DatabaseUnavailable(
                f"there is room for recorded values until {until} only, and none can be made: {error.message}"
            ) from error
        if not self._warned:
            log.warning("cannot make room for the months to come; trying on", reason=error.message)
        self._warned = True
