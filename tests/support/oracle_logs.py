"""What the oracle is given: the broker's log and each client's log.

Both are written by parts that share nothing with the gateway (``subscriber.py``, ``logging_client.py``), in the order
of receipt. ``at_s`` is ``time.monotonic()`` of the test process; it places losses, it never judges.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Message: TypeAlias = Mapping[str, Any]
"""A decoded websocket message."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """One message the broker delivered; a ``retained`` one is the replay at the start of a connection."""

    topic: str
    payload: bytes
    retained: bool = False


@dataclass(frozen=True, slots=True)
class Break:
    """The subscriber lost the broker here and has it back; what follows overlays what was known."""


BrokerLog: TypeAlias = "list[Delivered | Break]"


@dataclass(frozen=True, slots=True)
class Opened:
    """A websocket connection began."""

    at_s: float


@dataclass(frozen=True, slots=True)
class Sent:
    """The client sent this."""

    at_s: float
    message: Message


@dataclass(frozen=True, slots=True)
class Received:
    """The client received this."""

    at_s: float
    message: Message


@dataclass(frozen=True, slots=True)
class Closed:
    """The connection ended; ``code`` is None when it broke off or the client tore it down."""

    at_s: float
    code: int | None = None


@dataclass(frozen=True, slots=True)
class Stalled:
    """The client read nothing from ``from_s`` until now; what it gets next may have been sent at any time since."""

    from_s: float
    at_s: float


@dataclass(frozen=True, slots=True)
class Granted:
    """From now on the server lets this client see only what these patterns select; no request was under way.

    ``seq`` is where the server stood: nothing later may show more, whatever was begun before.
    """

    at_s: float
    patterns: tuple[str, ...]
    seq: int


ClientEvent: TypeAlias = Opened | Sent | Received | Closed | Stalled | Granted


@dataclass(slots=True)
class ClientLog:
    """Everything one client saw, over all its connections.

    ``survives`` says that the client was connected and listening when the test became quiet: its last views are
    judged against the whole log.
    """

    name: str
    events: list[ClientEvent] = field(default_factory=list)
    survives: bool = False


@dataclass(frozen=True, slots=True)
class Loss:
    """A time in which the store was made to lose written data, until all of it had been brought again.

    Only then may what a client sees go back, and, however late it sees them, in the epochs that began then.
    """

    from_s: float
    until_s: float


@dataclass(frozen=True, slots=True)
class Dead:
    """The box, or what brings its values, was dead in this time, and everybody had time to learn it by its end."""

    from_s: float
    until_s: float
    why: str
