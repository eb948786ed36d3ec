from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.catalogue import entry_for, fits
from gateway.domain.errors import InvalidArgument
from gateway.domain.events import (
    KINDS,
    MOST,
    NO_EVENT,
    Event,
    EventId,
    Watch,
    charge_session_ended,
    charge_session_started,
    events_page,
)
from gateway.domain.values import Changes, Reading
from tests.support.charge_rows import NOON, charge_session

DOCS = Path(__file__).parents[3] / "docs"
AT = 1_795_330_000.5
FAULT = "chargepoints/4/fault_state"
TEXT = "chargepoints/4/fault_text"


def readings(**values: Any) -> dict[str, Reading]:
    """Two underscores stand for a slash."""
    return {key.replace("__", "/"): Reading(value, 1.0) for key, value in values.items()}


def watch(**values: Any) -> Watch:
    return Watch(readings(**values))


def told(one: Watch, changes: Changes) -> list[dict[str, Any]]:
    events = one.events_of(changes, AT)
    assert all(event.at == AT for event in events)
    return [{"kind": event.kind, "key": event.key, **event.details} for event in events]


def link(before: str, state: str, reason: str | None) -> dict[str, Any]:
    return {"kind": "link_changed", "key": "link/state", "before": before, "state": state, "reason": reason}


def fault(before: int, state: int, text: str | None, target: str = "chargepoints/4") -> dict[str, Any]:
    key = f"{target}/fault_state"
    details = {"target": target, "before": before, "fault_state": state, "fault_text": text}
    return {"kind": "fault", "key": key, **details}


# --- link_changed


@pytest.mark.parametrize(
    ("state", "reason", "events"),
    [
        ("silent", None, [link("up", "silent", None)]),
        ("down", "unreachable", [link("up", "down", "unreachable")]),
        ("up", None, []),
    ],
)
def test_the_link_changes(state: str, reason: str | None, events: list[dict[str, Any]]) -> None:
    one = watch(link__state="up", link__reason=None, link__since=1.0)
    assert told(one, dict(readings(link__state=state, link__reason=reason, link__since=2.0))) == events
    assert told(one, dict(readings(link__state=state, link__reason=reason, link__since=3.0))) == []


def test_another_reason_alone_is_a_change() -> None:
    one = watch(link__state="down", link__reason="unreachable")
    assert told(one, dict(readings(link__reason="certificate"))) == [link("down", "down", "certificate")]
    assert told(one, dict(readings(link__reason=None))) == [link("down", "down", None)]


def test_a_state_alone_keeps_the_reason() -> None:
    assert told(watch(link__state="up"), dict(readings(link__state="silent"))) == [link("up", "silent", None)]


def test_the_first_state_is_no_change() -> None:
    one = Watch({})
    assert told(one, dict(readings(link__reason="unreachable"))) == []
    assert told(one, dict(readings(link__state="connecting", link__reason=None))) == []
    assert told(one, dict(readings(link__state="up"))) == [link("connecting", "up", None)]


# --- fault


@pytest.mark.parametrize(("before", "now"), [(0, 1), (0, 2), (1, 2), (2, 1), (2, 0), (1, 0)])
def test_a_fault_comes_changes_and_goes(before: int, now: int) -> None:
    one = Watch({FAULT: Reading(before)})
    assert told(one, {FAULT: Reading(now, AT)}) == [fault(before, now, None)]


@pytest.mark.parametrize(
    ("target", "known_as"), [("grid", "grid"), ("vehicles/2", "vehicles/2"), ("batteries/7", "batteries/7")]
)
def test_whose_fault_it_is(target: str, known_as: str) -> None:
    key = f"{target}/fault_state"
    assert entry_for(key) is not None
    assert told(Watch({key: Reading(0)}), {key: Reading(2)}) == [fault(0, 2, None, known_as)]


@pytest.mark.parametrize("value", [0, 1, 2, None])
def test_a_fault_seen_first_or_told_again_is_no_event(value: int | None) -> None:
    one = Watch({})
    assert told(one, {FAULT: Reading(value)}) == []
    assert told(one, {FAULT: Reading(value, stale=True)}) == []


