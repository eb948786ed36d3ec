"""What a delivered value costs, when a box says many at once: beside the box's own broker with the same clients.

The way of a value is whole: publisher, mosquitto, bridge, Redis, web process, websocket. The baseline is mosquitto's
own websocket listener, with the publisher and the clients' program the same. ``web`` alone is what the number of
clients makes dear; the chain with bridge, Redis and broker is told too.

Below any server that sends each client a frame lies the floor: a bare protocol that writes ready ones of the same
values. Nothing reaches the budget that the floor does not leave room for.

That all has arrived is part of each round: each of mosquitto's clients counts its packets; of the gateway's one takes
the values out of its frames, and the others must have got as many bytes.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec

from tests.bench.child import Child
from tests.bench.measure import cpu_s
from tests.bench.publisher import Publisher, packet, publishing
from tests.bench.table import Budget, Figure, Row
from tests.bench.world import Cores, Load, Unfinished, World, world
from tests.support.captures import load_capture
from tests.support.gateway import GatewayPart
from tests.support.parts import mosquitto
from tests.support.recording import Recorded
from tests.support.waiting import eventually

LEAVES = ("power", "exported", "daily_exported", "monthly_exported", "yearly_exported")
HEARTBEAT = "openWB/system/time"
LISTENER, FLOOR = "mosquitto's websocket listener", "bare uvloop protocol, ready frame"
QUIET_S = 0.5
TRIES = 4


class Size(msgspec.Struct, frozen=True):
    """The recorded pattern is played in ``stretches``, of so many seconds, one in each round."""

    clients: int = 500
    values: int = 60
    bursts: int = 12
    every_s: float = 0.25
    rounds: int = 4
    stretch_s: float = 10
    stretches: int = 3
    first_t: float = 60


class Way:
    """A broker to publish to, clients behind it, the process that serves them, and the processes in between."""

    def __init__(self, port: int, clients: Load, pid: int, chain: Sequence[int]) -> None:
        self.port = port
        self.clients = clients
        self.pid = pid
        self.chain = [*chain, pid]
        self.server_us: list[float] = []
        self.chain_us: list[float] = []

    def used_s(self) -> tuple[float, float]:
        return cpu_s(self.pid), cpu_s(*self.chain)

    def note(self, began: tuple[float, float], deliveries: float) -> None:
        server, chain = (now - then for now, then in zip(self.used_s(), began, strict=True))
        self.server_us.append(server / deliveries * 1e6)
        self.chain_us.append(chain / deliveries * 1e6)


async def ours(made: World, clients: int, start: Sequence[Recorded] = ()) -> Way:
    broker = mosquitto(made.place())
    await made.part(broker)
    redis = await made.redis()
    bridge = await made.bridge(redis.url, broker.url)
    async with publishing(broker.port) as publisher:
        await publisher.publish(packet(one.topic, one.payload.encode(), retain=True) for one in start)
        web = await made.web(redis.url, broker.url)
        await up(web, publisher)
    load = await made.clients(clients, port=web.port, kind="gateway", token=web.log_in())
    return Way(broker.port, load, web.pid, (broker.pid, bridge.pid, redis.pid))


async def up(web: GatewayPart, publisher: Publisher) -> None:
    """The box lives, and its link says so."""
    token = web.log_in()
    beats = iter(range(1, 1000))

    async def is_up() -> bool:
        await publisher.publish([packet(HEARTBEAT, str(1.79e9 + next(beats)).encode())])
        status, values = await asyncio.to_thread(web.get, "/api/v1/sites/bench/values?keys=link/state", token)
        return status == 200 and values["values"]["link/state"][0] == "up"

    await eventually(is_up, 30, every_s=0.2)


async def theirs(made: World, clients: int, start: Sequence[Recorded] = ()) -> Way:
    broker = mosquitto(made.place(), websockets=True)
    await made.part(broker, under_test=True)
    async with publishing(broker.port) as publisher:
        await publisher.publish(packet(one.topic, one.payload.encode(), retain=True) for one in start)
    assert broker.websocket_port is not None
    load = await made.clients(clients, port=broker.websocket_port, kind="mqtt", keys=("openWB/#",))
    return Way(broker.port, load, broker.pid, ())


class Bursts:
    """Values that all differ from the ones before."""

    def __init__(self, values: int) -> None:
        self._topics = [f"openWB/pv/{n // len(LEAVES)}/get/{LEAVES[n % len(LEAVES)]}" for n in range(values)]
        self._number = 1000

    def packets(self) -> list[bytes]:
        self._number += 1
        return [packet(topic, str(self._number).encode(), retain=True) for topic in self._topics]


async def burst_round(size: Size, way: Way, publisher: Publisher, bursts: Bursts, count: int) -> None:
    """Once more when a client lagged so far that values of two bursts were merged: that would be too cheap."""
    for _ in range(TRIES - 1):
        with contextlib.suppress(Unfinished):
            return await tried_round(size, way, publisher, bursts, count)
    return await tried_round(size, way, publisher, bursts, count)


async def tried_round(size: Size, way: Way, publisher: Publisher, bursts: Bursts, count: int) -> None:
    before = await way.clients.mark()
    began, clock = way.used_s(), asyncio.get_running_loop().time
    due = clock()
    for _ in range(count):
        await publisher.publish(bursts.packets())
        due += size.every_s
        await asyncio.sleep(max(0.0, due - clock()))
    deliveries = count * size.values * size.clients
    after = await way.clients.until(values=before.values + deliveries)
    assert after.values - before.values == deliveries, "each value once"
    way.note(began, deliveries)


class Floor:
    """A protocol that knows nothing, and writes a ready frame of as many values to as many clients."""

    def __init__(self, server: Child, clients: Load, size: Size) -> None:
        self._server = server
        self._clients = clients
        self._size = size
        self.server_us: list[float] = []

    async def round(self) -> None:
        before = (await self._clients.counted()).messages
        began = cpu_s(self._server.pid)
        await self._server.ask(changes=self._size.bursts, every_s=self._size.every_s)
        frames = self._size.bursts * self._size.clients
        assert await self._clients.arrived(before + frames) == before + frames
        self.server_us.append((cpu_s(self._server.pid) - began) / frames / self._size.values * 1e6)


async def floor_of(made: World, size: Size) -> Floor:
    server = await made.program("bare_server", "bare", size.values, under_test=True)
    load = await made.clients(size.clients, port=await server.answer(), kind="bare")
    return Floor(server, load, size)


async def bursts(size: Size, cores: Cores) -> list[Row]:
    async with world(cores) as made, both(made, size.clients) as ways:
        content, floor = Bursts(size.values), await floor_of(made, size)
        for way, publisher in ways:
            for _ in range(2):  # the first brings the keys, the second warms up
                await burst_round(size, way, publisher, content, 1)
            way.server_us.clear()
            way.chain_us.clear()
        await floor.round()
        floor.server_us.clear()
        for _ in range(size.rounds):
            for way, publisher in ways:
                await burst_round(size, way, publisher, content, size.bursts)
            await floor.round()
        what = f"CPU per delivered value, {size.values} at once, {size.clients} clients"
        least, gateway, mosquittos = (Figure.of(*one.server_us) for one in (floor, ways[0][0], ways[1][0]))
        return [
            *compared(what, ways[0][0], ways[1][0], Budget(1 / 25, of_ratio=True)),
            Row(what, "us", gateway, FLOOR, least),
            Row(f"{what}, the floor", "us", least, LISTENER, mosquittos),
        ]


@asynccontextmanager
async def both(
    made: World, clients: int, start: Sequence[Recorded] = ()
) -> AsyncIterator[list[tuple[Way, Publisher]]]:
    one, other = await ours(made, clients, start), await theirs(made, clients, start)
    async with publishing(one.port) as to_one, publishing(other.port) as to_other:
        yield [(one, to_one), (other, to_other)]


def compared(what: str, one: Way, other: Way, budget: Budget | None = None) -> list[Row]:
    baseline = Figure.of(*other.server_us)
    return [
        Row(what, "us", Figure.of(*one.server_us), LISTENER, baseline, budget),
        Row(f"{what}, whole chain", "us", Figure.of(*one.chain_us), LISTENER, baseline),
    ]


async def play(messages: Sequence[Recorded], publisher: Publisher) -> None:
    """As recorded, what was said at the same moment in one piece."""
    clock = asyncio.get_running_loop().time
    began = clock()
    moments: dict[float, list[bytes]] = {}
    for one in messages:
        sent = packet(one.topic, one.payload.encode(), retain=one.retain)
        moments.setdefault(one.t - messages[0].t, []).append(sent)
    for at, packets in moments.items():
        await asyncio.sleep(max(0.0, began + at - clock()))
        await publisher.publish(packets)


async def settled(load: Load) -> None:
    """Nothing has come for a while, and all have got the same."""
    last = await load.counted()

    async def quiet() -> bool:
        nonlocal last
        former, last = last, await load.counted()
        return last.even and last.messages == former.messages

    await eventually(quiet, 120, every_s=QUIET_S)


async def pattern(size: Size, cores: Cores) -> list[Row]:
    session = [one for one in load_capture("v2-session") if one.topic.startswith("openWB/")]
    start = [one for one in load_capture("v2-start") if one.topic.startswith("openWB/")]
    before = [one for one in session if one.t < size.first_t]
    told = []
    async with world(cores) as made, both(made, size.clients, [*start, *before]) as ways:
        for number in range(size.stretches):
            first_t = size.first_t + number * size.stretch_s
            stretch = [one for one in session if first_t <= one.t < first_t + size.stretch_s]
            for way, publisher in ways:
                await settled(way.clients)
                earlier = await way.clients.mark()
                began = way.used_s()
                await play(stretch, publisher)
                await settled(way.clients)
                way.note(began, len(stretch) * size.clients)
                told.append((await way.clients.counted()).values - earlier.values)
        what = f"CPU per message and client, recorded pattern, {size.clients} clients"
        found = compared(what, ways[0][0], ways[1][0])
        values = f"values that arrive in the recorded pattern, {size.stretches * size.stretch_s:g} s"
        per_client = [Figure.of(sum(told[n::2]) / size.clients) for n in (0, 1)]
        return [*found, Row(values, "1 a client", per_client[0], "messages through mosquitto", per_client[1])]


async def rows(size: Size, cores: Cores) -> list[Row]:
    return [*await bursts(size, cores), *await pattern(size, cores)]
