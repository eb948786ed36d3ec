"""What the websocket does with frames as RFC 6455 has them, and as it forbids them: each fault has its close code."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.protocol.flow import Pace
from gateway.protocol.messages import Limits
from gateway.websocket import MESSAGE_OVERHEAD_BYTES, MOST_UNREAD_BYTES, SLICE_BYTES, FramesProtocol
from tests.support.raw_socket import (
    BINARY,
    CLOSE,
    CONT,
    PING,
    PONG,
    TEXT,
    RawSocket,
    client_frame,
    close,
    raw_socket,
    text,
)
from tests.support.server import TOKEN, LiveGateway, live_gateway
from tests.support.stores import RedisPart
from tests.support.waiting import eventually

QUESTION = '{"type":"ping"}'
ANSWER = b'{"type":"pong"}'
# what is judged here is the websocket, not the conversation
LIMITS = Limits(auth_deadline_s=60, auth_message_bytes=16_384, message_burst=1_000_000, refusal_burst=1_000_000)
PACE = Pace(frame_burst=1_000_000)
# what ``serving`` lets through before it says 1009
MOST_BYTES = 4 * 65_536
HIGH_WATER_BYTES = 65_536
MOST_READ_BYTES = 262_144
NO_UTF8 = {
    "a lone continuation": b"\x80",
    "cut off": b"\xc3",
    "overlong": b"\xc0\xaf",
    "a surrogate": b"\xed\xa0\x80",
    "beyond unicode": b"\xf4\x90\x80\x80",
    "in the midst": b"hello\xffthere",
}

FAULTS: dict[str, tuple[int, list[bytes]]] = {
    **{f"reserved bit {bit}": (1002, [text(QUESTION, rsv=bit)]) for bit in (1, 2, 4, 7)},
    **{f"reserved opcode {code}": (1002, [client_frame(code, b"x")]) for code in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)},
    "reserved bits on a ping": (1002, [client_frame(PING, rsv=4)]),
    "not masked": (1002, [text(QUESTION, mask=None)]),
    "a ping not masked": (1002, [client_frame(PING, b"x", mask=None)]),
    "a close not masked": (1002, [client_frame(CLOSE, b"\x03\xe8", mask=None)]),
    "a ping of 126 bytes": (1002, [client_frame(PING, b"x" * 126)]),
    "a pong of 126 bytes": (1002, [client_frame(PONG, b"x" * 126)]),
    "a close of 126 bytes": (1002, [close(1000, b"x" * 124)]),
    "a ping in pieces": (1002, [client_frame(PING, fin=False)]),
    "a close in pieces": (1002, [client_frame(CLOSE, b"\x03\xe8", fin=False)]),
    "a continuation of nothing": (1002, [client_frame(CONT, b"x")]),
    "a continuation of a whole message": (1002, [text(QUESTION), client_frame(CONT, b"x")]),
    "a message within a message": (1002, [text("{", fin=False), text(QUESTION)]),
    "bytes within a text": (1002, [text("{", fin=False), client_frame(BINARY, b"x")]),
    "a close within a message": (1002, [text("{", fin=False), close(1000)]),
    **{f"no UTF-8: {name}": (1007, [client_frame(TEXT, payload)]) for name, payload in NO_UTF8.items()},
    **{
        f"no UTF-8, in pieces: {name}": (
            1007,
            [client_frame(TEXT, payload[:1], fin=False), client_frame(CONT, payload[1:])],
        )
        for name, payload in NO_UTF8.items()
    },
    "no UTF-8 in a close": (1007, [close(1000, b"\xff")]),
    "too long": (1009, [client_frame(TEXT, length=MOST_BYTES + 1)]),
    "too long in all": (1009, [text("x" * MOST_BYTES, fin=False), client_frame(CONT, b"x")]),
    "longer than anything": (1009, [client_frame(TEXT, length=(1 << 63) - 1)]),
    "a length with its highest bit set": (1009, [client_frame(TEXT, length=(1 << 64) - 1)]),
    "a close of one byte": (1002, [client_frame(CLOSE, b"\x03")]),
    **{
        f"close code {code}": (1002, [close(code)])
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535)
    },
}


@asynccontextmanager
async def opened(gateway: LiveGateway, *, receive_bytes: int | None = None) -> AsyncIterator[RawSocket]:
    async with raw_socket(gateway.url, receive_bytes=receive_bytes) as one:
        assert (await one.message())["type"] == "hello"
        yield one


async def answers(one: RawSocket) -> None:
    """The connection is alive and well."""
    await one.send(text(QUESTION))
    assert await one.message() == {"type": "pong"}


@pytest.fixture(autouse=True)
def nothing_to_report(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No client, whatever it sends, makes the server complain of itself."""
    caplog.set_level(logging.INFO)
    with capture_logs() as ours:
        yield
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert [entry for entry in ours if entry["log_level"] not in ("debug", "info")] == []


