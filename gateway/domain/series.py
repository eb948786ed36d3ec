"""Which values are recorded: the catalogue's word, and what the operator added to it or dropped from it.

Rules:

* Only numbers are recorded. A series is one key of the catalogue, which tells its unit and who may see it; one phase
  of a list is no key, so lists are no series.
* What the operator added is recorded, also where something dropped covers it; so all but a few can be dropped.
"""

from collections.abc import Iterable

import msgspec

from gateway.domain.catalogue import entry_for
from gateway.domain.entries import Kind
from gateway.domain.errors import InvalidArgument
from gateway.domain.filters import Filter

NUMBERS = frozenset({Kind.number, Kind.integer})
MOST_REMEMBERED = 10_000
WILDCARDS = frozenset({"+", "#"})


class Choice(msgspec.Struct, frozen=True):
    """What an operator changed of the catalogue's word, as key patterns; build it with ``Choice.of``."""

    added: Filter = Filter(())
    dropped: Filter = Filter(())

    @classmethod
    def of(cls, added: Iterable[str] = (), dropped: Iterable[str] = ()) -> "Choice":
        """Raises InvalidArgument for what is no pattern, and for an added key that is no number."""
        chosen = cls(Filter.of(added), Filter.of(dropped))
        for pattern in chosen.added.patterns:
            check_recordable(pattern)
        return chosen


def check_recordable(key: str) -> None:
    """Raises InvalidArgument for a key that is no number; a pattern with wildcards chooses what there is."""
    if not WILDCARDS.isdisjoint(key.split("/")):
        return
    entry = entry_for(key)
    if entry is None or entry.kind not in NUMBERS:
        what = "no key of the catalogue" if entry is None else f"of the kind {entry.kind.value}"
        raise InvalidArgument(f"{key!r} is {what}; only numbers of the catalogue can be recorded")


class Recorded:
    """Says whether a key is recorded; remembers its answers, since a site has few keys and many changes."""

    def __init__(self, choice: Choice | None = None) -> None:
        chosen = choice or Choice()
        self._added, self._dropped = chosen.added.matcher(), chosen.dropped.matcher()
        self._answers: dict[str, bool] = {}

    def __call__(self, key: str) -> bool:
        answer = self._answers.get(key)
        if answer is None:
            if len(self._answers) >= MOST_REMEMBERED:
                self._answers.clear()
            answer = self._answers[key] = self._judge(key)
        return answer

    def _judge(self, key: str) -> bool:
        entry = entry_for(key)
        if entry is None or entry.kind not in NUMBERS:
            return False
        return self._added(key) or (entry.recorded and not self._dropped(key))
