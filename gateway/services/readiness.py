"""Which parts of this process work, and since when.

A part is ``starting`` until somebody reports it; ``since`` is the moment of its last change of state. A part that
does not count is told, and no more: the process serves without it.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, Literal, TypeAlias

import msgspec
import structlog

from gateway.domain.backoff import Backoff
from gateway.domain.clock import Clock
from gateway.domain.errors import Unavailable

State: TypeAlias = Literal["starting", "ok", "down"]

log = structlog.get_logger(__name__)


class PartState(msgspec.Struct, frozen=True):
    """One part: ``since`` in epoch seconds, ``reason`` a sentence or a code without secrets."""

    name: str
    state: State
    since: float
    reason: str | None = None
    counts: bool = True


class Readiness:
    """The parts named at the start must all be ok; those that report later join them. Who drains is not ready."""

    def __init__(self, clock: Clock, parts: Iterable[str] = ()) -> None:
        self.draining = False
        self._clock = clock
        self._parts = {name: PartState(name, "starting", clock.now()) for name in parts}

    def report(self, part: str, state: State, reason: str | None = None, *, counts: bool = True) -> None:
        """Say how a part does; saying the same again changes nothing."""
        known = self._parts.get(part)
        since = known.since if known is not None and known.state == state else self._clock.now()
        self._parts[part] = PartState(part, state, since, reason, counts)

    def parts(self) -> tuple[PartState, ...]:
        return tuple(self._parts.values())

    @property
    def ready(self) -> bool:
        return not self.draining and all(part.state == "ok" for part in self._parts.values() if part.counts)


class Pauses(msgspec.Struct, frozen=True):
    """How long a part is let be, in seconds: while it is well, and after the first failures and at most after many.

    All are shortened by up to half, at random.
    """

    period_s: float = 2.0
    retry_base_s: float = 2.0
    retry_cap_s: float = 10.0


USUAL_PAUSES: Final = Pauses()


class Probe:
    """Prepares a part until that succeeds, then asks it from time to time how it does, and reports both.

    What fails is tried again soon, however long the period is. The log hears when that changes for the worse, and
    when it is well again.

    Only Unavailable is survived: any other error is the owner's to see.
    """

    def __init__(
        self,
        readiness: Readiness,
        part: str,
        *,
        prepare: Callable[[], Awaitable[None]] | None = None,
        check: Callable[[], Awaitable[None]],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        pauses: Pauses = USUAL_PAUSES,
        spread: Callable[[], float] = random.random,
    ) -> None:
        self._readiness = readiness
        self._part = part
        self._prepare = prepare
        self._check = check
        self._sleep = sleep
        self._period_s = pauses.period_s
        self._backoff = Backoff(pauses.retry_base_s, pauses.retry_cap_s, spread)
        self._spread = spread
        self._is_away = False

    async def run(self) -> None:
        """For ever; stop it by cancelling."""
        attempt = self._prepare or self._check
        while True:
            if await self._succeeds(attempt):
                attempt = self._check
                self._backoff.over()
                await self._sleep(self._period_s * (0.5 + self._spread() / 2))
            else:
                await self._sleep(self._backoff.next_s())

    async def _succeeds(self, attempt: Callable[[], Awaitable[None]]) -> bool:
        try:
            await attempt()
        except Unavailable as error:
            self._readiness.report(self._part, "down", error.message)
            if not self._is_away:
                log.warning("does not work; trying on", part=self._part, reason=error.message)
            self._is_away = True
            return False
        self._readiness.report(self._part, "ok")
        if self._is_away:
            log.info("works again", part=self._part)
        self._is_away = False
        return True
