"""The real parts of a row: the gateway's processes as their users start them, each on the core it is to have."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from gateway.domain.values import Reading
from gateway.store.redis import SiteStore, open_client
from tests.bench.child import Child, running
from tests.bench.clients import Order
from tests.bench.measure import started_on
from tests.support.gateway import GatewayPart
from tests.support.parts import Part, RedisPart, redis_server
from tests.support.store_writer import StoreWriter

SITE = "bench"
SETTLED_S = 120
QUIET, SAME = 30, 3
LEASE_MS = 3_600_000


class Cores(msgspec.Struct, frozen=True):
    """Which cores the server under test has for itself, and which all else."""

    server: frozenset[int]
    load: frozenset[int]


class World:
    """Starts parts and programs, and ends them with itself."""

    def __init__(self, folder: Path, cores: Cores, stack: AsyncExitStack) -> None:
        self.folder = folder
        self.cores = cores
        self.stack = stack
        self._names = 0

    def place(self) -> Path:
        self._names += 1
        return self.folder / str(self._names)

    async def part(self, part: Part, *, under_test: bool = False) -> None:
        with started_on(self.cores.server if under_test else self.cores.load):
            part.spawn()
        self.stack.push_async_callback(part.kill)
        await part._until_ready()

    async def program(self, module: str, *words: object, under_test: bool = False) -> Child:
        cores = self.cores.server if under_test else self.cores.load
        return await self.stack.enter_async_context(running(module, *words, cores=cores))

    async def redis(self) -> RedisPart:
        redis = redis_server(self.place())
        await self.part(redis)
        return redis

    async def bridge(self, redis_url: str, mqtt_url: str, *, under_test: bool = False) -> GatewayPart:
        """It takes a box for alive that was heard once."""
        bridge = GatewayPart(
            "bridge",
            self.place(),
            config=self.site_file(mqtt_url),
            redis_url=redis_url,
            silent_after_intervals=1_000,
        )
        await self.part(bridge, under_test=under_test)
        return bridge

    async def web(self, redis_url: str, mqtt_url: str = "mqtt://127.0.0.1:1") -> GatewayPart:
        folder = self.place()
        web = GatewayPart(
            "web",
            folder,
            config=self.site_file(mqtt_url),
            redis_url=redis_url,
            database_url=f"sqlite+aiosqlite:///{folder}/gateway.db",
        )
        await self.part(web, under_test=True)
        return web

    def site_file(self, mqtt_url: str) -> Path:
        """Settings that name one box, a 2.x."""
        file = self.place().with_suffix(".toml")
        file.write_text(f'[[site]]\nid = "{SITE}"\nmqtt_url = "{mqtt_url}"\ndialect = "openwb-2"\n')
        return file

    async def clients(self, count: int, processes: int = 1, **order: Any) -> "Load":
        load = Load()
        for number in range(processes):
            share = count // processes + (number < count % processes)
            words = msgspec.json.encode(Order(count=share, **order)).decode()
            load.add(await self.program("clients", words), share)
        for child in load.children:
            assert await child.answer() == "ready"
        return load


@asynccontextmanager
async def world(cores: Cores) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))
        yield World(Path(folder), cores, stack)


class Counted(msgspec.Struct, frozen=True):
    """What all clients of a load have received so far; ``even``: since the mark, all the same number of bytes."""

    messages: int
    values: int
    even: bool


class Load:
    """Processes with clients."""

    def __init__(self) -> None:
        self.children: list[Child] = []
        self._shares: list[int] = []
        self._bytes: dict[int, tuple[int, int]] = {}
        self._marked = self._bytes

    def add(self, child: Child, clients: int) -> None:
        self.children.append(child)
        self._shares.append(clients)

    @property
    def pids(self) -> list[int]:
        return [child.pid for child in self.children]

    async def counted(self) -> Counted:
        """Values are the first client's of each process, times its clients."""
        told = [
            (child.pid, share, await child.ask()) for child, share in zip(self.children, self._shares, strict=True)
        ]
        self._bytes = {pid: (one["text_bytes"], one["first_bytes"] * share) for pid, share, one in told}
        grown = [
            (now[0] - was[0], now[1] - was[1])
            for pid, now in self._bytes.items()
            for was in (self._marked.get(pid, now),)
        ]
        return Counted(
            messages=sum(one["messages"] for _, _, one in told),
            values=sum(one["first_values"] * share for _, share, one in told),
            even=all(everybody == first for everybody, first in grown),
        )

    async def mark(self) -> Counted:
        """What was counted when nothing was under way: from here on all should get the same bytes."""
        unchanged = 0
        while unchanged < SAME:
            before, counted = self._bytes, await self.counted()
            unchanged = unchanged + 1 if before == self._bytes else 0
            await asyncio.sleep(0.03)
        self._marked = self._bytes
        return counted

    async def arrived(self, messages: int) -> int:
        """How many messages came, once there are so many or nothing comes any more: who lagged got merged ones."""
        counts = [-1]
        for _ in range(round(SETTLED_S / 0.05)):
            counts = [*counts[-QUIET:], (await self.counted()).messages]
            if counts[-1] >= messages or counts[0] == counts[-1]:
                return counts[-1]
            await asyncio.sleep(0.05)
        raise TimeoutError(f"still coming after {SETTLED_S} s")

    async def until(self, *, messages: int = 0, values: int = 0) -> Counted:
        """Wait until so much has arrived, and with everybody; raises Unfinished when nothing comes any more."""
        quiet, last = 0, None
        while quiet < QUIET:
            counted = await self.counted()
            if counted.messages >= messages and counted.values >= values and counted.even:
                return counted
            quiet = quiet + 1 if counted == last else 0
            last = counted
            await asyncio.sleep(0.05)
        raise Unfinished(f"{last}, not {messages} messages and {values} values, the same for everybody")


class Unfinished(Exception):
    """Something was merged on its way to clients that lagged: the machine is too busy for this row."""


@asynccontextmanager
async def writing(redis: RedisPart, values: Iterable[str]) -> AsyncIterator[StoreWriter]:
    """The bridge's place at the store, for rows that begin there."""
    client = open_client(redis.url)
    writer = StoreWriter(SiteStore(client), SITE)
    assert await writer.acquire(LEASE_MS)
    await writer.open({key: Reading(0.0, 1.79e9) for key in values})
    try:
        yield writer
    finally:
        await client.aclose()
