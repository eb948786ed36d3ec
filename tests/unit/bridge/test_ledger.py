"""The ledger: what is live, what is stale, what ceases, and what is still to be written."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.bridge.ledger import Ledger
from gateway.domain.freshness import LinkState
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


KEYS = st.sampled_from(["a/x", "a/y", "b/x", "b/y"])
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
    ledger = Ledger({"a/x": Reading(1, 1.0)}, "openwb-2")
    mirror: dict[str, Reading] = dict(ledger.readings)

    def drain() -> None:
        for key, reading in ledger.take().items():
            if reading is None:
                mirror.pop(key, None)
            else:
                mirror[key] = reading

    for at, step in enumerate(steps):
        match step:
            case ("bring", dict() as values, bool() as retained):
                brought: dict[str, JsonValue | Removed] = values
                ledger.bring(brought, float(at), retained=retained)
            case ("link", LinkState() as state):
                ledger.set_link(state, since=float(at), at=float(at))
            case ("connected",):
                ledger.connected()
            case ("flood ended",):
                ledger.flood_ended()
            case _:
                drain()
    drain()
    assert mirror == ledger.readings
    link = mirror.get("link/state")
    if link is None or link.value != "up":
        assert all(reading.stale for key, reading in mirror.items() if not key.startswith("link/"))
