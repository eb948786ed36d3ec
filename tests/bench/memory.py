"""What an idle connection takes, authenticated and subscribed: the growth of the web process, direct, without nginx.

The baselines are the least that anybody could have: a bare uvloop protocol, and a connection of the ``websockets``
library's server. None of the three is counted with what the kernel has for a socket.
"""

from collections.abc import Awaitable, Callable

import msgspec

from gateway.domain.values import Reading
from tests.bench.hub_server import readings
from tests.bench.measure import PAGE_BYTES, resident_bytes
from tests.bench.table import Budget, Figure, Row
from tests.bench.world import Cores, World, world, writing

FIRST = 50


class Size(msgspec.Struct, frozen=True):
    clients: int = 5_000
    values: int = 60
    rounds: int = 2


Server = tuple[int, int, str, str]
"""Process, port, kind of client, token."""


async def ours(made: World, size: Size) -> Server:
    redis = await made.redis()
    writer = await made.stack.enter_async_context(writing(redis, readings(size.values)))
    web = await made.web(redis.url)
    await writer.append({"chargepoints/1/name": Reading("bench", 1.79e9)})
    return web.pid, web.port, "gateway", web.log_in()


async def bare(made: World, _: Size) -> Server:
    child = await made.program("bare_server", "bare", under_test=True)
    return child.pid, await child.answer(), "bare", ""


async def library(made: World, _: Size) -> Server:
    child = await made.program("bare_server", "websockets", under_test=True)
    return child.pid, await child.answer(), "bare", ""


async def kilobytes(size: Size, cores: Cores, server: Callable[[World, Size], Awaitable[Server]]) -> float:
    """Of each connection beyond the first few, with which all comes that is made once."""
    async with world(cores) as made:
        pid, port, kind, token = await server(made, size)
        await made.clients(FIRST, port=port, kind=kind, token=token)
        before = resident_bytes(pid)
        await made.clients(size.clients, port=port, kind=kind, token=token)
        return max(PAGE_BYTES, resident_bytes(pid) - before) / size.clients / 1024


async def rows(size: Size, cores: Cores) -> list[Row]:
    found = {
        server: Figure.of(*[await kilobytes(size, cores, server) for _ in range(size.rounds)])
        for server in (ours, bare, library)
    }
    what = f"memory of an idle connection, {size.clients} of them"
    return [
        Row(what, "kB", found[ours], "bare uvloop protocol", found[bare], Budget(30)),
        Row(what, "kB", found[ours], "websockets library", found[library]),
    ]
