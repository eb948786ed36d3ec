"""Finished charge sessions on their way into the database: one row each, by site, charge point and plug.

A record that cannot be read is told to the log and let go of: the tracker of the version that wrote it is not this
one's, and nothing else in the stream may wait for it.
"""

from collections.abc import Sequence

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.db import charge_sessions as rows
from gateway.domain.charge_sessions import ChargeSession
from gateway.store.records import ChargeRecords, Queued, UndecodableRecord

log = structlog.get_logger(__name__)


class RecordStream:
    """The records of one site, as ``carry.Stream`` wants them."""

    def __init__(self, records: ChargeRecords, site: str) -> None:
        self._records = records
        self._site = site

    async def read_after(self, position: int, count: int) -> Sequence[tuple[int, Queued]]:
        return await self._records.read_after(self._site, position, count)

    async def trim_to(self, position: int) -> None:
        await self._records.trim_to(self._site, position)

    async def count_waiting(self) -> int:
        return await self._records.length(self._site)


class RecordTables:
    """The tables of one site, as ``carry.Tables`` wants them. ``written``: rows of this process."""

    def __init__(self, site: str) -> None:
        self.written = 0
        self._site = site
        self._new = 0

    async def position(self, connection: AsyncConnection) -> int:
        return await rows.position(connection, self._site)

    async def apply(self, connection: AsyncConnection, entries: Sequence[tuple[int, Queued]]) -> int:
        number, held = await rows.hold_position(connection, self._site)
        beyond = [entry for position, entry in entries if position > held]  # the others are another writer's
        for entry in beyond:
            if isinstance(entry, UndecodableRecord):
                log.error("a charge session cannot be read", site=self._site, why=entry.reason, record=entry.payload)
        found = [entry for entry in beyond if isinstance(entry, ChargeSession)]
        self._new = await rows.write_sessions(connection, number, found)
        last = max(held, entries[-1][0])
        await rows.move_position(connection, number, last)
        return last

    def committed(self) -> None:
        self.written += self._new
        self._new = 0
