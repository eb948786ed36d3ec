"""Colours for people, where there are any: on a terminal that can, and where nobody said NO_COLOR."""

from collections.abc import Mapping
from typing import TextIO

RESET = "\x1b[0m"
STYLES: Mapping[str, str] = {
    "bold": "\x1b[1m",
    "dim": "\x1b[2m",
    "red": "\x1b[31m",
    "green": "\x1b[32m",
    "yellow": "\x1b[33m",
    "cyan": "\x1b[36m",
}


class Paint:
    """``paint(text, "bold", "red")``: the text in that style, or as it is."""

    def __init__(self, *, on: bool) -> None:
        self._on = on

    def __call__(self, text: str, *styles: str) -> str:
        if not self._on or not text or not styles:
            return text
        return "".join(STYLES[style] for style in styles) + text + RESET


def paint_for(out: TextIO, environ: Mapping[str, str]) -> Paint:
    """Colours if ``out`` is a terminal that knows them; NO_COLOR of any length but 0 forbids them (no-color.org)."""
    return Paint(on=out.isatty() and not environ.get("NO_COLOR") and environ.get("TERM", "dumb") != "dumb")


def visible(text: str) -> str:
    """The text without what could steer a terminal; line breaks stay."""
    return "".join(one if one.isprintable() or one == "\n" else " " for one in text)
