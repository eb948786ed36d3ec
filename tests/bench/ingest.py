"""Compare and append, beside a plain XADD and HSET of the same changes in one pipeline."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from gateway.domain.values import Changes, Reading
from gateway.store.redis import SiteStore, Writer, open_client
from tests.bench.table import Row
from tests.support.parts import redis_server

ENTRIES, CHANGES = 1_000, 20


def batch(number: int) -> Changes:
    return {f"chargepoints/{key}/power_w": Reading(float(number + key), 1.79e9) for key in range(CHANGES)}


async def ours(url: str) -> float:
    redis = open_client(url)
    store = SiteStore(redis)
    fence = await store.acquire("bench", "me", 60_000, 0)
    assert fence is not None
    position = await store.open_epoch(
        "bench", holder="me", fence=fence, batch="open", known_seq=0, readings={}, epoch="e"
    )
    seq = position.seq
    began = time.perf_counter()
    for number in range(ENTRIES):
        seq = await store.append("bench", Writer("e", fence, seq), f"batch-{number}", batch(number))
    took = time.perf_counter() - began
    await redis.aclose()
    return ENTRIES * CHANGES / took


async def plain(url: str) -> float:
    redis = open_client(url)
    began = time.perf_counter()
    for number in range(ENTRIES):
        changes = batch(number)
        packed: dict[Any, Any] = {key: msgspec.msgpack.encode(reading) for key, reading in changes.items()}
        async with redis.pipeline(transaction=True) as pipe:
            pipe.xadd("stream", {"set": msgspec.msgpack.encode(changes)}, maxlen=20_000)
            pipe.hset("latest", mapping=packed)
            await pipe.execute()
    took = time.perf_counter() - began
    await redis.aclose()
    return ENTRIES * CHANGES / took


def ingest_rows() -> Iterator[Row]:
    """Changed values a second, one after the other awaited."""

    async def measured() -> tuple[float, float]:
        with tempfile.TemporaryDirectory() as folder:
            async with redis_server(Path(folder)) as redis:
                return await ours(redis.url), await plain(redis.url)

    one, other = asyncio.run(measured())
    yield Row(f"compare and append, {CHANGES} values an entry", "values/s", one, "XADD and HSET in MULTI", other)
