"""The ledger: what is live, what is stale, what ceases, and what is still to be written."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.bridge.ledger import Ledger
from gateway.domain.link import LinkState
from gateway.domain.values import REMOVED, JsonValue, Reading, Removed

UP = LinkState("up", None, 0.0)
CONNECTING = LinkState("connecting", None, 0.0)
DOWN = LinkState("down", "unreachable", 0.0)


def connected(known: Mapping[str, Reading] | None = None) -> Ledger:
    ledger = Ledger(known or {}, "openwb-2")
    ledger.set_link(CONNECTING, since=1.0, at=1.0)
    ledger.connected()
    return ledger


def test_a_value_is_stale_until_the_link_is_up() -> None:
    ledger = connected()
    ledger.bring({"grid/power_w": 5.0}, 2.0, retained=False)
    assert ledger.readings["grid/power_w"] == Reading(5.0, 2.0, stale=True)
    ledger.set_link(UP, since=3.0, at=3.0)
    assert ledger.readings["grid/power_w"] == Reading(5.0, 2.0, stale=False)
    ledger.bring({"grid/power_w": 6.0}, 4.0, retained=False)
    assert ledger.readings["grid/power_w"] == Reading(6.0, 4.0, stale=False)


def test_a_lost_link_makes_everything_stale_and_keeps_the_times() -> None:
    ledger = connected()
    ledger.set_link(UP, since=2.0, at=2.0)
    ledger.bring({"grid/power_w": 5.0, "pv/power_w": 1.0}, 3.0, retained=False)
    ledger.take()
    ledger.set_link(DOWN, since=9.0, at=9.0)
    assert ledger.take() == {
        "link/state": Reading("down", 9.0),
        "link/reason": Reading("unreachable", 9.0),
        "link/since": Reading(9.0, 9.0),
        "grid/power_w": Reading(5.0, 3.0, stale=True),
        "pv/power_w": Reading(1.0, 3.0, stale=True),
    }


def test_what_another_leader_left_is_stale_until_this_connection_brings_it() -> None:
    ledger = connected({"grid/power_w": Reading(5.0, 1.5), "pv/power_w": Reading(1.0, 1.5)})
    ledger.bring({"grid/power_w": 5.0}, 7.0, retained=True)
    ledger.set_link(UP, since=8.0, at=8.0)
    assert ledger.readings["grid/power_w"] == Reading(5.0, 1.5, stale=False)
    assert ledger.readings["pv/power_w"] == Reading(1.0, 1.5, stale=True)


def test_a_value_first_seen_in_replay_has_no_time() -> None:
    ledger = connected({"pv/power_w": Reading(1.0, 1.5)})
    ledger.bring({"grid/power_w": 5.0, "pv/power_w": 2.0}, 7.0, retained=True)
    assert ledger.readings["grid/power_w"].changed_at is None
    assert ledger.readings["pv/power_w"].changed_at == pytest.approx(7.0)


def test_a_value_worked_out_from_several_retained_topics_has_no_time_either() -> None:
    ledger = connected()
    ledger.bring({"tariff/price_eur_per_kwh": None}, 7.0, retained=True)
    ledger.bring({"tariff/price_eur_per_kwh": 0.3}, 7.1, retained=True)
    assert ledger.readings["tariff/price_eur_per_kwh"] == Reading(0.3, None, stale=True)
    ledger.bring({"tariff/price_eur_per_kwh": 0.2}, 8.0, retained=False)
    assert ledger.readings["tariff/price_eur_per_kwh"].changed_at == pytest.approx(8.0)


def test_what_the_flood_did_not_bring_is_dropped() -> None:
    ledger = connected({"chargepoints/4/name": Reading("gone", 1.5), "chargepoints/5/name": Reading("here", 1.5)})
    ledger.bring({"chargepoints/5/name": "here"}, 7.0, retained=True)
    ledger.take()
    ledger.flood_ended()
    assert ledger.take() == {"chargepoints/4/name": None}
    assert "link/state" in ledger.readings


def test_a_flood_that_brought_nothing_drops_nothing() -> None:
    ledger = connected({"chargepoints/4/name": Reading("still here", 1.5)})
    ledger.flood_ended()
    assert "chargepoints/4/name" in ledger.readings


def test_what_came_before_all_was_asked_for_again_does_not_count() -> None:
    ledger = connected()
    ledger.bring({"chargepoints/4/name": "gone meanwhile", "grid/power_w": 5.0}, 7.0, retained=True)
    ledger.set_link(UP, since=7.0, at=7.0)
    ledger.asked_again()
    assert not ledger.readings["grid/power_w"].stale
    ledger.bring({"grid/power_w": 5.0}, 8.0, retained=True)
    ledger.flood_ended()
    assert set(ledger.readings) == {"grid/power_w", *(key for key in ledger.readings if key.startswith("link/"))}


def test_live_messages_alone_are_no_flood() -> None:
    ledger = connected({"chargepoints/4/name": Reading("still here", 1.5)})
    ledger.bring({"grid/power_w": 5.0}, 7.0, retained=False)
    ledger.flood_ended()
    assert "chargepoints/4/name" in ledger.readings


def test_a_flood_of_the_connection_before_counts_no_more() -> None:
    ledger = connected()
    ledger.bring({"chargepoints/4/name": "Hof"}, 7.0, retained=True)
    ledger.connected()
    ledger.bring({"grid/power_w": 5.0}, 8.0, retained=False)
    ledger.flood_ended()
    assert "chargepoints/4/name" in ledger.readings


def test_a_key_that_ceases_is_written_once() -> None:
    ledger = connected()
    ledger.bring({"chargepoints/4/name": "Hof"}, 2.0, retained=False)
    ledger.take()
    ledger.bring({"chargepoints/4/name": REMOVED}, 3.0, retained=False)
    ledger.bring({"chargepoints/4/name": REMOVED}, 4.0, retained=False)
    assert ledger.take() == {"chargepoints/4/name": None}
    assert not ledger.has_pending


def test_a_removed_key_is_no_longer_vouched_for() -> None:
    ledger = connected()
    ledger.bring({"a/name": "x"}, 2.0, retained=False)
    ledger.bring({"a/name": REMOVED}, 2.0, retained=False)
    ledger.set_link(UP, since=3.0, at=3.0)
    assert "a/name" not in ledger.readings


def up(**values: JsonValue) -> Ledger:
    """A ledger whose link is up, with values whose keys have ``__`` for ``/``; nothing of them is to be written."""
    ledger = connected()
    ledger.set_link(UP, since=2.0, at=2.0)
    ledger.bring({key.replace("__", "/"): value for key, value in values.items()}, 3.0, retained=False)
    ledger.take()
    return ledger


def test_a_unit_in_fault_is_stale_and_its_neighbours_are_live() -> None:
    ledger = up(chargepoints__4__power_w=11.0, chargepoints__5__power_w=12.0, chargepoints__4__fault_state=0)
    ledger.bring({"chargepoints/4/fault_state": 2}, 5.0, retained=False)
    assert ledger.take() == {
        "chargepoints/4/fault_state": Reading(2, 5.0),
        "chargepoints/4/power_w": Reading(11.0, 3.0, stale=True),
    }
    ledger.bring({"chargepoints/4/power_w": 13.0, "chargepoints/5/power_w": 14.0}, 6.0, retained=False)
    assert ledger.take() == {
        "chargepoints/4/power_w": Reading(13.0, 6.0, stale=True),
        "chargepoints/5/power_w": Reading(14.0, 6.0),
    }
    ledger.bring({"chargepoints/4/fault_state": 1}, 7.0, retained=False)
    assert ledger.take() == {
        "chargepoints/4/fault_state": Reading(1, 7.0),
        "chargepoints/4/power_w": Reading(13.0, 6.0),
    }


def test_a_fault_of_a_part_is_in_the_sum() -> None:
    ledger = up(pv__power_w=5.0, inverters__3__power_w=2.0, house__power_w=1.0, grid__power_w=0.0)
    ledger.bring({"inverters/3/fault_state": 2}, 5.0, retained=False)
    stale = {key for key, reading in ledger.readings.items() if reading.stale}
    assert stale == {"pv/power_w", "inverters/3/power_w", "house/power_w"}


def test_a_fault_ends_when_its_key_ceases() -> None:
    ledger = up(grid__power_w=5.0, grid__fault_state=2)
    assert ledger.readings["grid/power_w"].stale
    ledger.bring({"grid/fault_state": REMOVED}, 5.0, retained=False)
    assert ledger.take() == {"grid/fault_state": None, "grid/power_w": Reading(5.0, 3.0)}


def test_a_fault_ends_when_the_flood_did_not_bring_it_again() -> None:
    ledger = up(grid__power_w=5.0, grid__fault_state=2)
    ledger.connected()
    ledger.bring({"grid/power_w": 5.0}, 6.0, retained=True)
    ledger.set_link(UP, since=7.0, at=7.0)
    assert ledger.readings["grid/power_w"].stale, "the last word on it still holds"
    ledger.flood_ended()
    assert "grid/fault_state" not in ledger.readings
    assert not ledger.readings["grid/power_w"].stale


def test_a_fault_that_another_leader_left_holds_until_the_box_says_otherwise() -> None:
    ledger = connected({"grid/power_w": Reading(5.0, 1.0), "grid/fault_state": Reading(2, 1.0)})
    ledger.set_link(UP, since=2.0, at=2.0)
    ledger.bring({"grid/power_w": 6.0}, 3.0, retained=False)
    assert ledger.readings["grid/power_w"].stale
    ledger.bring({"grid/fault_state": 0}, 4.0, retained=False)
    assert not ledger.readings["grid/power_w"].stale


def test_a_fault_state_itself_is_live() -> None:
    ledger = up(grid__fault_state=2, grid__fault_text="no answer")
    assert not ledger.readings["grid/fault_state"].stale
    assert not ledger.readings["grid/fault_text"].stale


def test_a_dialect_may_be_known_later() -> None:
    ledger = Ledger({}, None)
    ledger.set_link(CONNECTING, since=1.0, at=1.0)
    assert ledger.readings["link/dialect"] == Reading(None, 1.0)
    ledger.set_dialect("openwb-2", at=2.0)
    ledger.set_link(UP, since=3.0, at=3.0)
    assert ledger.readings["link/dialect"] == Reading("openwb-2", 2.0)


FAULTS = ("grid/fault_state", "inverters/1/fault_state")
KEYS = st.sampled_from(["grid/power_w", "pv/power_w", "inverters/1/power_w", "box/time", *FAULTS])
RESTS_ON = {
    "grid/power_w": {"grid/fault_state"},
    "pv/power_w": {"inverters/1/fault_state"},
    "inverters/1/power_w": {"inverters/1/fault_state"},
}
VALUES = st.one_of(st.integers(0, 3), st.none(), st.just(REMOVED))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("bring"), st.dictionaries(KEYS, VALUES, max_size=3), st.booleans()),
        st.tuples(st.just("link"), st.sampled_from([UP, CONNECTING, DOWN])),
        st.tuples(st.just("connected")),
        st.tuples(st.just("flood ended")),
        st.tuples(st.just("take")),
    ),
    max_size=40,
)


@given(STEPS)
def test_whoever_applies_all_that_was_taken_holds_the_readings(steps: list[tuple[object, ...]]) -> None:
    ledger = Ledger({"grid/power_w": Reading(1, 1.0), "pv/power_w": Reading(1, 1.0)}, "openwb-2")
    mirror: dict[str, Reading] = dict(ledger.readings)
    brought: set[str] = set()
    for at, step in enumerate(steps):
        if step == ("take",):
            drain(ledger, mirror)
        else:
            feed(ledger, step, float(at), brought)
    drain(ledger, mirror)
    assert mirror == ledger.readings
    link = mirror.get("link/state")
    is_up = link is not None and link.value == "up"
    in_fault = {key for key in FAULTS if key in mirror and mirror[key].value == 2}
    for key, reading in mirror.items():
        is_live = is_up and key in brought and not in_fault & RESTS_ON.get(key, set())
        assert reading.stale != (is_live or key.startswith("link/"))


def drain(ledger: Ledger, mirror: dict[str, Reading]) -> None:
    for key, reading in ledger.take().items():
        if reading is None:
            mirror.pop(key, None)
        else:
            mirror[key] = reading


def feed(ledger: Ledger, step: tuple[object, ...], at: float, brought: set[str]) -> None:
    match step:
        case ("bring", dict() as said, bool() as retained):
            values: dict[str, JsonValue | Removed] = said
            ledger.bring(values, at, retained=retained)
            brought.update(values)
        case ("link", LinkState() as state):
            ledger.set_link(state, since=at, at=at)
        case ("connected",):
            ledger.connected()
            brought.clear()
        case _:
            ledger.flood_ended()


# --- events


def kinds(ledger: Ledger) -> list[tuple[str, float]]:
    return [(event.kind, event.at) for event in ledger.take_events()]


def test_a_change_of_the_link_is_one_event_with_state_and_reason() -> None:
    ledger = connected({"link/state": Reading("up", 0.5), "link/reason": Reading(None, 0.5)})
    [event] = ledger.take_events()
    assert (event.at, event.details) == (1.0, {"before": "up", "state": "connecting", "reason": None})
    ledger.set_link(DOWN, since=2.0, at=3.0)
    [event] = ledger.take_events()
    assert (event.at, event.details) == (3.0, {"before": "connecting", "state": "down", "reason": "unreachable"})


def test_what_a_message_brings_together_is_judged_together() -> None:
    ledger = connected({"vehicles/2/fault_state": Reading(0, 0.5)})
    ledger.bring({"vehicles/2/fault_state": 2, "vehicles/2/fault_text": "No answer."}, 4.0, retained=False)
    [event] = ledger.take_events()
    assert (event.at, event.details["fault_text"]) == (4.0, "No answer.")


def test_a_fault_makes_stale_and_that_alone_is_no_event() -> None:
    ledger = connected({"chargepoints/4/fault_state": Reading(0, 0.5)})
    ledger.bring({"chargepoints/4/fault_state": 0, "chargepoints/4/power_w": 5.0}, 2.0, retained=True)
    ledger.set_link(UP, since=3.0, at=3.0)
    assert kinds(ledger) == [("link_changed", 3.0)]
    ledger.bring({"chargepoints/4/fault_state": 2}, 4.0, retained=False)
    assert ledger.readings["chargepoints/4/power_w"].stale
    assert kinds(ledger) == [("fault", 4.0)]
    ledger.set_link(DOWN, since=5.0, at=5.0)
    assert kinds(ledger) == [("link_changed", 5.0)]


def test_what_the_flood_shows_for_the_first_time_is_no_event_and_what_changed_meanwhile_is() -> None:
    ledger = connected({"grid/fault_state": Reading(0, 0.5), "box/version": Reading("2.1.8", 0.5)})
    ledger.bring({"grid/fault_state": 1, "pv/fault_state": 2, "box/version": "2.1.8"}, 7.0, retained=True)
    assert kinds(ledger) == [("fault", 7.0)]


def test_what_ceased_and_comes_again_is_seen_for_the_first_time() -> None:
    ledger = connected({"grid/fault_state": Reading(0, 0.5), "pv/fault_state": Reading(0, 0.5)})
    ledger.bring({"grid/power_w": 1.0, "pv/fault_state": REMOVED}, 2.0, retained=True)
    ledger.flood_ended()
    ledger.bring({"grid/fault_state": 2, "pv/fault_state": 2}, 3.0, retained=False)
    assert kinds(ledger) == []


def test_a_diary_goes_on_in_the_next_ledger() -> None:
    former = connected({"link/state": Reading("up", 0.5)})
    ledger = Ledger({}, "openwb-1.9", former.diary)
    ledger.set_link(UP, since=2.0, at=2.0)
    assert kinds(ledger) == [("link_changed", 1.0), ("link_changed", 2.0)]
