"""A small MQTT broker for the simulated openWB: iotcore from its wheel, or a mosquitto that is installed.

Rules:

* It listens on 127.0.0.1 only, open to every program of this machine: it carries nothing but the simulation.
* It is a process in a session of its own, so a Ctrl-C reaches only us; it ends when we leave the context, or die.
* A port that somebody took in the moment between choice and use is answered by another choice.
"""

import asyncio
import contextlib
import os
import random
import shutil
import signal
import socket
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self

from gateway.domain.errors import BrokerUnavailable
from gateway.simulator.broker_process import READY

# Below the range from which Linux takes the ports of outgoing connections: a client that knocks again and again at
# the port of a broker that ended could otherwise be given that very port, and be connected to itself.
LOWEST_PORT, HIGHEST_PORT = 20_000, 32_000
PORTS_TRIED = 5
FOLDER_PREFIX = "openwb-gateway-broker-"
PLACES_OF_MOSQUITTO = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")

# The segments hold what a subscriber has not fetched yet, each of them once per filter: a few megabytes are minutes.
# 20,000 outgoing packets, because the default delivers the first 200 of a retained flood.
IOTCORE_CONFIG = """
id = 0

[router]
id = 0
max_connections = 100
max_outgoing_packet_count = 20000
max_segment_size = 1048576
max_segment_count = 8

[v4.1]
name = "simulation"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1

[v4.1.connections]
connection_timeout_ms = 60000
max_payload_size = 1048576
max_inflight_count = 10000
dynamic_filters = true
"""

MOSQUITTO_CONFIG = """
listener {port} 127.0.0.1
allow_anonymous true
persistence false
max_queued_messages 0
log_dest stderr
log_type error
"""


class EmbeddedBroker:
    """Async context manager: the broker runs inside; its address is ``url``.

    Raises BrokerUnavailable with one line when there is no broker to be had, or when it does not start.
    """

    def __init__(self, *, port: int | None = None, start_deadline_s: float = 10, stop_deadline_s: float = 3) -> None:
        self._fixed_port = port
        self._start_deadline_s = start_deadline_s
        self._stop_deadline_s = stop_deadline_s
        self._port = 0
        self._process: asyncio.subprocess.Process | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int | None:
        """Of the running process."""
        return self._process.pid if self._process else None

    async def __aenter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix=FOLDER_PREFIX, ignore_cleanup_errors=True)
        try:
            async with asyncio.timeout(self._start_deadline_s):
                await self._start_on_some_port()
        except TimeoutError:
            await self._leave()
            raise BrokerUnavailable(
                f"the simulation's broker did not start in {self._start_deadline_s:g} s"
            ) from None
        except BaseException:
            await self._leave()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._leave()

    async def run(self) -> NoReturn:
        """Wait for the end that should not come: raises BrokerUnavailable when the broker dies by itself."""
        assert self._process is not None
        code = await self._process.wait()
        raise BrokerUnavailable(f"the simulation's broker ended by itself ({code})")

    async def _start_on_some_port(self) -> None:
        ports = [self._fixed_port] if self._fixed_port else [free_port() for _ in range(PORTS_TRIED)]
        said = ""
        for port in ports:
            self._port = port
            said = await self._start(port)
            if not said:
                return
        raise BrokerUnavailable(f"the simulation's broker does not start: {said}")

    async def _start(self, port: int) -> str:
        """Start and wait until it answers; the last line it printed if it ended instead."""
        assert self._folder is not None
        folder = Path(self._folder.name)
        log_file = folder / "log"
        with log_file.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",
                str(Path(__file__).with_name("broker_process.py")),
                *_kind_and_config(folder, port),
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        while self._process.returncode is None:
            if READY in log_file.read_text(errors="replace") and await _accepts(port):
                return ""
            await asyncio.sleep(0.02)
        return (log_file.read_text(errors="replace").strip().splitlines() or ["it printed nothing"])[-1]

    async def _leave(self) -> None:
        try:
            if self._process is not None:
                await self._stop(self._process)
        finally:
            self._process = None
            if self._folder is not None:
                self._folder.cleanup()

    async def _stop(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        process.stdin.close()
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._stop_deadline_s):
                    await process.wait()
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # its session is its own, so is its group
                await process.wait()


def _kind_and_config(folder: Path, port: int) -> list[str]:
    """The arguments of ``broker_process.py``."""
    if find_spec("iotcore") is not None:
        config_file = folder / "iotcore.toml"
        config_file.write_text(IOTCORE_CONFIG.format(port=port))
        return ["iotcore", str(config_file)]
    program = shutil.which("mosquitto", path=os.pathsep.join([os.environ.get("PATH", ""), *PLACES_OF_MOSQUITTO]))
    if program is None:
        raise BrokerUnavailable(
            "no broker for the simulation: neither the Python package iotcore nor mosquitto is installed; install "
            "one of them (Debian: apt-get install mosquitto) or set GATEWAY_MQTT_URL to a real openWB"
        )
    config_file = folder / "mosquitto.conf"
    user = "user root\n" if hasattr(os, "getuid") and os.getuid() == 0 else ""
    config_file.write_text(MOSQUITTO_CONFIG.format(port=port) + user)
    return ["mosquitto", str(config_file), program]


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens at this moment."""
    for _ in range(200):
        port = random.randint(LOWEST_PORT, HIGHEST_PORT)
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise BrokerUnavailable(f"no free port between {LOWEST_PORT} and {HIGHEST_PORT} for the simulation's broker")


async def _accepts(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True
