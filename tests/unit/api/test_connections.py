"""Who is connected: limits, devices, ended logins, and being sent away, without a network."""

import asyncio
import random
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from gateway.api.connections import Connections, Presence, moments
from gateway.domain.access import Login, Role
from gateway.domain.errors import Draining, RateLimited
from gateway.protocol.messages import CloseCode, Limits
from gateway.store.notices import DeviceTaken, LoginEnded, Notice
from tests.support.waiting import eventually

FEW = Limits(connections_per_address=2, connections_per_user=2)


def login(user_id: int, token_id: int | None = None) -> Login:
    return Login(
        token_id=token_id or user_id,
        user_id=user_id,
        name=f"user {user_id}",
        role=Role.admin,
        scopes=(),
        expires_at=1e10,
    )


class World:
    """One or more processes that read one board."""

    def __init__(self, limits: Limits = FEW, processes: int = 1) -> None:
        self.board: list[tuple[int, Notice, Callable[[], bool]]] = []
        self.closed: dict[str, CloseCode] = {}
        self.announced: dict[str, float] = {}
        self.stack = ExitStack()
        self.processes = [
            Connections(limits, tell=self._writer(number), spread=lambda: 0.5) for number in range(processes)
        ]

    def _writer(self, process: int) -> Callable[[Notice, Callable[[], bool]], None]:
        return lambda notice, still_true: self.board.append((process, notice, still_true))

    @property
    def here(self) -> Connections:
        return self.processes[0]

    def connect(self, name: str, process: int = 0) -> Presence:
        def close(code: CloseCode, _reason: str) -> None:
            self.closed.setdefault(name, code)

        presence = Presence(name, close, lambda within_s: self.announced.update({name: within_s}))
        self.stack.enter_context(self.processes[process].holding(presence))
        return presence

    def read_board(self) -> None:
        """Every process reads what is true still, in one order."""
        for process, notice, still_true in self.board:
            if still_true():
                for number, connections in enumerate(self.processes):
                    connections.on_notice(notice, number == process)
        self.board.clear()


def empty(connections: Connections) -> bool:
    return not (connections._present or connections._of_user or connections._at_address)


def test_the_one_too_many_from_an_address_is_turned_away_and_the_others_stay() -> None:
    connections = World().here
    with connections.arriving("10.0.0.1"), connections.arriving("::ffff:10.0.0.1"):
        with pytest.raises(RateLimited) as refused, connections.arriving("10.0.0.1"):
            pass
        assert refused.value.retry_after_s
        with connections.arriving("10.0.0.2"):
            pass
    with connections.arriving("10.0.0.1"):
        pass
    assert empty(connections)


def test_neighbours_in_an_ipv6_network_are_one_address() -> None:
    connections = World().here
    with connections.arriving("2001:db8::1"), connections.arriving("2001:db8::2"):
        with pytest.raises(RateLimited), connections.arriving("2001:db8::3"):
            pass
        with connections.arriving("2001:db8:0:1::1"):
            pass


def test_a_handshake_that_fails_counts_no_longer() -> None:
    connections = World().here
    for _ in range(5):
        with pytest.raises(ZeroDivisionError), connections.arriving("10.0.0.1"):
            raise ZeroDivisionError
    assert empty(connections)


def test_the_one_too_many_of_a_user_is_refused_and_the_others_stay() -> None:
    world = World()
    one, two, three, other = (world.connect(name) for name in ("one", "two", "three", "other"))
    assert world.here.admit(one, login(1, 10), None)
    assert world.here.admit(two, login(1, 11), None)
    assert not world.here.admit(three, login(1, 12), None)
    assert world.here.admit(other, login(2), None)
    assert world.closed == {}
    assert len(world.here) == 4
    world.stack.close()
    assert empty(world.here)


def test_a_new_connection_of_a_device_takes_the_place_of_the_old_also_when_there_is_no_other() -> None:
    world = World()
    one, two, three = (world.connect(name) for name in ("one", "two", "three"))
    assert world.here.admit(one, login(1), "phone")
    assert world.here.admit(two, login(1), "tablet")
    assert world.here.admit(three, login(1), "phone")
    assert world.closed == {"one": CloseCode.REPLACED}
    world.read_board()
    assert world.closed == {"one": CloseCode.REPLACED}


