"""What is recorded by the gateway as its users run it."""

import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from gateway.db.engine import Database
from gateway.db.models import SampleRow, SlotRow
from gateway.domain.errors import DatabaseUnavailable
from gateway.domain.values import Reading
from gateway.services.metrics import METRICS
from gateway.store.redis import SiteStore, close_client, open_client
from tests.support.gateway import GatewayPart, stores_in
from tests.support.parts import MariaPart, RedisPart
from tests.support.scrape import shows
from tests.support.store_writer import StoreWriter
from tests.support.waiting import eventually

QUICK: dict[str, Any] = {
    "record_period_s": 0.2,
    "record_write_s": 0.2,
    "reconnect_base_s": 0.05,
    "reconnect_cap_s": 0.5,
}


def history(up: GatewayPart, resolution: str) -> dict[int, float | None]:
    """The grid's power in the last half minute, as it is told over REST, by the starts of the buckets."""
    since = datetime.fromtimestamp(time.time() - 30, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    query = f"series=grid/power_w&from={since}&resolution={resolution}"
    status, answer = up.get(f"/api/v1/sites/demo/history?{query}", up.log_in())
    assert (status, answer["origin"]) == (200, "simulated")
    starts = [round(datetime.fromisoformat(one).timestamp() * 1000) for one in answer["times"]]
    (series,) = answer["series"]
    return dict(zip(starts, series["values"], strict=True))


async def test_up_records_and_says_how_that_does(tmp_path: Path) -> None:
    async with GatewayPart("up", tmp_path, **QUICK) as up:
        seen = await shows(up.base, "gw_recorder_slots_total", 10, site="demo", fate="sampled")
        await shows(up.base, "gw_recorder_slot_lag_seconds_count", 10, site="demo")
        assert seen.of("gw_recorder_queue_slots", site="demo") > 0
        assert seen.of("gw_recorder_slots_total", site="demo", fate="unreadable") == 0
        for part in ("history", "history of demo", "recorder of demo"):
            await eventually(lambda part=part: up.part(part) == "ok", what=part)
        told = history(up, "slot")
        assert [one for one in history(up, "15m").values() if one is not None] != []
    path = tmp_path / "data" / "demo" / "gateway.db"
    with closing(sqlite3.connect(path)) as connection:
        keys = {key for (key,) in connection.execute("SELECT key FROM series")}
        assert {"grid/power_w", "pv/power_w", "battery/soc_percent", "chargepoints/5/meter_wh"} <= keys
        several = "SELECT count(*) FROM samples GROUP BY site_id, series_id, slot HAVING count(*) > 1"
        assert connection.execute(several).fetchall() == []
        recorded = dict(
            connection.execute(
                "SELECT slot, value FROM samples JOIN series ON series.id = series_id WHERE key = 'grid/power_w'"
            )
        )
        slots, rows = (
            connection.execute(f"SELECT count(*) FROM {one}").fetchone()[0] for one in ("slots", "samples")
        )
    assert slots >= 10
    known = {slot: power_w for slot, power_w in told.items() if power_w is not None and slot in recorded}
    assert len(known) >= 5
    assert {slot: recorded[slot] for slot in known} == known
    assert rows >= slots * len({"grid/power_w", "pv/power_w"})


async def test_up_lives_on_while_nothing_can_be_written(tmp_path: Path) -> None:
    """Another program holds the file: live values do not notice, the readiness says it, and nothing is lost."""
    async with GatewayPart("up", tmp_path, **QUICK) as up:
        await shows(up.base, "gw_recorder_slot_lag_seconds_count", 2, site="demo")
        path = tmp_path / "data" / "demo" / "gateway.db"
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            before = await shows(up.base, "gw_recorder_queue_slots", 20, site="demo")
            await shows(
                up.base, "gw_ingest_seconds_count", before.of("gw_ingest_seconds_count", site="demo") + 1, site="demo"
            )
            other.execute("ROLLBACK")
        written = before.of("gw_recorder_slots_total", site="demo", fate="sampled")
        await shows(up.base, "gw_recorder_slot_lag_seconds_count", written, site="demo")
        with closing(sqlite3.connect(path)) as reader:
            slots = [slot for (slot,) in reader.execute("SELECT slot FROM slots ORDER BY slot")]
    assert slots == list(range(slots[0], slots[0] + 200 * len(slots), 200))


async def test_a_recorder_of_its_own(tmp_path: Path, redis: RedisPart, mariadb: MariaPart, mariadb_url: str) -> None:
    """It makes the tables itself, as a user with the least rights, and shows its figures on a port of its own."""
    client = open_client(redis.url)
    one = StoreWriter(SiteStore(client), "home")
    await one.lead({"grid/power_w": Reading(5.0, time.time()), "grid/fault_text": Reading("no number", time.time())})
    given: dict[str, Any] = {**stores_in(tmp_path, redis), "database_url": mariadb.least(mariadb_url), **QUICK}
    recorder = GatewayPart("recorder", tmp_path / "recorder", **given)
    recorder._environ["GATEWAY_METRICS_PORT"] = str(recorder.port)
    database = Database(mariadb_url)

    async def rows() -> int:
        try:
            async with database.reading() as connection:
                assert await connection.scalar(select(func.max(SampleRow.value))) in (5.0, None)
                return await connection.scalar(select(func.count()).select_from(SlotRow)) or 0
        except DatabaseUnavailable:
            return 0

    async with recorder:
        await eventually(rows, 20)
        seen = await shows(recorder.base, "gw_recorder_slots_total", 3, site="home", fate="sampled")
        declared = {one.name.removesuffix("_total") for one in METRICS if one.process in ("all", "recorder")}
        assert set(seen.families) - {name for name in seen.families if name.startswith("process_")} == declared
        assert await recorder.stop() == 0
    assert "Traceback" not in recorder.log
    await database.dispose()
    await close_client(client)
