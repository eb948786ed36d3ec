"""The application without anything behind it, for what it says of itself."""

import msgspec

from gateway.domain.clock import SystemClock
from gateway.run.web import web
from gateway.services.metrics import Metrics
from gateway.services.readiness import Readiness
from gateway.settings import Settings

# They are never asked: an engine and a client connect when they are first used.
NOWHERE = {"redis_url": "redis://127.0.0.1/0", "database_url": "sqlite+aiosqlite:////nowhere/gateway.db"}


async def openapi_json() -> bytes:
    """The OpenAPI document, as it is served at /schema/openapi.json, set for reading."""
    async with web(
        Settings(), (), Readiness(SystemClock()), Metrics(), _announce, links_count=False, **NOWHERE
    ) as made:
        return msgspec.json.format(msgspec.json.encode(made.app.openapi_schema.to_schema()))


def _announce(_: object) -> None:
    """Nobody can log in here."""
