"""The baselines of fan-out, each a process of its own on uvloop; none knows sites, rights, views or slow clients.

* ``bare``: a protocol that says yes to any handshake, and writes a ready frame to all. The floor.
* ``litestar``: a websocket handler as one would write it: a queue and a task for each client.
* ``websockets``: the server of the library of that name, which ``broadcast``s.

The arguments are one of them and, for ``bare``, how many values a frame holds. It prints its port, then answers each
line of its input, a JSON object, with one.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Any

import uvicorn
import uvloop
from litestar import Litestar, WebSocket, websocket
from websockets.asyncio.server import ServerConnection, broadcast, serve

from gateway.domain.values import Changes, Reading
from gateway.protocol.frames import delta_frame
from gateway.run.ports import listen
from tests.bench.hub_server import small_change
from tests.bench.measure import allow_many_files
from tests.support.waiting import eventually

Publish = Callable[[int], None]
MOST_QUEUED = 10_000
LEAVES = ("power_w", "produced_wh", "produced_today_wh", "produced_month_wh", "produced_year_wh")


def frame_of(number: int, values: int = 1) -> Any:
    """The same bytes that the gateway sends; many values are those of inverters, as in the row ``burst``."""
    changes = small_change(number).changes if values == 1 else many(number, values)
    return delta_frame(1, number, number + 1, changes)


def many(number: int, values: int) -> Changes:
    at = round(1.79e9 + number * 0.25, 3)
    keys = (f"inverters/{n // len(LEAVES)}/{LEAVES[n % len(LEAVES)]}" for n in range(values))
    return {key: Reading(float(1000 + number), at) for key in keys}


class Bare(asyncio.Protocol):
    """Reads nothing after the handshake."""

    everybody: dict[asyncio.Transport, None]

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"GET "):
            self.transport.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")
            self.everybody[self.transport] = None

    def connection_lost(self, exc: Exception | None) -> None:
        self.everybody.pop(self.transport, None)


async def bare(values: int) -> tuple[int, Publish]:
    everybody: dict[asyncio.Transport, None] = {}
    Bare.everybody = everybody

    def publish(number: int) -> None:
        wire = frame_of(number, values).wire
        for transport in everybody:
            transport.write(wire)

    server = await asyncio.get_running_loop().create_server(Bare, "127.0.0.1", 0, backlog=2048)
    return server.sockets[0].getsockname()[1], publish


async def litestar(_values: int) -> tuple[int, Publish]:
    queues: dict[asyncio.Queue[str], None] = {}

    @websocket("/api/v1/live")
    async def live(socket: WebSocket[Any, Any, Any]) -> None:
        await socket.accept()
        queue: asyncio.Queue[str] = asyncio.Queue(MOST_QUEUED)
        queues[queue] = None

        async def send() -> None:
            while True:
                await socket.send_text(await queue.get())

        sending = asyncio.create_task(send())
        try:
            async for _ in socket.iter_data("text"):
                pass
        finally:
            del queues[queue]
            sending.cancel()

    def publish(number: int) -> None:
        text = frame_of(number).text
        for queue in queues:
            queue.put_nowait(text)

    app = Litestar([live], openapi_config=None, logging_config=None)
    config = uvicorn.Config(
        app, ws="websockets-sansio", lifespan="off", log_config=None, ws_per_message_deflate=False
    )
    server, listening = uvicorn.Server(config), listen("127.0.0.1", 0)
    tasks.append(asyncio.create_task(server.serve(sockets=[listening])))
    await eventually(lambda: server.started)
    return listening.getsockname()[1], publish


async def websockets(_values: int) -> tuple[int, Publish]:
    everybody: dict[ServerConnection, None] = {}

    async def handle(connection: ServerConnection) -> None:
        everybody[connection] = None
        try:
            await connection.wait_closed()
        finally:
            del everybody[connection]

    server = await serve(handle, "127.0.0.1", 0, compression=None, ping_interval=None)
    return next(iter(server.sockets)).getsockname()[1], lambda number: broadcast(everybody, frame_of(number).text)


WAYS = {"bare": bare, "litestar": litestar, "websockets": websockets}
tasks: list[asyncio.Task[None]] = []


async def main(way: str, values: int = 1) -> None:
    port, publish = await WAYS[way](values)
    print(port, flush=True)
    loop = asyncio.get_running_loop()
    number = 0
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        request: dict[str, Any] = json.loads(line)
        for _ in range(request["changes"]):
            publish(number)
            number += 1
            await asyncio.sleep(request["every_s"])
        print("null", flush=True)
    for task in tasks:
        task.cancel()


if __name__ == "__main__":
    allow_many_files()
    uvloop.run(main(sys.argv[1], *map(int, sys.argv[2:])))
