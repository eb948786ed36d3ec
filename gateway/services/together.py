"""Questions of many to the database, asked as one: whether the logins of thousands of connections still hold."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

Ask: TypeAlias = Callable[[frozenset[int]], Awaitable[frozenset[int]]]
"""Gives those of the ids that hold."""


class Together:
    """What is asked within ``within_s`` is one question, whose answer all get; so do its errors.

    Waiting for an answer may be cancelled: the others still get it.
    """

    def __init__(self, ask: Ask, within_s: float) -> None:
        self._ask = ask
        self._within_s = within_s
        self._ids: set[int] = set()
        self._answer: asyncio.Task[frozenset[int]] | None = None

    async def holds(self, one: int) -> bool:
        """Whether that id holds; raises what asking raises."""
        if self._answer is None:
            self._answer = asyncio.create_task(self._asked(), name="asked together")
            self._answer.add_done_callback(_heard)
        self._ids.add(one)
        return one in await asyncio.shield(self._answer)

    async def _asked(self) -> frozenset[int]:
        await asyncio.sleep(self._within_s)
        ids, self._ids, self._answer = frozenset(self._ids), set(), None
        return await self._ask(ids)


def _heard(answer: asyncio.Task[frozenset[int]]) -> None:
    """An error that nobody waits for any more is none."""
    if not answer.cancelled():
        answer.exception()
