"""How 2.x publishes: every value of the core crosses the broker three times.

``openWB/set/X`` value, ``openWB/X`` value, ``openWB/set/X`` empty, all retained. Some parts of the box write past
this way (a *direct* value). Some values never leave the inner broker: of these only the set topic flashes by
(*hidden*).

Rules:

* What the box published below ``openWB/set/`` comes back to it from the broker; it is known again by topic and
  payload, in whatever order, for bursts overlap. What was lost on the way is forgotten with the time.
* A burst is a list of messages with their pauses; its clock only goes forward.
"""

import json
import re
from collections import deque
from collections.abc import Iterable
from typing import Any, Final, TypeAlias

import msgspec

from gateway.simulator.words import Outgoing

PREFIX: Final = "openWB/"
SET: Final = "set/"
MOST_ON_THE_WAY: Final = 4096  # of our own messages; the oldest are forgotten
ECHO_S: Final = 0.001
CLEAR_S: Final = 0.042  # the real box takes about 40 ms to clear a set topic

Said: TypeAlias = tuple[str, Any]

_HIDDEN: Final = re.compile(
    r"chargepoint/\d+/control_parameter/"
    r"|chargepoint/\d+/set/(?:required_power|current_prev|charge_state_prev|plug_state_prev|plug_time|ev_prev)$"
    r"|bat/set/|counter/\d+/set/|vehicle/\d+/set/|command/command_completed$"
)


class Raw(str):
    """A payload that is no JSON document."""

    __slots__ = ()


class Written(msgspec.Struct, frozen=True):
    """A value that was written in another form than it is published: ``1`` for ``true``."""

    written: Any
    value: Any


def hidden(topic: str) -> bool:
    """Not bridged to the public broker: only its set topic is seen there."""
    return _HIDDEN.match(topic) is not None


def encode(value: Any) -> str:
    """As Python's ``json`` does it on the box: spaces, escaped umlauts."""
    return value if isinstance(value, Raw) else json.dumps(value)


class Speech:
    """``said``: the last payload of each topic, hidden ones included, without the prefix."""

    def __init__(self) -> None:
        self.said: dict[str, str] = {}
        self._on_the_way: deque[tuple[str, str]] = deque(maxlen=MOST_ON_THE_WAY)

    def forget(self, topic: str) -> None:
        """It is said again, whether or not it has changed."""
        self.said.pop(topic, None)

    def forget_the_way(self) -> None:
        """After a restart nothing of the former connection comes back."""
        self._on_the_way.clear()

    def sent(self, topic: str, payload: str) -> None:
        """A message below ``set/`` is on its way to the broker and back."""
        self._on_the_way.append((topic, payload))

    def is_own(self, topic: str, payload: str) -> bool:
        """Whether this is what we sent ourselves, coming back; if so it is done with."""
        try:
            self._on_the_way.remove((topic, payload))
        except ValueError:
            return False
        return True


class Burst:
    """Collects messages. Topics are given without the prefix, values as JSON values or ``Raw``."""

    def __init__(self, speech: Speech) -> None:
        self.messages: list[Outgoing] = []
        self._speech = speech
        self._at_s = 0.0

    def pause(self, seconds: float) -> None:
        """The next message comes this much later than the last."""
        self._at_s = round(self._at_s + seconds, 4)

    def direct(self, topic: str, value: Any) -> None:
        """Published past the set topics, retained."""
        payload = encode(value)
        self._speech.said[topic] = payload
        self._send(topic, payload)

    def flash(self, topic: str, value: Any) -> None:
        """Published and deleted at once."""
        self._send(topic, encode(value))
        self._send(topic, "")

    def answer(self, topic: str, value: Any) -> None:
        """Echoed like all, but not retained at its own topic."""
        payload = encode(value)
        self._set(topic, payload)
        self._send(topic, payload, retain=False)
        self._clear(topic)

    def echoed(self, *values: Said) -> None:
        """The values are set one after the other; then each is published and its set topic cleared."""
        for topic, value in values:
            self._set(topic, encode(value.written if isinstance(value, Written) else value))
        self.pause(ECHO_S)
        for topic, value in values:
            if not hidden(topic):
                payload = encode(value.value if isinstance(value, Written) else value)
                self._speech.said[topic] = payload
                self._send(topic, payload)
            self._clear(topic)

    def changed(self, values: Iterable[Said]) -> None:
        """Echo those which are not what was said last."""
        fresh = [(topic, value) for topic, value in values if self._speech.said.get(topic) != encode(value)]
        for topic, value in fresh:
            self._speech.said[topic] = encode(value)
        self.echoed(*fresh)

    def confirm(self, topic: str, value: Any) -> None:
        """What another client set is published, and its set topic cleared a moment later."""
        self.pause(ECHO_S)
        if not hidden(topic):
            self.direct(topic, value)
        self.cleared(topic)

    def cleared(self, topic: str) -> None:
        """The set topic of another client's message is deleted."""
        self.pause(CLEAR_S)
        self._clear(topic)

    def _set(self, topic: str, payload: str) -> None:
        self._speech.sent(SET + topic, payload)
        self._send(SET + topic, payload)

    def _clear(self, topic: str) -> None:
        self._send(SET + topic, "")

    def _send(self, topic: str, payload: str, *, retain: bool = True) -> None:
        self.messages.append(Outgoing(PREFIX + topic, payload, retain, self._at_s))
