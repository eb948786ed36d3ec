"""When the box's log is asked for without anybody asking.

Rules:

* Once at the start and once each night, for the month in which we are; at the start and in the first nights of a
  month for the one before, too. So what was missed while we were away is made up for.
* After an unplug, when the box has had two of its loops to write the entry; in case the answer has none of that time,
  once more later. If there is still none, the night will bring it: a plug-in without energy leaves none at all.
* An entry lies in the month in which it was written, so around the end of a month two of them are asked for.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Final

import msgspec

from gateway.domain.months import Month

PLUGGED: Final = re.compile(r"chargepoints/([^/]+)/plugged")
NIGHT: Final = timedelta(hours=3, minutes=20)
"""After midnight: no clock is set at that time, and the month before has been written."""

DAYS_OF_THE_MONTH_BEFORE: Final = 3
LATEST_WORD_S: Final = 120
"""How long before the unplug a box may have written its entry: 1.9 does so a minute after the last power."""


class Pauses(msgspec.Struct, frozen=True):
    """Seconds from an unplug to the question, and to the one after it."""

    first_s: float = 25
    again_s: float = 60


class _Unplugged(msgspec.Struct):
    at: float
    ask_at: float
    asked: int = 0


class LogSchedule:
    """Of one site. ``now`` is in epoch seconds and may jump: then something is asked for once more."""

    def __init__(self, zone: tzinfo, pauses: Pauses | None = None) -> None:
        self._zone = zone
        self._pauses = pauses or Pauses()
        self._night: object = None
        self._plugged: dict[str, bool] = {}
        self._unplugged: list[_Unplugged] = []

    def take(self, values: Mapping[str, object], now: float) -> None:
        """Readings of the box, or removals; all keys but those of plugs are left alone."""
        for key, value in values.items():
            found = PLUGGED.fullmatch(key)
            if found is None or not isinstance(value, bool):
                continue
            if self._plugged.get(found[1]) and not value:
                self._unplugged = [_Unplugged(now, now + self._pauses.first_s)]  # it brings what others wait for
            self._plugged[found[1]] = value

    def due(self, now: float) -> list[Month]:
        """The months to be asked for at this moment; they count as asked for."""
        wanted: set[Month] = set()
        night = (self._local(now) - NIGHT).date()
        if night != self._night:
            wanted.update(self._nightly(now, first=self._night is None))
            self._night = night
        for one in self._unplugged:
            if one.ask_at <= now:
                wanted.update((self._month(one.at), self._month(now)))
                one.asked += 1
                one.ask_at = now + self._pauses.again_s
        self._unplugged = [one for one in self._unplugged if one.asked <= 1]
        return sorted(wanted)

    def answered(self, ends: Iterable[float | None]) -> None:
        """An answer came, with entries of these ends: who has found its entry needs no second one."""
        newest = max((end for end in ends if end is not None), default=float("-inf"))
        self._unplugged = [one for one in self._unplugged if not one.asked or newest < one.at - LATEST_WORD_S]

    def _nightly(self, now: float, *, first: bool) -> list[Month]:
        this = self._month(now)
        early = self._local(now).day <= DAYS_OF_THE_MONTH_BEFORE
        return [this.before, this] if first or early else [this]

    def _month(self, moment: float) -> Month:
        local = self._local(moment)
        return Month(local.year, local.month)

    def _local(self, moment: float) -> datetime:
        return datetime.fromtimestamp(moment, self._zone)
