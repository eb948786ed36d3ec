"""Counters that cost nothing where they count: plain integers, read by whoever reports them.

Both kinds are bounded by what they are made with, whatever is given to them later: a figure that had a name for each
topic, user or address would outgrow the process that counts (and the one that collects).
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Final, get_args

from gateway.domain.errors import LimitScope

OTHER: Final = "other"


class Tally:
    """How often each of a few things happened; whatever is none of them counts as ``other``.

    All of them are there from the beginning: a rate needs the 0 before the first 1.
    """

    __slots__ = ("_counts",)

    def __init__(self, kinds: Iterable[str]) -> None:
        self._counts = dict.fromkeys([*kinds, OTHER], 0)

    def add(self, kind: str, count: int = 1) -> None:
        self._counts[kind if kind in self._counts else OTHER] += count

    def __getitem__(self, kind: str) -> int:
        return self._counts[kind]

    def __iter__(self) -> Iterator[tuple[str, int]]:
        """The kinds and their counts, without an ``other`` that never happened."""
        return ((kind, count) for kind, count in self._counts.items() if count or kind != OTHER)


class Histogram:
    """How many of the observed are at most each of ``bounds``, which ascend; the rest is above the last one."""

    __slots__ = ("_counts", "bounds", "total")

    def __init__(self, bounds: Iterable[float]) -> None:
        self.bounds = tuple(bounds)
        self.total = 0.0
        """Of all that was observed."""
        self._counts = [0] * (len(self.bounds) + 1)

    def observe(self, seen: float) -> None:
        self._counts[bisect_left(self.bounds, seen)] += 1
        self.total += seen

    @property
    def count(self) -> int:
        return sum(self._counts)

    def at_most(self) -> Iterator[tuple[float, int]]:
        """Each bound, the last one infinite, and how many of the observed do not exceed it."""
        reached = 0
        for bound, count in zip((*self.bounds, float("inf")), self._counts, strict=True):
            reached += count
            yield bound, reached


def limits_tally() -> Tally:
    """For what was refused because a limit was reached."""
    return Tally(get_args(LimitScope))
