"""The clients of docs/protocol/README.md, run as they stand there; only addresses and the longest wait differ."""

import asyncio
import json
import re
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Page
from websockets.asyncio.server import ServerConnection

from gateway.protocol.messages import CloseCode
from tests.support.gateway import PASSWORD, ROOT, GatewayPart
from tests.support.parts import chromium
from tests.support.tricks import playing, say, welcome
from tests.support.waiting import eventually

GUIDE = (ROOT / "docs/protocol/README.md").read_text()
BASE = "http://127.0.0.1:8080"


def client(language: str) -> str:
    """The guide's only block of a language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    return str(found)


@asynccontextmanager
async def python(folder: Path, text: str) -> AsyncIterator[Process]:
    script = folder / "client.py"
    script.write_text(text)
    process = await asyncio.create_subprocess_exec(sys.executable, "-u", script, PASSWORD, stdout=PIPE, stderr=STDOUT)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def line_with(process: Process, pattern: str) -> str:
    """The next line that the client prints of that form."""
    assert process.stdout is not None
    seen = []
    async with asyncio.timeout(60):
        async for raw in process.stdout:
            seen.append(raw.decode())
            if re.match(pattern, seen[-1]):
                return seen[-1]
    raise AssertionError(f"the client ended without {pattern}:\n{''.join(seen)}")


async def test_the_python_client_goes_on_after_the_gateway_was_killed(tmp_path: Path) -> None:
    async with (
        GatewayPart("up", tmp_path / "up") as up,
        python(tmp_path, client("python").replace(BASE, up.base)) as run,
    ):
        await line_with(run, "snapshot at ")
        await line_with(run, r"grid/power_w \[")
        await up.kill()
        await up.start()
        await line_with(run, "(snapshot|resumed) at ")
        await line_with(run, r"grid/power_w \[")


def with_script(url: str, login: str) -> str:
    """The Python client with a scripted server, and somebody else who gives it a token."""
    text = client("python").replace(BASE, login)
    address = re.compile(r"^LIVE = .*$", re.MULTILINE)
    assert address.search(text)
    return address.sub(f"LIVE = {url!r}", text)


@asynccontextmanager
async def login_only() -> AsyncIterator[str]:
    """Gives everybody a token."""
    body = json.dumps({"token": "t"}).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}")
        writer.write(head + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        yield f"http://{host}:{port}"


async def test_the_python_client_goes_when_drained_and_stays_away_when_replaced(tmp_path: Path) -> None:
    asked: list[dict[str, Any]] = []

    async def script(socket: ServerConnection, number: int) -> None:
        asked.append(await welcome(socket))
        if number == 1:
            await say(socket, type="event", event_id="5-0", at=1.0, site="demo", event="later", details={})
            await say(socket, type="drain", within_s=30)
            await socket.close(CloseCode.DRAINING)
        else:
            await socket.close(CloseCode.REPLACED)

    async with login_only() as login, playing(script) as url, python(tmp_path, with_script(url, login)) as run:
        await line_with(run, "snapshot at 100")
        await line_with(run, "resumed at 100")
        await line_with(run, ".*4005")
        async with asyncio.timeout(20):
            await run.wait()
    first, second = asked
    assert (first["from"], first["events_after"]) == (None, None)
    assert (second["from"], second["events_after"]) == ({"epoch": "e", "seq": 100, "view": "v"}, "5-0")


async def test_the_python_client_asks_for_a_pong_after_waking_up(tmp_path: Path) -> None:
    """A laptop's lid is closed: the process stands still. The first connection does not survive it, the next does."""
    pinged: list[int] = []

    async def script(socket: ServerConnection, number: int) -> None:
        await welcome(socket)
        async for text in socket:
            assert json.loads(text) == {"type": "ping"}
            pinged.append(number)

    short = with_script("URL", "LOGIN").replace("before > 10", "before > 1.5")
    assert "before > 1.5" in short
    async with login_only() as login, playing(script) as url:
        text = short.replace("URL", url).replace("LOGIN", login)
        async with python(tmp_path, text) as run:
            await line_with(run, "snapshot at 100")
            run.send_signal(signal.SIGSTOP)
            await asyncio.sleep(3)  # how long it sleeps, not how long we wait for it
            run.send_signal(signal.SIGCONT)
            await eventually(lambda: pinged, 30, what="a ping")
            await line_with(run, "resumed at 100")
            assert pinged[0] == 1


async def test_the_javascript_client_goes_on_after_the_gateway_was_killed(tmp_path: Path) -> None:
    async with GatewayPart("up", tmp_path / "up") as up, chromium() as browser:
        page: Page = await browser.new_page()
        module = client("js")
        await page.route("**/client.js", lambda route: route.fulfill(body=module, content_type="text/javascript"))
        await page.goto(up.base)
        await page.evaluate(
            """async (password) => {
                const { Copy } = await import("/client.js");
                globalThis.changes = 0;
                globalThis.copy = new Copy({ password, device: "test", site: "demo", keys: ["+/power_w"],
                    onChange: () => { globalThis.changes += 1; } });
            }""",
            PASSWORD,
        )

        async def shown(what: str) -> Any:
            return await page.evaluate(what)

        async def right() -> bool:
            """The copy stands where the gateway does, or is right behind it."""
            there = up.get("/api/v1/sites/demo/values?keys=+/power_w", token)[1]["values"]
            return bool(there) and there == await shown("Object.fromEntries(globalThis.copy.values)")

        token = up.log_in()
        await eventually(
            lambda: shown("globalThis.copy.values.has('grid/power_w')"), 60, what="values in the browser"
        )
        await eventually(right, 30, every_s=0.05, what="the same values as by REST")
        await up.kill()
        changes = await shown("globalThis.changes")
        await up.start()
        await eventually(lambda: shown(f"globalThis.changes > {changes}"), 60, what="changes after the restart")
        await eventually(right, 30, every_s=0.05, what="the same values as by REST, again")
