"""What docs/protocol/README.md says of the websocket: its client, run as it stands there, and its words."""

import asyncio
import json
import re
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest

from gateway.domain import errors
from gateway.protocol import messages
from gateway.protocol.messages import CloseCode, MessageReader, ServerMessageReader
from tests.support.gateway import PASSWORD, ROOT, GatewayPart

PAGE = (ROOT / "docs/protocol/README.md").read_text()
KINDS = [
    kind
    for kind in vars(messages).values()
    if isinstance(kind, type) and issubclass(kind, messages.FromClient | messages.FromServer)
    if kind.__struct_config__.tag is not None and kind not in (messages.FromClient, messages.FromServer)
]
CLIENT_TAGS = {str(kind.__struct_config__.tag) for kind in KINDS if issubclass(kind, messages.FromClient)}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def examples() -> list[str]:
    """The messages that the page shows, each as its JSON."""
    found, decoder = [], json.JSONDecoder()
    for block in blocks("json"):
        rest = block.strip()
        while rest:
            _, end = decoder.raw_decode(rest)
            found.append(rest[:end])
            rest = rest[end:].strip()
    return found


def test_every_message_has_an_example_that_the_protocol_can_read() -> None:
    shown = set()
    for example in examples():
        kind = json.loads(example)["type"]
        shown.add(kind)
        if kind in CLIENT_TAGS:
            MessageReader(16_384).read(example)
        else:
            assert ServerMessageReader().read(example) is not None
    assert shown == {str(kind.__struct_config__.tag) for kind in KINDS}


def test_every_limit_with_its_value_is_in_the_greeting() -> None:
    (hello,) = [found for found in map(json.loads, examples()) if found["type"] == "hello"]
    limits = messages.Limits()
    assert hello["limits"] == {name: getattr(limits, name) for name in limits.__struct_fields__}


@pytest.mark.parametrize("code", CloseCode)
def test_every_close_code_is_explained(code: CloseCode) -> None:
    assert re.search(rf"\b{code.value}: ", PAGE)


def test_every_error_of_the_page_exists() -> None:
    table = PAGE.partition("## Errors")[2].partition("## Closing")[0]
    codes = {kind.code for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "code")}
    named = {
        name
        for line in table.splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`(\w+)`", line.split("|")[1])
    }
    assert named
    assert named <= codes


async def line_with(stream: asyncio.StreamReader, pattern: str) -> str:
    """The next line that the client prints of that form."""
    seen = []
    async with asyncio.timeout(60):
        async for raw in stream:
            seen.append(raw.decode())
            if re.match(pattern, seen[-1]):
                return seen[-1]
    raise AssertionError(f"the client ended without {pattern}:\n{''.join(seen)}")


async def test_the_client_goes_on_after_the_gateway_was_killed(tmp_path: Path) -> None:
    async with GatewayPart("up", tmp_path / "up") as up:
        client = tmp_path / "client.py"
        client.write_text(blocks("python")[0].replace("http://127.0.0.1:8080", up.base))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-u", client, PASSWORD, stdout=PIPE, stderr=STDOUT
        )
        assert process.stdout is not None
        try:
            await line_with(process.stdout, "snapshot at ")
            await line_with(process.stdout, r"grid/power_w \[")
            await up.kill()
            await up.start()
            await line_with(process.stdout, "(snapshot|resumed) at ")
            await line_with(process.stdout, r"grid/power_w \[")
        finally:
            process.kill()
            await process.communicate()
