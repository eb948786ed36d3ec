"""The port we listen on: had, or one line that says who has it and what to choose instead."""

import errno
import socket
from pathlib import Path

from gateway.domain.errors import SettingsError
from gateway.server import bind

LISTENS = "0A"
PROC = Path("/proc")
NEIGHBOURS = 20


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; raises SettingsError with what to change when the address cannot be had."""
    try:
        return bind(host, port)
    except SettingsError as refused:
        cause = refused.__cause__
        number = cause.errno if isinstance(cause, OSError) else None
        if number == errno.EADDRINUSE:
            raise SettingsError(_taken(host, port)) from cause
        if number == errno.EADDRNOTAVAIL:
            raise SettingsError(
                f"GATEWAY_HOST: this machine has no address {host}; 127.0.0.1 is for this machine alone, 0.0.0.0 for"
                " all of its networks"
            ) from cause
        if number in (errno.EACCES, errno.EPERM):
            raise SettingsError(
                f"GATEWAY_PORT: this user may not listen on port {port}; choose one from 1024 on: GATEWAY_PORT=8080"
            ) from cause
        raise


def _taken(host: str, port: int) -> str:
    who = holder_of(port)
    other = next((near for near in range(port + 1, min(port + NEIGHBOURS, 65_536)) if is_free(host, near)), None)
    instead = f", or choose another port: GATEWAY_PORT={other}" if other else ", or choose another GATEWAY_PORT"
    by = f"by {who}; stop that" if who else "by another program; stop that"
    return f"GATEWAY_PORT: {host}:{port} is taken {by}{instead}"


def is_free(host: str, port: int) -> bool:
    """Whether we could listen there now."""
    try:
        bind(host, port).close()
    except SettingsError:
        return False
    return True


def holder_of(port: int, proc: Path = PROC) -> str | None:
    """Who listens on a port of this machine, in words; None: /proc does not tell, or not us."""
    inodes = {
        fields[9]
        for table in ("tcp", "tcp6")
        for fields in _rows(proc / "net" / table)
        if fields[3] == LISTENS and int(fields[1].rpartition(":")[2], 16) == port
    }
    sockets = {f"socket:[{inode}]" for inode in inodes}
    for process in sorted(proc.glob("[0-9]*")):
        if sockets and _holds(process, sockets):
            return f"{_name_of(process)} (process {process.name})"
    return None


def _rows(table: Path) -> list[list[str]]:
    try:
        return [line.split() for line in table.read_text().splitlines()[1:]]
    except OSError:
        return []


def _holds(process: Path, sockets: set[str]) -> bool:
    try:
        return any(str(one.readlink()) in sockets for one in (process / "fd").iterdir())
    except OSError:  # somebody else's, or gone
        return False


def _name_of(process: Path) -> str:
    try:
        words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
        name = (process / "comm").read_text().strip()
    except OSError:
        return "a program"
    ours = any(word == "gateway" or word.endswith(("openwb-gateway", "gateway/__main__.py")) for word in words)
    return "another openwb-gateway" if ours else name
