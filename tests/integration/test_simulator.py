"""The embedded broker, and the player that feeds a broker."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from gateway.domain.clock import SystemClock
from gateway.domain.errors import BrokerUnavailable, InvalidArgument
from gateway.mqtt import Message
from gateway.simulator import broker as broker_module
from gateway.simulator.broker import EmbeddedBroker, free_port
from gateway.simulator.capture import HEARTBEAT, Capture, Recorded, packaged
from gateway.simulator.player import BEFORE_THE_SESSION, Player, Published
from tests.support.mqtt_log import Log, broker_at, publish
from tests.support.parts import MosquittoPart, accepts
from tests.support.waiting import eventually


@pytest.fixture(params=["iotcore", "mosquitto"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both brokers that the embedded one may be."""
    if request.param == "mosquitto":
        monkeypatch.setattr(broker_module, "find_spec", lambda _: None)
    return str(request.param)


# --- the embedded broker


async def test_messages_pass_and_a_large_retained_flood_is_whole(kind: str) -> None:
    topics = [f"t/{number}" for number in range(1500)]
    async with EmbeddedBroker() as broker:
        await publish(broker.url, *[(topic, "x" * 300) for topic in topics], retain=True)
        async with Log(broker_at(broker.url)).running() as log:
            await eventually(lambda: len(log.messages) == len(topics))
            await publish(broker.url, ("t/live", "last"))
            await log.until_payload(b"last")
    assert {message.topic for message in log.messages[:-1]} == set(topics)
    assert all(message.retained for message in log.messages[:-1])


async def test_listens_on_loopback_only(kind: str) -> None:
    async with EmbeddedBroker() as broker:
        port = int(broker.url.rsplit(":", 1)[1])
        tables = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
        listening = [line.split()[1] for line in tables.splitlines() if line.split()[3] == "0A"]
    assert [address for address in listening if address.endswith(f":{port:04X}")] == [f"0100007F:{port:04X}"]


async def test_nothing_is_left_of_it(kind: str) -> None:
    async with EmbeddedBroker() as broker:
        port, pid = int(broker.url.rsplit(":", 1)[1]), broker.pid
        assert pid is not None
        assert os.getsid(pid) == pid  # a Ctrl-C in our terminal is not for it
    assert not accepts(port)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGTERM])
async def test_dies_with_its_parent_and_leaves_no_folder(kind: str, death: signal.Signals, tmp_path: Path) -> None:
    script = f"""
import asyncio
from gateway.simulator import broker
if {kind!r} == "mosquitto":
    broker.find_spec = lambda _: None
async def main():
    async with broker.EmbeddedBroker() as embedded:
        print(embedded.url, flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""
    environ = {**os.environ, "TMPDIR": str(tmp_path)}
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=subprocess.PIPE, env=environ)
    assert parent.stdout is not None
    url = await parent.stdout.readline()
    port = int(url.rsplit(b":", 1)[1])
    assert accepts(port)
    assert list(tmp_path.iterdir())
    parent.send_signal(death)
    await parent.wait()
    await eventually(lambda: not accepts(port))
    await eventually(lambda: not list(tmp_path.iterdir()), what="no folder is left")


async def test_its_own_death_is_told(kind: str) -> None:
    async with EmbeddedBroker() as broker:
        assert broker.pid is not None
        os.kill(broker.pid, signal.SIGTERM)
        with pytest.raises(BrokerUnavailable, match="ended by itself"):
            await broker.run()
    await eventually(lambda: not accepts(int(broker.url.rsplit(":", 1)[1])))


async def test_one_that_does_not_end_is_killed(kind: str) -> None:
    async with EmbeddedBroker(stop_deadline_s=0.1) as broker:
        pid = broker.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    await eventually(lambda: not accepts(int(broker.url.rsplit(":", 1)[1])))  # what the wrapper held dies after it


async def test_another_port_when_the_first_was_taken(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with EmbeddedBroker() as first:
        taken = int(first.url.rsplit(":", 1)[1])
        ports = iter([taken, *[free_port() for _ in range(4)]])
        monkeypatch.setattr(broker_module, "free_port", lambda: next(ports))
        async with EmbeddedBroker() as second:
            assert second.url != first.url
            await publish(second.url, ("t", "x"))


async def test_a_fixed_port_that_is_taken_is_one_line(kind: str) -> None:
    async with EmbeddedBroker(port=free_port()) as first:
        with pytest.raises(BrokerUnavailable, match=r"does not start: .*in use") as error:
            async with EmbeddedBroker(port=int(first.url.rsplit(":", 1)[1])):
                raise AssertionError
    assert "\n" not in error.value.message


async def test_no_broker_to_be_had_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(broker_module, "find_spec", lambda _: None)
    monkeypatch.setattr(broker_module, "PLACES_OF_MOSQUITTO", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BrokerUnavailable, match="install one of them") as error:
        async with EmbeddedBroker():
            raise AssertionError
    assert "\n" not in error.value.message


async def test_too_slow_a_start_is_one_line() -> None:
    with pytest.raises(BrokerUnavailable, match=r"did not start in 0\.001 s"):
        async with EmbeddedBroker(start_deadline_s=0.001):
            raise AssertionError


# --- the player

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


async def test_the_packaged_capture_through_the_embedded_broker(kind: str) -> None:
    capture = packaged()
    async with EmbeddedBroker() as broker, Log(broker_at(broker.url), "#").running() as log:
        await log.until_subscribed(1)
        player = Player(capture, broker_at(broker.url, client_id="box"), SystemClock(), speed=600, rounds=1)
        await player.run()
        expected = len(capture.start) + len(capture.session)
        await eventually(lambda: len(log.messages) == expected, within_s=20)
    recorded = [*(m.topic for m in capture.start), *(m.topic for m in capture.session)]
    assert [message.topic for message in log.messages] == recorded
    state = {message.topic: message.payload.decode() for message in log.messages if message.payload}
    assert {topic: state[topic] for topic in player.retained} == player.retained
    assert log.downs == []


async def test_a_capture_without_a_session_is_refused(mosquitto: MosquittoPart) -> None:
    with pytest.raises(InvalidArgument):
        Player(Capture((), ()), broker_at(mosquitto.url), SystemClock())
