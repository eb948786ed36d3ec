import json
from collections.abc import Callable
from itertools import product

import pytest

from gateway.domain.access import Login, Role
from gateway.domain.errors import DatabaseUnavailable, Unauthenticated
from gateway.domain.figures import Tally, limits_tally
from gateway.protocol.messages import (
    Auth,
    Authenticated,
    CloseCode,
    Drain,
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
LIMITS = Limits(auth_tries=2, queued_requests=2, auth_message_bytes=200, message_bytes=2_000)
SERVER = ServerInfo(version="1.2.3")
AUTH = '{"type":"auth","id":1,"token":"t","device":"phone"}'
PING = '{"type":"ping"}'
NOBODY = Unauthenticated("unknown")


def new(
    login: Login | None = None,
    limits: Limits = LIMITS,
    monotonic: Callable[[], float] = lambda: 1.5,
    limited: Tally | None = None,
) -> Session:
    return Session(
        server=SERVER,
        limits=limits,
        now=lambda: 5.5,
        monotonic=monotonic,
        connection="c7",
        limited=limited or limits_tally(),
        login=login,
        device="tab",
    )


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


def test_the_deadline_closes_who_has_shown_no_token() -> None:
    session = new()
    (close,) = session.deadline_passed()
    assert isinstance(close, Close)
    assert close.code is CloseCode.AUTH_TIMEOUT
    assert session.recognised(ANNA) == []
    assert session.not_recognised(NOBODY) == []
    assert session.phase is Phase.closed


def test_who_showed_a_token_in_time_is_not_closed_because_the_server_is_late() -> None:
    session = new()
    session.receive(AUTH)
    assert session.deadline_passed() == []
    assert session.recognised(ANNA) == [authenticated(1)]
    late = new()
    late.receive(AUTH)
    assert late.deadline_passed() == []
    error, close = late.not_recognised(NOBODY)
    assert codes([error]) == [(1, "unauthenticated")]
    assert isinstance(close, Close)
    assert close.code is CloseCode.AUTH_TIMEOUT


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


def test_until_somebody_is_authenticated_messages_are_short() -> None:
    session = new()
    long = PING.ljust(201)
    assert codes(session.receive(long)) == [(None, "message_too_large")]
    session.receive(AUTH)
    assert codes(session.receive(long)) == [(None, "message_too_large")]
    session.recognised(ANNA)
    assert session.receive(long) == [Send(Pong())]
    assert new(ANNA).receive(PING.ljust(2_000)) == [Send(Pong())]
    assert codes(new(ANNA).receive(PING.ljust(2_001))) == [(None, "message_too_large")]


def subscribe(request_id: int) -> str:
    return json.dumps({"type": "subscribe", "id": request_id, "site": "home", "keys": ["#"]})


def waits(effects: Effects) -> list[float | None]:
    told = [effect.message for effect in effects if isinstance(effect, Send)]
    return [message.retry_after_s for message in told if isinstance(message, Error)]


def test_subscribe_and_update_have_a_rate_of_their_own() -> None:
    now_s = 10.0
    session = new(ANNA, Limits(subscribe_burst=2, subscribes_per_s=4), lambda: now_s)
    update = '{"type":"update","id":2,"subscription":7,"paused":true}'
    for text in (subscribe(1), update):
        assert codes(session.receive(text)) == [(None, "Do")]
    for request_id, text in ((3, subscribe(3)), (2, update)):
        effects = session.receive(text)
        assert codes(effects) == [(request_id, "rate_limited")]
        assert waits(effects) == [pytest.approx(0.25)]
    assert session.receive(unsubscribe(4)) == [do(4)]
    now_s = 10.25
    assert codes(session.receive(subscribe(5))) == [(None, "Do")]


def test_a_flood_of_pings_is_answered_at_a_bounded_rate_and_then_ends_the_connection() -> None:
    now_s = 0.0
    limits = Limits(message_burst=3, messages_per_s=2, refusal_burst=2, refusals_per_s=1)
    session = new(ANNA, limits, lambda: now_s)
    assert [codes(session.receive(PING)) for _ in range(5)] == [
        *[[(None, "Pong")]] * 3,
        *[[(None, "rate_limited")]] * 2,
    ]
    now_s = 0.5
    assert codes(session.receive(PING)) == [(None, "Pong")]
    assert codes(session.receive(unsubscribe(8))) == [(8, "rate_limited"), (None, "Close")]
    assert session.receive(PING) == []


@pytest.mark.parametrize("text", ["nonsense", '{"type":"command","id":4}', PING.ljust(3_000), AUTH, b"x"])
def test_whoever_goes_on_being_refused_is_closed(text: str | bytes) -> None:
    now_s = 0.0
    limits = Limits(message_bytes=2_000, refusal_burst=3, refusals_per_s=1)
    session = new(ANNA, limits, lambda: now_s)
    for _ in range(3):
        assert len(session.receive(text)) == 1
    now_s = 1.0
    assert len(session.receive(text)) == 1
    close = session.receive(text)[-1]
    assert isinstance(close, Close)
    assert close.code is CloseCode.ABUSE


def test_what_a_limit_refuses_is_counted_for_all_conversations() -> None:
    limited = limits_tally()
    limits = Limits(
        message_burst=3, messages_per_s=1, subscribe_burst=1, subscribes_per_s=1, queued_requests=1, refusal_burst=3
    )
    first = new(ANNA, limits, limited=limited)
    for text in (subscribe(1), subscribe(2), PING, PING):
        first.receive(text)
    second = new(None, limits, limited=limited)
    for text in (AUTH, unsubscribe(2), unsubscribe(3), PING, PING, PING):
        second.receive(text)
    counted = {scope: count for scope, count in limited if count}
    assert counted == {"subscribes": 1, "messages": 4, "queued_requests": 1, "refusals": 1}


def test_drain_is_told_in_every_phase_but_closed() -> None:
    for session in (new(), new(ANNA)):
        assert session.drain(30) == [Send(Drain(within_s=30))]
        session.close(CloseCode.DRAINING, "ends")
        assert session.drain(30) == []


def test_a_device_is_known_from_the_handshake_or_the_message() -> None:
    session = new(ANNA)
    assert session.device == "tab"
