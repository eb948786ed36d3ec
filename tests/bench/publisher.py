"""A box that publishes faster than any client library: packets are made before they are due. MQTT 3.1.1, QoS 0."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

CONNECT = b"\x10\x12\x00\x04MQTT\x04\x02\x00\x00\x00\x06bench "
CONNACK_BYTES = 4
WAIT_S = 30
MORE = 0x80


def packet(topic: str, payload: bytes, *, retain: bool = False) -> bytes:
    """A PUBLISH packet (section 3.3)."""
    name = topic.encode()
    body = len(name).to_bytes(2) + name + payload
    size, length = len(body), b""
    while not length or size:
        size, low = divmod(size, MORE)
        length += bytes((low | MORE if size else low,))
    return bytes((0x31 if retain else 0x30,)) + length + body


class Publisher:
    """Made by ``publishing``."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def publish(self, packets: Iterable[bytes]) -> None:
        """Returns when the broker's kernel will take more."""
        self._writer.write(b"".join(packets))
        async with asyncio.timeout(WAIT_S):
            await self._writer.drain()


@asynccontextmanager
async def publishing(port: int) -> AsyncIterator[Publisher]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(CONNECT)
    async with asyncio.timeout(WAIT_S):
        assert await reader.readexactly(CONNACK_BYTES) == b"\x20\x02\x00\x00"
    try:
        yield Publisher(writer)
    finally:
        writer.transport.abort()
