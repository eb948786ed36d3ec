"""What the kernel says of processes, and which core they run on.

CPU is what ``utime + stime`` of /proc/<pid>/stat are made of, but in nanoseconds: the first field of ``schedstat``,
over the process's threads. Memory is in bytes. Where the machine has two cores or more, the server under test has one
for itself and everything else the others.
"""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
MANY_FILES = 65_536
# fields of /proc/<pid>/stat behind the name: ppid, utime, stime, cutime, cstime
PARENT, UTIME, STIME, CUTIME, CSTIME = 1, 11, 12, 13, 14
# fields of the first line of /proc/stat
USER, NICE, SYSTEM, STEAL = 0, 1, 2, 7
NOISY = 0.1


@contextmanager
def started_on(which: frozenset[int]) -> Iterator[None]:
    """What is started in here runs there, with all its threads."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, which)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def allow_many_files() -> None:
    """Each connection is one, in the server and in its client."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MANY_FILES if most == resource.RLIM_INFINITY else min(MANY_FILES, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def cpu_s(*pids: int) -> float:
    """Seconds of CPU that the processes' threads have used since they began."""
    threads = [thread for pid in pids for thread in Path(f"/proc/{pid}/task").glob("*/schedstat")]
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES


def proportional_bytes(pid: int) -> int:
    """Memory in which what several processes share counts for each by its share (PSS)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def written_bytes(pid: int) -> int:
    """What the process made the kernel write to a disk, in whole pages."""
    lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes:"))


def family(pid: int) -> list[int]:
    """The process and all that it has started, directly or not, and that still run."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(entry.name)] = int(_stat(int(entry.name))[PARENT])
        except OSError:  # gone meanwhile
            continue
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


class Noise(msgspec.Struct, frozen=True):
    """What others took of the machine meanwhile, as shares of all its cores."""

    others: float
    stolen: float

    def __str__(self) -> str:
        loud = " - NOISY, only ratios mean something" if self.others + self.stolen > NOISY else ""
        return f"other programs {self.others:.0%}, stolen {self.stolen:.0%} of the machine{loud}"


class Listening:
    """From here on, until ``noise`` is asked."""

    def __init__(self) -> None:
        self._began = self._now()

    @staticmethod
    def _now() -> tuple[float, float, float, float]:
        """Ticks in all, ticks of work, of ours, and stolen."""
        ticks = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        ours = 0
        for pid in family(os.getpid()):
            try:
                stat = _stat(pid)
            except OSError:  # gone meanwhile
                continue
            ours += sum(int(stat[field]) for field in (UTIME, STIME, CUTIME, CSTIME))
        return sum(ticks), ticks[USER] + ticks[NICE] + ticks[SYSTEM], ours, ticks[STEAL]

    def noise(self) -> Noise:
        all_ticks, busy, ours, stolen = (now - began for now, began in zip(self._now(), self._began, strict=True))
        return Noise(max(0.0, busy - ours) / max(1.0, all_ticks), stolen / max(1.0, all_ticks))
