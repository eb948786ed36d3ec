import json
from itertools import product

import pytest

from gateway.domain.access import Login, Role
from gateway.domain.errors import DatabaseUnavailable, Unauthenticated
from gateway.protocol.messages import (
    Auth,
    Authenticated,
    CloseCode,
    Error,
    Hello,
    Limits,
    Ping,
    Pong,
    ServerInfo,
    Subscribe,
    Unsubscribe,
    Update,
)
from gateway.protocol.session import STEPS, Close, Do, Effects, LookUp, Phase, Send, Session

ANNA = Login(token_id=1, user_id=1, name="anna", role=Role.admin, scopes=("admin",), expires_at=1e10)
LIMITS = Limits(auth_tries=2, queued_requests=2)
SERVER = ServerInfo(version="1.2.3")
AUTH = '{"type":"auth","id":1,"token":"t","device":"phone"}'
PING = '{"type":"ping"}'
NOBODY = Unauthenticated("unknown")


def new(login: Login | None = None) -> Session:
    return Session(server=SERVER, limits=LIMITS, now=lambda: 5.5, connection="c7", login=login)


def unsubscribe(request_id: int) -> str:
    return json.dumps({"type": "unsubscribe", "id": request_id, "subscription": 7})


def do(request_id: int) -> Do:
    return Do(Unsubscribe(id=request_id, subscription=7))


def codes(effects: Effects) -> list[tuple[int | None, str]]:
    """The errors among the effects, and what is not one as it is called."""
    told = [effect.message if isinstance(effect, Send) else effect for effect in effects]
    return [(one.id, one.code) if isinstance(one, Error) else (None, type(one).__name__) for one in told]


def authenticated(request_id: int | None) -> Send:
    return Send(Authenticated(id=request_id, user="anna", scopes=("admin",), connection="c7"))


def test_greets_and_says_that_auth_is_required() -> None:
    session = new()
    assert session.start() == [Send(Hello(server=SERVER, server_time=5.5, auth="required", limits=LIMITS))]
    assert session.phase is Phase.greeted


def test_who_showed_a_token_before_is_authenticated() -> None:
    session = new(ANNA)
    hello = Hello(server=SERVER, server_time=5.5, auth="done", limits=LIMITS)
    assert session.start() == [Send(hello), authenticated(None)]
    assert session.receive(unsubscribe(2)) == [do(2)]
    assert codes(session.receive(AUTH)) == [(1, "conflict")]
    assert session.deadline_passed() == []


def test_requests_that_follow_auth_are_done_in_order_once_it_succeeded() -> None:
    session = new()
    assert session.receive(AUTH) == [LookUp(Auth(id=1, token="t", device="phone"))]
    assert session.receive(unsubscribe(2)) == []
    assert session.receive(unsubscribe(3)) == []
    assert codes(session.receive(unsubscribe(4))) == [(4, "rate_limited")]
    assert codes(session.receive(AUTH)) == [(1, "conflict")]
    assert session.recognised(ANNA) == [authenticated(1), do(2), do(3)]
    assert (session.phase, session.login, session.device) == (Phase.authenticated, ANNA, "phone")
    assert session.receive(unsubscribe(5)) == [do(5)]


def test_strangers_are_refused_and_closed_after_the_last_try() -> None:
    session = new()
    assert codes(session.receive(unsubscribe(9))) == [(9, "unauthenticated")]
    session.receive(AUTH)
    session.receive(unsubscribe(2))
    assert codes(session.not_recognised(NOBODY)) == [(1, "unauthenticated"), (2, "unauthenticated")]
    session.receive(AUTH)
    assert codes(session.not_recognised(NOBODY)) == [(1, "unauthenticated"), (None, "Close")]
    assert session.phase is Phase.closed


def test_what_cannot_be_checked_is_no_try() -> None:
    session = new()
    for _ in range(5):
        session.receive(AUTH)
        assert codes(session.not_recognised(DatabaseUnavailable("gone"))) == [(1, "database_unavailable")]
    session.receive(AUTH)
    assert session.recognised(ANNA) == [authenticated(1)]


@pytest.mark.parametrize("text", [None, AUTH])
def test_the_deadline_closes_whoever_is_not_authenticated(text: str | None) -> None:
    session = new()
    if text is not None:
        session.receive(text)
    (close,) = session.deadline_passed()
    assert isinstance(close, Close)
    assert close.code is CloseCode.AUTH_TIMEOUT
    assert session.recognised(ANNA) == []
    assert session.not_recognised(NOBODY) == []
    assert session.phase is Phase.closed


def test_the_first_close_counts_and_silences_everything() -> None:
    session = new(ANNA)
    assert session.close(CloseCode.LOGIN_ENDED, "ended") == [Close(CloseCode.LOGIN_ENDED, "ended")]
    assert session.close(CloseCode.LOGIN_EXPIRED, "expired") == []
    for text in (PING, AUTH, unsubscribe(1), "nonsense"):
        assert session.receive(text) == []


@pytest.mark.parametrize("phase", [Phase.greeted, Phase.checking, Phase.authenticated])
def test_ping_and_nonsense_are_answered_in_every_phase(phase: Phase) -> None:
    session = new(ANNA if phase is Phase.authenticated else None)
    if phase is Phase.checking:
        session.receive(AUTH)
    assert session.receive(PING) == [Send(Pong())]
    assert codes(session.receive('{"type":"command","id":4}')) == [(4, "unknown_message")]
    assert codes(session.receive(b"")) == [(None, "invalid_argument")]
    assert session.phase is phase


def test_the_table_has_a_row_for_every_phase_and_message() -> None:
    expected = set(product(set(Phase) - {Phase.closed}, (Auth, Subscribe, Update, Unsubscribe)))
    assert set(STEPS) == expected
    assert Ping not in {kind for _, kind in STEPS}
