"""A dump of MariaDB tables as compressed SQL, over a connection of ours: for where there is no dump program."""

import asyncio
import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pymysql.converters import escape_item
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

ROWS_OF_A_STATEMENT = 500
HEAD = """SET NAMES utf8mb4;
SET FOREIGN_KEY_CHECKS=0;
SET SQL_MODE='NO_AUTO_VALUE_ON_ZERO';
"""


async def own_dump(connection: AsyncConnection, tables: Sequence[str], path: Path) -> None:
    """Write tables and rows as of one moment; the connection's transaction ends, and so does the one of the dump."""
    await connection.rollback()
    await connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
    await connection.execute(text("START TRANSACTION WITH CONSISTENT SNAPSHOT"))
    try:
        with gzip.open(path, "wt", encoding="utf-8", compresslevel=3, newline="\n") as file:
            file.write(HEAD)
            for table in tables:
                made = (await connection.execute(text(f"SHOW CREATE TABLE `{table}`"))).one()[1]
                file.write(f"DROP TABLE IF EXISTS `{table}`;\n{made};\n")
                rows = await connection.stream(text(f"SELECT * FROM `{table}`"))  # noqa: S608 - a name of ours
                async for some in rows.partitions(ROWS_OF_A_STATEMENT):
                    await asyncio.to_thread(file.write, _insert(table, some))
    finally:
        await connection.rollback()


def _insert(table: str, rows: Sequence[Any]) -> str:
    values = ",\n".join(f"({', '.join(_literal(one) for one in row)})" for row in rows)
    return f"INSERT INTO `{table}` VALUES\n{values};\n"


def _literal(of: Any) -> str:
    return "NULL" if of is None else str(escape_item(of, "utf8mb4"))
