"""Statements that SQLite and MariaDB want in words of their own."""

from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.sql.dml import Insert

from gateway.db.columns import MARIADB

MOST_AT_ONCE = 1_000
"""Rows of one statement: aiomysql writes it out on the event loop, which has others to serve (1,000 take 10 ms)."""


def insert_new(of: type[DeclarativeBase], connection: AsyncConnection) -> Insert:
    """An insert that leaves a row alone whose key is there: who comes first wins.

    Never INSERT IGNORE, which also swallows rows that fit into no partition or column.
    """
    table = of.__table__
    assert isinstance(table, Table)
    if connection.dialect.name in MARIADB:
        key = list(table.primary_key.columns)[-1]
        return mysql.insert(table).on_duplicate_key_update({key.name: key})
    return sqlite.insert(table).on_conflict_do_nothing()


async def insert_all_new(connection: AsyncConnection, of: type[DeclarativeBase], rows: list[dict[str, Any]]) -> None:
    """Insert those of the rows that are not there yet."""
    statement = insert_new(of, connection)
    for first in range(0, len(rows), MOST_AT_ONCE):
        await connection.execute(statement, rows[first : first + MOST_AT_ONCE])


async def write_all(connection: AsyncConnection, of: type[DeclarativeBase], rows: list[dict[str, Any]]) -> None:
    """Write the rows, also over those of the same key."""
    table = of.__table__
    assert isinstance(table, Table)
    key = [column.name for column in table.primary_key.columns]
    rest = [column.name for column in table.columns if column.name not in key]
    statement: Insert
    if connection.dialect.name in MARIADB:
        on_mariadb = mysql.insert(table)
        statement = on_mariadb.on_duplicate_key_update({name: on_mariadb.inserted[name] for name in rest})
    else:
        on_sqlite = sqlite.insert(table)
        statement = on_sqlite.on_conflict_do_update(key, set_={name: on_sqlite.excluded[name] for name in rest})
    for first in range(0, len(rows), MOST_AT_ONCE):
        await connection.execute(statement, rows[first : first + MOST_AT_ONCE])
