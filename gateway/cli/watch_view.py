"""What ``watch`` shows, as plain rows: a function of what is known, without terminal, clock or socket.

Rules:

* A value is *live* only while the gateway vouches for it now and the box's unit is fresh. Else it carries a word:
  "last known" while nobody vouches, "stale" when the gateway says so of this value.
* None is "unknown", never a number.
* Devices stand in the catalogue's order, ids by number, under the names that the box gave them.
* An empty text, as of a fault that is none, has no row.
* Texts of the box lose whatever could steer a terminal.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec

from gateway.client import Status
from gateway.domain.catalogue import CATALOGUE, Entry, Kind, entry_for
from gateway.domain.events import REASON
from gateway.domain.values import JsonValue, Reading

UNKNOWN = "unknown"
STALE = "stale"
LAST_KNOWN = "last known"
LINK = "link/"
LINK_WORDS: Mapping[str, str] = {
    "connecting": "the gateway is connecting to it",
    "up": "connected",
    "silent": "silent, it sends no sign of life",
    "down": "not connected",
    "no_rights": "it does not let the gateway read its values",
    "secondary": "a secondary one, controlled by another openWB",
    "bridge_down": "not read, the gateway's bridge is not running",
}
REASON_WORDS: Mapping[str, str] = {
    "bad_credentials": "it refuses the user name or password",
    "certificate": "its certificate is not the expected one",
    "unreachable": "it cannot be reached",
    "no_rights": "grant its user",
    "connect_to_primary": "connect the gateway to the primary one",
}
TITLES: Mapping[str, str] = {"batteries": "Battery", "raw": "Topics of the openWB"}
KILO = 1000.0
MINUTE, HOUR, DAY = 60, 3600, 86_400
_ORDER: Mapping[str, int] = {entry.pattern: place for place, entry in enumerate(CATALOGUE)}


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known at a moment. ``now`` is monotonic, ``server_now`` the gateway's clock in epoch seconds."""

    url: str
    site: str
    status: Status
    readings: Mapping[str, Reading]
    now: float
    vouched: bool = False
    doubt: str = ""
    server_now: float | None = None


class Row(msgspec.Struct, frozen=True):
    """One value; ``mark`` is empty while it is live."""

    label: str
    value: str
    age: str
    mark: str


class Device(msgspec.Struct, frozen=True):
    title: str
    rows: tuple[Row, ...]


class Standing(msgspec.Struct, frozen=True):
    """A line of the head: ``good`` or not, in words."""

    good: bool
    words: str


def connection(known: Known) -> Standing:
    """How it stands between us and the gateway."""
    status = known.status
    because = f": {one_line(status.reason)}" if status.reason else ""
    match status.phase:
        case "ended":
            return Standing(good=False, words=f"ended{because}")
        case "waiting":
            seconds = max(0, round((status.retry_at or known.now) - known.now))
            return Standing(good=False, words=f"reconnecting in {seconds} s{because}")
        case "connecting":
            return Standing(good=False, words=f"connecting to {known.url}{because}")
        case "connected":
            if known.vouched:
                return Standing(good=True, words="connected")
            return Standing(good=False, words=one_line(known.doubt) or "connected, waiting for values")


def link(known: Known) -> Standing:
    """How it stands between the gateway and the box, as far as is known."""
    state, reason, since = (known.readings.get(LINK + name) for name in ("state", "reason", "since"))
    name = state.value if state is not None else None
    if not isinstance(name, str):
        return Standing(good=False, words="nothing is known of it yet")
    words = LINK_WORDS.get(name, one_line(name))
    if reason is not None and isinstance(reason.value, str) and reason.value:
        words += f": {_reason(reason.value)}"
    if since is not None and isinstance(since.value, int | float):
        words += f", since {_moment(since.value)}"
    if not known.vouched:
        return Standing(good=False, words=f"{words} ({LAST_KNOWN})")
    return Standing(good=name == "up", words=words)


def devices(known: Known) -> tuple[Device, ...]:
    """What the values say, by device; the link's own stand in the head."""
    found: dict[str, list[str]] = {}
    for key in sorted(known.readings, key=_place):
        if not key.startswith(LINK):
            found.setdefault(_device_of(key), []).append(key)
    made = ((device, _rows(known, device, keys)) for device, keys in found.items())
    return tuple(Device(_title(known.readings, device), rows) for device, rows in made if rows)


def label_of(key: str) -> str:
    """The catalogue's words without those of the group, else what stands behind the device."""
    entry = entry_for(key)
    if entry is None or entry.pattern.endswith("#"):
        return one_line(key)
    words = entry.text_en.partition(": ")[2].partition(",")[0]
    return words[:1].upper() + words[1:]


