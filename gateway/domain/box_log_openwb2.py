"""The charge log of an openWB 2.x: how it is asked for over MQTT, and what stands in it (openwb.md 4.3 and 5).

Rules:

* A month is asked for with two digits, as text: the box makes a file name of it. It is the month in which an entry
  was *written*, so the one of its end.
* With user management the box hears the command only below its own name; before 2.2 only without it. So the two forms
  of the topic are tried in turn.
* An answer goes to whoever asked and says not what for. One without a single entry of the month is one to an earlier
  question that came late.
* Every member may be null or missing. A 2.0 wrote neither serial number nor meter; entries that an update took over
  from a 1.9 have "-" for what that did not know, and their energy in one of two places, in Wh or in kWh.
* NaN and infinity, which Python writes, are null.
"""

import json
from collections.abc import Mapping
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any, Final

import msgspec

from gateway.domain.box_log import (
    NO_WH,
    ROUNDING_WH,
    WH_PER_KWH,
    BoxLog,
    BoxLogEntry,
    Oddity,
    Shares,
    as_float,
    as_text,
    exact_number,
    in_order,
    natural_key,
)
from gateway.domain.box_log_times import Printed, Resolved, parsed, resolve
from gateway.domain.errors import Unreadable
from gateway.domain.openwb2_payloads import MODE_WORDS

TIME_FORM: Final = "%m/%d/%Y, %H:%M:%S"
COMMAND: Final = "getChargeLog"
MOST_ENTRIES: Final = 20_000
MOST_KWH: Final = 1_000
"""Below, the energy of a migrated entry that stands since the plug is in kWh: nobody charges that many at once."""

SHARES_TOLERANCE: Final = 0.005
MOST_DIGITS_OF_A_TIME: Final = 7
EVERYTHING: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "chargepoint": {"id": ()},
    "vehicle": {"id": (), "tag": (), "chargemode": ()},
}
"""The filter of a question: it must be there, and empty means all."""

_NOTHING: Final[Mapping[str, Any]] = {}


class Question(msgspec.Struct, frozen=True):
    """What is to be published; the answer comes to ``answers``, complaints of the box below ``complaints``."""

    topic: str
    payload: bytes
    answers: str
    complaints: str


def question(prefix: str, client: str, year: int, month: int, *, named: bool) -> Question:
    """Ask for a month; ``named``: below the name of the command."""
    topic = f"{prefix}set/command/{client}/todo"
    payload = {"command": COMMAND, "data": {"year": f"{year:04}", "month": f"{month:02}", "filter": EVERYTHING}}
    return Question(
        f"{topic}/{COMMAND}" if named else topic,
        msgspec.json.encode(payload),
        f"{prefix}log/{client}/data",
        f"{prefix}command/{client}/messages/+",
    )


def is_of_month(log: BoxLog, year: int, month: int, zone: tzinfo) -> bool:
    """Whether it can be the answer to a question for that month; one without any end can."""
    ends = [datetime.fromtimestamp(one.end, zone) for one in log.entries if one.end is not None]
    return not ends or any((end.year, end.month) == (year, month) for end in ends)


def read_log(payload: bytes, zone: tzinfo) -> BoxLog:
    """The entries of an answer, or of a file of the box. Raises Unreadable."""
    lines = _lines(_decoded(payload))
    rows = [_Row(line) for line in lines if isinstance(line, dict)]
    times = resolve([row.printed for row in rows], zone)
    entries = tuple(row.entry(time) for row, time in zip(rows, times, strict=True))
    return BoxLog(entries, len(lines) - len(rows))


