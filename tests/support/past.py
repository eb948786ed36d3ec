"""A site with a past: slots in the database, roll-ups of them up to a moment, and slots that wait in the store.

The roll-ups are reckoned here slot by slot, in the plainest way, and nowhere else.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import insert

from gateway.db import samples
from gateway.db.engine import Database
from gateway.db.history import ROLLUPS, series_of
from gateway.db.models import RollupPositionRow
from gateway.domain.access import Login, Role
from gateway.domain.filters import Filter
from gateway.domain.history import HOUR_MS, QUARTER_MS, TIERS, Resolution, day_of, start_of_day
from gateway.domain.slots import Quality, Sample, Value, is_counter
from gateway.hub.views import Allowed, Rights
from gateway.services.history import Asked, History
from gateway.store.redis import open_client
from gateway.store.samples import SampleQueue
from tests.support.clock import FakeClock
from tests.support.queued import append

BERLIN = ZoneInfo("Europe/Berlin")
SITE = "home"
WORST_FIRST = (Quality.stale, Quality.jumped, Quality.rebuilt, Quality.live)
NOWHERE = "redis://127.0.0.1:1/0"
ADMIN = Login(token_id=1, user_id=1, name="admin", role=Role.admin, scopes=("admin",), expires_at=0.0)

Values = Callable[[int], Mapping[str, Value] | None]
"""Slot to what is recorded of it; None: nothing is."""


class Past:
    """Slots from ``begin`` to ``end``, of which ``values`` says what they hold."""

    def __init__(self, begin: int, end: int, period_ms: int, values: Values) -> None:
        self.period_ms = period_ms
        self.samples = [
            Sample(slot, period_ms, "e", place, dict(found))
            for place, slot in enumerate(range(begin, end, period_ms))
            if (found := values(slot)) is not None
        ]
        self.end = end

    async def write(self, database: Database, *, until: int | None = None) -> None:
        """Into the database, up to that slot."""
        some = [one for one in self.samples if until is None or one.slot < until]
        async with database.writing() as connection:
            number, _ = await samples.hold_position(connection, SITE)
            await samples.write_samples(connection, number, some)
            await samples.move_position(connection, number, some[-1].slot)

    async def wait(self, queue: SampleQueue, *, behind: int) -> None:
        """In the store, from that slot on."""
        for one in self.samples:
            if one.slot >= behind:
                await append(queue, SITE, one)

    async def roll_up(self, database: Database, until: int) -> None:
        """Every bucket that has slots before that moment, and only with these."""
        async with database.writing() as connection:
            site_id = await samples.site_id(connection, SITE)
            numbers = {one.key: one.id for one in await series_of(connection, site_id or 0)}
            for resolution in TIERS[1:]:
                rows = [
                    {"site_id": site_id, "series_id": number, "slot": start, **row}
                    for key, number in numbers.items()
                    for start, row in self.buckets(resolution, key, until).items()
                ]
                if rows:
                    await connection.execute(insert(ROLLUPS[resolution]), rows)
            await connection.execute(insert(RollupPositionRow).values(site_id=site_id, slot=until))

    def buckets(self, resolution: Resolution, key: str, until: int | None = None) -> dict[int, dict[str, Any]]:
        """What slots before that moment come to, as the columns of a roll-up; without, all of them."""
        found: dict[int, list[Sample]] = {}
        for sample in self.samples:
            if (until is None or sample.slot < until) and key in sample.values:
                found.setdefault(start_of(resolution, sample.slot), []).append(sample)
        return {start: self._row(resolution, start, key, inside) for start, inside in found.items()}

    def _row(self, resolution: Resolution, start: int, key: str, inside: Sequence[Sample]) -> dict[str, Any]:
        known = [value for one in inside if (value := one.values[key][0]) is not None]
        over = min(end_of(resolution, start), self.end)
        grades = {one.values[key][1] for one in inside}
        return {
            "mean": sum(known) / len(known) if known else None,
            "low": min(known, default=None),
            "high": max(known, default=None),
            "last": known[-1] if known else None,
            "counted": self._counted(key, inside) if is_counter(key) else None,
            "known_ms": len(known) * self.period_ms,
            "missing_ms": over - start - len(known) * self.period_ms,
            "quality": next(one for one in WORST_FIRST if one in grades),
        }

    def _counted(self, key: str, inside: Sequence[Sample]) -> float | None:
        differences = []
        for sample in inside:
            value, quality = sample.values[key]
            before = [
                one.values[key][0]
                for one in self.samples
                if one.slot < sample.slot and key in one.values and one.values[key][0] is not None
            ]
            if value is not None and before and before[-1] is not None and quality != Quality.jumped:
                differences.append(value - before[-1])
        return sum(differences) if differences else None


def start_of(resolution: Resolution, moment: int) -> int:
    if resolution is Resolution.day:
        return start_of_day(day_of(moment, BERLIN), BERLIN)
    length = QUARTER_MS if resolution is Resolution.quarter else HOUR_MS
    return moment // length * length


def end_of(resolution: Resolution, start: int) -> int:
    if resolution is Resolution.day:
        return start_of(resolution, start + 26 * HOUR_MS)
    return start + (QUARTER_MS if resolution is Resolution.quarter else HOUR_MS)


def sees(*patterns: str) -> Callable[[Login], Rights]:
    """The rights of somebody who may see these keys of the site, and no other site."""
    return lambda _login: lambda site: Allowed(Filter.of(patterns)) if site == SITE else None


def history(
    database: Database,
    now: int,
    *,
    queue: SampleQueue | None = None,
    rights: Callable[[Login], Rights] | None = None,
    period_ms: int = 60_000,
) -> History:
    """Without a queue there is no store."""
    waiting = queue or SampleQueue(open_client(NOWHERE), answer_s=1)
    zones = {SITE: BERLIN}
    return History(database, waiting, rights or sees("#"), zones, FakeClock(now / 1000), period_ms=period_ms)


def asked(*patterns: str, begin: str | None = None, end: str | None = None, resolution: str = "auto") -> Asked:
    return Asked(patterns=patterns, begin=begin, end=end, resolution=resolution)
