"""Charging sessions as evcc exports them (product.md 2.1): a CSV file with captions, German or English.

Rules:

* Columns go by their captions, in any order, with or without unit; what is missing is None.
* Newer files have ``,`` between cells and a point in numbers, older German ones ``;`` and a comma.
* Times are local, without an offset. The newest session comes first, as the program shows them, or last: which is
  seen by the times.
* One session is one plug-in already. Its energy is that of the meter, rounded; where both readings are there and
  agree with it to what it rounds, it stays as it is written.
"""

import re
from collections.abc import Mapping
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Final

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

CAPTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "begin": ("startzeit", "start time", "created"),
    "end": ("endzeit", "end time", "finished"),
    "chargepoint": ("ladepunkt", "charging point", "loadpoint"),
    "id_tag": ("kennung", "identifier"),
    "vehicle": ("fahrzeug", "vehicle"),
    "odometer": ("kilometerstand", "mileage", "odometer"),
    "meter_start": ("anfangszählerstand", "anfangszaehlerstand", "meter start", "start meter reading"),
    "meter_end": ("endzählerstand", "endzaehlerstand", "meter stop", "meter end", "end meter reading"),
    "energy": ("energie", "energy", "charged energy"),
    "charged": ("ladedauer", "charging time", "charge duration", "duration"),
    "soc_start": ("ladestand start", "soc start", "start soc"),
    "soc_end": ("ladestand ende", "soc end", "end soc"),
    "cost": ("kosten", "preis", "cost", "costs", "price"),
}
NEEDED: Final = ("begin", "energy")
TIME_FORMS: Final = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M")
UNIT: Final = re.compile(r"\s*\([^()]*\)\s*$")
DURATION: Final = re.compile(r"(?:(\d{1,5})h)?(?:(\d{1,5})m)?(?:(\d{1,6})(?:\.\d{1,9})?s)?", re.ASCII)
ROUNDING_WH: Final = Decimal(10)


def read_sessions(payload: bytes, zone: tzinfo) -> BoxLog:
    """The sessions, the oldest first. Raises Unreadable when the captions are not those of evcc."""
    text = text_of(payload)
    first = text.lstrip().partition("\n")[0]
    separator = ";" if first.count(";") > first.count(",") else ","
    rows = rows_of(text, separator)
    columns = _columns(rows[0]) if rows else {}
    if missing := [name for name in NEEDED if name not in columns]:
        raise Unreadable(
            "no export of evcc's sessions: the first line has no "
            + " and no ".join(CAPTIONS[name][0].capitalize() for name in missing)
        )
    lines = [_Line({name: row[at] for name, at in columns.items() if at < len(row)}, separator) for row in rows[1:]]
    readable = [line for line in lines if line.is_one]
    if _newest_first(readable):
        readable.reverse()
    times = resolve([line.printed for line in readable], zone)
    entries = tuple(line.entry(time) for line, time in zip(readable, times, strict=True))
    return BoxLog(entries, len(lines) - len(readable))


def _columns(captions: list[str]) -> dict[str, int]:
    """Which column is what; the first of two that are the same counts."""
    found: dict[str, int] = {}
    for at, caption in enumerate(captions):
        plain = UNIT.sub("", caption).casefold()
        for name, known in CAPTIONS.items():
            if plain in known:
                found.setdefault(name, at)
    return found


def _newest_first(lines: "list[_Line]") -> bool:
    begins = [begin for line in lines if (begin := line.printed.begin) is not None]
    return len(begins) > 1 and begins[0] > begins[-1]


class _Line(msgspec.Struct, frozen=True):
    """A line by its columns."""

    cells: Mapping[str, str]
    separator: str

    def _text(self, name: str) -> str | None:
        return as_text(self.cells.get(name))

    def _number(self, name: str, *, times: int = 1) -> Decimal | None:
        text = self.cells.get(name)
        if text and self.separator == ";":
            text = text.replace(".", "").replace(",", ".") if "," in text else text
        return exact_number(text or None, times=times)

    @property
    def is_one(self) -> bool:
        return self._time("begin") is not None or self._time("end") is not None

    def _time(self, name: str) -> datetime | None:
        return parsed(self._text(name), *TIME_FORMS)

    @property
    def printed(self) -> Printed:
        charged = charged_s(self.cells.get("charged", ""))
        return Printed(self._time("begin"), self._time("end"), self._text("chargepoint"), charged_s=charged)

    def entry(self, time: Resolved) -> BoxLogEntry:
        energy_wh = self._number("energy", times=WH_PER_KWH)
        start, end = (self._number(f"meter_{when}", times=WH_PER_KWH) for when in ("start", "end"))
        begin_text, end_text, place = (self._text(name) for name in ("begin", "end", "chargepoint"))
        found: list[Oddity] = []
        if energy_wh is None:
            found.append("no_energy")
        elif start is not None and end is not None and abs(end - start - energy_wh) > ROUNDING_WH:
            found.append("energy_differs")
        return BoxLogEntry(
            key=natural_key("evcc", place, begin_text, end_text, energy_wh),
            source="evcc",
            chargepoint=place,
            chargepoint_name=place,
            vehicle_name=self._text("vehicle"),
            id_tag=self._text("id_tag"),
            begin=time.begin,
            end=time.end,
            begin_text=begin_text,
            end_text=end_text,
            charging_s=charged_s(self.cells.get("charged", "")),
            meter_start_wh=start,
            meter_end_wh=end,
            energy_wh=energy_wh,
            cost=self._number("cost"),
            soc_start_percent=as_float(self._number("soc_start")),
            soc_end_percent=as_float(self._number("soc_end")),
            odometer_km=as_float(self._number("odometer")),
            oddities=in_order((*time.oddities, *found)),
        )


def charged_s(text: str) -> int | None:
    """Whole seconds of "1h30m0s"."""
    found = DURATION.fullmatch(text)
    if found is None or not text:
        return None
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds
