import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from gateway.protocol import messages
from gateway.protocol.messages import (
    Auth,
    CloseCode,
    DeltaMessage,
    Error,
    EventGap,
    EventMessage,
    Held,
    MessageReader,
    Ping,
    Pong,
    Refused,
    ServerMessageReader,
    Subscribe,
    Unsubscribe,
    Update,
    error_message,
    retry_class,
    shown,
)

READER = MessageReader(message_bytes=2_000)
HELD = {"epoch": "k3", "seq": 18050, "view": "9f3c"}
SUBSCRIBE = {"type": "subscribe", "id": 2, "site": "home", "keys": ["grid/#"]}


def refused(received: str | bytes) -> tuple[str, str, int | None]:
    with pytest.raises(Refused) as info:
        READER.read(received)
    assert info.value.error.message == str(info.value)
    return info.value.error.code, info.value.error.message, info.value.request_id


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"type":"auth","id":1,"token":"t","device":"d"}', Auth(id=1, token="t", device="d")),
        ('{"type":"auth","id":0,"token":"t"}', Auth(id=0, token="t")),
        (
            json.dumps({**SUBSCRIBE, "keys": ["a", "b/#"], "min_interval_ms": 250, "from": HELD}),
            Subscribe(
                id=2,
                site="home",
                keys=("a", "b/#"),
                min_interval_ms=250,
                held=Held(epoch="k3", seq=18050, view="9f3c"),
            ),
        ),
        (json.dumps(SUBSCRIBE), Subscribe(id=2, site="home", keys=("grid/#",))),
        (
            json.dumps({**SUBSCRIBE, "events_after": "1753791600123-0"}),
            Subscribe(id=2, site="home", keys=("grid/#",), events_after="1753791600123-0"),
        ),
        ('{"type":"update","id":5,"subscription":7}', Update(id=5, subscription=7)),
        (
            '{"type":"update","id":5,"subscription":7,"keys":[],"min_interval_ms":0,"paused":true}',
            Update(id=5, subscription=7, keys=(), min_interval_ms=0, paused=True),
        ),
        ('{"type":"unsubscribe","id":3,"subscription":7}', Unsubscribe(id=3, subscription=7)),
        ('{"type":"ping"}', Ping()),
    ],
)
def test_reads_what_clients_may_send(text: str, message: messages.ClientMessage) -> None:
    assert READER.read(text) == message
    assert READER.read(msgspec.json.encode(message).decode()) == message


def test_what_an_update_leaves_out_stays() -> None:
    update = READER.read('{"type":"update","id":5,"subscription":7,"paused":false}')
    assert isinstance(update, Update)
    assert (update.keys, update.min_interval_ms, update.paused) == (UNSET, UNSET, False)


@pytest.mark.parametrize(
    ("message", "code", "named"),
    [
        ({"type": "command", "id": 2}, "unknown_message", "'command'"),
        ({"type": "x" * 100, "id": 2}, "unknown_message", "x" * 60 + "…"),
        ({**SUBSCRIBE, "colour": 1}, "unknown_field", "'colour'"),
        ({**SUBSCRIBE, "event_after": "1-0"}, "unknown_field", "'event_after'"),
        ({**SUBSCRIBE, "events_after": "yesterday"}, "invalid_argument", "$.events_after"),
        ({**SUBSCRIBE, "events_after": 1753791600123}, "invalid_argument", "$.events_after"),
        ({**SUBSCRIBE, "held": None}, "unknown_field", "'held'"),
        ({**SUBSCRIBE, "from": {"epoch": "e", "seq": 1, "view": "v", "x": 1}}, "unknown_field", "'from.x'"),
        ({**SUBSCRIBE, "from": {"epoch": "e", "seq": 1, "view": "v", "type": 1}}, "unknown_field", "'from.type'"),
        ({**SUBSCRIBE, "from": {"epoch": "e", "seq": -1, "view": "v"}}, "invalid_argument", "$.from.seq"),
        ({**SUBSCRIBE, "from": 7}, "invalid_argument", "$.from"),
        ({**SUBSCRIBE, "keys": "grid/#"}, "invalid_argument", "$.keys"),
        ({**SUBSCRIBE, "site": ""}, "invalid_argument", "$.site"),
        ({**SUBSCRIBE, "min_interval_ms": -1}, "invalid_argument", "$.min_interval_ms"),
        ({"type": "update", "id": 2, "subscription": 7, "paused": None}, "invalid_argument", "$.paused"),
        ({"type": "auth", "id": 2}, "invalid_argument", "token"),
        (
            {"type": "auth", "id": 2, "token": "t", "device": "a\x1b[2J"},
            "invalid_argument",
            "device: control characters",
        ),
        ({"type": 7, "id": 2}, "invalid_argument", "'type'"),
        ({"id": 2}, "invalid_argument", "'type'"),
    ],
)
def test_refuses_by_name_with_the_id(message: dict[str, Any], code: str, named: str) -> None:
    given_code, sentence, request_id = refused(json.dumps(message))
    assert (given_code, request_id) == (code, 2)
    assert named in sentence


def test_an_unknown_field_is_told_which_there_are() -> None:
    assert refused('{"type":"unsubscribe","id":2,"number":7}')[1] == (
        "message 'unsubscribe' has no field 'number'; it has type, id, subscription"
    )
    assert refused(json.dumps({**SUBSCRIBE, "from": {**HELD, "x": 1}}))[1].endswith("it has epoch, seq, view")


