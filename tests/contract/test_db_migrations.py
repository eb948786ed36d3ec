"""What becomes of the tables when a newer gateway changes them: a copy before, and a way back when that fails."""

import asyncio
import gzip
import os
import shutil
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pymysql
import pytest
from pymysql.constants.CLIENT import MULTI_STATEMENTS
from sqlalchemy import text
from sqlalchemy.engine import make_url

from gateway.db import accounts, backups
from gateway.db.backups import Backups, backups_in
from gateway.db.engine import Database
from gateway.db.form import MIGRATIONS, newest_form
from gateway.domain.errors import DatabaseUnavailable, SettingsError
from tests.contract.test_db import add_admin, database, url
from tests.contract.test_db_samples import rows_of, sample, write
from tests.support.parts import MariaPart

__all__ = ["database", "url"]
NOW = newest_form()
HEAD = """
import sqlalchemy as sa
from alembic import op
revision, down_revision, branch_labels, depends_on = "{revision}", "{before}", None, None
def upgrade():
    op.create_table("made_{revision}", sa.Column("id", sa.Integer(), primary_key=True), if_not_exists=True)
"""
FAILS = """
    raise ZeroDivisionError("halfway")
"""
Newer = Callable[[str], None]


@pytest.fixture
def newer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Newer:
    """Makes this gateway one with two migrations more, the last of which ends with the lines given."""
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))

    def write(more: str) -> None:
        (folder / "versions" / "v9001_one.py").write_text(HEAD.format(revision="9001", before=NOW))
        (folder / "versions" / "v9002_two.py").write_text(HEAD.format(revision="9002", before="9001") + more)
        for module in ("form", "tables"):
            monkeypatch.setattr(f"gateway.db.{module}.MIGRATIONS", folder)

    return write


async def form_of(database: Database) -> str:
    async with database.reading() as connection:
        return str(await connection.scalar(text("SELECT version_num FROM alembic_version")))


async def test_new_tables_and_those_of_today_are_not_copied(database: Database, tmp_path: Path) -> None:
    await database.migrate(Backups(tmp_path / "backups"))
    assert not (tmp_path / "backups").exists()


async def test_what_is_changed_is_copied_before(database: Database, newer: Newer, tmp_path: Path) -> None:
    await add_admin(database)
    newer("")
    await database.migrate(Backups(tmp_path / "backups"))
    assert await form_of(database) == "9002"
    (copy,) = (tmp_path / "backups").iterdir()
    assert copy.name.startswith(f"gateway-{NOW}-2")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert stat.S_IMODE(copy.parent.stat().st_mode) == 0o700


async def test_a_copy_of_sqlite_is_a_database_that_the_version_before_starts_with(
    tmp_path: Path, newer: Newer, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'gateway.db'}")
    await database.migrate()
    await add_admin(database)
    with monkeypatch.context():
        newer("")
        await database.migrate(Backups(tmp_path / "backups"))
    await database.dispose()
    monkeypatch.undo()
    (copy,) = backups_in(tmp_path / "backups")
    before = Database(f"sqlite+aiosqlite:///{copy}")
    await before.migrate()
    async with before.reading() as connection:
        assert await accounts.count_users(connection) == 1
    await before.dispose()


def restore(mariadb: MariaPart, url: str, copy: Path) -> None:
    """As operations.md says, with a client that is always there."""
    address = make_url(url)
    given = {"host": address.host, "port": address.port, "user": address.username, "password": address.password}
    opened = pymysql.connect(**given, database=address.database, client_flag=MULTI_STATEMENTS)
    with closing(opened) as connection, connection.cursor() as cursor:
        cursor.execute(gzip.decompress(copy.read_bytes()).decode())
        while cursor.nextset():
            pass
        connection.commit()


FAILING = "#!/bin/sh\necho 'half a dump'\necho 'no such option' >&2\nexit 2\n"


