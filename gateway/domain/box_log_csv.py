"""What the logs that come as CSV have in common: text, lines, cells."""

import csv
import io
from typing import Final

from gateway.domain.errors import Unreadable

MOST_LINES: Final = 100_000
MOST_CELLS: Final = 100


def text_of(payload: bytes) -> str:
    """UTF-8 with or without its mark, else the Western European of older programs. Raises Unreadable for no text."""
    if b"\x00" in payload:
        raise Unreadable("this is no text, so it is no CSV file", reason="encoding")
    try:
        return payload.decode("utf-8-sig")
    except UnicodeDecodeError:
        return payload.decode("cp1252", "replace")


def rows_of(text: str, separator: str) -> list[list[str]]:
    """The cells of all lines that have any, without the white space around them. Raises Unreadable."""
    try:
        rows = [
            [cell.strip() for cell in row] for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        ]
    except csv.Error:
        raise Unreadable("a cell of the CSV file never ends", reason="encoding") from None
    if len(rows) > MOST_LINES or any(len(row) > MOST_CELLS for row in rows):
        raise Unreadable(f"a log has at most {MOST_LINES} lines of {MOST_CELLS} cells", reason="range")
    return [row for row in rows if any(row)]