async def test_each_fault_has_its_close_code_and_concerns_nobody_else(redis: RedisPart, site: str) -> None:
    async with live_gateway(redis, site, limits=LIMITS, pace=PACE) as gateway, opened(gateway) as neighbour:
        for name, (code, pieces) in FAULTS.items():
            async with opened(gateway) as one:
                await one.send(*pieces)
                assert await one.closed() == code, name
        await answers(neighbour)
        await eventually(lambda: len(gateway.live) == 1)


async def test_what_comes_before_a_fault_is_done_and_what_comes_after_is_not(redis: RedisPart, site: str) -> None:
    async with live_gateway(redis, site, limits=LIMITS, pace=PACE) as gateway, opened(gateway) as one:
        await one.send(client_frame(PING, b"before") + client_frame(CONT) + client_frame(PING, b"after"))
        assert await one.frame() == (PONG, b"before")
        assert await one.closed() == 1002
        # the code arrives though much of a message is still on its way
        async with opened(gateway) as two:
            await two.send(client_frame(TEXT, length=MOST_BYTES + 1), b"x" * 1_000_000)
            assert await two.closed() == 1009


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 3000, 3999, 4000, 4999])
async def test_a_close_is_answered_by_its_own_code(redis: RedisPart, site: str, code: int) -> None:
    async with live_gateway(redis, site, limits=LIMITS, pace=PACE) as gateway:
        async with opened(gateway) as one:
            await one.send(close(code, "für".encode()), text(QUESTION))
            assert await one.closed() == code
        await eventually(lambda: len(gateway.live) == 0)


async def test_a_close_without_a_code_and_one_with_the_longest_reason(redis: RedisPart, site: str) -> None:
    async with live_gateway(redis, site, limits=LIMITS, pace=PACE) as gateway:
        async with opened(gateway) as one:
            await one.send(close())
            assert await one.closed() is None
        async with opened(gateway) as one:
            await one.send(close(4321, b"x" * 123))
            assert await one.closed() == 4321


async def test_messages_may_come_in_pieces_with_control_frames_between(redis: RedisPart, site: str) -> None:
    whole = '{"type":"ping","für":"dich"}'.encode()
    async with live_gateway(redis, site, limits=LIMITS, pace=PACE) as gateway, opened(gateway) as one:
        for cut in range(len(whole) + 1):
            await one.send(
                client_frame(TEXT, whole[:cut], fin=False),
                client_frame(PING, b"between"),
                client_frame(PONG, b"unasked"),
                client_frame(CONT, fin=False),
                client_frame(CONT, whole[cut:]),
            )
            assert await one.frame() == (PONG, b"between")
            assert (await one.message())["code"] == "unknown_field", cut
        await one.send(client_frame(BINARY, b"{", fin=False), client_frame(CONT, b"}"))
        assert (await one.message())["code"] == "invalid_argument"
        await answers(one)


async def test_bytes_may_come_one_by_one_and_frames_many_in_one(redis: RedisPart, site: str) -> None:
    async with live_gateway(redis, site, limits=LIMITS, pace=PACE) as gateway, opened(gateway) as one:
        for byte in text(QUESTION) + client_frame(PING, b"x"):
            await one.send(bytes((byte,)))
            await asyncio.sleep(0)
        assert {await one.frame(), await one.frame()} == {(TEXT, ANSWER), (PONG, b"x")}
        await one.send(text(QUESTION) * 5_000)
        for _ in range(5_000):
            assert await one.message() == {"type": "pong"}


