"""Readers that take nothing for a minute: what each costs the web process, and what it has to read afterwards."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from tests.bench.fanout import running
from tests.bench.table import Row
from tests.support.parts import free_port, nginx
from tests.support.proxy import WEBSOCKETS
from tests.support.slow_clients import Opened, SlowClient, browser_client, library_client, logged_in, raw_client

MANY, READING = 20, 10
STALL_S, EVERY_S, EXTRA_BYTES = 60, 0.025, 2_000
BUDGET_KB = 256


async def until(client: SlowClient, seq: int) -> list[int]:
    """Over how many changes each delta goes, up to the one that reaches the seq."""
    steps: list[int] = []
    reached = 0
    while reached < seq:
        delta = await client.next()
        reached = delta["seq"]
        steps.append(reached - delta["from"])
    return steps


@asynccontextmanager
async def way(through: str, port: str) -> AsyncIterator[str]:
    if through == "direct":
        yield f"127.0.0.1:{port}"
        return
    with tempfile.TemporaryDirectory() as folder:
        own = free_port()
        async with nginx(Path(folder), WEBSOCKETS.format(port=own, address=f"127.0.0.1:{port}"), own):
            yield f"127.0.0.1:{own}"


async def stalled(through: str, opened: Opened, count: int) -> float:
    """Kilobytes for each, measured as growth of the process."""
    changes = round(STALL_S / EVERY_S)
    async with AsyncExitStack() as stack:
        server = stack.enter_context(running("tests.bench.fanout_server", "frames", "uvloop"))
        port = server.answer().strip()
        readers = stack.enter_context(running("tests.bench.fanout_clients", port, str(READING), "gateway"))
        assert readers.answer() == "ready\n"
        address = await stack.enter_async_context(way(through, port))
        slow = [await stack.enter_async_context(opened(address)) for _ in range(count)]
        for client in slow:
            await logged_in(client, "bench", "#")
        warm = await asyncio.to_thread(server.ask, changes=10, every_s=EVERY_S, extra_bytes=EXTRA_BYTES)
        for client in slow:
            await until(client, 10)
            await client.stall()
        done = await asyncio.to_thread(server.ask, changes=changes, every_s=EVERY_S, extra_bytes=EXTRA_BYTES)
        got = await asyncio.to_thread(readers.ask)
        assert got == READING * (10 + changes), "the others got every frame"
        for client in slow:
            await client.go_on()
            steps = await until(client, 10 + changes)
            assert set(steps[:-1]) == {1}, "what was under way, and then one merged delta"
            assert steps[-1] > 1
        return float(done["resident_bytes"] - warm["resident_bytes"]) / count / 1024


def stall_rows() -> Iterator[Row]:
    """A minute each."""
    for what, opened, count, through in (
        ("reader", raw_client, MANY, "direct"),
        ("reader", raw_client, MANY, "through nginx"),
        ("websockets library", library_client, MANY, "direct"),
        ("Chromium", browser_client, 1, "direct"),
    ):
        cost_kb = asyncio.run(stalled(through, opened, count))
        yield Row(f"memory for a {what} stalled {STALL_S} s, {through}", "kB", cost_kb, "budget", BUDGET_KB)
