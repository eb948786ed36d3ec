"""Clients that dawdle, flood or break off below HTTP: none is waited for for ever, and none fills memory or log."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import chain, repeat
from pathlib import Path

import pytest
from litestar import Litestar, get
from litestar.response import Stream
from structlog.testing import capture_logs

from gateway.http import HttpLimits
from tests.integration.test_rest import served
from tests.support.rest import Web, sqlite
from tests.support.server import serving

SOON = HttpLimits(request_s=0.2, head_bytes=4_096)
HOST = b"Host: 127.0.0.1\r\n"
ALIVE = b"GET /health/live HTTP/1.1\r\n" + HOST + b"\r\n"
LOGIN = b"POST /api/v1/auth/login HTTP/1.1\r\nContent-Type: application/json\r\n" + HOST
CHUNKED = LOGIN + b"Transfer-Encoding: chunked\r\n\r\n"
LIVE = (
    b"GET /api/v1/live HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
) + HOST
ENOUGH_PIECES = 100_000
PIECE = b"x" * 100_000


@asynccontextmanager
async def connected(address: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    host, _, port = address.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


@pytest.mark.parametrize(
    ("begun", "status"),
    [
        (b"\r\n", b"408"),
        (b"GET / HTT", b"408"),
        (b"GET / HTTP/1.1\r\n" + HOST, b"408"),
        (LOGIN + b"Content-Length: 100\r\n\r\n{", b""),
        (CHUNKED + b"1\r\n", b""),
        (LIVE, b"408"),
    ],
)
@pytest.mark.parametrize("before", [b"", ALIVE])
async def test_a_request_that_does_not_arrive_ends_its_connection(
    tmp_path: Path, before: bytes, begun: bytes, status: bytes
) -> None:
    async with (
        sqlite(tmp_path) as database,
        served(Web(database), http=SOON) as url,
        connected(url) as (reader, writer),
    ):
        if before:
            writer.write(before)
            assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 200")
        writer.write(begun)
        assert (await reader.read()).partition(b" ")[2][:3] == status


async def test_a_connection_without_a_request_ends_without_a_word(tmp_path: Path) -> None:
    async with sqlite(tmp_path) as database, served(Web(database), http=SOON) as url, connected(url) as (reader, _):
        assert await reader.read() == b""


@pytest.mark.parametrize(
    ("first", "then", "status"),
    [
        (b"GET /" + b"a" * 100, b"a" * 100, b"431"),
        (b"GET / HTTP/1.1\r\nX: ", b"a" * 100, b"431"),
        (b"GET / HTTP/1.1\r\n", b"X: a\r\n" * 20, b"431"),
        (b"", b"\r\n" * 20, b"431"),
        (CHUNKED + b"0\r\n", b"X: a\r\n" * 20, b""),
        (CHUNKED + b"1;", b"a" * 100, b""),
    ],
)
async def test_what_is_not_body_has_a_bound(tmp_path: Path, first: bytes, then: bytes, status: bytes) -> None:
    limits = HttpLimits(head_bytes=SOON.head_bytes, request_s=600)
    async with (
        sqlite(tmp_path) as database,
        served(Web(database), http=limits) as url,
        connected(url) as (reader, writer),
    ):
        answer = asyncio.create_task(reader.read())
        for piece in chain([first], repeat(then, ENOUGH_PIECES)):
            writer.write(piece)
            await asyncio.sleep(0)
            if answer.done():
                break
        else:
            pytest.fail("all was taken")
        with_reset = answer.exception()
        assert isinstance(with_reset, ConnectionResetError | None)
        assert with_reset or answer.result().partition(b" ")[2][:3] == status


@pytest.mark.parametrize(
    ("headers", "status", "reason"),
    [
        (b"Cookie: " + b"a" * 9_000 + b"\r\n", 431, b"8192 bytes"),
        (b"X: a\r\n" * 200, 431, b"128 headers"),
        (b"Content-Length: 5\r\n", 400, b"body"),
        (b"Transfer-Encoding: chunked\r\n", 400, b"transfer codings"),
    ],
)
async def test_a_handshake_that_cannot_be_read_gets_the_reason(
    tmp_path: Path, headers: bytes, status: int, reason: bytes
) -> None:
    limits = HttpLimits(request_s=600)
    async with (
        sqlite(tmp_path) as database,
        served(Web(database), http=limits) as url,
        connected(url) as (reader, writer),
    ):
        writer.write(LIVE + headers + b"\r\n")
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 %d " % status)
        assert reason in answer.partition(b"\r\n\r\n")[2]


async def test_whoever_takes_nothing_of_an_answer_is_cut_off_and_the_application_not_hurried() -> None:
    cut_off = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(1_000):
            yield PIECE
        cut_off.set()  # what is sent after the end of the connection goes nowhere

    @get("/much")
    async def much() -> Stream:
        return Stream(pieces())

    @get("/slow")
    async def slow() -> bytes:
        await cut_off.wait()
        return PIECE

    app = Litestar([much, slow], openapi_config=None, logging_config=None)
    async with (
        serving(app, http=SOON) as address,
        connected(address) as (reader, writer),
        connected(address) as (_, idle),  # a reader that nobody reads stops its transport
    ):
        writer.write(b"GET /slow HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
        idle.write(b"GET /much HTTP/1.1\r\n" + HOST + b"\r\n")
        assert (await reader.read()).endswith(PIECE)


async def test_refusing_and_breaking_off_is_no_fault_of_ours(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with sqlite(tmp_path) as database:
        web = Web(database)
        with capture_logs() as ours, caplog.at_level(logging.WARNING):
            async with served(web) as url:
                async with connected(url) as (reader, writer):
                    writer.write(LIVE + b"Origin: http://elsewhere.example\r\n\r\n")
                    assert (await reader.read()).startswith(b"HTTP/1.1 403")
                async with connected(url) as (_, writer):
                    writer.write(LOGIN + b"Content-Length: 100\r\n\r\n{")
                    await writer.drain()
                    writer.close()
        assert not ours
        assert not caplog.records


async def test_half_a_request_does_not_hold_up_the_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Uvicorn waits five seconds for it, and then tells of a fault of the application."""
    async with AsyncExitStack() as clients, sqlite(tmp_path) as database:
        with caplog.at_level(logging.WARNING):
            async with served(Web(database)) as url:
                reader, writer = await clients.enter_async_context(connected(url))
                writer.write(LOGIN + b"Content-Length: 100\r\nExpect: 100-continue\r\n\r\n")
                assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 100")
            assert await reader.read() == b"\r\n"
        assert not caplog.records
