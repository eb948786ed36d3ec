"""A websocket client that logs everything it sends and gets, and keeps only its positions.

Written against the protocol's description alone, on ``websockets`` and ``json``; it shares nothing with the gateway's
reference client and decides nothing about values: that is the oracle's business.

Rules:

* apart -> ``connect`` -> connected: opened, authenticated -> apart, when either side ends it
* A subscription is *held* while connected; at the end of the connection those with a complete view are *kept*, and
  ``resume`` asks for them from the position at which they were left.
* A connected client may stall: it leaves its socket unread for a while, as a phone does that is put away.
* A position moves by the rule of the protocol: the last snapshot part's seq, then the greatest seq of its deltas.
"""

import asyncio
import json
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from tests.support.oracle_logs import ClientLog, Closed, Message, Opened, Received, Sent, Stalled

ANSWER_WITHIN_S = 20


class Apart(Exception):
    """The connection could not be made, or ended before the answer came."""


class Denied(Exception):
    """The server answered with ``error``."""

    def __init__(self, answer: Message) -> None:
        super().__init__(f"{answer['code']}: {answer['message']}")
        self.code = str(answer["code"])


@dataclass(slots=True)
class Held:
    """One subscription, up to where its view is complete, and the last word about the link there."""

    keys: tuple[str, ...]
    interval_ms: int
    number: int = -1
    view: str = ""
    epoch: str = ""
    seq: int = -1
    complete: bool = False
    paused: bool = False
    link_state: str = ""

    @property
    def origin(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "seq": self.seq, "view": self.view}

    def hear(self, message: Message) -> None:
        """What the message says about the link, if anything."""
        entry = message["values"].get("link/state")
        self.link_state = self.link_state if entry is None else entry[0]


