"""The websocket: carries messages between a socket, its session and the hub, and ends what belongs to it.

A connection reads and writes in tasks of its own, so that neither a slow client nor a slow answer holds up the other.
What goes wrong in one connection ends that connection and no other.

A login that ends in this process takes its connections with it at once. That it was ended elsewhere is seen when the
database is asked again, every ``look_again_s``; while the database does not answer, connections stay.
"""

import asyncio
import contextlib
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import msgspec
import structlog
from litestar import WebSocket, websocket
from litestar.di import NamedDependency
from litestar.exceptions import WebSocketDisconnect
from litestar.params import SkipValidation

from gateway.api.guards import bearer_token
from gateway.api.refusals import refuse
from gateway.domain.access import Login
from gateway.domain.clock import Clock
from gateway.domain.errors import DatabaseUnavailable, GatewayError, InvalidArgument
from gateway.hub.hub import Hub
from gateway.hub.member import FRAMES, Member, Sink
from gateway.hub.outbox import Outbox
from gateway.hub.views import Rights
from gateway.protocol.frames import Frame, frame
from gateway.protocol.messages import SUBPROTOCOL, Auth, CloseCode, Limits, ServerInfo
from gateway.protocol.session import Close, Do, Effects, LookUp, Send, Session

INTERNAL_ERROR = 1011
MOST_ENDED_LOGINS = 1_000
RightsOf = Callable[[Login], Rights]
Socket = WebSocket[Any, Any, Any]


class Logins(Protocol):
    """Who may come in, and who may stay; both ask the database."""

    async def whoami(self, token: str) -> Login: ...

    async def still_valid(self, login: Login) -> bool: ...


