"""The servers over which the store's suites run."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from redis.asyncio import Redis

from gateway.store.redis import SiteStore, close_client, open_client
from tests.support.listener import PATIENT, Listener
from tests.support.parts import RedisPart, redis_server, valkey_server
from tests.support.store_writer import StoreWriter

SERVERS: dict[str, Callable[..., RedisPart]] = {"redis": redis_server, "valkey": valkey_server}


@pytest.fixture(params=list(SERVERS))
def make_server(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., RedisPart]:
    """Makes servers of one kind, not started yet: Debian's redis-server and the embedded Valkey in turn."""

    def make(*, appendonly: bool = True, options: tuple[str, ...] = ()) -> RedisPart:
        return SERVERS[request.param](
            tmp_path / "store", appendonly=appendonly, appendfsync="always", options=options
        )

    return make


@pytest.fixture
async def server(make_server: Callable[..., RedisPart]) -> AsyncIterator[RedisPart]:
    """A running one. Its file holds all that was answered: with ``everysec`` a kill amid an fsync loses a tail."""
    async with make_server() as part:
        yield part


@pytest.fixture
async def client(server: RedisPart) -> AsyncIterator[Redis]:
    connected = open_client(server.url, timeout_s=5)
    yield connected
    await close_client(connected)


@pytest.fixture
def store(client: Redis) -> SiteStore:
    return SiteStore(client)


@pytest.fixture
def one(store: SiteStore, site: str) -> StoreWriter:
    return StoreWriter(store, site, "one")


@pytest.fixture
def two(store: SiteStore, site: str) -> StoreWriter:
    return StoreWriter(store, site, "two")


@pytest.fixture
def listener(store: SiteStore, server: RedisPart) -> Listener:
    return Listener(store, server.url)


@pytest.fixture
def patient(store: SiteStore, server: RedisPart) -> Listener:
    return Listener(store, server.url, PATIENT)
