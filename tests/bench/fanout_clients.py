"""A process with many clients that read, answer pings and count frames. Run by ``fanout.py``: port, how many, and
``gateway`` (subscribe) or ``bare`` (only listen). It says ``ready`` when all have their snapshot, and then answers
each line of its input with the number of messages received since.
"""

import asyncio
import base64
import json
import os
import sys
from typing import Any

import uvloop

from tests.support.raw_socket import PING, PONG, TEXT, client_frame, text
from tests.support.server import TOKEN

SUBSCRIBE = {"type": "subscribe", "id": 1, "site": "bench", "keys": ["#"]}
AT_ONCE = 50
SHORT, MEDIUM = 126, 127


class Client(asyncio.Protocol):
    """``messages`` counts those of all clients."""

    messages = 0
    ready: asyncio.Semaphore

    def __init__(self, kind: str) -> None:
        self.subscribes = kind == "gateway"
        self.ahead = b""
        self.upgraded = False
        self.loaded = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self.transport: asyncio.Transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET /api/v1/live HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        data = self.ahead + data
        at = 0
        if not self.upgraded:
            at = data.find(b"\r\n\r\n") + 4
            assert data.startswith(b"HTTP/1.1 101 "), data
            self.upgraded = True
            if self.subscribes:
                self.transport.write(text(json.dumps(SUBSCRIBE)))
            else:
                self.loaded.set_result(None)
        while len(data) - at >= 2:
            size, start = data[at + 1], at + 2
            if size == SHORT:
                size, start = int.from_bytes(data[at + 2 : at + 4]), at + 4
            elif size == MEDIUM:
                size, start = int.from_bytes(data[at + 2 : at + 10]), at + 10
            if len(data) < start + size:
                break
            self.frame(data[at] & 0x0F, data[start : start + size])
            at = start + size
        self.ahead = data[at:]

    def frame(self, opcode: int, payload: bytes) -> None:
        if opcode == TEXT:
            Client.messages += 1
            if not self.loaded.done() and payload.startswith(b'{"type":"snapshot"'):
                self.loaded.set_result(None)
        elif opcode == PING:
            self.transport.write(client_frame(PONG, payload))


async def main(port: int, count: int, kind: str) -> None:
    loop = asyncio.get_running_loop()
    clients: list[Client] = []
    while len(clients) < count:
        some = [
            (await loop.create_connection(lambda: Client(kind), "127.0.0.1", port))[1]
            for _ in range(min(AT_ONCE, count - len(clients)))
        ]
        await asyncio.gather(*(client.loaded for client in some))
        clients += some
    print("ready", flush=True)
    Client.messages = 0
    while await loop.run_in_executor(None, sys.stdin.readline):
        counted, Client.messages = Client.messages, 0
        print(counted, flush=True)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
