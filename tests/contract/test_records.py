"""Charge sessions in the store, on Redis and on Valkey alike."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from gateway.db.engine import Database
from gateway.domain.charge_sessions import ChargeSession, EnergyBySource, Segment
from gateway.domain.clock import SystemClock
from gateway.domain.errors import StoreUnavailable
from gateway.domain.events import NO_EVENT, charge_session_ended
from gateway.domain.values import Position
from gateway.store import keys
from gateway.store.records import ChargeRecords, Move, MoveAnswer
from gateway.store.redis import SiteStore
from gateway.store.waiting import Undecodable
from recorder.carry import Carrier, WholeStream
from recorder.carry import Pace as CarryPace
from recorder.records import RecordTables

AT = 1_800_000_000.5
SESSION = ChargeSession(
    site="home",
    chargepoint_id="4",
    plugged_at_ms=1_800_000_000_500,
    plugged_at=AT,
    unplugged_at=AT + 60,
    meter_start_wh=Decimal("1000.25"),
    meter_end_wh=Decimal("1100.75"),
    energy_wh=Decimal("100.50"),
    segments=(Segment(mode="pv", begin=AT, end=AT + 60, energy_wh=Decimal("100.50")),),
    energy_by_source=EnergyBySource(grid_wh=Decimal("0.5"), pv_wh=Decimal(100), battery_wh=Decimal(0)),
    source_how="estimated",
    completeness=("gap",),
)
OTHER = msgspec.structs.replace(SESSION, plugged_at_ms=SESSION.plugged_at_ms + 1)
OPEN = ChargeSession(site="home", chargepoint_id="5", plugged_at_ms=1, plugged_at=0.001)
HERE = Position("e", 17)


def move(moves: int = 0, **more: object) -> Move:
    return Move(moves=moves, position=HERE, state=b"\x00state", **more)  # type: ignore[arg-type]


async def test_a_step_moves_everything_together(client: Redis, site: str) -> None:
    records = ChargeRecords(client)
    assert await records.load(site) is None
    assert await records.open_sessions(site) == ()
    step = move(open=(OPEN,), finished=(SESSION,), events=(charge_session_ended(SESSION),))
    assert await records.move(site, step) == MoveAnswer("done", 1)
    tracked = await records.load(site)
    assert tracked is not None
    assert (tracked.moves, tracked.position, tracked.state) == (1, HERE, b"\x00state")
    assert await records.open_sessions(site) == (OPEN,)
    [(position, found)] = await records.read_after(site, -1, 10)
    assert found == SESSION
    assert await records.read_after(site, position, 10) == []
    [entry] = (await SiteStore(client).events_after(site, NO_EVENT, 10)).entries
    assert (entry.after_seq, entry.event) == (17, charge_session_ended(SESSION))


async def test_who_does_not_know_of_all_moves_changes_nothing(client: Redis, site: str) -> None:
    """Also who repeats a move whose answer was lost."""
    records = ChargeRecords(client)
    await records.move(site, move(finished=(SESSION,)))
    for moves in (0, 2):
        assert await records.move(site, move(moves, finished=(SESSION,))) == MoveAnswer("moved", 1)
    assert await records.length(site) == 1
    assert await records.move(site, move(1)) == MoveAnswer("done", 2)
    assert await records.open_sessions(site) == ()


async def test_one_record_too_many_moves_nothing(client: Redis, site: str) -> None:
    records = ChargeRecords(client, most=2)
    assert (await records.move(site, move(finished=(SESSION, SESSION)))).outcome == "done"
    assert await records.move(site, move(1, open=(OPEN,), finished=(SESSION,))) == MoveAnswer("full", 1)
    assert await records.open_sessions(site) == ()
    assert (await records.move(site, move(1))).outcome == "done", "without a record there is room"
    [(first, _), _] = await records.read_after(site, -1, 10)
    await records.trim_to(site, first)
    assert (await records.move(site, move(2, finished=(SESSION,)))).outcome == "done"


async def test_records_are_let_go_of_up_to_a_position(client: Redis, site: str) -> None:
    records = ChargeRecords(client)
    await records.move(site, move(finished=(SESSION,) * 5))
    places = [position for position, _ in await records.read_after(site, -1, 3)]
    assert places == sorted(set(places))
    await records.trim_to(site, -1)
    assert await records.length(site) == 5
    await records.trim_to(site, places[-1])
    assert await records.length(site) == 2
    assert all(position > places[-1] for position, _ in await records.read_after(site, -1, 10))


@pytest.mark.parametrize("payload", [b"", b"\xff", b"\x92\x02\x80", b"\x92\x01\x80"])
async def test_what_cannot_be_read_is_told_with_its_place(client: Redis, site: str, payload: bytes) -> None:
    records = ChargeRecords(client)
    await client.xadd(keys.charge_records(site), {"record": payload})
    await records.move(site, move(finished=(SESSION,)))
    (_, bad), (_, good) = await records.read_after(site, -1, 10)
    assert isinstance(bad, Undecodable)
    assert bad.payload == payload
    assert good == SESSION


async def test_a_store_that_begins_anew_in_the_past_is_carried_on_from(
    client: Redis, site: str, tmp_path: Path
) -> None:
    """It lost everything, and its clock was set back, while the writer ran."""
    records, tables = ChargeRecords(client), RecordTables(site, SystemClock())
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/gateway.db")
    await database.migrate()
    stream = WholeStream(records, site)
    carrier = Carrier("rows", database, stream, tables, pace=CarryPace(), report=lambda *_: None)
    await records.move(site, move(finished=(SESSION, OTHER)))
    waiting: Any = await client.xrange(keys.charge_records(site))
    (_, first), (_, second) = waiting
    for at, fields in (("9000000000000-0", first), ("5-0", second)):
        await client.delete(keys.charge_records(site))
        await client.xadd(keys.charge_records(site), fields, id=at)
        await carrier.carry()
        assert await records.length(site) == 0
    assert tables.written == 2
    await database.dispose()


async def test_open_sessions_of_another_version_are_said_to_be_unreadable(client: Redis, site: str) -> None:
    await client.hset(keys.tracker(site), "open", b"\xff")
    with pytest.raises(StoreUnavailable, match="cannot read"):
        await ChargeRecords(client).open_sessions(site)
