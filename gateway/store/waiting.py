"""Streams of a site whose entries wait for the database, called by a position.

The position of an entry is a number that only grows as long as the stream lives, and follows the store's clock: also
after the store lost everything, later entries have higher positions, unless its clock was set back meanwhile.

Calls may be repeated as they are. They raise StoreUnavailable when the store is out of reach or does not answer in
time. Cancelling is safe.
"""

from collections.abc import Callable
from typing import Any, Final, Generic, TypeAlias, TypeVar

import msgspec
from redis.asyncio import Redis

from gateway.store.calls import answering
from gateway.store.versioned import UnreadableEntry

SEQ_DIGITS: Final = 1_000_000
"""Entries of one millisecond that a position tells apart."""

Entry = TypeVar("Entry")


class Undecodable(msgspec.Struct, frozen=True):
    """An entry that this version cannot read."""

    reason: str
    payload: bytes


Queued: TypeAlias = Entry | Undecodable


class WaitingStream(Generic[Entry]):
    """Those of all sites of one Redis. ``redis``, from ``open_client``, is the caller's.

    ``key_of`` names the stream of a site. ``unpack`` reads what the field ``field`` of an entry holds; it raises
    UnreadableEntry.
    """

    def __init__(
        self,
        redis: Redis,
        key_of: Callable[[str], str],
        field: str,
        unpack: Callable[[bytes], Entry],
        *,
        answer_s: float,
    ) -> None:
        self._redis = redis
        self._key_of = key_of
        self._field = field.encode()
        self._unpack = unpack
        self._answer_s = answer_s

    async def read_after(self, site: str, position: int, count: int) -> list[tuple[int, Queued[Entry]]]:
        """At most ``count`` entries of later positions, the oldest first."""
        async with answering(self._answer_s):
            first = f"({_id_of(position)}" if position >= 0 else "-"
            found: Any = await self._redis.xrange(self._key_of(site), min=first, count=count)
            return [(_position_of(id_), self._read(fields.get(self._field, b""))) for id_, fields in found]

    async def trim_to(self, site: str, position: int) -> None:
        """Let go of the entries up to that position."""
        if position < 0:
            return
        async with answering(self._answer_s):
            await self._redis.xtrim(self._key_of(site), minid=_id_of(position + 1), approximate=False)

    async def length(self, site: str) -> int:
        """How many entries wait."""
        async with answering(self._answer_s):
            return int(await self._redis.xlen(self._key_of(site)))

    def _read(self, payload: bytes) -> Queued[Entry]:
        try:
            return self._unpack(payload)
        except UnreadableEntry as error:
            return Undecodable(str(error), payload)


def _position_of(entry_id: bytes) -> int:
    ms, _, seq = entry_id.partition(b"-")
    return int(ms) * SEQ_DIGITS + int(seq)


def _id_of(position: int) -> str:
    return f"{position // SEQ_DIGITS}-{position % SEQ_DIGITS}"
