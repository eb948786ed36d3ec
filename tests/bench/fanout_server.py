"""A process that sends changes to whoever is connected, and says what that cost it. Run by ``fanout.py``.

Its first argument is the way out: ``frames`` (the gateway, to the transport), ``send`` (the gateway, by ASGI
``send``) or ``bare`` (a protocol that writes a ready frame, and nothing else); its second the event loop, ``uvloop``
or ``asyncio``. It prints its port, then answers each line of its input, a JSON object, with one.
"""

import asyncio
import gc
import json
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import uvloop
from litestar import Litestar, Router
from litestar.di import Provide

from gateway.api.connections import Connections
from gateway.api.live import Live, live_socket
from gateway.domain.clock import SystemClock
from gateway.domain.values import Delta, Position, Reading
from gateway.http import HttpLimits
from gateway.hub.hub import Hub
from gateway.protocol.flow import Pace
from gateway.protocol.frames import delta_frame
from gateway.protocol.messages import Limits
from gateway.run.ports import listen
from gateway.server import make_server
from gateway.services.rights import rights_of
from gateway.store.follow import Loaded
from tests.support.server import Tokens
from tests.support.waiting import eventually

SITE, KEY = "bench", "chargepoints/4/power_w"
READINGS = {
    f"chargepoints/{number // 20}/value_{number % 20}_w": Reading(float(number), 1.79e9) for number in range(60)
}
MANY = 1_000_000
LIMITS = Limits(connections_per_user=MANY, connections_per_address=MANY, heartbeat_s=600)

Publish = Callable[[int, int], None]
"""The number of the change, and how many bytes its text has beyond the usual."""


def small_change(number: int, extra_bytes: int) -> Delta:
    text = {"chargepoints/4/name": Reading("x" * extra_bytes, 1.79e9)} if extra_bytes else {}
    return Delta("e", number, number + 1, {KEY: Reading(float(number), 1.79e9 + number), **text})


class Bare(asyncio.Protocol):
    """Says yes to any handshake, and reads nothing after it."""

    everybody: dict[asyncio.Transport, None]

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"GET "):
            self.transport.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")
            self.everybody[self.transport] = None

    def connection_lost(self, exc: Exception | None) -> None:
        self.everybody.pop(self.transport, None)


async def serve_bare() -> tuple[int, Publish]:
    everybody: dict[asyncio.Transport, None] = {}
    Bare.everybody = everybody

    def publish(number: int, extra_bytes: int) -> None:
        delta = small_change(number, extra_bytes)
        wire = delta_frame(1, number, number + 1, delta.changes).wire
        for transport in everybody:
            transport.write(wire)

    server = await asyncio.get_running_loop().create_server(Bare, "127.0.0.1", 0, backlog=2048)
    return server.sockets[0].getsockname()[1], publish


async def serve_gateway(way: str) -> tuple[int, Publish]:
    clock = SystemClock()
    hub = Hub([SITE], clock, LIMITS)
    hub.on_step(SITE, Loaded(Position("e", 0), READINGS, dict.fromkeys(READINGS, 0), {}, 0))
    live = Live(hub, Tokens(), partial(rights_of, sites={SITE}), clock, Connections(LIMITS), version="bench")
    provided = Provide(lambda: live, sync_to_thread=False)
    routes = [Router("/api/v1", route_handlers=[live_socket])]
    app = Litestar(routes, dependencies={"live": provided}, openapi_config=None, logging_config=None)
    server = make_server(app, message_bytes=16_384, pace=Pace(), http=HttpLimits())
    if way == "send":
        server.config.ws = "websockets-sansio"
    listening = listen("127.0.0.1", 0)
    tasks.append(asyncio.create_task(server.serve(sockets=[listening])))
    tasks.append(asyncio.create_task(hub.run()))
    await eventually(lambda: server.started)
    return listening.getsockname()[1], lambda number, extra: hub.on_step(SITE, small_change(number, extra))


def resident_bytes() -> int:
    with open("/proc/self/smaps_rollup") as lines:  # noqa: PTH123 - it is no file
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Rss:"))


tasks: list[asyncio.Task[None]] = []


async def main(way: str) -> None:
    port, publish = await (serve_bare() if way == "bare" else serve_gateway(way))
    print(port, flush=True)
    seq = 0
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        request: dict[str, Any] = json.loads(line)
        began = time.process_time()
        for _ in range(request.get("changes", 0)):
            publish(seq, request.get("extra_bytes", 0))
            seq += 1
            await asyncio.sleep(request["every_s"])
        cpu_s = time.process_time() - began
        gc.collect()
        print(json.dumps({"cpu_s": cpu_s, "resident_bytes": resident_bytes()}), flush=True)
    for task in tasks:
        task.cancel()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop if sys.argv[2] == "uvloop" else None) as runner:
        runner.run(main(sys.argv[1]))
