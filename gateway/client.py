"""The reference client of the websocket protocol: keeps views right over any number of connections.

Rules:

* *connecting* -> *connected* -> *connecting* ... until closed, or until the server says that coming back is pointless
  (close codes 4000-4099, a refused token, a handshake refused with 4xx other than 408, 425 and 429): then everybody
  who waits gets ``ConnectionEnded``.
* It comes back after a full-jitter pause that doubles with each failure in a row; close codes 4200-4299 after a short
  one. Every connection asks for the token anew.
* On every connection each subscription is asked for again, from the position it holds; the server resumes it, or
  sends a snapshot. What is refused for now is asked for again when the server says so.
* Silence for ``silence_s`` on a connection with an unpaused subscription means dead. Without one: ``ping``.
* A broken chain is never smoothed over: the connection is given up, and the view goes on from what it holds.
* What was applied is never queued: who iterates gets everything that changed since the last look, in one piece.
"""

import asyncio
import http.client
import json
import random
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from gateway.client_link import ConnectionEnded, Link, Log, RequestRefused, Subscription, Timing, Updated
from gateway.domain.errors import BadCredentials, GatewayError, Unauthenticated
from gateway.protocol.messages import SUBPROTOCOL, Auth, Authenticated, Error, retry_class
from gateway.protocol.view import ChainBroken

__all__ = [
    "ConnectionEnded",
    "GatewayClient",
    "RequestRefused",
    "Subscription",
    "Timing",
    "Updated",
    "password_login",
]

Token: TypeAlias = Callable[[], Awaitable[str]]
ASK_AGAIN = frozenset({408, 425, 429})
REFUSED_TOKEN = frozenset({Unauthenticated.code, BadCredentials.code})
BROKEN_OFF = 1006


