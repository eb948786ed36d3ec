"""The reading of every prefix of the broker's log, made comparable by hashes.

A *prefix* n is the first n entries of the log; its reading is what the catalogue makes of them. Every (key, value)
has a random 128-bit mark, and a reading's hash is the exclusive or of its marks, so that two readings are equal when
their hashes are (a false match has odds of 2**-128). Each set of patterns gets its own list of hashes, one for every
n at which it changes; "is this view the reading of a prefix?" is then one look-up.
"""

import random
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeAlias

from gateway.domain.errors import GatewayError
from tests.support.oracle_freshness import Flags, RestsOn, no_faults
from tests.support.oracle_logs import Break, BrokerLog

Read: TypeAlias = Callable[[str, bytes], Mapping[str, Any]]
"""The catalogue's reading of one message: key -> value, or the sentinel that says: ceased."""

ABSENT: Any = type("Absent", (), {"__repr__": lambda _self: "absent"})()
"""In place of a value: the key is not there."""

STALE = "stale"

LINK = "link/"
"""The keys that are the gateway's own word and stand in no broker log."""


def matches(pattern: str, key: str) -> bool:
    """MQTT 3.1.1 section 4.7."""
    return fits(pattern.split("/"), key.split("/"))


def fits(wanted: Sequence[str], levels: Sequence[str]) -> bool:
    """Level by level."""
    for place, level in enumerate(wanted):
        if level == "#":
            return True
        if place >= len(levels) or level not in ("+", levels[place]):
            return False
    return len(wanted) == len(levels)


EVERYTHING = ("#",)


class Matches:
    """Whether any of the patterns matches, and any of those ``within`` which it may; ``link/*`` always does.

    Equal ``identity``: the same patterns, within the same.
    """

    def __init__(self, patterns: Iterable[str], within: Iterable[str] = EVERYTHING) -> None:
        self.patterns = tuple(sorted(set(patterns)))
        self.within = tuple(sorted(set(within)))
        self.identity = (self.patterns, self.within)
        self._wanted, self._allowed = ([one.split("/") for one in some] for some in self.identity)
        self._known: dict[str, bool] = {}

    @property
    def is_everything(self) -> bool:
        return self.identity == (EVERYTHING, EVERYTHING)

    def __call__(self, key: str) -> bool:
        known = self._known.get(key)
        if known is None:
            levels = key.split("/")
            chosen = (any(fits(one, levels) for one in some) for some in (self._wanted, self._allowed))
            known = self._known[key] = levels[0] == "link" or all(chosen)
        return known


def canonical(value: Any) -> Hashable:
    """Equal JSON values have the same form; 1 and 1.0 are equal, true and 1 are not."""
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, list):
        return ("list", *map(canonical, value))
    if isinstance(value, dict):
        return ("object", *sorted((name, canonical(part)) for name, part in value.items()))
    return value if isinstance(value, Hashable) else repr(value)


class Marks:
    """One random mark for each distinct thing."""

    def __init__(self, seed: int = 0) -> None:
        self._bits = random.Random(seed)
        self._marks: dict[Hashable, int] = {}

    def __call__(self, thing: Hashable) -> int:
        mark = self._marks.get(thing)
        if mark is None:
            mark = self._marks[thing] = self._bits.getrandbits(128)
        return mark


@dataclass(slots=True)
class History:
    """One key's values: ``values[i]`` holds from prefix ``since[i]`` up to the next."""

    since: list[int]
    values: list[Any]

    def at(self, n: int) -> Any:
        place = bisect_right(self.since, n) - 1
        return self.values[place] if place >= 0 else ABSENT

    def first(self, form: Hashable, at_least: int) -> int | None:
        """The smallest prefix >= ``at_least`` at which the key had this value."""
        place = max(bisect_right(self.since, at_least) - 1, 0)
        for index in range(place, len(self.since)):
            value = self.values[index]
            if value is not ABSENT and canonical(value) == form:
                return max(self.since[index], at_least)
        return None


