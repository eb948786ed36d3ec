"""How the store is called: within a deadline, and with its failures in words of ours."""

import asyncio
import contextlib
import hashlib
import os
import re
from collections.abc import AsyncIterator, Sequence
from importlib import resources
from typing import Any, TypeAlias

import msgspec
from redis.asyncio import Redis
from redis.exceptions import NoScriptError, OutOfMemoryError, RedisError

from gateway.domain.errors import InvalidArgument, StoreUnavailable

ScriptArg: TypeAlias = str | bytes | int

AT_SCRIPT = re.compile(r"\s*script: \S+, on @user_script.*|\s*script: on @user_script.*")
MISCONF = "MISCONF Errors writing to the AOF file: "


@contextlib.asynccontextmanager
async def answering(within_s: float) -> AsyncIterator[None]:
    """For calls that must be answered in time, and what is done with the answers; raises StoreUnavailable."""
    try:
        async with asyncio.timeout(within_s):
            yield
    except TimeoutError as error:
        raise StoreUnavailable(f"the store gave no answer within {within_s:.1f} s") from error
    except OutOfMemoryError as error:
        raise StoreUnavailable("the store takes no writes: its memory is full (maxmemory)") from error
    except (RedisError, OSError) as error:
        what = "takes no writes" if _reason(error).startswith("MISCONF") else "is out of reach"
        raise StoreUnavailable(f"the store {what}: {_reason(error).removeprefix(MISCONF)}") from error
    except (msgspec.DecodeError, InvalidArgument, KeyError, ValueError) as error:
        raise StoreUnavailable(f"the store holds what this version cannot read: {error!r}") from error


def _reason(error: Exception) -> str:
    """Why, for whoever asks: addresses are for the log of the one who set them."""
    origin = error.__cause__ or error.__context__ or error
    if isinstance(origin, OSError) and origin.errno is not None:
        return os.strerror(origin.errno)
    return AT_SCRIPT.sub("", str(error)) or type(error).__name__


class Script:
    """One file of this folder, or several one behind the other."""

    def __init__(self, *names: str) -> None:
        folder = resources.files("gateway.store")
        self.source = "".join(folder.joinpath(name).read_text(encoding="utf-8") for name in names)
        self.sha = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()

    async def run(self, redis: Redis, touched: Sequence[str], args: Sequence[ScriptArg], within_s: float) -> Any:
        """Its answer. Raises StoreUnavailable; then it may have been run, or not."""
        async with answering(within_s):
            try:
                return await redis.evalsha(self.sha, len(touched), *touched, *args)
            except NoScriptError:  # nothing was run: the server is new, or was restarted
                return await redis.eval(self.source, len(touched), *touched, *args)
