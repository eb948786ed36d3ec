"""A copy of the tables before they are changed.

Rules:

* The copy is whole before anything is changed, or nothing is changed: without one ``migrate`` does not go on.
* It appears under its name when it is complete and on the disk: ``gateway-<form>-<UTC>.db``, or ``.sql.gz``.
* The ``kept`` newest ones stay, older ones go once a new one is there; with 0 none is made.
* SQLite is copied by its own backup, page by page, while others read it. MariaDB is dumped by ``mariadb-dump`` where
  that is installed and does it, else by ourselves (``own_dump.py``); both need no right but SELECT.
"""

import asyncio
import contextlib
import gzip
import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import structlog
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.db.own_dump import own_dump
from gateway.domain.errors import DatabaseUnavailable

DUMPERS = ("mariadb-dump", "mysqldump")
# what a user with SELECT alone can do, in one moment, so that a restore finds tables that fit together
DUMP_OPTIONS = (
    "--single-transaction",
    "--quick",
    "--skip-lock-tables",
    "--no-tablespaces",
    "--skip-triggers",
    "--hex-blob",
    "--default-character-set=utf8mb4",
)
PATTERN = "gateway-*-*Z.*"
CHUNK = 1 << 20
MOST_SAID = 200
FASTER_THAN_SMALLER = 3

log = structlog.get_logger(__name__)


class Backups(msgspec.Struct, frozen=True):
    """Where copies are kept, and how many."""

    folder: Path
    kept: int = 7

    async def of_sqlite(self, path: str, form: str) -> None:
        """Copy the file; raises DatabaseUnavailable when it cannot be done."""
        with self._new(form, ".db") as part:
            await asyncio.to_thread(_copy, path, part)

    async def of_mariadb(self, connection: AsyncConnection, url: URL, tables: Sequence[str], form: str) -> None:
        """Dump the tables; ends the connection's transaction. Raises DatabaseUnavailable when that cannot be done."""
        with self._new(form, ".sql.gz") as part:
            if not await _dumped(url, tables, part):
                await own_dump(connection, tables, part)

    @contextlib.contextmanager
    def _new(self, form: str, suffix: str) -> Iterator[Path]:
        """A file to fill; it gets its name when that is done."""
        name = f"gateway-{form}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}{suffix}"
        part = self.folder / f".{name}.{os.getpid()}"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
            yield part
            _to_disk(part)
            part.replace(self.folder / name)
            _to_disk(self.folder)
        except (OSError, sqlite3.Error) as error:
            raise DatabaseUnavailable(
                f"no copy of the tables {form} could be made in {self.folder} before they are changed ({_why(error)})"
                "; make room there, or keep copies of your own and set GATEWAY_BACKUPS_KEPT=0"
            ) from error
        finally:
            with contextlib.suppress(OSError):
                part.unlink()
        log.info("copied the database before its tables are changed", copy=str(self.folder / name))
        self._forget()

    def _forget(self) -> None:
        # whoever was killed over a part left it: nobody else copies while we hold the lock of the migration
        for old in [*backups_in(self.folder)[self.kept :], *self.folder.glob(f".{PATTERN}.*")]:
            old.unlink(missing_ok=True)


def backups_in(folder: Path) -> list[Path]:
    """The copies that are there, the newest first."""
    return sorted(folder.glob(PATTERN), key=lambda path: path.name.split("-")[2], reverse=True)


def _copy(path: str, part: Path) -> None:
    with (
        contextlib.closing(sqlite3.connect(path)) as source,
        contextlib.closing(sqlite3.connect(part)) as target,
    ):
        source.backup(target)


async def _dumped(url: URL, tables: Sequence[str], part: Path) -> bool:
    """Whether the server's own program was there and did it."""
    program = next(filter(None, map(shutil.which, DUMPERS)), None)
    if program is None:
        return False
    with tempfile.NamedTemporaryFile("w", dir=part.parent, prefix=".", suffix=".cnf") as login:  # 0600
        login.write(_client_options(url))
        login.flush()
        # in a file, because where others would read them, among the arguments, passwords do not belong
        command = [program, f"--defaults-file={login.name}", *DUMP_OPTIONS, str(url.database), *tables]
        status, said = await _ran(command, part)
    if status == 0:
        return True
    log.warning("the dump program does not do it; dumping without it", program=program, says=said)
    return False


async def _ran(command: list[str], part: Path) -> tuple[int, str]:
    """Compress what it prints; its status and its complaints. In a thread: uvloop loses the end of some programs."""
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(  # noqa: S603, ASYNC220 - words of ours; what takes long is in the thread
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaints
        )
        written = asyncio.create_task(asyncio.to_thread(_written, process, part), name="dump of the database")
        try:
            status = await asyncio.shield(written)
        finally:
            if not written.done():
                process.kill()
                await asyncio.wait([written])
        complaints.seek(0)
        return status, complaints.read(MOST_SAID).decode(errors="replace").strip()


def _written(process: subprocess.Popen[bytes], part: Path) -> int:
    with process, gzip.open(part, "wb", compresslevel=FASTER_THAN_SMALLER) as file:
        assert process.stdout is not None
        shutil.copyfileobj(process.stdout, file, CHUNK)
        return process.wait()


def _client_options(url: URL) -> str:
    given = {
        "host": url.host,
        "port": url.port,
        "user": url.username,
        "password": url.password,
        "socket": url.query.get("unix_socket"),
    }
    quoted = (
        f'{name}="{str(text).replace(chr(92), chr(92) * 2).replace(chr(34), chr(92) + chr(34))}"'
        for name, text in given.items()
        if text is not None
    )
    return "\n".join(["[client]", *quoted, ""])


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _why(error: Exception) -> str:
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
