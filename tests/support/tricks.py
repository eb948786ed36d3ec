"""A websocket server that follows a script, for what a right gateway does not do on demand."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from gateway.protocol.messages import SUBPROTOCOL

Script = Callable[[ServerConnection, int], Awaitable[None]]


@asynccontextmanager
async def playing(script: Script) -> AsyncIterator[str]:
    """A server that follows the script with every connection; the script is told which one it is, from 1."""
    counted = 0

    async def handle(socket: ServerConnection) -> None:
        nonlocal counted
        counted += 1
        await script(socket, counted)

    async with serve(handle, "127.0.0.1", 0, subprotocols=[SUBPROTOCOL], close_timeout=1) as server:  # type: ignore[list-item] # a NewType
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}/"


async def say(socket: ServerConnection, **message: Any) -> None:
    await socket.send(json.dumps(message).replace("from_", "from"))


async def welcome(socket: ServerConnection) -> dict[str, Any]:
    """Authenticate and answer the first subscribe with a snapshot at 100; what the client asked for."""
    hello = {"version": 1, "server": {"version": "9", "colour": "red"}, "server_time": 1.0, "auth": "required"}
    await say(socket, type="hello", limits={"moons": 3}, news=[1], **hello)
    await say(socket, type="a_later_message")
    await socket.recv()
    await say(socket, type="authenticated", id=1, user="anna", scopes=[], connection="c")
    asked: dict[str, Any] = json.loads(await socket.recv())
    how = "resumed" if asked.get("from") else "snapshot"
    answer = {"id": asked["id"], "subscription": 7, "view": "v", "how": how, "epoch": "e", "seq": 100}
    await say(socket, type="subscribed", min_interval_ms=0, **answer)
    if how == "snapshot":
        values = {"a": [1, 1.0, "stale", "later"], "b": [1, None]}
        await say(socket, type="snapshot", subscription=7, epoch="e", seq=100, part=1, parts=1, values=values)
    return asked
