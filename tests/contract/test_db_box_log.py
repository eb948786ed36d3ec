"""The table of the boxes' own logs, on SQLite and on MariaDB alike."""

import asyncio
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from gateway.db import samples
from gateway.db.box_log import (
    chargepoints_of,
    count_entries,
    first_reading,
    jumps,
    meter_at,
    read_entries,
    write_entries,
)
from gateway.db.engine import Database
from gateway.domain.box_log import BoxLogEntry
from gateway.domain.box_log_openwb2 import read_log
from gateway.domain.months import Month
from gateway.domain.slots import Sample
from gateway.services.reconciling import reconciled
from gateway.store.requests import Piece
from gateway.store.waiting import Queued, Undecodable
from recorder.box_log import BoxLogTables
from tests.contract.test_db import database, url
from tests.support.clock import FakeClock

__all__ = ["database", "url"]
CAPTURE = Path(__file__).parents[1] / "data" / "v2-chargelog.json"
LOG = read_log(CAPTURE.read_bytes(), ZoneInfo("Europe/Berlin")).entries
EVER = (0.0, 4e9)


async def write(database: Database, entries: tuple[BoxLogEntry, ...], site: str = "home") -> int:
    async with database.writing() as connection:
        return await write_entries(connection, site, entries, 1_800_000_000.0)


async def read(database: Database, begin: float = EVER[0], end: float = EVER[1]) -> list[BoxLogEntry]:
    async with database.reading() as connection:
        return await read_entries(connection, "home", begin, end)


async def test_entries_come_back_as_they_were_and_once(database: Database) -> None:
    async with database.reading() as connection:
        assert await count_entries(connection, "home") == 0
    assert await read(database) == []
    assert await write(database, LOG[:20]) == 20
    assert await write(database, LOG) == 16
    assert await write(database, LOG) == 0
    assert await write(database, LOG[:3], "other") == 3
    async with database.reading() as connection:
        assert await count_entries(connection, "home") == 36
        assert await read_entries(connection, "home", *EVER, source="evcc") == []
        assert len(await read_entries(connection, "home", *EVER, source="openwb-2")) == 36
    assert {entry.key: entry for entry in await read(database)} == {entry.key: entry for entry in LOG}


async def test_of_two_with_one_key_the_first_stays(database: Database) -> None:
    again = msgspec.structs.replace(LOG[0], cost=Decimal(99))
    assert await write(database, (LOG[0], again)) == 1
    assert await write(database, (again,)) == 0
    assert await read(database) == [LOG[0]]


async def test_entries_are_found_by_their_end_or_else_their_begin(database: Database) -> None:
    endless = BoxLogEntry(key="a", source="evcc", begin=1000.0)
    timeless = BoxLogEntry(key="b", source="evcc")
    ended = BoxLogEntry(key="c", source="evcc", begin=10.0, end=1000.0, chargepoint="=Hof; \U0001f50c", mode="pv")
    await write(database, (endless, timeless, ended))
    assert {entry.key for entry in await read(database, 1000.0, 1001.0)} == {"a", "c"}
    assert await read(database, 0.0, 1000.0) == []


async def test_two_who_write_the_same_at_once_write_it_once(database: Database) -> None:
    new = await asyncio.gather(*(write(database, LOG) for _ in range(3)))
    assert sorted(new) == [0, 0, 36]


async def test_pieces_of_the_queue_are_carried(database: Database) -> None:
    tables = BoxLogTables("home", FakeClock())
    pieces: list[tuple[int, Queued[Piece]]] = [
        (7, Piece("openwb-2", LOG[:2])),
        (8, Undecodable("odd", b"\xc1")),
        (9, Piece("openwb-2", LOG[1:3])),
    ]
    async with database.writing() as connection:
        assert await tables.position(connection) < 0
        assert await tables.apply(connection, pieces) == 9
    tables.committed()
    tables.committed()
    assert len(await read(database)) == 3


async def test_readings_of_a_meter_are_found_at_the_ends_of_a_time(database: Database) -> None:
    key = "chargepoints/5/meter_wh"
    readings = [(60_000, 1000.5, 0), (120_000, None, 1), (180_000, 2000.25, 3), (240_000, None, 1)]
    async with database.writing() as connection:
        number, _ = await samples.hold_position(connection, "home")
        taken = [Sample(slot, 60_000, "e", 1, {key: (value, quality)}) for slot, value, quality in readings]
        await samples.write_samples(connection, number, taken)
    async with database.reading() as connection:
        assert await chargepoints_of(connection, "home") == ["5"]
        assert await chargepoints_of(connection, "other") == []
        assert await meter_at(connection, "home", key, 60_000) is None
        assert await meter_at(connection, "home", key, 180_000) == 1000.5
        assert await meter_at(connection, "home", key, 999_999) == 2000.25
        assert await first_reading(connection, "home", key, 61_000, 999_999) == 2000.25
        assert await first_reading(connection, "home", key, 181_000, 999_999) is None
        assert await jumps(connection, "home", key, 0, 999_999) == [(1000.5, 2000.25)]
        assert await jumps(connection, "home", key, 0, 180_000) == []


async def test_a_month_counts_across_an_exchanged_meter(database: Database) -> None:
    """Red: with the difference of the readings at both ends, which is less than nothing."""
    begin = round(datetime(2026, 3, 10, tzinfo=UTC).timestamp()) * 1000
    readings = [(9_000.0, 0), (9_500.25, 0), (100.5, 3), (400.5, 0)]
    async with database.writing() as connection:
        number, _ = await samples.hold_position(connection, "home")
        taken = [
            Sample(begin + place * 60_000, 60_000, "e", 1, {"chargepoints/5/meter_wh": reading})
            for place, reading in enumerate(readings)
        ]
        await samples.write_samples(connection, number, taken)
    (row,) = await reconciled(database, "home", UTC, Month(2026, 3), Month(2026, 3))
    assert row.meter_wh == Decimal("800.25")


def test_the_entry_is_readable_with_any_tool() -> None:
    assert json.loads(msgspec.json.encode(LOG[0]))["energy_wh"] == "1983.270"
