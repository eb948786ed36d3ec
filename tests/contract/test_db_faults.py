"""What is left of a MariaDB's promises while it is killed, frozen or away, and after it."""

import asyncio
import gc
import threading

import pytest
from sqlalchemy import Connection, text

from gateway.db import accounts, engine
from gateway.db.engine import Database
from gateway.domain.access import Role
from gateway.domain.errors import DatabaseUnavailable, SettingsError
from tests.contract.test_db import NOW, add_admin
from tests.support.parts import MariaPart
from tests.support.waiting import eventually


async def answers(database: Database) -> bool:
    try:
        await database.ping()
    except DatabaseUnavailable:
        return False
    return True


async def test_a_killed_mariadb_is_reported_and_healed(mariadb: MariaPart, mariadb_url: str) -> None:
    database = Database(mariadb_url, timeout_s=1)
    await database.migrate()
    await asyncio.gather(*(database.ping() for _ in range(5)))
    await add_admin(database)
    await mariadb.kill()
    try:
        for _ in range(5):
            with pytest.raises(DatabaseUnavailable):
                await add_admin(database, "lost")
    finally:
        await mariadb.start()
    await eventually(lambda: answers(database), what="the database heals")
    await add_admin(database, "after")
    async with database.reading() as connection:
        assert await accounts.count_users(connection) == 2
    await database.dispose()


async def test_a_mariadb_killed_inside_a_transaction_is_reported(mariadb: MariaPart, mariadb_url: str) -> None:
    database = Database(mariadb_url, timeout_s=1)
    await database.migrate()

    async def write() -> None:
        async with database.writing() as connection:
            await accounts.add_user(connection, name="x", role=Role.admin, password_hash=None, created_at=NOW)
            await mariadb.kill()
            await accounts.count_users(connection)

    try:
        with pytest.raises(DatabaseUnavailable):
            await write()
    finally:
        if not mariadb.running:
            await mariadb.start()
    await eventually(lambda: answers(database), what="the database heals")
    async with database.reading() as connection:
        assert await accounts.count_users(connection) == 0
    await database.dispose()


async def test_a_frozen_mariadb_costs_a_deadline_and_no_connection(mariadb: MariaPart, mariadb_url: str) -> None:
    database = Database(mariadb_url, timeout_s=0.3)
    await database.migrate()
    await database.ping()
    mariadb.freeze()
    try:
        for _ in range(12):
            with pytest.raises(DatabaseUnavailable):
                await database.ping()
    finally:
        mariadb.thaw()
    # what was left open complains when it is collected
    gc.collect()
    await eventually(lambda: answers(database), what="the database heals")
    await asyncio.gather(*(add_admin(database, f"user {number}") for number in range(5)))
    await database.dispose()


async def test_a_migration_that_is_ended_says_why_and_gives_its_lock_back(
    monkeypatch: pytest.MonkeyPatch, mariadb_url: str
) -> None:
    begun = threading.Event()

    def sleep(connection: Connection, _name: str) -> None:
        begun.set()
        connection.execute(text("SELECT SLEEP(1)"))

    def fail(_connection: Connection, _name: str) -> None:
        raise SettingsError("made by a newer one")

    impatient, database = Database(mariadb_url, migration_timeout_s=0.3), Database(mariadb_url)
    with monkeypatch.context() as patched:
        patched.setattr(engine, "upgrade", sleep)
        with pytest.raises(DatabaseUnavailable, match="did not answer within"):
            await impatient.migrate()
        begun.clear()
        migrating = asyncio.create_task(database.migrate())
        await eventually(begun.is_set)
        migrating.cancel()
        with pytest.raises(asyncio.CancelledError):
            await migrating
        patched.setattr(engine, "upgrade", fail)
        with pytest.raises(SettingsError, match="newer"):
            await database.migrate()
    await impatient.dispose()
    other = Database(mariadb_url)
    await other.migrate()
    await add_admin(database)
    await database.dispose()
    await other.dispose()
    gc.collect()


async def test_a_mariadb_killed_inside_a_migration_is_reported(
    monkeypatch: pytest.MonkeyPatch, mariadb: MariaPart, mariadb_url: str
) -> None:
    database, begun = Database(mariadb_url), threading.Event()

    def sleep(connection: Connection, _name: str) -> None:
        begun.set()
        connection.execute(text("SELECT SLEEP(30)"))

    monkeypatch.setattr(engine, "upgrade", sleep)
    migrating = asyncio.create_task(database.migrate())
    await eventually(begun.is_set)
    await mariadb.kill()
    try:
        with pytest.raises(DatabaseUnavailable):
            await migrating
    finally:
        await mariadb.start()
    await database.dispose()


async def test_nobody_listening_is_an_unavailable_database() -> None:
    database = Database("mysql+aiomysql://gateway:secret@127.0.0.1:1/gateway", timeout_s=1)
    for attempt in (database.ping, database.migrate):
        with pytest.raises(DatabaseUnavailable) as caught:
            await attempt()
        assert "secret" not in caught.value.message
    await database.dispose()


async def test_a_crowd_of_ours_waits_in_line_and_blames_nobody(mariadb_url: str) -> None:
    """Red with a line that is part of the database's deadline."""
    database = Database(mariadb_url, timeout_s=1, most_at_once=2)
    await database.migrate()

    async def read() -> None:
        async with database.reading() as connection:
            await connection.execute(text("SELECT SLEEP(0.2)"))

    await asyncio.gather(*(read() for _ in range(16)))
    await database.dispose()


async def test_who_waits_too_long_in_line_is_told_and_the_line_goes_on(mariadb_url: str) -> None:
    database = Database(mariadb_url, line_s=0.1, most_at_once=1)
    await database.migrate()
    async with database.reading():
        with pytest.raises(DatabaseUnavailable, match="too busy"):
            await database.ping()
    assert await answers(database)
    await database.dispose()
