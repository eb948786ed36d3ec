"""Where ``watch`` shows what it knows: a table that stays in its place, or one line per change."""

import os
import select
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Protocol, TextIO

import msgspec
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from gateway.cli.watch_view import Device, Known, Standing, connection, devices, link, mark_of, one_line, value_text
from gateway.domain.values import Reading

HEAD_LINES = 4
LEAST_LINES = 3
ONE_LINE: Any = {"no_wrap": True, "overflow": "ellipsis"}


class Output(Protocol):
    """Two implementations: ``Screen`` and ``Lines``."""

    def show(self, known: Known) -> None:
        """Called at least once a second; raises BrokenPipeError when nobody reads any more."""

    def close(self) -> None:
        """What is shown stays."""


class Screen:
    """The table. What does not fit is counted, so that nothing scrolls."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False, vertical_overflow="crop")
        self._live.start()

    def show(self, known: Known) -> None:
        self._live.update(picture(known, self._console.size.height), refresh=True)

    def close(self) -> None:
        self._live.stop()


def picture(known: Known, height: int) -> Group:
    """The whole picture, not higher than the terminal."""
    head = Text.assemble((known.site or "openWB", "bold"), "  ", (known.url, "dim"), **ONE_LINE)
    lines = [head, _line("gateway", connection(known)), _line("openWB", link(known)), Text("")]
    table, left_out = _table(devices(known), max(LEAST_LINES, height - HEAD_LINES - 2))
    more = [Text(f"… {left_out} more lines: choose keys, or a higher window", "dim", **ONE_LINE)] if left_out else []
    return Group(*lines, table, *more)


def _line(name: str, standing: Standing) -> Text:
    return Text.assemble(
        (f"{name:<8} ", "dim"), (standing.words, "green" if standing.good else "bold red"), **ONE_LINE
    )


def _table(found: tuple[Device, ...], most_lines: int) -> tuple[Table, int]:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(ratio=None, overflow="ellipsis", no_wrap=True, min_width=12)
    table.add_column(justify="right", overflow="ellipsis", no_wrap=True, min_width=10)
    table.add_column(justify="right", style="dim", no_wrap=True, min_width=6)
    table.add_column(no_wrap=True)
    lines = list(_table_lines(found))
    for line in lines[:most_lines]:
        table.add_row(*line)
    return table, max(0, len(lines) - most_lines)


def _table_lines(found: tuple[Device, ...]) -> Iterator[tuple[Text, ...]]:
    for device in found:
        yield (Text(device.title, "bold"),)
        for row in device.rows:
            style = "dim italic" if row.mark else ""
            yield Text(f"  {row.label}", style), Text(row.value, style), Text(row.age), Text(row.mark, "yellow")


class Lines:
    """One line per change, for people or as JSON; one when values begin or cease to be live, or another reason.

    For people an empty text, as of a fault that is none, is a line only where something else stood before.
    """

    def __init__(self, out: TextIO, *, as_json: bool) -> None:
        self._out = out
        self._as_json = as_json
        self._write = self._json if as_json else self._plain
        self._shown: dict[str, Reading] = {}
        self._standing: Standing | None = None
        self._why = ""

    def show(self, known: Known) -> None:
        if _nobody_reads(self._out):
            raise BrokenPipeError
        standing = connection(known)
        # a countdown is no news, another reason is
        another = not standing.good and known.status.reason not in ("", self._why)
        if self._standing is None or standing.good != self._standing.good or another:
            self._standing, self._why = standing, known.status.reason
            self._write({"live": standing.good, "reason": None if standing.good else standing.words})
        if known.vouched:
            self._changes(known.readings)
        self._out.flush()

    def close(self) -> None:
        pass

    def _changes(self, readings: Mapping[str, Reading]) -> None:
        for key, reading in sorted(readings.items()):
            before = self._shown.get(key)
            if before != reading and (self._as_json or not _stays_empty(before, reading)):
                told = {"value": reading.value, "changed_at": reading.changed_at, "stale": reading.stale}
                self._write({"key": key, **told})
        for key in sorted(self._shown.keys() - readings.keys()):
            self._write({"key": key, "gone": True})
        self._shown = dict(readings)

    def _json(self, told: dict[str, Any]) -> None:
        self._out.write(msgspec.json.encode({"at": _now(), **told}).decode() + "\n")

    def _plain(self, told: dict[str, Any]) -> None:
        if "live" in told:
            words = "live" if told["live"] else f"not live: {told['reason']}"
        elif "gone" in told:
            words = f"{one_line(told['key'])} gone"
        else:
            mark = mark_of(Reading(told["value"], stale=told["stale"]), vouched=True)
            text = value_text(told["key"], told["value"]) or '""'
            words = f"{one_line(told['key'])} {text} {mark}".rstrip()
        self._out.write(f"{_now()} {words}\n")


def _stays_empty(before: Reading | None, reading: Reading) -> bool:
    return reading.value == "" and (before is None or before.value == "")


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="milliseconds")


def _nobody_reads(out: TextIO) -> bool:
    """Whether the other end of a pipe is closed, though there is nothing to write."""
    if not hasattr(select, "poll"):
        return False
    poll = select.poll()
    poll.register(out.fileno(), 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))


def leave_the_pipe() -> None:
    """Nothing more can be written; the interpreter's last flush must not complain about it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
