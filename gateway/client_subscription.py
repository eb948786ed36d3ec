"""What a client of the protocol has subscribed to, over any number of connections; and how it may end."""

import asyncio
from collections.abc import AsyncIterator

import msgspec

from gateway.domain.errors import GatewayError
from gateway.domain.values import Changes, Position, Reading
from gateway.protocol.messages import Error
from gateway.protocol.view import Applied, View


class ConnectionEnded(GatewayError):
    """The server wants this client not to come back."""

    code = "connection_ended"


class RequestRefused(GatewayError):
    """The server's answer to a request; ``reason`` is the code it gave."""

    code = "request_refused"

    def __init__(self, error: Error) -> None:
        super().__init__(f"{error.code}: {error.message}", retry_after_s=error.retry_after_s)
        self.reason = error.code


class Updated(msgspec.Struct, frozen=True):
    """What changed since the last look, at the position held now. ``whole``: keys not named are gone."""

    position: Position
    changes: Changes
    whole: bool


class Subscription:
    """One view. ``values`` are as of ``position``; while that is None they are what was known last.

    ``doubt`` is what the server itself said against the values, until it sends of them again. Iterating gives an
    ``Updated`` whenever something changed; it ends with the subscription, raising what ended it. One iteration at a
    time.
    """

    def __init__(self, site: str, keys: tuple[str, ...], min_interval_ms: float) -> None:
        self.site = site
        self.keys = keys
        self.min_interval_ms = min_interval_ms
        self.paused = False
        self.view = View()
        self.number: int | None = None
        self.over = False
        self.doubt = ""
        self._changes: Changes = {}
        self._whole = False
        self._news = asyncio.Event()
        self._answered = asyncio.Event()
        self._failure: GatewayError | None = None

    @property
    def values(self) -> dict[str, Reading]:
        return self.view.readings

    @property
    def position(self) -> Position | None:
        return self.view.position

    @property
    def current(self) -> bool:
        """Whether the whole view is there, and the present connection carries it on."""
        return self.number is not None and self.position is not None and not self.doubt

    async def complete(self) -> None:
        """Wait until the whole view is there; raises what makes that impossible."""
        while self.position is None:
            await self._next_news()

    def __aiter__(self) -> AsyncIterator[Updated]:
        return self._updates()

    async def _updates(self) -> AsyncIterator[Updated]:
        while not self.over or self._failure is not None:
            if self.position is not None and (self._changes or self._whole):
                updated = Updated(self.position, self._changes, self._whole)
                self._changes, self._whole = {}, False
                yield updated
            else:
                await self._next_news()

    async def _next_news(self) -> None:
        if self._failure is not None:
            raise self._failure
        self._news.clear()
        await self._news.wait()

    def applied(self, applied: Applied) -> None:
        """The view took a message."""
        self._changes = applied.changes if applied.whole else {**self._changes, **applied.changes}
        self._whole = self._whole or applied.whole
        self._news.set()

    def answered(self) -> None:
        """The server accepted it."""
        self._answered.set()

    async def accepted(self) -> None:
        """Wait for the server's answer; raises what ended the subscription instead."""
        await self._answered.wait()
        if self._failure is not None:
            raise self._failure

    def end(self, failure: GatewayError | None) -> None:
        """Nothing more will come."""
        self._failure = failure if not self.over else self._failure
        self.over = True
        self._news.set()
        self._answered.set()
