"""The application without a server: httpx calls it directly."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from httpx import ASGITransport, AsyncClient

from gateway.domain.throttle import Patience
from tests.support.rest import PASSWORD, Web, sqlite


def client_of(web: Web, source: str = "192.168.1.20", token: str | None = None) -> AsyncClient:
    """A client at that address; answers 500 are answers, too."""
    transport = ASGITransport(cast("Any", web.app), raise_app_exceptions=False, client=(source, 40_000))
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return AsyncClient(transport=transport, base_url="http://gateway.test", headers=headers)


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[Web]:
    async with sqlite(tmp_path) as database:
        yield Web(database, patience=Patience(free=3))


@pytest.fixture
async def stranger(web: Web) -> AsyncIterator[AsyncClient]:
    """Somebody who is not logged in."""
    async with client_of(web) as client:
        yield client


@pytest.fixture
async def admin(web: Web) -> AsyncIterator[AsyncClient]:
    """Somebody who is."""
    await web.auth.ensure_admin(PASSWORD)
    made = await web.auth.login("admin", PASSWORD, "192.168.1.20")
    async with client_of(web, token=made.token) as client:
        yield client
