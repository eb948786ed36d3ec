"""Fixtures over ``tests/support/parts.py``. What a test may kill is its own; MariaDB, slow to make, is shared."""

import asyncio
import os
import signal
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support.parts import (
    MariaPart,
    MosquittoPart,
    RedisPart,
    mariadb,
    mosquitto,
    redis_server,
    valkey_server,
)

# How long an example takes says nothing on a busy machine.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def pytest_configure() -> None:
    """A run in the background of a shell ignores Ctrl-C, and so would everything that it starts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test of minutes that begins last has all the other workers wait for it."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(autouse=True)
def _untraced(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test starts that is not traced is not traced either."""
    if request.node.get_closest_marker("no_cover"):
        for name in [name for name in os.environ if name.startswith("COVERAGE_")]:
            monkeypatch.delenv(name)


@pytest.fixture
def site() -> str:
    """A site's name that no other test uses."""
    return f"site-{uuid.uuid4().hex[:8]}"


@pytest.fixture(name="redis")
async def redis_fixture(tmp_path: Path) -> AsyncIterator[RedisPart]:
    """A redis-server of the test's own; a kill loses nothing that it answered (with ``everysec`` it may)."""
    async with redis_server(tmp_path / "redis", appendfsync="always") as part:
        yield part


@pytest.fixture(name="valkey")
async def valkey_fixture(tmp_path: Path) -> AsyncIterator[RedisPart]:
    """The embedded Valkey's server, the test's own, with an append-only file."""
    async with valkey_server(tmp_path / "valkey", appendfsync="always") as part:
        yield part


@pytest.fixture(name="mosquitto")
async def mosquitto_fixture(tmp_path: Path) -> AsyncIterator[MosquittoPart]:
    """A broker of the test's own, open to everybody, that forgets everything when killed."""
    async with mosquitto(tmp_path / "mosquitto") as part:
        yield part


@pytest.fixture(name="mariadb", scope="session")
def mariadb_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaPart]:
    """One server for the whole run. A test that kills it starts it again."""
    part = mariadb(tmp_path_factory.mktemp("mariadb"))
    asyncio.run(part.start())
    yield part
    asyncio.run(part.kill())


@pytest.fixture
def mariadb_url(mariadb: MariaPart) -> str:
    """An empty database of the test's own."""
    return mariadb.new_database()
