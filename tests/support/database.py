"""MariaDB."""

import os
import subprocess
import uuid
from pathlib import Path

import pymysql

from gateway.run.findings import NEEDED
from tests.support.ports import free_port
from tests.support.process import Part, program

USER, PASSWORD = "gateway", "not-a-secret"
READER = "reader"  # with the same password; it may look at everything and change nothing
LEAST = "least"  # with the same password, and no rights until it is given some
# Run at each start, before the server accepts connections.
FIRST = f"""
CREATE DATABASE IF NOT EXISTS gateway CHARACTER SET utf8mb4;
CREATE USER IF NOT EXISTS {USER}@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';
GRANT ALL ON *.* TO {USER}@'127.0.0.1' WITH GRANT OPTION;
CREATE USER IF NOT EXISTS {LEAST}@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';
CREATE USER IF NOT EXISTS {READER}@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';
GRANT SELECT ON *.* TO {READER}@'127.0.0.1';
"""


class MariaPart(Part):
    """A MariaDB server of its own; ``url`` is a database made at the first start."""

    def __init__(self, folder: Path, *, port: int | None) -> None:
        self.port = port or free_port()
        self.url = self.url_of("gateway")
        folder.mkdir(parents=True, exist_ok=True)
        self._tables = folder / "tables"
        # A socket's path has at most 107 bytes, which pytest's folders soon exceed: relative to the data folder.
        first = folder / "first.sql"
        first.write_text(FIRST)
        command: list[str | Path] = [
            program("mariadbd", "mariadb-server"),
            "--no-defaults",
            f"--datadir={self._tables}",
        ]
        command += ["--socket=s", f"--port={self.port}", "--bind-address=127.0.0.1", "--skip-name-resolve"]
        command += [
            "--innodb-buffer-pool-size=32M",
            "--innodb-log-file-size=16M",
            "--innodb-flush-log-at-trx-commit=2",
        ]
        command += ["--innodb-doublewrite=0", "--performance-schema=OFF", "--skip-log-bin", "--max-connections=100"]
        command += ["--character-set-server=utf8mb4", f"--init-file={first}", *_as_root()]
        super().__init__("mariadbd", folder, command, self._answers, ready_within_s=60)

    def url_of(self, database: str) -> str:
        return f"mysql+aiomysql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{database}?charset=utf8mb4"

    def new_database(self) -> str:
        """Make an empty database; its URL."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        with self._connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        return self.url_of(name)

    def run(self, statement: str) -> None:
        """Run it with all rights."""
        with self._connect() as connection, connection.cursor() as cursor:
            cursor.execute(statement)

    def least(self, url: str) -> str:
        """The URL of a user who has in that database the rights that operations.md asks for, and no others."""
        database = url.rpartition("/")[2].partition("?")[0]
        self.run(f"GRANT {', '.join(NEEDED)} ON {database}.* TO {LEAST}@'127.0.0.1'")
        return url.replace(f"//{USER}:", f"//{LEAST}:")

    def spawn(self) -> None:
        if not self._tables.exists():
            self._install()
        super().spawn()

    def _install(self) -> None:
        command = [program("mariadb-install-db", "mariadb-server"), "--no-defaults", f"--datadir={self._tables}"]
        command += ["--skip-test-db", "--auth-root-authentication-method=normal", *_as_root()]
        command += ["--innodb-log-file-size=16M", "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode:
            raise RuntimeError(f"mariadb-install-db failed:\n{done.stdout}\n{done.stderr}")

    def _answers(self) -> bool:
        try:
            self._connect().close()
        except pymysql.err.OperationalError:
            return False
        return True

    def _connect(self) -> "pymysql.Connection[pymysql.cursors.Cursor]":
        return pymysql.connect(host="127.0.0.1", port=self.port, user=USER, password=PASSWORD, connect_timeout=2)


def mariadb(folder: Path, *, port: int | None = None) -> MariaPart:
    """A MariaDB on 127.0.0.1 with loose durability: what it confirmed survives its kill, not the machine's."""
    return MariaPart(folder, port=port)


def _as_root() -> list[str]:
    return ["--user=root"] if os.getuid() == 0 else []
