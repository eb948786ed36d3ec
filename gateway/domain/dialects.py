"""Which dialect a box speaks, and what reads it.

Evidence, judged anew for each connection:

* A topic that only one dialect has, with a payload, is evidence for that dialect. For 2.x: the branches
  ``chargepoint``, ``counter``, ``bat``, ``vehicle``, ``general`` and ``optional``, and in ``system`` the topics
  ``time``, ``version``, ``update_in_progress``, ``messages`` and ``security``. For 1.9: the branches ``lp``, ``evu``,
  ``housebattery``, ``global`` and ``Verbraucher``, and in ``system`` the topics ``Timestamp``, ``Version``,
  ``updateInProgress`` and ``priceForKWh``. ``pv`` and the rest tell nothing.
* A heartbeat of a dialect is *live* when a message that is not retained brings a time that differs from the last one
  of this connection. Retained ones only set the last time: leftovers are no life.

Rules of ``auto``, strongest first:

* A live heartbeat decides. Against a dialect that had one itself, or that is in force since the connection before,
  another's must come twice in a row: so two boxes on one broker do not throw each other out at every beat.
* What the connection before decided is in force from the start.
* Evidence for 2.x decides at once: a box that was updated keeps its 1.9 topics on its broker, never the other way.
* Evidence for 1.9 decides when the retained flood has ended without any for 2.x.

A dialect that is set is in force from the start, whatever comes.
"""

from collections.abc import Mapping
from typing import Final, Literal, Protocol, TypeAlias, get_args

from gateway.domain import openwb2, openwb19
from gateway.domain.filters import covers
from gateway.domain.openwb2 import OpenWB2Reader
from gateway.domain.openwb19 import OpenWB19Reader
from gateway.domain.values import JsonValue, Removed

Dialect: TypeAlias = Literal["openwb-2", "openwb-1.9"]

AUTO: Final = "auto"
DIALECTS: Final[tuple[Dialect, ...]] = get_args(Dialect)
BEATS_TO_TAKE_OVER: Final = 2

_OPENWB_2: Final = "openwb-2"
_OPENWB_19: Final = "openwb-1.9"
_ONLY_2: Final = (
    *("chargepoint", "counter", "bat", "vehicle", "general", "optional"),
    *(f"system/{leaf}" for leaf in ("time", "version", "update_in_progress", "messages", "security")),
)
_ONLY_19: Final = (
    *("lp", "evu", "housebattery", "global", "Verbraucher"),
    *(f"system/{leaf}" for leaf in ("Timestamp", "Version", "updateInProgress", "priceForKWh")),
)
_EVIDENCE: Mapping[str, Dialect] = {
    **dict.fromkeys(_ONLY_2, _OPENWB_2),
    **dict.fromkeys(_ONLY_19, _OPENWB_19),
}
_HEARTBEATS: Mapping[str, Dialect] = {openwb2.HEARTBEAT_TOPIC: _OPENWB_2, openwb19.HEARTBEAT_TOPIC: _OPENWB_19}


class Reader(Protocol):
    """What reads one connection to a box: a message in, the catalogue's values out.

    ``control_interval_s`` is None when the box does not tell it. ``secondary``: another box controls it.
    ``missing_rights`` says, once the retained flood has ended, what the broker would have to grant; None = nothing.
    """

    @property
    def control_interval_s(self) -> float | None: ...

    @property
    def secondary(self) -> bool: ...

    @property
    def missing_rights(self) -> str | None: ...

    def read(self, topic: str, payload: bytes) -> Mapping[str, JsonValue | Removed]: ...

    def heartbeat(self, topic: str, payload: bytes) -> float | None: ...


def reader_for(dialect: Dialect, prefix: str, raw: bool) -> Reader:
    """A new reader of a dialect, for one connection."""
    return OpenWB2Reader(prefix, raw) if dialect == _OPENWB_2 else OpenWB19Reader(prefix, raw)


def subscriptions_for(dialect: Dialect, prefix: str, raw: bool) -> tuple[str, ...]:
    """What to subscribe to for a dialect; no two of them bring the same message."""
    subscriptions = openwb2.subscriptions if dialect == _OPENWB_2 else openwb19.subscriptions
    return subscriptions(prefix, raw)


class DialectChoice:
    """Judges the messages of one connection; see the rules above.

    ``setting`` is a dialect or ``auto``; ``assumed`` what the connection before decided, if it did.
    """

    def __init__(self, setting: str, prefix: str, assumed: Dialect | None = None) -> None:
        given = next((dialect for dialect in DIALECTS if dialect == setting), None)
        self.dialect: Dialect | None = given or assumed
        """The one in force; None: undecided."""
        self._auto = given is None
        self._firm = self.dialect is not None
        self._prefix = prefix
        self._clocks = {dialect: reader_for(dialect, prefix, raw=False) for dialect in DIALECTS}
        self._last_beat: dict[Dialect, float] = {}
        self._beats_in_a_row = 0
        self._seen_19 = False
        self._flood_ended = False

    def subscriptions(self, raw: bool) -> tuple[str, ...]:
        """What to subscribe to now; no two of them bring the same message.

        Undecided: for both dialects. Later only the other one's heartbeat is listened for beside the one in force.
        """
        if self.dialect is None:
            wanted = [one for dialect in DIALECTS for one in subscriptions_for(dialect, self._prefix, raw)]
        else:
            wanted = list(subscriptions_for(self.dialect, self._prefix, raw))
            if self._auto:
                wanted += [self._prefix + topic for topic, dialect in _HEARTBEATS.items() if dialect != self.dialect]
        distinct = list(dict.fromkeys(wanted))
        return tuple(one for one in distinct if not any(covers(other, one) for other in distinct if other != one))

    def take(self, topic: str, payload: bytes, retained: bool) -> Dialect | None:
        """The dialect in force after a message."""
        if not self._auto or not topic.startswith(self._prefix):
            return self.dialect
        heart = _HEARTBEATS.get(topic.removeprefix(self._prefix))
        if heart is not None and self._is_live(heart, topic, payload, retained):
            self._take_beat(heart)
        elif payload and not self._firm:
            branch, *rest = topic.removeprefix(self._prefix).split("/", 2)
            self._take_evidence(_EVIDENCE.get("/".join([branch, *rest[:1]]) if branch == "system" else branch))
        return self.dialect

    def flood_ended(self) -> Dialect | None:
        """The dialect in force once the retained messages have all come."""
        self._flood_ended = True
        if self.dialect is None and self._seen_19:
            self.dialect = _OPENWB_19
        return self.dialect

    def _is_live(self, heart: Dialect, topic: str, payload: bytes, retained: bool) -> bool:
        time_s = self._clocks[heart].heartbeat(topic, payload)
        if time_s is None:
            return False
        last = self._last_beat.get(heart)
        self._last_beat[heart] = time_s
        return not retained and last is not None and last != time_s

    def _take_beat(self, heart: Dialect) -> None:
        self._beats_in_a_row = 0 if heart == self.dialect else self._beats_in_a_row + 1
        if not self._firm or self._beats_in_a_row >= BEATS_TO_TAKE_OVER:
            self.dialect = heart
            self._beats_in_a_row = 0
        self._firm = True

    def _take_evidence(self, speaks: Dialect | None) -> None:
        if speaks == _OPENWB_2:
            self.dialect = speaks
        elif speaks == _OPENWB_19:
            self._seen_19 = True
            if self._flood_ended:
                self.dialect = self.dialect or speaks
