"""Waiting for conditions instead of sleeping."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

T = TypeVar("T")


@overload
async def eventually(
    predicate: Callable[[], Awaitable[T]], within_s: float = 10, *, every_s: float = 0.01, what: str = ""
) -> T: ...
@overload
async def eventually(
    predicate: Callable[[], T], within_s: float = 10, *, every_s: float = 0.01, what: str = ""
) -> T: ...
async def eventually(
    predicate: Callable[[], object], within_s: float = 10, *, every_s: float = 0.01, what: str = ""
) -> object:
    """Return the first true answer of ``predicate`` (plain or async), or fail after ``within_s`` seconds.

    Exceptions of the predicate go through: a condition that cannot be asked yet must say False.
    """
    deadline = time.monotonic() + within_s
    while True:
        given = predicate()
        answer = await given if inspect.isawaitable(given) else given
        if answer:
            return answer
        if time.monotonic() >= deadline:
            name = what or getattr(predicate, "__qualname__", repr(predicate))
            raise AssertionError(f"not within {within_s} s: {name} (last answer {answer!r})")
        await asyncio.sleep(every_s)
