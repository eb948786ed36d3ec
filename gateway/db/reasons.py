"""Why a database does not do what it is asked to, in words for an operator; never with a statement or a value."""

import sqlite3

RIGHTS = "the user has no right to do that; openwb-gateway doctor says which is missing"
MARIADB = {
    1040: "it has as many connections as it allows",
    1021: "its disk is full",
    1044: RIGHTS,
    1045: "it refuses the log-in",
    1049: "there is no such database",
    1114: "its disk is full",
    1142: RIGHTS,
    1143: RIGHTS,
    1146: "a table is missing",
    1205: "it waited too long for another writer",
    1213: "it gave way to another writer",
    1227: RIGHTS,
    1290: "it is read-only",
    1526: "there is no partition for this time",
    1792: "it is read-only",
    1836: "it is read-only",
    2003: "it does not answer",
    2006: "the connection was lost",
    2013: "the connection was lost",
    2014: "the connection was lost",
}
SQLITE = {
    sqlite3.SQLITE_BUSY: "it waited too long for another writer",
    sqlite3.SQLITE_CANTOPEN: "its file cannot be opened",
    sqlite3.SQLITE_CORRUPT: "its file is damaged",
    sqlite3.SQLITE_FULL: "its disk is full",
    sqlite3.SQLITE_IOERR: "its disk does not work, or is full",
    sqlite3.SQLITE_NOTADB: "its file is no database",
    sqlite3.SQLITE_READONLY: "it is read-only",
}
PRIMARY_CODE = 0xFF


def reason_of(error: BaseException | None) -> str:
    """Of an error of a driver; what is in no table is told by the name of its class."""
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", None)
        words = None if code is None else SQLITE.get(code & PRIMARY_CODE)
    else:
        code = error.args[0] if error is not None and error.args else None
        words = MARIADB.get(code) if isinstance(code, int) else None
    return words or type(error).__name__
