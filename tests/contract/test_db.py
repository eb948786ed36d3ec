"""What the database promises, on SQLite and on MariaDB alike."""

import asyncio
import os
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, insert, text

from gateway.db import accounts
from gateway.db.engine import Database
from gateway.db.form import newest_form
from gateway.db.models import Base, UserRow
from gateway.domain.access import Role, TokenKind, User
from gateway.domain.errors import Conflict, DatabaseUnavailable, SettingsError

NOW = 1_753_791_600.123456


@pytest.fixture(params=["sqlite", "mariadb"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "mariadb":
        found: str = request.getfixturevalue("mariadb_url")
        return found
    return f"sqlite+aiosqlite:///{tmp_path / 'gateway.db'}"


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    database = Database(url)
    await database.migrate()
    yield database
    await database.dispose()


async def add_admin(database: Database, name: str = "admin") -> User:
    async with database.writing() as connection:
        return await accounts.add_user(connection, name=name, role=Role.admin, password_hash="hash", created_at=NOW)


async def add_token(database: Database, user: User, digest: str = "d" * 64, **changed: float) -> int:
    times = {"created_at": NOW, "expires_at": NOW + 3600, **changed}
    async with database.writing() as connection:
        return await accounts.add_token(
            connection, user_id=user.id, kind=TokenKind.login, digest=digest, scopes=("admin",), label="test", **times
        )


async def known(
    database: Database, digest: str = "d" * 64, now: float = NOW, kind: TokenKind = TokenKind.login
) -> bool:
    async with database.reading() as connection:
        return await accounts.login_by_digest(connection, kind, digest, now) is not None


async def test_the_migrations_make_what_the_models_say(database: Database) -> None:
    def compare(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, Base.metadata))

    async with database.reading() as connection:
        assert await connection.run_sync(compare) == []


async def test_migrating_again_changes_nothing(database: Database) -> None:
    await add_admin(database)
    await database.migrate()
    async with database.reading() as connection:
        assert await accounts.count_users(connection) == 1


async def test_a_migration_that_was_killed_halfway_begins_again(database: Database) -> None:
    await add_admin(database)
    async with database.writing() as connection:
        await connection.execute(text("DROP TABLE tickets"))
        await connection.execute(text("DROP TABLE tokens"))
        await connection.execute(text("DROP TABLE alembic_version"))
    await database.migrate()
    user = await add_admin(database, "other")
    await add_token(database, user)


async def test_tables_of_a_newer_gateway_are_refused(database: Database) -> None:
    async with database.writing() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(
        SettingsError, match=f"(?s)newer gateway .tables 9999, this one knows {newest_form()}.: start that one"
    ):
        await database.migrate()
    async with database.writing() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = :form"), {"form": newest_form()})
    await database.migrate()


MIGRATE = """
import asyncio, sys
from gateway.db.engine import Database

async def migrate():
    database = Database(sys.argv[1])
    await database.migrate()
    await database.dispose()

asyncio.run(migrate())
"""


async def migrate_in_a_process_of_its_own(url: str) -> tuple[int | None, bytes]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", "-c", MIGRATE, url, stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    return process.returncode, said


async def test_processes_that_start_together_migrate_once(url: str) -> None:
    answers = await asyncio.gather(*(migrate_in_a_process_of_its_own(url) for _ in range(3)))
    assert answers == [(0, b"")] * 3
    database = Database(url)
    async with database.reading() as connection:
        assert (await connection.execute(text("SELECT version_num FROM alembic_version"))).all() == [(newest_form(),)]
    await database.dispose()


async def test_a_user_comes_back_as_it_was_stored(database: Database) -> None:
    stored = await add_admin(database, "zoë 🔌")
    async with database.reading() as connection:
        assert await accounts.user_by_name(connection, "zoë 🔌") == stored
        assert await accounts.user_by_name(connection, "zoe 🔌") is None
        assert await accounts.user_by_name(connection, "ZOË 🔌") is None
    assert stored.created_at == NOW


async def test_a_name_is_given_once(database: Database) -> None:
    await add_admin(database)
    with pytest.raises(Conflict):
        await add_admin(database)
    async with database.reading() as connection:
        assert await accounts.count_users(connection) == 1


async def test_a_password_is_replaced_only_if_it_is_still_the_old_one(database: Database) -> None:
    user = await add_admin(database)
    async with database.writing() as connection:
        assert await accounts.set_password_hash(connection, user.id, "hash", "new")
        assert not await accounts.set_password_hash(connection, user.id, "hash", "newer")
        assert not await accounts.set_password_hash(connection, user.id, None, "newest")
    async with database.reading() as connection:
        found = await accounts.user_by_name(connection, "admin")
    assert found is not None
    assert found.password_hash == "new"


async def test_a_token_is_valid_for_its_kind_and_time(database: Database) -> None:
    user = await add_admin(database)
    token_id = await add_token(database, user)
    async with database.reading() as connection:
        login = await accounts.login_by_digest(connection, TokenKind.login, "d" * 64, NOW)
    assert login is not None
    assert (login.token_id, login.user_id, login.name, login.scopes) == (token_id, user.id, "admin", ("admin",))
    assert login.expires_at == NOW + 3600
    assert not await known(database, "e" * 64)
    assert not await known(database, "D" * 64)
    assert not await known(database, kind=TokenKind.setup)
    assert await known(database, now=NOW + 3599.999)
    assert not await known(database, now=NOW + 3600)


async def test_a_disabled_user_has_no_valid_token(database: Database) -> None:
    await add_token(database, await add_admin(database))
    async with database.writing() as connection:
        await connection.execute(text("UPDATE users SET disabled_at = created_at"))
    assert not await known(database)


async def test_a_token_holds_until_it_or_its_user_is_ended(database: Database) -> None:
    user = await add_admin(database)
    first, second = await add_token(database, user), await add_token(database, user, "e" * 64, expires_at=NOW - 10)

    async def hold() -> tuple[bool, ...]:
        async with database.reading() as connection:
            found = await accounts.tokens_that_hold(connection, (first, second, second + 1))
            return tuple(one in found for one in (first, second, second + 1))

    assert await hold() == (True, True, False)
    async with database.writing() as connection:
        await accounts.revoke_token(connection, first, NOW)
    assert await hold() == (False, True, False)
    async with database.writing() as connection:
        await connection.execute(text("UPDATE users SET disabled_at = created_at"))
    assert await hold() == (False, False, False)


async def test_a_token_is_revoked_once(database: Database) -> None:
    user = await add_admin(database)
    token_id = await add_token(database, user)
    other = await add_token(database, user, "e" * 64)
    async with database.writing() as connection:
        await accounts.touch_token(connection, token_id, NOW)
        assert await accounts.revoke_token(connection, token_id, NOW)
        assert not await accounts.revoke_token(connection, token_id, NOW)
    assert not await known(database)
    assert await known(database, "e" * 64)
    async with database.writing() as connection:
        await accounts.revoke_tokens(connection, user.id, TokenKind.login, NOW)
        assert not await accounts.revoke_token(connection, other, NOW)


async def test_long_expired_tokens_are_forgotten(database: Database) -> None:
    user = await add_admin(database)
    await add_token(database, user)
    await add_token(database, user, "e" * 64, expires_at=NOW - 10)
    async with database.writing() as connection:
        await accounts.forget_tokens(connection, NOW)
        assert (await connection.execute(text("SELECT digest FROM tokens"))).all() == [("d" * 64,)]


async def test_a_user_takes_his_tokens_with_him(database: Database) -> None:
    await add_token(database, await add_admin(database))
    async with database.writing() as connection:
        await connection.execute(text("DELETE FROM users"))
    assert not await known(database)


async def test_a_failed_block_leaves_nothing_behind(database: Database) -> None:
    async def fail() -> None:
        async with database.writing() as connection:
            await accounts.add_user(connection, name="x", role=Role.admin, password_hash=None, created_at=NOW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with database.reading() as connection:
        assert await accounts.count_users(connection) == 0


async def test_writers_side_by_side_wait_for_each_other(database: Database) -> None:
    await asyncio.gather(*(add_admin(database, f"user {number}") for number in range(20)))
    async with database.reading() as connection:
        assert await accounts.count_users(connection) == 20


async def test_a_cancelled_block_leaves_a_usable_pool(database: Database) -> None:
    async def hold() -> None:
        async with database.writing() as connection:
            await accounts.add_user(connection, name="x", role=Role.admin, password_hash=None, created_at=NOW)
            await asyncio.sleep(60)

    for _ in range(8):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(hold(), 0.05)
    await add_admin(database)
    await database.ping()


async def test_a_missing_table_is_an_unavailable_database(url: str) -> None:
    database = Database(url)
    with pytest.raises(DatabaseUnavailable) as caught:
        await known(database)
    assert "SELECT" not in caught.value.message
    await database.dispose()


async def test_the_name_tells_no_password() -> None:
    database = Database("mysql+aiomysql://gateway:open-sesame@127.0.0.1:1/gateway")
    assert "open-sesame" not in database.name
    assert "gateway" in database.name
    await database.dispose()


async def test_a_sqlite_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "100% mine" / "gateway.db"
    path.parent.mkdir()
    database = Database(f"sqlite+aiosqlite:///{path}")
    before = os.umask(0)
    try:
        await database.migrate()
        await add_admin(database)
        files = sorted(path.parent.iterdir())
        assert [file.name for file in files] == ["gateway.db", "gateway.db-shm", "gateway.db-wal"]
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    finally:
        os.umask(before)
        await database.dispose()


async def test_a_locked_sqlite_file_is_unavailable_not_hanging(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'gateway.db'}"
    first, second = Database(url), Database(url, timeout_s=0.2)
    await first.migrate()
    async with first.writing() as connection:
        await accounts.add_user(connection, name="x", role=Role.admin, password_hash=None, created_at=NOW)
        await second.ping()
        with pytest.raises(DatabaseUnavailable):
            await add_admin(second)
    await add_admin(second)
    await first.dispose()
    await second.dispose()


async def test_a_statement_that_was_cancelled_holds_no_lock(tmp_path: Path) -> None:
    """Though somebody still has the error, and with it the statement."""
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'gateway.db'}")
    await database.migrate()
    begun = asyncio.Event()
    many = [{"name": f"user {number}", "role": "admin", "created_at": NOW} for number in range(30_000)]

    async def write() -> None:
        async with database.writing() as connection:
            begun.set()
            await connection.execute(insert(UserRow), many)

    cancelled = asyncio.create_task(write())
    await begun.wait()
    await asyncio.sleep(0.01)
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError) as held:
        await cancelled
    impatient = Database(f"sqlite+aiosqlite:///{tmp_path / 'gateway.db'}", timeout_s=0.2)
    await add_admin(impatient)
    async with impatient.reading() as connection:
        assert await accounts.count_users(connection) == 1
    assert held.value is not None
    await impatient.dispose()
    await database.dispose()


async def test_a_folder_that_is_not_there_is_an_unavailable_database(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'nowhere' / 'gateway.db'}")
    for attempt in (database.ping, database.migrate):
        with pytest.raises(DatabaseUnavailable):
            await attempt()
    await database.dispose()