async def test_masks_of_any_kind_and_payloads_of_every_length(redis: RedisPart, site: str) -> None:
    async with live_gateway(redis, site, limits=LIMITS, pace=PACE) as gateway, opened(gateway) as one:
        for mask in (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x01\x80\x7f\xfe"):
            await one.send(text(QUESTION, mask=mask))
            assert await one.frame() == (TEXT, ANSWER)
        for size in (0, 1, 124, 125):
            await one.send(client_frame(PING, b"\xff" * size))
            assert await one.frame() == (PONG, b"\xff" * size)
        for size in (0, 1, 125, 126, 16_384, 65_535, 65_536, MOST_BYTES):
            await one.send(text("x" * size))
            refused = await one.message()
            assert refused["code"] == ("invalid_argument" if size <= 16_384 else "message_too_large"), size


async def test_who_goes_in_the_midst_of_a_frame_is_gone(redis: RedisPart, site: str) -> None:
    half = client_frame(TEXT, QUESTION.encode(), fin=False) + client_frame(CONT, b"x" * 300)
    async with live_gateway(redis, site, limits=LIMITS, pace=PACE) as gateway, opened(gateway) as neighbour:
        for cut in range(0, len(half), 7):
            async with raw_socket(gateway.url) as one:
                await one.send(half[:cut])
                if cut % 2:
                    one.writer.write_eof()
        await eventually(lambda: len(gateway.live) == 1)
        await answers(neighbour)


async def test_damaged_frames_end_with_a_code_of_their_kind_or_are_refused(redis: RedisPart, site: str) -> None:
    """Bits turned over anywhere in right frames."""
    dice = random.Random(7)
    right = text(QUESTION) + client_frame(PING, b"x") + text("{", fin=False) + client_frame(CONT, b"}") + close(1000)
    async with live_gateway(redis, site, limits=LIMITS, pace=PACE) as gateway, opened(gateway) as neighbour:
        for _ in range(150):
            damaged = bytearray(right)
            for _ in range(dice.randint(1, 4)):
                damaged[dice.randrange(len(damaged))] ^= 1 << dice.randrange(8)
            async with opened(gateway) as one:
                await one.send(bytes(damaged))
                one.writer.write_eof()
                seen = [frame async for frame in one.frames()]
            codes = {frame.close_code for frame in seen if frame.opcode == CLOSE}
            assert codes <= {None, *range(1000, 5000)}, damaged.hex()
            assert all(frame.opcode in (TEXT, PING, PONG, CLOSE) for frame in seen), damaged.hex()
            await answers(neighbour)
        await eventually(lambda: len(gateway.live) == 1)


async def test_pieces_without_end_take_no_memory(redis: RedisPart, site: str) -> None:
    """Red on a build that keeps a list of pieces."""
    async with live_gateway(redis, site, limits=LIMITS, pace=PACE) as gateway, opened(gateway) as one:
        _, protocol = near_end(gateway)
        await one.send(text(QUESTION[:4], fin=False))
        for _ in range(100):
            await one.send(client_frame(CONT, fin=False) * 500)
        await one.send(client_frame(PING))
        assert await one.frame() == (PONG, b"")
        assert len(protocol.frames) + len(protocol._message) == 4
        await one.send(client_frame(CONT, QUESTION[4:].encode()))
        assert await one.frame() == (TEXT, ANSWER)


def near_end(gateway: LiveGateway) -> tuple[asyncio.Transport, FramesProtocol]:
    """The server's side of the newest connection."""
    sink: Any = list(gateway.live._connections)[-1]._sink
    transport: asyncio.Transport = sink._write.__self__
    protocol = transport.get_protocol()
    assert isinstance(protocol, FramesProtocol)
    return transport, protocol


FLOODS = {
    "questions": text(QUESTION),
    "nothing": text(""),
    "pings": client_frame(PING),
    "long pings": client_frame(PING, b"x" * 125),
    "long messages": text("x" * 16_000),
}


@pytest.mark.parametrize("kind", FLOODS)
async def test_a_flood_that_reads_no_answers_is_bounded_and_holds_up_nobody(
    redis: RedisPart, site: str, kind: str
) -> None:
    """Answers stop while the client takes none, and each comes when it does."""
    question = FLOODS[kind]
    flood = question * (65_536 // len(question))
    async with (
        live_gateway(redis, site, limits=LIMITS, pace=PACE, send_bytes=4_096) as gateway,
        opened(gateway) as neighbour,
        opened(gateway, receive_bytes=4_096) as one,
        asyncio.TaskGroup() as tasks,
    ):
        transport, protocol = near_end(gateway)
        sent = 0

        async def send() -> None:
            nonlocal sent
            while True:
                await one.send(flood)
                sent += len(flood)

        flooding = tasks.create_task(send())
        await eventually(lambda: protocol.read_paused and not protocol.writable.is_set())
        for _ in range(100):
            await answers(neighbour)
        assert transport.get_write_buffer_size() < HIGH_WATER_BYTES + SLICE_BYTES * 64
        assert protocol.queue.qsize() * MESSAGE_OVERHEAD_BYTES <= protocol._unread_bytes < 4 * MOST_UNREAD_BYTES
        assert len(protocol._input) <= MOST_READ_BYTES
        flooding.cancel()
        one.writer.transport.abort()
    await eventually(lambda: len(gateway.live) == 0)


@pytest.mark.parametrize("kind", FLOODS)
async def test_a_flood_is_read_no_faster_than_it_may(redis: RedisPart, site: str, kind: str) -> None:
    """Also when it reads all answers: what many cost that flood at once is bounded."""
    flood = FLOODS[kind] * (65_536 // len(FLOODS[kind]))
    pace = Pace(frame_burst=10, frames_per_s=1)
    async with live_gateway(redis, site, limits=LIMITS, pace=pace) as gateway, opened(gateway) as one:
        _, protocol = near_end(gateway)
        await one.send(flood)
        await eventually(lambda: len(protocol._input) > 0)
        async with opened(gateway) as neighbour:
            await answers(neighbour)
        assert protocol.read_paused
        assert protocol._input


@pytest.mark.parametrize("ending", [close(1000), client_frame(CONT), b""])
async def test_who_takes_nothing_is_gone_after_a_while_however_it_ends(
    redis: RedisPart, site: str, ending: bytes
) -> None:
    """The client says goodbye, or sends rubbish, or nothing, and the login ends; it never reads what it was sent."""
    pace = Pace(close_within_s=0.3, frame_burst=1_000_000)
    async with (
        live_gateway(redis, site, limits=LIMITS, pace=pace, send_bytes=4_096) as gateway,
        raw_socket(gateway.url, token=TOKEN, receive_bytes=4_096) as one,
    ):
        await one.message()
        transport, protocol = near_end(gateway)
        transport.write(b"x" * 60_000)
        assert 0 < transport.get_write_buffer_size() < HIGH_WATER_BYTES
        await one.send(ending)
        if not ending:
            gateway.live.connections.end_login(1)
        await eventually(lambda: len(gateway.live) == 0)
        await eventually(lambda: protocol.disconnected)


async def test_a_client_that_ended_its_half_and_reads_nothing_is_gone_after_a_while(
    redis: RedisPart, site: str
) -> None:
    pace = Pace(close_within_s=0.3, frame_burst=1_000_000)
    async with (
        live_gateway(redis, site, limits=LIMITS, pace=pace, send_bytes=4_096) as gateway,
        opened(gateway, receive_bytes=4_096) as one,
    ):
        transport, protocol = near_end(gateway)
        transport.write(b"x" * 60_000)
        one.writer.write_eof()
        await eventually(lambda: protocol.disconnected and len(gateway.live) == 0)


async def test_the_server_ends_though_nobody_takes_anything(redis: RedisPart, site: str) -> None:
    """Also while a client's own close is still being answered."""
    async with AsyncExitStack() as far, AsyncExitStack() as near:
        gateway = await near.enter_async_context(
            live_gateway(redis, site, limits=LIMITS, pace=PACE, send_bytes=4_096)
        )
        protocols = []
        for ending in (b"", close(1000)):
            one = await far.enter_async_context(opened(gateway, receive_bytes=4_096))
            transport, protocol = near_end(gateway)
            transport.write(b"x" * 60_000)
            await one.send(ending)
            protocols.append(protocol)
        await eventually(lambda: protocols[1].close_sent)
        await near.aclose()
        assert len(gateway.live) == 0
        assert all(protocol.disconnected for protocol in protocols)