@dataclass(slots=True)
class LoggingClient:
    """One client. Leaving the context ends its connection; the log stays."""

    name: str
    url: str
    token: str
    site: str = "home"
    log: ClientLog = field(init=False)
    held: dict[int, Held] = field(default_factory=dict)
    kept: list[Held] = field(default_factory=list)
    stalls: bool = False
    _socket: ClientConnection | None = None
    _reader: asyncio.Task[None] | None = None
    _answers: dict[int, asyncio.Future[Message]] = field(default_factory=dict)
    _asked: dict[int, Held] = field(default_factory=dict)
    _last_id: int = 0

    def __post_init__(self) -> None:
        self.log = ClientLog(self.name)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.abort()

    @property
    def connected(self) -> bool:
        return self._reader is not None and not self._reader.done()

    async def connect(self) -> None:
        """Open a connection and authenticate; raises Apart or Denied."""
        await self.abort()
        try:
            self._socket = await connect(
                self.url,
                subprotocols=["gateway.v1.json"],  # type: ignore[list-item] # a NewType over str
                compression=None,
                proxy=None,
                max_size=None,
                max_queue=None,
                ping_interval=None,
                open_timeout=ANSWER_WITHIN_S,
                close_timeout=1,
            )
        except (OSError, TimeoutError, WebSocketException) as error:
            raise Apart(f"{self.name} cannot connect: {error}") from error
        self.log.events.append(Opened(time.monotonic()))
        self._reader = asyncio.create_task(self._read(self._socket), name=f"reader of {self.name}")
        await self._ask({"type": "auth", "token": self.token, "device": self.name})

    async def abort(self) -> None:
        """Tear the connection down without a word, as a phone that lost its network."""
        if self._socket is not None and self._reader is not None:
            self._socket.transport.abort()
            await self._reader
            await self._socket.wait_closed()
        self._socket = self._reader = None

    async def stall(self, for_s: float) -> None:
        """Read nothing for so long, then all that came meanwhile."""
        assert self._socket is not None
        began_s, transport = time.monotonic(), self._socket.transport
        self.stalls = True
        transport.pause_reading()
        try:
            await asyncio.sleep(for_s)
        finally:
            self.stalls = False
            self.log.events.append(Stalled(began_s, time.monotonic()))
            if not transport.is_closing():
                transport.resume_reading()

    async def subscribe(self, keys: tuple[str, ...], interval_ms: int = 0, origin: Held | None = None) -> Held:
        """Subscribe, from what another subscription held if given."""
        wanted: dict[str, Any] = {"type": "subscribe", "site": self.site, "keys": list(keys)}
        if interval_ms:
            wanted["min_interval_ms"] = interval_ms
        if origin is not None and origin.view:
            wanted["from"] = origin.origin
        asked = Held(keys, interval_ms)
        if origin is not None:
            asked.view, asked.epoch, asked.seq = origin.view, origin.epoch, origin.seq
            asked.link_state = origin.link_state
        await self._ask(wanted, asked)
        return asked

    async def resume(self) -> None:
        """Ask for everything that was kept, from where it was left. What is refused stays kept."""
        while self.kept:
            one = self.kept[-1]
            fresh = await self.subscribe(one.keys, one.interval_ms, one)
            self.kept = [other for other in self.kept if other is not one]
            if one.paused:
                await self.update(fresh, paused=True)

    async def update(self, one: Held, **change: Any) -> None:
        """Change ``keys``, ``min_interval_ms`` or ``paused`` of a held subscription."""
        keys = tuple(change.get("keys", one.keys))
        asked = Held(keys, change.get("min_interval_ms", one.interval_ms), one.number, one.view, one.epoch, one.seq)
        asked.complete, asked.paused = one.complete, change.get("paused", one.paused)
        asked.link_state = one.link_state
        await self._ask({"type": "update", "subscription": one.number, **change}, asked)

    async def unsubscribe(self, one: Held) -> None:
        await self._ask({"type": "unsubscribe", "subscription": one.number})

    async def _ask(self, message: dict[str, Any], asked: Held | None = None) -> Message:
        self._last_id += 1
        message["id"] = request_id = self._last_id
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._answers[request_id] = answer
        if asked is not None:
            self._asked[request_id] = asked
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                if self._socket is None:
                    raise Apart(f"{self.name} is not connected")
                self.log.events.append(Sent(time.monotonic(), message))
                await self._socket.send(json.dumps(message))
                told = await answer
        except (ConnectionClosed, TimeoutError) as error:
            raise Apart(f"{self.name}: no answer to {message['type']}: {error!r}") from error
        finally:
            self._answers.pop(request_id, None)
            answer.cancel()
        if told["type"] == "error":
            raise Denied(told)
        return told

    async def _read(self, socket: ClientConnection) -> None:
        code: int | None = None
        try:
            async for text in socket:
                message = json.loads(text)
                self.log.events.append(Received(time.monotonic(), message))
                self._follow(message)
        except ConnectionClosed:
            code = socket.close_code
        finally:
            self.log.events.append(Closed(time.monotonic(), code))
            self.kept += [one for one in self.held.values() if one.complete]
            self.held.clear()
            self._asked.clear()
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(Apart(f"{self.name} lost its connection, code {code}"))

    def _follow(self, message: Message) -> None:
        match message["type"]:
            case "subscribed":
                self._subscribed(message)
            case "unsubscribed":
                self.held.pop(message["subscription"], None)
            case "reset":
                one = self.held.pop(message["subscription"])
                there = self.held.get(message["now"], one)  # another that is equal to it under its new rights
                one.complete, one.number = False, message["now"]
                one.keys, one.paused = tuple({*one.keys, *there.keys}), there.paused
                if message["reason"] == "view":
                    one.view = ""  # nobody has told its name
                self.held[one.number] = one
            case "snapshot":
                one = self.held[message["subscription"]]
                one.complete = message["part"] == message["parts"]
                one.epoch, one.seq = message["epoch"], message["seq"]
                one.hear(message)
            case "delta":
                one = self.held[message["subscription"]]
                if message["seq"] > one.seq:
                    one.seq = message["seq"]
                    one.hear(message)
        answer = self._answers.get(message.get("id") or -1)
        if answer is not None and not answer.done():
            answer.set_result(message)

    def _subscribed(self, message: Message) -> None:
        asked, number = self._asked.pop(message["id"]), message["subscription"]
        former = self.held.pop(asked.number, None)
        if message["how"] == "unchanged" and number in self.held:
            return
        if former is not None and number in self.held:  # joined an equal one
            asked.paused = self.held[number].paused
        asked.number, asked.view = number, message["view"]
        asked.complete = message["how"] != "snapshot"
        if asked.complete and former is not None:
            asked.epoch, asked.seq, asked.complete = former.epoch, former.seq, former.complete
            asked.link_state = former.link_state
        self.held[number] = asked
