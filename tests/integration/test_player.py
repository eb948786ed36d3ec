"""The player that feeds a broker from a capture."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from gateway.domain.clock import SystemClock
from gateway.domain.errors import InvalidArgument
from gateway.mqtt import Message
from tests.support.mqtt_log import Log, broker_at, publish
from tests.support.parts import MosquittoPart
from tests.support.player import BEFORE_THE_SESSION, Player, Published
from tests.support.recording import HEARTBEAT, Capture, Recorded
from tests.support.waiting import eventually

SMALL = Capture(
    (Recorded(HEARTBEAT, "1795330300"), Recorded("openWB/plug", "false"), Recorded("openWB/name", '"Carport"')),
    (
        Recorded("openWB/plug", "true", True, 0.5),
        Recorded(HEARTBEAT, "1795330305.5", True, 1.0),
        Recorded("openWB/log", "not kept", False, 1.0),
        Recorded("openWB/message/1", "hello", True, 1.5),
        Recorded("openWB/gone", "1", True, 1.6),
        Recorded("openWB/gone", "", True, 1.7),
        Recorded(HEARTBEAT, "1795330315.5", True, 2.0),
    ),
)
OF_THE_CLOCK = {1, 6}


@asynccontextmanager
async def playing(player: Player) -> AsyncIterator[None]:
    task = asyncio.create_task(player.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def told(messages: list[Message]) -> list[tuple[str, bytes]]:
    """Topics and payloads, without what the box's clock says."""
    return [(m.topic, b"now" if m.topic == HEARTBEAT else m.payload) for m in messages]


ROUND = [
    (HEARTBEAT, b"now"),
    ("openWB/plug", b"false"),
    ("openWB/name", b'"Carport"'),
    ("openWB/plug", b"true"),
    (HEARTBEAT, b"now"),
    ("openWB/log", b"not kept"),
    ("openWB/message/1", b"hello"),
    ("openWB/gone", b"1"),
    ("openWB/gone", b""),
    (HEARTBEAT, b"now"),
]


async def test_rounds_are_whole_in_order_and_begin_alike(mosquitto: MosquittoPart) -> None:
    began = SystemClock().now()
    handed: list[Published] = []
    async with Log(broker_at(mosquitto.url), "openWB/#").running() as log:
        await log.until_subscribed(1)
        player = Player(
            SMALL,
            broker_at(mosquitto.url, client_id="box"),
            SystemClock(),
            speed=20,
            rounds=3,
            on_published=handed.append,
        )
        await player.run()
        again = [("openWB/message/1", b""), *ROUND]
        await eventually(lambda: len(log.messages) == len(ROUND) + 2 * len(again))
    assert told(log.messages) == ROUND + again + again
    clock = [float(message.payload) for message in log.messages if message.topic == HEARTBEAT]
    assert clock == sorted(clock)
    assert began <= clock[0] < clock[-1] <= SystemClock().now() + 0.3
    assert [(one.topic, one.payload.encode()) for one in handed] == [(m.topic, m.payload) for m in log.messages]
    assert [one.index for one in handed if one.round == 2] == [BEFORE_THE_SESSION] * 4 + list(range(7))
    assert player.round == 4
    assert player.position == 6


async def test_what_the_session_kept_is_retained_and_the_rest_not(mosquitto: MosquittoPart) -> None:
    await Player(SMALL, broker_at(mosquitto.url, client_id="box"), SystemClock(), speed=50, rounds=1).run()
    async with Log(broker_at(mosquitto.url), "openWB/#").running() as log:
        await eventually(lambda: len(log.messages) == 4)
        await publish(mosquitto.url, ("openWB/end", "end"))
        await log.until_payload(b"end")
    assert sorted(told(log.messages[:-1])) == [
        ("openWB/message/1", b"hello"),
        ("openWB/name", b'"Carport"'),
        ("openWB/plug", b"true"),
        (HEARTBEAT, b"now"),
    ]


