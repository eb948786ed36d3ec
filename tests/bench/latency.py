"""How long a change takes from MQTT publish to a websocket client, on an idle machine.

One process publishes, listens at the same broker as an MQTT subscriber does, and is a client of the gateway; all
three see the same messages, one at a time, with irregular pauses. Bridge and web run apart, with a Redis server;
nobody is pinned. The other row is ``up``: all of it in one process with the embedded store.
"""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from statistics import quantiles
from typing import Any

import msgspec

from tests.bench.burst import up as box_up
from tests.bench.publisher import Publisher, packet, publishing
from tests.bench.table import Budget, Figure, Row
from tests.bench.world import SITE, Cores, World, world
from tests.support.broker import MosquittoPart
from tests.support.gateway import GatewayPart
from tests.support.parts import mosquitto
from tests.support.raw_socket import raw_socket, text

TOPIC, KEY = "openWB/pv/1/get/power", "inverters/1/power_w"
WITHIN_S = 10
SUBSCRIBER = "MQTT subscriber of the same broker"


class Size(msgspec.Struct, frozen=True):
    messages: int = 200
    rounds: int = 3
    least_pause_s: float = 0.03
    most_pause_s: float = 0.06


class Arrivals:
    """When which number came."""

    def __init__(self) -> None:
        self._waiting: dict[int, asyncio.Future[float]] = {}

    def expect(self, number: int) -> "asyncio.Future[float]":
        self._waiting[number] = asyncio.get_running_loop().create_future()
        return self._waiting[number]

    def came(self, number: int) -> None:
        waiting = self._waiting.pop(number, None)
        if waiting is not None:
            waiting.set_result(time.perf_counter())


class Subscriber(asyncio.Protocol):
    """The least an MQTT subscriber can be: its packets here are small, and come one by one."""

    def __init__(self, arrivals: Arrivals) -> None:
        self.arrivals = arrivals
        self.subscribed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        transport.write(b"\x10\x10\x00\x04MQTT\x04\x02\x00\x00\x00\x04ears")
        topic = TOPIC.encode()
        body = b"\x00\x01" + len(topic).to_bytes(2) + topic + b"\x00"
        transport.write(bytes((0x82, len(body))) + body)

    def data_received(self, data: bytes) -> None:
        while data:
            one, data = data[: 2 + data[1]], data[2 + data[1] :]
            if one[0] >> 4 == 9:
                self.subscribed.set_result(None)
            elif one[0] >> 4 == 3:
                self.arrivals.came(abs(int(one[4 + len(TOPIC) :])))


async def watched(web: GatewayPart, arrivals: Arrivals, ready: "asyncio.Event") -> None:
    """A client of the gateway, until cancelled."""
    async with raw_socket(f"ws://127.0.0.1:{web.port}/api/v1/live", token=web.log_in()) as socket:
        socket.answers_pings = True
        wish = {"type": "subscribe", "id": 1, "site": SITE, "keys": [KEY]}
        await socket.send(text(json.dumps(wish)))
        reader = socket.reader
        while True:
            first, size = await reader.readexactly(2)
            if size == 126:
                size = int.from_bytes(await reader.readexactly(2))
            payload = await reader.readexactly(size)
            came = json.loads(payload) if first & 0x0F == 1 else {}
            if came.get("type") == "snapshot":
                ready.set()
            elif came.get("type") == "delta" and came["values"].get(KEY):
                arrivals.came(round(abs(came["values"][KEY][0])))


async def rounds(size: Size, publisher: Publisher, sides: tuple[Arrivals, Arrivals]) -> list[list[list[float]]]:
    """Milliseconds, by side, by round."""
    found: list[list[list[float]]] = [[], []]
    numbers = iter(range(1_000, 1_000_000))
    for _ in range(size.rounds):
        took: list[list[float]] = [[], []]
        for _ in range(size.messages):
            await asyncio.sleep(random.uniform(size.least_pause_s, size.most_pause_s))
            number = next(numbers)
            waiting = [side.expect(number) for side in sides]
            began = time.perf_counter()
            await publisher.publish([packet(TOPIC, str(-number).encode(), retain=True)])
            async with asyncio.timeout(WITHIN_S):
                for times, arrived in zip(took, await asyncio.gather(*waiting), strict=True):
                    times.append((arrived - began) * 1000)
        for times, all_times in zip(took, found, strict=True):
            all_times.append(times)
    return found


async def measured(size: Size, broker: MosquittoPart, web: GatewayPart) -> list[list[list[float]]]:
    ours, theirs, ready = Arrivals(), Arrivals(), asyncio.Event()
    loop = asyncio.get_running_loop()
    async with publishing(broker.port) as publisher:
        await box_up(web, publisher)
        ears, subscriber = await loop.create_connection(lambda: Subscriber(theirs), "127.0.0.1", broker.port)
        watching = asyncio.create_task(watched(web, ours, ready), name="client")
        try:
            async with asyncio.timeout(WITHIN_S):
                await asyncio.gather(subscriber.subscribed, ready.wait())
            return await rounds(size, publisher, (ours, theirs))
        finally:
            ears.abort()
            watching.cancel()
            await asyncio.wait({watching})


@asynccontextmanager
async def apart(made: World) -> AsyncIterator[tuple[MosquittoPart, GatewayPart]]:
    broker = mosquitto(made.place())
    await made.part(broker)
    redis = await made.redis()
    await made.bridge(redis.url, broker.url)
    yield broker, await made.web(redis.url, broker.url)


@asynccontextmanager
async def together(made: World) -> AsyncIterator[tuple[MosquittoPart, GatewayPart]]:
    broker = mosquitto(made.place())
    await made.part(broker)
    up = GatewayPart("up", made.place(), config=made.site_file(broker.url), silent_after_intervals=1000)
    await made.part(up)
    yield broker, up


def compared(what: str, times: list[list[list[float]]], budgets: tuple[Budget | None, Budget | None]) -> list[Row]:
    percentiles: list[tuple[str, Callable[[list[float]], float]]] = [
        ("p50", lambda one: quantiles(one, n=100)[49]),
        ("p99", lambda one: quantiles(one, n=100)[98]),
    ]
    return [
        Row(
            f"{what}, {name}",
            "ms",
            Figure.of(*map(of, times[0])),
            SUBSCRIBER,
            Figure.of(*map(of, times[1])),
            budget,
        )
        for (name, of), budget in zip(percentiles, budgets, strict=True)
    ]


async def rows(size: Size, cores: Cores) -> list[Row]:
    everywhere = Cores(cores.server | cores.load, cores.server | cores.load)
    found: list[Row] = []
    for what, way, budgets in (
        ("MQTT publish to websocket client", apart, (Budget(8), Budget(30))),
        ("the same through `up`", together, (None, None)),
    ):
        async with world(everywhere) as made, way(made) as (broker, web):
            found += compared(what, await measured(size, broker, web), budgets)
    return found
