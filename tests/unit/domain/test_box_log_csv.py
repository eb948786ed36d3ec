"""What the logs that come as CSV have in common."""

import pytest

from gateway.domain import box_log_csv
from gateway.domain.box_log_csv import rows_of, text_of
from gateway.domain.errors import Unreadable


def test_text_is_utf_8_with_or_without_mark_else_western_european() -> None:
    assert text_of("Zählerstand".encode()) == text_of("Zählerstand".encode("utf-8-sig")) == "Zählerstand"
    assert text_of("Zählerstand €".encode("cp1252")) == "Zählerstand €"
    with pytest.raises(Unreadable, match="no text"):
        text_of(b"PK\x03\x04\x00")


def test_empty_lines_are_none_and_quotes_hold_a_cell_together() -> None:
    assert rows_of('\r\n a , "b,\nc" \n\n,,\n"say ""x""",=1+1', ",") == [
        ["a", '"b', ""],
        ['c"'],
        ['say "x"', "=1+1"],
    ]
    assert rows_of('"b,\nc";d', ";") == [["b,\nc", "d"]]


def test_a_log_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unreadable, match="at most"):
        rows_of("," * 200, ",")
    monkeypatch.setattr(box_log_csv, "MOST_LINES", 1)
    with pytest.raises(Unreadable, match="at most"):
        rows_of("a\nb", ",")


def test_a_cell_without_an_end_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="never ends"):
        rows_of("x" * 200_000, ",")
