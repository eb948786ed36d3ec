"""Times as REST is asked for them and tells them: RFC 3339, in the local time of a site.

Rules:

* What is asked has an offset, so that it is one moment whatever zone the reader is in; or it is a plain date, which
  is the local midnight at which that day begins, also on the days on which clocks are set.
* A ``+`` in an address arrives as a space. Here it can be nothing else, so it is read as what was meant.
* What is told has the offset that the site's zone had then, to the millisecond.
"""

import re
from datetime import date, datetime, tzinfo
from typing import Final

from gateway.domain.errors import InvalidArgument

YEARS: Final = range(1970, 2200)
DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
TIME: Final = re.compile(
    r"(?P<local>\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?)(?P<offset>[Zz]|[ +-]\d{2}:\d{2})", re.ASCII
)
SHOWN: Final = 40


def parse_moment(text: str, zone: tzinfo, name: str) -> float:
    """Epoch seconds. Raises InvalidArgument, which calls the argument by its ``name``."""
    try:
        found = _moment(text, zone)
    except ValueError:  # the 31st of February, or 25 o'clock
        found = None
    if found is not None and found.year not in YEARS:
        raise InvalidArgument(f"{name}: allowed are the years {YEARS[0]} to {YEARS[-1]}, got {text[:SHOWN]!r}")
    if found is None:
        raise InvalidArgument(
            f"{name}: {text[:SHOWN]!r} is no time; allowed is a date such as 2026-03-01 (local midnight), or a time"
            " with its offset such as 2026-03-01T06:30:00+01:00"
        )
    return found.timestamp()


def _moment(text: str, zone: tzinfo) -> datetime | None:
    if DATE.fullmatch(text):
        day = date.fromisoformat(text)
        return datetime(day.year, day.month, day.day, tzinfo=zone)
    found = TIME.fullmatch(text)
    if found is None:
        return None
    offset = found["offset"].upper().replace(" ", "+")
    return datetime.fromisoformat(found["local"].upper() + offset)


def local_moment(epoch_s: float, zone: tzinfo) -> datetime:
    """With the offset of that time, to the millisecond."""
    return datetime.fromtimestamp(round(epoch_s, 3), zone)
