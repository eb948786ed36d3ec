"""Local time of the box."""

from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.simulator.words import Installation


def local(installation: Installation, time_s: float) -> datetime:
    """The wall clock at the box."""
    return datetime.fromtimestamp(time_s, ZoneInfo(installation.timezone))
