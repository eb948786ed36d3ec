"""The reference client on the move: drained, replaced, asleep, behind a hotel's login page, doubted."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from gateway.client import ConnectionEnded, GatewayClient, Status, Timing
from gateway.domain.values import Reading
from tests.support.server import TOKEN, live_gateway
from tests.support.stores import RedisPart
from tests.support.tricks import playing, say, welcome
from tests.support.waiting import eventually

QUICK = Timing(retry_base_s=0.02, retry_cap_s=0.1, connect_s=2, silence_s=5, ping_s=4, pong_s=0.3, tick_s=0.05)
HELD = {"epoch": "e", "seq": 100, "view": "v"}


class Clocks:
    """The client's clocks, each ahead of the machine's as the test wants."""

    def __init__(self) -> None:
        self.steady_ahead_s = 0.0
        self.wall_ahead_s = 0.0

    def now(self) -> float:
        return 1.8e9 + time.monotonic() + self.wall_ahead_s

    def monotonic(self) -> float:
        return time.monotonic() + self.steady_ahead_s


async def test_drained_it_has_another_connection_before_it_leaves() -> None:
    alive: set[int] = set()
    together: list[set[int]] = []
    asked: list[dict[str, Any]] = []
    told: list[Status] = []

    async def script(socket: ServerConnection, number: int) -> None:
        alive.add(number)
        together.append(set(alive))
        asked.append(await welcome(socket))
        if number == 1:
            await say(socket, type="drain", within_s=0.2)
        await socket.wait_closed()
        alive.discard(number)

    async with playing(script) as url, GatewayClient(url, "t", timing=QUICK, on_status=told.append) as client:
        one = await client.subscribe("home", ("#",))
        await eventually(lambda: client.connections == 2 and client.vouches(one))
        await eventually(lambda: alive == {2})
        assert one.values["a"].value == 1
    assert together == [{1}, {1, 2}]
    assert asked[1]["from"] == HELD
    assert [status.phase for status in told] == ["connecting", "connected", "connected"]


async def test_drained_by_the_only_server_it_stays_until_it_is_closed() -> None:
    async def script(socket: ServerConnection, number: int) -> None:
        if number == 2:
            socket.transport.abort()
            return
        await welcome(socket)
        if number == 1:
            await say(socket, type="drain", within_s=0.0)
            await eventually(lambda: counted == [1, 2])
            await socket.close(4201, "the server ends")
        await socket.wait_closed()

    counted: list[int] = []

    async def counting(socket: ServerConnection, number: int) -> None:
        counted.append(number)
        await script(socket, number)

    async with playing(counting) as url, GatewayClient(url, "t", timing=QUICK) as client:
        one = await client.subscribe("home", ("#",))
        await eventually(lambda: len(counted) >= 3 and client.vouches(one))


async def test_replaced_it_does_not_come_back() -> None:
    async def script(socket: ServerConnection, number: int) -> None:
        await welcome(socket)
        await socket.close(4005, "replaced")

    async with playing(script) as url, GatewayClient(url, "t", device="d", timing=QUICK) as client:
        one = await client.subscribe("home", ("#",))
        with pytest.raises(ConnectionEnded, match="4005: replaced"):
            async for _update in one:
                pass
        assert client.status == Status(phase="ended", reason="the server closed with 4005: replaced")
        assert client.connections == 1


@pytest.mark.parametrize("answering", [True, False])
@pytest.mark.parametrize("how", ["steady clock", "wall clock", "told"])
async def test_after_sleep_only_a_pong_keeps_the_connection(answering: bool, how: str) -> None:
    """What lay in buffers when the machine fell asleep is no sign of life."""
    pinged, clocks = asyncio.Event(), Clocks()

    async def script(socket: ServerConnection, number: int) -> None:
        await welcome(socket)
        async for text in socket:
            assert json.loads(text)["type"] == "ping"
            pinged.set()
            await say(socket, type="delta", subscription=7, from_=100, seq=101, values={"a": [2, 2.0]})
            if answering:
                await say(socket, type="pong")

    async with playing(script) as url, GatewayClient(url, "t", timing=QUICK, clock=clocks) as client:
        one = await client.subscribe("home", ("#",))
        await eventually(lambda: client.vouches(one))
        if how == "told":
            client.wake()
            client.wake()
        elif how == "steady clock":
            clocks.steady_ahead_s += 3600
        else:
            clocks.wall_ahead_s += 3600
        await pinged.wait()
        if not answering:
            await eventually(lambda: one.values["a"].value == 2)
            assert client.connections == 1
            assert not client.vouches(one)
        await eventually(lambda: client.connections == (1 if answering else 2) and client.vouches(one))


async def test_a_clock_that_was_set_changes_no_wait_and_no_age() -> None:
    async def script(socket: ServerConnection, number: int) -> None:
        await welcome(socket)
        async for _ping in socket:
            await say(socket, type="pong")

    clocks = Clocks()
    async with playing(script) as url, GatewayClient(url, "t", timing=QUICK, clock=clocks) as client:
        one = await client.subscribe("home", ("#",))
        for hours in (2, -2):
            clocks.wall_ahead_s = hours * 3600
            await asyncio.sleep(3 * QUICK.tick_s)
            await eventually(lambda: client.vouches(one))
            now = client.server_time()
            assert now is not None
            assert 1 <= now < 60
        assert client.connections == 1


async def test_without_a_word_nobody_vouches() -> None:
    async def script(socket: ServerConnection, number: int) -> None:
        await welcome(socket)
        await socket.wait_closed()

    still, clocks = Timing(tick_s=3600), Clocks()
    async with playing(script) as url, GatewayClient(url, "t", timing=still, clock=clocks) as client:
        one = await client.subscribe("home", ("#",))
        await eventually(lambda: client.vouches(one))
        clocks.steady_ahead_s += 16
        assert client.connected
        assert not client.vouches(one)


async def test_waking_ends_a_pause() -> None:
    async def script(socket: ServerConnection, number: int) -> None:
        if number > 1:
            await welcome(socket)
            await socket.wait_closed()
        else:
            await socket.close(4104, "too many")

    patient = Timing(retry_base_s=3600, retry_cap_s=3600)
    async with playing(script) as url, GatewayClient(url, "t", timing=patient, jitter=lambda: 1.0) as client:
        await eventually(lambda: client.status.phase == "waiting")
        assert client.status.reason == "the connection ended with 4104 too many"
        assert client.status.retry_at is not None
        client.wake()
        await client.subscribe("home", ("#",))


async def test_what_the_server_doubts_is_not_vouched_for() -> None:
    go_on = asyncio.Event()

    async def script(socket: ServerConnection, number: int) -> None:
        await welcome(socket)
        await say(socket, type="error", id=None, code="store_unavailable", message="no store", retry_after_s=1)
        await go_on.wait()
        await say(socket, type="delta", subscription=7, from_=100, seq=100, values={})
        await socket.wait_closed()

    async with playing(script) as url, GatewayClient(url, "t", timing=QUICK) as client:
        one = await client.subscribe("home", ("#",))
        await eventually(lambda: one.doubt == "no store")
        assert client.connected
        assert not client.vouches(one)
        go_on.set()
        await eventually(lambda: client.vouches(one))


async def test_a_killed_store_is_not_vouched_for(redis: RedisPart, site: str) -> None:
    async with (
        live_gateway(redis, site, readings={"grid/power_w": Reading(100.0, 1.5)}) as gateway,
        GatewayClient(gateway.url, TOKEN, timing=QUICK) as client,
    ):
        one = await client.subscribe(site, ("#",))
        await eventually(lambda: client.vouches(one))
        await redis.kill()
        await eventually(lambda: not client.vouches(one))
        assert client.connected
        assert one.doubt
        await redis.start()
        await eventually(lambda: client.vouches(one))


# --- where a gateway should be -----------------------------------------------------------------------------------


PORTAL = b"<html>Accept our terms</html>"


@asynccontextmanager
async def portal(status: str, *headers: str) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A hotel's login page at every address: ``host:port``, and the requests it got."""
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        lines = [f"HTTP/1.1 {status}", "Content-Type: text/html", f"Content-Length: {len(PORTAL)}", *headers, "", ""]
        writer.write("\r\n".join(lines).encode() + PORTAL)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", asked


ELSEWHERE = "Location: ws://127.0.0.1:9/"


@pytest.mark.parametrize("answer", [("200 OK",), ("302 Found", ELSEWHERE), ("403 Forbidden",), ("511 Log in",)])
async def test_a_web_page_instead_of_a_websocket_is_no_gateway_for_now(answer: tuple[str, ...]) -> None:
    async with portal(*answer) as (address, asked), GatewayClient(f"ws://{address}/", "t", timing=QUICK) as client:
        await eventually(lambda: len(asked) > 2)
        await eventually(lambda: client.status.phase == "waiting")
        assert client.status.reason == f"HTTP {answer[0][:3]} instead of a websocket"
