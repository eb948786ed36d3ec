"""One-time tickets on SQLite and on MariaDB."""

import asyncio

import pytest
from sqlalchemy import func, select

from gateway.db.engine import Database
from gateway.db.models import TicketRow
from gateway.domain.access import Login
from gateway.domain.errors import RateLimited, Unauthenticated
from gateway.services.auth import MOST_TICKETS, AuthService, digest_of
from tests.contract.test_db import database, url
from tests.support.clock import FakeClock
from tests.support.rest import PASSWORD, make_auth

__all__ = ["database", "url"]
PAGE = "https://gw.example"


class World:
    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = FakeClock()
        self.auth: AuthService = make_auth(database, self.clock)

    async def log_in(self) -> Login:
        await self.auth.ensure_admin(PASSWORD)
        return await self.auth.whoami((await self.auth.login("admin", PASSWORD, "10.0.0.1")).token)

    async def stored(self) -> int:
        async with self.database.reading() as connection:
            return await connection.scalar(select(func.count()).select_from(TicketRow)) or 0


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


async def refused(world: World, ticket: str, origin: str | None = PAGE) -> bool:
    with pytest.raises(Unauthenticated):
        await world.auth.redeem(ticket, origin)
    return True


async def test_a_ticket_is_good_once_and_then_gone(world: World) -> None:
    login = await world.log_in()
    made = await world.auth.ticket(login, PAGE, "tab")
    assert made.expires_at == world.clock.now() + 20
    redeemed = await world.auth.redeem(made.ticket, PAGE)
    assert (redeemed.login.token_id, redeemed.login.expires_at) == (login.token_id, login.expires_at)
    assert (redeemed.login.name, redeemed.device) == ("admin", "tab")
    assert await refused(world, made.ticket)
    assert await world.stored() == 0


async def test_of_many_at_once_one_gets_it(world: World) -> None:
    made = await world.auth.ticket(await world.log_in(), PAGE, None)
    answers = await asyncio.gather(*(world.auth.redeem(made.ticket, PAGE) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(answer, Unauthenticated) for answer in answers) == 7


async def test_after_its_time_it_is_worth_nothing(world: World) -> None:
    made = await world.auth.ticket(await world.log_in(), PAGE, None)
    world.clock.advance(20)
    assert await refused(world, made.ticket)


@pytest.mark.parametrize(
    ("made_for", "shown_by"),
    [(PAGE, "https://evil.example"), (PAGE, None), (None, PAGE), (PAGE, f"{PAGE}:8443"), (PAGE, "http://gw.example")],
)
async def test_for_another_page_it_is_worth_nothing_and_used_up(
    world: World, made_for: str | None, shown_by: str | None
) -> None:
    made = await world.auth.ticket(await world.log_in(), made_for, None)
    assert await refused(world, made.ticket, shown_by)
    assert await refused(world, made.ticket, made_for)


async def test_it_ends_with_its_login(world: World) -> None:
    login = await world.log_in()
    made = await world.auth.ticket(login, PAGE, None)
    await world.auth.logout(login)
    assert await refused(world, made.ticket)


async def test_it_holds_no_longer_than_its_login(world: World) -> None:
    login = await world.log_in()
    world.clock.advance(login.expires_at - world.clock.now() - 5)
    made = await world.auth.ticket(login, PAGE, None)
    assert made.expires_at == login.expires_at
    world.clock.advance(5)
    assert await refused(world, made.ticket)


@pytest.mark.parametrize("ticket", ["", "x", "x" * 200, "ü", "\ud800"])
async def test_nonsense_is_no_ticket(world: World, ticket: str) -> None:
    await world.log_in()
    assert await refused(world, ticket)


async def test_tokens_are_no_tickets_and_tickets_no_tokens(world: World) -> None:
    login = await world.log_in()
    made = await world.auth.ticket(login, PAGE, None)
    with pytest.raises(Unauthenticated):
        await world.auth.whoami(made.ticket)
    token = (await world.auth.login("admin", PASSWORD, "10.0.0.1")).token
    assert await refused(world, token)


async def test_only_its_digest_is_stored(world: World) -> None:
    made = await world.auth.ticket(await world.log_in(), PAGE, None)
    async with world.database.reading() as connection:
        assert await connection.scalar(select(TicketRow.digest)) == digest_of(made.ticket)
    assert len(made.ticket) >= 43


async def test_unused_ones_are_few_and_are_forgotten(world: World) -> None:
    login = await world.log_in()
    for _ in range(MOST_TICKETS):
        await world.auth.ticket(login, PAGE, None)
    with pytest.raises(RateLimited):
        await world.auth.ticket(login, PAGE, None)
    world.clock.advance(20)
    await world.auth.ticket(login, PAGE, None)
    assert await world.stored() == 1