def _decoded(payload: bytes) -> Any:
    try:
        text = payload.decode("utf-8-sig")
        return json.loads(text, parse_float=_digits, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        raise Unreadable("the charge log is not JSON", reason="encoding") from None


def _digits(text: str) -> Decimal | None:
    """Floats keep their digits."""
    try:
        return Decimal(text)
    except ArithmeticError:  # an exponent beyond all numbers
        return None


def _lines(given: Any) -> list[Any]:
    found = given.get("entries") if isinstance(given, dict) else given
    if not isinstance(found, list):
        raise Unreadable("a charge log is a list of entries, or has one")
    if len(found) > MOST_ENTRIES:
        raise Unreadable(f"the charge log has more than {MOST_ENTRIES} entries", reason="range")
    return found


class _Row:
    """One entry, as it came."""

    def __init__(self, line: Mapping[str, Any]) -> None:
        self._line = line
        self.chargepoint, self.vehicle, self.time, self.sums = (
            found if isinstance(found := line.get(part), dict) else _NOTHING
            for part in ("chargepoint", "vehicle", "time", "data")
        )
        self._migrated = "-" in (self.chargepoint.get("id"), self.vehicle.get("id"), self.vehicle.get("prio"))
        self._id, self._serial = as_text(self.chargepoint.get("id")), as_text(self.chargepoint.get("serial_number"))
        self._begin, self._end = as_text(self.time.get("begin")), as_text(self.time.get("end"))
        self._charging_s = charged_s(self.time.get("time_charged"))
        mode = self.vehicle.get("chargemode")
        self._mode = MODE_WORDS.get(mode) if isinstance(mode, str) else None

    @property
    def printed(self) -> Printed:
        return Printed(
            parsed(self._begin, TIME_FORM), parsed(self._end, TIME_FORM), self._serial or self._id, self._charging_s
        )

    def entry(self, time: Resolved) -> BoxLogEntry:
        start, end = (exact_number(self.chargepoint.get(f"imported_at_{when}")) for when in ("start", "end"))
        energy_wh, since_plugged_wh = self._energies()
        discharged_wh = exact_number(self.sums.get("exported_since_mode_switch"))
        if not discharged_wh:
            discharged_wh = self._meter_discharged() or discharged_wh
        shares = self._shares()
        counted_wh = None if start is None or end is None else end - start
        return BoxLogEntry(
            key=self._key(start),
            source="openwb-2",
            chargepoint=self._id,
            chargepoint_name=as_text(self.chargepoint.get("name")),
            serial_number=self._serial,
            vehicle_id=as_text(self.vehicle.get("id")),
            vehicle_name=as_text(self.vehicle.get("name")),
            mode=self._mode,
            id_tag=as_text(self.vehicle.get("rfid")),
            begin=time.begin,
            end=time.end,
            begin_text=self._begin,
            end_text=self._end,
            charging_s=self._charging_s,
            meter_start_wh=start,
            meter_end_wh=end,
            energy_wh=energy_wh,
            since_plugged_wh=since_plugged_wh,
            discharged_wh=discharged_wh,
            cost=exact_number(self.sums.get("costs")),
            shares=shares,
            soc_start_percent=as_float(self.vehicle.get("soc_at_start")),
            soc_end_percent=as_float(self.vehicle.get("soc_at_end")),
            odometer_km=as_float(self.vehicle.get("odometer")),
            oddities=in_order((*time.oddities, *self._oddities(energy_wh, counted_wh, discharged_wh, shares))),
        )

    def _key(self, start: Decimal | None) -> str:
        if self._begin is None:
            # nothing in it says which it is but all of it
            return natural_key("openwb-2", "whole", json.dumps(self._line, sort_keys=True, default=str))
        return natural_key("openwb-2", self._serial or self._id, self._begin, start)

    def _energies(self) -> tuple[Decimal | None, Decimal | None]:
        """Of this entry, and since the plug."""
        energy_wh = exact_number(self.sums.get("imported_since_mode_switch"))
        since_plugged_wh = exact_number(self.sums.get("imported_since_plugged"))
        if since_plugged_wh == NO_WH and energy_wh:
            return energy_wh, None  # migrated, with its energy in Wh, or from a meter that was exchanged
        if self._migrated and since_plugged_wh and not energy_wh:
            times = WH_PER_KWH if since_plugged_wh < MOST_KWH else 1
            return since_plugged_wh * times, None
        return energy_wh, since_plugged_wh

    def _meter_discharged(self) -> Decimal | None:
        start, end = (exact_number(self.chargepoint.get(f"exported_at_{when}")) for when in ("start", "end"))
        return None if start is None or end is None or end < start else end - start

    def _shares(self) -> Shares | None:
        given = self.sums.get("power_source")
        if not isinstance(given, dict):
            return None
        found = [_share(given.get(source)) for source in ("grid", "pv", "bat", "cp")]
        known = [share for share in found if share is not None]
        return Shares(*known) if len(known) == len(found) else None

    def _oddities(
        self,
        energy_wh: Decimal | None,
        counted_wh: Decimal | None,
        discharged_wh: Decimal | None,
        shares: Shares | None,
    ) -> list[Oddity]:
        found: list[Oddity] = []
        if self._migrated:
            found.append("migrated")
        if energy_wh is None:
            found.append("no_energy")
        elif counted_wh is not None and abs(counted_wh - energy_wh) > ROUNDING_WH:
            found.append("energy_differs")
        if discharged_wh:
            found.append("discharged")
        if self._mode is None:
            found.append("unknown_mode")
        if shares is not None and energy_wh and not shares.total:
            found.append("shares_unknown")
        elif shares is not None and shares.total and abs(shares.total - 1) > SHARES_TOLERANCE:
            found.append("shares_incomplete")
        if self._serial is None:
            found.append("no_serial_number")
        return found


def _share(given: Any) -> float | None:
    """With all its digits; None: it is no part of a whole."""
    number = exact_number(given)
    return None if number is None or not 0 <= number <= 1 else float(given)


def charged_s(given: Any) -> int | None:
    """Seconds of "H:MM"; there may be more than 24 hours."""
    hours, _, minutes = given.partition(":") if isinstance(given, str) else ("", "", "")
    digits = hours + minutes
    if (
        not digits.isascii()
        or not hours.isdecimal()
        or not minutes.isdecimal()
        or len(digits) > MOST_DIGITS_OF_A_TIME
    ):
        return None
    return int(hours) * 3600 + int(minutes) * 60
