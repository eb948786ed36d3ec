"""The notice board over real stores: one order for all, nothing twice, and over interruptions."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis

from gateway.store.notices import KEY, DeviceTaken, LoginEnded, Notice, NoticeBoard
from gateway.store.redis import open_client
from tests.support.stores import RedisPart
from tests.support.waiting import eventually


class Process:
    """One that writes and reads; ``heard`` has each notice and whether it was its own."""

    def __init__(self, server: RedisPart) -> None:
        self.heard: list[tuple[Notice, bool]] = []
        self.board = NoticeBoard(lambda: open_client(server.url), answer_s=1, block_s=0.2, pause_s=0.02)

    def take(self, notice: Notice, own: bool) -> None:
        self.heard.append((notice, own))

    def tell(self, *notices: Notice, true: bool = True) -> None:
        for notice in notices:
            self.board.tell(notice, lambda: true)

    @property
    def notices(self) -> list[Notice]:
        return [notice for notice, _ in self.heard]


@asynccontextmanager
async def running(*processes: Process) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        services = [tasks.create_task(one.board.run(one.take)) for one in processes]
        await eventually(lambda: all(one.board._read_until is not None for one in processes))
        yield
        for service in services:
            service.cancel()


def ended(*numbers: int) -> list[Notice]:
    return [LoginEnded(token_id=number) for number in numbers]


async def test_all_read_all_notices_in_one_order(server: RedisPart) -> None:
    one, two = Process(server), Process(server)
    async with running(one, two):
        for number in range(50):
            one.tell(LoginEnded(token_id=number))
            two.tell(DeviceTaken(user_id=number, device="phone", connection=f"c{number}"))
        await eventually(lambda: len(one.heard) == len(two.heard) == 100)
    assert one.notices == two.notices
    assert [notice for notice, own in one.heard if own] == ended(*range(50))
    assert [own for _, own in one.heard] == [not own for _, own in two.heard]


async def test_who_starts_later_hears_nothing_of_before(server: RedisPart) -> None:
    one = Process(server)
    async with running(one):
        one.tell(*ended(1, 2))
        await eventually(lambda: len(one.heard) == 2)
    two = Process(server)
    async with running(two):
        two.tell(*ended(3))
        await eventually(lambda: two.heard)
    assert two.notices == ended(3)


async def test_over_a_restart_of_the_store_nothing_is_lost_and_nothing_told_twice(server: RedisPart) -> None:
    one, two = Process(server), Process(server)
    async with running(one, two):
        one.tell(*ended(1))
        await eventually(lambda: two.heard)
        await server.kill()
        one.tell(*ended(2, 3))
        await server.start()
        one.tell(*ended(4))
        await eventually(lambda: len(two.heard) == len(one.heard) == 4, 20)
    assert one.notices == two.notices == ended(1, 2, 3, 4)


async def test_a_frozen_store_ends_no_service(server: RedisPart) -> None:
    one = Process(server)
    async with running(one):
        server.freeze()
        one.tell(*ended(1))
        await eventually(lambda: not one.board._waiting)
        await eventually(lambda: one.board._waiting, what="no answer in time, so it will be told again")
        server.thaw()
        await eventually(lambda: one.notices == ended(1))


async def test_what_is_no_longer_true_is_not_told(server: RedisPart) -> None:
    one = Process(server)
    async with running(one):
        one.tell(*ended(1), true=False)
        one.tell(*ended(2))
        await eventually(lambda: one.heard)
    assert one.notices == ended(2)


async def test_what_stands_there_twice_or_cannot_be_read_is_told_once_or_never(
    server: RedisPart, client: Redis
) -> None:
    one = Process(server)
    async with running(one):
        one.tell(*ended(1))
        await eventually(lambda: one.heard)
        posted: Any = await client.xrange(KEY)
        await client.xadd(KEY, posted[0][1])
        await client.xadd(KEY, {b"n": b'{"process":"p","notice":{"type":"news"}}'})
        await client.xadd(KEY, {b"other": b"x"})
        one.tell(*ended(2))
        await eventually(lambda: len(one.heard) == 2)
    assert one.notices == ended(1, 2)


async def test_while_the_store_is_away_only_so_much_is_kept(server: RedisPart) -> None:
    one = Process(server)
    one.tell(*ended(*range(1_500)))
    async with running(one):
        await eventually(lambda: len(one.heard) == 1_000, 30)
    assert one.notices == ended(*range(500, 1_500))
