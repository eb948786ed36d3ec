"""What happened at a site: the kinds of events, and which changes are one.

Rules:

* An event tells of a *change*. What is seen for the first time is none, nor is what is told again unchanged, as a
  retained replay does. What was unknown in between (null) is compared with what was known before.
* ``link_changed``: ``link/state`` or ``link/reason`` is another one.
* ``fault``: a ``fault_state`` is another one: it came, it became worse or better, it went (0).
* ``box_updated``: ``box/version`` is another one.
* ``charge_session_started``, ``charge_session_ended``: a car was plugged in, or unplugged (``charging.py``).
* Every event concerns one value, by its key. Who may see that value may see the event, and nobody else.
* Ids only grow, within one history of the store: the order of ids is the order of events.
"""

import re
from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from gateway.domain.catalogue_entries import (
    DURATION,
    FAULT,
    ID,
    LINK_STATE,
    METER,
    MODE,
    NAME,
    TEXT,
    TIME,
    Quantity,
)
from gateway.domain.charge_sessions import ChargeSession
from gateway.domain.entries import Field
from gateway.domain.errors import InvalidArgument
from gateway.domain.values import Changes, JsonValue, Reading

EVENT_ID = re.compile(r"(\d{1,20})-(\d{1,20})", re.ASCII)
MOST = 2**64 - 1

STATE, REASON, VERSION = "link/state", "link/reason", "box/version"
CHARGEPOINTS, PLUGGED = "chargepoints", "plugged"
FAULT_STATE, FAULT_TEXT = "/fault_state", "/fault_text"


class EventId(msgspec.Struct, frozen=True, order=True):
    """The place of an event: milliseconds of the store's clock, and a number among those of the same one."""

    ms: int
    number: int = 0

    @classmethod
    def parse(cls, text: str) -> "EventId":
        """Read ``1753791600123-0``; raises InvalidArgument."""
        found = EVENT_ID.fullmatch(text)
        place = None if found is None else cls(int(found[1]), int(found[2]))
        if place is None or max(place.ms, place.number) > MOST:
            raise InvalidArgument(f"{text[:60]!r} is no event id; they look like 1753791600123-0")
        return place

    def __str__(self) -> str:
        return f"{self.ms}-{self.number}"

    def before(self) -> "EventId":
        """The greatest id below; the least one has none below and is its own."""
        if self.number:
            return EventId(self.ms, self.number - 1)
        return EventId(self.ms - 1, MOST) if self.ms else self


NO_EVENT = EventId(0)
"""Below all ids that are given out."""


class Event(msgspec.Struct, frozen=True):
    """Something that happened ``at`` (epoch seconds UTC) to the value ``key``; ``details`` as its kind declares."""

    kind: str
    at: float
    key: str
    details: dict[str, JsonValue]


class EventEntry(msgspec.Struct, frozen=True):
    """An event in the store. It may be told once the values stand at ``after_seq`` or later, which show it."""

    id: EventId
    after_seq: int
    event: Event


class Detail(msgspec.Struct, frozen=True):
    """A member of ``details``; always there."""

    field: Field
    text_en: str


class Kind(msgspec.Struct, frozen=True):
    """``key`` names the value that such an event concerns; ``<target>`` in it is the detail of that name."""

    name: str
    key: str
    text_en: str
    details: tuple[Detail, ...]


def _detail(name: str, quantity: Quantity, text_en: str) -> Detail:
    declared = Field(
        name=name,
        kind=quantity.kind,
        unit=quantity.unit,
        allowed=quantity.allowed,
        minimum=quantity.low,
        maximum=quantity.high,
    )
    return Detail(declared, text_en)


LINK_CHANGED = Kind(
    "link_changed",
    STATE,
    "The link to the box is in another state, or for another reason",
    (
        _detail("before", LINK_STATE, "the state before"),
        _detail("state", LINK_STATE, "the state now"),
        _detail("reason", TEXT, "why it is not up; null where there is nothing to say"),
    ),
)
FAULT_CHANGED = Kind(
    "fault",
    "<target>" + FAULT_STATE,
    "A fault came, became better or worse, or went",
    (
        _detail("target", NAME, "whose: `chargepoints/4`, `vehicles/2`, `grid` and so on"),
        _detail("before", FAULT, "0 none, 1 warning, 2 error"),
        _detail("fault_state", FAULT, "the same, now"),
        _detail("fault_text", TEXT, "the box's words; null while there are none"),
    ),
)
BOX_UPDATED = Kind(
    "box_updated",
    VERSION,
    "The box runs another version",
    (_detail("before", NAME, "the version before"), _detail("version", NAME, "the version now")),
)
_CHARGEPOINT = _detail("chargepoint_id", NAME, "at which charge point")
_PLUGGED_AT = _detail("plugged_at", TIME, "since when something is plugged in, epoch seconds")
_VEHICLE = _detail("vehicle_id", ID, "which vehicle, as far as that is known; 0: the box's default one; or null")
CHARGE_SESSION_STARTED = Kind(
    "charge_session_started",
    f"{CHARGEPOINTS}/<chargepoint_id>/{PLUGGED}",
    "A car was plugged in",
    (_CHARGEPOINT, _PLUGGED_AT, _VEHICLE, _detail("mode", MODE, "the charge mode; null where it is unknown")),
)
CHARGE_SESSION_ENDED = Kind(
    "charge_session_ended",
    f"{CHARGEPOINTS}/<chargepoint_id>/{PLUGGED}",
    "A car was unplugged; `plugged_at` and `chargepoint_id` name its charge session for good",
    (
        _CHARGEPOINT,
        _PLUGGED_AT,
        _VEHICLE,
        _detail("unplugged_at", TIME, "until when it was plugged in, epoch seconds"),
        _detail("energy_wh", METER, "what the charge point's meter counted meanwhile; null where nobody knows"),
        _detail("charging_s", DURATION, "how many seconds of it it charged"),
        _detail("incomplete", TEXT, "what of it was not seen, words with commas between them; null: all was seen"),
    ),
)
KINDS: tuple[Kind, ...] = (
    LINK_CHANGED,
    FAULT_CHANGED,
    BOX_UPDATED,
    CHARGE_SESSION_STARTED,
    CHARGE_SESSION_ENDED,
)


