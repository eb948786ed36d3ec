"""What docs/protocol/README.md says: true, and complete. Its clients are run in tests/e2e/test_protocol_page.py."""

import json
import re
from pathlib import Path

import pytest

from gateway.domain import errors
from gateway.protocol.asyncapi import kinds_of, tag
from gateway.protocol.messages import (
    CloseCode,
    FromClient,
    FromServer,
    Limits,
    MessageReader,
    ServerMessageReader,
    retry_class,
)

GUIDE = (Path(__file__).parents[3] / "docs/protocol/README.md").read_text()
CLIENT_TAGS = {tag(kind) for kind in kinds_of(FromClient)}
SERVER_TAGS = {tag(kind) for kind in kinds_of(FromServer)}


def examples() -> list[str]:
    """The messages that the guide shows, each as its JSON."""
    found, decoder = [], json.JSONDecoder()
    for block in re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL):
        rest = block.strip()
        while rest:
            _, end = decoder.raw_decode(rest)
            found.append(rest[:end])
            rest = rest[end:].strip()
    return found


def section(title: str) -> str:
    return GUIDE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def rows(title: str) -> list[list[str]]:
    """The cells of the tables in a section."""
    lines = [line for line in section(title).splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_message_has_an_example_that_the_protocol_can_read() -> None:
    shown = set()
    for example in examples():
        kind = json.loads(example)["type"]
        shown.add(kind)
        if kind in CLIENT_TAGS:
            MessageReader(Limits().message_bytes).read(example)
        else:
            assert ServerMessageReader().read(example) is not None
    assert shown == CLIENT_TAGS | SERVER_TAGS


def test_every_limit_with_its_value_is_in_the_greeting_and_in_the_table() -> None:
    (hello,) = [found for found in map(json.loads, examples()) if found["type"] == "hello"]
    limits = {name: getattr(Limits(), name) for name in Limits.__struct_fields__}
    assert hello["limits"] == limits
    listed = {
        name: float(default)
        for names, defaults, *_ in rows("Limits")[2:]
        for name, default in zip(re.findall(r"`(\w+)`", names), defaults.split(", "), strict=True)
    }
    assert listed == limits


@pytest.mark.parametrize("code", CloseCode)
def test_every_close_code_is_explained_with_its_class(code: CloseCode) -> None:
    (row,) = [row for row in rows("Closing") if row[0] == str(code.value)]
    assert row[1] == retry_class(code)


def test_every_error_of_the_guide_exists() -> None:
    codes = {kind.code for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "code")}
    named = {name for row in rows("Errors") for name in re.findall(r"`(\w+)`", row[0])}
    assert named
    assert named <= codes


def test_its_links_lead_somewhere() -> None:
    folder = Path(__file__).parents[3] / "docs/protocol"
    anchors = {title.lower().replace(" ", "-") for title in re.findall(r"^## (.+)$", GUIDE, re.MULTILINE)}
    for address in re.findall(r"\]\(([^)]+)\)", GUIDE):
        if address.startswith("#"):
            assert address[1:] in anchors
        else:
            assert (folder / address).exists(), address