class Timeline:
    """The broker's log, read: which key changed to what at which prefix."""

    def __init__(
        self, log: BrokerLog, read: Read, ceased: object, marks: Marks, rests_on: RestsOn = no_faults
    ) -> None:
        self.length = len(log)
        self.unreadable = 0
        self.histories: dict[str, History] = {}
        self.moves: dict[str, list[tuple[int, int]]] = {}  # by key: prefix, exclusive or of the old and the new mark
        self.flags = Flags(rests_on, lambda key: marks((key, STALE)))
        self._marks = marks
        self._now: dict[str, tuple[Hashable, int]] = {}
        self._sources: dict[str, str | None] = {}
        for n, entry in enumerate(log, 1):
            if isinstance(entry, Break):
                self.flags.broke(n)
                continue
            try:
                values = read(entry.topic, entry.payload)
            except GatewayError:
                self.unreadable += 1
                continue
            for key, value in values.items():
                if self._sources.setdefault(key, entry.topic) != entry.topic:
                    self._sources[key] = None
                self._take(n, key, ABSENT if value is ceased else value)
            self.flags.took(n, {key: None if value is ceased else (value,) for key, value in values.items()})

    def worked_out(self, key: str) -> bool:
        """Whether several topics had a say in the key, so that it wavers while a flood brings one after another."""
        return self._sources.get(key) is None

    def _take(self, n: int, key: str, value: Any) -> None:
        known = self._now.pop(key, None)
        old_mark, new_mark = known[1] if known else 0, 0
        if value is not ABSENT:
            form = canonical(value)
            new_mark = self._marks((key, form))
            self._now[key] = (form, new_mark)
        if old_mark == new_mark:
            return
        self.moves.setdefault(key, []).append((n, old_mark ^ new_mark))
        history = self.histories.setdefault(key, History([], []))
        history.since.append(n)
        history.values.append(value)

    def reading(self, n: int, chosen: Matches) -> dict[str, Any]:
        """The keys and values of one prefix."""
        found = {key: history.at(n) for key, history in self.histories.items() if chosen(key)}
        return {key: value for key, value in found.items() if value is not ABSENT}


def accumulated(chosen: Matches, *moves: Mapping[str, list[tuple[int, int]]]) -> tuple[list[int], list[int]]:
    """The places at which the hash of the chosen keys moves, from 0 on, and the hash from each of them on."""
    places, hashes, current = [0], [0], 0
    every = chain.from_iterable(table.items() for table in moves)
    for place, difference in sorted(chain.from_iterable(found for key, found in every if chosen(key))):
        current ^= difference
        if places[-1] == place:
            hashes[-1] = current
        else:
            places.append(place)
            hashes.append(current)
    return places, hashes


class Prefixes:
    """Where in the log a set of patterns looked how; ``flagged``: with what was stale while the link was up."""

    def __init__(self, timeline: Timeline, chosen: Matches, *, flagged: bool = False) -> None:
        self._length = timeline.length
        moves = (timeline.moves, timeline.flags.moves) if flagged else (timeline.moves,)
        self._since, hashes = accumulated(chosen, *moves)
        self._places: dict[int, list[int]] = {}
        for place, value in enumerate(hashes):
            self._places.setdefault(value, []).append(place)
        self.last_hash = hashes[-1]

    def first(self, view_hash: int, at_least: int, at_most: int) -> int | None:
        """The smallest prefix within the bounds whose reading has this hash."""
        places: Sequence[int] = self._places.get(view_hash, ())
        current = bisect_right(self._since, at_least) - 1
        index = bisect_left(places, current)
        if index == len(places):
            return None
        n = max(self._since[places[index]], at_least)
        return n if n <= at_most else None

    def between(self, first: int, last: int) -> int:
        """How many different readings the prefixes from ``first`` to ``last`` have in turn."""
        return bisect_right(self._since, last) - bisect_right(self._since, first) + 1

    def last(self, view_hash: int, at_most: int) -> int | None:
        """The greatest prefix up to ``at_most`` whose reading has this hash."""
        places: Sequence[int] = self._places.get(view_hash, ())
        current = bisect_right(self._since, at_most) - 1
        index = bisect_right(places, current) - 1
        if index < 0:
            return None
        place = places[index]
        end = self._since[place + 1] - 1 if place + 1 < len(self._since) else self._length
        return min(end, at_most)
