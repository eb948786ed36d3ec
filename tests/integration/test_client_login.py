"""How the reference client comes by its token, and what it tells when it comes by none."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.client import ConnectionEnded, GatewayClient, Timing, password_login
from gateway.domain.errors import BadCredentials
from gateway.domain.values import Reading
from tests.support.rest import PASSWORD, Web, sqlite
from tests.support.server import live_gateway, serving
from tests.support.stores import RedisPart

QUICK = Timing(retry_base_s=0.02, retry_cap_s=0.1, connect_s=2, silence_s=5, ping_s=4, pong_s=1)
START = {"grid/power_w": Reading(100.0, 1.5)}


@asynccontextmanager
async def answering(body: bytes, length: int) -> AsyncIterator[str]:
    """Answers every request with 200 and this body, as if it had that length; ``host:port``."""
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        headers = await reader.readuntil(b"\r\n\r\n")
        asked = re.search(rb"Content-Length: (\d+)", headers)
        await reader.readexactly(int(asked[1]) if asked else 0)
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"token":7}', b"<html>Accept our terms</html>", b"\xff"])
async def test_a_login_without_a_token_ends_everything(body: bytes) -> None:
    async with answering(body, len(body)) as address:
        token = password_login(f"http://{address}", "anna", "secret")
        async with GatewayClient(f"ws://{address}", token, timing=QUICK) as client:
            with pytest.raises(ConnectionEnded, match="no gateway is at that address"):
                await client.subscribe("home", ("#",))


async def test_an_answer_to_the_login_that_breaks_off_is_tried_again() -> None:
    async with answering(b"{", 100) as address:
        with pytest.raises(ConnectionError, match="broke off"):
            await password_login(f"http://{address}", "anna", "secret")()


async def test_what_nobody_foresaw_reaches_whoever_waits() -> None:
    async def token() -> str:
        raise KeyError("token")

    async with GatewayClient("ws://127.0.0.1:1", token, timing=QUICK) as client:
        with pytest.raises(ConnectionEnded, match="KeyError") as caught:
            await client.subscribe("home", ("#",))
    assert isinstance(caught.value.__cause__, KeyError)


async def test_password_login_logs_in(tmp_path: Path) -> None:
    async with sqlite(tmp_path) as database:
        web = Web(database)
        web.hub.begin("home", START)
        await web.auth.ensure_admin(PASSWORD)
        async with serving(web.app) as address:
            token = password_login(f"http://{address}", "admin", PASSWORD)
            async with GatewayClient(f"ws://{address}/api/v1/live", token, timing=QUICK) as client:
                one = await client.subscribe("home", ("grid/#",))
                await one.complete()
                assert one.values == {"grid/power_w": START["grid/power_w"]}
            with pytest.raises(BadCredentials):
                await password_login(f"http://{address}", "admin", "wrong")()


async def test_password_login_tells_a_wrong_password_from_a_gateway_out_of_reach(redis: RedisPart, site: str) -> None:
    async with live_gateway(redis, site) as gateway:
        with pytest.raises(OSError, match="404"):
            await password_login(f"http://{gateway.address}", "anna", "secret")()
