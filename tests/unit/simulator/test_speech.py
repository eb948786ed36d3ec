"""Messages go in, time goes by, the broker's state is compared with the truth."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from gateway.simulator.speech import Said, Speech
from gateway.simulator.words import Outgoing


def said(speech: Speech, until_s: float = 1e9) -> list[tuple[str, bytes]]:
    taken: list[tuple[str, bytes]] = []
    while speech.next_due_s is not None and speech.next_due_s <= until_s:
        one = speech.take()
        taken.append((one.topic, one.payload))
    return taken


def out(*messages: tuple[str, str] | tuple[str, str, float], retain: bool = True) -> list[Outgoing]:
    return [Outgoing(one[0], one[1], retain, one[2] if len(one) == 3 else 0.0) for one in messages]


def test_a_burst_keeps_its_order_and_its_pauses() -> None:
    speech = Speech()
    speech.say(out(("a", "1"), ("b", "2", 0.3), ("a", "3", 0.3), ("c", "4")), 100.0)
    assert speech.next_due_s == 100.0
    assert said(speech, 100.2) == [("a", b"1"), ("c", b"4")]
    assert speech.next_due_s == 100.3
    assert speech.retained == {"a": b"1", "c": b"4"}
    assert said(speech) == [("b", b"2"), ("a", b"3")]
    assert speech.next_due_s is None
    assert speech.retained == speech.planned == speech.truth == {"a": b"3", "b": b"2", "c": b"4"}


def test_what_is_decided_later_replaces_what_waits() -> None:
    """A write in the middle of a burst is not undone by the rest of it."""
    speech = Speech()
    speech.say(out(("a", "old", 1.0), ("b", "old", 1.0)), 0.0)
    speech.say(out(("a", "new")), 0.5)
    assert said(speech) == [("a", b"new"), ("b", b"old")]


def test_what_is_not_retained_is_all_said() -> None:
    speech = Speech()
    speech.say(out(("log", "1", 1.0), retain=False), 0.0)
    speech.say(out(("log", "2"), retain=False), 0.5)
    assert said(speech) == [("log", b"2"), ("log", b"1")]
    assert speech.retained == speech.truth == {}


def test_an_empty_payload_deletes() -> None:
    speech = Speech()
    speech.say(out(("a", "1"), ("b", "1"), ("a", ""), ("never", "")), 0.0)
    assert said(speech)[-2:] == [("a", b""), ("never", b"")]
    assert speech.retained == speech.truth == {"b": b"1"}


def test_a_distortion_changes_what_is_said_and_mending_tells_the_truth() -> None:
    speech = Speech()
    speech.say(out(("a", "1"), ("b", "1"), ("c", "1")), 0.0)
    said(speech)
    speech.distortions["all wrong"] = lambda one: Said(one.topic, b"null") if one.topic != "c" else None
    speech.say(out(("a", "2"), ("c", "2"), ("d", "2")), 1.0)
    assert said(speech) == [("a", b"null"), ("d", b"null")]
    speech.mend(2.0)
    assert said(speech) == [("a", b"null"), ("d", b"null")], "it goes on"
    del speech.distortions["all wrong"]
    speech.mend(3.0)
    assert sorted(said(speech)) == [("a", b"2"), ("c", b"2"), ("d", b"2")]
    assert speech.retained == speech.truth


def test_distortions_act_one_after_the_other() -> None:
    speech = Speech()
    speech.distortions["first"] = lambda one: Said(one.topic, one.payload + b"1")
    speech.distortions["second"] = lambda one: Said(one.topic, one.payload + b"2")
    speech.say(out(("a", "x")), 0.0)
    assert said(speech) == [("a", b"x12")]
    speech.distortions["first"] = lambda _: None
    speech.say(out(("a", "y")), 0.0)
    assert said(speech) == []


def test_what_is_blurted_is_taken_back() -> None:
    speech = Speech()
    speech.say(out(("a", "1")), 0.0)
    speech.blurt([Said("a", b"\xff"), Said("odd", b"1"), Said("gone", b"1", retain=False)], 1.0)
    assert said(speech) == [("a", b"\xff"), ("odd", b"1"), ("gone", b"1")]
    speech.mend(2.0)
    assert said(speech) == [("a", b"1"), ("odd", b"")]


def test_all_that_is_retained_is_repeated_distorted() -> None:
    speech = Speech()
    speech.say(out(("a", "1"), ("b", "1")), 0.0)
    said(speech)
    speech.distortions["some"] = lambda one: Said(one.topic, b"0") if one.topic == "b" else one
    speech.repeat(1.0)
    assert said(speech) == [("a", b"1"), ("b", b"0")]


MESSAGES = st.lists(
    st.builds(
        Outgoing,
        topic=st.sampled_from("abc"),
        payload=st.sampled_from(["", "1", "2", "3"]),
        retain=st.booleans(),
        after_s=st.sampled_from([0.0, 0.5, 3.0]),
    ),
    max_size=5,
)


@given(st.lists(st.tuples(MESSAGES, st.sampled_from([0.0, 0.4, 2.0])), max_size=8))
def test_an_older_word_is_never_the_last_one(decisions: list[tuple[list[Outgoing], float]]) -> None:
    """Whatever the pauses: in the end the broker holds what was decided last."""
    speech, now_s = Speech(), 0.0
    held: dict[str, bytes] = {}
    for messages, goes_by_s in decisions:
        in_order = sorted(messages, key=lambda one: one.after_s)
        speech.say(in_order, now_s)
        now_s += goes_by_s
        _taken(speech, held, now_s)
    _taken(speech, held, 1e9)
    assert held == speech.truth == speech.planned == speech.retained


def _taken(speech: Speech, held: dict[str, bytes], until_s: float) -> None:
    while speech.next_due_s is not None and speech.next_due_s <= until_s:
        one = speech.take()
        if one.retain:
            held[one.topic] = one.payload
            if not one.payload:
                del held[one.topic]


def test_what_waits_is_bounded_by_the_topics() -> None:
    speech = Speech()
    for number in range(1_000):
        speech.say(out(("a", str(number), 1e6)), float(number))
    assert _length(said(speech)) == 1


def _length(taken: Iterable[object]) -> int:
    return len(list(taken))
