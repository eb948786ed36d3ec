"""The logging client against a scripted server."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from tests.support.logging_client import Apart, Denied, LoggingClient
from tests.support.oracle_logs import Closed, Opened, Received, Sent
from tests.support.waiting import eventually

Answer = Callable[[ServerConnection, dict[str, Any]], Awaitable[None]]
PLACE = {"view": "v", "epoch": "e", "seq": 10}


async def tell(socket: ServerConnection, **message: Any) -> None:
    await socket.send(json.dumps(message))


async def as_a_gateway(socket: ServerConnection, asked: dict[str, Any]) -> None:
    match asked:
        case {"type": "auth", "id": number}:
            await tell(socket, type="authenticated", id=number)
        case {"type": "subscribe", "id": number, "from": {"seq": seq}}:
            await tell(socket, type="subscribed", id=number, subscription=7, how="resumed", **PLACE)
            await tell(socket, type="delta", subscription=7, seq=seq + 3, values={}, **{"from": seq})
        case {"type": "subscribe", "id": number, "keys": ["bad"]}:
            await tell(socket, type="error", id=number, code="invalid_argument", message="no")
        case {"type": "subscribe", "id": number}:
            await tell(socket, type="subscribed", id=number, subscription=7, how="snapshot", **PLACE)
            for part in (1, 2):
                place = {"epoch": "e", "seq": 10, "part": part, "parts": 2}
                await tell(socket, type="snapshot", subscription=7, values={}, **place)
        case {"type": "update", "id": number, "paused": paused}:
            how, told = ("unchanged", 8) if paused else ("unchanged", 7)
            await tell(socket, type="subscribed", id=number, subscription=told, how=how, **PLACE)
        case {"type": "update", "id": number}:
            await tell(socket, type="reset", subscription=7, reason="view", now=9)
            await tell(socket, type="subscribed", id=number, subscription=11, how="snapshot", **PLACE)
        case {"type": "unsubscribe", "id": number, "subscription": old}:
            await tell(socket, type="unsubscribed", id=number, subscription=old)


@asynccontextmanager
async def client_of(answer: Answer) -> AsyncIterator[LoggingClient]:
    async def handle(socket: ServerConnection) -> None:
        async for text in socket:
            await answer(socket, json.loads(text))

    async with serve(handle, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with LoggingClient("phone", f"ws://127.0.0.1:{port}", "token") as client:
            yield client


async def test_it_logs_both_ways_in_order_and_comes_back_to_where_it_was() -> None:
    async with client_of(as_a_gateway) as client:
        await client.connect()
        await client.subscribe(("grid/#",), 250)
        await eventually(lambda: client.held[7].complete)
        await client.abort()
        assert not client.connected
        assert [(one.seq, one.view) for one in client.kept] == [(10, "v")]
        await client.connect()
        await client.resume()
        await eventually(lambda: client.held[7].seq == 13)
        assert not client.kept
    kinds = [type(event) for event in client.log.events]
    assert kinds[:4] == [Opened, Sent, Received, Sent]
    assert kinds.count(Opened) == kinds.count(Closed) == 2
    sent = [event.message for event in client.log.events if isinstance(event, Sent)]
    assert sent[-1]["from"] == {"epoch": "e", "seq": 10, "view": "v"}
    assert sent[1]["min_interval_ms"] == 250


async def test_it_follows_new_numbers_and_pauses_again_what_was_paused() -> None:
    async with client_of(as_a_gateway) as client:
        await client.connect()
        one = await client.subscribe(("grid/#",))
        await eventually(lambda: client.held[7].complete)
        await client.update(one, paused=True)
        assert list(client.held) == [8]
        await client.abort()
        await client.connect()
        await client.resume()
        assert [held.paused for held in client.held.values()] == [True]
        await client.unsubscribe(client.held[8])
        assert not client.held


async def test_a_reset_voids_what_is_kept() -> None:
    async with client_of(as_a_gateway) as client:
        await client.connect()
        one = await client.subscribe(("grid/#",))
        await eventually(lambda: client.held[7].complete)
        await client.update(one, keys=["pv/#"])
        assert [held.complete for held in client.held.values()] == [False, False]
        await client.abort()
        assert not client.kept


async def test_refusals_and_broken_connections_are_told_apart() -> None:
    async def deaf(socket: ServerConnection, asked: dict[str, Any]) -> None:
        await (socket.close(4001) if asked["type"] == "subscribe" else as_a_gateway(socket, asked))

    async with client_of(as_a_gateway) as client:
        with pytest.raises(Apart):
            await client.subscribe(("a",))
        await client.connect()
        with pytest.raises(Denied, match="invalid_argument"):
            await client.subscribe(("bad",))
    async with client_of(deaf) as client:
        await client.connect()
        with pytest.raises(Apart):
            await client.subscribe(("a",))
        await eventually(lambda: not client.connected)
        assert client.log.events[-1] == Closed(client.log.events[-1].at_s, 4001)
    nobody = LoggingClient("phone", "ws://127.0.0.1:9", "token")
    with pytest.raises(Apart, match="cannot connect"):
        await nobody.connect()
