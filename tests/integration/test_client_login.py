"""How the reference client comes by its token, and what it tells when it comes by none."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.client import ConnectionEnded, GatewayClient, Timing, password_login
from gateway.domain.errors import BadCredentials, RateLimited
from gateway.domain.values import Reading
from tests.support.rest import PASSWORD, Web, sqlite
from tests.support.server import live_gateway, login, serving
from tests.support.stores import RedisPart
from tests.support.waiting import eventually

QUICK = Timing(retry_base_s=0.02, retry_cap_s=0.1, connect_s=2, silence_s=5, ping_s=4, pong_s=1)
START = {"grid/power_w": Reading(100.0, 1.5)}


@asynccontextmanager
async def answering(
    body: bytes,
    length: int,
    status: str = "200 OK",
    *headers: str,
    hanging: bool = False,
    asked: list[bytes] | None = None,
) -> AsyncIterator[str]:
    """Answers every request with this body, as if it had that length; ``host:port``. ``asked`` gets the requests."""
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {length}", "Connection: close", *headers, "", ""])
    over = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        headers = await reader.readuntil(b"\r\n\r\n")
        if asked is not None:
            asked.append(headers)
        if hanging:
            await over.wait()
        told = re.search(rb"Content-Length: (\d+)", headers)
        await reader.readexactly(int(told[1]) if told else 0)
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        over.set()


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"token":7}', b"<html>Accept our terms</html>", b"\xff"])
async def test_a_page_instead_of_a_token_is_no_wrong_login(body: bytes) -> None:
    """A hotel's login page, until its terms are accepted."""
    async with answering(body, len(body)) as address:
        token = password_login(f"http://{address}", "anna", "secret")
        async with GatewayClient(f"ws://{address}", token, timing=QUICK) as client:
            await eventually(lambda: client.status.phase == "waiting")
            assert client.status.reason == "what answers at that address is no gateway"


@pytest.mark.parametrize(
    ("status", "body", "raised"),
    [
        ("302 Found", b"", "HTTP 302, but not by a gateway"),
        ("307 Temporary Redirect", b"{}", "HTTP 307, but not by a gateway"),
        ("401 Unauthorized", b"<html>Pay for a day</html>", "HTTP 401, but not by a gateway"),
        ("403 Forbidden", b'{"message":"no"}', "HTTP 403, but not by a gateway"),
        ("511 Network Authentication Required", b"<html>", "HTTP 511, but not by a gateway"),
        ("503 Service Unavailable", b'{"code":"x","detail":"the database is away"}', "the database is away"),
    ],
)
async def test_only_a_gateway_can_say_that_a_login_is_wrong(status: str, body: bytes, raised: str) -> None:
    asked: list[bytes] = []
    async with answering(body, len(body), status, "Location: /elsewhere", asked=asked) as address:
        with pytest.raises(ConnectionError, match=raised):
            await password_login(f"http://{address}", "anna", "secret")()
    assert len(asked) == 1


async def test_refusals_of_a_gateway_are_told_in_its_words() -> None:
    for status, error in (("401 Unauthorized", BadCredentials), ("429 Too Many Requests", RateLimited)):
        body = b'{"code":"x","detail":"its own words"}'
        async with answering(body, len(body), status, "Retry-After: 7") as address:
            with pytest.raises(error, match="its own words") as caught:
                await password_login(f"http://{address}", "anna", "secret")()
            assert caught.value.retry_after_s == (7 if error is RateLimited else None)


async def test_a_login_that_hangs_holds_nobody_up() -> None:
    async with answering(b"{", 100, hanging=True) as address:
        token = password_login(f"http://{address}", "anna", "secret", timeout_s=3600)
        async with GatewayClient(f"ws://{address}", token, timing=Timing(connect_s=0.05)) as client:
            await eventually(lambda: client.status.phase == "waiting")
            assert client.status.reason == "no answer within 0 s"


@pytest.mark.parametrize(("body", "status"), [(b"{", "200 OK"), (b"{}", "well")])
async def test_an_answer_to_the_login_that_breaks_off_is_tried_again(body: bytes, status: str) -> None:
    async with answering(body, 100, status) as address:
        with pytest.raises(ConnectionError, match="answer"):
            await password_login(f"http://{address}", "anna", "secret")()


async def test_a_token_is_kept_until_it_is_refused(redis: RedisPart, site: str) -> None:
    """Coming back costs no login; an expired one is followed by another, a refused new one by none."""
    async with live_gateway(redis, site) as gateway:
        gateway.tokens.known = {"token-1": login()}
        logins = 0

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal logins
            logins += 1
            await reader.readuntil(b"\r\n\r\n")
            body = b'{"token":"token-%d"}' % logins
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            await writer.drain()
            writer.close()

        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            token = password_login(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", "anna", "secret")
            async with GatewayClient(gateway.url, token, timing=QUICK) as client:
                one = await client.subscribe(site, ("#",))
                client.drop_connection()
                await eventually(lambda: client.connections == 2 and client.vouches(one))
                assert logins == 1
                gateway.tokens.known = {"token-2": login()}
                client.drop_connection()
                await eventually(lambda: logins == 2 and client.vouches(one))
                gateway.tokens.known = {}
                client.drop_connection()
                with pytest.raises(ConnectionEnded, match="refused the token"):
                    async for _update in one:
                        pass
                assert logins == 3


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
