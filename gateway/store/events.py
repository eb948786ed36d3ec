"""How events lie in the store: a stream whose entries have the fields ``seq`` and ``event``.

``seq`` is that of the append which carried the event, written by the script that knows it. ``event`` is the msgpack
map of an ``Event``. Ids are the store's own: its clock in milliseconds, which a stream never lets go back.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from gateway.domain.events import NO_EVENT, Event, EventEntry, EventId


class EventsPage(msgspec.Struct, frozen=True):
    """Events after an id, in order. ``more``: others follow. ``complete``: none after that id is gone already.

    ``newest`` is the highest id that was given out in this history of the store.
    """

    entries: tuple[EventEntry, ...]
    more: bool
    complete: bool
    newest: EventId


class NewestEvents(msgspec.Struct, frozen=True):
    """The newest events, in order; complete after ``floor``. ``newest`` is the highest id that was given out."""

    entries: tuple[EventEntry, ...]
    floor: EventId
    newest: EventId


class _Stored(msgspec.Struct):
    kind: str
    at: float
    key: str
    details: dict[str, Any]  # JsonValue, which msgspec cannot follow into itself


_decoder = msgspec.msgpack.Decoder(_Stored)


def pack_events(events: Iterable[Event]) -> list[bytes]:
    """Ready for a script."""
    return [msgspec.msgpack.encode(event) for event in events]


def id_of(text: bytes | None) -> EventId:
    """An id as the store writes it; none was given out: the one below all."""
    return EventId.parse(text.decode()) if text is not None else NO_EVENT


def unpack_event(entry_id: bytes, fields: Mapping[bytes, bytes]) -> EventEntry:
    """One entry. Raises msgspec.DecodeError, KeyError, ValueError, InvalidArgument."""
    stored = _decoder.decode(fields[b"event"])
    event = Event(stored.kind, stored.at, stored.key, stored.details)
    return EventEntry(id_of(entry_id), int(fields[b"seq"]), event)


def page(after: EventId, meta: Sequence[bytes | None], length: int, first: Any, found: Any, count: int) -> EventsPage:
    """What was read in one moment: ``first`` is the oldest entry, ``found`` up to ``count`` + 1 after ``after``."""
    complete = not _some_are_gone(meta, length) or (bool(first) and id_of(first[0][0]) <= after)
    entries = tuple(unpack_event(*entry) for entry in found[:count])
    return EventsPage(entries, len(found) > count, complete, id_of(meta[0]))


def newest(meta: Sequence[bytes | None], length: int, newest_first: Any, count: int) -> NewestEvents:
    """What was read in one moment: up to ``count`` + 1 entries."""
    entries = tuple(unpack_event(*entry) for entry in reversed(newest_first[:count]))
    highest = max(id_of(meta[0]), entries[-1].id if entries else NO_EVENT)
    floor = NO_EVENT
    if len(newest_first) > count:
        floor = id_of(newest_first[count][0])
    elif _some_are_gone(meta, length):
        floor = entries[0].id.before() if entries else highest
    return NewestEvents(entries, floor, highest)


def _some_are_gone(meta: Sequence[bytes | None], length: int) -> bool:
    return int(meta[1] or 0) > length