def test_the_words_of_a_fault_come_before_it_with_it_or_never() -> None:
    one = Watch({FAULT: Reading(0), TEXT: Reading("")})
    assert told(one, {TEXT: Reading("No contact.")}) == [], "words alone are none"
    assert told(one, {FAULT: Reading(2)}) == [fault(0, 2, "No contact.")]
    assert told(one, {FAULT: Reading(0), TEXT: Reading("")}) == [fault(2, 0, None)]
    assert told(one, {FAULT: Reading(1), TEXT: Reading("Warm.")}) == [fault(0, 1, "Warm.")]
    assert told(one, {FAULT: Reading(0), TEXT: Reading(None)}) == [fault(1, 0, None)]


def test_what_was_unknown_in_between_is_compared_with_what_was_known() -> None:
    one = Watch({FAULT: Reading(2)})
    assert told(one, {FAULT: Reading(None)}) == []
    assert told(one, {FAULT: Reading(2)}) == []
    assert told(one, {FAULT: Reading(None)}) == []
    assert told(one, {FAULT: Reading(0)}) == [fault(2, 0, None)]


def test_what_ceased_to_be_is_seen_for_the_first_time_again() -> None:
    one = Watch({FAULT: Reading(0)})
    assert told(one, {FAULT: None}) == []
    assert told(one, {FAULT: Reading(2)}) == []


def test_what_was_forgotten_is_seen_for_the_first_time_again() -> None:
    one = Watch({FAULT: Reading(0), TEXT: Reading(""), **readings(box__version="1.9.304", link__state="up")})
    one.forget(FAULT)
    one.forget("grid/power_w")
    assert told(one, {FAULT: Reading(2)}) == []
    one.forget_faults()
    assert told(one, {FAULT: Reading(0)}) == []
    changes = dict(readings(box__version="2.1.9", link__state="down"))
    assert [event["kind"] for event in told(one, dict(changes))] == ["box_updated", "link_changed"]


def test_several_events_of_one_batch_in_the_order_of_their_changes() -> None:
    one = Watch({FAULT: Reading(0), **readings(link__state="up", grid__fault_state=0, box__version="2.1.8")})
    changes = {FAULT: Reading(1), **readings(box__version="2.1.9", link__reason="x", grid__fault_state=2)}
    kinds = [(event["kind"], event["key"]) for event in told(one, dict(changes))]
    assert kinds == [
        ("fault", FAULT),
        ("box_updated", "box/version"),
        ("link_changed", "link/state"),
        ("fault", "grid/fault_state"),
    ]


# --- box_updated


def test_the_box_is_updated() -> None:
    one = Watch({})
    assert told(one, dict(readings(box__version="2.1.8"))) == []
    assert told(one, dict(readings(box__version=None))) == []
    expected = {"kind": "box_updated", "key": "box/version", "before": "2.1.8", "version": "2.1.9"}
    assert told(one, dict(readings(box__version="2.1.9"))) == [expected]
    assert told(one, dict(readings(box__version="2.1.9", grid__power_w=1.0))) == []


# --- all of them

WATCHED: dict[str, st.SearchStrategy[Any]] = {
    "link/state": st.sampled_from(["up", "down", "silent"]),
    "link/reason": st.sampled_from([None, "unreachable"]),
    "box/version": st.sampled_from([None, "1", "2"]),
    FAULT: st.sampled_from([None, 0, 1, 2]),
    TEXT: st.sampled_from([None, "", "No contact."]),
    "grid/power_w": st.floats(-10, 10),
}
CHANGE = st.fixed_dictionaries(
    {}, optional={key: st.none() | st.builds(Reading, values) for key, values in WATCHED.items()}
)


