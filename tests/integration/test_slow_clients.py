"""Clients that stop reading: what they cost, that nobody else notices, and what they have when they read again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.values import Changes, Reading
from gateway.protocol.flow import Flow, Pace
from gateway.protocol.messages import Limits
from tests.support.dropping_proxy import dropping_proxy
from tests.support.parts import free_port, nginx
from tests.support.proxy import WEBSOCKETS
from tests.support.raw_socket import PING, PONG, client_frame, raw_socket
from tests.support.server import TOKEN, LiveGateway, live_gateway
from tests.support.slow_clients import (
    Message,
    Opened,
    RawClient,
    SlowClient,
    browser_client,
    library_client,
    logged_in,
    raw_client,
)
from tests.support.stores import RedisPart
from tests.support.waiting import eventually

pytestmark = pytest.mark.no_cover  # what it starts is traced by the tests of its single rules, and slow when traced

LIMIT_BYTES = Limits().unacknowledged_bytes
KEYS = 4
TEXT = "x" * 1_000
DELTA_BYTES = KEYS * 1_100 + 200
ROUNDS = 150
MOST_HELD_BYTES = 262_144


def changes(number: int) -> Changes:
    return {f"raw/{place}": Reading(f"{number}{TEXT}", 1.0) for place in range(KEYS)}


@asynccontextmanager
async def way(gateway: LiveGateway, through: str, folder: Path) -> AsyncIterator[str]:
    """The address of the gateway, or of an nginx with default buffers before it."""
    if through == "direct":
        yield gateway.address
        return
    port = free_port()
    async with nginx(folder / "nginx", WEBSOCKETS.format(port=port, address=gateway.address), port):
        yield f"127.0.0.1:{port}"


def flow_of_the_newest(gateway: LiveGateway) -> Flow:
    sink = list(gateway.live._connections)[-1]._sink
    assert isinstance(sink, Flow)
    return sink


def held_bytes(flow: Flow) -> int:
    """What the process holds for a connection: unsent, unread, and not yet parsed."""
    transport: Any = flow._write.__self__  # type: ignore[attr-defined]  # a bound method
    protocol = transport.get_protocol()
    return int(transport.get_write_buffer_size()) + int(protocol._unread_bytes) + len(protocol._input)


async def change_and_watch(gateway: LiveGateway, readers: list[SlowClient]) -> None:
    """Change everything, again and again; each reader gets each change, as one frame."""
    for number in range(ROUNDS):
        seq = await gateway.writer.append(changes(number))
        for reader in readers:
            delta = await reader.next()
            assert (delta["type"], delta["from"], delta["seq"]) == ("delta", seq - 1, seq)


async def catch_up(client: SlowClient, seq: int) -> list[Message]:
    """Every delta up to the seq."""
    deltas: list[Message] = []
    while not deltas or deltas[-1]["seq"] < seq:
        deltas.append(await client.next())
        assert deltas[-1]["type"] == "delta"
    return deltas


@pytest.mark.parametrize(
    ("opened", "through"),
    [
        (raw_client, "direct"),
        (raw_client, "nginx"),
        (library_client, "direct"),
        (library_client, "nginx"),
        (browser_client, "direct"),
        (browser_client, "nginx"),
    ],
)
async def test_a_stalled_reader_costs_little_and_is_right_within_one_delta(
    redis: RedisPart, site: str, tmp_path: Path, opened: Opened, through: str
) -> None:
    """Red on a build whose ``Member.full`` is always False, and on one that counts what the kernel took as read."""
    async with AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(
            live_gateway(redis, site, readings={"link/state": Reading("up", 1.0)})
        )
        address = await stack.enter_async_context(way(gateway, through, tmp_path))
        readers = [await stack.enter_async_context(library_client(gateway.address)) for _ in range(2)]
        for reader in readers:
            await logged_in(reader, site, "#")
        slow = await stack.enter_async_context(opened(address))
        await logged_in(slow, site, "#")
        flow = flow_of_the_newest(gateway)
        before = flow.written
        (group,) = gateway.hub._sites[site].groups.values()
        encoded = group.encoded
        await slow.stall()
        await change_and_watch(gateway, readers)
        assert group.encoded - encoded == ROUNDS, "each change once, whoever gets it"
        assert LIMIT_BYTES <= flow.unacknowledged < LIMIT_BYTES + DELTA_BYTES
        assert flow.written - before < LIMIT_BYTES + DELTA_BYTES
        assert held_bytes(flow) < MOST_HELD_BYTES
        await slow.go_on()
        *queued, merged = await catch_up(slow, gateway.writer.seq)
        assert all(delta["seq"] == delta["from"] + 1 for delta in queued)
        assert len(queued) <= LIMIT_BYTES // DELTA_BYTES + 10
        assert merged["from"] == queued[-1]["seq"]
        assert merged["values"] == {f"raw/{place}": [f"{ROUNDS - 1}{TEXT}", 1.0] for place in range(KEYS)}
        # live again, with all the others
        seq = await gateway.writer.append(changes(0))
        for client in (slow, *readers):
            delta = await client.next()
            assert (delta["from"], delta["seq"]) == (seq - 1, seq)


async def test_a_reader_of_single_bytes_is_conflated_and_ends_right(redis: RedisPart, site: str) -> None:
    async with (
        live_gateway(redis, site, readings={"link/state": Reading("up", 1.0)}) as gateway,
        library_client(gateway.address) as reader,
        raw_socket(gateway.url, receive_bytes=4_096) as socket,
    ):
        await logged_in(reader, site, "#")
        slow = RawClient(socket)
        await logged_in(slow, site, "#")
        flow = flow_of_the_newest(gateway)
        trickle = bytearray()

        async def read_slowly() -> None:
            while True:
                trickle.extend(await socket.reader.readexactly(1))
                await asyncio.sleep(0.001)

        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(read_slowly())
            await change_and_watch(gateway, [reader])
            reading.cancel()
        assert trickle
        assert LIMIT_BYTES <= flow.unacknowledged < LIMIT_BYTES + DELTA_BYTES
        assert held_bytes(flow) < MOST_HELD_BYTES
        # what it has read so far, and then the rest
        rest = socket.reader._buffer  # type: ignore[attr-defined]  # put back what was taken out
        rest[:0] = trickle
        deltas = await catch_up(slow, gateway.writer.seq)
        assert len(deltas) <= LIMIT_BYTES // DELTA_BYTES + 10
        assert deltas[-1]["values"]["raw/0"] == [f"{ROUNDS - 1}{TEXT}", 1.0]


async def test_a_snapshot_waits_for_room_and_no_delta_comes_before_its_end(redis: RedisPart, site: str) -> None:
    readings = {f"raw/{place:03}": Reading(f"{place}{TEXT}", 1.0) for place in range(600)}
    async with (
        live_gateway(redis, site, readings=readings) as gateway,
        raw_socket(gateway.url, token=TOKEN, receive_bytes=4_096) as socket,
    ):
        slow = RawClient(socket)
        await slow.send({"type": "subscribe", "id": 1, "site": site, "keys": ["#"]})
        while (await slow.next())["type"] != "subscribed":
            pass
        flow = flow_of_the_newest(gateway)
        await eventually(lambda: flow.unacknowledged >= LIMIT_BYTES)
        for number in range(20):
            await gateway.writer.append({"raw/000": Reading(number, 2.0)})
        await eventually(gateway.caught_up)
        assert flow.written < LIMIT_BYTES + Limits().snapshot_part_bytes + 2_000
        parts = [await slow.next()]
        while parts[-1]["part"] < parts[-1]["parts"]:
            parts.append(await slow.next())
            assert parts[-1]["type"] == "snapshot"
        assert len(parts) > 10
        assert sum(len(part["values"]) for part in parts) == 600
        delta = await slow.next()
        assert (delta["type"], delta["from"], delta["seq"]) == ("delta", parts[0]["seq"], gateway.writer.seq)
        assert delta["values"] == {"raw/000": [19, 2.0]}


SOON = Pace(full_bytes=LIMIT_BYTES, ping_idle_s=0.1, gone_after_s=0.5, close_within_s=0.3)


async def test_who_answers_pings_stays_and_who_does_not_is_told_to_come_back(redis: RedisPart, site: str) -> None:
    async with (
        live_gateway(redis, site, pace=SOON) as gateway,
        library_client(gateway.address) as awake,
        raw_socket(gateway.url) as asleep,
    ):
        assert (await awake.next())["type"] == "hello"
        assert await asleep.closed() == 4102
        await eventually(lambda: len(gateway.live) == 1)
        await awake.send({"type": "ping"})
        assert (await awake.next())["type"] == "pong"


async def test_pongs_that_nobody_asked_for_acknowledge_nothing(redis: RedisPart, site: str) -> None:
    """Nor do the right ones twice, or changed; the connection lives on whatever comes."""
    pace = Pace(full_bytes=40_000, ping_idle_s=0.1, gone_after_s=1.0)
    async with live_gateway(redis, site, pace=pace) as gateway, raw_socket(gateway.url, token=TOKEN) as one:
        client = RawClient(one)
        one.answers_pings = False
        await logged_in(client, site, "#")
        flow = flow_of_the_newest(gateway)
        for number in range(5):
            await gateway.writer.append(changes(number))
        await eventually(lambda: flow.written > 20_000)
        pings: list[bytes] = []
        while len(pings) < 2:
            frame = await one.frame()
            pings += [frame.payload] if frame.opcode == PING else []
        unacknowledged = flow.unacknowledged
        claims = [b"", b"gw", (1 << 63).to_bytes(8), pings[0][:-1], pings[0] + b"x", pings[1][:10] + b"\0" * 8]
        await one.send(*(client_frame(PONG, claim) for claim in claims), client_frame(PING, b"now"))
        while (await one.frame()).payload != b"now":
            pass
        assert flow.unacknowledged == unacknowledged
        await one.send(client_frame(PONG, pings[1]), client_frame(PING, b"now"))
        while (await one.frame()).payload != b"now":
            pass
        acknowledged = flow.unacknowledged
        assert acknowledged < unacknowledged
        await one.send(client_frame(PONG, pings[0]), client_frame(PONG, pings[1]), client_frame(PING, b"now"))
        while (await one.frame()).payload != b"now":
            pass
        assert flow.unacknowledged == acknowledged
        # and they keep nobody alive
        while len(gateway.live):
            one.writer.write(client_frame(PONG, pings[1]))
            await asyncio.sleep(0.02)


async def test_a_half_open_connection_ends_and_the_client_resumes_elsewhere(redis: RedisPart, site: str) -> None:
    async with live_gateway(redis, site, readings={"grid/power_w": Reading(1, 1.0)}, pace=SOON) as gateway:
        port = int(gateway.address.rpartition(":")[2])
        async with dropping_proxy(port) as proxy, library_client(proxy.address) as phone:
            *_, subscribed, snapshot = await logged_in(phone, site, "grid/#")
            held = {"epoch": snapshot["epoch"], "seq": snapshot["seq"], "view": subscribed["view"]}
            proxy.swallow = True
            await eventually(lambda: len(gateway.live) == 0)
            assert not gateway.hub._members
            await gateway.writer.append({"grid/power_w": Reading(2, 2.0)})
            await eventually(gateway.caught_up)
            async with library_client(gateway.address) as again:
                await again.send({"type": "auth", "id": 1, "token": TOKEN})
                wish = {"type": "subscribe", "id": 2, "site": site, "keys": ["grid/#"], "from": held}
                await again.send(wish)
                _hello, _authenticated, answer, delta = [await again.next() for _ in range(4)]
                assert answer["how"] == "resumed"
                assert delta["values"] == {"grid/power_w": [2, 2.0]}
