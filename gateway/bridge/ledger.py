"""What the bridge knows of one site, and which of it is not written yet.

Rules:

* A reading is live while the link is up and the present connection brought it; every other one is stale.
  ``link/*`` is the bridge's own word and never stale.
* What another leader left behind starts stale. It keeps its ``changed_at`` when the box says the same again.
* A value first seen by retained replay has no ``changed_at``: nobody knows when it changed.
* Keys that a connection has not brought are dropped when its retained flood has ended. Without a single retained
  value nothing is dropped: a broker that was just started is not a box without charge points.
"""

from collections.abc import Mapping

import msgspec

from gateway.domain.freshness import LinkState
from gateway.domain.values import Changes, JsonValue, Reading, Removed, differences

LINK = "link/"


class Ledger:
    """The readings of a site and the pending changes; no I/O, no clock."""

    def __init__(self, known: Mapping[str, Reading], dialect: str) -> None:
        self.readings = {key: stale(reading) for key, reading in known.items() if not key.startswith(LINK)}
        self.messages = 0
        self._dialect = dialect
        self._live = False
        self._brought: set[str] = set()
        self._flooded = False
        self._pending: Changes = {}

    @property
    def has_pending(self) -> bool:
        return bool(self._pending)

    def connected(self) -> None:
        """A connection began: nothing it could vouch for has come yet."""
        self._brought.clear()
        self._flooded = False

    def bring(self, values: Mapping[str, JsonValue | Removed], at: float, *, retained: bool) -> None:
        """Take in what one message of the box sets; ``at`` is its receive time in epoch seconds."""
        self._flooded = self._flooded or (retained and bool(values))
        for key, value in values.items():
            if isinstance(value, Removed):
                self._brought.discard(key)
                self._drop(key)
            else:
                self._brought.add(key)
                known = self.readings.get(key)
                never_seen_to_change = retained and (known is None or known.changed_at is None)
                self._set({key: value}, None if never_seen_to_change else at, is_stale=not self._live)

    def flood_ended(self) -> None:
        """Drop what this connection has not brought."""
        if self._flooded:
            for key in [key for key in self.readings if key not in self._brought and not key.startswith(LINK)]:
                self._drop(key)

    def set_link(self, link: LinkState, since: float, at: float) -> None:
        """Tell the link's state; ``since`` and ``at`` in epoch seconds."""
        words: dict[str, JsonValue] = {
            "link/state": link.state,
            "link/reason": link.reason,
            "link/since": since,
            "link/dialect": self._dialect,
        }
        self._set(words, at, is_stale=False)
        self._live = link.state == "up"
        for key in self._brought if self._live else list(self.readings):
            if not key.startswith(LINK):
                self._set({key: self.readings[key].value}, None, is_stale=not self._live)

    def take(self) -> Changes:
        """The pending changes; they are the caller's from now on."""
        pending, self._pending = self._pending, {}
        return pending

    def _set(self, values: Mapping[str, JsonValue], at: float | None, *, is_stale: bool) -> None:
        changes = differences(self.readings, values, at, stale=is_stale)
        self._pending.update(changes)
        self.readings.update((key, reading) for key, reading in changes.items() if reading is not None)

    def _drop(self, key: str) -> None:
        if self.readings.pop(key, None) is not None:
            self._pending[key] = None


def stale(reading: Reading) -> Reading:
    """The same reading, no longer vouched for."""
    return msgspec.structs.replace(reading, stale=True)