@given(start=CHANGE, history=st.lists(CHANGE, max_size=8))
def test_events_lead_from_what_was_known_to_what_is(start: Changes, history: list[Changes]) -> None:
    """Each is of a declared kind and inside its types, and begins where the one before it left the value."""
    known = {key: reading for key, reading in start.items() if reading is not None}
    one = Watch(known)
    last = {key: known[key].value for key in (FAULT, "box/version", "link/state") if key in known}
    kinds = {kind.name: kind for kind in KINDS}
    now_of = {FAULT: "fault_state", "box/version": "version", "link/state": "state"}
    for changes in history:
        for event in one.events_of(changes, AT):
            kind = kinds[event.kind]
            assert list(event.details) == [detail.field.name for detail in kind.details]
            assert all(fits(detail.field, event.details[detail.field.name]) for detail in kind.details)
            assert event.key == kind.key.replace("<target>", str(event.details.get("target")))
            assert event.key in changes or (event.kind == "link_changed" and "link/reason" in changes)
            assert event.details["before"] == last[event.key]
            assert event.details["before"] != event.details[now_of[event.key]] or event.kind == "link_changed"
        for key, reading in changes.items():
            if reading is None:
                last.pop(key, None)
            elif key in now_of and reading.value is not None:
                last[key] = reading.value
        assert one.events_of(changes, AT) == [], "the same again is nothing new"


# --- ids and the page


@pytest.mark.parametrize("text", ["0-0", "1753791600123-0", "1753791600123-17", f"{MOST}-{MOST}"])
def test_an_id_is_read_and_written(text: str) -> None:
    assert str(EventId.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "1", "1-", "-1", "1-2-3", " 1-0", "1-0\n", "a-0", "$", "+", "-", "1.5-0", "٣-0", f"{MOST + 1}-0"]
)
def test_what_is_no_id_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidArgument, match="1753791600123-0"):
        EventId.parse(text)


def test_ids_are_ordered_as_numbers() -> None:
    texts = ["0-0", "9-1", "10-0", "10-9", "10-10", "100-0"]
    assert sorted(map(EventId.parse, texts)) == [EventId.parse(text) for text in texts]
    assert all(EventId.parse(text) >= NO_EVENT for text in texts)


@given(ms=st.integers(1, MOST), number=st.integers(0, MOST))
def test_nothing_lies_between_an_id_and_the_one_before(ms: int, number: int) -> None:
    one = EventId(ms, number)
    before = one.before()
    assert before < one
    assert before == (EventId(ms, number - 1) if number else EventId(ms - 1, MOST))
    assert NO_EVENT.before() == NO_EVENT


def test_the_page_is_up_to_date() -> None:
    assert (DOCS / "events.md").read_text() == events_page()


def test_an_event_is_what_it_says() -> None:
    [event] = watch(box__version="1").events_of(dict(readings(box__version="2")), AT)
    assert event == Event("box_updated", AT, "box/version", {"before": "1", "version": "2"})


def test_a_charge_session_that_began_and_ended_is_told() -> None:
    session = charge_session(completeness=("gap", "clock"))
    began = msgspec.structs.replace(session, unplugged_at=None)
    plugged = "chargepoints/5/plugged"
    common: dict[str, Any] = {"chargepoint_id": "5", "plugged_at": NOON, "vehicle_id": 1}
    assert charge_session_started(began) == Event(
        "charge_session_started", NOON, plugged, {**common, "mode": "instant"}
    )
    ended: dict[str, Any] = {
        "unplugged_at": NOON + 3_600,
        "energy_wh": 10_000.25,
        "charging_s": 3_540.0,
        "incomplete": "gap,clock",
    }
    assert charge_session_ended(session) == Event("charge_session_ended", NOON + 3_600, plugged, {**common, **ended})


def test_what_nobody_knows_of_a_charge_session_is_null() -> None:
    session = msgspec.structs.replace(charge_session(energy_wh=None), segments=(), vehicle_id=None, completeness=())
    assert charge_session_started(session).details["mode"] is None
    told_of = charge_session_ended(session).details
    assert (told_of["energy_wh"], told_of["vehicle_id"], told_of["incomplete"]) == (None, None, None)
