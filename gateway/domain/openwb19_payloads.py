"""What stands in the payloads of an openWB 1.9, decoded once, at the edge.

Rules:

* A payload is bare text, never JSON: a quote is a quote, ``00012`` and ``0E1`` are texts where a text is wanted.
* Blank text, ``null`` and dashes are null where a number is wanted: known to be unknown. So are NaN and infinity.
* A word that we do not know (of modes) is null, since the last known one holds no longer.
* Anything else that does not fit raises Unreadable; its message never holds the payload.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from gateway.domain.entries import Entry, Field, Kind
from gateway.domain.errors import Unreadable
from gateway.domain.fitting import fit
from gateway.domain.openwb2_payloads import declared
from gateway.domain.values import JsonValue

Decode: TypeAlias = Callable[[bytes], JsonValue]
Convert: TypeAlias = Callable[[float], JsonValue]

WH_PER_KWH: Final = 1000
CT_PER_EUR: Final = 100
# what the box writes for hours that it has no price for: dear enough never to charge at
NO_PRICE_CT: Final = 1000.0

MODE_WORDS: Mapping[str, str] = {"0": "instant", "1": "min_pv", "2": "pv", "3": "stop", "4": "standby"}
BATTERY_MODE_WORDS: Mapping[str, str] = {"0": "battery_first", "1": "vehicles_first"}
LIMIT_WORDS: Mapping[str, str] = {"0": "none", "1": "energy", "2": "soc"}

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")  # bc leaves a leading zero out
_MOST_DIGITS = 40
_NOTHING = frozenset({"", "-", "--", "null", "nan", "inf", "-inf"})
_NO_FAULT = re.compile(r"Kein Fehler\.?")
_NO_TEXT = frozenset({"", "0"})
_PRICE_LINE = re.compile(r"\s*(?P<start>\d{1,13})\s*,(?P<price>[^,]*)")
_FLAG = Field(name="flag", kind=Kind.boolean)


def text(payload: bytes) -> str:
    return payload.decode(errors="replace").strip()


def number(payload: bytes | str) -> float | None:
    """The payload as a number; raises Unreadable."""
    written = payload.strip() if isinstance(payload, str) else text(payload)
    if written.lower() in _NOTHING:
        return None
    if len(written) > _MOST_DIGITS or not _NUMBER.fullmatch(written):
        raise Unreadable("not a number")
    return float(written)


def decoder(declared_as: Entry | Field, convert: Convert | None = None) -> Decode:
    """How the payload of a topic is brought into the form that an entry, or a member of one, declares."""
    if declared_as.kind is Kind.text:
        return lambda payload: fit(declared_as, text(payload))

    def decode(payload: bytes) -> JsonValue:
        written = number(payload)
        return fit(declared_as, written if written is None or convert is None else convert(written))

    return decode


def phase_of(entry: Entry) -> Field:
    """What is declared of one phase of a list of three."""
    return Field(name="phase", kind=Kind.number, unit=entry.unit, minimum=entry.minimum, maximum=entry.maximum)


def member_of(key: str, name: str) -> Field:
    """What is declared of a member of an object."""
    return next(field for field in declared(key).fields if field.name == name)


def flag(payload: bytes) -> JsonValue:
    return fit(_FLAG, number(payload))


def word(words: Mapping[str, str]) -> Decode:
    """The catalogue's word for the box's digit; null for one that we do not know."""
    return lambda payload: words.get(text(payload))


def fault_text(payload: bytes) -> JsonValue:
    """No fault is no text."""
    said = text(payload)
    return fit(declared("grid/fault_text"), "" if _NO_FAULT.fullmatch(said) else said)


def known_text(key: str) -> Decode:
    """A text for which the box writes nothing, or 0, as long as it knows none; zeros in front are part of it."""
    entry = declared(key)

    def decode(payload: bytes) -> JsonValue:
        said = text(payload)
        return None if said in _NO_TEXT else fit(entry, said)

    return decode


_TAG = known_text("chargepoints/1/id_tag")


def id_tag(payload: bytes) -> JsonValue:
    """The tag of ``tag,epoch``, as text: zeros in front and hexadecimal digits are part of it."""
    tag, comma, _ = payload.rpartition(b",")
    return _TAG(tag if comma else payload)


def negative(power_w: float) -> JsonValue:
    """The box counts production below zero, the catalogue above."""
    return -power_w


def wh(energy_kwh: float) -> JsonValue:
    return energy_kwh * WH_PER_KWH


def inverted(written: float) -> JsonValue:
    """The box says whether a charge point is enabled, the catalogue whether it is locked."""
    return {0.0: True, 1.0: False}.get(written, written)


def eur_per_kwh(price_ct: float) -> JsonValue:
    return None if price_ct == NO_PRICE_CT else price_ct / CT_PER_EUR


def prices(payload: bytes) -> JsonValue:
    """Lines of ``epoch,ct``, after one with the provider's name."""
    starts: dict[str, JsonValue] = {}
    for line in text(payload).splitlines():
        found = _PRICE_LINE.fullmatch(line)
        if found is not None:
            price_ct = number(found["price"])
            starts[found["start"]] = None if price_ct is None else eur_per_kwh(price_ct)
        elif "," in line:
            raise Unreadable("a line is no start and price")
    return fit(declared("tariff/prices"), starts)
