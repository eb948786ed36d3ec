"""One connection of the reference client, and the subscriptions it carries.

Rules:

* Subscriptions that the server makes one have one number, and share one view here while the connection stands. One of
  them that is updated becomes a subscription of its own.
* What a request is about is looked up when its answer comes: an ``update`` moves whatever has that number then.
* A request refused for now is repeated after the time the server told, as long as the connection stands.
* After waking up only a ``pong`` proves that the connection lives: what comes before it may have lain in buffers
  since the machine fell asleep.
* An error that concerns the store or the whole site puts all values in doubt, each view until its next message.
"""

import asyncio
from collections.abc import Callable
from typing import Literal, TypeAlias

import msgspec
from msgspec import UnsetType
from websockets.asyncio.client import ClientConnection

from gateway.client_events import Events
from gateway.client_subscription import RequestRefused, Subscription
from gateway.client_timing import Timing
from gateway.domain.clock import Clock
from gateway.domain.errors import SiteUnavailable, StoreUnavailable
from gateway.protocol.messages import (
    DeltaMessage,
    Error,
    FromClient,
    Ping,
    Pong,
    Reset,
    ServerMessage,
    ServerMessageReader,
    SnapshotPart,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
    Update,
)
from gateway.protocol.view import Applied, View

DOUBTS = frozenset({StoreUnavailable.code, SiteUnavailable.code})

Event = Literal["opened", "sent", "received", "closed"]
Log: TypeAlias = Callable[[Event, str], None]
"""What happened, and the message as it went over the wire, or the close code."""


class Stream(msgspec.Struct, eq=False):
    """What comes under one number."""

    view: View
    subscriptions: list[Subscription]


