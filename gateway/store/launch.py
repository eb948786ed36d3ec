"""Becomes a server that dies with the process that started it. Run by path, with the bare standard library.

Linux: the kernel sends the death signal; it is tied to the parent's *thread*, so start from one that lives as long as
the process. Elsewhere this process stays, and ends the server when the pipe on its standard input breaks.
"""

import os
import signal
import subprocess
import sys
import threading

PR_SET_PDEATHSIG = 1


def replace_self(parent: int, command: list[str]) -> None:
    """The server takes this process over; it will be asked to end (SIGTERM) when the parent dies."""
    import ctypes  # noqa: PLC0415 - not where it is not needed

    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit("the parent is gone already")
    os.execv(command[0], command)  # noqa: S606 - no shell is the point


def watch_over(command: list[str], keep_open: tuple[int, ...]) -> None:
    """The server is a child of this process, which passes SIGTERM on and sends one when its standard input ends."""
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=keep_open)  # noqa: S603 - ours
    signal.signal(signal.SIGTERM, lambda *_: server.terminate())

    def until_parent_is_gone() -> None:
        while os.read(0, 1):
            pass
        server.terminate()

    threading.Thread(target=until_parent_is_gone, daemon=True).start()
    sys.exit(server.wait())


if __name__ == "__main__":
    os.umask(0o077)  # what the server writes concerns nobody else
    how, parent_pid, lock_fd, *server_command = sys.argv[1:]
    if how == "replace":
        replace_self(int(parent_pid), server_command)
    else:
        watch_over(server_command, (int(lock_fd),))
