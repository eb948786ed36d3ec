"""Recorders and the database killed at random: one row for each slot and series, none missing, all of them right.

Red: with a writer that lets go of what it read before it is committed.
"""

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import func, select

from gateway.db.engine import Database
from gateway.db.models import BadSampleRow, SamplePositionRow, SampleRow, SeriesRow, SiteRow, SlotRow
from gateway.domain.errors import DatabaseUnavailable
from gateway.domain.values import Reading
from gateway.store.redis import SiteStore, close_client, open_client
from tests.support.nursery import Nursery
from tests.support.parts import MariaPart, RedisPart
from tests.support.store_writer import StoreWriter
from tests.support.waiting import eventually

SITES = 20
SLOTS_OF_A_SITE = 100
PERIOD_MS = 200
KILLS = 100
KILLS_OF_THE_DATABASE = 20
SLACK_MS = 50  # clocks of machines are set, also while tests run
KEYS = ("grid/power_w", "pv/power_w", "chargepoints/4/power_w")


class Written(msgspec.Struct):
    """A change of one site: asked for, and answered, in epoch milliseconds."""

    asked_ms: int
    answered_ms: int
    number: float


class Sites:
    """All sites, each with values that are numbers of their last change."""

    def __init__(self, store: SiteStore, names: list[str]) -> None:
        self.writers = {name: StoreWriter(store, name) for name in names}
        self.written: dict[str, list[Written]] = {name: [] for name in names}

    async def lead(self) -> None:
        for name, writer in self.writers.items():
            await writer.lead({key: Reading(0.0, 0.0) for key in KEYS})
            self.written[name].append(Written(0, 0, 0.0))

    async def change(self) -> None:
        """For ever, all sites in turn, the keys of each together."""
        number = 0.0
        while True:
            number += 1
            for name, writer in self.writers.items():
                asked = round(time.time(), 3)
                await writer.append({key: Reading(number, asked) for key in KEYS})
                self.written[name].append(Written(round(asked * 1000), round(time.time() * 1000) + 1, number))
            await asyncio.sleep(0.05)


@asynccontextmanager
async def aside(*works: object) -> AsyncIterator[None]:
    """Run them meanwhile; an error of one of them shows at the end."""
    tasks = [asyncio.ensure_future(work) for work in works]  # type: ignore[call-overload] # coroutines
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(ended, asyncio.CancelledError), ended


async def kill_recorders(nursery: Nursery, alive: list[int], kills: int, dice: random.Random) -> None:
    """There are two, one of which is killed and replaced; once, in the middle, both are dead for ten slots."""
    for number in range(kills):
        await asyncio.sleep(dice.uniform(0.05, 0.35))
        if number == kills // 2:
            for pid in alive:
                os.kill(pid, signal.SIGKILL)
            alive.clear()
            await asyncio.sleep(10 * PERIOD_MS / 1000)
            alive += [await nursery.start(), await nursery.start()]
            continue
        pid = alive.pop(dice.randrange(2))
        os.kill(pid, signal.SIGKILL)
        alive.append(await nursery.start())


async def kill_database(mariadb: MariaPart, kills: int, dice: random.Random) -> None:
    for _ in range(kills):
        await asyncio.sleep(dice.uniform(0.1, 0.5))
        await mariadb.kill()
        await asyncio.sleep(dice.uniform(0, 0.1))
        await mariadb.start()


async def last_slots(database: Database) -> dict[str, int]:
    query = select(SiteRow.name, SamplePositionRow.slot).join(SiteRow, SiteRow.id == SamplePositionRow.site_id)
    try:
        async with database.reading() as connection:
            return {row.name: row.slot for row in await connection.execute(query)}
    except DatabaseUnavailable:
        return {}


async def behind(database: Database, alive: list[int], until_ms: float) -> str:
    """For whoever reads the failure: who of both lives, and how many seconds each site is behind."""
    late = {name: round((until_ms - slot) / 1000, 1) for name, slot in (await last_slots(database)).items()}
    return f"alive: {[pid for pid in alive if Path(f'/proc/{pid}').exists()]} of {alive}, seconds behind: {late}"


def tail(log: Path) -> str:
    """The last that the recorders said."""
    return log.read_text()[-10_000:]


