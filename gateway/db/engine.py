"""The database: connections, transactions, migrations; every error of the libraries ends here.

Rules:

* ``reading`` and ``writing`` are the only ways in. Both raise DatabaseUnavailable when the database is out of reach
  or does not answer within ``timeout_s``; the next call finds a fresh connection by itself.
* At most ``most_at_once`` of them run at a time; the others wait in line, in order. That takes nothing from their
  ``timeout_s``: a crowd of ours is no fault of the database. Only after ``line_s`` they are told that it is too busy.
* ``writing`` is one transaction: committed when the block ends, rolled back when it raises. On SQLite it takes the
  write lock at its start, so that what was read in it still holds when it writes. ``durable``: it is on the disk
  then, also on SQLite, which otherwise may lose the last ones with the power, and no more than that.
* ``migrate`` may be run by any number of processes at once: one works, the others wait and find nothing to do. Before
  tables are changed they are copied (``backups.py``); when the change fails, the version before can be started again:
  SQLite takes everything back, and on MariaDB, which cannot, each migration is one that the version before does not
  notice (``migrations/env.py``), and the form is set back to where it was.
* Statements and parameters never get into messages: they may hold digests and hashes.
"""

import asyncio
import contextlib
import hashlib
import os
from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from gateway.db import sqlite
from gateway.db.backups import Backups
from gateway.db.reasons import reason_of
from gateway.db.sqlite import WRITES
from gateway.db.tables import form_of, is_behind, ours, set_form, upgrade
from gateway.domain.errors import DatabaseUnavailable


class Database:
    """Owns an engine, and thereby its connections: ``dispose`` it. Cancelling a block rolls it back."""

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = 5.0,
        migration_timeout_s: float = 120.0,
        backup_timeout_s: float = 3_600.0,
        line_s: float = 30.0,
        most_at_once: int = 5,
        durable: bool = False,
    ) -> None:
        self._url = make_url(url)
        self._backup_timeout_s = backup_timeout_s
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
            sqlite.tune(self._engine, busy_timeout_ms=int(timeout_s * 1000), durable=durable)
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

    @property
    def lacks_file(self) -> str | None:
        """The file of an SQLite that is not there: whoever opens it makes it. None: nothing is missing."""
        path = self._url.database if self._sqlite else None
        return path if sqlite.is_file(path) and not os.path.exists(path) else None  # noqa: PTH110 - as SQLite takes it

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

    async def migrate(self, backups: Backups | None = None) -> None:
        """Bring the tables to the newest form, with a copy of them before.

        Raises DatabaseUnavailable, or SettingsError when a newer gateway has been at work there. Alembic keeps its
        state in module variables: migrate two databases of one process one after the other.
        """
        if backups is not None and not backups.kept:
            backups = None
        async with self._translated(self._migration_timeout_s) as deadline:
            if self._sqlite:
                await asyncio.to_thread(sqlite.create_private, self._url.database)
            async with self._engine.connect() as connection:
                migrating = self._migrate_sqlite if self._sqlite else self._migrate_mariadb
                await migrating(connection, backups, deadline)

    async def _migrate_sqlite(
        self, connection: AsyncConnection, backups: Backups | None, deadline: asyncio.Timeout
    ) -> None:
        await self._be_patient(connection, self._migration_timeout_s)
        await connection.execution_options(**{WRITES: True})
        try:
            async with connection.begin():
                form = await connection.run_sync(form_of)
                path = self._url.database
                if backups is not None and is_behind(form) and sqlite.is_file(path):
                    # ours is the write lock, and nothing was written: what another connection reads is what there was
                    async with self._within(deadline, self._backup_timeout_s):
                        await backups.of_sqlite(path, form)
                await connection.run_sync(upgrade, self.name)
        finally:
            await self._be_patient(connection, self._timeout_s)

    async def _be_patient(self, connection: AsyncConnection, seconds: float) -> None:
        """Set how long this connection waits for another writer. It goes back to the pool afterwards."""
        await connection.execution_options(**{WRITES: False})
        await connection.exec_driver_sql(f"PRAGMA busy_timeout = {int(seconds * 1000)}")
        await connection.rollback()

    async def _migrate_mariadb(
        self, connection: AsyncConnection, backups: Backups | None, deadline: asyncio.Timeout
    ) -> None:
        # the lock belongs to the connection: it ends with it, whatever else happens
        schema = await connection.scalar(text("SELECT DATABASE()"))
        lock = {"lock": f"gateway-migrate-{hashlib.sha256(str(schema).encode()).hexdigest()[:32]}"}
        wait_s = int(self._migration_timeout_s)
        if not await connection.scalar(text(f"SELECT GET_LOCK(:lock, {wait_s})"), lock):
            raise DatabaseUnavailable("another process has been migrating the database for too long")
        try:
            form = await connection.run_sync(form_of)
            if backups is not None and is_behind(form):
                async with self._within(deadline, self._backup_timeout_s):
                    await backups.of_mariadb(connection, self._url, await connection.run_sync(ours), form)
            await self._upgrade_or_back(connection, form)
        except BaseException:
            # nothing may be asked of it any more: that could hang, or hide what went wrong
            await connection.invalidate()
            raise
        with contextlib.suppress(SQLAlchemyError):
            await connection.execute(text("SELECT RELEASE_LOCK(:lock)"), lock)

    async def _upgrade_or_back(self, connection: AsyncConnection, form: str | None) -> None:
        """Upgrade; where that fails after some of several steps, the form is again the one that it was."""
        try:
            await connection.run_sync(upgrade, self.name)
            await connection.commit()
        except Exception:
            if form is not None and not connection.invalidated:
                with contextlib.suppress(SQLAlchemyError, TimeoutError):
                    async with asyncio.timeout(self._timeout_s):
                        await connection.rollback()
                        await connection.run_sync(set_form, form)
                        await connection.commit()
            raise

    @contextlib.asynccontextmanager
    async def _within(self, deadline: asyncio.Timeout, seconds: float) -> AsyncIterator[None]:
        """Another deadline for a while; afterwards the time of the migration begins anew."""
        loop = asyncio.get_running_loop()
        deadline.reschedule(loop.time() + seconds)
        yield
        deadline.reschedule(loop.time() + self._migration_timeout_s)

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
    async def _translated(self, timeout_s: float) -> AsyncIterator[asyncio.Timeout]:
        try:
            async with asyncio.timeout(timeout_s) as deadline:
                yield deadline
        except IntegrityError:
            raise
        except DBAPIError as error:
            raise DatabaseUnavailable(f"the database cannot be used now ({reason_of(error.orig)})") from error
        except TimeoutError as error:
            raise DatabaseUnavailable(f"the database did not answer within {timeout_s:g} s") from error
        except OSError as error:
            raise DatabaseUnavailable("the database cannot be reached") from error