def value_text(key: str, value: JsonValue) -> str:
    """The value for people, with its unit. A link that is well has no reason, which is known."""
    if key == REASON and value is None:
        return "none"
    entry = entry_for(key)
    return UNKNOWN if value is None else _text(value, entry)


def mark_of(reading: Reading, *, vouched: bool) -> str:
    """The word for a value that is not live."""
    if not vouched:
        return LAST_KNOWN
    return STALE if reading.stale else ""


def one_line(text: str) -> str:
    """The text without what could steer a terminal."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())


def _rows(known: Known, device: str, keys: list[str]) -> tuple[Row, ...]:
    rows = []
    for key in keys:
        reading = known.readings[key]
        if key == f"{device}/name" or reading.value == "":  # the name is the title
            continue
        label, text = label_of(key), value_text(key, reading.value)
        rows.append(Row(label, text, _age(reading, known.server_now), mark_of(reading, vouched=known.vouched)))
    return tuple(rows)


def _device_of(key: str) -> str:
    levels = key.split("/")
    entry = entry_for(key)
    if entry is None or entry.pattern.endswith("#"):
        return levels[0]
    return "/".join(levels[:2]) if entry.pattern.split("/")[1:2] == ["+"] else levels[0]


def _title(readings: Mapping[str, Reading], device: str) -> str:
    group, _, number = device.partition("/")
    entry = next((one for one in CATALOGUE if one.pattern.partition("/")[0] == group), None)
    kind = TITLES.get(group) or (entry.text_en.partition(": ")[0] if entry is not None else group)
    if not number:
        return kind
    name = readings.get(f"{device}/name")
    if name is not None and isinstance(name.value, str) and one_line(name.value):
        return f"{one_line(name.value)} ({kind.lower()} {one_line(number)})"
    return f"{kind} {one_line(number)}"


def _place(key: str) -> tuple[int, int, str, int, str]:
    """The group's place, then the device's number, then the value's place."""
    levels = key.split("/")
    entry = entry_for(key)
    place = _ORDER[entry.pattern] if entry is not None else len(_ORDER)
    group = next((at for pattern, at in _ORDER.items() if pattern.split("/")[0] == levels[0]), len(_ORDER))
    device = levels[1] if len(levels) > 1 and entry is not None and "+" in entry.pattern else ""
    number = int(device) if device.isdecimal() else 0
    return group, number, device, place, key


def _reason(reason: str) -> str:
    name, _, detail = reason.partition(":")
    words = REASON_WORDS.get(name)
    return one_line(reason) if words is None else one_line(f"{words} {detail.strip()}")


def _moment(epoch_s: float) -> str:
    try:
        return datetime.fromtimestamp(epoch_s).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return UNKNOWN


def _age(reading: Reading, server_now: float | None) -> str:
    if reading.changed_at is None or server_now is None:
        return ""
    seconds = max(0, int(server_now - reading.changed_at))
    for size, unit in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _text(value: JsonValue, entry: Entry | None) -> str:
    unit = entry.unit if entry is not None else None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if entry is not None and entry.kind is Kind.time and isinstance(value, int | float):
        return _moment(value)
    if isinstance(value, int | float):
        return _number(value, unit)
    if isinstance(value, list):
        return _list(value, unit)
    if isinstance(value, dict):
        said = ((name, inner) for name, inner in value.items() if inner is not None)
        return one_line(", ".join(f"{name.replace('_', ' ')} {inner}" for name, inner in said))
    return one_line(str(value))


def _list(value: list[JsonValue], unit: str | None) -> str:
    if value and isinstance(value[0], list):
        return f"{len(value)} prices"
    return "  ".join("-" if not isinstance(one, int | float) else _number(one, unit) for one in value)


_FORMS: Mapping[str, Callable[[float], str]] = {
    "W": lambda watts: f"{watts:.0f} W" if abs(watts) < 10 * KILO else f"{watts / KILO:.2f} kW",
    "Wh": lambda energy: f"{energy / KILO:.2f} kWh",
    "A": lambda amperes: f"{amperes:.1f} A",
    "V": lambda volts: f"{volts:.1f} V",
    "%": lambda percent: f"{percent:.0f} %",
    "km": lambda distance: f"{distance:.0f} km",
    "EUR/kWh": lambda price: f"{price * 100:.2f} ct/kWh",
}


def _number(number: float, unit: str | None) -> str:
    form = _FORMS.get(unit or "")
    if form is None:
        return f"{number:g} {unit or ''}".rstrip()
    text = form(number)
    # what rounds to nothing has no sign
    return text.removeprefix("-") if form(0.0) == text.removeprefix("-") else text
