"""The events of a client's sites, over any number of connections.

Rules:

* Each event is given once, in the order of ids within its site; what is repeated after a gap is left out.
* The last id of each site is asked for with the first subscription of the site on the next connection, so that none
  is missed. Before the first event of a site it is the id which the answer to its first subscription told.
* At most ``MOST_WAITING`` wait to be looked at; of more the oldest go, and in their place stands a gap.
* A gap says where to read on: ``GET sites/{site}/events?after=``.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import TypeAlias

from gateway.domain.errors import GatewayError, InvalidArgument
from gateway.domain.events import EventId
from gateway.protocol.messages import EventGap, EventMessage
from gateway.protocol.view import ChainBroken

MOST_WAITING = 1_000

Told: TypeAlias = EventMessage | EventGap


class Events:
    """Iterating gives what happened as it comes; it ends with the client, raising what ended it."""

    def __init__(self) -> None:
        self._last: dict[str, EventId] = {}
        self._waiting: deque[Told] = deque()
        self._gaps: dict[str, EventGap] = {}
        self._news = asyncio.Event()
        self._over = False
        self._failure: GatewayError | None = None

    def go_on(self, site: str, event_id: str) -> None:
        """The last event of the site that an earlier client saw; to be told before the site is subscribed to."""
        self._last[site] = EventId.parse(event_id)

    def begin(self, site: str, event_id: str | None) -> None:
        """Behind this id the events of the site come; counts until the first one came. None: an older server."""
        if event_id is not None and site not in self._last:
            self._last[site] = _read(event_id)

    def after(self, site: str) -> str | None:
        """The id of the last event of the site, if there is one."""
        last = self._last.get(site)
        return None if last is None else str(last)

    def take(self, message: Told) -> None:
        """An event or a gap came; raises ChainBroken for an id that is none."""
        if isinstance(message, EventMessage):
            event_id = _read(message.event_id)
            last = self._last.get(message.site)
            if last is not None and event_id <= last:
                return
            self._last[message.site] = event_id
        self._waiting.append(message)
        if len(self._waiting) > MOST_WAITING:
            self._drop_oldest()
        self._news.set()

    def end(self, failure: GatewayError | None) -> None:
        """Nothing more will come."""
        self._over, self._failure = True, self._failure or failure
        self._news.set()

    async def __aiter__(self) -> AsyncIterator[Told]:
        while True:
            while (told := self._next()) is not None:
                yield told
            if self._failure is not None:
                raise self._failure
            if self._over:
                return
            self._news.clear()
            await self._news.wait()

    def _drop_oldest(self) -> None:
        """In its place stands a gap before all that waits of its site."""
        oldest = self._waiting.popleft()
        if isinstance(oldest, EventMessage):
            oldest = EventGap(site=oldest.site, after=str(EventId.parse(oldest.event_id).before()))
        self._gaps.setdefault(oldest.site, oldest)

    def _next(self) -> Told | None:
        if self._gaps:
            return self._gaps.pop(next(iter(self._gaps)))
        return self._waiting.popleft() if self._waiting else None


def _read(event_id: str) -> EventId:
    try:
        return EventId.parse(event_id)
    except InvalidArgument as error:
        raise ChainBroken(error.message) from error
