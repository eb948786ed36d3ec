"""The charge log of a 1.9: a CSV file for each month, without a header, the newest line first.

Begin and end in local time to the minute, km, kWh, mean kW, duration, number of the charge point, mode, id tag (0 for
none), cost in EUR (nothing without a price). Numbers are cut, and what ``bc`` worked out has no zero in front.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from itertools import pairwise
from typing import Final

import msgspec

from gateway.simulator.openwb19.settings import MODES
from gateway.simulator.openwb19.texts import WH_PER_KWH, calculated, duration, local, with_zero
from gateway.simulator.words import LogEntry, Mode

_SECONDS_PER_HOUR = 3600
_MODES: Final[Mapping[Mode | str, int]] = {
    **{mode: number for number, mode in enumerate(MODES)},
    "eco": 0,
    "scheduled": 7,  # charging to a time of day
    "_": 0,
}
# what MQTT carries of a month: 12 messages, the first one a line shorter
_PARTS: Final = 12
_LINES = 25


class LogSetup(msgspec.Struct, frozen=True, kw_only=True):
    """``numbers`` and ``kwh_per_100km`` by the id of the charge point; an empty price is none."""

    numbers: Mapping[int, int]
    kwh_per_100km: Mapping[int, str]
    timezone: str
    price_eur_per_kwh: str = ""


def month_csv(entries: Iterable[LogEntry], log: LogSetup) -> str:
    """The file of a month; entries of charge points that have no number are left out."""
    known = [entry for entry in entries if entry.chargepoint_id in log.numbers]
    newest_first = sorted(known, key=lambda entry: entry.end_s, reverse=True)
    return "".join(f"{_line(entry, log)}\n" for entry in newest_first)


def _line(entry: LogEntry, log: LogSetup) -> str:
    begin, end = (f"{local(at_s, log.timezone):%d.%m.%y-%H:%M}" for at_s in (entry.begin_s, entry.end_s))
    seconds = max(1, int(entry.end_s - entry.begin_s))
    energy = with_zero(calculated(Decimal(str(round(entry.since_mode_switch_wh, 2))) / WH_PER_KWH))
    charged = Decimal(energy)
    return ",".join(
        (
            begin,
            end,
            str(int(charged * 100 / Decimal(log.kwh_per_100km[entry.chargepoint_id]))),
            energy,
            calculated(charged * _SECONDS_PER_HOUR / seconds),
            duration(seconds // 60),
            str(log.numbers[entry.chargepoint_id]),
            str(_MODES[entry.mode]),
            entry.id_tag or "0",
            calculated(charged * Decimal(log.price_eur_per_kwh)) if log.price_eur_per_kwh else "",
        )
    )


def month_parts(csv: str) -> list[str]:
    """The file as the box cuts it up for MQTT; empty where nothing is left."""
    lines = csv.splitlines()
    starts = [0, *range(_LINES - 1, _LINES * _PARTS, _LINES)]
    return ["\n".join(lines[start:end]) for start, end in pairwise(starts)]
