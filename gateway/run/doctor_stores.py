"""The doctor's look at store and database: read, never written. Addresses are told without user and password."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from gateway.db.form import VERSION_TABLE, newest_form
from gateway.run import findings
from gateway.run.findings import Finding
from gateway.run.greeting import without_secrets
from gateway.run.plan import DATABASE_FILE
from gateway.store.redis import close_client, open_client

STORE, DATABASE = "store", "database"
SQLITE = "sqlite"


async def look_at_store(url: str, within_s: float) -> AsyncIterator[Finding]:
    """Version and settings of a Redis or Valkey at a URL."""
    client = open_client(url, within_s)
    try:
        async with asyncio.timeout(within_s):
            info = await client.info()
        for finding in findings.store_info(STORE, info):
            yield finding
    except AuthenticationError as error:
        yield Finding(STORE, "problem", f"it refuses the log-in: {error}", "user and password in GATEWAY_REDIS_URL")
    except NoPermissionError:
        yield Finding(STORE, "note", "it answers, and this user may not ask for INFO", "allow +info to see more")
    except (RedisError, OSError) as error:
        words = f"{without_secrets(url)} cannot be reached: {findings.reason_of(error)}"
        yield Finding(STORE, "problem", words, "is it running, and GATEWAY_REDIS_URL right?")
    finally:
        await close_client(client)


async def look_at_database(url: str | None, data_dir: Path, within_s: float) -> AsyncIterator[Finding]:
    """Version, tables and rights; the embedded one when no URL is set."""
    if url is None or url.startswith(SQLITE):
        path = data_dir / DATABASE_FILE if url is None else Path(unquote(urlsplit(url).path.removeprefix("/")))
        yield await asyncio.to_thread(_sqlite, path, within_s)
        return
    from gateway.run.doctor_mariadb import look_at_mariadb  # noqa: PLC0415 - SQLAlchemy, which most do not need here

    async for finding in look_at_mariadb(DATABASE, url, within_s):
        yield finding


def _sqlite(path: Path, within_s: float) -> Finding:
    """Opened for reading alone; where nobody has it open, in a way that makes not even a WAL file."""
    if not path.exists():
        return Finding(DATABASE, "ok", f"{path} is not there yet; the first start makes it")
    try:
        how = "mode=ro" if Path(f"{path}-wal").exists() else "mode=ro&immutable=1"
        opened = sqlite3.connect(f"file:{quote(str(path))}?{how}", uri=True, timeout=within_s)
        with contextlib.closing(opened) as connection:
            rows = connection.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchall()  # noqa: S608 - a constant
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return findings.tables(DATABASE, None, newest_form())
        return Finding(DATABASE, "problem", f"{path}: {error}", "has this user the right to read it?")
    except sqlite3.DatabaseError as error:
        return Finding(DATABASE, "problem", f"{path} is damaged: {error}", "restore a copy, or move it away")
    return findings.tables(DATABASE, str(rows[0][0]) if rows else None, newest_form())
