"""What a delivered frame costs the web process: one small change, 40 times a second, to many clients.

Ours is the whole web process, which reads each change from Redis. ``bare``, ``litestar`` and our hub alone make the
change themselves. All ways stand side by side, idle but for the one whose turn it is; each round goes through all.
"""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from gateway.domain.values import Reading
from tests.bench.hub_server import KEY
from tests.bench.measure import cpu_s
from tests.bench.table import Budget, Figure, Row
from tests.bench.world import Cores, Load, World, world, writing

Send = Callable[[int], Awaitable[object]]
BARE, PLAIN = "bare uvloop protocol, ready frame", "Litestar handler, queue and task per client"


class Size(msgspec.Struct, frozen=True):
    clients: tuple[int, ...] = (500, 2_000)
    views: tuple[int, ...] = (4, 8)
    changes: int = 120
    every_s: float = 0.025
    rounds: int = 3


class Way:
    """A server, its clients, and what makes it send."""

    def __init__(self, pid: int, clients: Load, send: Send, count: int) -> None:
        self.pid = pid
        self.clients = clients
        self.send = send
        self.count = count
        self.costs_us: list[float] = []
        self.load_share = 0.0
        self.missing = 0

    async def round(self, changes: int) -> float:
        """Microseconds of the server's CPU for each frame that arrived."""
        before = (await self.clients.counted()).messages
        began, load_began, clock = cpu_s(self.pid), cpu_s(*self.clients.pids), asyncio.get_running_loop().time
        began_s = clock()
        await self.send(changes)
        wanted = before + changes * self.count
        arrived = await self.clients.arrived(wanted)
        used = cpu_s(self.pid) - began
        self.load_share = (cpu_s(*self.clients.pids) - load_began) / (clock() - began_s)
        self.missing = max(0, wanted - arrived)  # a client that lags, on a loaded machine, gets merged frames
        return used / (arrived - before) * 1e6


async def child_way(made: World, module: str, way: str, count: int, every_s: float, processes: int = 1) -> Way:
    words = (way, 60) if module == "hub_server" else (way,)
    server = await made.program(module, *words, under_test=True)
    port = await server.answer()
    kind, token = ("gateway", "a-good-token") if module == "hub_server" else ("bare", "")
    clients = await made.clients(count, processes, port=port, kind=kind, token=token)
    return Way(server.pid, clients, lambda changes: server.ask(changes=changes, every_s=every_s), count)


async def web_way(made: World, count: int, every_s: float, views: int = 1, processes: int = 1) -> Way:
    redis = await made.redis()
    keys = [KEY, *(f"inverters/{n}/power_w" for n in range(60))]
    writer = await made.stack.enter_async_context(writing(redis, keys))
    web = await made.web(redis.url)
    clients = await made.clients(
        count,
        processes,
        port=web.port,
        kind="gateway",
        token=web.log_in(),
        keys=(KEY,) if views > 1 else ("#",),
        views=views,
    )

    async def send(changes: int) -> None:
        clock = asyncio.get_running_loop().time
        due = clock()
        for number in range(changes):
            await writer.append({KEY: Reading(float(writer.seq + number), due)})
            due += every_s
            await asyncio.sleep(max(0.0, due - clock()))

    return Way(web.pid, clients, send, count)


async def measured(size: Size, ways: list[Way]) -> None:
    for way in ways:
        await way.round(max(1, size.changes // 4))  # warm-up
    for _ in range(size.rounds):
        for way in ways:
            way.costs_us.append(await way.round(size.changes))


def against(way: Way, baseline: Way, what: str, name: str, budget: Budget | None = None) -> Row:
    return Row(what, "us", Figure.of(*way.costs_us), name, Figure.of(*baseline.costs_us), budget)


async def with_clients(size: Size, cores: Cores, count: int) -> list[Row]:
    async with world(cores) as made:
        bare = await child_way(made, "bare_server", "bare", count, size.every_s)
        plain = await child_way(made, "bare_server", "litestar", count, size.every_s)
        ours = await web_way(made, count, size.every_s)
        hub = await child_way(made, "hub_server", "frames", count, size.every_s)
        await measured(size, [bare, ours, hub, plain])
        what = f"CPU per delivered frame, {count} clients"
        load = Figure.of(ours.load_share)
        sent = size.changes * count
        return [
            against(ours, bare, what, BARE, Budget(1.6, of_ratio=True)),
            against(ours, plain, what, PLAIN),
            against(hub, bare, f"{what}, hub and transport alone", BARE),
            Row(f"load client's share of its core, {count} clients", "cores", load, "one core", Figure.of(1.0)),
            Row(
                f"frames that arrived, {count} clients", "1", Figure.of(sent - ours.missing), "sent", Figure.of(sent)
            ),
        ]


async def with_views(size: Size, cores: Cores) -> list[Row]:
    count = size.clients[0]
    async with world(cores) as made:
        one = await web_way(made, count, size.every_s)
        several = [await web_way(made, count, size.every_s, views=views) for views in size.views]
        twice = await web_way(made, count, size.every_s, processes=2)
        send = await child_way(made, "hub_server", "send", count, size.every_s)
        hub = await child_way(made, "hub_server", "frames", count, size.every_s)
        await measured(size, [one, *several, twice, send, hub])
        what = f"CPU per delivered frame, {count} clients"
        rows = [
            against(way, one, f"{what} in {views} views", "all in one view")
            for views, way in zip(size.views, several, strict=True)
        ]
        rows.append(against(twice, one, f"{what}, in two load processes", "in one load process"))
        rows.append(against(hub, send, f"{what}, hub and transport alone", "the same by ASGI send"))
        return rows


async def rows(size: Size, cores: Cores) -> list[Row]:
    found = [row for count in size.clients for row in await with_clients(size, cores, count)]
    return found + await with_views(size, cores)
