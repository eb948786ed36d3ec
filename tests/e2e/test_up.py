"""``up`` as a household runs it: one command, embedded parts, nothing left behind."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.children import children, gone, listening_addresses, with_environment
from tests.support.gateway import INHERITED, ROOT, GatewayPart, set_up_link
from tests.support.ports import free_port
from tests.support.terminal import terminal
from tests.support.waiting import eventually


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
async def test_the_demo_runs_and_leaves_nothing_behind(tmp_path: Path, number: signal.Signals) -> None:
    async with GatewayPart("up", tmp_path) as up:
        token = up.log_in()
        assert [site["id"] for site in up.get("/api/v1/sites", token)[1]] == ["demo"]

        def values() -> dict[str, list[object]]:
            status, body = up.get("/api/v1/sites/demo/values", token)
            return body["values"] if status == 200 else {}

        await eventually(lambda: values().get("chargepoints/5/name", [None])[0] == "Carport links")
        assert {"grid/power_w", "pv/power_w", "battery/soc_percent", "house/power_w"} <= values().keys()
        assert "link/state" in values()
        below = children(up.pid)
        assert len(below) >= 2
        assert listening_addresses([up.pid, *below]) == {"127.0.0.1"}
        up.signal(number)
        await up.ended()
        if number != signal.SIGKILL:
            assert up.exit_code == 0
            assert "Traceback" not in up.log
        await eventually(lambda: gone(below), what="no child is left")


async def test_the_demo_speaks_19_too(tmp_path: Path) -> None:
    """What it had retained before the gateway knew what it speaks is there as well."""
    async with GatewayPart("up", tmp_path, demo_dialect="openwb-1.9", demo_scene="full-car", demo_speed=10) as up:
        token = up.log_in()

        def values() -> dict[str, list[object]]:
            status, body = up.get("/api/v1/sites/demo/values", token)
            return body["values"] if status == 200 else {}

        await eventually(lambda: values().get("chargepoints/1/name", [None])[0] == "Carport links", 20)
        await eventually(lambda: values().get("link/state", [None])[0] == "up", 20)
        await eventually(lambda: values().get("chargepoints/1/charging", [None])[0] is True, 20)


@pytest.mark.parametrize("after_children", [0, 1, 2])
async def test_killed_in_the_middle_of_its_start_it_leaves_no_process(tmp_path: Path, after_children: int) -> None:
    """The parts start one after the other; whenever the parent is killed, what it has started goes with it."""
    up = GatewayPart("up", tmp_path)
    up.spawn()
    await eventually(lambda: len(children(up.pid)) >= after_children, 30)
    await up.kill()
    mark = f"GATEWAY_DATA_DIR={tmp_path / 'data'}"
    await eventually(lambda: not with_environment(mark), 15, what="no process is left")


async def test_a_program_is_told_what_runs_and_when_it_has_stopped(tmp_path: Path) -> None:
    async with GatewayPart("up", tmp_path) as up:
        pid = up.pid
        assert await up.stop() == 0
        [ready] = told(up.log, "ready")
        assert (ready["page"], ready["pid"], ready["set_up"]) == (f"{up.base}/", pid, None)
        assert (ready["demo"], ready["data_dir"]) == (True, str(tmp_path / "data" / "demo"))
        assert [site["id"] for site in ready["sites"]] == ["demo"]
        assert len(told(up.log, "stopped")) == 1


def told(log: str, event: str) -> list[dict[str, Any]]:
    """The events of that name; whoever reads a log by program needs every line to be one."""
    lines = [json.loads(line) for line in log.splitlines()]
    return [line for line in lines if line["event"] == event]


def test_a_person_sees_what_runs_what_happens_and_that_it_stopped(tmp_path: Path) -> None:
    port = free_port()
    environ = environ_of(tmp_path, GATEWAY_PORT=str(port))
    with terminal([sys.executable, "-m", "gateway", "up"], environ, columns=160) as shown:

        def sees(words: str) -> bool:
            return any(words in line for line in shown.screen)

        until(lambda: sees("first values are here") and sees("  stop "))
        for words in (
            f"  page      http://127.0.0.1:{port}/",
            f"http://127.0.0.1:{port}/#setup=",
            "  site      demo",
            f"  data      {tmp_path}/demo",
            f"watch --url http://127.0.0.1:{port}",
            "demo: link to the box: connecting",
        ):
            assert sees(words), words
        shown.signal(signal.SIGINT)
        until(lambda: shown.ended)
        assert shown.screen[-2:] == ["stopped", ""]
        assert "\x1b[" in shown.received


def test_who_wants_no_colours_gets_none(tmp_path: Path) -> None:
    environ = environ_of(tmp_path, GATEWAY_PORT=str(free_port()), NO_COLOR="1")
    with terminal([sys.executable, "-m", "gateway", "up"], environ) as shown:
        until(lambda: any("  stop " in line for line in shown.screen))
        assert "\x1b" not in shown.received


async def test_without_a_password_a_link_sets_the_first_one(tmp_path: Path) -> None:
    async with GatewayPart("up", tmp_path, admin_password=None) as up:
        link = await eventually(lambda: set_up_link(up.log), 30)
        token = link.partition("#setup=")[2]
        status, _ = up.post("/api/v1/auth/setup", {"token": token, "password": "a new good password"})
        assert status in (200, 204)
        assert up.log_in("a new good password")
        assert up.post("/api/v1/auth/setup", {"token": token, "password": "another password"})[0] >= 400


async def test_a_second_start_knows_the_users_and_the_values(tmp_path: Path) -> None:
    async with GatewayPart("up", tmp_path) as up:
        up.log_in()
        await up.stop()
        await up.start()
        assert up.log_in()


async def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    async with GatewayPart("up", tmp_path / "one") as up:
        second = run(tmp_path / "two", GATEWAY_PORT=str(up.port))
        pid = up.pid
    assert second.returncode == 2
    assert re.fullmatch(
        f"openwb-gateway: GATEWAY_PORT: 127.0.0.1:{up.port} is taken by another openwb-gateway \\(process {pid}\\);"
        r" stop that, or choose another port: GATEWAY_PORT=\d+\n",
        second.stderr,
    )


async def test_a_data_directory_in_use_is_one_clear_line(tmp_path: Path) -> None:
    async with GatewayPart("up", tmp_path) as up:
        second = run(tmp_path / "data", GATEWAY_PORT=str(up.port))
        assert up.running
        pid = up.pid
    assert second.returncode == 2
    folder = tmp_path / "data" / "demo"
    assert second.stderr == (
        f"openwb-gateway: GATEWAY_DATA_DIR: another gateway (process {pid}) uses {folder};"
        " stop it or name another folder\n"
    )


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        ({"GATEWAY_PORT": "x"}, "GATEWAY_PORT:"),
        ({"GATEWAY_ADMIN_PASSWORD": "short"}, "GATEWAY_ADMIN_PASSWORD"),
        ({"GATEWAY_REDIS_URL": "redis://127.0.0.1:1/0"}, "The demo is not for here, since GATEWAY_REDIS_URL is set"),
    ],
)
def test_a_bad_setting_is_one_clear_line(tmp_path: Path, environ: dict[str, str], line: str) -> None:
    ended = run(tmp_path, **{"GATEWAY_PORT": str(free_port()), **environ})
    assert ended.returncode == 2
    assert line in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("command", ["web", "bridge"])
def test_web_and_bridge_alone_need_their_parts(tmp_path: Path, command: str) -> None:
    ended = run(tmp_path, command)
    assert ended.returncode == 2
    assert ended.stderr.startswith("openwb-gateway: GATEWAY_REDIS_URL: ")


def run(folder: Path, command: str = "up", **environ: str) -> subprocess.CompletedProcess[str]:
    """A start that is expected to end by itself."""
    return subprocess.run(
        [sys.executable, "-m", "gateway", command],
        env=environ_of(folder, **environ),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def environ_of(folder: Path, **environ: str) -> dict[str, str]:
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {**inherited, "PYTHONPATH": str(ROOT), "GATEWAY_DATA_DIR": str(folder), **environ}


def until(holds: Callable[[], bool], within_s: float = 30) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


async def test_a_killed_store_comes_back_and_with_it_the_values(tmp_path: Path) -> None:
    async with GatewayPart("up", tmp_path) as up:
        token = up.log_in()
        await eventually(lambda: up.get("/api/v1/sites/demo/values", token)[0] == 200)
        valkey = next(pid for pid in children(up.pid) if "valkey" in Path(f"/proc/{pid}/cmdline").read_text())
        os.kill(valkey, signal.SIGKILL)
        await eventually(lambda: "the embedded Valkey ended" in up.log, 15)
        await eventually(lambda: up.part("store") == "ok", 30)
        await eventually(lambda: up.get("/api/v1/sites/demo/values", token)[0] == 200, 30)


async def test_what_a_killed_gateway_left_does_not_look_live_after_the_next_start(tmp_path: Path) -> None:
    """Red when the new process waits for the lease of the old one before it calls anything stale."""
    async with GatewayPart("up", tmp_path) as up:
        token = up.log_in()

        def values() -> dict[str, list[object]]:
            status, body = up.get("/api/v1/sites/demo/values", token)
            return dict(body["values"]) if status == 200 else {}

        await eventually(lambda: values().get("link/state", [None])[0] == "up", 40)
        old = values()["link/since"]
        await up.kill()
        await up.start()
        first = await eventually(values)
        assert first["link/state"][0] == "connecting" or first["link/since"] != old
        assert first["link/state"][0] == "up" or first["grid/power_w"][-1] == "stale"


async def test_a_part_that_dies_for_good_ends_the_process_with_its_reason(tmp_path: Path) -> None:
    async with GatewayPart("up", tmp_path) as up:
        broker = next(pid for pid in children(up.pid) if "broker" in Path(f"/proc/{pid}/cmdline").read_text())
        os.kill(broker, signal.SIGKILL)
        await up.ended()
        assert up.exit_code == 1
        assert "openwb-gateway: the simulation's broker ended by itself" in up.log
