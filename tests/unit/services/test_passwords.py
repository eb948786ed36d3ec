"""Hashes: right, wrong, of nobody, and how many at once."""

import asyncio
import threading

import pytest
from argon2 import PasswordHasher, extract_parameters

from gateway.domain.errors import RateLimited
from gateway.services.passwords import HashCost, Passwords
from tests.support.rest import CHEAP
from tests.support.waiting import eventually


async def test_the_right_password_is_right_and_others_are_not() -> None:
    passwords = Passwords(CHEAP)
    stored = await passwords.hash("p\u00e4ssword")
    assert "ssword" not in stored
    assert await passwords.verify(stored, "pa\u0308ssword")
    assert not await passwords.verify(stored, "password")
    assert not await passwords.verify("not a hash", "password")


async def test_nobodys_hash_costs_as_much_as_a_real_one(monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[str] = []
    real = PasswordHasher.verify

    def watched(hasher: PasswordHasher, stored: str, password: str) -> bool:
        verified.append(stored)
        return real(hasher, stored, password)

    monkeypatch.setattr(PasswordHasher, "verify", watched)
    passwords = Passwords(CHEAP)
    stored = await passwords.hash("password")
    assert not await passwords.verify(stored, "wrong")
    assert not await passwords.verify(None, "wrong")
    mine, nobodys = (extract_parameters(one) for one in verified)
    assert mine == nobodys


async def test_the_default_cost_is_that_of_rfc_9106() -> None:
    cost = HashCost()
    assert (cost.memory_kib, cost.passes, cost.lanes, cost.at_once) == (65_536, 3, 4, 2)


async def test_a_hash_of_another_cost_is_outdated() -> None:
    passwords = Passwords(CHEAP)
    assert not passwords.outdated(await passwords.hash("password"))
    assert passwords.outdated(await Passwords(HashCost(memory_kib=16, passes=1, lanes=1)).hash("password"))


async def test_few_work_at_once_some_wait_and_the_rest_are_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    hold = threading.Event()
    inside: list[str] = []

    def slow(_hasher: PasswordHasher, password: str) -> str:
        inside.append(password)
        assert hold.wait(10)
        return password

    monkeypatch.setattr(PasswordHasher, "hash", slow)
    passwords = Passwords(HashCost(memory_kib=8, passes=1, lanes=1, at_once=2, most_waiting=3))
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(passwords.hash(str(number))) for number in range(5)]
            await asyncio.sleep(0)
            with pytest.raises(RateLimited):
                await passwords.hash("one too many")
            tasks[4].cancel()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            tasks.append(group.create_task(passwords.hash("5")))
            await eventually(lambda: len(inside) == 2)
            hold.set()
    finally:
        hold.set()
    assert sorted(inside) == ["0", "1", "2", "3", "5"]
