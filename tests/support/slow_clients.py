"""Clients that can be made to stop reading, each in its own way."""

import json
import os
import signal
from abc import abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

from playwright.async_api import Page
from websockets.asyncio.client import ClientConnection, connect

from tests.support.browser import chromium
from tests.support.raw_socket import RawSocket, raw_socket, text
from tests.support.server import TOKEN
from tests.support.waiting import eventually

Message = dict[str, Any]


class SlowClient(Protocol):
    """A client that answers pings while it reads, as every websocket library does."""

    @abstractmethod
    async def send(self, message: Message) -> None: ...

    @abstractmethod
    async def next(self) -> Message: ...

    @abstractmethod
    async def stall(self) -> None:
        """Read nothing from now on."""

    @abstractmethod
    async def go_on(self) -> None:
        """Read again."""


Opened = Callable[[str], AbstractAsyncContextManager[SlowClient]]
"""By the address to connect to."""


class RawClient(SlowClient):
    """Does not read unless asked for a message."""

    def __init__(self, socket: RawSocket) -> None:
        self.socket = socket
        socket.answers_pings = True

    async def send(self, message: Message) -> None:
        await self.socket.send(text(json.dumps(message)))

    async def next(self) -> Message:
        return await self.socket.message()

    async def stall(self) -> None:
        """It does not read by itself; what asyncio reads ahead is no more than its kernel would take."""

    async def go_on(self) -> None:
        """As above."""


class LibraryClient(SlowClient):
    """The ``websockets`` library, paused at its transport."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def send(self, message: Message) -> None:
        await self.socket.send(json.dumps(message))

    async def next(self) -> Message:
        message: Message = json.loads(await self.socket.recv())
        return message

    async def stall(self) -> None:
        self.socket.transport.pause_reading()

    async def go_on(self) -> None:
        self.socket.transport.resume_reading()


OPEN = """url => new Promise(opened => {
    window.messages = []
    window.socket = new WebSocket(url, "gateway.v1.json")
    socket.onmessage = event => messages.push(event.data)
    socket.onopen = opened
})"""


class Browser(SlowClient):
    """A real browser, frozen by SIGSTOP with all of its processes."""

    def __init__(self, page: Page, processes: list[int]) -> None:
        self.page = page
        self._processes = processes
        self._messages: list[Message] = []

    async def send(self, message: Message) -> None:
        await self.page.evaluate("message => socket.send(message)", json.dumps(message))

    async def next(self) -> Message:
        async def some() -> bool:
            self._messages += map(json.loads, await self.page.evaluate("messages.splice(0)"))
            return bool(self._messages)

        await eventually(some)
        return self._messages.pop(0)

    async def stall(self) -> None:
        self._signal(signal.SIGSTOP)

    async def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        for process in self._processes:
            os.kill(process, number)


def below(ancestor: int, name: str) -> list[int]:
    """The processes of that name that this one started, or that those started."""
    parents: dict[int, int] = {}
    names: dict[int, str] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            before, _, after = (entry / "stat").read_text().rpartition(")")
        except OSError:  # gone meanwhile
            continue
        process = int(entry.name)
        names[process] = before.partition("(")[2]
        parents[process] = int(after.split()[1])
    found = []
    for process in parents:
        above: int | None = process
        while above is not None and above != ancestor:
            above = parents.get(above)
        if above == ancestor and names[process].startswith(name):
            found.append(process)
    return found


@asynccontextmanager
async def raw_client(address: str) -> AsyncIterator[SlowClient]:
    async with raw_socket(f"ws://{address}/api/v1/live", receive_bytes=4_096) as socket:
        yield RawClient(socket)


@asynccontextmanager
async def library_client(address: str) -> AsyncIterator[SlowClient]:
    options: dict[str, Any] = {"proxy": None, "compression": None, "ping_interval": None, "close_timeout": 1}
    async with connect(f"ws://{address}/api/v1/live", max_queue=None, **options) as socket:
        yield LibraryClient(socket)


@asynccontextmanager
async def browser_client(address: str) -> AsyncIterator[SlowClient]:
    async with chromium() as browser:
        page = await browser.new_page()
        await page.goto(f"http://{address}/")
        await page.evaluate(OPEN, f"ws://{address}/api/v1/live")
        client = Browser(page, below(os.getpid(), "chrom"))
        try:
            yield client
        finally:
            await client.go_on()


async def logged_in(client: SlowClient, site: str, *keys: str) -> list[Message]:
    """Authenticate and subscribe; all that came, up to the end of the snapshot."""
    await client.send({"type": "auth", "id": 1, "token": TOKEN})
    await client.send({"type": "subscribe", "id": 2, "site": site, "keys": list(keys)})
    came: list[Message] = []
    while not came or came[-1]["type"] != "snapshot" or came[-1]["part"] < came[-1]["parts"]:
        came.append(await client.next())
    return came
