"""``openwb-gateway db``, as somebody at a terminal has it."""

import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from sqlalchemy import text

from gateway.db import samples
from gateway.db.engine import Database
from gateway.db.form import VERSION_TABLE, newest_form
from gateway.db.partitions import PartitionMonth
from gateway.domain.slots import Sample
from tests.support.gateway import ROOT
from tests.support.parts import MariaPart


def db(command: str, folder: Path, **settings: object) -> tuple[int, str]:
    """Status and all that is printed."""
    given = {"data_dir": folder, "mqtt_url": "mqtt://127.0.0.1:1", **settings}
    environ = {f"GATEWAY_{name.upper()}": str(value) for name, value in given.items()}
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "db", command],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


async def record(url: str, *slots: int) -> None:
    database = Database(url)
    async with database.writing() as connection:
        number, _ = await samples.hold_position(connection, "home")
        for slot in slots:
            await samples.write_samples(
                connection, number, [Sample(slot, 60_000, "e", 1, {"grid/power_w": (1.0, 0)})]
            )
            await samples.move_position(connection, number, slot)
    await database.dispose()


def lacks_tables_of(path: Path) -> None:
    """As the version before left it."""
    with closing(sqlite3.connect(path)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        for table in tables - {"users", "tokens", "tickets", VERSION_TABLE}:
            connection.execute(f"DROP TABLE {table}")
        connection.execute("UPDATE alembic_version SET version_num = '0002'")
        connection.commit()


async def test_the_embedded_one_from_nothing_to_an_upgrade(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    at_url = f"sqlite+aiosqlite:///{folder / 'gateway.db'}"
    for status, said in (db("check", folder), db("check", folder, database_url=at_url)):
        assert (status, "gateway.db is not there yet; the first start makes it" in said) == (0, True)
        assert "GATEWAY_DATA_DIR or GATEWAY_DATABASE_URL" in said
        assert "1 note" in said
        assert not folder.exists()
    assert db("check", tmp_path, database_url=f"sqlite+aiosqlite:///{tmp_path / 'other.db'}")[0] == 0
    assert not list(tmp_path.iterdir())
    status, said = db("upgrade", folder)
    assert (status, "newest form" in said) == (0, True)
    path = folder / "gateway.db"
    await record(f"sqlite+aiosqlite:///{path}", int(time.time() * 1000) - 120_000)
    status, said = db("check", folder)
    assert status == 0
    for words in (
        "the file is sound",
        "every sample and charge session could be read",
        "1 series, the last slot 2 minutes ago",
        "none in",
    ):
        assert words in said

    lacks_tables_of(path)
    assert f"the next start brings them to {newest_form()}" in db("check", folder)[1]
    assert db("upgrade", folder)[0] == 0
    status, said = db("check", folder)
    assert status == 0
    assert f"1 in {folder / 'backups'}" in said

    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 4_000)
    status, said = db("check", folder)
    assert (status, "problem" in said) == (1, True)


async def test_a_mariadb(tmp_path: Path, mariadb: MariaPart, mariadb_url: str) -> None:
    url = mariadb.least(mariadb_url)
    assert db("upgrade", tmp_path, database_url=url)[0] == 0
    await record(url, int(time.time() * 1000) - 10 * 86_400_000)
    status, said = db("check", tmp_path, database_url=url)
    assert status == 0
    assert "partitions for this month and 7 to come" in said
    assert "the last slot 10 days ago" in said

    database = Database(mariadb_url)
    async with database.writing() as connection:
        for ahead in range(8):
            month = str(PartitionMonth(PartitionMonth.of(time.time()) + ahead)).replace("-", "")
            if ahead:
                await connection.execute(text(f"ALTER TABLE slots DROP PARTITION p{month}"))
    await database.dispose()
    status, said = db("check", tmp_path, database_url=url)
    assert status == 0
    assert "this month and 0 to come" in said


def test_settings_that_are_wrong_and_a_database_that_is_away(tmp_path: Path) -> None:
    status, said = db("check", tmp_path, port="x")
    assert (status, "GATEWAY_PORT" in said) == (1, True)
    status, said = db("upgrade", tmp_path, database_url="mysql+aiomysql://me:s3cret@127.0.0.1:1/gateway")
    assert (status, "cannot be reached" in said or "does not answer" in said) == (1, True)
    assert "s3cret" not in said
