"""Recorders that are started in no time, so that many can be killed: forked from one process that has loaded all.

``python -m tests.support.nursery``: each line of its input is a JSON object of settings, and starts a recorder with
them, as ``openwb-gateway recorder`` would; it answers with its pid. All of them die with the nursery.
"""

import asyncio
import ctypes
import json
import os
import signal
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from gateway.run.logs import configure
from gateway.run.recorder import run_recorder
from gateway.settings import load
from tests.support.gateway import INHERITED, ROOT

PR_SET_PDEATHSIG = 1


class Nursery:
    """The other side of the pipe. ``log`` has what all of them say."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.log_file = folder / "recorders.log"
        given = {"data_dir": folder / "data", **settings}
        self._settings = {f"GATEWAY_{name.upper()}": str(one) for name, one in given.items()}
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        environ = {name: os.environ[name] for name in INHERITED if name in os.environ}
        with self.log_file.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.support.nursery",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                cwd=ROOT,
                env=environ,
            )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    async def start(self) -> int:
        """The pid of a new recorder."""
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(self._settings).encode() + b"\n")
        return int(await self._process.stdout.readline())


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how they ended
    nursery = os.getpid()
    while line := sys.stdin.readline():
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() == nursery:
                record(json.loads(line))
            os._exit(1)
        print(pid, flush=True)


def record(environ: dict[str, str]) -> None:
    configure("info")
    asyncio.run(run_recorder(load(environ)))


if __name__ == "__main__":
    main()
