"""What is asked of the box's log and what comes back, on Redis and on Valkey alike."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from gateway.domain.box_log import BoxLogEntry, Shares
from gateway.store import keys
from gateway.store.requests import (
    PIECE_ENTRIES,
    BoxLogQueue,
    Outcome,
    Piece,
    Request,
    RequestQueue,
    pieces_of,
)
from gateway.store.waiting import Undecodable

ENTRY = BoxLogEntry(
    key="k",
    source="openwb-2",
    chargepoint="5",
    begin=1.5,
    energy_wh=Decimal("82.920"),
    shares=Shares(0.1, 0.2, 0.3, 0.4),
    oddities=("no_time",),
)
PIECE = Piece("openwb-2", (ENTRY,))


async def test_requests_are_served_in_order_and_wait_until_they_are_answered(client: Redis, site: str) -> None:
    queue = RequestQueue(client)
    assert await queue.first(site) is None
    ids = [await queue.ask(site, Request(2026, month)) for month in (10, 11)]
    asked = await queue.first(site)
    assert asked is not None
    assert (asked.id, asked.request) == (ids[0], Request(2026, 10))
    assert await queue.first(site) == asked  # who died over it finds it again
    assert await queue.outcome_of(site, asked.id) is None
    done = Outcome("done", 7, 1, {"overlaps": 2})
    await queue.answered(site, asked.id, done)
    assert await queue.outcome_of(site, asked.id) == done
    second = await queue.first(site)
    assert second is not None
    assert second.request.month == 11
    assert await client.ttl(keys.outcome(site, asked.id)) > 0


async def test_a_full_queue_takes_no_more(client: Redis, site: str) -> None:
    queue = RequestQueue(client, most=1)
    assert await queue.ask(site, Request(2026, 10))
    assert await queue.ask(site, Request(2026, 11)) is None
    pieces = BoxLogQueue(client, most=1)
    assert await pieces.append(site, PIECE)
    assert not await pieces.append(site, PIECE)
    assert await pieces.length(site) == 1


async def test_a_request_that_nobody_can_read_fails_and_holds_up_none(client: Redis, site: str) -> None:
    added: Any = await client.xadd(keys.requests(site), {"request": b"\xc1"})
    bad = added.decode()
    queue = RequestQueue(client)
    asked = await queue.ask(site, Request(2026, 11))
    found = await queue.first(site)
    assert found is not None
    assert found.id == asked
    outcome = await queue.outcome_of(site, bad)
    assert outcome is not None
    assert outcome.state == "failed"


async def test_pieces_are_read_by_position_and_let_go_of(client: Redis, site: str) -> None:
    queue = BoxLogQueue(client)
    for number in range(3):
        assert await queue.append(site, Piece("openwb-2", (msgspec.structs.replace(ENTRY, key=str(number)),)))
    await queue.trim_to(site, -1)
    found = await queue.read_after(site, -1, 10)
    assert [position for position, _ in found] == sorted({position for position, _ in found})
    assert [piece.entries[0].key for _, piece in found if isinstance(piece, Piece)] == ["0", "1", "2"]
    assert found[0][1] == Piece("openwb-2", (msgspec.structs.replace(ENTRY, key="0"),))
    assert await queue.read_after(site, found[0][0], 1) == found[1:2]
    await queue.trim_to(site, found[1][0])
    assert await queue.read_after(site, -1, 10) == found[2:]
    await queue.trim_to(site, found[2][0])
    assert await queue.length(site) == 0
    assert await queue.append(site, PIECE)
    assert (await queue.read_after(site, found[2][0], 1))[0][0] > found[2][0]


@pytest.mark.parametrize("payload", [b"\xc1", msgspec.msgpack.encode([9, None]), msgspec.msgpack.encode([1, 7])])
async def test_a_piece_that_nobody_can_read_is_told_as_one(client: Redis, site: str, payload: bytes) -> None:
    await client.xadd(keys.box_log(site), {"piece": payload})
    (_, piece), *_ = await BoxLogQueue(client).read_after(site, -1, 10)
    assert isinstance(piece, Undecodable)
    assert piece.payload == payload


def test_entries_go_in_pieces() -> None:
    pieces = list(pieces_of("evcc", [ENTRY] * (PIECE_ENTRIES + 1)))
    assert [len(piece.entries) for piece in pieces] == [PIECE_ENTRIES, 1]
    assert list(pieces_of("evcc", [])) == []
