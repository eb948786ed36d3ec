import pytest

from tests.support.captures import DATA, CaptureName, load_capture
from tests.support.make_start_state import packed, start_state
from tests.support.recording import Recorded


@pytest.mark.parametrize(
    ("name", "messages"),
    [
        ("v2-retained", 435),
        ("v2-session", 21_863),
        ("v2-start", 376),
        ("v19-retained", 328),
        ("v19-session", 5_932),
    ],
)
def test_the_captures_are_complete(name: CaptureName, messages: int) -> None:
    assert len(load_capture(name)) == messages


def test_a_session_is_in_order_and_keeps_payloads_as_on_the_wire() -> None:
    session = load_capture("v2-session")
    times = [message.t for message in session]
    assert times == sorted(times)
    assert any(message.payload == "" for message in session)
    assert any(not message.retain for message in session)


def test_the_start_state_is_what_its_script_makes() -> None:
    made = start_state(load_capture("v2-retained"), load_capture("v2-session"))
    assert packed(made) == (DATA / "v2-start.jsonl.gz").read_bytes()


def test_a_topic_nobody_knows_the_past_of_stops_the_script() -> None:
    with pytest.raises(KeyError, match="nobody says"):
        list(start_state([Recorded("openWB/x", "1")], [Recorded("openWB/x", "2", t=100)]))
