"""How fast a writer carries what waited for the database, beside the driver alone with the same rows.

The rows of a slot are those of a real one; the store and the database are real, and all run on the core under test.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

import msgspec
import pymysql
from sqlalchemy.engine import make_url

from gateway.db.engine import Database
from gateway.domain.clock import SystemClock
from gateway.domain.slots import Sample, Value
from gateway.store.redis import close_client, open_client
from gateway.store.samples import SampleQueue
from recorder.carry import Carrier, Pace
from recorder.writer import SampleStream, SampleTables
from tests.bench.measure import started_on
from tests.bench.table import Budget, Figure, Row
from tests.bench.world import SITE, Cores, World, world
from tests.support.parts import mariadb
from tests.support.queued import append

PERIOD_MS = 60_000
FIRST_MS = 1_800_000_000_000
PACE = Pace()
REAL_TIME = 1_000 / PERIOD_MS
MADE = """CREATE TABLE IF NOT EXISTS bare
(site INT, series INT, slot BIGINT, value DOUBLE, quality TINYINT, PRIMARY KEY (site, series, slot))"""

Rows = list[tuple[int, int, int, float, int]]


class Size(msgspec.Struct, frozen=True):
    slots: int = 1_000
    series: int = 200
    rounds: int = 3


async def carried(url: str, queue: SampleQueue, size: Size, number: int) -> float:
    """Slots a second, from the queue into the tables and out of the queue."""
    site = f"{SITE}-{number}"
    values: dict[str, Value] = {f"meters/{one}/power_w": (one + 0.25, 0) for one in range(size.series)}
    for slot in range(size.slots):
        await append(queue, site, Sample(FIRST_MS + slot * PERIOD_MS, PERIOD_MS, "epoch", slot, values))
    database = Database(url, durable=True)
    await database.migrate()
    tables = SampleTables(site, SystemClock())
    carrier = Carrier(
        site, database, SampleStream(queue, site), tables, pace=PACE, report=lambda _state, _reason: None
    )
    began = time.perf_counter()
    while await carrier.carry():
        pass
    took_s = time.perf_counter() - began
    await database.dispose()
    return size.slots / took_s


def bare(connection: Any, insert: str, size: Size, number: int) -> float:
    """Slots a second of the driver alone: as many rows of a transaction, in a table of the same key."""
    with closing(connection.cursor()) as cursor:
        cursor.execute(MADE)
        connection.commit()
        began = time.perf_counter()
        for first in range(0, size.slots, PACE.most_entries):
            slots = range(first, min(size.slots, first + PACE.most_entries))
            rows: Rows = [(number, one, slot, one + 0.25, 0) for one in range(size.series) for slot in slots]
            cursor.executemany(insert, rows)
            connection.commit()
        return size.slots / (time.perf_counter() - began)


async def of_database(
    name: str, url: str, queue: SampleQueue, size: Size, alone: Callable[[int], float]
) -> Sequence[Row]:
    ours = [await carried(url, queue, size, number) for number in range(size.rounds)]
    theirs = [await asyncio.to_thread(alone, number) for number in range(size.rounds)]
    what = f"{size.series} series carried from the queue into {name}"
    return [
        Row(
            what,
            "slots/s",
            Figure.of(*ours),
            "as they come, one a minute",
            Figure.of(REAL_TIME),
            Budget(1_000, of_ratio=True, at_least=True),
        ),
        Row(f"rows so written, {name}", "rows/s", scaled(ours, size), "the driver alone", scaled(theirs, size)),
    ]


def scaled(per_s: Sequence[float], size: Size) -> Figure:
    return Figure.of(*(one * size.series for one in per_s))


async def rows(size: Size, cores: Cores) -> list[Row]:
    async with world(cores) as made:
        with started_on(cores.server):
            return await measured(size, made)


async def measured(size: Size, made: World) -> list[Row]:
    redis = await made.redis()
    client = open_client(redis.url)
    made.stack.push_async_callback(close_client, client)
    path = made.place().with_suffix(".db")
    maria = mariadb(made.place())
    await made.part(maria, under_test=True)
    address = make_url(maria.url)

    def sqlite_alone(number: int) -> float:
        with closing(sqlite3.connect(f"{path}.bare")) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            return bare(connection, "INSERT INTO bare VALUES (?, ?, ?, ?, ?)", size, number)

    def mariadb_alone(number: int) -> float:
        given: dict[str, Any] = {"host": address.host, "port": address.port, "database": address.database}
        with closing(pymysql.connect(**given, user=address.username, password=str(address.password))) as connection:
            return bare(connection, "INSERT INTO bare VALUES (%s, %s, %s, %s, %s)", size, number)

    found = [*await of_database("SQLite", f"sqlite+aiosqlite:///{path}", SampleQueue(client), size, sqlite_alone)]
    await client.flushall()
    return [*found, *await of_database("MariaDB", maria.url, SampleQueue(client), size, mariadb_alone)]
