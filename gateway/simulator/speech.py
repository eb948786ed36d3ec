"""What a simulated box says, on its way from the voice to the broker. No I/O; times are simulated seconds.

Rules:

* Three states of the retained topics are told apart: ``truth`` is what a healthy box would have said by now,
  ``planned`` what the broker will hold when all that waits has been said, ``retained`` what it should hold already.
* Messages that were decided together keep their order and their pauses. What is decided later of a retained topic
  replaces what still waits of it: an older word is never the last one.
* A distortion stands between the voice and the broker: it changes a message, or holds it back. When one ends, the
  truth is told wherever the broker would hold something else (``mend``).
* What waits is bounded: for each retained topic the messages of one decision, and others only for their pause.
"""

import heapq
from collections.abc import Callable, Iterable
from itertools import count
from typing import TypeAlias

import msgspec

from gateway.simulator.words import Outgoing


class Said(msgspec.Struct, frozen=True):
    """One message as it goes to the broker; an empty payload on a retained topic deletes it."""

    topic: str
    payload: bytes
    retain: bool = True


Distortion: TypeAlias = Callable[[Said], Said | None]


class Speech:
    """The way of the messages. ``distortions`` act one after the other, by name."""

    def __init__(self) -> None:
        self.truth: dict[str, bytes] = {}
        self.planned: dict[str, bytes] = {}
        self.retained: dict[str, bytes] = {}
        self.distortions: dict[str, Distortion] = {}
        self._waiting: list[tuple[float, int, int, Said]] = []
        self._last_decision: dict[str, int] = {}
        self._numbers = count()

    def say(self, messages: Iterable[Outgoing], at_s: float) -> None:
        """The voice decided this at that moment: it is the truth, and goes out as the distortions let it."""
        told = [(at_s + one.after_s, Said(one.topic, one.payload.encode(), one.retain)) for one in messages]
        for _, one in told:
            if one.retain:
                _keep(self.truth, one)
        self._add((due_s, said) for due_s, one in told if (said := self._distorted(one)) is not None)

    def blurt(self, messages: Iterable[Said], at_s: float) -> None:
        """Something that no healthy box says; it passes by the distortions."""
        self._add((at_s, one) for one in messages)

    def repeat(self, at_s: float) -> None:
        """All that is true once more, as live messages."""
        again = [Said(topic, payload) for topic, payload in self.truth.items()]
        self._add((at_s, said) for one in again if (said := self._distorted(one)) is not None)

    def mend(self, at_s: float) -> None:
        """Tell the truth wherever the broker would hold something else, as far as the distortions let it."""
        topics = [topic for topic in self.truth | self.planned if self.truth.get(topic) != self.planned.get(topic)]
        wrong = [Said(topic, self.truth.get(topic, b"")) for topic in topics]
        self._add((at_s, said) for one in wrong if (said := self._distorted(one)) is not None)

    @property
    def next_due_s(self) -> float | None:
        """When the next message is due; None when none waits."""
        while self._waiting and self._is_outdated(self._waiting[0]):
            heapq.heappop(self._waiting)
        return self._waiting[0][0] if self._waiting else None

    def take(self) -> Said:
        """The next message; from now on the broker should hold it."""
        _, _, _, said = heapq.heappop(self._waiting)
        if said.retain:
            _keep(self.retained, said)
        return said

    def _distorted(self, said: Said) -> Said | None:
        left: Said | None = said
        for distort in self.distortions.values():
            left = distort(left) if left is not None else None
        return left

    def _add(self, messages: Iterable[tuple[float, Said]]) -> None:
        decision = next(self._numbers)
        for due_s, said in messages:
            if said.retain:
                _keep(self.planned, said)
                self._last_decision[said.topic] = decision
            heapq.heappush(self._waiting, (due_s, next(self._numbers), decision, said))

    def _is_outdated(self, waiting: tuple[float, int, int, Said]) -> bool:
        _, _, decision, said = waiting
        return said.retain and self._last_decision[said.topic] != decision


def _keep(topics: dict[str, bytes], said: Said) -> None:
    """As a broker keeps a retained message."""
    if said.payload:
        topics[said.topic] = said.payload
    else:
        topics.pop(said.topic, None)
