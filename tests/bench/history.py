"""How long a year of history takes, from the question to the JSON, beside the driver alone that reads the same rows.

The year lies in the database as roll-ups and, of the last day, as slots; two slots still wait in the store, and
nothing was rolled up for four hours.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pymysql
from sqlalchemy import insert
from sqlalchemy.engine import make_url

from gateway.api.history import json_of
from gateway.db import samples
from gateway.db.engine import Database
from gateway.db.history import ROLLUPS
from gateway.db.models import RollupPositionRow
from gateway.domain.clock import SystemClock
from gateway.domain.history import HOUR_MS, QUARTER_MS, TIERS, Resolution, Span, edges
from gateway.domain.slots import Sample
from gateway.services.history import Answer, Asked, History
from gateway.services.rights import rights_of
from gateway.store.redis import close_client, open_client
from gateway.store.samples import SampleQueue
from tests.bench.measure import started_on
from tests.bench.table import Budget, Figure, Row
from tests.bench.world import SITE, Cores, World, world
from tests.support.parts import mariadb
from tests.support.past import ADMIN
from tests.support.queued import append

LAST_ROLLED_UP_MS = 4 * HOUR_MS
PERIOD_MS, DAY_MS = 60_000, 86_400_000
AT_ONCE = 5_000
COLUMNS = "site_id, series_id, slot, mean, low, high, last, counted, known_ms, missing_ms, quality"
MOST_MS = 200
MOST_POINTS_DAYS = 83
"""By the hour; a day more and auto takes days."""
BERLIN = ZoneInfo("Europe/Berlin")


class Size(msgspec.Struct, frozen=True):
    days: int = 365
    series: int = 10
    rounds: int = 9


class Year(msgspec.Struct, frozen=True):
    """Until ``now``, two minutes before a quarter of an hour is over."""

    size: Size
    now: int

    @property
    def begin(self) -> int:
        return self.now - self.size.days * DAY_MS

    @property
    def keys(self) -> list[str]:
        """Half of them are counters."""
        names = ("power_w", "imported_wh")
        return [f"meters/{number}/{name}" for number in range(-(-self.size.series // 2)) for name in names]

    def slots(self, begin: int, end: int) -> list[Sample]:
        return [
            Sample(slot, PERIOD_MS, "e", slot // PERIOD_MS, dict.fromkeys(self.keys, (slot / 1e9, 0)))
            for slot in range(begin, end, PERIOD_MS)
        ]

    def rollups(self, resolution: Resolution) -> Iterator[list[tuple[Any, ...]]]:
        """The rows of all series, in pieces."""
        starts = edges(resolution, Span(self.begin, self.now), BERLIN, 10**6)[:-1]
        known_ms = DAY_MS if resolution is Resolution.day else starts[1] - starts[0]
        for number in range(1, len(self.keys) + 1):
            for first in range(0, len(starts), AT_ONCE):
                yield [
                    (1, number, start, start / 1e9, 0.0, 9.9e3, start / 1e9, 0.25, known_ms, 0, 0)
                    for start in starts[first : first + AT_ONCE]
                ]


async def fill(database: Database, queue: SampleQueue, year: Year) -> None:
    """All but the roll-ups."""
    slots = year.slots(year.now - DAY_MS, year.now)
    await database.migrate()
    async with database.writing() as connection:
        number, _ = await samples.hold_position(connection, SITE)
        await samples.write_samples(connection, number, slots[:-2])
        await samples.move_position(connection, number, slots[-3].slot)
        taken = (year.now - LAST_ROLLED_UP_MS) // QUARTER_MS * QUARTER_MS
        await connection.execute(insert(RollupPositionRow).values(site_id=number, slot=taken))
    for sample in slots[-2:]:
        await append(queue, SITE, sample)


def fill_rollups(connection: Any, year: Year, mark: str) -> None:
    with closing(connection.cursor()) as cursor:
        for resolution in TIERS[1:]:
            insert_row = f"INSERT INTO {ROLLUPS[resolution]} ({COLUMNS}) VALUES ({', '.join([mark] * 11)})"
            for piece in year.rollups(resolution):
                cursor.executemany(insert_row, piece)
        connection.commit()


class Clock(SystemClock):
    """Stands still at the end of the year."""

    def __init__(self, now: int) -> None:
        self._now_s = now / 1000

    def now(self) -> float:
        return self._now_s


async def answered(history: History, asked: Asked) -> tuple[float, Answer]:
    """Milliseconds from the question to the JSON."""
    began = time.perf_counter()
    answer = await history.answer(ADMIN, SITE, asked)
    assert json_of(answer, None)
    return (time.perf_counter() - began) * 1000, answer


def alone(connection: Any, answer: Answer) -> float:
    """Milliseconds in which the driver reads the rows of the answer."""
    numbers = ", ".join(str(number + 1) for number in range(len(answer.columns)))
    table, first = ROLLUPS[answer.resolution], answer.starts[0]
    query = f"SELECT {COLUMNS} FROM {table} WHERE site_id = 1 AND series_id IN ({numbers}) AND slot >= {first}"
    with closing(connection.cursor()) as cursor:
        began = time.perf_counter()
        cursor.execute(query)
        assert cursor.fetchall()
        return (time.perf_counter() - began) * 1000


async def of_database(
    name: str, url: str, queue: SampleQueue, connect: Callable[[], Any], mark: str, year: Year
) -> list[Row]:
    size, database, found = year.size, Database(url), []
    await fill(database, queue, year)
    rights = partial(rights_of, sites=(SITE,))
    history = History(database, queue, rights, {SITE: BERLIN}, Clock(year.now), period_ms=PERIOD_MS)
    with closing(connect()) as bare:
        fill_rollups(bare, year, mark)
        for what, days, budget in (
            (f"{size.days} days", size.days, Budget(MOST_MS)),
            ("most points that auto gives", MOST_POINTS_DAYS, None),
        ):
            begin = datetime.fromtimestamp(year.now / 1000 - min(days, size.days) * 86_400, UTC)
            asked = Asked(patterns=("meters/#",), begin=begin.isoformat(timespec="seconds"))
            _, answer = await answered(history, asked)
            both = [((await answered(history, asked))[0], alone(bare, answer)) for _ in range(size.rounds)]
            n_points = f"{len(answer.starts)} points of {len(answer.columns)} series"
            ours, theirs = (Figure.of(*some) for some in zip(*both, strict=True))
            found.append(Row(f"history, {what}, {n_points}, {name}", "ms", ours, "the driver alone", theirs, budget))
    await database.dispose()
    return found


async def rows(size: Size, cores: Cores) -> list[Row]:
    async with world(cores) as made:
        with started_on(cores.server):
            return await measured(size, made)


async def measured(size: Size, made: World) -> list[Row]:
    redis = await made.redis()
    client = open_client(redis.url)
    made.stack.push_async_callback(close_client, client)
    queue = SampleQueue(client)
    year = Year(size, int(time.time()) * 1000 // QUARTER_MS * QUARTER_MS - 2 * PERIOD_MS)
    path = made.place().with_suffix(".db")
    maria = mariadb(made.place())
    await made.part(maria, under_test=True)
    address = make_url(maria.url)

    def connect() -> Any:
        given: dict[str, Any] = {"host": address.host, "port": address.port, "database": address.database}
        return pymysql.connect(**given, user=address.username, password=str(address.password))

    sqlite_url = f"sqlite+aiosqlite:///{path}"
    found = await of_database("SQLite", sqlite_url, queue, lambda: sqlite3.connect(path), "?", year)
    await client.flushall()
    return [*found, *await of_database("MariaDB", maria.url, queue, connect, "%s", year)]
