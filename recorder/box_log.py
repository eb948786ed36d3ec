"""The box's own charge log on its way into the database: each entry once, by its natural key.

There is no position, unlike that of the samples: what is written again is known already. So what is still in the
store is read from its beginning, also when the store lost everything and its clock was set back.
"""

from collections.abc import Sequence

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.db.box_log import write_entries
from gateway.db.samples import BEFORE_ALL
from gateway.domain.clock import Clock
from gateway.store.requests import Piece
from gateway.store.waiting import Queued, Undecodable

log = structlog.get_logger(__name__)


class BoxLogTables:
    """The table of one site, as ``carry.Tables`` wants it; the stream is a ``carry.WholeStream``."""

    def __init__(self, site: str, clock: Clock) -> None:
        self._site = site
        self._clock = clock
        self._new = 0

    async def position(self, connection: AsyncConnection) -> int:  # noqa: ARG002 - there is none to be read
        return BEFORE_ALL

    async def apply(self, connection: AsyncConnection, entries: Sequence[tuple[int, Queued[Piece]]]) -> int:
        for _, piece in entries:
            if isinstance(piece, Undecodable):
                # the box still has it, and the next version asks for it again
                log.error("a piece of the box's log cannot be read", site=self._site, why=piece.reason)
        found = [entry for _, piece in entries if isinstance(piece, Piece) for entry in piece.entries]
        self._new = await write_entries(connection, self._site, found, self._clock.now())
        return entries[-1][0]

    def committed(self) -> None:
        if self._new:
            log.info("entries of the box's log are taken over", site=self._site, new=self._new)
        self._new = 0
