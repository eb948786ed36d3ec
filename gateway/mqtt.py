"""The way to an MQTT broker: connect, subscribe, read, publish, and come back after every failure.

Rules of the link:

* apart -> dialling: name, TCP, TLS, certificate, CONNECT, all within one deadline -> connected, or down for a reason
* connected -> lost, because the broker closed it, or was silent for about 1.4 times the keep-alive although asked
  (PINGREQ), or let a call run past its deadline, or because its reader fell too far behind
* down or lost -> a pause with full jitter, growing up to its cap -> dialling. Only a connection that lasted as long
  as the longest pause makes the pauses short again.
* Every connection is a new client on a new socket: what was queued for an old one never reaches the broker late.

Overflow rule of the incoming queue, *reconnect*: beyond its bounds the queue is thrown away and the connection with
it, because the retained messages of the next one restore the state, and a hole in the middle would not be seen.
"""

import asyncio
import contextlib
import math
import os
import random
import socket
import ssl
import struct
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, NoReturn, Self, TypeVar

import aiomqtt
import msgspec
from paho.mqtt import client as paho

from gateway.dial import Endpoint, ReadAhead, WrongCertificate, dial, endpoint
from gateway.domain.errors import BrokerReason, BrokerUnavailable, InvalidArgument

T = TypeVar("T")

REFUSED_CREDENTIALS = frozenset({4, 5, 134, 135})  # CONNACK of MQTT 3.1.1, and as paho renumbers it
REFUSED_SUBSCRIPTION = 128
KEEP_ALIVE_TIMEOUT = 141
# paho asks after one interval of silence and gives up after a second one; so both together stay below 1.5 keep-alives
PING_AFTER_KEEPALIVES = 0.7
TICKS_PER_KEEPALIVE = 20
MESSAGES_WITHOUT_PAUSE = 256
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Message(msgspec.Struct, frozen=True, gc=False):
    """One message. ``retained``: it was the state at the time of subscribing, and no event."""

    topic: str
    payload: bytes
    retained: bool


class Down(msgspec.Struct, frozen=True):
    """Why there is no connection; ``detail`` is a sentence for a person."""

    reason: BrokerReason
    detail: str


class Counts(msgspec.Struct):
    """What happened since the broker object was made."""

    connections: int = 0
    overflows: int = 0
    unreadable_topics: int = 0


class Broker:
    """One broker, reached again and again.

    ``random_unit`` gives numbers in [0, 1) for the jitter. The queue bounds are per connection.
    """

    def __init__(  # noqa: PLR0913 - plain values of the settings, each with its default
        self,
        url: str,
        *,
        client_id: str,
        username: str = "",
        password: str = "",
        fingerprint_sha256: str | None = None,
        keepalive_s: int = 10,
        connect_deadline_s: float = 10,
        call_deadline_s: float = 10,
        backoff_base_s: float = 0.5,
        backoff_cap_s: float = 30,
        queue_messages: int = 50_000,
        queue_bytes: int = 64_000_000,
        random_unit: Callable[[], float] = random.random,
    ) -> None:
        self.endpoint = endpoint(url, username, password, fingerprint_sha256)
        self.counts = Counts()
        self._client_id = client_id
        self._keepalive_s = keepalive_s
        self._connect_deadline_s = connect_deadline_s
        self._call_deadline_s = call_deadline_s
        self._backoff_base_s = backoff_base_s
        self._backoff_cap_s = backoff_cap_s
        self._queue_messages = queue_messages
        self._queue_bytes = queue_bytes
        self._random_unit = random_unit

    async def run(
        self,
        on_connection: Callable[["Connection"], Awaitable[None]],
        on_down: Callable[[Down], Awaitable[None]],
    ) -> NoReturn:
        """Connect for ever: ``on_connection`` lives as long as its connection, ``on_down`` follows each failure.

        BrokerUnavailable, bare or inside an exception group, ends ``on_connection`` when the connection is lost; if
        it returns by itself the connection is closed and a new one made. Any other exception goes through.
        """
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            began = loop.time()
            await on_down(await self._attempt(on_connection))
            failures = 1 if loop.time() - began >= self._backoff_cap_s else failures + 1
            await asyncio.sleep(self._random_unit() * self._longest_pause_s(failures))

    def _longest_pause_s(self, failures: int) -> float:
        return min(self._backoff_cap_s, self._backoff_base_s * 2.0 ** min(failures - 1, 32))

    async def _attempt(self, on_connection: Callable[["Connection"], Awaitable[None]]) -> Down:
        down = Down("unreachable", "the gateway left the connection")
        try:
            async with self.connect() as connection:
                await on_connection(connection)
        except* BrokerUnavailable as errors:
            first = _first(errors)
            down = Down(first.reason, first.message)
        return down

    @contextlib.asynccontextmanager
    async def connect(self) -> AsyncIterator["Connection"]:
        """One connection, closed on leaving. Raises BrokerUnavailable when it cannot be made."""
        connection = Connection(self.counts, self._queue_messages, self._queue_bytes, self._call_deadline_s)
        client: _Client | None = None
        try:
            try:
                async with asyncio.timeout(self._connect_deadline_s):
                    sock = await dial(self.endpoint, self._connect_deadline_s)
                    client = _Client(self.endpoint, sock, connection, self._client_id, self._keepalive_s)
                    await client.open()
            except (OSError, aiomqtt.MqttError) as error:
                raise _unavailable(error, self._connect_deadline_s) from error
            self.counts.connections += 1
            yield connection
        finally:
            if client:
                await client.close()


