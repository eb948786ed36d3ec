"""What is wrong with this machine though a gateway runs on it: told once, at the start."""

from datetime import UTC, datetime

MADE_AT = datetime(2026, 1, 1, tzinfo=UTC)
YEARS = 30


def clock_words(now: float) -> str | None:
    """What to say of a clock that cannot be right; ``now`` in epoch seconds."""
    made_at = MADE_AT.timestamp()
    if made_at <= now < made_at + YEARS * 365 * 86_400:
        return None
    try:
        shown = f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d %H:%M} UTC"
    except (ValueError, OverflowError, OSError):
        shown = f"{now:.0f} seconds after 1970"
    return (
        f"the clock of this machine says {shown}, which cannot be: logins and times of values will be wrong; set it"
        " (timedatectl set-ntp true) and start again"
    )
