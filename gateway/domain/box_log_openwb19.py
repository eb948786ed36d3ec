"""The charge log of an openWB 1.9: a CSV file for each month, without a header, the newest line first (openwb.md 6).

Rules:

* Columns: begin, end (local time, to the minute), km, kWh, mean kW, duration, number of the charge point, mode, id
  tag (0 is none, every other one is text), cost in EUR. Older boxes did not write the last one.
* ``bc`` writes no zero before the point: ".64".
* A line is a stretch of charging, and several may be of one plug-in. Nothing in the file tells which.
* The month of a file is that in which its lines were written.
"""

import re
from datetime import tzinfo
from typing import Final
from urllib.parse import urlsplit

import msgspec

from gateway.domain.box_log import (
    WH_PER_KWH,
    BoxLog,
    BoxLogEntry,
    Oddity,
    as_float,
    as_text,
    exact_number,
    in_order,
    natural_key,
)
from gateway.domain.box_log_csv import rows_of, text_of
from gateway.domain.box_log_times import Printed, Resolved, parsed, resolve
from gateway.domain.errors import Unreadable
from gateway.domain.openwb19_payloads import MODE_WORDS

TIME_FORM: Final = "%d.%m.%y-%H:%M"
MODES: Final = {**MODE_WORDS, "7": "scheduled"}
"""7: charging by the clock, at night or to be full by then."""

FOLDER: Final = "/openWB/web/logging/data/ladelog/"
LEAST_CELLS: Final = 8
DURATION: Final = re.compile(r"(?:(\d{1,5}) H )?(\d{1,5}) Min", re.ASCII)
BEGIN, END, _KM, KWH, _KW, TOOK, NUMBER, MODE, TAG, COST = range(10)


def url_of(base: str, year: int, month: int) -> str:
    """Where a month lies; ``base`` is that of the box's pages."""
    return f"{base.rstrip('/')}{FOLDER}{year:04}{month:02}.csv"


def base_of(mqtt_url: str) -> str:
    """Where the pages of a box are whose broker has that URL; in brackets if it is an address of IPv6."""
    host = urlsplit(mqtt_url).hostname or ""
    return f"http://[{host}]" if ":" in host else f"http://{host}"


def read_log(payload: bytes, zone: tzinfo) -> BoxLog:
    """The entries of a file, the oldest first. Raises Unreadable for what is no log at all."""
    given = rows_of(text_of(payload), ",")
    lines = [line for line in (_line(row) for row in reversed(given)) if line is not None]
    if given and not lines:
        raise Unreadable("no line is one of an openWB 1.9 log: dd.mm.yy-HH:MM,dd.mm.yy-HH:MM,km,kWh,kW,duration,…")
    times = resolve([line.printed for line in lines], zone)
    entries = tuple(line.entry(time) for line, time in zip(lines, times, strict=True))
    return BoxLog(entries, len(given) - len(lines))


class _Line(msgspec.Struct, frozen=True):
    """The cells of a line that is one."""

    cells: tuple[str, ...]

    @property
    def printed(self) -> Printed:
        begin, end = (parsed(self.cells[cell], TIME_FORM) for cell in (BEGIN, END))
        return Printed(begin, end, self.cells[NUMBER], took_s=took_s(self.cells[TOOK]))

    def entry(self, time: Resolved) -> BoxLogEntry:
        cells = self.cells
        tag, cost = (cells[cell] if len(cells) > cell else "" for cell in (TAG, COST))
        energy_wh = exact_number(cells[KWH], times=WH_PER_KWH)
        mode = MODES.get(cells[MODE])
        found: list[Oddity] = []
        if energy_wh is None:
            found.append("no_energy")
        if mode is None:
            found.append("unknown_mode")
        return BoxLogEntry(
            key=natural_key("openwb-1.9", cells[NUMBER], cells[BEGIN], cells[END], energy_wh),
            source="openwb-1.9",
            chargepoint=cells[NUMBER],
            mode=mode,
            id_tag=None if tag == "0" else as_text(tag),
            begin=time.begin,
            end=time.end,
            begin_text=cells[BEGIN],
            end_text=cells[END],
            charging_s=took_s(cells[TOOK]),
            energy_wh=energy_wh,
            cost=exact_number(cost) if cost else None,
            oddities=in_order((*time.oddities, *found)),
        )


def _line(cells: list[str]) -> _Line | None:
    """None: neither of its times is one, or its charge point has no number."""
    if len(cells) < LEAST_CELLS or not cells[NUMBER].isdecimal() or as_float(cells[NUMBER]) is None:
        return None
    if parsed(cells[BEGIN], TIME_FORM) is None and parsed(cells[END], TIME_FORM) is None:
        return None
    return _Line(tuple(cells))


def took_s(text: str) -> int | None:
    """Seconds of "4 H 30 Min" or "5 Min"."""
    found = DURATION.fullmatch(text)
    return None if found is None else int(found[1] or 0) * 3600 + int(found[2]) * 60
