"""Errors of the drivers in words for an operator."""

import sqlite3

import pymysql
import pytest

from gateway.db.reasons import reason_of


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (pymysql.err.OperationalError(1290, "The MariaDB server is running with --read-only"), "it is read-only"),
        (pymysql.err.OperationalError(1526, "Table has no partition for value 9"), "no partition for this time"),
        (pymysql.err.OperationalError(1142, "INSERT command denied to user"), "no right"),
        (pymysql.err.OperationalError(9999, "something with a secret"), "OperationalError"),
        (pymysql.err.InterfaceError("closed"), "InterfaceError"),
        (sqlite3.OperationalError("no code: made by Python itself"), "OperationalError"),
        (OSError(), "OSError"),
        (None, "NoneType"),
    ],
)
def test_an_error_is_told_without_what_was_said(error: BaseException | None, words: str) -> None:
    assert words in reason_of(error)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (sqlite3.SQLITE_FULL, "its disk is full"),
        (sqlite3.SQLITE_IOERR | 3 << 8, "its disk does not work"),
        (sqlite3.SQLITE_READONLY, "it is read-only"),
        (sqlite3.SQLITE_ERROR, "OperationalError"),
    ],
)
def test_sqlite_tells_by_its_code(code: int, words: str) -> None:
    error = sqlite3.OperationalError("what it says")
    error.sqlite_errorcode = code
    assert words in reason_of(error)
