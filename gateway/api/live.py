"""The websocket: carries messages between a socket, its session and the hub, and ends what belongs to it.

A connection reads in a task of its own, and has others only while a question to the database is open, or where the
server does not take frames itself: there are thousands of connections. What goes wrong in one ends that one and no
other.

A login that ends takes its connections with it (``connections.py``). Where word of it got lost, this is seen when the
database is asked again, every ``look_again_s``; while the database does not answer, connections stay.
"""

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import msgspec
import structlog
from litestar import websocket
from litestar.di import NamedDependency
from litestar.exceptions import WebSocketDisconnect
from litestar.params import SkipValidation

from gateway.api.connections import ACCEPTED, Connections, Presence
from gateway.api.guards import source_of
from gateway.api.handshake import Logins, Socket, Visitor, visitor_of
from gateway.api.refusals import refuse
from gateway.domain.access import Login
from gateway.domain.clock import Clock
from gateway.domain.errors import DatabaseUnavailable, GatewayError
from gateway.hub.hub import Hub
from gateway.hub.member import FRAMES, Member, Sink
from gateway.hub.outbox import Outbox
from gateway.hub.views import Rights
from gateway.protocol.frames import Frame, frame
from gateway.protocol.messages import Auth, CloseCode, ServerInfo
from gateway.protocol.session import Close, Do, Effects, LookUp, Phase, Send, Session

ABNORMAL, INTERNAL_ERROR = 1006, 1011
RightsOf = Callable[[Login], Rights]
Work = Callable[[], Awaitable[None]]


