"""What happened at a site and is not written yet.

A diary is that of a leadership: it outlives a ledger that ends because the box speaks another dialect.

At most ``MOST_EVENTS`` wait, while the store is away; then the oldest go first.
"""

from collections import deque
from collections.abc import Mapping
from typing import Final

from gateway.domain.events import Event, Watch
from gateway.domain.values import Changes, Reading

MOST_EVENTS: Final = 1_000


class Diary:
    """``known`` is what the store has, in whatever dialect it was read: an event tells how it became another."""

    def __init__(self, known: Mapping[str, Reading]) -> None:
        self._watch = Watch(known)
        self._events: deque[Event] = deque(maxlen=MOST_EVENTS)

    def note(self, changes: Changes, at: float) -> None:
        """These changes came together, ``at`` in epoch seconds."""
        self._events.extend(self._watch.events_of(changes, at))

    def forget(self, key: str) -> None:
        """The key ceased to be; should it come again, that is the first time."""
        self._watch.forget(key)

    def forget_faults(self) -> None:
        """The box speaks another dialect now: a charge point with the same number need not be the same one."""
        self._watch.forget_faults()

    def take(self) -> tuple[Event, ...]:
        """The events that wait; they are the caller's from now on."""
        taken = tuple(self._events)
        self._events.clear()
        return taken