class Link:
    """Sends requests, takes messages. ``tasks`` must be set before anything is taken."""

    tasks: asyncio.TaskGroup

    def __init__(self, socket: ClientConnection, timing: Timing, clock: Clock, log: Log, events: Events) -> None:
        self.socket = socket
        self.authenticated = False
        self.proving = False
        self.heard_at = clock.monotonic()
        self._clock = clock
        self._pong = asyncio.Event()
        self._timing = timing
        self._log = log
        self._events = events
        self._reader = ServerMessageReader()
        self._last_id = 0
        self._streams: dict[int, Stream] = {}
        self._subscribing: dict[int, Subscription] = {}
        self._updating: dict[int, tuple[int, asyncio.Future[None]]] = {}
        self._one_update = asyncio.Lock()

    def next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    async def send(self, message: FromClient) -> None:
        text = msgspec.json.encode(message).decode()
        self._log("sent", text)
        await self.socket.send(text)

    async def receive(self) -> ServerMessage | None:
        """The next message, None for one not known; raises TimeoutError when the connection is dead."""
        expected = any(not one.paused for stream in self._streams.values() for one in stream.subscriptions)
        try:
            async with asyncio.timeout(self._timing.silence_s if expected else self._timing.ping_s):
                text = await self.socket.recv()
        except TimeoutError:
            if expected or not self.authenticated:
                raise
            await self.send(Ping())
            async with asyncio.timeout(self._timing.pong_s):
                text = await self.socket.recv()
        self.heard_at = self._clock.monotonic()
        decoded = text if isinstance(text, str) else text.decode(errors="replace")
        self._log("received", decoded)
        return self._reader.read(decoded)

    async def prove(self) -> None:
        """Ask for a sign of life; raises TimeoutError when none comes in time."""
        if self.proving:
            return
        self.proving = True
        self._pong.clear()
        await self.send(Ping())
        async with asyncio.timeout(self._timing.pong_s):
            await self._pong.wait()
        self.proving = False

    # --- requests -------------------------------------------------------------------------------------------------

    async def ask_for(self, subscription: Subscription) -> None:
        """Subscribe, from what is held."""
        if subscription.over:
            return
        request_id = self.next_id()
        self._subscribing[request_id] = subscription
        await self.send(
            Subscribe(
                id=request_id,
                site=subscription.site,
                keys=subscription.keys,
                min_interval_ms=subscription.min_interval_ms,
                held=subscription.view.held,
                events_after=self._events.after(subscription.site),
            )
        )

    async def update(
        self,
        subscription: Subscription,
        keys: tuple[str, ...] | UnsetType,
        min_interval_ms: float | UnsetType,
        paused: bool | UnsetType,
    ) -> None:
        """Returns when the server has done it, or the connection ended; raises RequestRefused.

        One at a time, because the number of a subscription may be another after the answer.
        """
        async with self._one_update:
            number = subscription.number
            if number is None:
                return
            stream = self._streams[number]
            if len(stream.subscriptions) == 1:
                update = Update(
                    id=self.next_id(),
                    subscription=number,
                    keys=keys,
                    min_interval_ms=min_interval_ms,
                    paused=paused,
                )
                await (await self._ask_to(update))
                return
            stream.subscriptions.remove(subscription)
            subscription.number = None
            subscription.view = stream.view.copy()
            await self.ask_for(subscription)

    async def _ask_to(self, update: Update) -> asyncio.Future[None]:
        """Send it; the future has what comes of it."""
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._updating[update.id] = (update.subscription, answer)
        await self.send(update)
        return answer

    async def leave(self, subscription: Subscription) -> None:
        """Unsubscribe, unless others share the number."""
        stream = self._streams.get(subscription.number) if subscription.number is not None else None
        if stream is not None:
            stream.subscriptions.remove(subscription)
            await self._end_if_unused(subscription.number, stream)
        subscription.number = None

    async def _end_if_unused(self, number: int | None, stream: Stream) -> None:
        if number is not None and not stream.subscriptions:
            await self.send(Unsubscribe(id=self.next_id(), subscription=number))

    def ended(self) -> None:
        """The connection is over: what was asked for is answered by the next one."""
        for _number, answer in self._updating.values():
            if not answer.done():
                answer.set_result(None)
        for stream in self._streams.values():
            for subscription in stream.subscriptions:
                subscription.number = None
                subscription.view = stream.view.copy()

    # --- what comes -----------------------------------------------------------------------------------------------

    async def take(self, message: ServerMessage) -> None:
        """Apply a message; raises ChainBroken."""
        match message:
            case Subscribed() if message.id in self._subscribing:
                await self._subscribed(self._subscribing.pop(message.id), message)
            case Subscribed() if message.id in self._updating:
                number, answer = self._updating.pop(message.id)
                self._moved(number, message)
                if not answer.done():
                    answer.set_result(None)
            case Unsubscribed():
                self._unsubscribed(message)
            case SnapshotPart() | DeltaMessage():
                self._values(message)
            case Reset():
                stream = self._streams.pop(message.subscription, None)
                if stream is not None:
                    self._put(stream.view.reset(message), stream)
            case Error():
                self._refused(message)
            case Pong():
                self._pong.set()
            case _:
                pass

    async def _subscribed(self, subscription: Subscription, message: Subscribed) -> None:
        stream = self._streams.get(message.subscription)
        if stream is None:
            stream = Stream(subscription.view, [])
            self._streams[message.subscription] = stream
        stream.view.subscribed(message)
        self._events.begin(subscription.site, message.events_after)
        stream.subscriptions.append(subscription)
        subscription.view = stream.view
        subscription.number = message.subscription
        subscription.doubt = ""
        if message.how == "unchanged" and stream.view.position is not None:
            subscription.applied(Applied(stream.view.position, dict(stream.view.readings), whole=True))
        subscription.answered()
        if subscription.over:
            await self.leave(subscription)
        elif subscription.paused:
            await self._ask_to(Update(id=self.next_id(), subscription=message.subscription, paused=True))

    def _moved(self, number: int, message: Subscribed) -> None:
        stream = self._streams.pop(number, None)
        if stream is not None:
            self._put(message.subscription, stream)
            self._streams[message.subscription].view.subscribed(message)

    def _put(self, number: int, stream: Stream) -> None:
        """Under that number from now on; what is there already joins in, with the stream's view."""
        there = self._streams.pop(number, None)
        self._streams[number] = stream
        stream.subscriptions += there.subscriptions if there is not None else []
        for subscription in stream.subscriptions:
            subscription.number = number
            subscription.view = stream.view

    def _unsubscribed(self, message: Unsubscribed) -> None:
        stream = self._streams.pop(message.subscription, None)
        for subscription in stream.subscriptions if stream is not None else ():
            gone = Error(id=None, code="not_found", message="the site may no longer be seen")
            subscription.end(RequestRefused(gone))

    def _values(self, message: SnapshotPart | DeltaMessage) -> None:
        stream = self._streams.get(message.subscription)
        if stream is None:
            return
        _doubt(stream, "")
        view = stream.view
        applied = view.snapshot(message) if isinstance(message, SnapshotPart) else view.delta(message)
        if applied is not None:
            for subscription in stream.subscriptions:
                subscription.applied(applied)

    def _refused(self, error: Error) -> None:
        if error.id is None and error.code in DOUBTS:
            for stream in self._streams.values():
                _doubt(stream, error.message or error.code)
            return
        subscription = self._subscribing.pop(error.id, None) if error.id is not None else None
        if subscription is not None:
            if error.retry_after_s is None:
                subscription.end(RequestRefused(error))
            else:
                self.tasks.create_task(self._ask_again(subscription, error.retry_after_s), name="ask again")
        elif error.id in self._updating:
            _number, answer = self._updating.pop(error.id)
            if not answer.done():
                answer.set_exception(RequestRefused(error))

    async def _ask_again(self, subscription: Subscription, after_s: float) -> None:
        await asyncio.sleep(after_s)
        await self.ask_for(subscription)


def _doubt(stream: Stream, doubt: str) -> None:
    for subscription in stream.subscriptions:
        subscription.doubt = doubt
