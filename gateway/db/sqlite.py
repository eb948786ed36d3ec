"""What SQLite needs beyond a URL: a private file, its settings, transactions that begin when we say, and an end."""

import asyncio
import contextlib
import os
import sqlite3
from typing import Any, TypeGuard

import aiosqlite
from sqlalchemy import event
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry

WRITES = "gateway_writes"


class Threads:
    """The worker threads of the connections.

    A connection that could not be opened, or whose user was cancelled, is told to stop and left; its thread then
    answers to an event loop that may be closed by that time. ``ended`` waits for them all.
    """

    def __init__(self) -> None:
        self._ending: set[asyncio.Future[Any]] = set()

    def open(self, path: str, **options: Any) -> "ThreadedConnection":
        """A connection, not opened yet; for SQLAlchemy's ``async_creator_fn``."""
        return ThreadedConnection(self, path, options)

    def stops(self, ending: asyncio.Future[Any]) -> None:
        self._ending.add(ending)
        ending.add_done_callback(self._stopped)

    async def ended(self, within_s: float) -> None:
        """Wait for the threads that have been told to stop."""
        if self._ending:
            await asyncio.wait(self._ending, timeout=within_s)

    def _stopped(self, ending: asyncio.Future[Any]) -> None:
        self._ending.discard(ending)
        if not ending.cancelled():
            ending.exception()  # looked at; nobody can do anything about it


class ThreadedConnection(aiosqlite.Connection):
    """A connection that tells when its thread is about to end, and gives its locks back when it is closed.

    Without that a statement that nobody waits for any more, as after a cancellation, keeps the write lock of a closed
    connection until its cursor is collected.
    """

    def __init__(self, threads: Threads, path: str, options: dict[str, Any]) -> None:
        super().__init__(lambda: sqlite3.connect(path, **options), iter_chunk_size=64)
        self._thread.daemon = True  # as SQLAlchemy does: a forgotten connection must not hold the process
        self._threads = threads

    async def close(self) -> None:
        self._tx.put_nowait((None, self._roll_back))
        await super().close()

    def stop(self) -> "asyncio.Future[Any] | None":
        self._tx.put_nowait((None, self._roll_back))
        ending = super().stop()
        if ending is not None:
            self._threads.stops(ending)
        return ending

    def _roll_back(self) -> None:
        """In the connection's thread."""
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.rollback()


def is_file(path: str | None) -> TypeGuard[str]:
    """Whether the database is a file under a plain name."""
    return bool(path) and path != ":memory:" and not str(path).startswith("file:")


def create_private(path: str | None) -> None:
    """Make the file ours alone before SQLite makes it readable for everybody; WAL files take over its mode."""
    if is_file(path):
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))


def tune(engine: AsyncEngine, *, busy_timeout_ms: int, durable: bool = False) -> None:
    """Set every new connection up, and begin transactions by our own rule."""

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _entry: ConnectionPoolEntry) -> None:
        # the driver's own BEGIN comes too late and not before DDL
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {busy_timeout_ms}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
