"""Charge sessions as they are told: with their corrections, and with the sources that the box's own log knows.

Sums are added up here from exact decimals, some hundreds of charge sessions at a time, so that whoever else is served
waits for no more than these; and no more of them are read than ``MOST_SESSIONS``.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import tzinfo
from decimal import Decimal
from typing import Final, TypeAlias

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.db.charge_session_queries import (
    Chosen,
    Place,
    Stored,
    add_version,
    entries_ended,
    session_by_id,
    sessions_after,
)
from gateway.db.engine import Database
from gateway.domain.access import Login
from gateway.domain.box_log_joins import joined
from gateway.domain.box_log_shares import BoxWord
from gateway.domain.charge_corrections import Correction, Version, check_text, corrected
from gateway.domain.charge_sessions import ChargeSession, EnergyBySource, SourceHow, as_of, exact
from gateway.domain.charge_statistics import By, Counted, Statistics, Sum
from gateway.domain.clock import Clock
from gateway.domain.errors import Conflict, InvalidArgument, NotFound
from gateway.domain.months import Month, months
from gateway.domain.reconcile import CLOCKS_S, Reconciled, month_of
from gateway.domain.values import Reading
from gateway.hub.hub import Hub
from gateway.hub.views import Rights
from gateway.services.reconciling import reconciled

OpenSessions: TypeAlias = Callable[[str], Awaitable[Sequence[ChargeSession]]]

MOST_SESSIONS: Final = 50_000
"""Of one sum: a large car park's year."""

AT_ONCE: Final = 200
MOST_MONTHS: Final = 36


class Told(msgspec.Struct, frozen=True):
    """A charge session with its sources, and who says so."""

    stored: Stored
    sources: EnergyBySource | None
    how: SourceHow | None

    @property
    def counted(self) -> Counted:
        session, holds = self.stored.session, self.stored.holds
        assert session.unplugged_at is not None
        return Counted(
            chargepoint_id=session.chargepoint_id,
            ended=session.unplugged_at,
            vehicle_id=holds.vehicle_id,
            vehicle_name=holds.vehicle_name,
            energy_wh=session.energy_wh,
            sources=self.sources,
        )


class Page(msgspec.Struct, frozen=True):
    """``next``: after which place to go on, None: there are no more. ``total`` is of all that are chosen, None: of a
    later page, or of too many to be added up.
    """

    sessions: tuple[Told, ...]
    next: Place | None
    total: Sum | None


