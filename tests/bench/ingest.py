"""From MQTT to Redis: how many changed values a second one bridge brings into the store.

A box publishes messages that each change one value, and only so many ahead of what has been done that no value is
overtaken by its successor: all of them are written. Ours is the bridge process; beside it aiomqtt that only reads,
and aiomqtt with a plain XADD and HSET. A further row is the store's script alone.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from redis.asyncio import Redis

from gateway.domain.values import Changes, Reading
from gateway.store.packing import unpack_entry
from gateway.store.redis import SiteStore, Writer, open_client
from tests.bench.measure import cpu_s
from tests.bench.publisher import Publisher, packet, publishing
from tests.bench.table import Budget, Figure, Row
from tests.bench.world import SITE, Cores, World, world
from tests.support.broker import MosquittoPart
from tests.support.parts import mosquitto
from tests.support.waiting import eventually

LEAVES = ("power", "exported", "daily_exported", "monthly_exported", "yearly_exported")
STREAM = f"{{{SITE}}}:changes"
STALLED_S = 20
Done = Callable[[], Awaitable[int]]


class Size(msgspec.Struct, frozen=True):
    """``keys`` are more than may be under way, so that the same one never is twice."""

    keys: int = 4_000
    ahead: int = 3_000
    at_once: int = 250
    messages: int = 40_000
    rounds: int = 3
    entries: int = 1_000
    changes: int = 20


class Way:
    """Where to publish, who is measured, and how much of it is done."""

    def __init__(self, broker: MosquittoPart, pid: int, done: Done) -> None:
        self.broker = broker
        self.pid = pid
        self.done = done
        self.per_s: list[float] = []
        self.us: list[float] = []


class Written:
    """Counts the values in the entries of the changes stream."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._last = b"0-0"
        self._values = 0

    async def __call__(self) -> int:
        entries: Any = await self._redis.xrange(STREAM, min=f"({self._last.decode()}", count=500)
        for name, fields in entries:
            self._last = name
            self._values += sum(key.startswith("inverters/") for key in unpack_entry(name, fields).changes)
        return self._values


async def bridge_way(made: World) -> Way:
    broker = mosquitto(made.place())
    await made.part(broker)
    redis = await made.redis()
    bridge = await made.bridge(redis.url, broker.url, under_test=True)
    client = open_client(redis.url)
    made.stack.push_async_callback(client.aclose)
    return Way(broker, bridge.pid, Written(client))


async def plain_way(made: World, kind: str) -> Way:
    broker = mosquitto(made.place())
    await made.part(broker)
    redis = await made.redis()
    child = await made.program("plain_ingest", kind, broker.port, redis.url, under_test=True)
    assert await child.answer() == "ready"
    return Way(broker, child.pid, child.ask)


async def published(size: Size, way: Way, publisher: Publisher, first: int, messages: int) -> None:
    """All of them, and all done."""
    began_at = await way.done()
    done = 0
    moved_at = time.monotonic()
    for sent in range(0, messages + size.at_once, size.at_once):
        while done < min(sent - size.ahead, messages) or (sent >= messages and done < messages):
            await asyncio.sleep(0.002)
            former, done = done, await way.done() - began_at
            moved_at = time.monotonic() if done != former else moved_at
            assert time.monotonic() - moved_at < STALLED_S, f"stuck at {done} of {messages}"
        numbers = range(first + sent, first + min(sent + size.at_once, messages))
        await publisher.publish(message(n % size.keys, n) for n in numbers)


def message(key: int, number: int) -> bytes:
    return packet(f"openWB/pv/{key // len(LEAVES)}/get/{LEAVES[key % len(LEAVES)]}", str(number + 1).encode())


async def ready(way: Way, publisher: Publisher) -> None:
    """A first value has arrived, however often it must be said."""
    numbers = iter(range(1, 10_000))

    async def taken() -> bool:
        await publisher.publish([message(0, next(numbers))])
        return await way.done() > 0

    await eventually(taken, 30, every_s=0.2)
    await asyncio.sleep(0.5)  # whatever of it is under way
    await way.done()


async def measured(size: Size, ways: list[Way]) -> None:
    for number in range(size.rounds + 1):
        for way in ways:
            async with publishing(way.broker.port) as publisher:
                if not number:
                    await ready(way, publisher)
                began, began_s = time.perf_counter(), cpu_s(way.pid)
                await published(size, way, publisher, number * size.messages, size.messages)
                if number:  # the first is for the warm-up
                    way.per_s.append(size.messages / (time.perf_counter() - began))
                    way.us.append((cpu_s(way.pid) - began_s) / size.messages * 1e6)


async def through(size: Size, cores: Cores) -> list[Row]:
    async with world(cores) as made:
        ours, read, stored = await bridge_way(made), await plain_way(made, "read"), await plain_way(made, "store")
        await measured(size, [ours, read, stored])
    what, budget = "ingest, MQTT to Redis, one bridge", Budget(10_000, at_least=True)
    reads, stores = "aiomqtt that only reads", "aiomqtt, XADD and HSET"
    per_s, us = Figure.of(*ours.per_s), Figure.of(*ours.us)
    return [
        Row(what, "values/s", per_s, reads, Figure.of(*read.per_s), budget),
        Row(what, "values/s", per_s, stores, Figure.of(*stored.per_s)),
        Row("CPU of the bridge for a changed value", "us", us, reads, Figure.of(*read.us)),
        Row("CPU of the bridge for a changed value", "us", us, stores, Figure.of(*stored.us)),
    ]


def batch(size: Size, number: int) -> Changes:
    return {f"chargepoints/{key}/power_w": Reading(float(number + key), 1.79e9) for key in range(size.changes)}


async def by_script(size: Size, url: str) -> float:
    redis = open_client(url)
    store = SiteStore(redis)
    fence = await store.acquire("alone", "me", 60_000, 0)
    assert fence is not None
    opening = {"holder": "me", "fence": fence, "batch": f"open-{fence}", "known_seq": 0, "epoch": f"e-{time.time()}"}
    position = await store.open_epoch("alone", readings={}, **opening)  # type: ignore[arg-type]
    seq = position.seq
    began = time.perf_counter()
    for number in range(size.entries):
        seq = await store.append("alone", Writer(position.epoch, fence, seq), f"batch-{seq}", batch(size, number))
    took = time.perf_counter() - began
    await redis.aclose()
    return size.entries * size.changes / took


async def by_multi(size: Size, url: str) -> float:
    redis = open_client(url)
    began = time.perf_counter()
    for number in range(size.entries):
        changes = batch(size, number)
        packed = {key: msgspec.msgpack.encode(reading) for key, reading in changes.items()}
        async with redis.pipeline(transaction=True) as pipe:
            pipe.xadd("stream", {"set": msgspec.msgpack.encode(changes)}, maxlen=20_000)
            pipe.hset("latest", mapping=packed)  # type: ignore[arg-type]
            await pipe.execute()
    took = time.perf_counter() - began
    await redis.aclose()
    return size.entries * size.changes / took


async def script(size: Size, cores: Cores) -> list[Row]:
    ours: list[float] = []
    plain: list[float] = []
    async with world(cores) as made:
        redis = await made.redis()
        for _ in range(size.rounds):
            ours.append(await by_script(size, redis.url))
            plain.append(await by_multi(size, redis.url))
    what = f"compare and append, {size.changes} values an entry, one after the other"
    return [Row(what, "values/s", Figure.of(*ours), "XADD and HSET in MULTI", Figure.of(*plain))]


async def rows(size: Size, cores: Cores) -> list[Row]:
    return [*await through(size, cores), *await script(size, cores)]
