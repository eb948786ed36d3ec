"""A network between a phone and its gateway that behaves as mobile networks do.

Rules:

* ``through``: connections are passed on, bytes both ways, ends too.
* ``swallow``: what connections there are go dead without a word: nothing more passes in either direction, and nobody
  is told of the other's end. New ones are passed on: the phone has another network.
* ``portal``: whoever connects gets a web page, whatever was asked for, as in a hotel before one has agreed.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

MOST_BYTES = 1 << 16
PAGE = b"<!doctype html><title>Welcome</title><p>Please agree to our terms."
PORTAL_ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\n"
    b"Content-Length: " + str(len(PAGE)).encode() + b"\r\n\r\n" + PAGE
)


@dataclass(eq=False)
class Passage:
    """One connection that is passed on. ``left``: the server has ended its side."""

    phone: asyncio.StreamWriter
    server: asyncio.StreamWriter
    dead: bool = False
    left: bool = False


class MoodyProxy:
    """Counts: ``passages`` are all that were ever passed on, ``asked`` what the portal answered."""

    def __init__(self, port: int) -> None:
        self._target = port
        self.port = 0
        self.portal = False
        self.asked = 0
        self.passages: list[Passage] = []

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def swallow(self) -> list[Passage]:
        """All connections go dead; those that lived."""
        lived = [one for one in self.passages if not one.dead]
        for one in lived:
            one.dead = True
        return lived

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.portal:
            await self._greet(reader, writer)
            return
        try:
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.close()
            return
        passage = Passage(writer, to_server)
        self.passages.append(passage)
        pumps = [
            asyncio.ensure_future(self._pump(passage, reader, to_server)),
            asyncio.ensure_future(self._pump(passage, from_server, writer)),
        ]
        try:
            await pumps[1]
            passage.left = True
            await pumps[0]
        finally:
            for pump in pumps:
                pump.cancel()
            writer.close()
            to_server.close()

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            await reader.readuntil(b"\r\n\r\n")
            self.asked += 1
            writer.write(PORTAL_ANSWER)
            await writer.drain()
        writer.close()

    async def _pump(self, passage: Passage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(MOST_BYTES):
                if not passage.dead:
                    writer.write(chunk)
                    await writer.drain()
        if not passage.dead:
            writer.close()


@asynccontextmanager
async def moody_proxy(port: int) -> AsyncIterator[MoodyProxy]:
    """A proxy before the server on ``port`` of 127.0.0.1, on a port of its own."""
    proxy = MoodyProxy(port)
    serving: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(proxy.serve(reader, writer))
        serving.add(task)
        task.add_done_callback(serving.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        for task in list(serving):
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
