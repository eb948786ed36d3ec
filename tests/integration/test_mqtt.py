"""The MQTT adapter against a real mosquitto."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from gateway.domain.errors import BrokerUnavailable, InvalidArgument
from gateway.mqtt import Broker, Connection, Down, Message
from tests.support.mqtt_log import Log, broker_at, publish
from tests.support.parts import MosquittoPart, free_port, mosquitto, self_signed
from tests.support.waiting import eventually


@pytest.fixture(autouse=True)
async def _nothing_left_behind() -> AsyncIterator[None]:
    yield
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


# --- messages


async def test_messages_come_as_published_and_in_order(mosquitto: MosquittoPart) -> None:
    await publish(mosquitto.url, ("t/kept", "before"), retain=True)
    async with Log(broker_at(mosquitto.url)).running() as log:
        await log.until_payload(b"before")
        await publish(mosquitto.url, *[("t/live", str(number)) for number in range(1000)])
        await log.until_payload(b"999")
    assert log.messages[0] == Message("t/kept", b"before", True)
    assert log.messages[1:] == [Message("t/live", str(number).encode(), False) for number in range(1000)]
    assert log.downs == []


async def test_own_publications_come_back_and_retain_is_kept(mosquitto: MosquittoPart) -> None:
    async with broker_at(mosquitto.url).connect() as connection:
        await connection.subscribe(["t/#", "other/+"])
        await connection.publish("t/a", b"\xff\x00", retain=True)
        await connection.publish("other/b", "ü", qos=2)
        assert await anext(connection) == Message("t/a", b"\xff\x00", False)
        assert await anext(connection) == Message("other/b", "ü".encode(), False)
    async with broker_at(mosquitto.url).connect() as connection:
        await connection.subscribe(["t/#"])
        assert await anext(connection) == Message("t/a", b"\xff\x00", True)


async def test_a_cancelled_wait_loses_no_message(mosquitto: MosquittoPart) -> None:
    async with broker_at(mosquitto.url).connect() as connection:
        await connection.subscribe(["t"])
        seen: list[bytes] = []
        for number in range(50):
            await connection.publish("t", str(number))
        while len(seen) < 50:
            with suppress(TimeoutError):
                async with asyncio.timeout(0.0005):
                    seen.append((await anext(connection)).payload)
    assert seen == [str(number).encode() for number in range(50)]


async def test_a_reader_of_a_full_queue_lets_others_run(mosquitto: MosquittoPart) -> None:
    async with broker_at(mosquitto.url).connect() as connection:
        await connection.subscribe(["t"])
        await publish(mosquitto.url, *[("t", "x")] * 1000)
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0)
                turns += 1

        await eventually(lambda: len(connection._queue) == 1000)
        task = asyncio.create_task(other())
        for _ in range(1000):
            await anext(connection)
        task.cancel()
        assert turns >= 2


@pytest.mark.parametrize("topic", ["", "a/#", "a/+/b", "x" * 70_000, "\udcff"])
async def test_an_impossible_topic_is_the_callers_mistake(mosquitto: MosquittoPart, topic: str) -> None:
    async with broker_at(mosquitto.url).connect() as connection:
        with pytest.raises(InvalidArgument):
            await connection.publish(topic, "x")
        await connection.subscribe(["t"])
        await connection.publish("t", "still there")
        assert (await anext(connection)).payload == b"still there"


async def test_an_impossible_filter_is_the_callers_mistake(mosquitto: MosquittoPart) -> None:
    async with broker_at(mosquitto.url).connect() as connection:
        with pytest.raises(InvalidArgument):
            await connection.subscribe(["a/#/b"])


# --- failures of the broker


async def test_killed_and_restarted(mosquitto: MosquittoPart) -> None:
    async with Log(broker_at(mosquitto.url)).running() as log:
        await log.until_subscribed(1)
        await mosquitto.kill()
        assert await log.until_down() == Down("unreachable", "the broker closed the connection")
        assert (await log.until_down(2)).reason == "unreachable"
        await mosquitto.start()
        await log.until_subscribed(2)
        await publish(mosquitto.url, ("t", "again"))
        await log.until_payload(b"again")
        assert log.broker.counts.connections == 2


async def test_waits_for_a_broker_that_comes_later(tmp_path: Path) -> None:
    part = mosquitto(tmp_path / "mosquitto")
    async with Log(broker_at(part.url)).running() as log:
        down = await log.until_down(3)
        assert down == Down("unreachable", "Connection refused")
        async with part:
            await log.until_subscribed(1)


async def test_password_refused_then_allowed(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "mosquitto", users={"me": "old"}) as part:
        url = part.url.replace("mqtt://", "mqtt://me:new@")
        async with Log(broker_at(url)).running() as log:
            down = await log.until_down()
            assert down == Down("bad_credentials", "the broker refuses the user name or password")
            part.set_users({"me": "new"})
            await log.until_subscribed(1)


async def test_username_and_password_beside_the_url(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "mosquitto", users={"me": "secret"}) as part:
        async with broker_at(part.url, username="me", password="secret").connect() as connection:
            assert await connection.subscribe(["t"]) == ()
        with pytest.raises(BrokerUnavailable) as error:
            async with broker_at(part.url).connect():
                raise AssertionError
        assert error.value.reason == "bad_credentials"


async def test_frozen_is_noticed_and_heals(mosquitto: MosquittoPart) -> None:
    async with Log(broker_at(mosquitto.url, connect_deadline_s=0.2)).running() as log:
        await log.until_subscribed(1)
        mosquitto.freeze()
        assert await log.until_down() == Down("unreachable", "the broker fell silent")
        assert await log.until_down(2) == Down("unreachable", "the broker did not answer within 0.2 s")
        mosquitto.thaw()
        await log.until_subscribed(2)


async def test_frozen_is_noticed_by_one_who_only_publishes(mosquitto: MosquittoPart) -> None:
    async with broker_at(mosquitto.url).connect() as connection:
        mosquitto.freeze()
        with pytest.raises(BrokerUnavailable, match="fell silent"):
            await publish_for_ever(connection)


async def publish_for_ever(connection: Connection) -> None:
    while True:
        await connection.publish("t", "x")
        await asyncio.sleep(0.01)


async def test_idle_connection_stays(mosquitto: MosquittoPart) -> None:
    async with Log(broker_at(mosquitto.url)).running() as log:
        await log.until_subscribed(1)
        await asyncio.sleep(2.5)  # more than two keep-alives
        await publish(mosquitto.url, ("t", "still"))
        await log.until_payload(b"still")
        assert log.downs == []


async def test_a_name_that_does_not_exist() -> None:
    with pytest.raises(BrokerUnavailable) as error:
        async with broker_at("mqtt://no-such-host.invalid").connect():
            raise AssertionError
    assert error.value.reason == "unreachable"


# --- certificates


async def test_the_pinned_certificate_and_no_other(tmp_path: Path) -> None:
    mine, other = self_signed(tmp_path / "a"), self_signed(tmp_path / "b", valid_days=-1)
    async with mosquitto(tmp_path / "mosquitto", tls=mine) as part:
        for _ in range(2):
            async with broker_at(part.tls_url, fingerprint_sha256=mine.fingerprint_sha256).connect() as connection:
                await connection.subscribe(["t"])
                for number in range(300):
                    await connection.publish("t", str(number) * 100)
                received = [(await anext(connection)).payload for _ in range(300)]
                assert received == [(str(number) * 100).encode() for number in range(300)]
        async with Log(broker_at(part.tls_url, fingerprint_sha256=other.fingerprint_sha256)).running() as log:
            down = await log.until_down()
    assert down.reason == "certificate"
    assert mine.fingerprint_sha256 in down.detail


async def test_an_expired_certificate_is_good_when_pinned(tmp_path: Path) -> None:
    mine = self_signed(tmp_path, valid_days=-1)
    async with (
        mosquitto(tmp_path / "mosquitto", tls=mine) as part,
        broker_at(part.tls_url, fingerprint_sha256=mine.fingerprint_sha256).connect() as connection,
    ):
        assert await connection.subscribe(["t"]) == ()


async def test_without_a_pin_the_authorities_decide(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "mosquitto", tls=self_signed(tmp_path)) as part:
        with pytest.raises(BrokerUnavailable) as error:
            async with broker_at(part.tls_url).connect():
                raise AssertionError
    assert error.value.reason == "certificate"
    assert "self-signed" in error.value.message.replace("self signed", "self-signed")


async def test_tls_and_plain_confused(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "mosquitto", tls=self_signed(tmp_path)) as part:
        for port, scheme in ((part.port, "mqtts"), (part.tls_port, "mqtt")):
            with pytest.raises(BrokerUnavailable) as error:
                async with broker_at(f"{scheme}://127.0.0.1:{port}").connect():
                    raise AssertionError
            assert error.value.reason == "unreachable"


# --- the bounded queue


@pytest.mark.parametrize("bound", [{"queue_messages": 100}, {"queue_bytes": 100_000}])
async def test_too_far_behind_reconnects_and_the_flood_restores(
    mosquitto: MosquittoPart, bound: dict[str, int]
) -> None:
    broker = broker_at(mosquitto.url, **bound)
    held = asyncio.Event()
    connections: list[list[Message]] = []
    downs: list[Down] = []

    async def listen(connection: Connection) -> None:
        messages: list[Message] = []
        connections.append(messages)
        await connection.subscribe(["t/#"])
        if len(connections) == 1:
            await held.wait()
        async for message in connection:
            messages.append(message)  # noqa: PERF401 - they are looked at meanwhile

    async def down(down: Down) -> None:
        downs.append(down)

    task = asyncio.create_task(broker.run(listen, down))
    await eventually(lambda: connections)
    await publish(mosquitto.url, *[("t/a", f"{number:01000}") for number in range(300)], retain=True)
    await eventually(lambda: broker.counts.overflows)
    held.set()
    await eventually(lambda: len(connections) > 1 and connections[-1])
    assert connections[0] == []
    assert downs[0] == Down("unreachable", "too many messages wait to be read")
    assert connections[-1] == [Message("t/a", f"{299:01000}".encode(), True)]
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert broker.counts.overflows == 1


# --- who uses it


async def test_loss_inside_a_task_group_ends_the_group_and_reconnects(mosquitto: MosquittoPart) -> None:
    rounds = 0

    async def listen(connection: Connection) -> None:
        nonlocal rounds
        rounds += 1
        await connection.subscribe(["t"])
        async with asyncio.TaskGroup() as group:
            group.create_task(read_all(connection))
            group.create_task(asyncio.Event().wait())

    async def read_all(connection: Connection) -> None:
        async for _ in connection:
            pass

    downs: list[Down] = []

    async def down(down: Down) -> None:
        downs.append(down)

    task = asyncio.create_task(broker_at(mosquitto.url).run(listen, down))
    await eventually(lambda: rounds == 1)
    await mosquitto.kill()
    await eventually(lambda: downs)
    await mosquitto.start()
    await eventually(lambda: rounds == 2)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert downs[0].detail == "the broker closed the connection"


async def test_an_error_of_the_user_goes_through(mosquitto: MosquittoPart) -> None:
    async def fails(_: Connection) -> None:
        raise LookupError("mine")

    async def down(_: Down) -> None:
        raise AssertionError

    with pytest.raises(LookupError, match="mine"):
        await broker_at(mosquitto.url).run(fails, down)


async def test_a_number_is_dialled_without_a_resolver(
    mosquitto: MosquittoPart, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look-up waits for a thread; one was once seen to wait for ten seconds."""

    async def getaddrinfo(*_given: object, **_named: object) -> None:
        raise OSError("asked for a name")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    async with broker_at(mosquitto.url).connect() as connection:
        await connection.publish("a", b"b", qos=1)
    with pytest.raises(BrokerUnavailable, match="asked for a name"):
        async with broker_at(f"mqtt://localhost:{mosquitto.port}").connect():
            raise AssertionError


