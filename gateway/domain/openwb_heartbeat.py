"""The box's time in its heartbeat, whatever the dialect."""

from collections.abc import Callable

from gateway.domain.errors import Unreadable
from gateway.domain.fitting import fit
from gateway.domain.openwb2_payloads import declared
from gateway.domain.values import JsonValue


def box_time(decode: Callable[[bytes], JsonValue], payload: bytes) -> float | None:
    """Epoch seconds, as far as ``decode`` makes them of the payload; None: it says no time, or cannot be read."""
    try:
        time_s = fit(declared("box/time"), decode(payload))
    except Unreadable:
        return None
    return time_s if isinstance(time_s, float) else None
