"""The database: connections, transactions, migrations; every error of the libraries ends here.

Rules:

* ``reading`` and ``writing`` are the only ways in. Both raise DatabaseUnavailable when the database is out of reach
  or does not answer within ``timeout_s``; the next call finds a fresh connection by itself.
* At most ``most_at_once`` of them run at a time; the others wait in line, in order. That takes nothing from their
  ``timeout_s``: a crowd of ours is no fault of the database. Only after ``line_s`` they are told that it is too busy.
* ``writing`` is one transaction: committed when the block ends, rolled back when it raises. On SQLite it takes the
  write lock at its start, so that what was read in it still holds when it writes.
* ``migrate`` may be run by any number of processes at once: one works, the others wait and find nothing to do.
* Statements and parameters never get into messages: they may hold digests and hashes.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from gateway.db import sqlite
from gateway.db.sqlite import WRITES
from gateway.db.tables import upgrade
from gateway.domain.errors import DatabaseUnavailable


class Database:
    """Owns an engine, and thereby its connections: ``dispose`` it. Cancelling a block rolls it back."""

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = 5.0,
        migration_timeout_s: float = 120.0,
        line_s: float = 30.0,
        most_at_once: int = 5,
    ) -> None:
        self._url = make_url(url)
        self._line = asyncio.Semaphore(most_at_once)
        self._line_s = line_s
        self._timeout_s = timeout_s
        self._migration_timeout_s = migration_timeout_s
        self._threads = sqlite.Threads()
        self._sqlite = self._url.get_backend_name() == "sqlite"
        common: dict[str, Any] = {"pool_pre_ping": True, "hide_parameters": True, "pool_timeout": timeout_s}
        if self._sqlite:
            self._engine = create_async_engine(
                self._url,
                pool_size=most_at_once,
                connect_args={"timeout": timeout_s, "async_creator_fn": self._threads.open},
                **common,
            )
            sqlite.tune(self._engine, busy_timeout_ms=int(timeout_s * 1000))
        else:
            self._engine = create_async_engine(
                self._url,
                pool_size=most_at_once,
                pool_recycle=1800,  # below MariaDB's wait_timeout and most firewalls' patience
                isolation_level="READ COMMITTED",
                connect_args={"connect_timeout": timeout_s},
                **common,
            )

    @property
    def name(self) -> str:
        """The URL without its password, for people."""
        return self._url.render_as_string(hide_password=True)

    async def dispose(self) -> None:
        """Close all connections."""
        await self._engine.dispose()
        await self._threads.ended(self._timeout_s)

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection to read with; nothing done on it is kept."""
        async with self._in_line(), self._translated(self._timeout_s), self._engine.connect() as connection:
            yield connection

    @contextlib.asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction; IntegrityError goes through, since only the query knows what it means."""
        async with self._in_line(), self._translated(self._timeout_s), self._engine.connect() as connection:
            await connection.execution_options(**{WRITES: True})
            async with connection.begin():
                yield connection

    async def ping(self) -> None:
        """Ask for one; raises DatabaseUnavailable."""
        async with self.reading() as connection:
            await connection.execute(select(1))

    async def migrate(self) -> None:
        """Bring the tables to the newest form.

        Raises DatabaseUnavailable, or SettingsError when a newer gateway has been at work there. Alembic keeps its
        state in module variables: migrate two databases of one process one after the other.
        """
        async with self._translated(self._migration_timeout_s):
            if self._sqlite:
                await asyncio.to_thread(sqlite.create_private, self._url.database)
            async with self._engine.connect() as connection:
                await (self._migrate_sqlite(connection) if self._sqlite else self._migrate_mariadb(connection))

    async def _migrate_sqlite(self, connection: AsyncConnection) -> None:
        await self._be_patient(connection, self._migration_timeout_s)
        await connection.execution_options(**{WRITES: True})
        try:
            async with connection.begin():
                await connection.run_sync(upgrade, self.name)
        finally:
            await self._be_patient(connection, self._timeout_s)

    async def _be_patient(self, connection: AsyncConnection, seconds: float) -> None:
        """Set how long this connection waits for another writer. It goes back to the pool afterwards."""
        await connection.execution_options(**{WRITES: False})
        await connection.exec_driver_sql(f"PRAGMA busy_timeout = {int(seconds * 1000)}")
        await connection.rollback()

    async def _migrate_mariadb(self, connection: AsyncConnection) -> None:
        # the lock belongs to the connection: it ends with it, whatever else happens
        schema = await connection.scalar(text("SELECT DATABASE()"))
        lock = {"lock": f"gateway-migrate-{hashlib.sha256(str(schema).encode()).hexdigest()[:32]}"}
        wait_s = int(self._migration_timeout_s)
        if not await connection.scalar(text(f"SELECT GET_LOCK(:lock, {wait_s})"), lock):
            raise DatabaseUnavailable("another process has been migrating the database for too long")
        try:
            await connection.run_sync(upgrade, self.name)
            await connection.commit()
        except BaseException:
            # nothing may be asked of it any more: that could hang, or hide what went wrong
            await connection.invalidate()
            raise
        with contextlib.suppress(SQLAlchemyError):
            await connection.execute(text("SELECT RELEASE_LOCK(:lock)"), lock)

    @contextlib.asynccontextmanager
    async def _in_line(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._line_s):
                await self._line.acquire()
        except TimeoutError as error:
            raise DatabaseUnavailable("the database is too busy: no connection got free in time") from error
        try:
            yield
        finally:
            self._line.release()

    @contextlib.asynccontextmanager
    async def _translated(self, timeout_s: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(timeout_s):
                yield
        except IntegrityError:
            raise
        except DBAPIError as error:
            reason = type(error.orig).__name__
            raise DatabaseUnavailable(f"the database cannot be used now ({reason})") from error
        except TimeoutError as error:
            raise DatabaseUnavailable(f"the database did not answer within {timeout_s:g} s") from error
        except OSError as error:
            raise DatabaseUnavailable("the database cannot be reached") from error
