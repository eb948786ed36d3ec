"""What the web processes tell each other about connections: one short stream that all of them write and read.

Key: ``{gateway}:notices``, a stream trimmed to about ``LENGTH`` entries. It is of no site.

Rules:

* Every process reads all notices, its own included, in one order, the same for all.
* A process reads from where the board stands when it starts: who is connected then has come before. After an
  interruption it goes on from the last notice that it read.
* A process writes its notices in the order in which it was told to. While the store does not answer they wait, at
  most ``MOST_WAITING``; beyond that the oldest are dropped. What is no longer true in its turn is not written.
* A notice that stands there twice, because an answer got lost, is told once.
* A notice makes things faster; that a login has ended is seen without it, too, when the database is asked again.
"""

import asyncio
import contextlib
import secrets
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any, NoReturn, TypeAlias

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway.domain.errors import StoreUnavailable
from gateway.store.redis import close_client

KEY = "{gateway}:notices"
LENGTH = 1_000
MOST_WAITING = 1_000
FIELD = b"n"


class LoginEnded(msgspec.Struct, frozen=True, tag="login_ended", kw_only=True):
    """Somebody ended this login."""

    token_id: int


class DeviceTaken(msgspec.Struct, frozen=True, tag="device_taken", kw_only=True):
    """A user's device has a new connection, which takes the place of every older one."""

    user_id: int
    device: str
    connection: str


Notice: TypeAlias = LoginEnded | DeviceTaken


class _Posted(msgspec.Struct, frozen=True):
    process: str
    notice: Notice


class NoticeBoard:
    """``run`` must run. ``connect`` makes a client (``open_client``) for each of its two ways."""

    def __init__(
        self,
        connect: Callable[[], Redis],
        *,
        answer_s: float = 5,
        block_s: float = 5,
        pause_s: float = 0.5,
        spread: Callable[[], float] = lambda: 0.5,
    ) -> None:
        self._connect = connect
        self._answer_s = answer_s
        self._block_s = block_s
        self._pause_s = pause_s
        self._spread = spread
        self._process = secrets.token_hex(8)
        self._waiting: deque[tuple[Notice, Callable[[], bool]]] = deque(maxlen=MOST_WAITING)
        self._more = asyncio.Event()
        self._told: deque[Notice] = deque(maxlen=MOST_WAITING)
        self._read_until: bytes | None = None
        self._reading = asyncio.Event()
        self._decoder = msgspec.json.Decoder(_Posted)

    def tell(self, notice: Notice, still_true: Callable[[], bool]) -> None:
        """Post the notice as soon as its turn comes, if it is true then; never waits."""
        self._waiting.append((notice, still_true))
        self._more.set()

    async def run(self, on_notice: Callable[[Notice, bool], None]) -> None:
        """Post and read, until cancelled; ``on_notice`` is told each notice and whether it is this process's own."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._again(self._post), name="notices out")
            tasks.create_task(self._again(lambda redis: self._read(redis, on_notice)), name="notices in")

    async def _again(self, work: Callable[[Redis], Any]) -> NoReturn:
        """The work over a connection of its own, anew after each failure."""
        while True:
            redis = self._connect()
            try:
                await work(redis)
            except StoreUnavailable:
                await asyncio.sleep(self._pause_s * (0.5 + self._spread()))
            finally:
                await close_client(redis)

    async def _post(self, redis: Redis) -> NoReturn:
        await self._reading.wait()  # else its own first notices would be of before
        while True:
            while self._waiting:
                notice, still_true = self._waiting.popleft()
                if still_true():
                    try:
                        await self._post_one(redis, notice)
                    except StoreUnavailable:
                        if len(self._waiting) < MOST_WAITING:
                            self._waiting.appendleft((notice, still_true))
                        raise
            self._more.clear()
            await self._more.wait()

    async def _post_one(self, redis: Redis, notice: Notice) -> None:
        text = msgspec.json.encode(_Posted(self._process, notice))
        async with self._answering(self._answer_s):
            await redis.xadd(KEY, {FIELD: text}, maxlen=LENGTH, approximate=True)

    async def _read(self, redis: Redis, on_notice: Callable[[Notice, bool], None]) -> NoReturn:
        if self._read_until is None:
            async with self._answering(self._answer_s):
                newest: Any = await redis.xrevrange(KEY, count=1)
            self._read_until = newest[0][0] if newest else b"0-0"
            self._reading.set()
        while True:
            async with self._answering(self._answer_s + self._block_s):
                answer: Any = await redis.xread({KEY: self._read_until}, count=100, block=int(self._block_s * 1000))
            for _key, entries in answer or ():
                for entry_id, fields in entries:
                    self._read_until = entry_id
                    with contextlib.suppress(msgspec.DecodeError):  # a later version's notice is none of ours
                        self._take(self._decoder.decode(fields.get(FIELD, b"")), on_notice)

    def _take(self, posted: _Posted, on_notice: Callable[[Notice, bool], None]) -> None:
        """Tell the notice, once: a post whose answer got lost stands there twice."""
        if posted.notice not in self._told:
            self._told.append(posted.notice)
            on_notice(posted.notice, posted.process == self._process)

    @contextlib.asynccontextmanager
    async def _answering(self, within_s: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(within_s):
                yield
        except (RedisError, OSError, TimeoutError) as error:
            raise StoreUnavailable("the store is out of reach") from error
