"""The application without anything behind it, for what it says of itself."""

from pathlib import Path

import msgspec

from gateway.db.backups import Backups
from gateway.domain.clock import SystemClock
from gateway.run.plan import Stores
from gateway.run.web import web
from gateway.services.metrics import Metrics
from gateway.services.readiness import Readiness
from gateway.settings import Settings

# They are never asked: an engine and a client connect when they are first used.
NOWHERE = Stores("redis://127.0.0.1/0", "sqlite+aiosqlite:////nowhere/gateway.db", Backups(Path("/nowhere"), kept=0))


async def openapi_json() -> bytes:
    """The OpenAPI document, as it is served at /schema/openapi.json, set for reading."""
    readiness, metrics = Readiness(SystemClock()), Metrics()
    async with web(Settings(), (), readiness, metrics, _announce, NOWHERE, links_count=False) as made:
        return msgspec.json.format(msgspec.json.encode(made.app.openapi_schema.to_schema()))


def _announce(_: object) -> None:
    """Nobody can log in here."""
