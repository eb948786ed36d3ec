"""Who serves the box's log: when it asks, how often, and what becomes of a request."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC
from typing import Any

import pytest

from gateway.bridge.charge_log import ChargeLog, LogPace
from gateway.domain.box_log import BoxLog, BoxLogEntry
from gateway.domain.box_log_schedule import Pauses
from gateway.domain.dialects import Dialect
from gateway.domain.errors import BrokerUnavailable, StoreUnavailable, Unreadable
from gateway.domain.months import Month
from gateway.store.requests import Asked, Outcome, Piece, Request
from tests.support.clock import FakeClock
from tests.support.waiting import eventually

PACE = LogPace(look_s=0.001, attempts=3, pause_s=0.001, full_s=0.001, unplug=Pauses(0, 1000))


class Store:
    """Both queues, in a list each."""

    def __init__(self) -> None:
        self.waiting: list[Asked] = []
        self.outcomes: dict[str, Outcome] = {}
        self.pieces: list[Piece] = []
        self.full = 0
        self.away = 0
        self.most = 100
        self.schedule: list[Request] = []

    async def ask(self, _site: str, request: Request) -> str | None:
        self.schedule.append(request)
        if len(self.waiting) >= self.most:
            return None
        self.waiting.append(Asked(str(len(self.schedule)), request))
        return self.waiting[-1].id

    async def first(self, _site: str) -> Asked | None:
        if self.away:
            self.away -= 1
            raise StoreUnavailable("away")
        return self.waiting[0] if self.waiting else None

    async def answered(self, _site: str, request_id: str, outcome: Outcome) -> None:
        self.outcomes[request_id] = outcome
        self.waiting = [one for one in self.waiting if one.id != request_id]

    async def append(self, _site: str, piece: Piece) -> bool:
        self.full -= 1
        if self.full >= 0:
            return False
        self.pieces.append(piece)
        return True


class Source:
    """A box; ``answers`` are given in turn, the last one for ever."""

    def __init__(self, *answers: BoxLog | Exception) -> None:
        self.answers = list(answers) or [BoxLog(())]
        self.asked: list[tuple[Month, bool | None]] = []

    async def month(self, month: Month, *, named: bool | None = None) -> BoxLog:
        self.asked.append((month, named))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class Lead:
    def __init__(self, dialect: Dialect | None = "openwb-2") -> None:
        self.leads = True
        self.dialect = dialect


class World:
    def __init__(self, mqtt: Source, http: Source, lead: Lead) -> None:
        self.store, self.clock, self.lead = Store(), FakeClock(), lead
        given: Any = {"over_mqtt": mqtt, "over_http": http}
        store: Any = self.store
        self.log = ChargeLog("home", lead, store, store, self.clock, **given, zone=UTC, pace=PACE, spread=lambda: 0.0)

    async def served(self, count: int) -> None:
        await eventually(lambda: len(self.store.outcomes) >= count)


@contextlib.asynccontextmanager
async def world(
    mqtt: Source | None = None, http: Source | None = None, lead: Lead | None = None
) -> AsyncIterator[World]:
    made = World(mqtt or Source(), http or Source(), lead or Lead())
    task = asyncio.create_task(made.log.run())
    yield made
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def log_of(count: int) -> BoxLog:
    return BoxLog(
        tuple(BoxLogEntry(key=str(number), source="openwb-2", oddities=("no_time",)) for number in range(count)), 2
    )


async def test_at_the_start_two_months_are_asked_for_and_told() -> None:
    source = Source(log_of(150))
    async with world(source) as made:
        await made.served(2)
    assert [len(piece.entries) for piece in made.store.pieces] == [100, 50, 100, 50]
    assert made.store.outcomes["1"] == Outcome("done", 150, 2, {"no_time": 150})
    assert [named for _, named in source.asked] == [True, True]
    assert {request.why for request in made.store.schedule} == {"schedule"}


async def test_a_box_that_does_not_answer_is_asked_in_both_forms_and_then_has_failed() -> None:
    source = Source(BrokerUnavailable("silent"), Unreadable("odd"), BrokerUnavailable("no answer"))
    async with world(source) as made:
        await made.served(2)
    assert [named for _, named in source.asked] == [True, False, True] * 2
    assert made.store.outcomes["1"] == Outcome("failed", reason="no answer")


async def test_one_that_answers_at_last_is_done() -> None:
    source = Source(BrokerUnavailable("silent"), log_of(1))
    async with world(source) as made:
        await made.served(2)
    assert {outcome.state for outcome in made.store.outcomes.values()} == {"done"}


async def test_a_1_9_is_read_over_http() -> None:
    mqtt, http = Source(), Source(log_of(1))
    async with world(mqtt, http, Lead("openwb-1.9")) as made:
        await made.served(2)
    assert (mqtt.asked, len(http.asked)) == ([], 2)
    assert {piece.source for piece in made.store.pieces} == {"openwb-1.9"}


@pytest.mark.parametrize("lacks", ["leads", "dialect"])
async def test_who_does_not_lead_or_does_not_know_the_box_asks_nothing(lacks: str) -> None:
    lead = Lead()
    setattr(lead, lacks, None)
    async with world(lead=lead) as made:
        await asyncio.sleep(0.02)
        assert made.store.schedule == []
        lead.leads, lead.dialect = True, "openwb-2"
        await made.served(2)


async def test_a_full_queue_and_a_store_that_is_away_are_waited_for() -> None:
    made = World(Source(log_of(1)), Source(), Lead())
    made.store.full, made.store.away = 2, 3
    task = asyncio.create_task(made.log.run())
    await made.served(2)
    task.cancel()
    assert len(made.store.pieces) == 2


async def test_requests_that_find_no_room_are_let_go_of() -> None:
    made = World(Source(), Source(), Lead())
    made.store.most = 0
    task = asyncio.create_task(made.log.run())
    await eventually(lambda: len(made.store.schedule) == 2)
    task.cancel()
    assert made.store.outcomes == {}


async def test_an_unplug_is_a_reason_to_ask() -> None:
    source = Source()
    async with world(source) as made:
        await made.served(2)
        made.log.take({"chargepoints/5/plugged": True})
        made.log.take({"chargepoints/5/plugged": False})
        await made.served(3)
    assert source.asked[2][0] == source.asked[1][0]
