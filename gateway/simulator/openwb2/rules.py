"""What the box checks of a written value. A table in ``writes`` says which rule a topic has.

Booleans may be 0 or 1; an integer may stand where a float is wanted, but not the other way round; ``null`` is taken
for a number only where no range is set. What is no JSON document counts as a string, and so does one that is nested
deeper than MOST_LEVELS: nobody means it.
"""

import json
import math
from collections.abc import Callable
from typing import Any, Final, TypeAlias

import msgspec

MOST_LEVELS: Final = 50

Rule: TypeAlias = Callable[["Given"], bool]


class Given(msgspec.Struct, frozen=True):
    """``is_json``: whether the payload was a JSON document."""

    value: Any
    is_json: bool


def given(payload: bytes) -> Given:
    """Decode as the box does."""
    text = payload.decode(errors="replace")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return Given(text, is_json=False)
    return Given(value, is_json=True) if _levels(value) <= MOST_LEVELS else Given(text, is_json=False)


def _levels(value: Any) -> int:
    deepest = 0
    waiting = [(value, 0)]
    while waiting:
        part, above = waiting.pop()
        if isinstance(part, dict | list):
            deepest = max(deepest, above + 1)
            waiting += [(member, above + 1) for member in (part.values() if isinstance(part, dict) else part)]
    return deepest


def flag(what: Given) -> bool:
    return isinstance(what.value, bool) or (type(what.value) is int and what.value in (0, 1))


def text(what: Given) -> bool:
    return isinstance(what.value, str)


def text_list(what: Given) -> bool:
    return isinstance(what.value, list) and all(isinstance(member, str) for member in what.value)


def any_json(what: Given) -> bool:
    return what.is_json


def integer(low: float | None = None, high: float = math.inf) -> Rule:
    """Within the range; with none also null."""
    return lambda what: _number(what.value, (int,), low, high)


def number(low: float | None = None, high: float = math.inf) -> Rule:
    """Likewise, an integer or a float."""
    return lambda what: _number(what.value, (int, float), low, high)


def one_of(*choices: int) -> Rule:
    return lambda what: type(what.value) is int and what.value in choices


def _number(value: Any, types: tuple[type, ...], low: float | None, high: float) -> bool:
    if value is None:
        return low is None
    return type(value) in types and -math.inf < value < math.inf and (low is None or low <= value <= high)


def like(value: Any) -> Rule:
    """For topics of which nothing more is known: the type that they have."""
    return _BY_TYPE.get(type(value), any_json)


def no(_: Given) -> bool:
    """Nothing is taken here."""
    return False


_BY_TYPE: Final[dict[type, Rule]] = {bool: flag, int: integer(), float: number(), str: text}
