"""A database that is gone for three days, by volume: all that was sampled meanwhile is in it afterwards, once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import func, select

from gateway.db.engine import Database
from gateway.db.models import SampleRow, SlotRow
from gateway.domain.clock import SystemClock
from gateway.domain.slots import Sample, Value
from gateway.store.redis import close_client, open_client
from gateway.store.samples import SampleQueue
from recorder.carry import Carrier, Pace
from recorder.writer import SampleStream, SampleTables
from tests.support.parts import MariaPart, RedisPart
from tests.support.waiting import eventually

PERIOD_MS = 60_000
SLOTS = 72 * 60
SERIES = 20
FIRST_MS = 1_790_000_040_000
PACE = Pace(most_entries=200, every_s=0.05, backoff_base_s=0.05, backoff_cap_s=0.2)


@asynccontextmanager
async def carrying(url: str, queue: SampleQueue, site: str, told: list[str]) -> AsyncIterator[None]:
    """A writer as the recorder runs it."""
    database = Database(url, timeout_s=5, durable=True)
    carrier = Carrier(
        site,
        database,
        SampleStream(queue, site),
        SampleTables(site, SystemClock()),
        pace=PACE,
        report=lambda state, _reason: told.append(state),
    )
    task = asyncio.create_task(carrier.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        await database.dispose()


async def fill(queue: SampleQueue, site: str) -> None:
    values: dict[str, Value] = {f"meters/{number}/power_w": (number + 0.5, 0) for number in range(SERIES)}
    last = None
    for number in range(SLOTS):
        one = Sample(FIRST_MS + number * PERIOD_MS, PERIOD_MS, "e", number, values)
        answer = await queue.append(site, one, after=last)
        last = one.slot
        assert (answer.outcome, answer.fill.thinned) == ("done", 0)


async def counts(database: Database) -> tuple[int, int, int]:
    async with database.reading() as connection:
        slots = await connection.scalar(select(func.count()).select_from(SlotRow))
        distinct = await connection.scalar(select(func.count(SlotRow.slot.distinct())))
        samples = await connection.scalar(select(func.count()).select_from(SampleRow))
    return slots or 0, distinct or 0, samples or 0


@pytest.mark.no_cover
async def test_three_days_without_a_database_lose_nothing(
    redis: RedisPart, mariadb: MariaPart, mariadb_url: str, site: str
) -> None:
    """Two writers wait for it, as two recorders would; the queue is far from its bound all the while."""
    database = Database(mariadb_url)
    await database.migrate()
    client = open_client(redis.url)
    queue, told = SampleQueue(client), list[str]()
    try:
        await mariadb.kill()
        async with carrying(mariadb_url, queue, site, told), carrying(mariadb_url, queue, site, told):
            await fill(queue, site)
            await eventually(lambda: "down" in told)
            assert "ok" not in told
            await mariadb.start()

            async def caught_up() -> bool:
                return (await queue.fill(site)).slots <= 1  # the newest stays

            await eventually(caught_up, 60, every_s=0.1, what="the queue is empty")
        assert await counts(database) == (SLOTS, SLOTS, SLOTS * SERIES)
    finally:
        await close_client(client)
        await database.dispose()