class LiveTimes(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds."""

    close_within_s: float = 2.0
    look_again_s: float = 30.0


class Ended(msgspec.Struct, frozen=True):
    """How a connection ended. ``code`` None: there is nobody to tell, and ``heard`` is the code it ended with."""

    code: int | None = None
    reason: str = ""
    heard: int = ABNORMAL


class Live:
    """All websocket connections of this process."""

    def __init__(
        self,
        hub: Hub,
        logins: Logins,
        rights_of: RightsOf,
        clock: Clock,
        connections: Connections,
        *,
        version: str,
        times: LiveTimes | None = None,
        new_id: Callable[[], str] = lambda: secrets.token_urlsafe(9),
    ) -> None:
        self.hub = hub
        self.logins = logins
        self.rights_of = rights_of
        self.clock = clock
        self.limits = connections.limits
        self.server = ServerInfo(version=version)
        self.times = times or LiveTimes()
        self.new_id = new_id
        self.connections = connections
        self._connections: dict[Connection, None] = {}

    def __len__(self) -> int:
        return len(self._connections)

    async def serve(self, socket: Socket) -> None:
        """Carry one connection from handshake to end."""
        try:
            with self.connections.arriving(source_of(socket)):
                visitor = await visitor_of(socket, self.logins)
                self.connections.check_open()
                await self._open(socket, visitor)
        except GatewayError as error:
            self.connections.counts.refused(error)
            await refuse(socket.scope, socket.send, error)

    async def _open(self, socket: Socket, visitor: Visitor) -> None:
        await socket.accept(visitor.subprotocol)
        self.connections.counts.connects.add(ACCEPTED)
        connection = Connection(self, socket, visitor)
        self._connections[connection] = None
        try:
            with self.connections.holding(connection.presence):
                await connection.run()
        finally:
            del self._connections[connection]


class Connection:
    """One socket. ``run`` ends when either side ends it."""

    def __init__(self, live: Live, socket: Socket, visitor: Visitor) -> None:
        self._live = live
        self._socket = socket
        extensions: Mapping[str, Any] = socket.scope.get("extensions") or {}
        self._sink: Sink = extensions.get(FRAMES) or Outbox(live.limits.unacknowledged_bytes)
        self._outbox = self._sink if isinstance(self._sink, Outbox) else None
        self._member: Member | None = None
        self._ended: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()
        self._questions: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self.presence = Presence(live.new_id(), self.close, self.announce_drain)
        self._session = Session(
            server=live.server,
            limits=live.limits,
            now=live.clock.now,
            monotonic=live.clock.monotonic,
            connection=self.presence.id,
            limited=live.connections.counts.limited,
            login=visitor.login,
            device=visitor.device,
        )

    async def run(self) -> None:
        """Serve until the end, then tell the client why, if it is still there."""
        try:
            async with asyncio.TaskGroup() as self._tasks:
                writer = self._start(partial(self._outbox.run, self._send), "live writer") if self._outbox else None
                reader = self._start(self._read, "live reader")
                self._wake_in(self._live.limits.auth_deadline_s, self._deadline_passed)
                self._greet()
                ended = await self._ended
                self._live.connections.counts.closes.add(str(ended.code or ended.heard))
                for task in (reader, *self._questions):
                    task.cancel()
                if self._outbox and writer:
                    self._outbox.finish()
                    if ended.code is not None:
                        await asyncio.wait({writer}, timeout=self._live.times.close_within_s)
                    writer.cancel()
        finally:
            self._wake_in(None)
            if self._member is not None:
                self._live.hub.leave(self._member)
        if ended.code is not None:
            with contextlib.suppress(OSError, WebSocketDisconnect, TimeoutError):
                async with asyncio.timeout(self._live.times.close_within_s):
                    await self._socket.close(ended.code, ended.reason)

    def close(self, code: CloseCode, reason: str) -> None:
        """End the connection; what was written before still goes out."""
        self._act(self._session.close(code, reason))

    def announce_drain(self, within_s: float) -> None:
        """Tell that the connection will be closed within that time."""
        self._act(self._session.drain(within_s))

    def _check_login(self, login: Login) -> None:
        if self._live.connections.is_over(login):
            self._login_ended()
        elif login.expires_at <= self._live.clock.now():
            self.close(CloseCode.LOGIN_EXPIRED, "the login has expired: log in again")

    def _login_ended(self) -> None:
        self.close(CloseCode.LOGIN_ENDED, "the login was ended")

    def _act(self, effects: Effects) -> None:
        for effect in effects:
            match effect:
                case Send():
                    self._write(frame(effect.message))
                case Do():
                    self._live.hub.do(self._joined(), effect.request)
                case LookUp():
                    self._ask(partial(self._look_up, effect.auth), "live lookup")
                case Close():
                    self._end(Ended(int(effect.code), effect.reason))

    def _write(self, one: Frame) -> None:
        self._sink.write(one)
        self._live.hub.traffic.private(one)

    def _end(self, ended: Ended) -> None:
        if not self._ended.done():
            self._ended.set_result(ended)

    def _joined(self) -> Member:
        if self._member is None:
            login = self._session.login
            assert login is not None
            self._member = self._live.hub.join(self._sink, self._live.rights_of(login), login.user_id)
        return self._member

    def _greet(self) -> None:
        login = self._session.login
        if login is None:
            self._act(self._session.start())
        elif self._has_room(login, self._session.device):
            self._act(self._session.start())
            self._welcome(login)

    def _recognised(self, login: Login, device: str | None) -> None:
        if self._session.phase is Phase.checking and self._has_room(login, device):
            self._act(self._session.recognised(login))
            self._welcome(login)

    def _has_room(self, login: Login, device: str | None) -> bool:
        if self._live.connections.is_over(login):
            self._login_ended()
            return False
        if self._live.connections.admit(self.presence, login, device):
            return True
        most = self._live.limits.connections_per_user
        self.close(CloseCode.TOO_MANY_CONNECTIONS, f"at most {most} connections of one user")
        return False

    def _welcome(self, login: Login) -> None:
        self._check_login(login)
        self._look_again_later(login)

    # --- the tasks --------------------------------------------------------------------------------------------------

    def _start(self, work: Work, name: str) -> asyncio.Task[None]:
        return self._tasks.create_task(self._guarded(work), name=name)

    def _ask(self, question: Work, name: str) -> None:
        task = self._start(question, name)
        self._questions.add(task)
        task.add_done_callback(self._questions.discard)

    async def _guarded(self, work: Work) -> None:
        """An error ends this connection only; it is reported here."""
        try:
            await work()  # called here: a task that is cancelled before it begins has made nothing
        except (OSError, WebSocketDisconnect):
            self._end(Ended())
        except Exception:  # noqa: BLE001 - the guard of the connection; it reports
            structlog.get_logger().exception("live_connection_failed")
            self._end(Ended(INTERNAL_ERROR, "internal error"))

    async def _send(self, one: Frame) -> None:
        await self._socket.send({"type": "websocket.send", "bytes": None, "text": one.text})

    async def _read(self) -> None:
        while True:
            if self._outbox is not None:
                await self._outbox.room()
            event: Any = await self._socket.receive()
            if event["type"] == "websocket.disconnect":
                self._end(Ended(heard=event.get("code", ABNORMAL)))
                return
            text = event.get("text")
            self._act(self._session.receive(event.get("bytes") or b"" if text is None else text))
            # many messages may have come in one piece: the others of this process go in between
            await asyncio.sleep(0)

    async def _look_up(self, auth: Auth) -> None:
        try:
            login = await self._live.logins.whoami(auth.token)
        except GatewayError as error:
            self._act(self._session.not_recognised(error))
        else:
            self._recognised(login, auth.device)

    # --- time -------------------------------------------------------------------------------------------------------

    def _wake_in(self, seconds: float | None, act: Callable[..., None] | None = None, *given: Any) -> None:
        """One timer, which a new one replaces; None: no more."""
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = None if seconds is None or act is None else loop.call_later(seconds, act, *given)

    def _deadline_passed(self) -> None:
        self._act(self._session.deadline_passed())

    def _look_again_later(self, login: Login) -> None:
        """Wall time may jump, and another process may end the login."""
        if not self._ended.done():
            left_s = max(0.01, login.expires_at - self._live.clock.now())
            self._wake_in(min(left_s, self._live.times.look_again_s), self._look_again, login)

    def _look_again(self, login: Login) -> None:
        self._check_login(login)
        if not self._ended.done():
            self._ask(partial(self._still_valid, login), "live login")

    async def _still_valid(self, login: Login) -> None:
        with contextlib.suppress(DatabaseUnavailable):
            if not await self._live.logins.still_valid(login):
                self._login_ended()
        self._look_again_later(login)


@websocket("/live")
async def live_socket(socket: Socket, live: NamedDependency[SkipValidation[Live]]) -> None:
    """Live values: architecture 7."""
    await live.serve(socket)
