"""Where the energy of the house and the charge points came from, as far as a login may see them.

There is what the recorder has rolled up, and nothing else: the last hours, which it has not, are not known yet.
"""

from collections.abc import Callable, Mapping
from zoneinfo import ZoneInfo

from gateway.db import samples
from gateway.db import source_energies as rows
from gateway.db.engine import Database
from gateway.db.history import series_of
from gateway.domain.access import Login
from gateway.domain.clock import Clock
from gateway.domain.history import Resolution, Span, span_asked
from gateway.domain.slots import moment_ms
from gateway.domain.source_columns import (
    MOST_QUARTERS,
    SourceColumn,
    SourceSums,
    bounds_of,
    check_quarters,
    most_quarters,
    resolution_for,
    visible_consumers,
)
from gateway.hub.views import Rights, allowed_at
from gateway.services.past import AskedPast, Buckets


class Answer(Buckets, frozen=True, kw_only=True):
    """A column for each consumer."""

    columns: list[SourceColumn]


class EnergySources:
    """Answers questions about where the energy of sites came from."""

    def __init__(
        self,
        database: Database,
        rights_of: Callable[[Login], Rights],
        zones: Mapping[str, ZoneInfo],
        clock: Clock,
    ) -> None:
        self._database = database
        self._rights_of = rights_of
        self._zones = zones
        self._clock = clock

    async def answer(self, login: Login, site: str, asked: AskedPast) -> Answer:
        """Raises NotFound, InvalidArgument with what is allowed, DatabaseUnavailable."""
        allowed = allowed_at(self._rights_of(login), site)
        zone, now = self._zones[site], moment_ms(self._clock.now())
        span = span_asked(asked.begin, asked.end, zone, now)
        resolution = resolution_for(asked.resolution, span)
        starts, columns = await self._read(site, resolution, span, now, allowed.chosen.matcher())
        return Answer(site=site, zone=zone, span=span, resolution=resolution, starts=starts, columns=columns)

    async def _read(
        self, site: str, resolution: Resolution, span: Span, now: int, may_see: Callable[[str], bool]
    ) -> tuple[list[int], list[SourceColumn]]:
        """The starts of the buckets, and a column for each consumer."""
        async with self._database.reading() as connection:
            site_id = await samples.site_id(connection, site)
            series = [] if site_id is None else await series_of(connection, site_id)
            consumers = visible_consumers([one.key for one in series], may_see)
            bounds = bounds_of(resolution, span, self._zones[site], len(consumers))
            sums = SourceSums(consumers, bounds)
            if site_id is not None and consumers:
                over = Span(bounds[0], bounds[-1])
                if most_quarters(bounds, len(consumers)) > MOST_QUARTERS:
                    check_quarters(await rows.count_energies(connection, site_id, consumers, over))
                async for some in rows.energies_in(connection, site_id, consumers, over):
                    for consumer, slot, energy in some:
                        sums.add(consumer, slot, energy)
        return bounds[:-1], sums.columns(now)
