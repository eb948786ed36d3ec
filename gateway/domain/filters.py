"""Key patterns: which values a subscriber sees.

A key is a ``/``-separated path. A pattern is one too, in which ``+`` stands for exactly one level and a final ``#``
for any number of levels, none included (MQTT 3.1.1 section 4.7.1). Filters that select the same patterns compare
equal and have the same fingerprint, whatever the order in which the patterns were given.
"""

import hashlib
import re
from collections.abc import Collection, Iterable

import msgspec

from gateway.domain.errors import InvalidArgument

LEVEL = re.compile(r"[^+#/\x00-\x1f\x7f]+")
MAX_PATTERN_CHARS = 200


def check_pattern(pattern: str) -> str:
    """Return the pattern, or raise InvalidArgument with what is wrong and what is allowed."""
    if not pattern or len(pattern) > MAX_PATTERN_CHARS:
        raise InvalidArgument(f"a key pattern has 1 to {MAX_PATTERN_CHARS} characters, this one {len(pattern)}")
    levels = pattern.split("/")
    for place, level in enumerate(levels):
        last = place == len(levels) - 1
        if level == "+" or (level == "#" and last) or LEVEL.fullmatch(level):
            continue
        raise InvalidArgument(
            f"key pattern {pattern!r}: level {place + 1} is {level!r}; allowed is text without '+', '#' and control"
            " characters, a whole '+', or '#' as the last level"
        )
    return pattern


class Filter(msgspec.Struct, frozen=True):
    """A set of patterns; build it with ``Filter.of``."""

    patterns: tuple[str, ...]

    @classmethod
    def of(cls, patterns: Iterable[str]) -> "Filter":
        """Check the patterns, drop those another one covers, and put them in order."""
        distinct = sorted({check_pattern(pattern) for pattern in patterns})
        kept = [one for one in distinct if not any(covers(other, one) for other in distinct if other != one)]
        return cls(tuple(kept))

    def matcher(self) -> "Matcher":
        """A matcher with a cache of its own; the caller owns it."""
        return Matcher(self)

    def fingerprint(self, *more: str) -> str:
        """A short stable name of this filter together with ``more``."""
        text = "\n".join((*more, *self.patterns))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


class Matcher:
    """Says whether a key matches; remembers its answers, since a site has few keys and many changes."""

    def __init__(self, chosen: Filter, most_remembered: int = 10_000) -> None:
        self._expression = re.compile("|".join(expression(pattern) for pattern in chosen.patterns) or r"(?!)")
        self._answers: dict[str, bool] = {}
        self._most_remembered = most_remembered

    def __call__(self, key: str) -> bool:
        answer = self._answers.get(key)
        if answer is None:
            answer = self._expression.fullmatch(key) is not None
            if len(self._answers) >= self._most_remembered:
                self._answers.clear()
            self._answers[key] = answer
        return answer


def unmatched(patterns: Iterable[str], keys: Collection[str]) -> list[str]:
    """Those of the patterns that select none of the keys, each once, in the order in which they were given."""
    distinct = {pattern: re.compile(expression(pattern)) for pattern in patterns}
    return [pattern for pattern, wanted in distinct.items() if not any(map(wanted.fullmatch, keys))]


def expression(pattern: str) -> str:
    """The pattern as a regular expression for ``fullmatch``."""
    if pattern == "#":
        return r"(?s:.*)"
    head, hash_sign, _ = pattern.partition("/#")
    levels = "/".join(r"[^/]+" if level == "+" else re.escape(level) for level in head.split("/"))
    return rf"{levels}(?s:/.*)?" if hash_sign else levels


def covers(wide: str, narrow: str) -> bool:
    """Whether every key that ``narrow`` selects is selected by ``wide`` too."""
    wide_levels, narrow_levels = wide.split("/"), narrow.split("/")
    for place, level in enumerate(wide_levels):
        if level == "#":
            return True
        if place >= len(narrow_levels) or narrow_levels[place] == "#":
            return False
        if level not in ("+", narrow_levels[place]):
            return False
    return len(wide_levels) == len(narrow_levels)
