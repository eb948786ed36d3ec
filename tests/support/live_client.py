"""A client that speaks the protocol by hand, message by message."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from gateway.protocol.messages import SUBPROTOCOL
from tests.support.server import TOKEN, LiveGateway


class Client:
    """Speaks the protocol by hand."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.last_id = 0

    async def send(self, **message: Any) -> int:
        self.last_id += 1
        if message["type"] != "ping":
            message = {"id": self.last_id, **message}
        await self.socket.send(json.dumps(message).replace("from_", "from"))
        return self.last_id

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(10):
            message: dict[str, Any] = json.loads(await self.socket.recv())
        return message

    async def expect(self, kind: str, **fields: Any) -> dict[str, Any]:
        message = await self.next()
        assert message["type"] == kind, message
        assert {name: message[name.rstrip("_")] for name in fields} == fields, message
        return message

    async def closed(self) -> int | None:
        """The code with which the server closes, whatever comes before."""
        async with asyncio.timeout(10):
            try:
                while True:
                    await self.socket.recv()
            except ConnectionClosed:
                return self.socket.close_code

    async def log_in(self, token: str = TOKEN) -> None:
        await self.expect("hello")
        await self.send(type="auth", token=token)
        await self.expect("authenticated")

    async def subscribe(self, site: str, *keys: str, **more: Any) -> dict[str, Any]:
        await self.send(type="subscribe", site=site, keys=keys, **more)
        return await self.expect("subscribed")


@asynccontextmanager
async def client(gateway: LiveGateway | str, *, token: str | None = None, **options: Any) -> AsyncIterator[Client]:
    """A connection to that gateway, or to that address."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    options.setdefault("subprotocols", [Subprotocol(SUBPROTOCOL)])
    async with connect(
        gateway if isinstance(gateway, str) else gateway.url,
        additional_headers=headers,
        proxy=None,
        compression=None,
        ping_interval=None,
        close_timeout=1,
        **options,
    ) as socket:
        yield Client(socket)
