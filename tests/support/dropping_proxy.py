"""A TCP proxy that can lose an answer: the request arrives, the reply does not, the connection breaks.

It can also swallow everything and tell nobody, as a phone that lost its network does: a half-open connection.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

MOST_BYTES = 1 << 20


class DroppingProxy:
    """Passes bytes both ways, until told to lose an answer."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._fatal: bytes | None = None
        self.dropped = 0
        self.swallow = False
        self.url = ""
        self.address = ""

    def drop_answer_to(self, fatal: bytes) -> None:
        """Lose the answer to the next request that holds these bytes, once."""
        self._fatal = fatal

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", self._port)
        doomed = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._requests(reader, upstream_writer, doomed))
                group.create_task(self._answers(upstream_reader, writer, doomed))
        except* ConnectionError:
            pass
        finally:
            upstream_writer.close()
            writer.close()

    async def _requests(
        self, reader: asyncio.StreamReader, upstream: asyncio.StreamWriter, doomed: asyncio.Event
    ) -> None:
        while request := await reader.read(MOST_BYTES):
            if self._fatal is not None and self._fatal in request:
                self._fatal = None
                doomed.set()
            if not self.swallow:
                upstream.write(request)
        raise ConnectionError("the client is gone")

    async def _answers(
        self, upstream: asyncio.StreamReader, writer: asyncio.StreamWriter, doomed: asyncio.Event
    ) -> None:
        while answer := await upstream.read(MOST_BYTES):
            if doomed.is_set():
                self.dropped += 1
                break
            if not self.swallow:
                writer.write(answer)
        raise ConnectionError("the server is gone, or its answer is to be lost")


@asynccontextmanager
async def dropping_proxy(port: int) -> AsyncIterator[DroppingProxy]:
    """A proxy before ``port`` of 127.0.0.1; its ``url`` is for redis-py, its ``address`` for others.

    Close clients first.
    """
    proxy = DroppingProxy(port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    proxy.url = f"redis://{proxy.address}/0"
    try:
        yield proxy
    finally:
        server.close()
        await server.wait_closed()
