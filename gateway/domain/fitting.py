"""A value as a box wrote it, brought into the form the catalogue declares.

Rules:

* Not a number (NaN, infinity) is None: known to be unknown. So is a missing member of an object.
* Floats lose their noise: each unit has its digits. Minus zero is zero.
* 0 and 1 pass for false and true, 3.0 for 3, milliseconds for seconds.
* What then is outside the declared type or range is Unreadable.
"""

import math
from collections.abc import Mapping

from gateway.domain.entries import Entry, Field, Kind
from gateway.domain.errors import Unreadable
from gateway.domain.texts import clean_text
from gateway.domain.values import JsonValue

DIGITS: Mapping[str | None, int] = {"Hz": 3, "%": 1, "km": 1, "EUR/kWh": 6, "s": 3}
USUAL_DIGITS = 2

_MOST_EXACT = 1 << 53
_FIRST_MILLISECONDS = 1e10  # as seconds the year 2286
_PHASES = 3
MOST_PRICES = 2_000


def fit(declared: Entry | Field, value: JsonValue) -> JsonValue:
    """The value in its declared form; raises Unreadable. A price list is given as an object of start to price."""
    if value is None:
        return None
    match declared.kind:
        case Kind.number | Kind.integer | Kind.time:
            return _number(declared, value)
        case Kind.boolean:
            return _boolean(value)
        case Kind.text:
            return _text(declared, value)
        case Kind.number_list:
            return _phases(declared, value)
        case Kind.price_list:
            return _prices(declared, value)
        case Kind.object | _:
            if not isinstance(value, dict):
                raise Unreadable("not an object")
            return {field.name: fit(field, value.get(field.name)) for field in declared.fields}


def _number(declared: Entry | Field, value: JsonValue) -> JsonValue:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unreadable("not a number")
    if not -_MOST_EXACT <= value <= _MOST_EXACT:
        if isinstance(value, float) and not math.isfinite(value):
            return None
        raise Unreadable("number out of range", reason="range")
    number = float(value)
    if declared.kind is Kind.time and number > _FIRST_MILLISECONDS:
        number /= 1000
    if declared.kind is Kind.integer:
        if not number.is_integer():
            raise Unreadable("not a whole number")
    else:
        number = round(number, DIGITS.get(declared.unit, USUAL_DIGITS)) + 0.0
    low, high = declared.minimum, declared.maximum
    if (low is not None and number < low) or (high is not None and number > high):
        raise Unreadable(f"number outside {low} to {high}", reason="range")
    return int(number) if declared.kind is Kind.integer else number


def _boolean(value: JsonValue) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and value in (0, 1):
        return value == 1
    raise Unreadable("not a boolean")


def _text(declared: Entry | Field, value: JsonValue) -> str:
    if not isinstance(value, str):
        raise Unreadable("not a text")
    if declared.allowed:
        if value in declared.allowed:
            return value
        raise Unreadable("not one of the allowed words", reason="word")
    assert declared.maximum is not None
    return clean_text(value, int(declared.maximum))


def _phases(declared: Entry | Field, value: JsonValue) -> JsonValue:
    if not isinstance(value, list) or len(value) != _PHASES:
        raise Unreadable("not a list of three phases")
    return [None if phase is None else _number(declared, phase) for phase in value]


def _prices(declared: Entry | Field, value: JsonValue) -> JsonValue:
    if not isinstance(value, dict) or len(value) > MOST_PRICES:
        raise Unreadable(f"not an object of at most {MOST_PRICES} starts and prices")
    prices = {_start(start): None if price is None else _number(declared, price) for start, price in value.items()}
    return [[start, price] for start, price in sorted(prices.items())]


def _start(text: str) -> int:
    try:
        start = float(text)
    except ValueError:
        raise Unreadable("a price does not start at an epoch second") from None
    if start > _FIRST_MILLISECONDS:
        start /= 1000
    if not 0 <= start <= _FIRST_MILLISECONDS:
        raise Unreadable("a price does not start at an epoch second", reason="range")
    return int(start)
