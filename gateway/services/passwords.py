"""Password hashes: argon2id in threads, few at once."""

import asyncio
import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import msgspec
from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from gateway.domain.access import normal_password
from gateway.domain.errors import RateLimited

Result = TypeVar("Result")


class HashCost(msgspec.Struct, frozen=True, kw_only=True):
    """What one hash costs (RFC 9106 section 4, second choice). Each running hash holds its memory."""

    memory_kib: int = 65_536
    passes: int = 3
    lanes: int = 4
    at_once: int = 2
    most_waiting: int = 32


class Passwords:
    """Hashes and verifies; more than ``most_waiting`` callers in the queue are sent away with RateLimited."""

    def __init__(self, cost: HashCost) -> None:
        self._hasher = PasswordHasher(
            time_cost=cost.passes, memory_cost=cost.memory_kib, parallelism=cost.lanes, type=Type.ID
        )
        # threads of its own: a caller who gives up leaves his hash running, and it must still count
        self._threads = ThreadPoolExecutor(cost.at_once, thread_name_prefix="passwords")
        self._most = cost.at_once + cost.most_waiting
        self._waiting = 0
        self._nobodys = _hash_of_nothing(cost)

    async def hash(self, password: str) -> str:
        return await self._in_turn(self._hasher.hash, normal_password(password))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether the password is the stored one; for None it is not, which takes just as long to find out."""
        right = await self._in_turn(self._matches, stored or self._nobodys, normal_password(password))
        return right and stored is not None

    def outdated(self, stored: str) -> bool:
        """Whether the hash was made at another cost than today's."""
        return self._hasher.check_needs_rehash(stored)

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _in_turn(self, work: Callable[..., Result], *given: str) -> Result:
        if self._waiting >= self._most:
            raise RateLimited("too many people are logging in at this moment", scope="passwords", retry_after_s=2)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *given)
        finally:
            self._waiting -= 1


def _hash_of_nothing(cost: HashCost) -> str:
    """A well-formed hash that no password has; it need not be computed."""
    salt, digest = (base64.b64encode(bytes(length)).decode().rstrip("=") for length in (16, 32))
    return f"$argon2id$v=19$m={cost.memory_kib},t={cost.passes},p={cost.lanes}${salt}${digest}"