def charge_session_started(session: ChargeSession) -> Event:
    """``at`` is the plug, or when it was seen."""
    mode = session.segments[-1].mode if session.segments else None
    details = (session.chargepoint_id, session.plugged_at, session.vehicle_id, mode)
    return _of(CHARGE_SESSION_STARTED, session.plugged_at, _plugged(session), *details)


def charge_session_ended(session: ChargeSession) -> Event:
    """``at`` is the unplug, or when it was seen plugged in last."""
    ended_at = session.unplugged_at
    assert ended_at is not None
    return _of(
        CHARGE_SESSION_ENDED,
        ended_at,
        _plugged(session),
        session.chargepoint_id,
        session.plugged_at,
        session.vehicle_id,
        ended_at,
        None if session.energy_wh is None else float(session.energy_wh),
        session.charging_s,
        ",".join(session.completeness) or None,
    )


def _plugged(session: ChargeSession) -> str:
    return f"{CHARGEPOINTS}/{session.chargepoint_id}/{PLUGGED}"


Known: TypeAlias = Mapping[str, JsonValue]


class Watch:
    """Finds the events in a site's changes; remembers the last known value of each key that it looks at."""

    def __init__(self, known: Mapping[str, Reading]) -> None:
        self._known = _learned({}, known)

    def events_of(self, changes: Changes, at: float) -> list[Event]:
        """The events in changes that take effect together, ``at`` (epoch seconds) and after all those before."""
        watched = {key: reading for key, reading in changes.items() if _is_watched(key)}
        if not watched:
            return []
        before, self._known = self._known, _learned(self._known, watched)
        concerned = dict.fromkeys(STATE if key == REASON else key for key in watched if not key.endswith(FAULT_TEXT))
        found = (_event(key, before, self._known, at) for key in concerned)
        return [event for event in found if event is not None]

    def forget(self, key: str) -> None:
        """Nothing is known of the key any more."""
        self._known.pop(key, None)

    def forget_faults(self) -> None:
        """Nothing is known of any fault any more."""
        self._known = {key: value for key, value in self._known.items() if key in (STATE, REASON, VERSION)}


def _is_watched(key: str) -> bool:
    return key in (STATE, REASON, VERSION) or key.endswith((FAULT_STATE, FAULT_TEXT))


def _learned(known: Known, changes: Mapping[str, Reading | None]) -> dict[str, JsonValue]:
    """A null teaches nothing, but in words: there it says that there are none."""
    learned = dict(known)
    for key, reading in changes.items():
        if reading is None:
            learned.pop(key, None)
        elif _is_watched(key) and (reading.value is not None or key == REASON or key.endswith(FAULT_TEXT)):
            learned[key] = reading.value
    return learned


def _event(key: str, before: Known, now: Known, at: float) -> Event | None:
    """What became of the value, if that is an event."""
    was, is_now = before.get(key), now.get(key)
    if was is None or is_now is None:
        return None
    if key == STATE:
        reason = now.get(REASON)
        same = (was, before.get(REASON)) == (is_now, reason)
        return None if same else _of(LINK_CHANGED, at, key, was, is_now, reason)
    if was == is_now:
        return None
    if key == VERSION:
        return _of(BOX_UPDATED, at, key, was, is_now)
    target = key.removesuffix(FAULT_STATE)
    return _of(FAULT_CHANGED, at, key, target, was, is_now, now.get(target + FAULT_TEXT) or None)


def _of(kind: Kind, at: float, key: str, *details: JsonValue) -> Event:
    named = {detail.field.name: value for detail, value in zip(kind.details, details, strict=True)}
    return Event(kind.name, at, key, named)


def events_page() -> str:
    """``docs/events.md``: the kinds as a page."""
    lines = [_PAGE_HEAD]
    for kind in KINDS:
        lines += [f"\n## {kind.name}\n", f"{kind.text_en}. Concerns `{kind.key}`.\n"]
        lines += ["| detail | type | allowed | meaning |", "|---|---|---|---|"]
        lines += [_row(detail) for detail in kind.details]
    return "\n".join(lines) + "\n"


_PAGE_HEAD = """# Events

Written by `gateway.domain.events.events_page()`; a test compares. What an event of each kind says in `details`. More
kinds will come. An event tells of a change of the value it concerns, and goes to those who may see that value."""


def _row(detail: Detail) -> str:
    field = detail.field
    allowed = ", ".join(field.allowed)
    if not allowed and field.minimum is not None:
        allowed = f"{field.minimum:g} to {field.maximum:g}"
    return f"| `{field.name}` | {field.kind.value} | {allowed} | {detail.text_en} |"