async def check_site(database: Database, name: str, written: list[Written]) -> None:
    async with database.reading() as connection:
        of_site = select(SiteRow.id).where(SiteRow.name == name).scalar_subquery()
        slots = list(await connection.scalars(select(SlotRow.slot).where(SlotRow.site_id == of_site)))
        rows = select(SeriesRow.key, SampleRow.slot, SampleRow.value, SampleRow.quality)
        rows = rows.join(SeriesRow, SeriesRow.id == SampleRow.series_id).where(SampleRow.site_id == of_site)
        found = [(key, slot, value, quality) for key, slot, value, quality in await connection.execute(rows)]
        assert await connection.scalar(select(func.count()).select_from(BadSampleRow)) == 0
    slots.sort()
    assert len(slots) >= SLOTS_OF_A_SITE
    gaps = [(slots.index(before), before, after) for before, after in pairwise(slots) if after - before != PERIOD_MS]
    assert gaps == [], f"of {len(slots)} of {name} some are missing"
    assert sorted((key, slot) for key, slot, _, _ in found) == sorted((key, slot) for key in KEYS for slot in slots)
    wrong = [
        (key, slot, value, quality, near(written, slot + PERIOD_MS))
        for key, slot, value, quality in found
        if not fits(written, slot + PERIOD_MS, value)
    ]
    assert wrong == []


def fits(written: list[Written], end: int, value: float | None) -> bool:
    """Whether that was the value then, or a moment before or after."""
    most = max(one.number for one in written if one.asked_ms <= end + SLACK_MS)
    fewest = max(one.number for one in written if one.answered_ms <= end - SLACK_MS)
    return value is not None and fewest <= value <= most


def near(written: list[Written], end: int) -> list[tuple[float, int, int]]:
    """For whoever reads the failure: what was written around that time, in milliseconds from it."""
    return [
        (one.number, one.asked_ms - end, one.answered_ms - end) for one in written if abs(one.asked_ms - end) < 300
    ]


@pytest.mark.no_cover
async def test_each_slot_is_written_once_whoever_is_killed(
    tmp_path: Path, redis: RedisPart, mariadb: MariaPart, mariadb_url: str
) -> None:
    dice = random.Random(5)
    names = [f"site{number}" for number in range(SITES)]
    config = tmp_path / "gateway.toml"
    config.write_text("\n".join(f'[[site]]\nid = "{name}"\nmqtt_url = "mqtt://127.0.0.1:1"' for name in names))
    settings = {
        "config": config,
        "redis_url": redis.url,
        "database_url": mariadb_url,
        "record_period_s": PERIOD_MS / 1000,
        "record_write_s": 0.2,
        "reconnect_base_s": 0.05,
        "reconnect_cap_s": 0.5,
    }
    async with AsyncExitStack() as stack:
        client = open_client(redis.url)
        stack.push_async_callback(close_client, client)
        sites = Sites(SiteStore(client), names)
        await sites.lead()
        nursery = await stack.enter_async_context(Nursery(tmp_path, **settings))
        database = Database(mariadb_url)
        stack.push_async_callback(database.dispose)

        async def all_begun() -> bool:
            return len(await last_slots(database)) == SITES

        async with aside(sites.change()):
            alive = [await nursery.start(), await nursery.start()]
            await eventually(all_begun, 60, every_s=0.2, what="recording of all sites has begun")
            await asyncio.gather(
                kill_recorders(nursery, alive, KILLS, dice),
                kill_database(mariadb, KILLS_OF_THE_DATABASE, dice),
                asyncio.sleep(SLOTS_OF_A_SITE * PERIOD_MS / 1000),
            )
            until_ms = time.time() * 1000

            async def caught_up() -> bool:
                last = await last_slots(database)
                return len(last) == SITES and min(last.values()) >= until_ms

            try:
                await eventually(caught_up, 180, every_s=0.2, what="all is in the database")
            except AssertionError as late:
                raise AssertionError(
                    f"{late}; {await behind(database, alive, until_ms)}\n{tail(nursery.log_file)}"
                ) from None
        for pid in alive:
            os.kill(pid, signal.SIGKILL)
        assert "Traceback" not in nursery.log_file.read_text()
        for name in names:
            await check_site(database, name, sites.written[name])