class ChargeSessions:
    """Of all sites. ``open_sessions`` are those that have not ended, by the tracker's word."""

    def __init__(
        self,
        database: Database,
        open_sessions: OpenSessions,
        zones: Mapping[str, tzinfo],
        hub: Hub,
        rights_of: Callable[[Login], Rights],
        clock: Clock,
        *,
        at_once: int = AT_ONCE,
        most: int = MOST_SESSIONS,
    ) -> None:
        self._database = database
        self._open_sessions = open_sessions
        self._zones = zones
        self._hub = hub
        self._rights_of = rights_of
        self._clock = clock
        self._at_once = at_once
        self._most = most

    def zone(self, login: Login, site: str) -> tzinfo:
        """The zone of a site that the login may see; raises NotFound."""
        zone = self._zones.get(site)
        if zone is None or self._rights_of(login)(site) is None:
            raise NotFound("there is no such site")
        return zone

    def this_month(self, zone: tzinfo) -> Month:
        """The local one."""
        return month_of(self._clock.now(), zone)

    async def page(self, login: Login, site: str, chosen: Chosen, place: Place | None, limit: int) -> Page:
        """The next ``limit`` after a place. Raises NotFound, DatabaseUnavailable."""
        self.zone(login, site)
        async with self._database.reading() as connection:
            found = await sessions_after(connection, site, chosen, place, limit + 1)
            told = await _told(connection, site, found[:limit])
        more = told[-1].stored.place if len(found) > limit else None
        if place is not None:
            return Page(told, more, None)
        if more is None:
            return Page(told, more, _sum_of(told))
        return Page(told, more, await self._total(site, chosen))

    async def one(self, login: Login, site: str, session_id: int) -> Told:
        """Raises NotFound, DatabaseUnavailable."""
        self.zone(login, site)
        async with self._database.reading() as connection:
            (told,) = await _told(connection, site, [_there(await session_by_id(connection, site, session_id))])
        return told

    async def current(self, login: Login, site: str) -> Sequence[ChargeSession]:
        """Those that go on: as of the tracker's last step, but for meter and time, which are those of now.

        Raises NotFound, StoreUnavailable.
        """
        self.zone(login, site)
        now = self._clock.now()
        found = await self._open_sessions(site)
        return [as_of(one, self._meter_wh(site, one.chargepoint_id), now) for one in found]

    def _meter_wh(self, site: str, chargepoint_id: str) -> Decimal | None:
        reading = self._reading(site, f"chargepoints/{chargepoint_id}/meter_wh")
        if reading is None or reading.stale or not isinstance(reading.value, int | float):
            return None
        return exact(reading.value)

    def _reading(self, site: str, key: str) -> Reading | None:
        state = self._hub.state(site)
        return None if state is None else state.readings.get(key)

    async def correct(
        self, login: Login, site: str, session_id: int, wanted: Correction, reason: str, based_on: int
    ) -> Version:
        """Add a version to the one that the login has seen.

        Raises NotFound, InvalidArgument, Conflict when it is not the newest one, DatabaseUnavailable.
        """
        self.zone(login, site)
        check_text("reason", reason)
        name = None if not isinstance(wanted.vehicle_id, int) else self._vehicle_name(site, wanted.vehicle_id)
        async with self._database.writing() as connection:
            stored = _there(await session_by_id(connection, site, session_id))
            if stored.version != based_on:
                raise Conflict(
                    f"based_on: this charge session is at version {stored.version}, not {based_on}; look at it again"
                )
            version = Version(
                version=stored.version + 1,
                author=login.name,
                reason=reason,
                at=self._clock.now(),
                holds=corrected(stored.holds, wanted, name),
            )
            await add_version(connection, session_id, version)
        return version

    async def statistics(self, login: Login, site: str, chosen: Chosen, by: Iterable[By]) -> Statistics:
        """Raises NotFound, InvalidArgument for more than can be added up, DatabaseUnavailable."""
        found = Statistics(by, self.zone(login, site))
        async for told in self._all(site, chosen):
            for one in told:
                found.add(one.counted)
            if found.total.sessions > self._most:
                raise InvalidArgument(
                    f"there are more than {self._most} charge sessions in that time; choose a shorter one with 'from'"
                    " and 'to'"
                )
        return found

    async def reconciled(self, login: Login, site: str, first: Month, last: Month) -> list[Reconciled]:
        """Raises NotFound, InvalidArgument, DatabaseUnavailable."""
        zone = self.zone(login, site)
        count = len(months(first, last))
        if not 0 < count <= MOST_MONTHS:
            raise InvalidArgument(f"to: allowed is a month not before 'from', and {MOST_MONTHS} months at most")
        return await reconciled(self._database, site, zone, first, last)

    async def _total(self, site: str, chosen: Chosen) -> Sum | None:
        total = Sum()
        async for told in self._all(site, chosen):
            for one in told:
                total.add(one.counted)
            if total.sessions > self._most:
                return None
        return total

    async def _all(self, site: str, chosen: Chosen) -> AsyncIterator[tuple[Told, ...]]:
        """All that are chosen, in pieces; each with a connection of its own, so that none is held for long."""
        place: Place | None = None
        while True:
            async with self._database.reading() as connection:
                found = await sessions_after(connection, site, chosen, place, self._at_once, segments=False)
                told = await _told(connection, site, found)
            yield told
            if len(found) < self._at_once:
                return
            place = found[-1].place

    def _vehicle_name(self, site: str, vehicle_id: int) -> str | None:
        """What the box calls it now; None: it knows none, or not now."""
        reading = self._reading(site, f"vehicles/{vehicle_id}/name")
        return reading.value if reading is not None and isinstance(reading.value, str) else None


def _there(stored: Stored | None) -> Stored:
    if stored is None:
        raise NotFound("there is no such charge session")
    return stored


def _sum_of(told: Iterable[Told]) -> Sum:
    total = Sum()
    for one in told:
        total.add(one.counted)
    return total


async def _told(connection: AsyncConnection, site: str, stored: Sequence[Stored]) -> tuple[Told, ...]:
    """With the box's word, where it gives one."""
    if not stored:
        return ()
    begin = min(one.session.plugged_at for one in stored) - CLOCKS_S
    end = max(one.session.unplugged_at or one.session.plugged_at for one in stored) + CLOCKS_S
    word = BoxWord(joined(await entries_ended(connection, site, begin, end + CLOCKS_S)))
    return tuple(Told(one, *word.told(one.session)) for one in stored)
