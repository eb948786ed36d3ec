"""A process with the hub and the server in it, and changes that need no store: what fan-out alone does and costs.

Its argument is the way out: ``frames`` (to the transport) or ``send`` (by ASGI ``send``). It prints its port, then
answers each line of its input, a JSON object, with one.
"""

import asyncio
import gc
import json
import os
import sys
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
from gateway.protocol.messages import Limits
from gateway.run.ports import listen
from gateway.server import make_server
from gateway.services.rights import rights_of
from gateway.store.follow import Loaded
from tests.bench.measure import allow_many_files, resident_bytes
from tests.support.server import Tokens
from tests.support.waiting import eventually

SITE, KEY = "bench", "chargepoints/4/power_w"
MANY = 1_000_000
LIMITS = Limits(connections_per_user=MANY, connections_per_address=MANY, heartbeat_s=600)


def readings(values: int) -> dict[str, Reading]:
    return {f"chargepoints/{n // 20}/value_{n % 20}_w": Reading(float(n), 1.79e9) for n in range(values)}


def small_change(number: int, extra_bytes: int = 0) -> Delta:
    """One number; with ``extra_bytes`` a text of so many besides."""
    text = {"chargepoints/4/name": Reading("x" * extra_bytes, 1.79e9)} if extra_bytes else {}
    return Delta("e", number, number + 1, {KEY: Reading(float(number), 1.79e9 + number), **text})


class Server:
    """The hub, its server and what they need to run."""

    def __init__(self, way: str, values: int) -> None:
        clock = SystemClock()
        self.hub = Hub([SITE], clock, LIMITS)
        held = readings(values)
        self.hub.on_step(SITE, Loaded(Position("e", 0), held, dict.fromkeys(held, 0), {}, 0))
        live = Live(self.hub, Tokens(), partial(rights_of, sites={SITE}), clock, Connections(LIMITS), version="bench")
        provided = Provide(lambda: live, sync_to_thread=False)
        routes = [Router("/api/v1", route_handlers=[live_socket])]
        app = Litestar(routes, dependencies={"live": provided}, openapi_config=None, logging_config=None)
        self.server = make_server(app, message_bytes=16_384, pace=Pace(), http=HttpLimits())
        if way == "send":
            self.server.config.ws = "websockets-sansio"
        self.listening = listen("127.0.0.1", 0)
        self.seq = 0

    async def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        for _ in range(request.get("changes", 0)):
            self.hub.on_step(SITE, small_change(self.seq, request.get("extra_bytes", 0)))
            self.seq += 1
            await asyncio.sleep(request["every_s"])
        if request.get("collect"):
            gc.collect()
        groups = self.hub._sites[SITE].groups.values()
        return {
            "resident_bytes": resident_bytes(os.getpid()),
            "encoded": sum(group.encoded for group in groups),
            "groups": len(groups),
        }


async def main(way: str, values: int) -> None:
    made = Server(way, values)
    async with asyncio.TaskGroup() as group:
        services = [
            group.create_task(made.server.serve(sockets=[made.listening])),
            group.create_task(made.hub.run()),
        ]
        await eventually(lambda: made.server.started)
        print(made.listening.getsockname()[1], flush=True)
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            print(json.dumps(await made.answer(json.loads(line))), flush=True)
        for service in services:
            service.cancel()


if __name__ == "__main__":
    allow_many_files()
    uvloop.run(main(sys.argv[1], int(sys.argv[2])))
