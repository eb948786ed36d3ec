"""The wall clock of the place: what the sun does not ask for, but people do."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

DAY_S = 86_400
QUARTER_S = 900  # no zone changes its offset in between
THURSDAY = 3  # 1 January 1970; Monday is 0


class LocalTime:
    """Local wall time as seconds since 1970-01-01 00:00 by the clock on the wall, so that a day is 86,400 long."""

    def __init__(self, timezone: str) -> None:
        self._zone = ZoneInfo(timezone)
        self._quarter = -1
        self._offset_s = 0.0

    def seconds(self, time_s: float) -> float:
        """Of a moment in epoch seconds."""
        quarter = int(time_s // QUARTER_S)
        if quarter != self._quarter:
            offset = datetime.fromtimestamp(quarter * QUARTER_S, self._zone).utcoffset()
            assert offset is not None
            self._quarter, self._offset_s = quarter, offset.total_seconds()
        return time_s + self._offset_s

    def day(self, time_s: float) -> int:
        """Days since 1 January 1970."""
        return int(self.seconds(time_s) // DAY_S)

    def moment(self, day: int, second_of_day: float) -> float:
        """Epoch seconds of a wall time; one that the clock skips or shows twice is the earlier reading of it."""
        midnight = datetime.combine(date(1970, 1, 1) + timedelta(days=day), datetime.min.time())
        wall = midnight + timedelta(seconds=second_of_day)
        return wall.replace(tzinfo=self._zone).astimezone(UTC).timestamp()


def weekday(day: int) -> int:
    """0 is Monday."""
    return (day + THURSDAY) % 7