class LiveTimes(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds."""

    close_within_s: float = 2.0
    look_again_s: float = 30.0


class Ended(msgspec.Struct, frozen=True):
    """How a connection ended. ``code`` None: the client is gone, there is nobody to tell."""

    code: int | None = None
    reason: str = ""


class Live:
    """All websocket connections of this process."""

    def __init__(
        self,
        hub: Hub,
        logins: Logins,
        rights_of: RightsOf,
        clock: Clock,
        limits: Limits,
        *,
        version: str,
        times: LiveTimes | None = None,
        new_id: Callable[[], str] = lambda: secrets.token_urlsafe(9),
    ) -> None:
        self.hub = hub
        self.logins = logins
        self.rights_of = rights_of
        self.clock = clock
        self.limits = limits
        self.server = ServerInfo(version=version)
        self.times = times or LiveTimes()
        self.new_id = new_id
        self._connections: dict[Connection, None] = {}
        self._ended_logins: deque[int] = deque(maxlen=MOST_ENDED_LOGINS)

    def __len__(self) -> int:
        return len(self._connections)

    async def serve(self, socket: Socket) -> None:
        """Carry one connection from handshake to end."""
        offered = socket.scope["subprotocols"]
        try:
            if offered and SUBPROTOCOL not in offered:
                raise InvalidArgument(f"offer the subprotocol {SUBPROTOCOL}, or none")
            token = bearer_token(socket)
            login = None if token is None else await self.logins.whoami(token)
        except GatewayError as error:
            await refuse(socket.scope, socket.send, error)
            return
        await socket.accept(SUBPROTOCOL if offered else None)
        connection = Connection(self, socket, login)
        self._connections[connection] = None
        try:
            await connection.run()
        finally:
            del self._connections[connection]

    def close_login(self, token_id: int) -> None:
        """The login is over: end its connections, also those that are just about to be opened."""
        self._ended_logins.append(token_id)
        for connection in list(self._connections):
            connection.check_login()

    def is_over(self, login: Login) -> bool:
        """Whether the login was ended from here; of all others the database says so when it is asked again."""
        return login.token_id in self._ended_logins


class Connection:
    """One socket. ``run`` ends when either side ends it."""

    def __init__(self, live: Live, socket: Socket, login: Login | None) -> None:
        self._live = live
        self._socket = socket
        extensions: Mapping[str, Any] = socket.scope.get("extensions") or {}
        self._sink: Sink = extensions.get(FRAMES) or Outbox(live.limits.unacknowledged_bytes)
        self._outbox = self._sink if isinstance(self._sink, Outbox) else None
        self._member: Member | None = None
        self._ended: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()
        self._authenticated = asyncio.Event()
        self._lookups: deque[Auth] = deque()
        self._lookup_wanted = asyncio.Event()
        self._session = Session(
            server=live.server, limits=live.limits, now=live.clock.now, connection=live.new_id(), login=login
        )

    async def run(self) -> None:
        """Serve until the end, then tell the client why, if it is still there."""
        try:
            async with asyncio.TaskGroup() as tasks:
                writer = tasks.create_task(self._guarded(self._write()), name="live writer")
                others = [
                    tasks.create_task(self._guarded(self._read()), name="live reader"),
                    tasks.create_task(self._guarded(self._look_up()), name="live lookup"),
                    tasks.create_task(self._guarded(self._watch_time()), name="live time"),
                ]
                self._act(self._session.start())
                self._welcome()
                ended = await self._ended
                for task in others:
                    task.cancel()
                if self._outbox is not None:
                    self._outbox.finish()
                if ended.code is not None:
                    await asyncio.wait({writer}, timeout=self._live.times.close_within_s)
                writer.cancel()
        finally:
            if self._member is not None:
                self._live.hub.leave(self._member)
        if ended.code is not None:
            with contextlib.suppress(OSError, WebSocketDisconnect, TimeoutError):
                async with asyncio.timeout(self._live.times.close_within_s):
                    await self._socket.close(ended.code, ended.reason)

    def check_login(self) -> None:
        """Close if the login is over."""
        login = self._session.login
        if login is None:
            return
        if self._live.is_over(login):
            self._login_ended()
        elif login.expires_at <= self._live.clock.now():
            self._act(self._session.close(CloseCode.LOGIN_EXPIRED, "the login has expired: log in again"))

    def _login_ended(self) -> None:
        self._act(self._session.close(CloseCode.LOGIN_ENDED, "the login was ended"))

    def _act(self, effects: Effects) -> None:
        for effect in effects:
            match effect:
                case Send():
                    self._sink.write(frame(effect.message))
                case Do():
                    self._live.hub.do(self._joined(), effect.request)
                case LookUp():
                    self._lookups.append(effect.auth)
                    self._lookup_wanted.set()
                case Close():
                    self._end(Ended(int(effect.code), effect.reason))

    def _end(self, ended: Ended) -> None:
        if not self._ended.done():
            self._ended.set_result(ended)

    def _joined(self) -> Member:
        if self._member is None:
            assert self._session.login is not None
            self._member = self._live.hub.join(self._sink, self._live.rights_of(self._session.login))
        return self._member

    def _welcome(self) -> None:
        if self._session.login is not None:
            self._authenticated.set()
            self.check_login()

    # --- the tasks --------------------------------------------------------------------------------------------------

    async def _guarded(self, work: Awaitable[None]) -> None:
        """An error ends this connection only; it is reported here."""
        try:
            await work
        except (OSError, WebSocketDisconnect):
            self._end(Ended())
        except Exception:  # noqa: BLE001 - the guard of the connection; it reports
            structlog.get_logger().exception("live_connection_failed")
            self._end(Ended(INTERNAL_ERROR, "internal error"))

    async def _write(self) -> None:
        """Only where the server does not take frames itself."""
        if self._outbox is not None:
            await self._outbox.run(self._send)

    async def _send(self, one: Frame) -> None:
        await self._socket.send({"type": "websocket.send", "bytes": None, "text": one.text})

    async def _read(self) -> None:
        while True:
            if self._outbox is not None:
                await self._outbox.room()
            event: Any = await self._socket.receive()
            if event["type"] == "websocket.disconnect":
                self._end(Ended())
                return
            text = event.get("text")
            self._act(self._session.receive(event.get("bytes") or b"" if text is None else text))
            # many messages may have come in one piece: the others of this process go in between
            await asyncio.sleep(0)

    async def _look_up(self) -> None:
        while True:
            await self._lookup_wanted.wait()
            self._lookup_wanted.clear()
            while self._lookups:
                auth = self._lookups.popleft()
                try:
                    login = await self._live.logins.whoami(auth.token)
                except GatewayError as error:
                    self._act(self._session.not_recognised(error))
                else:
                    self._act(self._session.recognised(login))
                    self._welcome()

    async def _watch_time(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._live.limits.auth_deadline_s):
                await self._authenticated.wait()
        self._act(self._session.deadline_passed())
        while (login := self._session.login) is not None:
            # wall time may jump, and another process may end the login: looked at again and again
            left_s = max(0.01, login.expires_at - self._live.clock.now())
            await asyncio.sleep(min(left_s, self._live.times.look_again_s))
            self.check_login()
            with contextlib.suppress(DatabaseUnavailable):
                if not await self._live.logins.still_valid(login):
                    self._login_ended()


@websocket("/live")
async def live_socket(socket: Socket, live: NamedDependency[SkipValidation[Live]]) -> None:
    """Live values: architecture 7."""
    await live.serve(socket)