async def test_pause_and_resume(mosquitto: MosquittoPart) -> None:
    player: Player

    def pause_at(published: Published) -> None:
        if published.index == 2:
            player.pause()

    player = Player(
        SMALL,
        broker_at(mosquitto.url, client_id="box"),
        SystemClock(),
        speed=100,
        rounds=1,
        on_published=pause_at,
    )
    run = asyncio.create_task(player.run())
    await eventually(lambda: player.position == 2)
    await asyncio.sleep(0.1)  # five times what the rest of the session takes
    assert player.position == 2
    player.resume()
    await run
    assert player.position == 6


async def test_a_new_broker_gets_all_that_is_retained_and_then_the_rest(mosquitto: MosquittoPart) -> None:
    player: Player

    def pause_at(published: Published) -> None:
        if published.index == 3:
            player.pause()

    player = Player(
        SMALL,
        broker_at(mosquitto.url, client_id="box"),
        SystemClock(),
        speed=100,
        rounds=1,
        on_published=pause_at,
    )
    run = asyncio.create_task(player.run())
    await eventually(lambda: player.position == 3)
    await mosquitto.kill()
    await mosquitto.start()
    async with Log(broker_at(mosquitto.url), "openWB/#").running() as log:
        await eventually(lambda: len(log.messages) == 4)
        player.resume()
        await run
        await eventually(lambda: len(log.messages) == 7)
    assert dict(told(log.messages[:4])) == {
        HEARTBEAT: b"now",
        "openWB/plug": b"true",
        "openWB/name": b'"Carport"',
        "openWB/message/1": b"hello",
    }
    assert told(log.messages[4:]) == ROUND[-3:]


async def test_a_connection_lost_within_the_start_state_begins_it_again(mosquitto: MosquittoPart) -> None:
    killed = asyncio.Event()

    def kill_at(published: Published) -> None:
        if published.topic == "openWB/plug" and not killed.is_set():
            os.kill(mosquitto.pid, signal.SIGKILL)
            killed.set()

    many = Capture((*SMALL.start, *(Recorded(f"openWB/n/{n}", "1" * 1000) for n in range(2000))), SMALL.session)
    player = Player(
        many,
        broker_at(mosquitto.url, client_id="box"),
        SystemClock(),
        speed=100,
        rounds=1,
        on_published=kill_at,
    )
    run = asyncio.create_task(player.run())
    await killed.wait()
    await mosquitto.kill()
    await mosquitto.start()
    await run
    async with Log(broker_at(mosquitto.url), "openWB/#").running() as log:
        await eventually(lambda: len(log.messages) == 2004)


async def test_a_delay_is_not_caught_up(mosquitto: MosquittoPart) -> None:
    class Jumping(SystemClock):
        """Each look at it takes longer than the player tolerates."""

        def __init__(self) -> None:
            self.looks = 0

        def monotonic(self) -> float:
            self.looks += 1
            return super().monotonic() + self.looks * 10

    clock = Jumping()
    handed: list[Published] = []
    await Player(
        SMALL,
        broker_at(mosquitto.url, client_id="box"),
        clock,
        speed=100,
        rounds=1,
        on_published=handed.append,
    ).run()
    assert [one.index for one in handed if one.index >= 0] == list(range(7))
    assert clock.looks > 2 * 7  # a schedule of its own for each message


async def test_a_frozen_broker_stops_it_and_it_goes_on(mosquitto: MosquittoPart) -> None:
    player = Player(SMALL, broker_at(mosquitto.url, client_id="box", connect_deadline_s=0.3), SystemClock(), speed=1)
    async with playing(player):
        await eventually(lambda: player.position >= 0)
        mosquitto.freeze()
        await asyncio.sleep(2)
        mosquitto.thaw()
        await eventually(lambda: player.round > 1)


async def test_a_capture_without_a_session_is_refused(mosquitto: MosquittoPart) -> None:
    with pytest.raises(InvalidArgument):
        Player(Capture((), ()), broker_at(mosquitto.url), SystemClock())
