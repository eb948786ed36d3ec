"""What runs below a process, and where it listens, as the kernel has it."""

import ipaddress
from collections.abc import Iterable
from pathlib import Path

LISTENS = "0A"


def children(pid: int) -> list[int]:
    """All processes below ``pid``."""
    found: list[int] = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            child = int(stat.parent.name)
            found += [child, *children(child)]
    return found


def gone(pids: list[int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


def with_environment(line: str) -> list[int]:
    """The processes that were started with ``NAME=value`` in their environment, whoever is their parent by now."""
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if line.encode() in environ.read_bytes().split(b"\0"):
                found.append(int(environ.parent.name))
        except OSError:
            continue
    return found


def listening_addresses(pids: Iterable[int]) -> set[str]:
    """The addresses at which one of the processes listens on TCP or takes UDP, as ``address``."""
    sockets = {inode for pid in pids for inode in _sockets_of(pid)}
    found = set()
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[9] in sockets and (fields[3] == LISTENS or table.startswith("udp")):
                found.add(_address(fields[1].partition(":")[0]))
    return found


def _sockets_of(pid: int) -> list[str]:
    links = [str(one.readlink()) for one in Path(f"/proc/{pid}/fd").iterdir() if one.is_symlink()]
    return [link.removeprefix("socket:[").rstrip("]") for link in links if link.startswith("socket:[")]


def _address(digits: str) -> str:
    """The kernel writes each four bytes as a number of the machine, which here has the lowest first."""
    words = [bytes.fromhex(digits[at : at + 8])[::-1] for at in range(0, len(digits), 8)]
    return str(ipaddress.ip_address(b"".join(words)))
