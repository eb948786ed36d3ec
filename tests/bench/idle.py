"""An interpreter with the packages that the gateway imports, which does nothing until its input ends."""

import sys

import aiomqtt  # noqa: F401
import aiosqlite  # noqa: F401
import alembic  # noqa: F401
import argon2  # noqa: F401
import click  # noqa: F401
import litestar  # noqa: F401
import msgspec  # noqa: F401
import redis.asyncio  # noqa: F401
import sqlalchemy.ext.asyncio  # noqa: F401
import structlog  # noqa: F401
import uvicorn  # noqa: F401
import uvloop  # noqa: F401
import websockets.asyncio.server  # noqa: F401

if __name__ == "__main__":
    print("0", flush=True)
    sys.stdin.read()
