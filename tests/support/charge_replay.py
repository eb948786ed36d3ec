"""The recorded boxes as a site's changes: reader, ledger, one step for each message, as a bridge makes them.

Times are those of the recording by the box's own clock, so that a session has a day and a year.
"""

from collections.abc import Iterator

from gateway.bridge.ledger import Ledger
from gateway.domain.dialects import Dialect, Reader, reader_for
from gateway.domain.errors import Unreadable
from gateway.domain.link import LinkState
from gateway.domain.values import Changes
from tests.support.captures import load_capture
from tests.support.recording import Recorded

V2_BEGAN_AT = 1_795_330_295.314
"""Epoch seconds of t = 0 of ``v2-session``, by ``system/time``."""
V19_BEGAN_AT = 1_714_732_200.0
"""Likewise of ``v19-session``, by ``system/Timestamp``."""
FLOOD_S = 5.0


def v2_steps() -> Iterator[Changes]:
    """The whole of ``v2-session`` after the state just before it."""
    return steps("openwb-2", load_capture("v2-start"), load_capture("v2-session"), V2_BEGAN_AT)


def v19_steps() -> Iterator[Changes]:
    """The whole of ``v19-session``.

    Nobody recorded the state before it. It is what a later moment shows of all topics that the session does not
    bring, which are settings, and a free charge point, as the session itself says by telling of a plug. The mode
    before the first change is the one that the box's own charge log tells of this session: 2.
    """
    session = load_capture("v19-session")
    changing = {message.topic for message in session}
    settings = (message for message in load_capture("v19-retained") if message.topic not in changing)
    free = ("lp/1/boolPlugStat", "0"), ("lp/1/boolChargeStat", "0"), ("global/ChargeMode", "2")
    start = (*settings, *(Recorded(f"openWB/{topic}", payload) for topic, payload in free))
    return steps("openwb-1.9", start, session, V19_BEGAN_AT)


def steps(
    dialect: Dialect, start: tuple[Recorded, ...], session: tuple[Recorded, ...], began_at: float
) -> Iterator[Changes]:
    """The changes of each message that makes some, from a connection on whose retained flood has just ended."""
    ledger, reader = Ledger({}, dialect), reader_for(dialect, "openWB/", raw=False)
    ledger.connected()
    for message in start:
        _take(ledger, reader, message, began_at - FLOOD_S, retained=True)
    ledger.flood_ended()
    ledger.set_link(LinkState("up", None, 0.0), since=began_at - 1, at=began_at - 1)
    yield ledger.take()
    for message in session:
        _take(ledger, reader, message, round(began_at + message.t, 3), retained=False)
        if ledger.has_pending:
            yield ledger.take()


def _take(ledger: Ledger, reader: Reader, message: Recorded, at: float, *, retained: bool) -> None:
    try:
        ledger.bring(reader.read(message.topic, message.payload.encode()), at, retained=retained)
    except Unreadable:
        return
