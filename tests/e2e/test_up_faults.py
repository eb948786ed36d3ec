"""What can be wrong with a machine when ``up`` starts, or becomes wrong while it runs: one clear line each.

The faults are real: files that are damaged, tables of another version, limits of the kernel. A file-size limit is how
a full disk looks to a process, without taking it from all others.
"""

import contextlib
import resource
import sqlite3
import subprocess
import sys
from pathlib import Path

from tests.support.children import children
from tests.support.gateway import ROOT, GatewayPart
from tests.support.ports import free_port
from tests.support.waiting import eventually


def ended_with(made: subprocess.CompletedProcess[str]) -> tuple[int, list[str]]:
    """Status, and what was said to a person."""
    lines = made.stderr.splitlines()
    return made.returncode, [line for line in lines if line.startswith("openwb-gateway: ")]


def started(
    folder: Path, *, module: str = "gateway", path: str = "/usr/bin:/bin"
) -> subprocess.CompletedProcess[str]:
    """A start that is expected to end by itself."""
    environ = {"PATH": path, "PYTHONPATH": str(ROOT), "GATEWAY_PORT": str(free_port())}
    return subprocess.run(
        [sys.executable, "-m", module, "up"],
        env={**environ, "GATEWAY_DATA_DIR": str(folder), "GATEWAY_ADMIN_PASSWORD": "correct-horse-battery"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def used(folder: Path) -> Path:
    """The data of a demo that has run and was stopped."""
    async with GatewayPart("up", folder) as up:
        token = up.log_in()
        await eventually(lambda: up.get("/api/v1/sites/demo/values", token)[0] == 200)
        await up.stop()
    return folder / "data" / "demo"


async def test_old_data_of_other_versions_and_damaged_data(tmp_path: Path) -> None:
    data = await used(tmp_path)
    aof = data / "appendonlydir"
    [base] = aof.glob("*.base.rdb")

    right = base.read_bytes()
    base.write_bytes(b"VALKEY099" + right[9:])
    status, said = ended_with(started(data.parent))
    assert status == 1
    assert len(said) == 1
    assert "damaged, or was written by a newer or another server (format VALKEY099)" in said[0]
    assert f"move {aof} away and start again" in said[0]
    base.write_bytes(right)

    [log] = aof.glob("*.incr.aof")
    log.write_bytes(log.read_bytes().replace(b"\r\n*", b"\r\nX"))  # where a command begins
    status, said = ended_with(started(data.parent))
    assert (status, len(said)) == (1, 1)
    assert f"its file {log.name} is damaged" in said[0]
    aof.rename(data / "away")  # as the line says

    with contextlib.closing(sqlite3.connect(data / "gateway.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    status, said = ended_with(started(data.parent))
    assert status == 2
    assert len(said) == 1
    assert f"{data}/gateway.db was written by a newer gateway (tables 9999, this one knows" in said[0]

    with contextlib.closing(sqlite3.connect(data / "gateway.db")) as database, database:
        database.execute("DROP TABLE tickets")
        database.execute("UPDATE alembic_version SET version_num = '0001'")
    async with GatewayPart("up", tmp_path) as up:  # an older one's tables are brought up, and its user is there
        status, _ = up.post("/api/v1/auth/ticket", {}, up.log_in())
        assert status in (200, 201)


def test_a_full_disk_at_the_start(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))  # the child inherits it, and writes only to pipes
    try:
        made = started(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    status, said = ended_with(made)
    assert (status, len(said)) == (2, 1)
    assert f"GATEWAY_DATA_DIR: no space is left for {tmp_path}/demo; free some, or name a folder on" in said[0]


def test_a_folder_in_which_nobody_may_write() -> None:
    made = started(Path("/sys/openwb-gateway"))
    status, said = ended_with(made)
    assert (status, len(said)) == (2, 1)
    assert said[0].startswith("openwb-gateway: GATEWAY_DATA_DIR: cannot write to /sys/openwb-gateway/demo: ")


async def test_a_disk_that_fills_while_running_is_survived_told_and_healed(tmp_path: Path) -> None:
    """Red when values that nobody can write any more look live for as long as that lasts."""
    async with GatewayPart("up", tmp_path, lease_s=1, bridge_down_s=1) as up:
        token = up.log_in()
        await eventually(lambda: up.part("store for demo") == "ok")
        await eventually(lambda: up.get("/api/v1/sites/demo/values", token)[0] == 200)
        valkey = next(pid for pid in children(up.pid) if b"valkey" in Path(f"/proc/{pid}/cmdline").read_bytes())
        before = resource.prlimit(valkey, resource.RLIMIT_FSIZE)
        resource.prlimit(valkey, resource.RLIMIT_FSIZE, (1, before[1]))
        try:
            await eventually(lambda: up.part("store for demo") == "down", 30)
            assert up.get("/health/ready")[0] == 503
            assert "the store takes no writes: File too large" in up.log
            await eventually(lambda: up.get("/api/v1/sites/demo/values", token)[0] == 503, 30)
        finally:
            resource.prlimit(valkey, resource.RLIMIT_FSIZE, before)
        await eventually(lambda: up.get("/health/ready")[0] == 200, 40)
        assert up.get("/api/v1/sites/demo/values", token)[0] == 200
        assert "writing to the store again" in up.log
        assert up.running


async def test_without_wheels_the_servers_of_the_machine_are_used(tmp_path: Path) -> None:
    async with GatewayPart("up", tmp_path, module="tests.support.no_wheels") as up:
        token = up.log_in()
        await eventually(lambda: up.get("/api/v1/sites/demo/values", token)[0] == 200)
        names = {Path(f"/proc/{pid}/comm").read_text().strip() for pid in children(up.pid)}
        assert {"redis-server", "mosquitto"} <= names


def test_without_any_server_one_line_says_what_to_install(tmp_path: Path) -> None:
    status, said = ended_with(started(tmp_path, module="tests.support.no_wheels", path=str(tmp_path)))
    assert (status, len(said)) in ((1, 1), (2, 1))
    assert "install" in said[0]
    assert "Debian: apt-get install" in said[0]
