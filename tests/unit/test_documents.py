"""What the documents name is there: pages, places on them, settings, commands."""

import re
from pathlib import Path

import msgspec
import pytest

from gateway.cli.main import COMMANDS
from gateway.settings import NO_SETTINGS, SECRETS, Settings
from tests.support.documents import DRAWINGS, PAGES, anchors, blocks, fences, links, name_of, without_blocks
from tests.support.gateway import ROOT

SETTINGS = {f"GATEWAY_{field.name.upper()}" for field in msgspec.structs.fields(Settings)} - {"GATEWAY_SITES"}
FILES = {f"GATEWAY_{name.upper()}_FILE" for name in SECRETS}
TARGETS = set(re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))

each_page = pytest.mark.parametrize("page", PAGES, ids=name_of)


@each_page
def test_every_link_leads_somewhere(page: Path) -> None:
    for target, anchor in links(page):
        found = (page.parent / target).resolve() if target else page
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), f"{target}#{anchor}"


@each_page
def test_every_setting_that_is_named_exists(page: Path) -> None:
    named = set(re.findall(r"\bGATEWAY_[A-Z_]*[A-Z]\b", page.read_text()))
    assert named <= SETTINGS | FILES | NO_SETTINGS


@each_page
def test_every_command_that_is_named_exists(page: Path) -> None:
    text = page.read_text()
    assert set(re.findall(r"\b(?:openwb-gateway|python -m gateway) ([a-z]+)\b", text)) <= {*COMMANDS, "runs"}
    assert set(re.findall(r"`(?:\w+=\S+ )*make ([a-z]+)", text)) <= TARGETS


@each_page
def test_code_stands_in_fences_where_it_is_found_and_run(page: Path) -> None:
    if name_of(page) not in DRAWINGS:
        lists = re.sub(r"^( *)[*-] .*(\n\1 +\S.*)*", "", without_blocks(page.read_text()), flags=re.MULTILINE)
        assert re.findall(r"(?:^|\n)\n    \S.*", lists) == []


@each_page
def test_every_fence_has_the_form_that_is_found_and_run(page: Path) -> None:
    """A fence within a list, of tildes or of four backticks would be a block that nobody runs."""
    own = [block for block in blocks() if block.page == name_of(page)]
    found = {line for block in own for line in (block.line, block.last_line)}
    assert [f"{name_of(page)}:{line}" for line in fences(page) if line not in found] == []


def test_every_fence_says_its_language() -> None:
    assert [block.name for block in blocks() if not block.language] == []
