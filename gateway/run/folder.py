"""The data folder: made, found fit for writing, and this process's alone for as long as it runs.

Rules:

* The lock lies in an open file that no child inherits, so it is free the moment we are gone, whatever we die of.
* With less than ``LEAST_FREE_BYTES`` free nothing is started; when it gets as little later we say so and go on.
"""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.domain.errors import SettingsError, Unavailable
from gateway.services.readiness import Pauses, Probe, Readiness

DISK = "disk"
LOCK = "gateway.lock"
LEAST_FREE_BYTES = 8_000_000
MEGABYTE = 1_000_000
LOOK_EVERY_S = 4.0
PROBE = b"can this be written?" * 200
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


@contextmanager
def own_folder(path: Path) -> Iterator[None]:
    """Make it, readable for us alone, and hold it; raises SettingsError with one line that says what to do."""
    _prepare(path)
    lock_fd = os.open(path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.pread(lock_fd, 20, 0).decode(errors="replace").strip()
            who = f"another gateway (process {pid})" if pid.isdecimal() else "another gateway"
            raise SettingsError(f"GATEWAY_DATA_DIR: {who} uses {path}; stop it or name another folder") from None
        os.ftruncate(lock_fd, 0)
        os.pwrite(lock_fd, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(lock_fd)


def check_space(path: Path) -> None:
    """Raises Unavailable when the disk of the data folder is as good as full."""
    free = free_bytes(path)
    if free < LEAST_FREE_BYTES:
        raise Unavailable(space_words(path, free))


def space_watch(readiness: Readiness, path: Path) -> Probe:
    """Reports the part ``disk`` for as long as it runs."""

    async def look() -> None:
        check_space(path)

    return Probe(readiness, DISK, prepare=look, check=look, pauses=Pauses(LOOK_EVERY_S))


def free_bytes(path: Path) -> int:
    """What we may still write there."""
    disk = os.statvfs(path)
    return disk.f_bavail * disk.f_frsize


def space_words(path: Path, free: int) -> str:
    return f"only {free / MEGABYTE:.1f} MB are free for {path}, {LEAST_FREE_BYTES // MEGABYTE} MB are needed"


def _prepare(path: Path) -> None:
    probe = path / ".write-test"
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        free = free_bytes(path)
        if free < LEAST_FREE_BYTES:
            raise SettingsError(
                f"GATEWAY_DATA_DIR: {space_words(path, free)}; free some, or name a folder on another disk"
            )
        probe.write_bytes(PROBE)
        probe.unlink()
    except OSError as error:
        raise SettingsError(f"GATEWAY_DATA_DIR: {unfit(path, error)}") from error


def unfit(path: Path, error: OSError) -> str:
    """Why nothing can be written there, and what to do."""
    if error.errno in FULL:
        return f"no space is left for {path}; free some, or name a folder on another disk"
    if error.errno in FORBIDDEN:
        place = next((above for above in (path, *path.parents) if _exists(above)), path)
        return (
            f"cannot write to {path}: {error.strerror} ({place} belongs to user {place.stat().st_uid}, this is user"
            f" {os.geteuid()}); give this user the folder, or name another one"
        )
    return f"cannot write to {path}: {error.strerror}"


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # it lies in a folder into which we may not look
        return False
