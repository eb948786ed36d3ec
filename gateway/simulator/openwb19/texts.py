"""How a 1.9 writes numbers, times and durations: bare text, and which of its programs wrote it shows.

* ``measured``: what its Python modules read from a meter, rounded to two digits (``232.0``, ``229.97``).
* ``calculated``: what its shell scripts work out with ``bc``: cut, not rounded, and without a zero in front
  (``.64``, but ``0`` for nothing). Where a script mends that, it is ``with_zero``.
"""

from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from zoneinfo import ZoneInfo

WH_PER_KWH = 1000
_CENTS = Decimal("0.01")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MINUTES_PER_DAY = 24 * 60


def whole(number: float) -> str:
    return str(round(number))


def flag(yes: bool) -> str:
    return "1" if yes else "0"


def measured(number: float) -> str:
    return str(round(number, 2) + 0.0)  # no minus in front of zero


def measured_or_nothing(number: float) -> str:
    """A reading that the module sets to a bare 0 while nothing flows."""
    return measured(number) if number else "0"


def kwh(energy_wh: float) -> str:
    return measured(energy_wh / WH_PER_KWH)


def calculated(number: Decimal) -> str:
    cut = number.quantize(_CENTS, rounding=ROUND_DOWN)
    if not cut:
        return "0"
    sign, digits = ("-" if cut < 0 else ""), f"{abs(cut):f}"
    return sign + digits.removeprefix("0")


def with_zero(text: str) -> str:
    return f"0{text}" if text.startswith(".") else text


def duration(minutes: int) -> str:
    if minutes < 0:
        return "--"
    hours, rest = divmod(minutes, 60)
    return f"{hours} H {rest} Min" if hours else f"{rest} Min"


def local(time_s: float, timezone: str) -> datetime:
    return datetime.fromtimestamp(time_s, ZoneInfo(timezone))


def date(moment: datetime) -> str:
    """As the system's ``date`` without a locale: ``Fri May  3 12:30:00 CEST 2024``."""
    day, month = _DAYS[moment.weekday()], _MONTHS[moment.month - 1]
    return f"{day} {month} {moment.day:2} {moment:%H:%M:%S} {moment.tzname()} {moment.year}"


def uptime(moment: datetime, up_s: float) -> str:
    """As the system's ``uptime``; the load is always the same."""
    days, minutes = divmod(int(up_s // 60), _MINUTES_PER_DAY)
    hours, rest = divmod(minutes, 60)
    since = f"{hours:2}:{rest:02}" if hours else f"{rest} min"
    whole_days = f"{days} day{'s' if days > 1 else ''}, " if days else ""
    return f" {moment:%H:%M:%S} up {whole_days}{since},  0 user,  load average: 1.36, 0.67, 0.36"
