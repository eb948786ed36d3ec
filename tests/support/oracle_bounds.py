"""Which prefixes of the broker's log a position can stand for, by what was seen at other positions."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field

from tests.support.oracle_readings import Prefixes


@dataclass(slots=True)
class Floors:
    """Within one epoch: the prefix that each position at least has."""

    seqs: list[int] = field(default_factory=list)
    prefixes: list[int] = field(default_factory=list)

    def at(self, seq: int) -> int:
        place = bisect_right(self.seqs, seq) - 1
        return self.prefixes[place] if place >= 0 else 0

    def note(self, seq: int, n: int) -> None:
        if not self.seqs or (seq > self.seqs[-1] and n > self.prefixes[-1]):
            self.seqs.append(seq)
            self.prefixes.append(n)


@dataclass(frozen=True, slots=True)
class Sighting:
    """A strict step of a witness that sees everything. ``afresh``: nothing before it bounds it."""

    epoch: str
    seq: int
    view_hash: int
    n: int
    afresh: bool


class Bounds:
    """For each position the prefixes it can have, by what an all-seeing witness saw before and after it."""

    def __init__(self, sightings: list[Sighting], prefixes: Prefixes, length: int) -> None:
        self._length = length
        found: dict[str, dict[int, tuple[int, int]]] = {}
        at_most = length
        for one in reversed(sightings):
            latest = prefixes.last(one.view_hash, at_most)
            assert latest is not None, "the forward pass found a prefix, so there is a latest one"
            low, high = found.setdefault(one.epoch, {}).get(one.seq, (0, length))
            found[one.epoch][one.seq] = (max(low, one.n), min(high, latest))
            at_most = length if one.afresh else latest
        self._seqs = {epoch: sorted(by_seq) for epoch, by_seq in found.items()}
        self._bounds = {epoch: [found[epoch][seq] for seq in seqs] for epoch, seqs in self._seqs.items()}

    def of(self, epoch: str, seq: int) -> tuple[int, int]:
        seqs = self._seqs.get(epoch)
        if seqs is None:
            return 0, self._length
        bounds = self._bounds[epoch]
        before, after = bisect_right(seqs, seq) - 1, bisect_left(seqs, seq)
        return (bounds[before][0] if before >= 0 else 0, bounds[after][1] if after < len(seqs) else self._length)

    def widest(self, readings: Prefixes) -> int:
        """The most different readings that one position leaves open; 1 is best."""
        every = [pair for bounds in self._bounds.values() for pair in bounds]
        return max((readings.between(low, high) for low, high in every), default=self._length)
