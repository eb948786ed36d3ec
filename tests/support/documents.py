"""The README and the documents as what they are made of: blocks of code, links, names."""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tests.support.gateway import ROOT

PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
DRAWINGS = ("docs/architecture.md",)
"""Pages whose indented blocks are drawings; elsewhere code stands in fences, where a test finds it."""


class Block(msgspec.Struct, frozen=True):
    """Code in a fence; ``line`` is that of the opening fence."""

    page: str
    line: int
    language: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.page}:{self.line}:{self.language}"

    @property
    def last_line(self) -> int:
        """That of the closing fence."""
        return self.line + self.text.count("\n") + 1


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks() -> list[Block]:
    """Every fenced block of every page."""
    return [block for page in PAGES for block in _blocks_of(name_of(page), page.read_text())]


def _blocks_of(page: str, text: str) -> Iterator[Block]:
    for found in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        yield Block(page, text.count("\n", 0, found.start()) + 1, found[1], found[2])


def fences(page: Path) -> list[int]:
    """Lines with a fence in any form that Markdown knows, also in lists and quotes, where ``blocks`` finds none."""
    form = re.compile(r"[ >]*(?:[*+-] +|\d+[.)] +)?(?:`{3,}|~{3,})")
    return [number for number, line in enumerate(page.read_text().split("\n"), 1) if form.match(line)]


def without_blocks(text: str) -> str:
    return re.sub(r"^```\w*\n.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """The places on a page to which a link may lead, as the usual hosts name them."""
    titles = re.findall(r"^#+ (.+)$", without_blocks(page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def links(page: Path) -> list[tuple[str, str]]:
    """Target and anchor of each link within the project."""
    found = re.findall(r"\]\(([^)\s]*)\)", without_blocks(page.read_text()))
    return [(target, anchor) for target, _, anchor in (link.partition("#") for link in found) if "://" not in target]
