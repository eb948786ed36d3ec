"""The MQTT adapter against peers that break the rules."""

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from gateway.domain.errors import BrokerUnavailable
from tests.support.mqtt_log import Log, broker_at
from tests.support.parts import free_port
from tests.support.waiting import eventually

CONNACK = b"\x20\x02\x00\x00"


def published(topic: bytes, payload: bytes) -> bytes:
    body = struct.pack("!H", len(topic)) + topic + payload
    assert len(body) < 128
    return bytes([0x30, len(body)]) + body


Peer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def peer_as(script: Peer) -> AsyncIterator[str]:
    """A listener that follows ``script`` for each connection; gives its URL."""
    running: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await script(reader, writer)
        finally:
            running.discard(task)
            writer.close()

    port = free_port()
    server = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        yield f"mqtt://127.0.0.1:{port}"
    finally:
        server.close()
        for task in running:
            task.cancel()
        await eventually(lambda: not running)


async def packet(reader: asyncio.StreamReader) -> bytes:
    """The body of the next packet (short ones only)."""
    _, length = await reader.readexactly(2)
    return await reader.readexactly(length)


async def test_a_topic_that_is_not_utf8_is_counted_and_skipped() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await packet(reader)
        writer.write(CONNACK)
        mid = (await packet(reader))[:2]
        writer.write(b"\x90\x04" + mid + b"\x00\x80")
        writer.write(published(b"t/\xff\xfe", b"1") + published(b"t/#", b"2") + published(b"t/\x00", b"3"))
        writer.write(published(b"t/ok", b"4"))
        await reader.read()

    async with peer_as(script) as url:
        broker = broker_at(url)
        async with broker.connect() as connection:
            assert await connection.subscribe(["t/#", "forbidden"]) == ("forbidden",)
            topics = [(await anext(connection)).topic for _ in range(3)]
    assert topics == ["t/#", "t/\x00", "t/ok"]
    assert broker.counts.unreadable_topics == 1


async def test_a_malformed_packet_ends_the_connection_only() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await packet(reader)
        writer.write(CONNACK + b"\x30\x01\xff")
        await reader.read()

    async with peer_as(script) as url:
        log = Log(broker_at(url, call_deadline_s=30))
        async with log.running():
            assert (await log.until_down(2)).reason == "unreachable"


async def test_connect_unanswered_has_a_deadline() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with peer_as(script) as url:
        for scheme in ("mqtt", "mqtts"):
            with pytest.raises(BrokerUnavailable, match=r"did not answer within 0\.1 s"):
                async with broker_at(url.replace("mqtt", scheme), connect_deadline_s=0.1).connect():
                    raise AssertionError


async def test_closed_before_an_answer_is_no_wait() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await packet(reader)

    async with peer_as(script) as url:
        with pytest.raises(BrokerUnavailable, match="before an answer"):
            async with broker_at(url, connect_deadline_s=60).connect():
                raise AssertionError


@pytest.mark.parametrize("code", [1, 2, 3])
async def test_other_refusals_are_no_matter_of_passwords(code: int) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await packet(reader)
        writer.write(b"\x20\x02\x00" + bytes([code]))
        await reader.read()

    async with peer_as(script) as url:
        with pytest.raises(BrokerUnavailable) as error:
            async with broker_at(url).connect():
                raise AssertionError
    assert error.value.reason == "unreachable"


async def test_a_call_unanswered_ends_the_connection() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await packet(reader)
        writer.write(CONNACK)
        await reader.read()

    async with peer_as(script) as url, broker_at(url, call_deadline_s=0.1, keepalive_s=60).connect() as connection:
        with pytest.raises(BrokerUnavailable, match="did not answer"):
            await connection.subscribe(["t"])
        with pytest.raises(BrokerUnavailable):
            await connection.publish("t", "x")
        with pytest.raises(BrokerUnavailable):
            await anext(connection)


async def test_calls_in_flight_end_when_the_connection_does() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await packet(reader)
        writer.write(CONNACK)
        await packet(reader)
        await packet(reader)

    async with peer_as(script) as url, broker_at(url, call_deadline_s=60).connect() as connection:
        calls = [connection.subscribe(["t"]), connection.publish("t", "x", qos=1)]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(answer) for answer in answers] == [BrokerUnavailable, BrokerUnavailable]


async def test_what_was_queued_for_a_dead_connection_is_never_sent() -> None:
    """The peer reads nothing while the publication waits; when it reads again, only a reset is there."""
    resume = asyncio.Event()
    read: list[bytes] = []
    ended: list[str] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await packet(reader)
        writer.write(CONNACK)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await resume.wait()
        writer.transport.resume_reading()  # type: ignore[attr-defined]
        try:
            while chunk := await reader.read(1 << 16):
                read.append(chunk)
            ended.append("closed")
        except ConnectionResetError:
            ended.append("reset")

    size = 16 << 20
    async with peer_as(script) as url:
        async with broker_at(url, call_deadline_s=0.2, keepalive_s=60).connect() as connection:
            with pytest.raises(BrokerUnavailable):
                await connection.publish("t", b"x" * size)
        resume.set()
        await eventually(lambda: ended)
    assert ended == ["reset"]
    assert sum(map(len, read)) < size
