"""The port we listen on: had, or one line that says who has it and what to choose instead."""

import errno
import os
import socket
from pathlib import Path

from gateway.domain.errors import SettingsError

LISTENS = "0A"
BACKLOG = 2048
PROC = Path("/proc")
NEIGHBOURS = 20


def listen(host: str, port: int, setting: str = "GATEWAY_PORT") -> socket.socket:
    """A listening socket; raises SettingsError with what to change when the address cannot be had."""
    try:
        return socket.create_server((host, port), backlog=BACKLOG)
    except OSError as error:
        raise SettingsError(_refused(host, port, setting, error)) from error


def address(bound: socket.socket) -> str:
    """``http://host:port`` of a listening socket."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _refused(host: str, port: int, setting: str, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return _taken(host, port, setting)
    if error.errno == errno.EADDRNOTAVAIL:
        return (
            f"GATEWAY_HOST: this machine has no address {host}; 127.0.0.1 is for this machine alone, 0.0.0.0 for all"
            " of its networks"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{setting}: this user may not listen on port {port}; choose one from 1024 on: {setting}=8080"
    reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)
    return f"GATEWAY_HOST, {setting}: cannot listen on {host}:{port}: {reason}"


def _taken(host: str, port: int, setting: str) -> str:
    who = holder_of(port)
    other = next((near for near in range(port + 1, min(port + NEIGHBOURS, 65_536)) if is_free(host, near)), None)
    instead = f", or choose another port: {setting}={other}" if other else f", or choose another {setting}"
    by = f"by {who}; stop that" if who else "by another program; stop that"
    return f"{setting}: {host}:{port} is taken {by}{instead}"


def is_free(host: str, port: int) -> bool:
    """Whether we could listen there now."""
    try:
        socket.create_server((host, port)).close()
    except OSError:
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