async def test_a_handler_that_returns_gets_a_new_connection(mosquitto: MosquittoPart) -> None:
    seen: list[Connection] = []

    async def once(connection: Connection) -> None:
        seen.append(connection)

    async def down(down: Down) -> None:
        assert down.detail == "the gateway left the connection"

    task = asyncio.create_task(broker_at(mosquitto.url).run(once, down))
    await eventually(lambda: len(seen) == 3)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert len(set(map(id, seen))) == len(seen)


async def test_pauses_grow_to_the_cap_with_full_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    real = asyncio.sleep

    async def sleep(delay: float) -> None:
        pauses.append(delay)
        await real(0)

    monkeypatch.setattr("gateway.mqtt.asyncio.sleep", sleep)
    broker = Broker(
        f"mqtt://127.0.0.1:{free_port()}", client_id="x", backoff_base_s=1, backoff_cap_s=9, random_unit=lambda: 0.5
    )

    async def never(_: Connection) -> None:
        raise AssertionError

    async def down(_: Down) -> None:
        pass

    task = asyncio.create_task(broker.run(never, down))
    while len(pauses) < 6:
        await real(0.001)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert pauses[:6] == [0.5, 1, 2, 4, 4.5, 4.5]


@pytest.mark.parametrize("after_turns", range(12))
async def test_cancelled_at_any_moment_leaves_nothing(tmp_path: Path, after_turns: int) -> None:
    """The fixture looks for tasks, pytest for sockets that were not closed."""
    certificate = self_signed(tmp_path)
    async with mosquitto(tmp_path / "mosquitto", tls=certificate) as part:
        for url, pin in ((part.url, None), (part.tls_url, certificate.fingerprint_sha256)):
            log = Log(broker_at(url, fingerprint_sha256=pin))
            async with log.running():
                for _ in range(after_turns):
                    await asyncio.sleep(0)
            async with log.running():
                await asyncio.sleep(after_turns / 1000)


async def test_an_address_that_swallows_everything_has_a_deadline() -> None:
    """A full backlog: the kernel drops what knocks, as a firewall does."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        knocks = [socket.socket() for _ in range(4)]
        try:
            for knock in knocks:
                knock.setblocking(False)
                knock.connect_ex(("127.0.0.1", port))
            with pytest.raises(BrokerUnavailable, match="did not answer"):
                async with broker_at(f"mqtt://127.0.0.1:{port}", connect_deadline_s=0.2).connect():
                    raise AssertionError
        finally:
            for knock in knocks:
                knock.close()
