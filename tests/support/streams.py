"""The recorded box together with thousands of rare keys, whole or only its beginning."""

from tests.support.captures import load_capture
from tests.support.rare_keys import RareKeys, merged
from tests.support.rare_keys19 import RareKeys19
from tests.support.recording import Capture, Recorded


def capture_with_rare_keys(seed: int, *, until_s: float | None = None, devices: int = 600) -> Capture:
    """The 2.x session, or its first seconds, from its start state on, with rare keys changing all the time."""
    session = [message for message in load_capture("v2-session") if until_s is None or message.t <= until_s]
    duration_s = until_s or session[-1].t
    rare = RareKeys(seed, vehicles=devices // 2, chargepoints=devices // 4, inverters=devices // 4)
    start = (*load_capture("v2-start"), *(Recorded(topic, payload) for topic, payload in rare.start.items()))
    return Capture(start, tuple(merged(session, rare.messages(duration_s))))


def capture19_with_rare_keys(seed: int, *, until_s: float) -> Capture:
    """The first seconds of the 1.9 session, from a retained state on, with rare keys changing all the time."""
    session = [message for message in load_capture("v19-session") if message.t <= until_s]
    rare = RareKeys19(seed)
    start = (*load_capture("v19-retained"), *(Recorded(topic, payload) for topic, payload in rare.start.items()))
    return Capture(start, tuple(merged(session, rare.messages(until_s))))
