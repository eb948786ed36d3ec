"""The README's clients, run as they stand there."""

import asyncio
import re
import sys
from pathlib import Path
from typing import Any

from playwright.async_api import Page

from tests.support.gateway import PASSWORD, ROOT, GatewayPart
from tests.support.parts import chromium
from tests.support.waiting import eventually

README = (ROOT / "README.md").read_text()


def snippet(language: str) -> str:
    """The README's only block of a language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    return str(found)


async def known(up: GatewayPart) -> None:
    """Wait until something is known of the site: before that a subscription is refused, to be tried again."""
    token = up.log_in()
    await eventually(lambda: up.get("/api/v1/sites/demo/values", token)[0] == 200)


async def test_the_python_client_lives_through_a_restart(tmp_path: Path) -> None:
    """Red: without its loop the client ends with the gateway; with another port the second snapshot never comes."""
    async with GatewayPart("up", tmp_path / "up") as up:
        await known(up)
        client = tmp_path / "client.py"
        client.write_text(
            snippet("python").replace("http://127.0.0.1:8080", up.base).replace("sleep(3)", "sleep(0.2)")
        )
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-u", client, PASSWORD, stdout=asyncio.subprocess.PIPE
        )
        try:
            await _prints(process, rb"chargepoints/5/power_w \d")
            await up.stop()
            await up.start()
            await _prints(process, rb"not current: ")
            await _prints(process, rb"chargepoints/5/power_w \d")
        finally:
            process.kill()
            await process.communicate()


async def test_the_python_client_says_that_the_password_is_wrong(tmp_path: Path) -> None:
    async with GatewayPart("up", tmp_path / "up") as up:
        client = tmp_path / "client.py"
        client.write_text(snippet("python").replace("http://127.0.0.1:8080", up.base))
        process = await asyncio.create_subprocess_exec(
            sys.executable, client, "not the password", stderr=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(30):
            _, said = await process.communicate()
        assert (process.returncode, said.strip()) == (1, b"wrong password")


async def _prints(process: asyncio.subprocess.Process, pattern: bytes) -> None:
    assert process.stdout is not None
    async with asyncio.timeout(30):
        async for line in process.stdout:
            if re.match(pattern, line):
                return
    raise AssertionError(f"the client ended without {pattern!r}")


async def test_the_javascript_client_shows_values(tmp_path: Path) -> None:
    async with GatewayPart("up", tmp_path / "up") as up, chromium() as browser:
        await known(up)
        page: Page = await browser.new_page()
        module = snippet("js")
        await page.route("**/client.js", lambda route: route.fulfill(body=module, content_type="text/javascript"))
        await page.goto(up.base)
        await page.evaluate(
            """async (password) => {
                const { watch } = await import("/client.js");
                globalThis.seen = {};
                await watch(password, "demo", ["+/power_w"], (key, reading) => { globalThis.seen[key] = reading; });
            }""",
            PASSWORD,
        )

        async def seen() -> Any:
            return "grid/power_w" in await page.evaluate("globalThis.seen")

        await eventually(seen, 30, what="a value in the browser")