def _first(errors: BaseExceptionGroup[BrokerUnavailable]) -> BrokerUnavailable:
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


def _unavailable(error: OSError | aiomqtt.MqttError, deadline_s: float) -> BrokerUnavailable:
    match error:
        case TimeoutError():
            return BrokerUnavailable(f"the broker did not answer within {deadline_s:g} s")
        case WrongCertificate():
            return BrokerUnavailable(str(error), reason="certificate")
        case ssl.SSLCertVerificationError():
            return BrokerUnavailable(f"the certificate is refused: {error.verify_message}", reason="certificate")
        case ssl.SSLError():
            return BrokerUnavailable(f"TLS failed: {error.reason or error}")
        case OSError():
            return BrokerUnavailable(_text(error))
        case aiomqtt.MqttCodeError() if _code(error.rc) in REFUSED_CREDENTIALS:
            return BrokerUnavailable("the broker refuses the user name or password", reason="bad_credentials")
    return BrokerUnavailable(f"the broker refuses the connection: {error}")


def _text(error: OSError) -> str:
    """The system's words; asyncio puts its own in their place, resolvers have numbers of their own."""
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return error.strerror or str(error)


def _code(rc: Any) -> int:
    return int(getattr(rc, "value", rc))


class Connection:
    """One connection: an async iterator over its messages, for one reader, and calls that publish and subscribe.

    After the loss, reading first gives what had arrived, then raises BrokerUnavailable; the calls raise it at once.
    Waiting for a message may be cancelled without losing one. A cancelled call may still take effect.
    """

    def __init__(self, counts: Counts, queue_messages: int, queue_bytes: int, call_deadline_s: float) -> None:
        self._counts = counts
        self._queue_messages = queue_messages
        self._queue_bytes = queue_bytes
        self._call_deadline_s = call_deadline_s
        self._client: _Client | None = None
        self._queue: deque[Message] = deque()
        self._queued_bytes = 0
        self._given_without_pause = 0
        self._arrived = asyncio.Event()
        self._lost: str | None = None

    async def subscribe(self, topics: Sequence[str]) -> tuple[str, ...]:
        """Subscribe to topic filters at QoS 0; the answer names those the broker refused."""
        try:
            codes = await self._call(lambda client: client.subscribe([(topic, 0) for topic in topics]))
        except ValueError as error:
            raise InvalidArgument(f"no topic filter: {error}") from error
        return tuple(topic for topic, code in zip(topics, codes, strict=True) if _code(code) >= REFUSED_SUBSCRIPTION)

    async def unsubscribe(self, topics: Sequence[str]) -> None:
        """Have no more of these filters; who subscribes to them again is sent what is retained once more.

        Not every broker sends it to who is subscribed already, though MQTT says so. One filter a packet: iotcore
        answers each filter for itself, and what is more than one answer to a packet looks like an error.
        """
        for topic in topics:
            await self._call(lambda client, topic=topic: client.unsubscribe(topic))  # type: ignore[misc]

    async def taken(self) -> None:
        """Wait until the reader has taken all that arrived; raises BrokerUnavailable when the connection is lost."""
        while self._queue:
            self._raise_if_lost()
            await asyncio.sleep(0)

    async def publish(self, topic: str, payload: str | bytes, *, retain: bool = False, qos: int = 0) -> None:
        """Returns when the message is on its way (QoS 0) or acknowledged (QoS 1 and 2)."""
        try:
            await self._call(lambda client: client.publish(topic, payload, qos, retain))
        except ValueError as error:
            raise InvalidArgument(f"cannot be published: {error}") from error

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        if self._given_without_pause >= MESSAGES_WITHOUT_PAUSE:
            self._given_without_pause = 0
            await asyncio.sleep(0)
        while not self._queue:
            self._raise_if_lost()
            self._given_without_pause = 0
            self._arrived.clear()
            await self._arrived.wait()
        self._given_without_pause += 1
        message = self._queue.popleft()
        self._queued_bytes -= len(message.payload)
        return message

    async def _call(self, call: Callable[["_Client"], Awaitable[T]]) -> T:
        self._raise_if_lost()
        assert self._client is not None
        try:
            async with asyncio.timeout(self._call_deadline_s):
                answer = await call(self._client)
        except TimeoutError:
            self._client.abort(f"the broker did not answer within {self._call_deadline_s:g} s")
        except aiomqtt.MqttError as error:
            self._client.abort(str(error))
        self._raise_if_lost()
        return answer

    def _raise_if_lost(self) -> None:
        if self._lost is not None:
            raise BrokerUnavailable(self._lost)

    def opened(self, client: "_Client") -> None:
        self._client = client

    def lost(self, detail: str) -> None:
        """The connection is gone; only the first reason counts."""
        self._lost = self._lost or detail
        self._arrived.set()

    def take(self, message: paho.MQTTMessage) -> None:
        """A message came in."""
        if self._lost is not None:
            return
        try:
            topic = message.topic
        except UnicodeDecodeError:
            self._counts.unreadable_topics += 1
            return
        self._queue.append(Message(topic, bytes(message.payload), message.retain))
        self._queued_bytes += len(message.payload)
        if len(self._queue) > self._queue_messages or self._queued_bytes > self._queue_bytes:
            self._overflow()
        self._arrived.set()

    def _overflow(self) -> None:
        self._counts.overflows += 1
        self._queue.clear()
        self._queued_bytes = 0
        self.lost("too many messages wait to be read")
        assert self._client is not None
        self._client.abort_soon()


