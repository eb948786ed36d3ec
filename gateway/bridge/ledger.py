"""What the bridge knows of one site, and which of it is not written yet.

Rules:

* What is live says ``domain/freshness.py``: every reading is judged when it changes, when the link's state changes,
  and when a unit it rests on falls into fault or comes out of it. A flip is a change like any other.
* What another leader left behind starts stale. It keeps its ``changed_at`` when the box says the same again.
* A value first seen by retained replay has no ``changed_at``: nobody knows when it changed.
* What is an event is noted in the diary, when it comes, and taken together with the changes.
* Keys that a connection has not brought are dropped when its retained flood has ended. Without a single retained
  value nothing is dropped: a broker that was just started is not a box without charge points.
"""

from collections.abc import Mapping

import msgspec

from gateway.bridge.diary import Diary
from gateway.domain.events import Event
from gateway.domain.freshness import Faults, Unit, rests_on
from gateway.domain.link import LINK, LinkState, link_words
from gateway.domain.values import Changes, JsonValue, Reading, Removed, differences

DIALECT_KEY = "link/dialect"


class Ledger:
    """The readings of a site and the pending changes; no I/O, no clock. ``dialect`` None: not known yet.

    ``diary`` goes on from another ledger of the same leadership.
    """

    def __init__(self, known: Mapping[str, Reading], dialect: str | None, diary: Diary | None = None) -> None:
        self.readings = {key: stale(reading) for key, reading in known.items() if not key.startswith(LINK)}
        self.diary = diary or Diary(known)
        self.messages = 0
        self._dialect = dialect
        self._live = False
        self._faults = Faults()
        self._units: dict[str, tuple[Unit, ...]] = {}
        self._brought: set[str] = set()
        self._flooded = False
        self._pending: Changes = {}
        for key, reading in self.readings.items():
            self._faults.note(key, reading.value)

    @property
    def has_pending(self) -> bool:
        return bool(self._pending)

    def connected(self) -> None:
        """A connection began: nothing it could vouch for has come yet."""
        self.asked_again()
        self._judge()

    def asked_again(self) -> None:
        """All is about to come once more on the same connection: what it brought so far does not count any longer."""
        self._brought.clear()
        self._flooded = False

    def bring(self, values: Mapping[str, JsonValue | Removed], at: float, *, retained: bool) -> int:
        """Take in what one message of the box sets; ``at`` is its receive time in epoch seconds.

        Answers how many of the values were no news.
        """
        self._flooded = self._flooded or (retained and bool(values))
        flipped, brought, unchanged = False, Changes(), 0
        for key, value in values.items():
            if isinstance(value, Removed):
                flipped |= self._drop(key)
                continue
            self._brought.add(key)
            flipped |= self._faults.note(key, value)
            known = self.readings.get(key)
            never_seen_to_change = retained and (known is None or known.changed_at is None)
            changes = self._set({key: value}, None if never_seen_to_change else at, is_stale=self._is_stale(key))
            brought |= changes
            unchanged += not changes
        self.diary.note(brought, at)
        if flipped:
            self._judge()
        return unchanged

    def flood_ended(self) -> None:
        """Drop what this connection has not brought."""
        if not self._flooded:
            return
        for key in [key for key in self.readings if key not in self._brought and not key.startswith(LINK)]:
            self._drop(key)
        self._judge()

    def set_link(self, link: LinkState, since: float, at: float) -> None:
        """Tell the link's state; ``since`` and ``at`` in epoch seconds."""
        words = link_words(link.state, link.reason, since)
        self.diary.note(self._set({**words, DIALECT_KEY: self._dialect}, at, is_stale=False), at)
        self._live = link.state == "up"
        self._judge()

    def set_dialect(self, dialect: str | None, at: float) -> None:
        """Tell what the box speaks."""
        self._dialect = dialect
        self._set({DIALECT_KEY: dialect}, at, is_stale=False)

    def take(self) -> Changes:
        """The pending changes; they are the caller's from now on."""
        pending, self._pending = self._pending, {}
        return pending

    def take_events(self) -> tuple[Event, ...]:
        """The events in what was pending; they are the caller's from now on."""
        return self.diary.take()

    def _is_stale(self, key: str) -> bool:
        if key.startswith(LINK):
            return False
        units = self._units.get(key)
        if units is None:
            units = self._units[key] = rests_on(key)
        return not self._live or key not in self._brought or self._faults.concern(units)

    def _judge(self) -> None:
        """Flip what is no longer as live, or as stale, as it was."""
        for key, reading in list(self.readings.items()):
            if self._is_stale(key) != reading.stale:
                self._change(key, msgspec.structs.replace(reading, stale=not reading.stale))

    def _set(self, values: Mapping[str, JsonValue], at: float | None, *, is_stale: bool) -> Changes:
        changes = differences(self.readings, values, at, stale=is_stale)
        for key, reading in changes.items():
            self._change(key, reading)
        return changes

    def _drop(self, key: str) -> bool:
        """The key ceases to be; whether that changed what is in fault."""
        self._brought.discard(key)
        self._units.pop(key, None)
        if key in self.readings:
            self._change(key, None)
            self.diary.forget(key)
        return self._faults.note(key, None)

    def _change(self, key: str, reading: Reading | None) -> None:
        """The one place where a reading becomes another: ``self.readings`` still holds the old one here."""
        self._pending[key] = reading
        if reading is None:
            del self.readings[key]
        else:
            self.readings[key] = reading


def stale(reading: Reading) -> Reading:
    """The same reading, no longer vouched for."""
    return msgspec.structs.replace(reading, stale=True)
