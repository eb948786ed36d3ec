"""Months of a calendar, whatever the zone."""

import re
from typing import Final, NamedTuple

from gateway.domain.errors import InvalidArgument
from gateway.domain.moments import SHOWN, YEARS

MONTH: Final = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
LAST_MONTH: Final = 12


class Month(NamedTuple):
    year: int
    month: int

    @property
    def before(self) -> "Month":
        return Month(self.year - 1, LAST_MONTH) if self.month == 1 else Month(self.year, self.month - 1)

    @property
    def after(self) -> "Month":
        return Month(self.year + 1, 1) if self.month == LAST_MONTH else Month(self.year, self.month + 1)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"


def parse_month(text: str, name: str) -> Month:
    """A month such as 2026-03; raises InvalidArgument."""
    found = MONTH.fullmatch(text)
    if found is None or int(found[1]) not in YEARS or not 1 <= int(found[2]) <= LAST_MONTH:
        raise InvalidArgument(f"{name}: {text[:SHOWN]!r} is no month; allowed is one such as 2026-03")
    return Month(int(found[1]), int(found[2]))


def months(first: Month, last: Month) -> list[Month]:
    """All of them, both included; none if the last is before the first."""
    found = []
    while first <= last:
        found.append(first)
        first = first.after
    return found