@pytest.mark.parametrize("request_id", [None, "2", -1, 2**53, 1.5, True])
def test_an_id_that_is_none_is_not_answered(request_id: object) -> None:
    assert refused(json.dumps({"type": "nothing", "id": request_id}))[2] is None


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "not JSON"),
        ("hello", "the message is not JSON: invalid character"),
        ("{", "not JSON"),
        ("[1]", "JSON object"),
        ("null", "JSON object"),
        ('{"type":"ping","x":NaN}', "not JSON"),
        ('{"type":"ping","x":1e400}', "not JSON"),
        ('{"type":"auth","id":1,"token":"\\ud800"}', "not JSON"),
        ('{"type":"auth","id":1,"token":"\ud800"}', "not JSON"),
        ("[" * 1_900, "nested too deeply"),
        (b'{"type":"ping"}', "binary"),
    ],
)
def test_refuses_what_is_no_message(text: str | bytes, named: str) -> None:
    code, sentence, request_id = refused(text)
    assert (code, request_id) == ("invalid_argument", None)
    assert named in sentence


def test_size_is_counted_in_bytes() -> None:
    fits = '{"type":"ping"}'.ljust(2_000)
    assert READER.read(fits) == Ping()
    code, sentence, _ = refused(fits + " ")
    assert code == "message_too_large"
    assert "2000" in sentence
    assert refused('"' + "ü" * 1_000 + '"')[0] == "message_too_large"


def test_no_answer_repeats_a_token() -> None:
    for text in (
        '{"type":"auth","id":"1","token":"geheim"}',
        '{"type":"auth","id":1,"token":"geheim","x":1}',
        '{"type":"auth","id":1,"token":"geheim"',
    ):
        assert "geheim" not in refused(text)[1]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
fields = st.sampled_from(
    ("type", "id", "token", "site", "keys", "from", "paused", "subscription", "device", "events_after")
)
kinds = st.sampled_from(("auth", "subscribe", "update", "unsubscribe", "ping", "nothing"))


@given(st.text() | json_values.map(json.dumps) | st.binary())
def test_whatever_comes_is_read_or_refused(received: str | bytes) -> None:
    try:
        READER.read(received)
    except Refused as refusal:
        msgspec.json.encode(error_message(refusal.error, refusal.request_id))


@given(st.dictionaries(fields, json_values), kinds)
def test_whatever_resembles_a_message_is_read_or_refused(found: dict[str, Any], kind: str) -> None:
    try:
        READER.read(json.dumps({**found, "type": kind}))
    except Refused as refusal:
        msgspec.json.encode(error_message(refusal.error, refusal.request_id))


def test_ranges_of_close_codes() -> None:
    assert [retry_class(code) for code in (4000, 4099, 4100, 4199, 4200, 4299, 4300, 1006, 1011, 1012)] == [
        *["final"] * 2,
        *["backoff"] * 2,
        *["soon"] * 2,
        *["backoff"] * 4,
    ]


def test_every_close_code_is_in_a_range_of_its_meaning() -> None:
    assert {code.name: retry_class(code) for code in CloseCode} == {
        "AUTH_FAILED": "final",
        "REPLACED": "final",
        "ABUSE": "final",
        "LOGIN_ENDED": "final",
        "GONE": "backoff",
        "AUTH_TIMEOUT": "backoff",
        "TOO_MANY_CONNECTIONS": "backoff",
        "DRAINING": "soon",
        "LOGIN_EXPIRED": "soon",
    }


def test_names_on_the_wire() -> None:
    def tags(base: type[msgspec.Struct]) -> set[str]:
        return {str(kind.__struct_config__.tag) for kind in base.__subclasses__()}

    assert tags(messages.FromClient) == {"auth", "subscribe", "update", "unsubscribe", "ping"}
    assert tags(messages.FromServer) == {
        *(
            "hello",
            "authenticated",
            "subscribed",
            "unsubscribed",
            "snapshot",
            "delta",
            "reset",
            "event",
            "event_gap",
            "pong",
            "drain",
            "error",
        ),
    }
    for base in (messages.FromClient, messages.FromServer):
        for kind in base.__subclasses__():
            assert all(re.fullmatch(r"[a-z_]+", name) for name in kind.__struct_encode_fields__)


class TestServerMessageReader:
    reader = ServerMessageReader()

    def test_reads_every_message(self) -> None:
        delta = DeltaMessage(subscription=7, from_seq=1, seq=2, values={"a": [1, None]})
        event = EventMessage(event_id="1-0", at=1.5, site="home", event="fault", details={"before": 0})
        gap = EventGap(site="home", after="1-0")
        for message in (delta, event, gap, Pong(), Error(id=None, code="c", message="m", retry_after_s=1.5)):
            assert self.reader.read(msgspec.json.encode(message)) == message

    def test_ignores_what_later_servers_add(self) -> None:
        assert self.reader.read('{"type":"news","x":1}') is None
        assert self.reader.read('{"type":"pong","x":1}') == Pong()

    def test_does_not_ignore_what_is_broken(self) -> None:
        for text in ('{"type":"delta","from":"x"}', "{", "{}", '{"type":7}'):
            with pytest.raises(msgspec.DecodeError):
                self.reader.read(text)


def test_shown_is_short_and_quoted() -> None:
    assert shown("a\n") == r"'a\n'"
    assert len(shown("x" * 1_000)) < 70