class GatewayClient:
    """An async context manager; its connection lives as long as the context.

    ``url`` is that of the websocket (``ws://host:8080/api/v1/live``). ``token`` is a token, or asks for one whenever
    a connection needs it. ``log`` is called with everything that goes over the wire, and nothing else.
    """

    def __init__(
        self,
        url: str,
        token: str | Token,
        *,
        device: str | None = None,
        timing: Timing | None = None,
        log: Log | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.connections = 0
        self._url = url
        self._token = token
        self._device = device
        self._timing = timing or Timing()
        self._log: Log = log or (lambda _event, _text: None)
        self._jitter = jitter
        self._subscriptions: dict[Subscription, None] = {}
        self._keeper: asyncio.Task[None] | None = None
        self._link: Link | None = None
        self._failures = 0
        self._failure: GatewayError | None = None

    async def __aenter__(self) -> Self:
        self._keeper = asyncio.create_task(self._keep_connected(), name="gateway client")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._keeper is not None
        for subscription in list(self._subscriptions):
            subscription.end(None)
        while not self._keeper.done():  # a cancellation that meets a lost connection gets lost before Python 3.13
            self._keeper.cancel()
            await asyncio.wait([self._keeper], timeout=1)

    @property
    def connected(self) -> bool:
        """Whether a connection stands and is authenticated."""
        return self._link is not None and self._link.authenticated

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

    async def _keep_connected(self) -> None:
        try:
            while True:
                pause_s = await self._one_connection()
                if self._failure is not None:
                    break
                await asyncio.sleep(pause_s)
        except Exception as error:  # noqa: BLE001 - whoever waits is told; else they would wait for ever
            self._failure = ConnectionEnded(f"the client failed: {error!r}")
            self._failure.__cause__ = error
        for subscription in list(self._subscriptions):
            subscription.end(self._failure)

    async def _one_connection(self) -> float:
        """Serve one connection to its end; answers how long to wait before the next."""
        try:
            token = self._token if isinstance(self._token, str) else await self._token()
            async with asyncio.timeout(self._timing.connect_s):
                socket = await self._connect()
        except InvalidStatus as refused:
            status = refused.response.status_code
            if 400 <= status <= 499 and status not in ASK_AGAIN:  # noqa: PLR2004 - HTTP's range of client errors
                self._failure = ConnectionEnded(f"the server refused the connection with HTTP {status}")
            return self._backoff_s()
        except (BadCredentials, Unauthenticated, ConnectionEnded) as refused:
            self._failure = ConnectionEnded(f"no token to be had: {refused.message}")
            return 0.0
        except (OSError, WebSocketException, GatewayError):
            return self._backoff_s()
        return await self._serve(socket, token)

    async def _connect(self) -> ClientConnection:
        return await connect(
            self._url,
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            compression=None,
            proxy=None,
            ping_interval=None,
            max_size=None,
            open_timeout=None,
            close_timeout=1,
        )

    async def _serve(self, socket: ClientConnection, token: str) -> float:
        self._log("opened", "")
        self.connections += 1
        self._link = link = Link(socket, self._timing, self._log)
        try:
            async with asyncio.TaskGroup() as tasks:
                link.tasks = tasks
                await link.send(Auth(id=link.next_id(), token=token, device=self._device))
                await self._receive(link)
        except* (ConnectionClosed, TimeoutError, OSError):
            pass  # gone, or silent for too long: either way a new connection is the answer
        except* (ChainBroken, msgspec.DecodeError):
            self._failures += 1
        finally:
            self._link = None
            link.ended()
            socket.transport.abort()
            self._log("closed", "" if socket.close_code is None else str(socket.close_code))
        return self._pause_after(socket.close_code or BROKEN_OFF, socket.close_reason or "")

    async def _receive(self, link: Link) -> None:
        while True:
            message = await link.receive()
            if isinstance(message, Authenticated):
                self._failures = 0
                link.authenticated = True
                for subscription in list(self._subscriptions):
                    await link.ask_for(subscription)
            elif isinstance(message, Error) and not link.authenticated:
                if message.code in REFUSED_TOKEN:
                    self._failure = ConnectionEnded(f"the server refused the token: {message.message}")
                await link.socket.close()
            elif message is not None:
                await link.take(message)

    def _pause_after(self, code: int, reason: str) -> float:
        match retry_class(code):
            case "final":
                self._failure = self._failure or ConnectionEnded(f"the server closed with {code}: {reason}")
                return 0.0
            case "soon":
                return self._jitter() * self._timing.retry_base_s
            case "backoff":
                return self._backoff_s()

    def _backoff_s(self) -> float:
        longest = min(self._timing.retry_cap_s, self._timing.retry_base_s * 2.0 ** min(self._failures, 16))
        self._failures += 1
        return longest * self._jitter()


class LoginAnswer(msgspec.Struct):
    """What is needed of the gateway's answer to a login."""

    token: str


def password_login(base_url: str, name: str, password: str, timeout_s: float = 10) -> Token:
    """Asks for a token with name and password; ``base_url`` is ``http(s)://host:port`` of the gateway.

    It raises BadCredentials when they are wrong, ConnectionEnded when no gateway is there, and OSError when trying
    again may help.
    """

    def ask() -> str:
        body = json.dumps({"name": name, "password": password}).encode()
        request = urllib.request.Request(  # noqa: S310 - the address is the caller's own gateway
            f"{base_url.rstrip('/')}/api/v1/auth/login", body, {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=timeout_s) as answer:  # noqa: S310 - as above
                return msgspec.json.decode(answer.read(), type=LoginAnswer).token
        except msgspec.DecodeError as error:
            raise ConnectionEnded("the answer to the login has no token: no gateway is at that address") from error
        except http.client.HTTPException as error:
            raise ConnectionError(f"the answer to the login broke off: {error!r}") from error
        except urllib.error.HTTPError as error:
            with error:
                if error.code in (400, 401, 403):
                    raise BadCredentials(f"the gateway refused the login with HTTP {error.code}") from error
                raise

    async def token() -> str:
        return await asyncio.to_thread(ask)

    return token