def install(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another dump program comes first in PATH."""
    program = folder / "bin" / "mariadb-dump"
    program.parent.mkdir()
    program.write_text(script)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


@pytest.mark.parametrize("dumper", ["theirs", "none", "failing"])
async def test_a_dump_of_mariadb_is_restored_by_any_client(
    mariadb: MariaPart,
    mariadb_url: str,
    newer: Newer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    dumper: str,
) -> None:
    """A user with the least rights makes it, with the dump program, without, and with one that does not do it."""
    if dumper == "none":
        monkeypatch.setattr(backups, "DUMPERS", ())
    if dumper == "failing":
        install(tmp_path, FAILING, monkeypatch)
    database = Database(mariadb.least(mariadb_url))
    await database.migrate()
    user = await add_admin(database, 'o\'zoë \\ "🔌"')
    await write(database, "home", [sample(0, a=1.5, b=None), sample(1, a=-1e-300)])
    rows = await rows_of(database)
    with monkeypatch.context():
        newer("")
        await database.migrate(Backups(tmp_path / "backups"))
    await database.dispose()
    (copy,) = backups_in(tmp_path / "backups")
    assert ("-- Dump completed" in gzip.decompress(copy.read_bytes()).decode()) == (dumper == "theirs")
    monkeypatch.undo()

    fresh = mariadb.new_database()
    restore(mariadb, fresh, copy)
    before = Database(fresh)
    await before.migrate()
    assert await form_of(before) == NOW
    async with before.reading() as connection:
        assert await accounts.user_by_name(connection, user.name) == user
    assert await rows_of(before) == rows
    await before.dispose()


async def test_a_dump_that_takes_too_long_is_ended(
    mariadb_url: str, newer: Newer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 600\n", monkeypatch)
    database = Database(mariadb_url, backup_timeout_s=1)
    await database.migrate()
    newer("")
    with pytest.raises(DatabaseUnavailable):
        await database.migrate(Backups(tmp_path / "backups"))
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
    assert list((tmp_path / "backups").iterdir()) == []
    assert await form_of(database) == NOW
    await database.dispose()


async def test_a_migration_that_fails_leaves_a_database_that_the_version_before_starts_with(
    database: Database, newer: Newer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_admin(database)
    newer(FAILS)
    with pytest.raises(ZeroDivisionError):
        await database.migrate(Backups(tmp_path / "backups"))
    assert await form_of(database) == NOW
    monkeypatch.undo()
    await database.migrate(Backups(tmp_path / "backups"))
    await add_admin(database, "after")
    await write(database, "home", [sample(0, a=1.0)])
    assert len(backups_in(tmp_path / "backups")) == 1, "the version before had nothing to change"


async def test_a_migration_that_failed_is_done_by_one_that_does_not(
    database: Database, newer: Newer, tmp_path: Path
) -> None:
    newer(FAILS)
    with pytest.raises(ZeroDivisionError):
        await database.migrate()
    newer("")
    await database.migrate()
    assert await form_of(database) == "9002"
    async with database.reading() as connection:
        assert (await connection.execute(text("SELECT * FROM made_9002"))).all() == []


async def test_without_a_copy_nothing_is_changed(database: Database, newer: Newer, tmp_path: Path) -> None:
    newer("")
    (tmp_path / "file").write_text("")
    with pytest.raises(DatabaseUnavailable, match=r"no copy .* \(Not a directory\); make room .*BACKUPS_KEPT=0"):
        await database.migrate(Backups(tmp_path / "file" / "backups"))
    assert await form_of(database) == NOW
    await database.migrate(Backups(tmp_path / "file" / "backups", kept=0))
    assert await form_of(database) == "9002"


async def test_the_newest_copies_are_kept(tmp_path: Path, newer: Newer) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    older = [
        folder / f"gateway-{form}-2020010{day}T000000Z.db" for day, form in enumerate(("0002", "0001", "0002"), 1)
    ]
    mine, left_behind = folder / "mine.db", folder / ".gateway-0001-20200101T000000Z.db.77"
    for file in (*older, mine, left_behind):
        file.write_text("")
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'gateway.db'}")
    await database.migrate()
    newer("")
    await database.migrate(Backups(folder, kept=2))
    await database.dispose()
    kept = {file.name for file in folder.iterdir()}
    assert len(kept) == 3
    assert {older[-1].name, mine.name} < kept


async def test_a_copy_is_whole_while_others_write(tmp_path: Path, newer: Newer) -> None:
    """They wait for the migration, and what they had written before is in the copy."""
    path = tmp_path / "gateway.db"
    database, other = (Database(f"sqlite+aiosqlite:///{path}") for _ in range(2))
    await database.migrate()
    newer("")

    async def add(number: int) -> None:
        await add_admin(other, f"user {number}")

    await asyncio.gather(database.migrate(Backups(tmp_path / "backups")), *map(add, range(10)))
    (copy,) = backups_in(tmp_path / "backups")
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    async with other.reading() as connection_after:
        assert await accounts.count_users(connection_after) == 10
    await database.dispose()
    await other.dispose()


async def test_an_older_gateway_refuses_what_a_newer_one_has_changed(
    database: Database, newer: Newer, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer("")
    await database.migrate()
    monkeypatch.undo()
    with pytest.raises(SettingsError, match="newer gateway"):
        await database.migrate()
