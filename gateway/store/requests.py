"""The box's own log on its way: asked for, answered, carried to the database.

Keys of a site, in the hash tag of its other keys (``redis.py``)::

    {site}:requests       stream  what is asked for and not answered yet; the oldest is served first
    {site}:outcome:<id>   string  what became of a request; expires
    {site}:box_log        stream  entries, in pieces of PIECE_ENTRIES at most, from the bridge to the recorder

Data flow::

    anybody -> RequestQueue.ask -> first (the leader's bridge) -> BoxLogQueue.append ... -> answered -> outcome_of
                                                                        |
                                                  recorder: read_after, rows, trim_to

Rules:

* Both queues are bounded and never cut: who finds one full is told, and nothing is added. A bridge waits then, with
  its request still in the queue.
* A request stays until it was answered, in one call with its outcome. A bridge that dies over it leaves it to the
  next one, which answers again: the entries have natural keys, so that comes to the same.
* A piece is called by its position, a number that only grows as long as the stream lives, and follows the store's
  clock: also after the store lost everything, later pieces have higher positions.

Calls may be repeated as they are, but for ``ask``, and ``append``, which then adds the same once more. They raise
StoreUnavailable when the store is out of reach, does not answer in time or takes no writes. Cancelling is safe.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal, TypeAlias

import msgspec
from redis.asyncio import Redis

from gateway.domain.box_log import BoxLogEntry, Oddity, Source
from gateway.store import keys
from gateway.store.calls import answering
from gateway.store.versioned import decoded
from gateway.store.waiting import WaitingStream

VERSION: Final = 1
FIELD: Final = "piece"
PIECE_ENTRIES: Final = 100
MOST_REQUESTS: Final = 1_000
MOST_PIECES: Final = 2_000
OUTCOME_S: Final = 86_400
Why: TypeAlias = Literal["schedule", "import"]


class Request(msgspec.Struct, frozen=True):
    """A month of the box's log."""

    year: int
    month: int
    why: Why = "import"


class Asked(msgspec.Struct, frozen=True):
    """A request that waits."""

    id: str
    request: Request


class Outcome(msgspec.Struct, frozen=True):
    """What became of a request. ``odd``: how many entries have which oddity; ``reason`` is a sentence."""

    state: Literal["done", "failed"]
    entries: int = 0
    unreadable: int = 0
    odd: dict[Oddity, int] = {}
    reason: str | None = None


class Piece(msgspec.Struct, frozen=True):
    """Some entries of one answer."""

    source: Source
    entries: tuple[BoxLogEntry, ...]


class _Packed(msgspec.Struct, array_like=True):
    version: int
    piece: Piece


_request_decoder = msgspec.msgpack.Decoder(Request)
_outcome_decoder = msgspec.msgpack.Decoder(Outcome)
_piece_decoder = msgspec.msgpack.Decoder(_Packed)


class RequestQueue:
    """The requests of all sites of one Redis. ``redis``, from ``open_client``, is the caller's."""

    def __init__(self, redis: Redis, *, answer_s: float = 5, most: int = MOST_REQUESTS) -> None:
        self._redis = redis
        self._answer_s = answer_s
        self._most = most

    async def ask(self, site: str, request: Request) -> str | None:
        """Add a request; its id. None: there are too many already."""
        async with answering(self._answer_s):
            if await self._redis.xlen(keys.requests(site)) >= self._most:
                return None
            added: Any = await self._redis.xadd(keys.requests(site), {"request": msgspec.msgpack.encode(request)})
            return str(added.decode())

    async def first(self, site: str) -> Asked | None:
        """The oldest one that waits. What cannot be read is answered as failed, and the next one told."""
        async with answering(self._answer_s):
            while True:
                found: Any = await self._redis.xrange(keys.requests(site), count=1)
                if not found:
                    return None
                request_id, fields = found[0][0].decode(), found[0][1]
                try:
                    return Asked(request_id, _request_decoder.decode(fields.get(b"request", b"")))
                except (msgspec.DecodeError, UnicodeDecodeError):
                    await self._answer(site, request_id, Outcome("failed", reason="this gateway cannot read it"))

    async def answered(self, site: str, request_id: str, outcome: Outcome) -> None:
        """Say what became of it; it waits no longer."""
        async with answering(self._answer_s):
            await self._answer(site, request_id, outcome)

    async def _answer(self, site: str, request_id: str, outcome: Outcome) -> None:
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(keys.outcome(site, request_id), msgspec.msgpack.encode(outcome), ex=OUTCOME_S)
            pipe.xdel(keys.requests(site), request_id)
            await pipe.execute()

    async def outcome_of(self, site: str, request_id: str) -> Outcome | None:
        """None: it waits, or is forgotten."""
        async with answering(self._answer_s):
            found: Any = await self._redis.get(keys.outcome(site, request_id))
            return None if found is None else _outcome_decoder.decode(found)


class BoxLogQueue(WaitingStream[Piece]):
    """The pieces of all sites of one Redis."""

    def __init__(self, redis: Redis, *, answer_s: float = 5, most: int = MOST_PIECES) -> None:
        super().__init__(redis, keys.box_log, FIELD, _unpacked, answer_s=answer_s)
        self._most = most

    async def append(self, site: str, piece: Piece) -> bool:
        """Add a piece; False: there are too many that wait for the database."""
        payload = msgspec.msgpack.encode(_Packed(VERSION, piece))
        async with answering(self._answer_s):
            if await self._redis.xlen(keys.box_log(site)) >= self._most:
                return False
            await self._redis.xadd(keys.box_log(site), {FIELD: payload})
            return True


def pieces_of(source: Source, entries: Sequence[BoxLogEntry]) -> Iterable[Piece]:
    """The entries in pieces that are small enough."""
    for first in range(0, len(entries), PIECE_ENTRIES):
        yield Piece(source, tuple(entries[first : first + PIECE_ENTRIES]))


def _unpacked(payload: bytes) -> Piece:
    return decoded(payload, VERSION, _piece_decoder, "a piece").piece
