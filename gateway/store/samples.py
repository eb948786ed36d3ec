"""The queue of samples: from the sampler, who adds each slot once, to the writer, who carries them to the database.

Keys of a site, in the hash tag of its other keys (``redis.py``)::

    {site}:samples          stream  one entry per slot, id ``<slot>-0``; the newest always stays
    {site}:samples_thinned  stream  what is left of the oldest when there were too many; all of it is older

An entry has the fields ``period`` (ms), ``total`` (bytes of all entries up to this one) and ``sample``: msgpack
``[version, ...]``. What a version does not know it tells as ``Undecodable``, with the slot, and raises nothing: one
bad entry must not keep the others from the database.

Rules:

1. *In order.* A slot is added only behind the last one, and only by a caller who knows where the queue stands. The
   store compares, and only then appends:

   ==============================  ====================================================================
   the last slot of the queue is   answer
   ==============================  ====================================================================
   this very slot                  ``already``: another sampler was first, or only the answer was lost
   a later one                     ``refused``: another sampler is ahead
   another one than the caller     ``behind``: the store lost samples, or another sampler added some that the caller
   holds for the last              does not know; ask for ``last``, and fill up
   any other                       ``done``, unless it is ``full``
   ==============================  ====================================================================

2. *Bounded, and never cut.* At 80 % of the bound the oldest samples are thinned: of each six slots, aligned to the
   epoch, the first that is there stays. At 100 % the sample is not taken: ``full``, until the writer has made room.
   Both show in every answer, for whoever raises the alarm. Nothing is trimmed by length.
3. *Trimmed by the writer.* ``trim_to`` takes only what is in the database already, by the writer's word. It works in
   a store without memory, too.

Calls may be repeated as they are. They raise StoreUnavailable when the store is out of reach, does not answer in time
or takes no writes. Cancelling is safe; a cancelled ``append`` counts as unanswered.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias

import msgspec
from redis.asyncio import Redis

from gateway.domain.slots import Sample, Value
from gateway.store import keys
from gateway.store.calls import Script, answering
from gateway.store.versioned import UnreadableEntry, decoded

VERSION: Final = 1
THINNED_FROM: Final = 0.8
"""From this part of the bound on the oldest are thinned; samples.lua has the same."""
ENTRY_BYTES: Final = 100
"""What an entry takes in the store beside its sample; samples.lua reckons with the same."""

Outcome: TypeAlias = Literal["done", "already", "refused", "behind", "full"]


class QueueBound(msgspec.Struct, frozen=True):
    """How many samples of a site may wait for the database, and how many bytes they may have."""

    slots: int = 1_000_000
    bytes: int = 64_000_000


class Fill(msgspec.Struct, frozen=True):
    """How full the queue of a site is. ``thinned``: how many of the samples are what is left of six."""

    slots: int
    bytes: int
    thinned: int
    fullness: float
    """The part of the bound that is used."""


class AppendAnswer(msgspec.Struct, frozen=True):
    """``last`` is the last slot of the queue then, ``gone`` how many samples this call thinned away."""

    outcome: Outcome
    last: int | None
    fill: Fill
    gone: int = 0


class Undecodable(msgspec.Struct, frozen=True):
    """An entry that this version cannot read."""

    slot: int
    reason: str
    payload: bytes


Queued: TypeAlias = Sample | Undecodable


class _Packed(msgspec.Struct, array_like=True):
    version: int
    period_ms: int
    epoch: str
    seq: int
    values: dict[str, Value]
    taken_ms: int
    skipped: int
    marks: dict[str, float]


_decoder = msgspec.msgpack.Decoder(_Packed)


def pack_sample(sample: Sample) -> bytes:
    """The field ``sample`` of an entry; the slot is its id."""
    one = sample
    packed = (VERSION, one.period_ms, one.epoch, one.seq, one.values, one.taken_ms, one.skipped, one.marks)
    return msgspec.msgpack.encode(packed)


def unpack_sample(entry_id: bytes, fields: Mapping[bytes, bytes]) -> Queued:
    """One entry of the stream."""
    slot, payload = int(entry_id[: entry_id.index(b"-")]), fields.get(b"sample", b"")
    try:
        one = decoded(payload, VERSION, _decoder, "a sample")
    except UnreadableEntry as error:
        return Undecodable(slot, str(error), payload)
    return Sample(slot, one.period_ms, one.epoch, one.seq, one.values, one.taken_ms, one.skipped, one.marks)


class SampleQueue:
    """The queues of all sites of one Redis. ``redis``, from ``open_client``, is the caller's."""

    def __init__(self, redis: Redis, *, bound: QueueBound | None = None, answer_s: float = 5) -> None:
        self.bound = bound or QueueBound()
        self._redis = redis
        self._answer_s = answer_s
        self._append, self._trim = Script("samples.lua"), Script("samples_trim.lua")

    async def last(self, site: str) -> Queued | None:
        """The newest sample; None: there never was one, or the store lost everything."""
        async with answering(self._answer_s):
            newest: Any = await self._redis.xrevrange(keys.samples(site), count=1)
            return unpack_sample(*newest[0]) if newest else None

    async def append(self, site: str, sample: Sample, *, after: int | None) -> AppendAnswer:
        """Add the sample of the next slot; ``after`` is the slot that the caller holds for the last one.

        None: the caller holds the queue for empty.
        """
        args = (sample.slot, -1 if after is None else after, sample.period_ms, pack_sample(sample))
        bound = (self.bound.slots, self.bound.bytes)
        answer = await self._append.run(self._redis, _both(site), (*args, *bound), self._answer_s)
        outcome, last, slots, n_bytes, thinned, gone = answer
        fill = self._fill(int(slots), int(n_bytes), int(thinned))
        return AppendAnswer(outcome.decode(), int(last) if last >= 0 else None, fill, int(gone))

    async def read_after(self, site: str, slot: int, count: int) -> list[Queued]:
        """At most ``count`` samples of later slots, the oldest first."""
        # No MULTI: without memory the store refuses even what is only read in one. What is thinned in between is in
        # both answers then, and what is thinned away in the first.
        async with answering(self._answer_s), self._redis.pipeline(transaction=False) as pipe:
            for stream in _both(site):
                pipe.xrange(stream, min=f"{slot + 1}-0", count=count)
            others, thinned = await pipe.execute()
            found = {one.slot: one for one in (unpack_sample(*entry) for entry in [*others, *thinned])}
            return [found[one] for one in sorted(found)[:count]]

    async def trim_to(self, site: str, slot: int) -> None:
        """Let go of the samples up to that slot, which the database must have. The newest one stays."""
        await self._trim.run(self._redis, _both(site), (slot,), self._answer_s)

    async def fill(self, site: str) -> Fill:
        """How full the queue is."""
        slots = n_bytes = thinned = 0
        async with answering(self._answer_s), self._redis.pipeline(transaction=False) as pipe:
            for stream in _both(site):
                pipe.xlen(stream)
                pipe.xrange(stream, count=1)
                pipe.xrevrange(stream, count=1)
            answer = await pipe.execute()
            for length, first, last in (answer[:3], answer[3:]):
                slots, thinned = slots + length, length
                if first:
                    totals = int(last[0][1][b"total"]) - int(first[0][1][b"total"])
                    n_bytes += totals + len(first[0][1][b"sample"]) + ENTRY_BYTES
        return self._fill(slots, n_bytes, thinned)

    def _fill(self, slots: int, n_bytes: int, thinned: int) -> Fill:
        return Fill(slots, n_bytes, thinned, max(slots / self.bound.slots, n_bytes / self.bound.bytes))


def _both(site: str) -> tuple[str, str]:
    return keys.samples(site), keys.samples_thinned(site)
