"""Logins, and how the first user gets a password. The database is a SQLite file; what it promises is tested apart."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway.db.engine import Database
from gateway.domain.errors import (
    BadCredentials,
    DatabaseUnavailable,
    Forbidden,
    InvalidArgument,
    RateLimited,
    SettingsError,
    Unauthenticated,
)
from gateway.domain.throttle import Patience
from gateway.services.auth import AuthService, SetupToken
from gateway.services.passwords import HashCost
from tests.support.clock import FakeClock
from tests.support.rest import PASSWORD, make_auth, sqlite

HERE = "127.0.0.1"


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with sqlite(tmp_path) as database:
        yield database


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def auth(database: Database, clock: FakeClock) -> AuthService:
    return make_auth(database, clock)


async def rows(database: Database, query: str) -> list[tuple[object, ...]]:
    async with database.reading() as connection:
        return [tuple(row) for row in await connection.execute(text(query))]


async def begun(auth: AuthService) -> SetupToken:
    token = await auth.ensure_admin(None)
    assert token is not None
    return token


async def test_a_login_gives_a_token_that_says_who_it_is(auth: AuthService, clock: FakeClock) -> None:
    await auth.ensure_admin(PASSWORD)
    made = await auth.login("Admin", PASSWORD, HERE)
    assert made.user.name == "admin"
    assert made.expires_at == clock.now() + 12 * 3600
    assert len(made.token) == 43
    login = await auth.whoami(made.token)
    assert (login.user_id, login.name, login.scopes) == (made.user.id, "admin", ("admin",))
    assert login.expires_at == made.expires_at


async def test_every_login_has_a_token_of_its_own(auth: AuthService) -> None:
    await auth.ensure_admin(PASSWORD)
    first, second = await auth.login("admin", PASSWORD, HERE), await auth.login("admin", PASSWORD, HERE)
    assert first.token != second.token
    await auth.logout(await auth.whoami(first.token))
    await auth.whoami(second.token)
    with pytest.raises(Unauthenticated):
        await auth.whoami(first.token)


async def test_a_login_ends_after_its_time(auth: AuthService, clock: FakeClock) -> None:
    await auth.ensure_admin(PASSWORD)
    made = await auth.login("admin", PASSWORD, HERE)
    clock.advance(12 * 3600 - 1)
    await auth.whoami(made.token)
    clock.advance(1)
    with pytest.raises(Unauthenticated):
        await auth.whoami(made.token)


@pytest.mark.parametrize("token", ["", "x", "x" * 129, "\ud800", "a b"])
async def test_an_unknown_token_is_nobodys(auth: AuthService, token: str) -> None:
    with pytest.raises(Unauthenticated):
        await auth.whoami(token)


async def test_the_database_knows_digests_only(auth: AuthService, database: Database, tmp_path: Path) -> None:
    setup = await begun(auth)
    await auth.setup(setup.token, PASSWORD, HERE)
    made = await auth.login("admin", PASSWORD, HERE)
    digests = [digest for (digest,) in await rows(database, "SELECT digest FROM tokens ORDER BY id")]
    assert digests == [hashlib.sha256(token.encode()).hexdigest() for token in (setup.token, made.token)]
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for secret in (setup.token, made.token, PASSWORD):
        assert secret.encode() not in kept


async def test_the_use_of_a_token_is_noted_now_and_then(
    auth: AuthService, database: Database, clock: FakeClock
) -> None:
    await auth.ensure_admin(PASSWORD)
    made = await auth.login("admin", PASSWORD, HERE)
    notes = []
    for _ in range(3):
        clock.advance(200)
        await auth.whoami(made.token)
        notes.append((await rows(database, "SELECT last_used_at FROM tokens"))[0][0])
    assert notes[0] == notes[1] != notes[2]


async def test_a_note_of_its_use_that_cannot_be_written_costs_a_token_nothing(
    auth: AuthService, database: Database, clock: FakeClock, tmp_path: Path
) -> None:
    await auth.ensure_admin(PASSWORD)
    made = await auth.login("admin", PASSWORD, HERE)
    hurried = Database(f"sqlite+aiosqlite:///{tmp_path / 'gateway.db'}", timeout_s=0.2)
    async with database.writing():
        assert (await make_auth(hurried, clock).whoami(made.token)).name == "admin"
    assert await rows(database, "SELECT last_used_at FROM tokens") == [(None,)]
    await hurried.dispose()


async def test_a_login_that_another_process_ended_is_seen_to_be_over(
    auth: AuthService, database: Database, clock: FakeClock
) -> None:
    await auth.ensure_admin(PASSWORD)
    first, second = [await auth.whoami((await auth.login("admin", PASSWORD, HERE)).token) for _ in range(2)]
    assert await auth.still_valid(first)
    await make_auth(database, clock).logout(first)
    assert not await auth.still_valid(first)
    assert await auth.still_valid(second)
    async with database.writing() as connection:
        await connection.execute(text("UPDATE users SET disabled_at = created_at"))
    assert not await auth.still_valid(second)


async def test_a_wrong_name_and_a_wrong_password_are_told_alike(auth: AuthService) -> None:
    await auth.ensure_admin(PASSWORD)
    told = []
    for name, password in (("admin", "wrong"), ("nobody", PASSWORD)):
        with pytest.raises(BadCredentials) as caught:
            await auth.login(name, password, HERE)
        told.append(caught.value.message)
    assert told[0] == told[1]


async def test_a_user_without_password_and_a_disabled_one_cannot_log_in(
    auth: AuthService, database: Database
) -> None:
    setup = await begun(auth)
    for password in ("", "None"):
        with pytest.raises(BadCredentials):
            await auth.login("admin", password, HERE)
    await auth.setup(setup.token, PASSWORD, HERE)
    made = await auth.login("admin", PASSWORD, HERE)
    async with database.writing() as connection:
        await connection.execute(text("UPDATE users SET disabled_at = created_at"))
    with pytest.raises(BadCredentials):
        await auth.login("admin", PASSWORD, HERE)
    with pytest.raises(Unauthenticated):
        await auth.whoami(made.token)


async def test_guessing_is_slowed_down_at_its_source_only(database: Database, clock: FakeClock) -> None:
    auth = make_auth(database, clock, patience=Patience(free=3))
    await auth.ensure_admin(PASSWORD)
    for _ in range(3):
        with pytest.raises(BadCredentials):
            await auth.login("admin", "wrong", "6.6.6.6")
    with pytest.raises(RateLimited) as caught:
        await auth.login(" ADMIN ", PASSWORD, "6.6.6.6")
    assert caught.value.retry_after_s == 1
    await auth.login("admin", PASSWORD, "1.1.1.1")
    clock.advance(1)
    await auth.login("admin", PASSWORD, "6.6.6.6")


async def test_attempts_side_by_side_count_before_they_are_known(database: Database, clock: FakeClock) -> None:
    auth = make_auth(database, clock, patience=Patience(free=3))
    await auth.ensure_admin(PASSWORD)
    attempts = (auth.login("admin", "wrong", "6.6.6.6") for _ in range(10))
    answers = await asyncio.gather(*attempts, return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["BadCredentials"] * 3 + ["RateLimited"] * 7


async def test_a_lost_database_does_not_count_against_anybody(tmp_path: Path, clock: FakeClock) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'no folder' / 'gateway.db'}")
    auth = make_auth(database, clock, patience=Patience(free=1))
    for _ in range(5):
        with pytest.raises(DatabaseUnavailable):
            await auth.login("admin", PASSWORD, HERE)
    await database.dispose()


async def test_a_hash_of_yesterdays_cost_is_renewed_at_the_next_login(database: Database, clock: FakeClock) -> None:
    await make_auth(database, clock, cost=HashCost(memory_kib=16, passes=1, lanes=1)).ensure_admin(PASSWORD)
    auth = make_auth(database, clock)
    hashes = []
    for _ in range(3):
        hashes.append((await rows(database, "SELECT password_hash FROM users"))[0][0])
        await auth.login("admin", PASSWORD, HERE)
    assert hashes[0] != hashes[1] == hashes[2]
    assert "m=8," in str(hashes[1])


async def test_long_expired_tokens_are_forgotten_at_the_next_login(
    auth: AuthService, database: Database, clock: FakeClock
) -> None:
    await auth.ensure_admin(PASSWORD)
    await auth.login("admin", PASSWORD, HERE)
    clock.advance(31 * 86_400)
    await auth.login("admin", PASSWORD, HERE)
    assert len(await rows(database, "SELECT id FROM tokens")) == 1


async def test_a_password_of_the_settings_counts_until_there_is_one(auth: AuthService) -> None:
    assert await auth.ensure_admin(PASSWORD) is None
    assert await auth.ensure_admin("another password") is None
    assert await auth.ensure_admin(None) is None
    await auth.login("admin", PASSWORD, HERE)
    with pytest.raises(BadCredentials):
        await auth.login("admin", "another password", HERE)


async def test_a_password_of_the_settings_ends_the_set_up(auth: AuthService) -> None:
    setup = await begun(auth)
    assert await auth.ensure_admin(PASSWORD) is None
    await auth.login("admin", PASSWORD, HERE)
    with pytest.raises(BadCredentials):
        await auth.setup(setup.token, "mine, not yours", HERE)


@pytest.mark.parametrize("password", ["", "short", "x" * 257])
async def test_a_bad_password_of_the_settings_stops_the_start(
    auth: AuthService, database: Database, password: str
) -> None:
    with pytest.raises(SettingsError, match=r"GATEWAY_ADMIN_PASSWORD.* 8 to 256") as caught:
        await auth.ensure_admin(password)
    assert not password or password not in caught.value.message
    assert await rows(database, "SELECT * FROM users") == []


async def test_other_users_are_left_alone(auth: AuthService, database: Database) -> None:
    async with database.writing() as connection:
        await connection.execute(
            text("INSERT INTO users (name, role, created_at) VALUES ('anna', 'admin', '2027-01-01 00:00:00')")
        )
    assert await auth.ensure_admin(PASSWORD) is None
    assert await rows(database, "SELECT name FROM users") == [("anna",)]


async def test_the_set_up_link_works_once(auth: AuthService, clock: FakeClock) -> None:
    setup = await begun(auth)
    assert setup.expires_at == clock.now() + 3600
    assert setup.link("http://box:8080/") == f"http://box:8080/#setup={setup.token}"
    await auth.setup(setup.token, PASSWORD, HERE)
    await auth.login("admin", PASSWORD, HERE)
    with pytest.raises(BadCredentials):
        await auth.setup(setup.token, "another password", HERE)
    assert await auth.ensure_admin(None) is None


async def test_the_set_up_link_ends_after_its_time_and_with_the_next_one(auth: AuthService, clock: FakeClock) -> None:
    first = await begun(auth)
    second = await begun(auth)
    with pytest.raises(BadCredentials):
        await auth.setup(first.token, PASSWORD, HERE)
    clock.advance(3600)
    with pytest.raises(BadCredentials):
        await auth.setup(second.token, PASSWORD, HERE)
    third = await begun(auth)
    await auth.setup(third.token, PASSWORD, HERE)


async def test_a_set_up_token_is_no_login_and_a_login_no_set_up(auth: AuthService) -> None:
    setup = await begun(auth)
    with pytest.raises(Unauthenticated):
        await auth.whoami(setup.token)
    await auth.setup(setup.token, PASSWORD, HERE)
    made = await auth.login("admin", PASSWORD, HERE)
    with pytest.raises(BadCredentials):
        await auth.setup(made.token, PASSWORD, HERE)


async def test_a_set_up_link_is_for_people_nearby(auth: AuthService) -> None:
    setup = await begun(auth)
    with pytest.raises(Forbidden):
        await auth.setup(setup.token, PASSWORD, "8.8.8.8")
    await auth.setup(setup.token, PASSWORD, "192.168.1.20")


async def test_a_bad_first_password_leaves_the_link_usable(auth: AuthService) -> None:
    setup = await begun(auth)
    with pytest.raises(InvalidArgument):
        await auth.setup(setup.token, "short", HERE)
    await auth.setup(setup.token, PASSWORD, HERE)


async def test_of_two_who_set_up_at_once_one_wins(auth: AuthService) -> None:
    setup = await begun(auth)
    passwords = ("first password", "second password")
    answers = await asyncio.gather(
        *(auth.setup(setup.token, password, HERE) for password in passwords), return_exceptions=True
    )
    assert sorted(answer is None for answer in answers) == [False, True]
    winner = passwords[answers.index(None)]
    await auth.login("admin", winner, HERE)


async def test_processes_that_start_together_make_one_admin(database: Database, clock: FakeClock) -> None:
    services = [make_auth(database, clock) for _ in range(4)]
    tokens = [token for token in await asyncio.gather(*(one.ensure_admin(None) for one in services)) if token]
    assert await rows(database, "SELECT name FROM users") == [("admin",)]
    works = 0
    for token in tokens:
        try:
            await services[0].setup(token.token, PASSWORD, HERE)
        except BadCredentials:
            continue
        works += 1
    assert works == 1
