"""``openwb-gateway watch`` as its user starts it: on a terminal, and in a pipe."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.gateway import PASSWORD, ROOT, GatewayPart
from tests.support.terminal import Terminal, terminal
from tests.support.waiting import eventually

COMMAND = (sys.executable, "-m", "gateway", "watch")
INHERITED = ("PATH", "HOME", "COVERAGE_PROCESS_CONFIG", "COVERAGE_FILE")
ENVIRON = {**{name: os.environ[name] for name in INHERITED if name in os.environ}, "PYTHONPATH": str(ROOT)}
LOGGED_IN = {**ENVIRON, "GATEWAY_PASSWORD": PASSWORD}
WITHIN_S = 40


def line(one: Terminal, beginning: str) -> str:
    return next((line for line in one.screen if line.startswith(beginning)), "")


def values(one: Terminal) -> list[str]:
    """The rows of the table."""
    return [line for line in one.screen if line.startswith("  ")]


def run(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """One that is expected to end by itself."""
    return subprocess.run(
        [*COMMAND, *words],
        env={**ENVIRON, **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def test_it_stays_in_its_place_comes_back_and_never_shows_an_old_value_as_live(tmp_path: Path) -> None:
    async with GatewayPart("up", tmp_path) as up:
        with terminal([*COMMAND, "--url", up.base], LOGGED_IN) as one:
            await eventually(lambda: line(one, "openWB   connected"), WITHIN_S)
            assert line(one, "gateway  connected")
            assert "Carport links (charge point 5)" in one.screen
            assert not any("last known" in row for row in values(one))
            power = line(one, "  Power")
            await eventually(lambda: line(one, "  Power") != power, WITHIN_S)
            assert len([row for row in one.screen if row == "Grid"]) == 1

            await up.kill()
            await eventually(lambda: line(one, "gateway  reconnecting in "), WITHIN_S)
            assert all("last known" in row for row in values(one))
            assert line(one, "openWB").endswith("(last known)")
            await up.start()
            await eventually(lambda: line(one, "gateway  connected"), WITHIN_S)
            await eventually(lambda: line(one, "openWB   connected"), WITHIN_S)
            await eventually(lambda: not any("last known" in row for row in values(one)), WITHIN_S)
            assert len([row for row in one.screen if row == "Grid"]) == 1

            one.signal(signal.SIGINT)
            await eventually(lambda: one.ended, WITHIN_S)
            assert one.process.returncode == 0
            assert line(one, "gateway  ended: stopped")
            assert all("last known" in row for row in values(one))
            assert "Traceback" not in one.received
            assert one.received.endswith("\x1b[?25h")


async def test_it_asks_for_the_password_and_says_when_it_is_wrong(tmp_path: Path) -> None:
    async with GatewayPart("up", tmp_path) as up:
        with terminal([*COMMAND, "--url", up.base, "grid/power_w"], ENVIRON) as one:
            await eventually(lambda: line(one, "Password of admin"), WITHIN_S)
            one.type("not the password\r")
            await eventually(lambda: one.ended, WITHIN_S)
            assert one.process.returncode == 1
            assert "not the password" not in one.received
            assert any(row.startswith("openwb-gateway: ") for row in one.screen)
            assert "Traceback" not in one.received
        with terminal([*COMMAND, "--url", up.base, "grid/power_w"], ENVIRON) as one:
            await eventually(lambda: line(one, "Password of admin"), WITHIN_S)
            one.type(f"{PASSWORD}\r")
            await eventually(lambda: line(one, "  Power"), WITHIN_S)
            one.signal(signal.SIGTERM)
            await eventually(lambda: one.ended, WITHIN_S)
            assert one.process.returncode == 0
            assert one.received.endswith("\x1b[?25h")


async def test_in_a_pipe_it_prints_lines_until_nobody_reads_and_what_cannot_work_is_one_line(tmp_path: Path) -> None:
    async with GatewayPart("up", tmp_path) as up:
        environ = {**ENVIRON, "GATEWAY_TOKEN": up.log_in()}
        words = [*COMMAND, "--url", up.base, "--site", "demo", "--json", "grid/power_w", "link/#"]
        process = await asyncio.create_subprocess_exec(
            *words, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert process.stdout is not None
        assert process.stderr is not None
        async with asyncio.timeout(WITHIN_S):
            found = {}
            while "grid/power_w" not in found:
                told = json.loads(await process.stdout.readline())
                found[told.get("key", "live")] = told
            assert found["live"]["live"] is True
            process.stdout._transport.close()  # type: ignore[attr-defined] # as ``head`` ends
            assert (await process.stderr.read()).decode() == ""
            assert await process.wait() == 0
        for words, token, said in (
            (["--url", up.base], "wrong", "openwb-gateway: "),
            (["--url", up.base, "--site", "x"], environ["GATEWAY_TOKEN"], "no site 'x'; you may see: demo"),
        ):
            ended = run(*words, GATEWAY_TOKEN=token)
            assert ended.returncode == 1
            assert said in ended.stderr
            assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("words", "environ", "said"),
    [
        ((), {}, "set GATEWAY_PASSWORD or GATEWAY_TOKEN"),
        (("--url", "box"), {}, "'box' is not http(s)://host[:port]"),
        (("a/#/b",), {"GATEWAY_TOKEN": "t"}, "KEYS"),
        ((), {"GATEWAY_TOKEN_FILE": "/nowhere"}, "GATEWAY_TOKEN_FILE"),
    ],
)
def test_a_wrong_use_is_told(words: tuple[str, ...], environ: dict[str, str], said: str) -> None:
    ended = run(*words, **environ)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
