"""A real program that a test starts, kills, freezes and starts again.

Rules:

* stopped -> ``start`` -> running (``start`` returns only when the program answers; else it fails with the log)
* running -> ``kill`` (SIGKILL) or ``stop`` (SIGTERM) -> stopped; the folder stays, so a new start finds its files
* running -> ``freeze`` (SIGSTOP) -> frozen -> ``thaw`` (SIGCONT) -> running; a frozen program can be killed
* leaving the context kills what still runs, by its pid; when the test process itself dies, the kernel does that
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

# A wrapper, because subprocess's preexec_fn warns in threaded programs. A change of the user would clear the death
# signal again, so the programs are told to stay who they are.
DIE_WITH_PARENT = """
import ctypes, os, signal, sys
ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL)
if os.getppid() != int(sys.argv[1]):
    sys.exit("the parent is gone already")
os.execvp(sys.argv[2], sys.argv[2:])
"""


class Part:
    """One program. ``ready`` tells, without waiting long, whether it answers by now.

    Start it from the main thread: the death signal is tied to the thread that started the program.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        command: Sequence[str | Path],
        ready: Callable[[], bool],
        *,
        environ: Mapping[str, str] | None = None,
        ready_within_s: float = 30,
    ) -> None:
        self.name = name
        self.folder = folder
        self.log_file = folder / f"{name}.log"
        self._command = [str(word) for word in command]
        self._ready = ready
        self._environ = dict(os.environ if environ is None else environ)
        self._ready_within_s = ready_within_s
        self._process: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.kill()

    @property
    def pid(self) -> int:
        return self._running().pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        """What the program printed, over all its starts."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    async def start(self) -> None:
        """Start the program and wait until it answers."""
        self.spawn()
        try:
            await self._until_ready()
        except BaseException:
            await self.kill()
            raise

    async def _until_ready(self) -> None:
        deadline = time.monotonic() + self._ready_within_s
        while not self._ready():
            if not self.running:
                raise RuntimeError(f"{self.name} ended with {self.exit_code}; its log:\n{self.log}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} not ready within {self._ready_within_s} s; its log:\n{self.log}")
            await asyncio.sleep(0.01)

    def spawn(self) -> None:
        """Start the program without waiting for it."""
        if self.running:
            raise RuntimeError(f"{self.name} runs already, pid {self.pid}")
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", DIE_WITH_PARENT, str(os.getpid()), *self._command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environ,
                process_group=0,  # a Ctrl-C meant for pytest is not theirs
            )

    async def kill(self) -> None:
        """SIGKILL; nothing when it does not run."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=10)

    async def stop(self, within_s: float = 20) -> int:
        """SIGTERM; the exit code. A program that does not end in time is killed, and that is an error."""
        process = self._running()
        process.send_signal(signal.SIGCONT)
        process.terminate()
        return await self.ended(within_s)

    async def ended(self, within_s: float = 20) -> int:
        """Wait until the program has ended by itself; the exit code."""
        process = self._running()
        deadline = time.monotonic() + within_s
        while (code := process.poll()) is None:
            if time.monotonic() > deadline:
                await self.kill()
                raise RuntimeError(f"{self.name} did not end within {within_s} s; its log:\n{self.log}")
            await asyncio.sleep(0.01)
        return code

    @property
    def exit_code(self) -> int | None:
        """Of the last run; a negative number is the signal that ended it, None: it runs."""
        return self._running().poll()

    def signal(self, number: signal.Signals) -> None:
        self._running().send_signal(number)

    def freeze(self) -> None:
        """SIGSTOP; returns when the program stands still."""
        self.signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def thaw(self) -> None:
        self.signal(signal.SIGCONT)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError(f"{self.name} was never started")
        return self._process


def accepts(port: int) -> bool:
    """Whether somebody accepts TCP connections on the port of 127.0.0.1."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.5).close()
    except OSError:
        return False
    return True


def program(name: str, package: str) -> str:
    """The path of an installed program; Debian keeps servers in sbin, which is not in everybody's PATH."""
    for place in (*os.environ.get("PATH", "").split(":"), "/usr/local/sbin", "/usr/sbin", "/sbin"):
        candidate = Path(place) / name
        if place and os.access(candidate, os.X_OK) and candidate.is_file():
            return str(candidate)
    raise RuntimeError(f"{name} is not installed; on Debian: apt-get install {package}")
