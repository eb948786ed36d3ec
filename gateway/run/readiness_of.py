"""Asks whoever listens at a port whether it is a gateway, and how its parts do."""

import asyncio
import contextlib
import http.client

import msgspec

MOST_BYTES = 1_048_576


class PartSeen(msgspec.Struct, frozen=True):
    """What is needed of a part in the answer of ``/health/ready``."""

    name: str
    state: str
    reason: str | None = None


class ReadinessSeen(msgspec.Struct, frozen=True):
    status: str
    parts: tuple[PartSeen, ...]


async def readiness_of(host: str, port: int, within_s: float) -> ReadinessSeen | None:
    """None: no answer in time, or not that of a gateway."""

    def ask() -> bytes:
        connection = http.client.HTTPConnection(host, port, timeout=within_s)
        with contextlib.closing(connection):
            connection.request("GET", "/health/ready")
            return connection.getresponse().read(MOST_BYTES)

    try:
        async with asyncio.timeout(within_s):
            return msgspec.json.decode(await asyncio.to_thread(ask), type=ReadinessSeen)
    except (OSError, http.client.HTTPException, msgspec.DecodeError):
        return None
