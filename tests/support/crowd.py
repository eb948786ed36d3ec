"""A thousand phones in one process: websocket clients of a few lines, on asyncio alone (RFC 6455).

Each says everything it has to say right after the handshake, without waiting for an answer, and counts what it gets.
"""

import asyncio
import base64
import json
import secrets
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

UPGRADE = (
    "GET /api/v1/live HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: gateway.v1.json\r\n\r\n"
)
TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
FINAL = MASKED = 0x80
SHORT, TWO_BYTES, EIGHT_BYTES = 0x7D, 0x7E, 0x7F


def masked(opcode: int, payload: bytes) -> bytes:
    """One whole frame of a client; its mask is zero, which the RFC allows and readers like."""
    size = len(payload)
    length = bytes([MASKED | size]) if size <= SHORT else bytes([MASKED | TWO_BYTES]) + size.to_bytes(2)
    return bytes([FINAL | opcode]) + length + bytes(4) + payload


@dataclass(eq=False)
class Phone:
    """``got`` counts the messages by type since the phone woke up, ``said`` those it sent, in one breath."""

    name: str
    token: str
    keys: tuple[str, ...] = ("#",)
    values: dict[str, Any] = field(default_factory=dict)
    held: dict[str, Any] | None = None
    got: Counter[str] = field(default_factory=Counter)
    said: int = 0
    how: str = ""
    _view: str = ""
    _stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def wake(self, host: str, port: int, site: str) -> None:
        """Connect and ask, all in one breath after the handshake."""
        self.got.clear()
        reader, writer = self._stream = await asyncio.open_connection(host, port)
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        writer.write(UPGRADE.format(host=host, port=port, key=key).encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head
        subscribe = {"type": "subscribe", "id": 2, "site": site, "keys": list(self.keys)}
        if self.held is not None:
            subscribe["from"] = self.held
        asked = ({"type": "auth", "id": 1, "token": self.token, "device": self.name}, subscribe)
        writer.write(b"".join(masked(TEXT, json.dumps(one).encode()) for one in asked))
        self.said = len(asked)

    async def until(self, seq: int) -> None:
        """Take messages until the view is whole and at least there."""
        while self.held is None or not self.got["subscribed"] or self.held["seq"] < seq:
            self._take(await self._message())

    async def sleep(self) -> None:
        """The connection breaks off."""
        if self._stream is not None:
            self._stream[1].transport.abort()
            self._stream = None

    async def _message(self) -> dict[str, Any]:
        assert self._stream is not None
        reader, writer = self._stream
        while True:
            first, second = await reader.readexactly(2)
            size = second
            if second >= TWO_BYTES:
                size = int.from_bytes(await reader.readexactly(2 if second == TWO_BYTES else 8))
            payload = await reader.readexactly(size)
            opcode = first & 0x0F
            if opcode == PING:
                writer.write(masked(PONG, payload))
            elif opcode == CLOSE:
                raise ConnectionError(f"{self.name} was closed: {payload!r}")
            else:
                decoded: dict[str, Any] = json.loads(payload)
                return decoded

    def _take(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        self.got[kind] += 1
        assert kind != "error", message
        if kind == "subscribed":
            self.how = message["how"]
            if self.how == "snapshot":
                self.held, self.values = None, {}
            self._view = message["view"]
        elif kind == "snapshot":
            self.values.update(message["values"])
            if message["part"] == message["parts"]:
                self._hold(message["epoch"], message["seq"])
        elif kind == "delta":
            assert self.held is not None
            assert message["from"] <= self.held["seq"], "a gap"
            for key, entry in message["values"].items():
                if entry is None:
                    self.values.pop(key, None)
                else:
                    self.values[key] = entry
            self._hold(self.held["epoch"], max(message["seq"], self.held["seq"]))

    def _hold(self, epoch: str, seq: int) -> None:
        self.held = {"epoch": epoch, "seq": seq, "view": self._view}
