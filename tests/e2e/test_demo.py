"""``openwb-gateway demo``: a simulated box alone, on a terminal and in a pipe, and what is left of it: nothing."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.children import children, gone, listening_addresses
from tests.support.gateway import INHERITED, ROOT
from tests.support.mqtt_log import Log, broker_at
from tests.support.ports import free_port
from tests.support.process import Part
from tests.support.terminal import terminal
from tests.support.waiting import eventually

COMMAND = [sys.executable, "-m", "gateway", "demo"]


def environ_of(folder: Path, **more: str) -> dict[str, str]:
    """Its temporary folders are in ``folder``."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {**inherited, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder), **more}


def demo(folder: Path, port: int, *options: str) -> Part:
    folder.joinpath("temporary").mkdir()
    part = Part(
        "demo",
        folder,
        [*COMMAND, "--port", str(port), *options],
        lambda: '"ready"' in part.log,
        environ=environ_of(folder / "temporary"),
    )
    return part


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
async def test_it_leaves_neither_child_nor_folder(tmp_path: Path, number: signal.Signals) -> None:
    async with demo(tmp_path, free_port()) as part:
        below = children(part.pid)
        assert listening_addresses(below) == {"127.0.0.1"}
        assert list((tmp_path / "temporary").iterdir())
        part.signal(number)
        await part.ended()
        if number != signal.SIGKILL:
            assert part.exit_code == 0
            assert '"stopped"' in part.log
            assert "Traceback" not in part.log
        await eventually(lambda: gone(below), what="no child is left")
        await eventually(lambda: not list((tmp_path / "temporary").iterdir()), what="no folder is left")


async def test_a_program_is_told_where_it_is_and_faults_come_in_time(tmp_path: Path) -> None:
    port = free_port()
    options = ("--scene", "full-car", "--dialect", "openwb-1.9", "--speed", "20", "--fault", "garbage 10@20")
    async with demo(tmp_path, port, *options) as part:
        ready = json.loads(part.log.splitlines()[0])
        assert (ready["mqtt"], ready["scene"]) == (f"mqtt://127.0.0.1:{port}", "full-car")
        assert (ready["dialect"], ready["speed"]) == ("openwb-1.9", 20)
        async with Log(broker_at(ready["mqtt"]), "openWB/#").running() as log:
            await eventually(lambda: "openWB/lp/1/W" in {message.topic for message in log.messages})
            await eventually(lambda: "openWB/lp/x/W" in {message.topic for message in log.messages}, 20)


async def test_a_person_types_faults(tmp_path: Path) -> None:
    port = free_port()
    environ = environ_of(tmp_path, GATEWAY_DEMO_SPEED="10")
    with terminal([*COMMAND, "--port", str(port)], environ, columns=140) as shown:

        def sees(words: str) -> bool:
            return any(words in line for line in shown.screen)

        await eventually(lambda: sees("jump <meter> <id> [Wh=5000]"), 20)
        assert sees(f"mqtt://127.0.0.1:{port}")
        assert sees("openwb-2, 10 times as fast")
        async with Log(broker_at(f"mqtt://127.0.0.1:{port}"), "openWB/#").running() as log:
            shown.type("explode\n\n")
            await eventually(lambda: sees("no fault 'explode': allowed are silence"))
            shown.type("jump chargepoint 77\n")
            await eventually(lambda: sees("no chargepoint has the id 77; there are: 5, 6"))
            shown.type("garbage\n")
            await eventually(lambda: "openWB/lp/x/W" in {message.topic for message in log.messages})
        shown.signal(signal.SIGINT)
        await eventually(lambda: shown.ended)
        assert sees("stopped")
        assert shown.process.returncode == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--scene", "night"), "'night' is not one of 'pv-day', 'night-tariff'"),
        (("--dialect", "openwb-3"), "'openwb-3' is not one of 'openwb-2'"),
        (("--speed", "0"), "0.0 is not in the range"),
        (("--port", "70000"), "70000 is not in the range"),
        (("--fault", "explode@5"), "no fault 'explode': allowed are silence"),
        (("--fault", "silence@soon"), "'soon' is no number of seconds; allowed is 'silence 20@60'"),
        (("--fault", "silence"), "no fault ''"),
    ],
)
def test_what_is_not_allowed_is_said(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    ended = run(tmp_path, *options)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_bad_settings_are_one_clear_line_each(tmp_path: Path) -> None:
    ended = run(tmp_path, GATEWAY_DEMO_SCENE="night", GATEWAY_DEMO_DIALECT="2", GATEWAY_DEMO_SPEED="1000")
    assert ended.returncode == 2
    assert ended.stderr.splitlines() == [
        f"openwb-gateway: GATEWAY_DEMO_{said}"
        for said in (
            "SCENE: allowed is pv-day, night-tariff, guest-tag, full-car or month, got 'night'",
            "DIALECT: allowed is openwb-2, openwb-2.1.7 or openwb-1.9, got '2'",
            "SPEED: allowed is how many seconds go by in one, from 0.1 to 600, got '1000'",
        )
    ]


async def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    port = free_port()
    async with demo(tmp_path, port):
        ended = run(tmp_path, "--port", str(port))
    assert ended.returncode == 2
    assert ended.stderr == f"openwb-gateway: --port: {port} is taken, choose another one\n"


def run(folder: Path, *options: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """A start that is expected to end by itself."""
    return subprocess.run(
        [*COMMAND, *options],
        env=environ_of(folder, **environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