class _Client(aiomqtt.Client):
    """aiomqtt on a socket that is open already, and with six of its seams resewn.

    * It dials in a thread that cannot be cancelled: so the socket comes from outside and ``open`` replaces its entry.
    * paho asks the kernel three times for a message: ``ReadAhead``.
    * It raises on a topic it dislikes, which ends the connection, for a retained one for ever: ``_on_message``.
    * It looks after the keep-alive once a second, twice the interval: ``_misc_loop``.
    * It registers for writing a turn later, when the socket may be closed already: ``_on_socket_register_write``.
    * It lets calls wait for their whole deadline when the connection is lost in the middle: ``abort``.
    """

    def __init__(
        self, address: Endpoint, sock: socket.socket, connection: Connection, client_id: str, keepalive_s: int
    ) -> None:
        super().__init__(
            address.host,
            address.port,
            username=address.username,
            password=address.password,
            identifier=client_id,
            timeout=math.inf,
            keepalive=keepalive_s,
        )
        self._sock = sock
        self._connection = connection
        self._client._create_socket = lambda: ReadAhead(sock)  # type: ignore[method-assign]  # noqa: SLF001 - see above
        self._disconnected.add_done_callback(self._on_lost)

    async def open(self) -> None:
        """Send CONNECT and wait for the answer."""
        self._client.connect(self._hostname, self._port, self._keepalive)
        self._client._keepalive = self._keepalive * PING_AFTER_KEEPALIVES  # type: ignore[assignment] # noqa: SLF001
        await self._connected
        self._connection.opened(self)

    async def close(self) -> None:
        """Say goodbye if that takes no waiting, and leave neither socket nor task behind."""
        if not self._disconnected.done():
            self._client.disconnect()
            self._client.loop_write()
        self.abort("the gateway closed the connection")
        if self._misc_task is not None:
            self._misc_task.cancel()
            await asyncio.wait({self._misc_task})

    def abort(self, detail: str) -> None:
        """Drop the socket with all that is queued for it, here and in the kernel; waiting calls and the reader end.

        A reset and no orderly close: else the kernel would deliver after minutes, when the cable is back in.
        """
        self._connection.lost(detail)
        with contextlib.suppress(OSError):  # closed already
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self._client._sock_close()  # noqa: SLF001 - paho's only way to close without sending
        self._sock.close()
        for answer in self._pending_subscribes.values():
            if not answer.done():
                answer.set_exception(aiomqtt.MqttError(detail))
        for done in (*self._pending_publishes.values(), *self._pending_unsubscribes.values()):
            done.set()

    def abort_soon(self) -> None:
        """For paho's callbacks, inside which its socket must stay."""
        self._loop.call_soon(self.abort, "")

    def _on_message(self, client: paho.Client, userdata: Any, message: paho.MQTTMessage) -> None:  # noqa: ARG002
        self._connection.take(message)

    def _on_disconnect(self, client: paho.Client, userdata: Any, *args: Any) -> None:
        if not self._connected.done():
            self._connected.set_exception(aiomqtt.MqttError("it closed the connection before an answer"))
        elif not self._connected.cancelled():
            super()._on_disconnect(client, userdata, *args)
            if self._disconnected.done():
                self._connection.lost(self._loss(self._disconnected))

    def _on_socket_register_write(self, client: paho.Client, userdata: Any, sock: Any) -> None:  # noqa: ARG002
        self._loop.add_writer(sock.fileno(), self._client.loop_write)

    def _on_lost(self, disconnected: asyncio.Future[None]) -> None:
        self.abort(self._loss(disconnected))

    @staticmethod
    def _loss(disconnected: asyncio.Future[None]) -> str:
        error = None if disconnected.cancelled() else disconnected.exception()
        silent = isinstance(error, aiomqtt.MqttCodeError) and _code(error.rc) == KEEP_ALIVE_TIMEOUT
        return "the broker fell silent" if silent else "the broker closed the connection"

    async def _misc_loop(self) -> None:
        while self._client.loop_misc() == paho.MQTT_ERR_SUCCESS:  # noqa: ASYNC110 - a clock is asked, nobody tells
            await asyncio.sleep(self._keepalive / TICKS_PER_KEEPALIVE)
