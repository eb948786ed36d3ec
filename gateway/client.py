"""The reference client of the websocket protocol: keeps views right over any number of connections.

Rules:

* *connecting* -> *connected* -> (*waiting* ->) *connecting* ... until closed, or until the server says that coming
  back is pointless (close codes 4000-4099, a refused token, a handshake refused with 4xx other than 408, 425 and
  429): then *ended*, and everybody who waits gets ``ConnectionEnded``. After 4005, replaced by a newer connection of
  the same device, another client is the user's wish, not ours.
* It comes back after a full-jitter pause that doubles with each failure in a row; close codes 4200-4299 after a short
  one. Every connection asks for the token anew. A web page where a gateway should be, or a redirect, is no gateway
  for now, and no redirect is followed.
* On every connection each subscription is asked for again, from the position it holds; the server resumes it, or
  sends a snapshot. What is refused for now is asked for again when the server says so.
* Silence for ``silence_s`` on a connection with an unpaused subscription means dead. Without one: ``ping``.
* After waking up (a tick much too late, or ``wake``): a ``ping``, and another connection when no ``pong`` came in
  time; a pause ends at once.
* ``drain``: at a random moment of the time given another connection is made, and only then this one is left.
* A broken chain is never smoothed over: the connection is given up, and the view goes on from what it holds.
* ``events`` gives the events of all sites that are subscribed to, each once, as it comes.
* What was applied is never queued: who iterates gets everything that changed since the last look, in one piece.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from gateway.client_events import Events
from gateway.client_http import PasswordLogin, SiteName, password_login, sites, why
from gateway.client_link import Link, Log
from gateway.client_subscription import ConnectionEnded, RequestRefused, Subscription, Updated
from gateway.client_timing import SleepWatch, Status, SteadyClock, Timing
from gateway.domain.clock import Clock
from gateway.domain.errors import BadCredentials, GatewayError, Unauthenticated
from gateway.protocol.messages import (
    SUBPROTOCOL,
    Auth,
    Authenticated,
    CloseCode,
    Drain,
    Error,
    EventGap,
    EventMessage,
    Hello,
    ServerMessage,
    retry_class,
)
from gateway.protocol.view import ChainBroken

__all__ = [
    "ConnectionEnded",
    "GatewayClient",
    "RequestRefused",
    "SiteName",
    "Status",
    "SteadyClock",
    "Subscription",
    "Timing",
    "Updated",
    "password_login",
    "sites",
    "why",
]

Token: TypeAlias = Callable[[], Awaitable[str]]
ASK_AGAIN = frozenset({408, 425, 429})
REFUSED_TOKEN = frozenset({Unauthenticated.code, BadCredentials.code})
BROKEN_OFF = 1006
QUIET_MARGIN_S = 5.0
UNREACHABLE = (OSError, WebSocketException, GatewayError)


class _Connect(connect):
    """Follows no redirect: the token is for the address that was given."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class GatewayClient:
    """An async context manager; its connection lives as long as the context.

    ``url`` is that of the websocket (``ws://host:8080/api/v1/live``). ``token`` is a token, or asks for one whenever
    a connection needs it. ``log`` is called with everything that goes over the wire, and nothing else; ``on_status``
    with every change of ``status``.
    """

    def __init__(
        self,
        url: str,
        token: str | Token,
        *,
        device: str | None = None,
        timing: Timing | None = None,
        log: Log | None = None,
        on_status: Callable[[Status], None] | None = None,
        clock: Clock | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.connections = 0
        self.events = Events()
        self.status = Status(phase="connecting")
        self._url = url
        self._token = token
        self._device = device
        self._timing = timing or Timing()
        self._log: Log = log or (lambda _event, _text: None)
        self._on_status = on_status or (lambda _status: None)
        self._clock: Clock = clock or SteadyClock()
        self._jitter = jitter
        self._subscriptions: dict[Subscription, None] = {}
        self._tasks: tuple[asyncio.Task[None], ...] = ()
        self._link: Link | None = None
        self._successor: Dialled | None = None
        self._woken = asyncio.Event()
        self._quiet_s = self._timing.quiet_s
        self._server_clock: tuple[float, float] | None = None
        self._reason = ""
        self._failures = 0
        self._failure: GatewayError | None = None

    async def __aenter__(self) -> Self:
        keeper = asyncio.create_task(self._keep_connected(), name="gateway client")
        self._tasks = (keeper, asyncio.create_task(self._watch_for_sleep(), name="gateway client's clock"))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end(None)
        while running := [task for task in self._tasks if not task.done()]:
            for task in running:  # a cancellation that meets a lost connection gets lost before Python 3.13
                task.cancel()
            await asyncio.wait(running, timeout=1)
        if self._successor is not None:
            self._successor[0].transport.abort()

    @property
    def connected(self) -> bool:
        """Whether a connection stands and is authenticated."""
        return self._link is not None and self._link.authenticated

    def vouches(self, subscription: Subscription) -> bool:
        """Whether the gateway stands behind these values now. Else they are what was known last."""
        link = self._link
        if link is None or link.proving or self._clock.monotonic() - link.heard_at > self._quiet_s:
            return False
        return subscription.current

    def server_time(self) -> float | None:
        """The gateway's clock now, in epoch seconds; None before the first connection. Ours need not be right."""
        if self._server_clock is None:
            return None
        told, at = self._server_clock
        return told + self._clock.monotonic() - at

    def wake(self) -> None:
        """The machine woke up, or its network is another one: prove the connection, or come back at once."""
        link = self._link
        if link is None:
            self._woken.set()
        elif link.authenticated:
            link.tasks.create_task(link.prove(), name="prove the connection")

    async def subscribe(self, site: str, keys: tuple[str, ...], min_interval_ms: float = 0) -> Subscription:
        """Subscribe; returns when the server has accepted. Raises RequestRefused or ConnectionEnded."""
        if self._failure is not None:
            raise self._failure
        subscription = Subscription(site, keys, min_interval_ms)
        self._subscriptions[subscription] = None
        if self._link is not None and self._link.authenticated:
            await self._link.ask_for(subscription)
        try:
            await subscription.accepted()
        except BaseException:
            await self.unsubscribe(subscription)
            raise
        return subscription

    async def update(
        self,
        subscription: Subscription,
        *,
        keys: tuple[str, ...] | UnsetType = UNSET,
        min_interval_ms: float | UnsetType = UNSET,
        paused: bool | UnsetType = UNSET,
    ) -> None:
        """Change what is given; while apart it takes effect with the next connection. Raises RequestRefused."""
        before = (subscription.keys, subscription.min_interval_ms, subscription.paused)
        subscription.keys = before[0] if keys is UNSET else keys
        subscription.min_interval_ms = before[1] if min_interval_ms is UNSET else min_interval_ms
        subscription.paused = before[2] if paused is UNSET else paused
        if self._link is None or subscription.number is None:
            return
        try:
            await self._link.update(subscription, keys, min_interval_ms, paused)
        except RequestRefused:
            subscription.keys, subscription.min_interval_ms, subscription.paused = before
            raise

    async def unsubscribe(self, subscription: Subscription) -> None:
        """End it; another subscription to the very same values goes on."""
        subscription.end(None)
        if self._subscriptions.pop(subscription, subscription) is None and self._link is not None:
            await self._link.leave(subscription)

    def drop_connection(self) -> None:
        """Tear the present connection down without a word, as a phone does that loses its network."""
        if self._link is not None:
            self._link.socket.transport.abort()

    # --- staying connected ----------------------------------------------------------------------------------------

    async def _watch_for_sleep(self) -> None:
        watch = SleepWatch(self._clock, self._timing.slept_s)
        while True:
            await asyncio.sleep(self._timing.tick_s)
            if watch.slept():
                self.wake()

    async def _keep_connected(self) -> None:
        try:
            while True:
                pause_s = await self._one_connection()
                if self._failure is not None:
                    break
                await self._pause(pause_s)
        except Exception as error:  # noqa: BLE001 - whoever waits is told; else they would wait for ever
            self._failure = ConnectionEnded(f"the client failed: {error!r}")
            self._failure.__cause__ = error
        self._tell(Status(phase="ended", reason=self._failure.message))
        self._end(self._failure)

    def _end(self, failure: GatewayError | None) -> None:
        self.events.end(failure)
        for subscription in list(self._subscriptions):
            subscription.end(failure)

    async def _pause(self, pause_s: float) -> None:
        self._woken.clear()
        if self._successor is None:
            self._tell(Status(phase="waiting", reason=self._reason, retry_at=self._clock.monotonic() + pause_s))
        try:
            async with asyncio.timeout(pause_s):
                await self._woken.wait()
        except TimeoutError:
            pass

    def _tell(self, status: Status) -> None:
        self.status = status
        self._on_status(status)

    async def _one_connection(self) -> float:
        """Serve one connection to its end; answers how long to wait before the next."""
        if self._successor is not None:
            (socket, token), self._successor = self._successor, None
            return await self._serve(socket, token)
        self._tell(Status(phase="connecting", reason=self._reason))
        try:
            socket, token = await self._dial()
        except InvalidStatus as refused:
            status = refused.response.status_code
            self._reason = f"HTTP {status} instead of a websocket"
            if _is_final(refused):
                self._failure = ConnectionEnded(f"the server refused the connection with HTTP {status}")
            return self._backoff_s()
        except (BadCredentials, Unauthenticated, ConnectionEnded) as refused:
            self._failure = ConnectionEnded(f"no token to be had: {refused.message}")
            return 0.0
        except UNREACHABLE as error:
            self._reason = why(error) or f"no answer within {self._timing.connect_s:.0f} s"
            return max(self._backoff_s(), getattr(error, "retry_after_s", None) or 0.0)
        return await self._serve(socket, token)

    async def _dial(self) -> "Dialled":
        """A token, and a socket that the server has accepted."""
        async with asyncio.timeout(self._timing.connect_s):
            token = self._token if isinstance(self._token, str) else await self._token()
            socket = await _Connect(
                self._url,
                subprotocols=[Subprotocol(SUBPROTOCOL)],
                compression=None,
                proxy=None,
                ping_interval=None,
                max_size=None,
                open_timeout=None,
                close_timeout=1,
            )
        return socket, token

    async def _serve(self, socket: ClientConnection, token: str) -> float:
        self._log("opened", "")
        self.connections += 1
        self._link = link = Link(socket, self._timing, self._clock, self._log, self.events)
        self._reason = ""
        try:
            async with asyncio.TaskGroup() as tasks:
                link.tasks = tasks
                await link.send(Auth(id=link.next_id(), token=token, device=self._device))
                await self._receive(link)
        except* (ConnectionClosed, OSError):
            pass  # gone, or silent for too long (a TimeoutError): either way a new connection is the answer
        except* (ChainBroken, msgspec.DecodeError):
            self._failures += 1
            self._reason = "the server sent what does not fit together"
        finally:
            self._link = None
            link.ended()
            socket.transport.abort()
            self._log("closed", "" if socket.close_code is None else str(socket.close_code))
        return self._pause_after(socket.close_code or BROKEN_OFF, socket.close_reason or "")

    async def _receive(self, link: Link) -> None:
        while True:
            message = await link.receive()
            if message is None:
                continue
            if isinstance(message, Authenticated):
                await self._authenticated(link)
            elif link.authenticated:
                self._failures = 0
                await self._take(link, message)
            elif isinstance(message, Hello):
                self._server_clock = (message.server_time, self._clock.monotonic())
                self._quiet_s = max(self._timing.quiet_s, message.limits.heartbeat_s + QUIET_MARGIN_S)
            elif isinstance(message, Error):
                self._refused(message)
                await link.socket.close()

    async def _authenticated(self, link: Link) -> None:
        link.authenticated = True
        if isinstance(self._token, PasswordLogin):
            self._token.accepted()
        self._tell(Status(phase="connected"))
        for subscription in list(self._subscriptions):
            await link.ask_for(subscription)

    async def _take(self, link: Link, message: ServerMessage) -> None:
        if isinstance(message, Drain):
            link.tasks.create_task(self._move(link, message.within_s), name="move to another connection")
        elif isinstance(message, EventMessage | EventGap):
            self.events.take(message)
        else:
            await link.take(message)

    def _refused(self, error: Error) -> None:
        """What the server says against the token."""
        self._reason = error.message
        if error.code not in REFUSED_TOKEN or (isinstance(self._token, PasswordLogin) and self._token.refused()):
            return
        self._failure = ConnectionEnded(f"the server refused the token: {error.message}")

    async def _move(self, link: Link, within_s: float) -> None:
        """Leave for another connection as soon as there is one; else the server's close comes first."""
        await asyncio.sleep(within_s * self._jitter())
        while self._successor is None:
            try:
                self._successor = await self._dial()
            except UNREACHABLE:
                await asyncio.sleep(self._timing.retry_base_s * self._jitter())
        await link.socket.close()

    def _pause_after(self, code: int, reason: str) -> float:
        if self._successor is not None:
            return 0.0
        told = "the connection broke off" if code == BROKEN_OFF else f"the connection ended with {code} {reason}"
        self._reason = self._reason or told.rstrip()
        match retry_class(code):
            case "final":
                self._failure = self._failure or ConnectionEnded(f"the server closed with {code}: {reason}")
                return 0.0
            case "soon":
                if code == CloseCode.LOGIN_EXPIRED and isinstance(self._token, PasswordLogin):
                    self._token.refused()
                return self._jitter() * self._timing.retry_base_s
            case "backoff":
                return self._backoff_s()

    def _backoff_s(self) -> float:
        longest = min(self._timing.retry_cap_s, self._timing.retry_base_s * 2.0 ** min(self._failures, 16))
        self._failures += 1
        return longest * self._jitter()


Dialled: TypeAlias = tuple[ClientConnection, str]


def _is_final(refused: InvalidStatus) -> bool:
    """Whether a gateway refused the handshake for good; a web page is none of its answers."""
    status = refused.response.status_code
    is_page = refused.response.headers.get("Content-Type", "").startswith("text/html")
    return 400 <= status <= 499 and status not in ASK_AGAIN and not is_page  # noqa: PLR2004 - HTTP's client errors
