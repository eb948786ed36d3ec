"""A terminal that a program believes in, and what a person would see on it."""

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

SEQUENCE = re.compile(r"\x1b\[(\??)([0-9;]*)([A-Za-z])")


class Terminal:
    """A program on a terminal of its own. ``read`` takes in what came; ``screen`` is what stands there now."""

    def __init__(
        self, command: Sequence[str], environ: Mapping[str, str], rows: int = 50, columns: int = 100
    ) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={"TERM": "xterm-256color", **environ},
            start_new_session=True,
        )
        os.close(theirs)
        self.received = ""

    @property
    def screen(self) -> list[str]:
        """The lines, from the first one that the program wrote."""
        self._read()
        return shown(self.received)

    @property
    def ended(self) -> bool:
        self._read()
        return self.process.poll() is not None

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def close(self) -> None:
        self.process.kill()
        self.process.wait(timeout=10)
        os.close(self._ours)

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # the program has ended
            while select.select([self._ours], [], [], 0)[0]:
                self.received += os.read(self._ours, 65_536).decode(errors="replace")


@contextmanager
def terminal(command: Sequence[str], environ: Mapping[str, str], **size: int) -> Iterator[Terminal]:
    made = Terminal(command, environ, **size)
    try:
        yield made
    finally:
        made.close()


def shown(received: str) -> list[str]:
    """What stands on the screen after all that: text, line breaks, the cursor going up, lines being erased."""
    lines: list[str] = [""]
    row = column = 0
    place = 0
    while place < len(received):
        found = SEQUENCE.match(received, place)
        if found:
            place = found.end()
            if found[3] == "A":
                row = max(0, row - int(found[2] or 1))
            elif found[3] == "K":
                lines[row] = "" if found[2] == "2" else lines[row][:column]
            continue
        character = received[place]
        place += 1
        if character == "\r":
            column = 0
        elif character == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        else:
            lines[row] = lines[row][:column].ljust(column) + character + lines[row][column + 1 :]
            column += 1
    return [line.rstrip() for line in lines]
