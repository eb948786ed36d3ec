"""The state of every site, in Redis (>= 7.0) or Valkey: what is written, what is read, and what both may rely on.

Keys of a site, in one hash tag so that a script may touch them all, in a cluster too::

    {site}:latest    hash    key -> reading and the seq of its last change (packing.py)
    {site}:changes   stream  one entry per append, id ``seq-0``, carries the epoch; trimmed to about ``stream_length``
    {site}:meta      hash    epoch, seq, fence, batch (of the last append), opened_batch, opened_seq
    {site}:lease     string  the leader's holder id; expires

Data flow::

    acquire -> open_epoch -> append, append, ... -> release        one writer: the leader
                   |            |
                latest, changes and meta move together, in one script
                   |            |
    load (latest at a position) -> changes_after that position -> ...   any number of readers (follow.py)

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

Guarantees:

* Within an epoch seq grows by exactly one with every append; a position ``(epoch, seq)`` names one state for ever.
* What ``load`` answers is the state at its position, and the changes after that position follow without gap or
  repetition; a reader who cannot be given that is told (``follow.judge`` and ``follow.lost_by``).
* Nothing depends on a clock: ids are seqs, order is seq, and a lease runs by the store's own time alone; when that
  jumps, a lease may end early or late, and the fence still keeps writers apart.

Retries: a call that ended in StoreUnavailable may or may not have arrived. ``append`` and ``open_epoch`` must then be
repeated *identically*, batch id included, until they are answered; or a new epoch be opened. One such call may be
under way per site and writer. The others may be repeated as they are. Nothing is retried in here.

Every method raises StoreUnavailable when the store is out of reach, does not answer in time, loads, is full, or holds
what cannot be read. Cancelling is safe for readers; a cancelled write counts as unanswered.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from importlib import resources
from typing import Any, TypeAlias

import msgspec
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError
from redis.maint_notifications import MaintNotificationsConfig

from gateway.domain.errors import DataLost, EpochMissing, NotLeader, StoreUnavailable
from gateway.domain.values import Changes, Position, Reading, Snapshot
from gateway.store.packing import Entry, pack, removals, unpack_entry, unpack_latest

ScriptArg: TypeAlias = str | bytes | int

REFUSALS = {
    b"epoch_missing": (EpochMissing, "the store knows no epoch of site {site}"),
    b"not_leader": (NotLeader, "another writer leads site {site}"),
    b"data_lost": (DataLost, "the store lost writes of site {site}: it stands at seq {seq}"),
}


class Writer(msgspec.Struct, frozen=True):
    """Who appends, and where it believes the site stands: the seq it was last told."""

    epoch: str
    fence: int
    seq: int


class SiteStore:
    """All sites of one Redis. ``redis``, from ``open_client``, is the caller's; a call ends within ``answer_s``."""

    def __init__(self, redis: Redis, *, stream_length: int = 20_000, ring: int = 10_000, answer_s: float = 5) -> None:
        self._redis = redis
        self._answer_s = answer_s
        self._stream_length = stream_length
        self._ring = ring
        self._append, self._open_epoch = _Script("append.lua"), _Script("open_epoch.lua")
        self._acquire, self._renew, self._release = (
            _Script(f"{name}.lua") for name in ("acquire", "renew", "release")
        )

    def over(self, redis: Redis, answer_s: float) -> "SiteStore":
        """The same store over another connection, with another deadline."""
        return SiteStore(redis, stream_length=self._stream_length, ring=self._ring, answer_s=answer_s)

    async def acquire(self, site: str, holder: str, lease_ms: int, known_fence: int) -> int | None:
        """Take or prolong the lease; the fence, or None: another holds it.

        Who still holds it gets the fence it has, unless ``known_fence``, the highest it ever had, is above that.
        """
        fence = await self._run(self._acquire, (_lease(site), _meta(site)), (holder, lease_ms, known_fence))
        return int(fence) or None

    async def renew(self, site: str, holder: str, lease_ms: int) -> bool:
        """Prolong the lease; False: it is not the holder's any more."""
        return bool(await self._run(self._renew, (_lease(site),), (holder, lease_ms)))

    async def release(self, site: str, holder: str) -> None:
        """Give the lease back, if the holder still has it."""
        await self._run(self._release, (_lease(site),), (holder,))

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
    ) -> Position:
        """Make ``readings`` the whole state of the site, in a new epoch; the position from which to append.

        ``epoch`` must never have been used, ``known_seq`` is the highest seq the writer was ever told (0: none).
        Raises NotLeader unless the holder has the lease and no higher fence was given out.
        """
        packed, nothing = pack(dict(readings)), pack({})
        keys = (_meta(site), _latest(site), _changes(site), _lease(site))
        head = (holder, fence, batch, epoch, known_seq, self._stream_length, nothing.entry_set)
        seq = _answered(site, await self._run(self._open_epoch, keys, (*head, *packed.pairs)))
        return Position(epoch, seq)

    async def append(self, site: str, writer: Writer, batch: str, changes: Changes) -> int:
        """Move the site from ``writer.seq`` to the seq after it, which is the answer; ``batch`` must be unique.

        Raises EpochMissing, NotLeader, DataLost; nothing was changed then.
        """
        packed = pack(changes)
        head = (writer.epoch, writer.fence, writer.seq, batch, self._stream_length)
        body = (packed.entry_set, packed.entry_removed, len(packed.pairs) // 2, *packed.pairs, *packed.removed)
        keys = (_meta(site), _latest(site), _changes(site))
        return _answered(site, await self._run(self._append, keys, (*head, *body)))

    async def load(self, site: str) -> Snapshot | None:
        """The state of the site at one moment, with the removals of the last ``ring`` appends; None: no epoch yet."""
        async with self._answering():
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.hmget(_meta(site), "epoch", "seq", "opened_seq")
                pipe.hgetall(_latest(site))
                pipe.xrevrange(_changes(site), count=self._ring)
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
        return (await self.positions([site]))[0]

    async def positions(self, sites: Iterable[str]) -> list[Position | None]:
        """Where each of the sites stands, in one round trip, not in one moment."""
        async with self._answering(), self._redis.pipeline(transaction=False) as pipe:
            for site in sites:
                pipe.hmget(_meta(site), "epoch", "seq")
            return [_position(meta) for meta in await pipe.execute()]

    async def changes_after(
        self, positions: Mapping[str, Position], *, block_ms: int, count: int = 500
    ) -> dict[str, list[Entry]]:
        """At most ``count`` entries after each site's position; waits up to ``block_ms`` for the first.

        They may be of another epoch, or begin after a hole: that is for ``follow.judge`` to see.
        """
        sites = {_changes(site).encode(): site for site in positions}
        after: dict[Any, Any] = {_changes(site): f"{position.seq}-0" for site, position in positions.items()}
        async with self._answering(block_ms / 1000):
            answer: Any = await self._redis.xread(after, count=count, block=block_ms)
            return {sites[name]: [unpack_entry(*entry) for entry in entries] for name, entries in answer or ()}

    @contextlib.asynccontextmanager
    async def _answering(self, wait_s: float = 0) -> AsyncIterator[None]:
        within_s = self._answer_s + wait_s
        try:
            async with asyncio.timeout(within_s):
                yield
        except TimeoutError as error:
            raise StoreUnavailable(f"the store gave no answer within {within_s:.1f} s") from error
        except (RedisError, OSError) as error:
            raise StoreUnavailable(f"the store is out of reach: {error or type(error).__name__}") from error
        except (msgspec.DecodeError, KeyError, ValueError) as error:
            raise StoreUnavailable(f"the store holds what this version cannot read: {error!r}") from error

    async def _run(self, script: "_Script", keys: Sequence[str], args: Sequence[ScriptArg]) -> Any:
        async with self._answering():
            try:
                return await self._redis.evalsha(script.sha, len(keys), *keys, *args)
            except NoScriptError:  # nothing was run: the server is new, or was restarted
                return await self._redis.eval(script.source, len(keys), *keys, *args)


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


class _Script:
    def __init__(self, name: str) -> None:
        self.source = resources.files("gateway.store").joinpath(name).read_text(encoding="utf-8")
        self.sha = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()


def _answered(site: str, answer: Any) -> int:
    outcome, seq = answer
    if outcome != b"ok":
        error, sentence = REFUSALS[outcome]
        raise error(sentence.format(site=site, seq=seq))
    return int(seq)


def _position(meta: Sequence[bytes | None]) -> Position | None:
    epoch, seq = meta[0], meta[1]
    return Position(epoch.decode(), int(seq)) if epoch is not None and seq is not None else None


def _meta(site: str) -> str:
    return f"{{{site}}}:meta"


def _latest(site: str) -> str:
    return f"{{{site}}}:latest"


def _changes(site: str) -> str:
    return f"{{{site}}}:changes"


def _lease(site: str) -> str:
    return f"{{{site}}}:lease"
