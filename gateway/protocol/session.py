"""A connection's conversation, without its network: client messages in, effects out (architecture 7).

Rules:

* ``greeted``: nobody is known. ``auth`` -> asks who it is -> ``checking``. A request is refused: unauthenticated.
* ``checking``: the answer is awaited. Requests wait in order, at most ``limits.queued_requests``, further ones are
  refused. A second ``auth`` is refused. Known -> ``authenticated``, and what waited is done. Unknown -> what waited
  is refused, and ``greeted`` again, or ``closed`` (4001) after ``limits.auth_tries`` refusals. When the answer cannot
  be had, that is no refusal.
* ``authenticated``: requests are done at once.
* ``closed``: the server's decision; whatever still comes is ignored.
* ``ping`` is answered in every phase but ``closed``; what cannot be read is refused with the reason, and the
  conversation goes on. Until somebody is ``authenticated`` a message has at most ``limits.auth_message_bytes``.
* Messages come at ``limits.messages_per_s``, ``subscribe`` and ``update`` at ``limits.subscribes_per_s``, with a
  burst of each; beyond, they are refused: rate_limited.
* Who goes on being refused, for whatever reason, ``limits.refusal_burst`` times at once or ``limits.refusals_per_s``
  for long, is closed (4008): no work is done for somebody who does not listen.
* Who showed a token before the conversation began (Authorization header) starts out ``authenticated``.
* Whoever is not ``authenticated`` within ``limits.auth_deadline_s`` is closed (4103); but while a token is being
  checked the server is late, not the client: then the answer decides.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any, TypeAlias

import msgspec

from gateway.domain.access import Login
from gateway.domain.buckets import TokenBucket
from gateway.domain.errors import Conflict, GatewayError, LimitScope, RateLimited, Unauthenticated, Unavailable
from gateway.domain.figures import Tally
from gateway.protocol.messages import (
    Auth,
    Authenticated,
    ClientMessage,
    CloseCode,
    Drain,
    Error,
    Hello,
    Limits,
    MessageReader,
    Ping,
    Pong,
    Refused,
    Request,
    ServerInfo,
    ServerMessage,
    Subscribe,
    Unsubscribe,
    Update,
    error_message,
)

REQUESTS = (Subscribe, Update, Unsubscribe)


class Phase(Enum):
    """Where a conversation stands."""

    greeted = "greeted"
    checking = "checking"
    authenticated = "authenticated"
    closed = "closed"


class Send(msgspec.Struct, frozen=True):
    """Give the client this message."""

    message: ServerMessage


class LookUp(msgspec.Struct, frozen=True):
    """Find out whose token that is, then call ``recognised`` or ``not_recognised``."""

    auth: Auth


class Do(msgspec.Struct, frozen=True):
    """Do what an authenticated client asks for."""

    request: Request


class Close(msgspec.Struct, frozen=True):
    """End the connection once everything before has gone out."""

    code: CloseCode
    reason: str


Effect: TypeAlias = Send | LookUp | Do | Close
"""In order; ``Close`` is always the last."""
Effects: TypeAlias = list[Effect]


class Session:
    """One conversation. The caller carries out the effects in order; nothing in here waits.

    ``limited`` counts, for all conversations, what was refused because of a limit.
    """

    def __init__(
        self,
        *,
        server: ServerInfo,
        limits: Limits,
        now: Callable[[], float],
        monotonic: Callable[[], float],
        connection: str,
        limited: Tally,
        login: Login | None = None,
        device: str | None = None,
    ) -> None:
        self.phase = Phase.greeted if login is None else Phase.authenticated
        self.login = login
        self.device = device
        self._server = server
        self._limits = limits
        self._now = now
        self._monotonic = monotonic
        self._connection = connection
        self._limited = limited
        self._reader = MessageReader(limits.auth_message_bytes if login is None else limits.message_bytes)
        self._messages = TokenBucket(limits.message_burst, limits.messages_per_s)
        self._subscribes = TokenBucket(limits.subscribe_burst, limits.subscribes_per_s)
        self._refusals = TokenBucket(limits.refusal_burst, limits.refusals_per_s)
        self._wrong_tokens = 0
        self._deadline_passed = False
        self._looking_up: Auth | None = None
        self._queued: list[Request] = []

    def start(self) -> Effects:
        """The greeting."""
        hello = Hello(
            server=self._server,
            server_time=self._now(),
            auth="required" if self.login is None else "done",
            limits=self._limits,
        )
        return [Send(hello)] if self.login is None else [Send(hello), Send(self._authenticated(self.login, None))]

    def receive(self, received: str | bytes) -> Effects:
        """What a client's message brings about."""
        if self.phase is Phase.closed:
            return []
        effects = self._answer(received)
        refused = any(isinstance(effect, Send) and isinstance(effect.message, Error) for effect in effects)
        if refused and self._refusals.take(self._monotonic()):
            self._limited.add("refusals")
            effects += self.close(CloseCode.ABUSE, "too many messages that were refused")
        return effects

    def recognised(self, login: Login) -> Effects:
        """The token that was looked up is this login's."""
        auth, queued = self._answered()
        if auth is None:
            return []
        self.phase = Phase.authenticated
        self.login = login
        self.device = auth.device
        self._reader.message_bytes = self._limits.message_bytes
        return [Send(self._authenticated(login, auth.id)), *(Do(request) for request in queued)]

    def not_recognised(self, error: GatewayError) -> Effects:
        """The token that was looked up is nobody's (counts as a try), or this could not be found out (does not)."""
        auth, queued = self._answered()
        if auth is None:
            return []
        self._wrong_tokens += not isinstance(error, Unavailable)
        effects: Effects = [Send(error_message(error, auth.id))]
        effects += (
            _refuse(request, Unauthenticated("nobody is authenticated on this connection")) for request in queued
        )
        if self._wrong_tokens < self._limits.auth_tries:
            self.phase = Phase.greeted
            return effects + (self._too_late() if self._deadline_passed else [])
        return effects + self.close(CloseCode.AUTH_FAILED, f"no valid token in {self._wrong_tokens} tries")

    def deadline_passed(self) -> Effects:
        """``limits.auth_deadline_s`` have passed since the start."""
        self._deadline_passed = True
        return self._too_late() if self.phase is Phase.greeted else []

    def drain(self, within_s: float) -> Effects:
        """The process ends; ``close`` follows within that time."""
        return [] if self.phase is Phase.closed else [Send(Drain(within_s=within_s))]

    def close(self, code: CloseCode, reason: str) -> Effects:
        """End the conversation from the server's side; only the first reason counts."""
        if self.phase is Phase.closed:
            return []
        self.phase = Phase.closed
        self._answered()
        return [Close(code, reason)]

    def _answer(self, received: str | bytes) -> Effects:
        try:
            message = self._reader.read(received)
        except Refused as refused:
            return [Send(error_message(refused.error, refused.request_id))]
        request_id = None if isinstance(message, Ping) else message.id
        wait_s = self._messages.take(self._monotonic())
        if wait_s:
            return [self._too_often("messages", "messages", self._limits.messages_per_s, wait_s, request_id)]
        if isinstance(message, Ping):
            return [Send(Pong())]
        wait_s = self._subscribes.take(self._monotonic()) if isinstance(message, Subscribe | Update) else 0.0
        if wait_s:
            per_s = self._limits.subscribes_per_s
            return [self._too_often("subscribes", "subscribe and update", per_s, wait_s, request_id)]
        return STEPS[self.phase, type(message)](self, message)

    def _too_often(self, scope: LimitScope, what: str, per_s: float, wait_s: float, request_id: int | None) -> Send:
        return self._limit(scope, f"{what}: at most {per_s:g} a second here", wait_s, request_id)

    def _limit(self, scope: LimitScope, problem: str, wait_s: float, request_id: int | None) -> Send:
        self._limited.add(scope)
        return Send(error_message(RateLimited(problem, scope=scope, retry_after_s=wait_s), request_id))

    def _too_late(self) -> Effects:
        return self.close(CloseCode.AUTH_TIMEOUT, f"not authenticated within {self._limits.auth_deadline_s:g} s")

    def _answered(self) -> tuple[Auth | None, list[Request]]:
        """What was looked up and what waited for it, which are then forgotten."""
        auth, self._looking_up = self._looking_up, None
        queued, self._queued = self._queued, []
        return auth, queued

    def _authenticated(self, login: Login, request_id: int | None) -> Authenticated:
        return Authenticated(id=request_id, user=login.name, scopes=login.scopes, connection=self._connection)

    # --- the steps of the table -------------------------------------------------------------------------------------

    def _look_up(self, message: Auth) -> Effects:
        self.phase = Phase.checking
        self._looking_up = message
        return [LookUp(message)]

    def _refuse_second_auth(self, message: Auth) -> Effects:
        problem = "another token is being checked" if self.phase is Phase.checking else "already authenticated"
        return [Send(error_message(Conflict(problem), message.id))]

    def _refuse_stranger(self, message: Request) -> Effects:
        return [_refuse(message, Unauthenticated("send 'auth' with a token first"))]

    def _queue(self, message: Request) -> Effects:
        if len(self._queued) >= self._limits.queued_requests:
            problem = f"at most {self._limits.queued_requests} requests may wait for the authentication"
            return [self._limit("queued_requests", problem, 1.0, message.id)]
        self._queued.append(message)
        return []

    def _do(self, message: Request) -> Effects:
        return [Do(message)]


def _refuse(request: Request, error: GatewayError) -> Send:
    return Send(error_message(error, request.id))


Step: TypeAlias = Callable[[Session, Any], Effects]

# phase and message -> what is done; "closed" has no row, because nothing is read any more
STEPS: Mapping[tuple[Phase, type[ClientMessage]], Step] = MappingProxyType(
    {
        (Phase.greeted, Auth): Session._look_up,  # noqa: SLF001 - the table belongs to the class
        (Phase.checking, Auth): Session._refuse_second_auth,  # noqa: SLF001 - as above
        (Phase.authenticated, Auth): Session._refuse_second_auth,  # noqa: SLF001 - as above
        **{(Phase.greeted, kind): Session._refuse_stranger for kind in REQUESTS},  # noqa: SLF001 - as above
        **{(Phase.checking, kind): Session._queue for kind in REQUESTS},  # noqa: SLF001 - as above
        **{(Phase.authenticated, kind): Session._do for kind in REQUESTS},  # noqa: SLF001 - as above
    }
)
