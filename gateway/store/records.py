"""Charge sessions in the store: how far the tracker is, what is open, what is finished and waits for the database.

Keys of a site, in the hash tag of its other keys (``redis.py``)::

    {site}:tracker         hash    moves, epoch, seq: the position in the changes up to which all is in the rest;
                                   state: what the tracker knows, open: the open charge sessions as they stood then
    {site}:charge_records  stream  finished charge sessions, from the tracker to the recorder's writer

Data flow::

    tracker: load -> changes after the position -> move ... -> events, open_sessions
                                                      |
                                        writer: read_after, rows, trim_to

Rules:

* *One step*: position, state, open sessions, finished records and the events that tell of them move together, by one
  script, or not at all. So whoever begins at the position finds each charge session once.
* Who moves says how many moves there were; another number means that another tracker moved, or that only the answer
  was lost: ``moved``. The remedy is the same: load, and go on from there. The same changes lead to the same records.
* Records that wait are bounded and never cut: one too many is not taken, ``full``, and nothing moves.
* A record is called by its position, which follows the store's clock and only grows as long as the stream lives.

Calls may be repeated as they are; a ``move`` that was done is ``moved`` then. They raise StoreUnavailable when the
store is out of reach, does not answer in time or takes no writes. Cancelling is safe.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias

import msgspec
from redis.asyncio import Redis

from gateway.domain.charge_sessions import ChargeSession
from gateway.domain.events import Event
from gateway.domain.values import Position
from gateway.store import keys
from gateway.store.calls import Script, ScriptArg, answering
from gateway.store.events import pack_events
from gateway.store.redis import EventsKept

VERSION: Final = 1
MOST_RECORDS: Final = 10_000
SEQ_DIGITS: Final = 1_000_000
"""Entries of one millisecond that a position tells apart."""

Outcome: TypeAlias = Literal["done", "moved", "full"]


class Tracked(msgspec.Struct, frozen=True):
    """Where the tracker of a site stands. ``state`` is for the tracker alone to read."""

    moves: int
    position: Position
    state: bytes


class Move(msgspec.Struct, frozen=True):
    """A step of the tracker, on from ``moves``."""

    moves: int
    position: Position
    state: bytes
    open: tuple[ChargeSession, ...] = ()
    finished: tuple[ChargeSession, ...] = ()
    events: tuple[Event, ...] = ()


class MoveAnswer(msgspec.Struct, frozen=True):
    outcome: Outcome
    moves: int


class UndecodableRecord(msgspec.Struct, frozen=True):
    """A record that this version cannot read."""

    reason: str
    payload: bytes


Queued: TypeAlias = ChargeSession | UndecodableRecord


class _Record(msgspec.Struct, array_like=True):
    version: int
    session: ChargeSession


class _Open(msgspec.Struct, array_like=True):
    version: int
    sessions: tuple[ChargeSession, ...]


class _Head(msgspec.Struct, array_like=True):
    version: int


_record_decoder = msgspec.msgpack.Decoder(_Record)
_open_decoder = msgspec.msgpack.Decoder(_Open)
_head_decoder = msgspec.msgpack.Decoder(_Head)


class ChargeRecords:
    """The charge sessions of all sites of one Redis. ``redis``, from ``open_client``, is the caller's."""

    def __init__(
        self, redis: Redis, *, events_kept: EventsKept | None = None, answer_s: float = 5, most: int = MOST_RECORDS
    ) -> None:
        self._redis = redis
        self._kept = events_kept or EventsKept()
        self._answer_s = answer_s
        self._most = most
        self._move = Script("events.lua", "records.lua")

    async def load(self, site: str) -> Tracked | None:
        """Where the tracker stands; None: there never was one, or the store lost it."""
        async with answering(self._answer_s):
            found: Any = await self._redis.hmget(keys.tracker(site), "moves", "epoch", "seq", "state")
            if None in found:
                return None
            moves, epoch, seq, state = found
            return Tracked(int(moves), Position(epoch.decode(), int(seq)), bytes(state))

    async def move(self, site: str, move: Move) -> MoveAnswer:
        """Take the step, if nobody else did meanwhile and there is room for what is finished."""
        finished = [msgspec.msgpack.encode(_Record(VERSION, one)) for one in move.finished]
        happened = pack_events(move.events)
        touched = (keys.tracker(site), keys.charge_records(site), keys.meta(site), keys.events(site))
        args: tuple[ScriptArg, ...] = (
            move.moves,
            move.position.epoch,
            move.position.seq,
            move.state,
            msgspec.msgpack.encode(_Open(VERSION, move.open)),
            self._most,
            round(self._kept.for_s * 1000),
            self._kept.most,
            len(finished),
            len(happened),
            *finished,
            *happened,
        )
        outcome, moves = await self._move.run(self._redis, touched, args, self._answer_s)
        return MoveAnswer(outcome.decode(), int(moves))

    async def open_sessions(self, site: str) -> tuple[ChargeSession, ...]:
        """The open charge sessions as of the tracker's last step."""
        async with answering(self._answer_s):
            found: Any = await self._redis.hget(keys.tracker(site), "open")
            return () if found is None else _open_decoder.decode(found).sessions

    async def read_after(self, site: str, position: int, count: int) -> list[tuple[int, Queued]]:
        """At most ``count`` records of later positions, the oldest first."""
        async with answering(self._answer_s):
            first = f"({_id_of(position)}" if position >= 0 else "-"
            found: Any = await self._redis.xrange(keys.charge_records(site), min=first, count=count)
            return [(_position_of(entry_id), _unpacked(fields)) for entry_id, fields in found]

    async def trim_to(self, site: str, position: int) -> None:
        """Let go of the records up to that position."""
        if position >= 0:
            async with answering(self._answer_s):
                minid = _id_of(position + 1)
                await self._redis.xtrim(keys.charge_records(site), minid=minid, approximate=False)

    async def length(self, site: str) -> int:
        """How many records wait."""
        async with answering(self._answer_s):
            return int(await self._redis.xlen(keys.charge_records(site)))


def _unpacked(fields: Mapping[bytes, bytes]) -> Queued:
    payload = fields.get(b"record", b"")
    try:
        version = _head_decoder.decode(payload).version
        if version != VERSION:
            return UndecodableRecord(f"a record of version {version}; this gateway reads {VERSION}", payload)
        return _record_decoder.decode(payload).session
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return UndecodableRecord(str(error), payload)


def _position_of(entry_id: bytes) -> int:
    ms, _, seq = entry_id.partition(b"-")
    return int(ms) * SEQ_DIGITS + int(seq)


def _id_of(position: int) -> str:
    return f"{position // SEQ_DIGITS}-{position % SEQ_DIGITS}"
