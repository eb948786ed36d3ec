"""Serves what is asked of the box's own log: by the schedule after an unplug and at night, and by people.

Rules:

* One request after the other, the oldest first, and only while this bridge leads the site and knows what the box
  speaks. Until then requests wait.
* A question has a deadline, and is asked again after a pause in which the box may come to rest; then the request has
  failed, which its outcome says. Nothing of the ingest waits for any of this: the log has a connection of its own.
* The entries go to ``{site}:box_log`` before the request counts as answered. Where that is full, or the store is
  away, the bridge waits with the request still in the queue.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import tzinfo
from typing import Final, NoReturn, Protocol

import msgspec
import structlog

from gateway.bridge.charge_log_2 import OverMqtt
from gateway.bridge.charge_log_19 import OverHttp
from gateway.domain.box_log import BoxLog, Source
from gateway.domain.box_log_schedule import LogSchedule, Pauses
from gateway.domain.clock import Clock
from gateway.domain.dialects import Dialect
from gateway.domain.errors import StoreUnavailable, Unavailable, Unreadable
from gateway.domain.months import Month
from gateway.domain.values import JsonValue, Removed
from gateway.store.requests import BoxLogQueue, Outcome, Request, RequestQueue, pieces_of

SOURCES: Final[Mapping[Dialect, Source]] = {"openwb-2": "openwb-2", "openwb-1.9": "openwb-1.9"}

log = structlog.get_logger(__name__)


class Lead(Protocol):
    """What of the ingest is asked; ``Ingest`` has it, and the tests' own."""

    @property
    def leads(self) -> bool:
        """Whether this bridge is the one that feeds the site."""

    @property
    def dialect(self) -> Dialect | None:
        """What the box speaks."""


class LogPace(msgspec.Struct, frozen=True):
    """Seconds; a pause is lengthened by up to half, at random. ``attempts``: how often a question is asked."""

    look_s: float = 1
    attempts: int = 3
    pause_s: float = 15
    full_s: float = 5
    unplug: Pauses = Pauses()


class ChargeLog:
    """Of one site."""

    def __init__(  # noqa: PLR0913 - what it is made of, each once
        self,
        site: str,
        lead: Lead,
        requests: RequestQueue,
        queue: BoxLogQueue,
        clock: Clock,
        *,
        over_mqtt: OverMqtt,
        over_http: OverHttp,
        zone: tzinfo,
        pace: LogPace | None = None,
        spread: Callable[[], float] = random.random,
    ) -> None:
        self._site = site
        self._lead = lead
        self._requests = requests
        self._queue = queue
        self._clock = clock
        self._over_mqtt = over_mqtt
        self._over_http = over_http
        self._pace = pace or LogPace()
        self._spread = spread
        self._schedule = LogSchedule(zone, self._pace.unplug)
        self._is_away = False

    def take(self, values: Mapping[str, JsonValue | Removed]) -> None:
        """What the ingest reads: an unplug is seen here."""
        self._schedule.take(values, self._clock.now())

    async def run(self) -> NoReturn:
        """Serve until cancelled."""
        while True:
            served = False
            if self._lead.leads and self._lead.dialect is not None:
                try:
                    served = await self._serve_first()
                    self._is_away = False
                except StoreUnavailable as error:
                    self._note_away(error)
            if not served:
                await asyncio.sleep(self._pace.look_s)

    async def _serve_first(self) -> bool:
        """Ask what is due, and serve one request; whether there was one. Raises StoreUnavailable."""
        for month in self._schedule.due(self._clock.now()):
            if await self._requests.ask(self._site, Request(month.year, month.month, "schedule")) is None:
                log.warning(
                    "too many requests wait; the box's log is not asked for", site=self._site, month=str(month)
                )
        asked = await self._requests.first(self._site)
        if asked is None:
            return False
        month = Month(asked.request.year, asked.request.month)
        outcome = await self._answer(month)
        await self._requests.answered(self._site, asked.id, outcome)
        say = log.warning if outcome.state == "failed" else log.info
        why = {"reason": outcome.reason} if outcome.reason else {}
        say(
            f"the box's charge log: {outcome.state}",
            site=self._site,
            month=str(month),
            entries=outcome.entries,
            **why,
        )
        return True

    async def _answer(self, month: Month) -> Outcome:
        dialect = self._lead.dialect
        assert dialect is not None
        try:
            found = await self._insist(dialect, month)
        except (Unavailable, Unreadable) as error:
            return Outcome("failed", reason=error.message)
        for piece in pieces_of(SOURCES[dialect], found.entries):
            while not await self._queue.append(self._site, piece):
                await self._pause(self._pace.full_s)
        self._schedule.answered(entry.end for entry in found.entries)
        odd = Counter(oddity for entry in found.entries for oddity in entry.oddities)
        return Outcome("done", len(found.entries), found.unreadable, dict(odd))

    async def _insist(self, dialect: Dialect, month: Month) -> BoxLog:
        """Ask, and ask again; raises what the last attempt did."""
        for attempt in range(1, self._pace.attempts):
            try:
                return await self._ask(dialect, month, attempt)
            except (Unavailable, Unreadable) as error:
                log.debug("no charge log yet", site=self._site, month=str(month), reason=error.message)
            await self._pause(self._pace.pause_s)
        return await self._ask(dialect, month, self._pace.attempts)

    async def _ask(self, dialect: Dialect, month: Month, attempt: int) -> BoxLog:
        if dialect == "openwb-1.9":
            return await self._over_http.month(month)
        return await self._over_mqtt.month(month, named=attempt % 2 == 1)

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds * (1 + self._spread() / 2))

    def _note_away(self, error: StoreUnavailable) -> None:
        if not self._is_away:
            log.warning("cannot serve the box's log; trying on", site=self._site, reason=error.message)
        self._is_away = True
