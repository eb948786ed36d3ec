"""The embedded broker."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.domain.errors import BrokerUnavailable
from gateway.simulator import broker as broker_module
from gateway.simulator.broker import EmbeddedBroker, free_port
from tests.support.mqtt_log import Log, broker_at, publish
from tests.support.parts import accepts
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


async def test_who_subscribes_anew_gets_what_is_retained_once_more(kind: str) -> None:
    """One of the two sends it only to who is not subscribed."""
    async with EmbeddedBroker() as broker:
        await publish(broker.url, ("t/kept", "kept"), retain=True)
        async with broker_at(broker.url).connect() as connection:
            for _ in range(3):
                await connection.subscribe(["t/#"])
                async with asyncio.timeout(5):
                    message = await anext(connection)
                assert (message.payload, message.retained) == (b"kept", True)
                await connection.unsubscribe(["t/#"])
            await connection.subscribe(["t/#"])
            await anext(connection)
            await publish(broker.url, ("t/live", "once"), ("t/live", "last"))
            assert [(await anext(connection)).payload for _ in range(2)] == [b"once", b"last"]


async def test_unsubscribing_from_many_is_answered_in_full(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """Red: in one packet iotcore's further answers are errors in the log, and the first one comes too early."""
    async with EmbeddedBroker() as broker, broker_at(broker.url).connect() as connection:
        filters = [f"t/{number}/#" for number in range(5)]
        await connection.subscribe(filters)
        await connection.unsubscribe(filters)
        await connection.subscribe(["u/#"])
        await publish(broker.url, ("t/4/x", "no more"), ("u/x", "still"))
        assert (await anext(connection)).payload == b"still"
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


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
