"""Readers that take nothing for a minute: what each costs the server, and what it has to read afterwards.

The others get every frame meanwhile, and the slow one one merged delta when it is back: both are checked. All run at
once, each with a server of its own: memory is measured here, and no time.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec

from tests.bench.table import Budget, Figure, Row
from tests.bench.world import Cores, world
from tests.support.parts import free_port, nginx
from tests.support.proxy import WEBSOCKETS
from tests.support.server import TOKEN
from tests.support.slow_clients import Opened, SlowClient, browser_client, library_client, logged_in, raw_client

BUDGET_KB = 256
WARM_UP = 10


class Size(msgspec.Struct, frozen=True):
    """``browser`` False leaves Chromium out."""

    seconds: float = 60
    every_s: float = 0.025
    extra_bytes: int = 2_000
    slow: int = 20
    reading: int = 10
    browser: bool = True


async def until(client: SlowClient, seq: int) -> list[int]:
    """Over how many changes each delta goes, up to the one that reaches the seq."""
    steps: list[int] = []
    reached = 0
    while reached < seq:
        delta = await client.next()
        if delta["type"] == "delta":
            reached = delta["seq"]
            steps.append(reached - delta["from"])
    return steps


@asynccontextmanager
async def way(through: str, port: int) -> AsyncIterator[str]:
    if through == "direct":
        yield f"127.0.0.1:{port}"
        return
    with tempfile.TemporaryDirectory() as folder:
        own = free_port()
        async with nginx(Path(folder), WEBSOCKETS.format(port=own, address=f"127.0.0.1:{port}"), own):
            yield f"127.0.0.1:{own}"


async def stalled(size: Size, cores: Cores, through: str, opened: Opened, count: int) -> float:
    """Kilobytes for each, measured as growth of the process."""
    changes = round(size.seconds / size.every_s)
    sent = {"every_s": size.every_s, "extra_bytes": size.extra_bytes, "collect": True}
    async with world(cores) as made, AsyncExitStack() as stack:
        server = await made.program("hub_server", "frames", 60)
        port = await server.answer()
        readers = await made.clients(size.reading, port=port, kind="gateway", token=TOKEN)
        address = await stack.enter_async_context(way(through, port))
        slow = [await stack.enter_async_context(opened(address)) for _ in range(count)]
        for client in slow:
            await logged_in(client, "bench", "#")
        warm = await server.ask(changes=WARM_UP, **sent)
        before = (await readers.until(messages=size.reading * WARM_UP)).messages
        for client in slow:
            await until(client, WARM_UP)
            await client.stall()
        done = await server.ask(changes=changes, **sent)
        await readers.until(messages=before + size.reading * changes)
        for client in slow:
            await client.go_on()
            steps = await until(client, WARM_UP + changes)
            assert set(steps[:-1]) <= {1}, "what was under way, and then one merged delta"
            assert steps[-1] > 1, steps[-1]
        return float(done["resident_bytes"] - warm["resident_bytes"]) / count / 1024


async def rows(size: Size, cores: Cores) -> list[Row]:
    cases: list[tuple[str, Opened, int, str]] = [
        ("reader", raw_client, size.slow, "direct"),
        ("reader", raw_client, size.slow, "through nginx"),
        ("websockets library", library_client, size.slow, "direct"),
    ]
    if size.browser:
        cases.append(("Chromium", browser_client, 1, "direct"))
    costs = await asyncio.gather(
        *(stalled(size, cores, through, opened, count) for _, opened, count, through in cases)
    )
    return [
        Row(
            f"memory for a {what} stalled {size.seconds:g} s, {through}",
            "kB",
            Figure.of(cost_kb),
            "bound by design, and what the transport rounds up",
            Figure.of(BUDGET_KB),
            Budget(BUDGET_KB),
        )
        for (what, _, _, through), cost_kb in zip(cases, costs, strict=True)
    ]
