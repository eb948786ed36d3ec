"""A websocket client that sends whatever bytes a test wants, and reads when and as much as the test wants."""

import asyncio
import base64
import contextlib
import json
import os
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
MOST_BYTES = 1 << 20
WAIT_S = 10


class Received(NamedTuple):
    """A frame of the server, which is never masked and never in pieces."""

    opcode: int
    payload: bytes

    @property
    def close_code(self) -> int | None:
        assert self.opcode == CLOSE, self
        return int.from_bytes(self.payload[:2]) if self.payload else None


def client_frame(  # one argument for each thing that can be wrong
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: bytes | None = b"\x37\xfa\x21\x3d",
    length: int | None = None,
) -> bytes:
    """The bytes of a frame as RFC 6455 5.2 has it; ``length`` claims another one, ``mask`` None leaves it out."""
    size = len(payload) if length is None else length
    masked = 0x80 if mask else 0
    if size <= 125:
        announced = bytes((masked | size,))
    elif size <= 65_535:
        announced = bytes((masked | 126,)) + struct.pack("!H", size)
    else:
        announced = bytes((masked | 127,)) + struct.pack("!Q", size)
    head = bytes(((0x80 if fin else 0) | rsv << 4 | opcode,)) + announced
    if mask is None:
        return head + payload
    key = int.from_bytes((mask * (len(payload) // 4 + 1))[: len(payload)])
    return head + mask + (int.from_bytes(payload) ^ key).to_bytes(len(payload))


def text(message: str, **fields: Any) -> bytes:
    return client_frame(TEXT, message.encode(), **fields)


def close(code: int | None = None, reason: bytes = b"") -> bytes:
    return client_frame(CLOSE, b"" if code is None else struct.pack("!H", code) + reason)


class RawSocket:
    """A connection after the handshake."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.answers_pings = False

    async def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.writer.write(piece)
        await self.writer.drain()

    async def frame(self) -> Received:
        async with asyncio.timeout(WAIT_S):
            first, size = await self.reader.readexactly(2)
            assert first & 0xF0 == 0x80, "whole, and no reserved bits"
            if size == 126:
                size = int.from_bytes(await self.reader.readexactly(2))
            elif size == 127:
                size = int.from_bytes(await self.reader.readexactly(8))
            return Received(first & 0x0F, await self.reader.readexactly(size))

    async def message(self) -> dict[str, Any]:
        """The next message; pings before it are answered if ``answers_pings``."""
        while (one := await self.frame()).opcode == PING:
            if self.answers_pings:
                await self.send(client_frame(PONG, one.payload))
        assert one.opcode == TEXT, one
        message: dict[str, Any] = json.loads(one.payload)
        return message

    async def closed(self) -> int | None:
        """The code of the close frame, and that the server ends the connection after it."""
        while (one := await self.frame()).opcode != CLOSE:
            pass
        async with asyncio.timeout(WAIT_S):
            assert await self.reader.read(MOST_BYTES) == b"", "nothing follows a close frame"
        return one.close_code

    async def frames(self) -> AsyncIterator[Received]:
        """All that comes until the server ends the connection, in whatever way."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                yield await self.frame()

    def abort(self) -> None:
        self.writer.transport.abort()


@asynccontextmanager
async def raw_socket(
    url: str, *, token: str | None = None, receive_bytes: int | None = None, headers: str = ""
) -> AsyncIterator[RawSocket]:
    """Open by hand; with ``receive_bytes`` the client's kernel takes about so much that nobody reads."""
    address = urlsplit(url)
    link = socket.socket()
    if receive_bytes is not None:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    link.setblocking(False)
    await asyncio.get_running_loop().sock_connect(link, (address.hostname, address.port))
    reader, writer = await asyncio.open_connection(sock=link, limit=receive_bytes or MOST_BYTES)
    key = base64.b64encode(os.urandom(16)).decode()
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    request = (
        f"GET {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{authorization}{headers}\r\n"
    )
    writer.write(request.encode())
    try:
        async with asyncio.timeout(WAIT_S):
            answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 101 "), answer
        assert b"sec-websocket-extensions" not in answer.lower(), "nothing is compressed"
        yield RawSocket(reader, writer)
    finally:
        writer.transport.abort()
