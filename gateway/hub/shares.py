"""How many different groups each user takes up, over all connections."""

from collections import Counter
from collections.abc import Hashable


class Shares:
    """Groups by their number; a group that a user has through several connections counts once."""

    def __init__(self) -> None:
        self._groups: dict[Hashable, Counter[int]] = {}

    def count(self, user: Hashable) -> int:
        return len(self._groups.get(user, ()))

    def has(self, user: Hashable, group: int) -> bool:
        return group in self._groups.get(user, ())

    def is_last(self, user: Hashable, group: int) -> bool:
        """Whether the user is in the group through one connection only."""
        return self._groups.get(user, Counter())[group] == 1

    def add(self, user: Hashable, group: int) -> None:
        """One more connection of the user is in the group."""
        self._groups.setdefault(user, Counter())[group] += 1

    def drop(self, user: Hashable, group: int) -> None:
        """One connection fewer; who has no group left is forgotten."""
        groups = self._groups[user]
        groups[group] -= 1
        if not groups[group]:
            del groups[group]
        if not groups:
            del self._groups[user]
