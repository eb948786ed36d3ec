"""Finished charge sessions on their way into the database: one row each, by site, charge point and plug.

As with the box's log there is no position in the database: those of the stream follow the store's clock, and go back
with it when the store lost everything. So whatever is in the stream is read; what is written again is known already.

A record that cannot be read has no row, and nothing else in the stream waits for it: it is kept as it is in
``bad_samples``, by its position and with the reason, and told to the log.
"""

from collections.abc import Sequence

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.db import charge_sessions as rows
from gateway.db.samples import BEFORE_ALL, BadSample, write_bad_samples
from gateway.domain.charge_sessions import ChargeSession
from gateway.domain.clock import Clock
from gateway.store.waiting import Queued, Undecodable
from recorder.writer import MOST_PAYLOAD_BYTES, MOST_REASON_CHARS

log = structlog.get_logger(__name__)


class RecordTables:
    """The tables of one site, as ``carry.Tables`` wants them; the stream is a ``carry.WholeStream``.

    ``written``: rows of this process.
    """

    def __init__(self, site: str, clock: Clock) -> None:
        self.written = 0
        self._site = site
        self._clock = clock
        self._new = 0

    async def position(self, connection: AsyncConnection) -> int:  # noqa: ARG002 - there is none to be read
        return BEFORE_ALL

    async def apply(self, connection: AsyncConnection, entries: Sequence[tuple[int, Queued[ChargeSession]]]) -> int:
        number = await rows.hold(connection, self._site)
        found = [entry for _, entry in entries if isinstance(entry, ChargeSession)]
        self._new = await rows.write_sessions(connection, number, found)
        bad = [self._bad(at, entry) for at, entry in entries if isinstance(entry, Undecodable)]
        await write_bad_samples(connection, number, bad)
        return entries[-1][0]

    def committed(self) -> None:
        self.written += self._new
        self._new = 0

    def _bad(self, position: int, entry: Undecodable) -> BadSample:
        log.error("a charge session cannot be read; it is kept in bad_samples", site=self._site, why=entry.reason)
        reason = f"a charge session: {entry.reason}"
        return BadSample(position, reason[:MOST_REASON_CHARS], entry.payload[:MOST_PAYLOAD_BYTES], self._clock.now())
