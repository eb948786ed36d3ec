"""For how long what was recorded is kept: the finer it is, the shorter.

Rules:

* Each tier has its own number of days; 0 is for ever.
* Nothing goes that is not rolled up yet, however old it is. Fewer than ``FEWEST_DAYS`` are not allowed: a local day
  is made of its quarters when it is over.
"""

from typing import Final

import msgspec

from gateway.domain.errors import InvalidArgument

DAY_MS: Final = 86_400_000
FEWEST_DAYS: Final = 2


class Keep(msgspec.Struct, frozen=True, kw_only=True):
    """Days, of slots with their samples, and of the roll-ups; those of the sources are kept as long as quarters."""

    slots: int = 100
    quarters: int = 1_100
    hours: int = 0
    days: int = 0


def check_days(days: int) -> int:
    """Raises InvalidArgument with what is allowed."""
    if days and days < FEWEST_DAYS:
        raise InvalidArgument(f"allowed are 0 (for ever) and {FEWEST_DAYS} days or more, got {days}")
    return days


def cut_off(days: int, now_ms: int, rolled_up_to: int) -> int | None:
    """Before which moment everything of a tier may go; None: nothing may."""
    if not days:
        return None
    before = min(now_ms - days * DAY_MS, rolled_up_to)
    return before if before > 0 else None
