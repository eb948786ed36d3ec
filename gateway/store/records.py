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
from gateway.store.versioned import decoded
from gateway.store.waiting import WaitingStream

VERSION: Final = 1
FIELD: Final = "record"
MOST_RECORDS: Final = 10_000
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


class _Record(msgspec.Struct, array_like=True):
    version: int
    session: ChargeSession


class _Open(msgspec.Struct, array_like=True):
    version: int
    sessions: tuple[ChargeSession, ...]


_record_decoder = msgspec.msgpack.Decoder(_Record)
_open_decoder = msgspec.msgpack.Decoder(_Open)


class ChargeRecords(WaitingStream[ChargeSession]):
    """The charge sessions of all sites of one Redis; as a stream, those that are finished."""

    def __init__(
        self, redis: Redis, *, events_kept: EventsKept | None = None, answer_s: float = 5, most: int = MOST_RECORDS
    ) -> None:
        super().__init__(redis, keys.charge_records, FIELD, _unpacked, answer_s=answer_s)
        self._kept = events_kept or EventsKept()
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
            *self._kept.args,
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


def _unpacked(payload: bytes) -> ChargeSession:
    return decoded(payload, VERSION, _record_decoder, "a record").session
