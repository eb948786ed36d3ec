import json
import math

from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Frame as Received
from websockets.frames import Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from gateway.domain.events import Event, EventEntry, EventId
from gateway.domain.values import Position, Reading
from gateway.protocol.frames import PING, Frame, delta_frame, event_frame, frame, framed, on_the_wire, snapshot_frames
from gateway.protocol.messages import Pong

AT = Position("k3", 18_100)


def test_a_frame_is_encoded_once() -> None:
    one = frame(Pong())
    assert one.payload == b'{"type":"pong"}'
    assert one.text == '{"type":"pong"}'
    assert one.text is one.text
    assert one.wire == b"\x81\x0f" + one.payload
    assert len(one) == 2 + 15


def test_a_frame_on_the_wire_is_what_a_websocket_library_reads() -> None:
    for size in (0, 1, 125, 126, 65_535, 65_536):
        payload = b"x" * size
        reading = ClientProtocol(parse_uri("ws://host/"), state=State.OPEN)
        reading.receive_data(Frame(payload).wire + framed(PING, payload[:3]))
        one, ping = reading.events_received()
        assert isinstance(one, Received)
        assert isinstance(ping, Received)
        assert (one.opcode, one.fin, one.data) == (Opcode.TEXT, True, payload)
        assert (ping.opcode, ping.data) == (Opcode.PING, payload[:3])
        assert len(Frame(payload)) == len(one.serialize(mask=False))
        assert Frame(payload).payload == payload


def test_values_on_the_wire() -> None:
    assert on_the_wire(Reading(1.5, 2.0)) == [1.5, 2.0]
    assert on_the_wire(Reading(None, None)) == [None, None]
    assert on_the_wire(Reading("a", 2.0, stale=True)) == ["a", 2.0, "stale"]
    assert on_the_wire(None) is None


def test_a_delta() -> None:
    one = delta_frame(7, 18_100, 18_104, {"grid/power_w": Reading(-1180.0, 1.25), "chargepoints/6/name": None})
    assert json.loads(one.text) == {
        "type": "delta",
        "subscription": 7,
        "from": 18_100,
        "seq": 18_104,
        "values": {"grid/power_w": [-1180.0, 1.25], "chargepoints/6/name": None},
    }


def test_an_event() -> None:
    entry = EventEntry(EventId(1_700, 3), 18_104, Event("fault", 1.7, "chargepoints/6/fault_state", {"level": 2}))
    assert json.loads(event_frame("home", entry).text) == {
        "type": "event",
        "event_id": "1700-3",
        "at": 1.7,
        "site": "home",
        "event": "fault",
        "details": {"level": 2},
    }


def test_what_is_no_number_is_null() -> None:
    one = delta_frame(7, 1, 2, {"a": Reading(math.nan, math.inf), "b": Reading([1.0, -math.inf], 1.0)})
    assert json.loads(one.text)["values"] == {"a": [None, None], "b": [[1.0, None], 1.0]}


def test_a_small_snapshot_has_one_part_and_an_empty_one_too() -> None:
    (only,) = snapshot_frames(7, AT, {"a": Reading(1, 2.0, stale=True)}, 32_768)
    expected = {"subscription": 7, "epoch": "k3", "seq": 18_100, "part": 1, "parts": 1}
    assert json.loads(only.text) == {"type": "snapshot", **expected, "values": {"a": [1, 2.0, "stale"]}}
    (only,) = snapshot_frames(7, AT, {}, 32_768)
    assert json.loads(only.text)["values"] == {}


def test_a_value_greater_than_a_part_has_one_of_its_own() -> None:
    readings = {"a": Reading(1), "b": Reading("x" * 5_000), "c": Reading(2)}
    parts = [json.loads(one.text) for one in snapshot_frames(7, AT, readings, 1_000)]
    assert [list(part["values"]) for part in parts] == [["a"], ["b"], ["c"]]


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8"), max_size=30), st.text(st.characters(codec="utf-8"), max_size=60)
    ),
    st.integers(712, 1_500),
)
def test_parts_hold_everything_once_and_keep_to_their_size(texts: dict[str, str], part_bytes: int) -> None:
    readings = {key: Reading(text, 1.5) for key, text in texts.items()}
    frames = snapshot_frames(2**53, Position("k" * 64, 2**53), readings, part_bytes)
    parts = [json.loads(one.text) for one in frames]
    assert [part["part"] for part in parts] == list(range(1, len(parts) + 1))
    assert {part["parts"] for part in parts} == {len(parts)}
    found = [item for part in parts for item in part["values"].items()]
    assert found == [(key, [text, 1.5]) for key, text in texts.items()]
    for one, part in zip(frames, parts, strict=True):
        assert len(one) <= part_bytes or len(part["values"]) == 1
