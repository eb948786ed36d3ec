"""A process with many websocket clients that read, answer pings and count: the load of every row that has one.

Its argument is an ``Order`` in JSON. It says ``ready`` when all have what they asked for, then answers each line of
its input with what they have received since they began. The first client takes its messages apart and counts the
values in them; the others count frames and bytes only, so that the load is not the limit.
"""

import asyncio
import base64
import json
import os
import sys
from typing import Any, Literal

import msgspec
import uvloop

from tests.bench.measure import allow_many_files
from tests.support.raw_socket import BINARY, PING, PONG, TEXT, client_frame, text

AT_ONCE = 50
WAIT_S = 60
SHORT, MEDIUM = 126, 127
CONNACK, PUBLISH, SUBACK = 2, 3, 9


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """``kind``: subscribe to ``keys`` at the gateway, to ``keys`` as topics at an MQTT broker, or only listen.

    With ``views`` above 1 the clients ask in turn for so many different views of the same values.
    """

    port: int
    count: int
    kind: Literal["gateway", "mqtt", "bare"]
    token: str = ""
    keys: tuple[str, ...] = ("#",)
    views: int = 1


class Received(msgspec.Struct):
    """``messages`` are frames of the gateway, PUBLISH packets of a broker; ``first_…`` is the first client's."""

    messages: int = 0
    text_bytes: int = 0
    first_values: int = 0
    first_bytes: int = 0


class Client(asyncio.Protocol):
    """One connection; all share one ``Received``."""

    path = "/api/v1/live"
    headers = ""

    def __init__(self, order: Order, number: int, received: Received) -> None:
        self.order = order
        self.number = number
        self.received = received
        self.is_first = number == 0
        self.ahead = b""
        self.upgraded = False
        self.only_counts = False
        self.loaded = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self.transport: asyncio.Transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET {self.path} HTTP/1.1\r\nHost: 127.0.0.1:{self.order.port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"{self.headers}\r\n".encode()
        )

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.loaded.done():
            self.loaded.set_exception(ConnectionError(f"the server closed the connection: {exc}"))

    def data_received(self, data: bytes) -> None:
        received = self.received
        if self.ahead:
            data = self.ahead + data
        at = 0 if self.upgraded else self.upgrade(data)
        end = len(data)
        while end - at >= 2:
            size, start = data[at + 1], at + 2
            if size == SHORT:
                size, start = int.from_bytes(data[at + 2 : at + 4]), at + 4
            elif size == MEDIUM:
                size, start = int.from_bytes(data[at + 2 : at + 10]), at + 10
            if end < start + size:
                break
            opcode = data[at] & 0x0F
            if opcode == TEXT and self.only_counts:
                received.messages += 1
                received.text_bytes += size
            else:
                self.frame(opcode, data[start : start + size])
            at = start + size
        self.ahead = data[at:]

    def upgrade(self, data: bytes) -> int:
        assert data.startswith(b"HTTP/1.1 101 "), data
        self.upgraded = True
        self.begin()
        return data.index(b"\r\n\r\n") + 4

    def begin(self) -> None:
        self.ready()

    def ready(self) -> None:
        self.loaded.set_result(None)
        self.only_counts = not self.is_first

    def frame(self, opcode: int, payload: bytes) -> None:
        if opcode == TEXT:
            self.received.messages += 1
            self.received.text_bytes += len(payload)
            if self.is_first:
                self.received.first_bytes += len(payload)
        elif opcode == PING:
            self.transport.write(client_frame(PONG, payload))


class GatewayClient(Client):
    """Ready with its snapshot."""

    @property
    def headers(self) -> str:  # type: ignore[override]
        return f"Authorization: Bearer {self.order.token}\r\n"

    def begin(self) -> None:
        own = (f"meters/{self.number % self.order.views}/+",) if self.order.views > 1 else ()
        keys = [*self.order.keys, *own]
        self.transport.write(text(json.dumps({"type": "subscribe", "id": 1, "site": "bench", "keys": keys})))

    def frame(self, opcode: int, payload: bytes) -> None:
        super().frame(opcode, payload)
        if opcode != TEXT:
            return
        if not self.loaded.done():
            if payload.startswith(b'{"type":"error"'):
                self.loaded.set_exception(ConnectionError(payload.decode()))
            elif payload.startswith(b'{"type":"snapshot"'):
                self.ready()
        elif self.is_first and payload.startswith(b'{"type":"delta"'):
            self.received.first_values += len(json.loads(payload)["values"])


def body_of(packets: bytes, at: int) -> tuple[int, int] | None:
    """Where the packet's body begins and ends (MQTT 3.1.1, 2.2.3); None: it is not whole."""
    size, shift, start = 0, 0, at + 1
    while start < len(packets):
        size += (packets[start] & 0x7F) << shift
        start, shift = start + 1, shift + 7
        if packets[start - 1] < 0x80:
            return (start, start + size) if start + size <= len(packets) else None
    return None


class MqttClient(Client):
    """MQTT 3.1.1 over websocket (OASIS, section 6): packets need not end where frames do. Ready when subscribed."""

    path = "/mqtt"
    headers = "Sec-WebSocket-Protocol: mqtt\r\n"
    packets = b""

    def begin(self) -> None:
        name = f"bench-{os.getpid()}-{self.number}".encode()
        self.say(0x10, b"\x00\x04MQTT\x04\x02\x00\x00" + len(name).to_bytes(2) + name)

    def say(self, first: int, body: bytes) -> None:
        assert len(body) < 128
        self.transport.write(client_frame(BINARY, bytes((first, len(body))) + body))

    def frame(self, opcode: int, payload: bytes) -> None:
        if opcode != BINARY:
            super().frame(opcode, payload)
            return
        packets = self.packets + payload
        at = 0
        while (body := body_of(packets, at)) is not None:
            self.packet(packets[at] >> 4)
            at = body[1]
        self.packets = packets[at:]

    def packet(self, kind: int) -> None:
        if kind == PUBLISH:
            self.received.messages += 1
            if self.is_first:
                self.received.first_values += 1
        elif kind == CONNACK:
            topics = b"".join(len(topic).to_bytes(2) + topic.encode() + b"\x00" for topic in self.order.keys)
            self.say(0x82, b"\x00\x01" + topics)
        elif kind == SUBACK:
            self.ready()


KINDS: dict[str, type[Client]] = {"gateway": GatewayClient, "mqtt": MqttClient, "bare": Client}


async def main(order: Order) -> None:
    loop = asyncio.get_running_loop()
    received, made = Received(), KINDS[order.kind]
    clients: list[Client] = []
    while len(clients) < order.count:
        numbers = range(len(clients), min(len(clients) + AT_ONCE, order.count))
        some = [
            (await loop.create_connection(lambda n=n: made(order, n, received), "127.0.0.1", order.port))[1]  # type: ignore[misc]
            for n in numbers
        ]
        async with asyncio.timeout(WAIT_S):
            await asyncio.gather(*(client.loaded for client in some))
        clients += some
    print(json.dumps("ready"), flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(msgspec.json.encode(received).decode(), flush=True)


if __name__ == "__main__":
    allow_many_files()
    uvloop.run(main(msgspec.json.decode(sys.argv[1], type=Order)))
