"""Charge sessions added up piece by piece, and corrected."""

import asyncio
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.db.box_log import write_entries
from gateway.db.charge_session_queries import Chosen
from gateway.db.engine import Database
from gateway.domain.access import Login, Role
from gateway.domain.box_log import BoxLogEntry, Shares
from gateway.domain.charge_corrections import Correction
from gateway.domain.charge_sessions import ChargeSession
from gateway.domain.errors import Conflict, InvalidArgument, NotFound
from gateway.hub.views import Rights
from gateway.services.charge_sessions import ChargeSessions
from gateway.services.rights import rights_of
from tests.support.charge_rows import NOON, charge_session, write_sessions
from tests.support.rest import BERLIN, Web, sqlite

ADMIN = Login(token_id=1, user_id=1, name="admin", role=Role.admin, scopes=("admin",), expires_at=0.0)
DAY = 86_400.0
Made = Callable[..., ChargeSessions]


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with sqlite(tmp_path) as opened:
        yield opened


@pytest.fixture
def made(database: Database) -> Made:
    web = Web(database)

    async def none_open(_site: str) -> list[ChargeSession]:
        return []

    def rights(login: Login) -> Rights:
        return rights_of(login, ("home",))

    def make(at_once: int = 500, most: int = 50_000) -> ChargeSessions:
        zones = dict.fromkeys(("home", "yard"), BERLIN)
        return ChargeSessions(database, none_open, zones, web.hub, rights, web.clock, at_once=at_once, most=most)

    return make


async def test_the_pieces_make_no_difference(database: Database, made: Made) -> None:
    sessions = [charge_session(NOON + day * DAY, energy_wh=Decimal(100 + day)) for day in range(7)]
    await write_sessions(database, sessions)
    entries = [
        BoxLogEntry(
            key=str(day),
            source="openwb-2",
            chargepoint="5",
            begin=one.plugged_at,
            end=one.unplugged_at,
            energy_wh=one.energy_wh,
            shares=Shares(0.0, 0.5, 0.5, 0.0),
        )
        for day, one in enumerate(sessions)
        if day % 2
    ]
    async with database.writing() as connection:
        await write_entries(connection, "home", entries, NOON)
    whole = await made().statistics(ADMIN, "home", Chosen(), ("month", "source"))
    for at_once in (1, 2, 3, 7):
        in_pieces = made(at_once=at_once)
        found = await in_pieces.statistics(ADMIN, "home", Chosen(), ("month", "source"))
        assert (found.rows(), found.total) == (whole.rows(), whole.total)
        page = await in_pieces.page(ADMIN, "home", Chosen(), None, 2)
        assert page.total == whole.total
    assert whole.total.energy_wh == sum((one.energy_wh or Decimal(0) for one in sessions), Decimal(0))
    assert whole.total.battery_wh == sum((one.energy_wh or Decimal(0) for one in sessions[1::2]), Decimal(0)) / 2


async def test_no_more_is_added_up_than_can_be(database: Database, made: Made) -> None:
    await write_sessions(database, [charge_session(NOON + day * DAY) for day in range(4)])
    few = made(at_once=2, most=3)
    with pytest.raises(InvalidArgument, match=r"more than 3 charge sessions.*'from'"):
        await few.statistics(ADMIN, "home", Chosen(), ("month",))
    page = await few.page(ADMIN, "home", Chosen(), None, 2)
    assert (len(page.sessions), page.total) == (2, None)
    chosen = Chosen(begin=NOON + DAY)
    assert (await few.statistics(ADMIN, "home", chosen, ("month",))).total.sessions == 3


async def test_of_corrections_at_once_one_stands(database: Database, made: Made) -> None:
    (number,) = await write_sessions(database, [charge_session()])
    sessions = made()
    tries = (sessions.correct(ADMIN, "home", number, Correction(note=f"try {one}"), "seen", 0) for one in range(5))
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(one, Conflict) for one in outcomes) == 4
    told = await sessions.one(ADMIN, "home", number)
    assert (told.stored.version, len(told.stored.versions)) == (1, 1)


async def test_a_site_that_may_not_be_seen_is_not_there(made: Made) -> None:
    sessions = made()
    assert sessions.zone(ADMIN, "home") == BERLIN
    for site in ("yard", "other"):
        with pytest.raises(NotFound):
            sessions.zone(ADMIN, site)
    with pytest.raises(NotFound, match="no such charge session"):
        await sessions.correct(ADMIN, "home", 1, Correction(note="x"), "seen", 0)


async def test_those_that_go_on_are_the_trackers(made: Made) -> None:
    assert await made().current(ADMIN, "home") == []