def test_the_same_device_of_somebody_else_is_another_and_no_device_is_none() -> None:
    world = World(Limits())
    for name, user, device in (("one", 1, "phone"), ("two", 2, "phone"), ("three", 1, None), ("four", 1, None)):
        assert world.here.admit(world.connect(name), login(user), device)
    world.read_board()
    assert world.closed == {}


def test_a_device_moves_to_another_process() -> None:
    world = World(processes=2)
    assert world.here.admit(world.connect("old"), login(1), "phone")
    world.read_board()
    assert world.processes[1].admit(world.connect("new", 1), login(1), "phone")
    world.read_board()
    assert world.closed == {"old": CloseCode.REPLACED}


def test_of_two_at_once_in_two_processes_the_one_later_on_the_board_stays() -> None:
    world = World(processes=2)
    assert world.here.admit(world.connect("first"), login(1), "phone")
    assert world.processes[1].admit(world.connect("second", 1), login(1), "phone")
    world.read_board()
    assert world.closed == {"first": CloseCode.REPLACED}


def test_the_notice_of_a_connection_that_is_gone_takes_nobodys_place() -> None:
    world = World(processes=2)
    assert world.processes[1].admit(world.connect("here to stay", 1), login(1), "phone")
    world.read_board()
    assert world.here.admit(world.connect("gone"), login(1), "phone")
    ((_, _, still_true),) = world.board
    assert still_true()
    world.here._forget(next(iter(world.here._present)))
    world.read_board()
    assert world.closed == {}


def test_an_ended_login_takes_its_connections_with_it_in_all_processes() -> None:
    world = World(processes=2)
    assert world.here.admit(world.connect("here"), login(1, 10), None)
    assert world.here.admit(world.connect("another login"), login(1, 11), None)
    assert world.processes[1].admit(world.connect("there", 1), login(1, 10), None)
    world.connect("stranger")
    world.here.end_login(10)
    assert world.closed == {"here": CloseCode.LOGIN_ENDED}
    world.read_board()
    assert world.closed == {"here": CloseCode.LOGIN_ENDED, "there": CloseCode.LOGIN_ENDED}
    assert world.processes[1].is_over(login(1, 10))
    assert not world.here.is_over(login(1, 11))


def test_notices_about_nobody_here_change_nothing() -> None:
    world = World()
    world.here.on_notice(LoginEnded(token_id=7), own=False)
    world.here.on_notice(DeviceTaken(user_id=7, device="phone", connection="c"), own=False)
    assert empty(world.here)


def test_those_sent_away_are_spread_so_evenly_that_no_second_has_half_as_many_again() -> None:
    count, within_s = 2_000, 30.0
    found = list(moments(count, within_s, random.Random(1).random))
    assert found == sorted(found)
    assert all(number / count <= moment / within_s <= (number + 1) / count for number, moment in enumerate(found))
    for begin in found:
        in_a_second = sum(begin <= moment < begin + 1 for moment in found)
        assert in_a_second <= 1.5 * count / within_s
    assert list(moments(0, within_s, random.random)) == []


async def test_draining_tells_everybody_closes_everybody_and_lets_nobody_in() -> None:
    world = World(Limits())
    for name in ("one", "two"):
        world.connect(name)
    await world.here.drain(0.02, asyncio.Event())
    assert world.announced == {"one": 0.02, "two": 0.02}
    assert world.closed == dict.fromkeys(("one", "two"), CloseCode.DRAINING)
    with pytest.raises(Draining), world.here.arriving("10.0.0.1"):
        pass
    assert not await world.here.gone(0.01)
    # one whose handshake was under way
    world.connect("three")
    assert world.closed["three"] == CloseCode.DRAINING
    world.stack.close()
    assert await world.here.gone(0.01)


async def test_draining_ends_when_nobody_is_left_or_somebody_is_in_a_hurry() -> None:
    empty_world = World()
    async with asyncio.timeout(10):
        await empty_world.here.drain(1_000, asyncio.Event())
    world, hurry = World(), asyncio.Event()
    for name in ("one", "two"):
        world.connect(name)
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(world.here.drain(1_000, hurry))
        await eventually(lambda: world.announced)
        assert world.closed == {}
        hurry.set()
    assert set(world.closed) == {"one", "two"}
    left = World()
    left.connect("one")
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(left.here.drain(1_000, asyncio.Event()))
        await eventually(lambda: left.announced)
        left.stack.close()
