"""The state of every site, in Redis (>= 7.0) or Valkey: what is written, what is read, and what both may rely on.

Keys of a site, in one hash tag so that a script may touch them all, in a cluster too::

    {site}:latest    hash    key -> reading and the seq of its last change (packing.py)
    {site}:changes   stream  one entry per append, id ``seq-0``, carries the epoch; trimmed to about ``stream_length``
    {site}:events    stream  what happened, id ``*``; ``EventsKept`` says for how long and how many
    {site}:meta      hash    epoch, seq, fence, batch (of the last append), opened_batch, opened_seq,
                             event (newest id), events (how many there ever were)
    {site}:lease     string  the leader's holder id; expires

Data flow::

    acquire -> open_epoch -> append, append, ... -> release        one writer: the leader
                   |            |       bridge_down                anybody, only while there is no leader
                   |            |            |
                latest, changes, events and meta move together, in one script
                   |            |
    load (latest at a position) -> news_after that position -> ...      any number of readers (follow.py)

Phases of a writer:

1. *Leader.* ``acquire`` takes the lease and raises the fence above every fence that the store or the caller knows;
   from then on nobody else's writes are accepted. The lease keeps others from trying, the fence keeps them out.
2. *Epoch.* ``open_epoch`` replaces ``latest`` as a whole and leaps seq by a million beyond all that the store holds
   and the writer was ever told, so no position of before can be mistaken for one of after.
3. *Append.* The writer sends the seq it was last told. The store compares, and only then appends:

   ========================================  =====================================================
   the store finds                           answer
   ========================================  =====================================================
   no epoch                                  EpochMissing: open one
   another epoch, or another fence           NotLeader: acquire, then open one
   expected seq + 1 and this very batch      success: the batch had arrived, only its answer was lost
   any other seq than the expected one       DataLost: the store lost writes; open an epoch
   ========================================  =====================================================

4. *Nobody.* While no lease exists ``bridge_down`` may be called by any process, at any time, any number of times. It
   makes stale what looks live and says why in ``link/state``, and it raises the fence: who led and only let the lease
   run out is refused. That is a new epoch, not one more seq: when the store lost the last entries together with the
   bridge, the next seq would be a position that somebody may hold, with other values.

Events ride with the append or the opening that carries the changes they tell of: both are in the store, or neither
is. Each remembers the seq of that call, so that a reader can tell it after those changes. They go with the first
append after their time is up, or when there are too many: the oldest go first.

Guarantees:

* Within an epoch seq grows by exactly one with every append; a position ``(epoch, seq)`` names one state for ever.
* What ``load`` answers is the state at its position, and the changes after that position follow without gap or
  repetition; a reader who cannot be given that is told (``follow.judge`` and ``follow.lost_by``).
* Ids of events only grow, whatever the clock does, for as long as the stream lives. When it is set back, they stay at
  the highest one; when it is set forward, events age before their time. A stream that was lost begins with the clock,
  and if that was set back, below what readers know: ``heads`` tells.
* Nothing else depends on a clock: ids are seqs, order is seq, and a lease runs by the store's own time alone; when
  that jumps, a lease may end early or late, and the fence still keeps writers apart.

Retries: a call that ended in StoreUnavailable may or may not have arrived. ``append`` and ``open_epoch`` must then be
repeated *identically*, batch id included, until they are answered; or a new epoch be opened. One such call may be
under way per site and writer. The others may be repeated as they are. Nothing is retried in here.

Every method raises StoreUnavailable when the store is out of reach, does not answer in time, loads, is full, or holds
what cannot be read. Cancelling is safe for readers; a cancelled write counts as unanswered.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import msgspec
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.maint_notifications import MaintNotificationsConfig

from gateway.domain.errors import DataLost, EpochMissing, NotLeader
from gateway.domain.events import REASON, STATE, Event, EventEntry, EventId, Watch
from gateway.domain.link import bridge_down
from gateway.domain.values import Changes, Position, Reading, Snapshot
from gateway.store import events as events_of_a_site
from gateway.store import keys
from gateway.store.calls import Script, ScriptArg, answering
from gateway.store.events import EventsPage, NewestEvents, id_of, pack_events, unpack_event
from gateway.store.packing import Entry, pack, removals, unpack_entry, unpack_latest

REFUSALS = {
    b"epoch_missing": (EpochMissing, "the store knows no epoch of site {site}"),
    b"not_leader": (NotLeader, "another writer leads site {site}"),
    b"data_lost": (DataLost, "the store lost writes of site {site}: it stands at seq {seq}"),
}

SAID = (STATE.encode(), REASON.encode())


class Writer(msgspec.Struct, frozen=True):
    """Who appends, and where it believes the site stands: the seq it was last told."""

    epoch: str
    fence: int
    seq: int


class EventsKept(msgspec.Struct, frozen=True):
    """For how long events are kept, in seconds, and how many of a site at most: the oldest go first."""

    for_s: float = 30 * 86_400
    most: int = 10_000

    @property
    def args(self) -> tuple[int, int]:
        """How scripts are told: milliseconds, and how many."""
        return round(self.for_s * 1000), self.most


class Head(msgspec.Struct, frozen=True):
    """Where a site stands: its position (None: no epoch yet) and the highest id of an event."""

    position: Position | None
    event: EventId


class News(msgspec.Struct, frozen=True):
    """What is new, by site; at most ``count`` of each. It may be of another epoch, or begin after a hole."""

    changes: dict[str, list[Entry]]
    events: dict[str, list[EventEntry]]


class SiteStore:
    """All sites of one Redis. ``redis``, from ``open_client``, is the caller's; a call ends within ``answer_s``."""

    def __init__(
        self,
        redis: Redis,
        *,
        stream_length: int = 20_000,
        ring: int = 10_000,
        events_kept: EventsKept | None = None,
        answer_s: float = 5,
    ) -> None:
        self._redis = redis
        self._answer_s = answer_s
        self._stream_length = stream_length
        self._ring = ring
        self._events_kept = events_kept or EventsKept()
        self._append, self._open_epoch, self._bridge_down = (
            Script("events.lua", f"{name}.lua") for name in ("append", "open_epoch", "bridge_down")
        )
        self._acquire, self._renew, self._release = (
            Script(f"{name}.lua") for name in ("acquire", "renew", "release")
        )

    def over(self, redis: Redis, answer_s: float) -> "SiteStore":
        """The same store over another connection, with another deadline."""
        kept = self._events_kept
        return SiteStore(
            redis, stream_length=self._stream_length, ring=self._ring, events_kept=kept, answer_s=answer_s
        )

    async def acquire(self, site: str, holder: str, lease_ms: int, known_fence: int) -> int | None:
        """Take or prolong the lease; the fence, or None: another holds it.

        Who still holds it gets the fence it has, unless ``known_fence``, the highest it ever had, is above that.
        """
        fence = await self._run(self._acquire, (keys.lease(site), keys.meta(site)), (holder, lease_ms, known_fence))
        return int(fence) or None

    async def renew(self, site: str, holder: str, lease_ms: int) -> bool:
        """Prolong the lease; False: it is not the holder's any more."""
        return bool(await self._run(self._renew, (keys.lease(site),), (holder, lease_ms)))

    async def release(self, site: str, holder: str) -> None:
        """Give the lease back, if the holder still has it."""
        await self._run(self._release, (keys.lease(site),), (holder,))

    async def open_epoch(
        self,
        site: str,
        *,
        holder: str,
        fence: int,
        batch: str,
        known_seq: int,
        readings: Mapping[str, Reading],
        epoch: str,
        events: Iterable[Event] = (),
    ) -> Position:
        """Make ``readings`` the whole state of the site, in a new epoch; the position from which to append.

        ``epoch`` must never have been used, ``known_seq`` is the highest seq the writer was ever told (0: none).
        Raises NotLeader unless the holder has the lease and no higher fence was given out.
        """
        packed, nothing, happened = pack(dict(readings)), pack({}), pack_events(events)
        touched = (keys.meta(site), keys.latest(site), keys.changes(site), keys.lease(site), keys.events(site))
        head = (holder, fence, batch, epoch, known_seq, self._stream_length, nothing.entry_set)
        body = (*self._events_kept.args, len(happened), *happened, *packed.pairs)
        return Position(epoch, _answered(site, await self._run(self._open_epoch, touched, (*head, *body))))

    async def append(
        self, site: str, writer: Writer, batch: str, changes: Changes, events: Iterable[Event] = ()
    ) -> int:
        """Move the site from ``writer.seq`` to the seq after it, which is the answer; ``batch`` must be unique.

        Raises EpochMissing, NotLeader, DataLost; nothing was changed then.
        """
        packed, happened = pack(changes), pack_events(events)
        head = (writer.epoch, writer.fence, writer.seq, batch, self._stream_length)
        entry = (packed.entry_set, packed.entry_removed)
        counts = (*self._events_kept.args, len(happened), len(packed.pairs) // 2)
        touched = (keys.meta(site), keys.latest(site), keys.changes(site), keys.events(site))
        args = (*head, *entry, *counts, *happened, *packed.pairs, *packed.removed)
        return _answered(site, await self._run(self._append, touched, args))

    async def bridge_down(self, site: str, *, at: float, epoch: str, batch: str) -> Position | None:
        """Say that no bridge is there, as of ``at`` in epoch seconds; where the site stands then.

        ``epoch`` and ``batch`` must never have been used. None: nothing was to be said. Somebody has the lease, or it
        has been said, or is being said by another at this moment, or the store knows no epoch.
        """
        async with self._answering():
            stored: Any = await self._redis.hmget(keys.latest(site), STATE, REASON)
            known, _ = unpack_latest({key: one for key, one in zip(SAID, stored, strict=True) if one})
        readings: Changes = dict(bridge_down(float(at)))
        happened, pairs = pack_events(Watch(known).events_of(readings, at)), pack(readings).pairs
        head = (epoch, batch, self._stream_length, pack({}).entry_set, stored[0] or b"")
        touched = (keys.meta(site), keys.latest(site), keys.changes(site), keys.lease(site), keys.events(site))
        args = (*head, *self._events_kept.args, len(happened), *happened, *pairs)
        outcome, seq = await self._run(self._bridge_down, touched, args)
        return Position(epoch, int(seq)) if outcome == b"ok" else None

    async def led(self, sites: Iterable[str]) -> list[bool]:
        """Of which of the sites somebody has the lease, in one round trip, not in one moment."""
        async with self._answering(), self._redis.pipeline(transaction=False) as pipe:
            for site in sites:
                pipe.exists(keys.lease(site))
            return [bool(found) for found in await pipe.execute()]

    async def load(self, site: str) -> Snapshot | None:
        """The state of the site at one moment, with the removals of the last ``ring`` appends; None: no epoch yet."""
        async with self._answering():
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.hmget(keys.meta(site), "epoch", "seq", "opened_seq")
                pipe.hgetall(keys.latest(site))
                pipe.xrevrange(keys.changes(site), count=self._ring)
                meta, latest, newest_first = await pipe.execute()
            position = _position(meta)
            if position is None:
                return None
            readings, seqs = unpack_latest(latest)
            removed, oldest = removals(newest_first, position.epoch, position.seq)
            gone = {key: seq for key, seq in removed.items() if key not in readings}
            return Snapshot(position, readings, seqs, gone, max(oldest - 1, int(meta[2] or 0)))

    async def position(self, site: str) -> Position | None:
        """Where the site stands; None: no epoch yet."""
        return (await self.heads([site]))[0].position

    async def heads(self, sites: Iterable[str]) -> list[Head]:
        """Where each of the sites stands, in one round trip, not in one moment."""
        async with self._answering(), self._redis.pipeline(transaction=False) as pipe:
            for site in sites:
                pipe.hmget(keys.meta(site), "epoch", "seq", "event")
            return [Head(_position(meta), id_of(meta[2])) for meta in await pipe.execute()]

    async def news_after(
        self,
        positions: Mapping[str, Position],
        events: Mapping[str, EventId],
        *,
        block_ms: int,
        count: int = 500,
    ) -> News:
        """The changes after each site's position, and the events after an id; waits up to ``block_ms`` for the first.

        Whether they continue the position is for ``follow.judge`` to see.
        """
        after: dict[Any, Any] = {keys.changes(site): f"{position.seq}-0" for site, position in positions.items()}
        after.update((keys.events(site), str(held)) for site, held in events.items())
        async with self._answering(block_ms / 1000):
            answer: Any = dict(await self._redis.xread(after, count=count, block=block_ms) or ())
            changes, happened = _by_site(answer, positions, keys.changes), _by_site(answer, events, keys.events)
            return News(
                {site: [unpack_entry(*entry) for entry in entries] for site, entries in changes},
                {site: [unpack_event(*entry) for entry in entries] for site, entries in happened},
            )

    async def events_after(self, site: str, after: EventId, count: int) -> EventsPage:
        """At most ``count`` events after an id, the oldest first."""
        async with self._answering(), self._redis.pipeline(transaction=True) as pipe:
            pipe.hmget(keys.meta(site), "event", "events")
            pipe.xlen(keys.events(site))
            pipe.xrange(keys.events(site), count=1)
            pipe.xrange(keys.events(site), min=f"({after}", count=count + 1)
            meta, length, first, found = await pipe.execute()
            return events_of_a_site.page(after, meta, length, first, found, count)

    async def newest_events(self, site: str, count: int) -> NewestEvents:
        """The newest events, at most ``count``, the oldest of them first."""
        async with self._answering(), self._redis.pipeline(transaction=True) as pipe:
            pipe.hmget(keys.meta(site), "event", "events")
            pipe.xlen(keys.events(site))
            pipe.xrevrange(keys.events(site), count=count + 1)
            meta, length, newest_first = await pipe.execute()
            return events_of_a_site.newest(meta, length, newest_first, count)

    def _answering(self, wait_s: float = 0) -> AbstractAsyncContextManager[None]:
        return answering(self._answer_s + wait_s)

    async def _run(self, script: Script, touched: Sequence[str], args: Sequence[ScriptArg]) -> Any:
        return await script.run(self._redis, touched, args, self._answer_s)


def open_client(url: str, timeout_s: float = 5) -> Redis:
    """A client whose connections are made within ``timeout_s``; close it with ``close_client``.

    redis-py would repeat commands by itself, ten times and out of the caller's sight: here every failure shows.
    With a socket timeout it sends through ``asyncio.wait_for``, which swallows cancellations on Python 3.11, and ends
    blocking reads early: there is none, so whoever calls sets a deadline, as ``SiteStore`` does.
    """
    return Redis.from_url(
        url,
        socket_timeout=None,
        socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
    )


async def close_client(redis: Redis) -> None:
    """Close all its connections, also when cancelled meanwhile, which would leave some open."""
    try:
        await redis.aclose()
    except asyncio.CancelledError:
        await redis.aclose()
        raise
    except (RedisError, OSError):
        return  # they were broken already


def _answered(site: str, answer: Any) -> int:
    outcome, seq = answer
    if outcome != b"ok":
        error, sentence = REFUSALS[outcome]
        raise error(sentence.format(site=site, seq=seq))
    return int(seq)


def _position(meta: Sequence[bytes | None]) -> Position | None:
    epoch, seq = meta[0], meta[1]
    return Position(epoch.decode(), int(seq)) if epoch is not None and seq is not None else None


def _by_site(
    answer: Mapping[bytes, Any], sites: Iterable[str], key_of: Callable[[str], str]
) -> Iterator[tuple[str, Any]]:
    """The entries of those of the sites of which the answer has some."""
    return ((site, answer[name]) for site in sites if (name := key_of(site).encode()) in answer)
