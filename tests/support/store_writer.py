"""A leader as the tests need one: it remembers what it was told and says nothing twice unless asked."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from itertools import count
from typing import TypeVar

from gateway.domain.errors import StoreUnavailable
from gateway.domain.events import Event
from gateway.domain.values import Changes, JsonValue, Position, Reading
from gateway.store.redis import SiteStore, Writer
from tests.support.waiting import eventually

Answer = TypeVar("Answer")
LEASE_MS = 60_000


def readings(**values: JsonValue) -> dict[str, Reading]:
    return {key: Reading(value, 1_800_000_000.5) for key, value in values.items()}


class StoreWriter:
    """Writes one site through one store."""

    def __init__(self, store: SiteStore, site: str, holder: str = "one") -> None:
        self.store = store
        self.site = site
        self.holder = holder
        self.fence = 0
        self.seq = 0
        self.epoch = ""
        self._ids = count(1)

    def new_id(self) -> str:
        return f"{self.holder}-{next(self._ids)}"

    @property
    def writer(self) -> Writer:
        return Writer(self.epoch, self.fence, self.seq)

    @property
    def position(self) -> Position:
        return Position(self.epoch, self.seq)

    async def acquire(self, lease_ms: int = LEASE_MS) -> int | None:
        fence = await self.store.acquire(self.site, self.holder, lease_ms, self.fence)
        self.fence = fence or self.fence
        return fence

    async def open(
        self,
        known: Mapping[str, Reading] | None = None,
        *,
        epoch: str = "",
        batch: str = "",
        events: Iterable[Event] = (),
    ) -> Position:
        position = await self.store.open_epoch(
            self.site,
            holder=self.holder,
            fence=self.fence,
            batch=batch or self.new_id(),
            known_seq=self.seq,
            readings=known or {},
            epoch=epoch or self.new_id(),
            events=events,
        )
        self.epoch, self.seq = position.epoch, position.seq
        return position

    async def lead(self, known: Mapping[str, Reading] | None = None) -> Position:
        """Acquire and open."""
        assert await self.acquire()
        return await self.open(known)

    async def append(self, changes: Changes, *, batch: str = "", events: Iterable[Event] = ()) -> int:
        self.seq = await self.store.append(self.site, self.writer, batch or self.new_id(), changes, events)
        return self.seq

    async def happens(self, *events: Event) -> int:
        """Append events, each with a change of the value that it concerns."""
        return await self.append({event.key: Reading(event.at, event.at) for event in events}, events=events)

    async def set(self, **values: JsonValue) -> int:
        return await self.append(dict(readings(**values)))


async def insist(call: Callable[[], Awaitable[Answer]], within_s: float = 10) -> Answer:
    """The answer of a call that may be repeated as it is, while the store is out of reach."""
    answers: list[Answer] = []

    async def answered() -> bool:
        try:
            answers.append(await call())
        except StoreUnavailable:
            return False
        return True

    await eventually(answered, within_s, what="the store answers")
    return answers[0]


def event(number: int = 0, key: str = "link/state") -> Event:
    """Some event, told apart by its number."""
    return Event("link_changed", 1_800_000_000.0 + number, key, {"before": "up", "state": "down", "reason": None})
