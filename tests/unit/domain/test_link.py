import math
import statistics
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.link import DownReason, Flood, LinkState, LinkWatch, Patience, Word, bridge_down
from gateway.domain.values import Reading


def up_watch(at: float = 100.0) -> LinkWatch:
    """Up since ``at`` by a heartbeat that came then."""
    watch = LinkWatch()
    watch.connected(at - 2)
    watch.heartbeat(1.0, retained=True, at=at - 2)
    watch.flood_ended(at - 1)
    assert watch.heartbeat(2.0, retained=False, at=at) == LinkState("up", None, at)
    return watch


def test_connecting_until_the_first_failure_then_down_with_its_reason() -> None:
    watch = LinkWatch()
    assert watch.tick(5.0) == LinkState("connecting", None, 5.0)
    assert watch.tick(50.0) == LinkState("connecting", None, 5.0)
    assert watch.disconnected("unreachable", 60.0) == LinkState("down", "unreachable", 60.0)
    assert watch.disconnected("unreachable", 70.0) == LinkState("down", "unreachable", 60.0)
    assert watch.disconnected("bad_credentials", 80.0) == LinkState("down", "bad_credentials", 80.0)
    assert watch.connected(90.0) == LinkState("connecting", None, 90.0)


def test_up_needs_a_counted_heartbeat_and_the_end_of_the_flood() -> None:
    watch = LinkWatch()
    watch.connected(0.0)
    assert watch.heartbeat(1.0, retained=True, at=0.1).state == "connecting"
    assert watch.heartbeat(2.0, retained=False, at=0.2).state == "connecting"
    assert watch.flood_ended(1.2) == LinkState("up", None, 1.2)


def test_a_retained_heartbeat_is_no_life() -> None:
    watch = LinkWatch()
    watch.connected(0.0)
    watch.flood_ended(1.0)
    for value in (1.0, 2.0, 3.0):
        assert watch.heartbeat(value, retained=True, at=value).state == "connecting"
    assert watch.tick(31.0) == LinkState("silent", None, 30.0)


def test_a_repeated_heartbeat_is_no_life() -> None:
    watch = up_watch(100.0)
    assert watch.heartbeat(2.0, retained=False, at=125.0).state == "up"
    assert watch.tick(130.0).state == "up"
    assert watch.tick(130.1) == LinkState("silent", None, 130.0)


def test_the_first_heartbeat_of_a_connection_may_be_a_replay() -> None:
    watch = LinkWatch()
    watch.connected(0.0)
    watch.flood_ended(1.0)
    assert watch.heartbeat(7.0, retained=False, at=2.0).state == "connecting"
    assert watch.heartbeat(7.0, retained=False, at=3.0).state == "connecting"
    assert watch.heartbeat(8.0, retained=False, at=12.0) == LinkState("up", None, 12.0)


def test_a_clock_set_back_is_no_death() -> None:
    watch = up_watch(100.0)
    watch.heartbeat(-3600.0, retained=False, at=110.0)
    assert watch.tick(139.0) == LinkState("up", None, 100.0)


def test_silence_ends_with_the_next_heartbeat() -> None:
    watch = up_watch(100.0)
    assert watch.tick(1000.0) == LinkState("silent", None, 130.0)
    assert watch.heartbeat(3.0, retained=False, at=1001.0) == LinkState("up", None, 1001.0)


def test_silence_nobody_asked_about_ends_the_old_up() -> None:
    watch = up_watch(100.0)
    assert watch.heartbeat(3.0, retained=False, at=1001.0) == LinkState("up", None, 1001.0)


def test_no_heartbeat_at_all_is_silence_counted_from_connecting() -> None:
    watch = LinkWatch(Patience(intervals_to_silence=2, usual_interval_s=5))
    watch.connected(50.0)
    watch.flood_ended(51.0)
    assert watch.tick(60.0).state == "connecting"
    assert watch.tick(60.5) == LinkState("silent", None, 60.0)


def test_what_a_former_connection_heard_counts_no_longer() -> None:
    watch = up_watch(100.0)
    watch.disconnected("unreachable", 105.0)
    assert watch.heartbeat(9.0, retained=False, at=106.0).state == "down"
    assert watch.connected(110.0).state == "connecting"
    watch.flood_ended(111.0)
    assert watch.tick(120.0).state == "connecting"
    assert watch.tick(141.0) == LinkState("silent", None, 140.0)


def test_a_longer_control_interval_gives_more_time_and_a_shorter_less() -> None:
    watch = up_watch(100.0)
    assert watch.tick(120.0, Word(60.0)).state == "up"
    assert watch.tick(280.0).state == "up"
    assert watch.tick(250.0, Word(10.0)) == LinkState("silent", None, 250.0)
    assert watch.tick(260.0, Word(60.0)) == LinkState("up", None, 260.0)


def test_a_box_that_does_not_tell_its_interval_shows_it() -> None:
    watch = up_watch(100.0)
    for beat, at in enumerate((105.0, 110.0), 3):
        watch.heartbeat(beat, retained=False, at=at)
        assert watch.interval_s == 10, "two distances may be chance"
    watch.heartbeat(5, retained=False, at=115.0)
    assert watch.interval_s == 5
    assert watch.tick(131.0) == LinkState("silent", None, 130.0)
    assert watch.heartbeat(6, retained=False, at=500.0).state == "up"
    assert watch.interval_s == 5, "one long silence is no longer interval"
    assert watch.tick(501.0, Word(60)).state == "up"
    assert watch.interval_s == 60, "what the box tells counts more"


def test_distances_are_between_heartbeats_that_count_and_outlive_a_connection() -> None:
    watch = up_watch(0.0)
    for beat in range(1, 4):
        watch.heartbeat(beat * 10.0, retained=False, at=beat * 20.0)
        watch.heartbeat(beat * 10.0, retained=False, at=beat * 20.0 + 1)
        watch.heartbeat(beat * 10.0 + 1, retained=True, at=beat * 20.0 + 2)
    assert watch.interval_s == 20
    watch.disconnected("unreachable", 1000.0)
    watch.connected(1001.0)
    for value in (1.0, 2.0):
        watch.heartbeat(value, retained=False, at=1001.0 + value)
    assert watch.interval_s == 20, "the time between two connections is no distance"
    assert watch.tick(1063.5) == LinkState("silent", None, 1063.0)


def test_a_secondary_box_is_no_source_until_it_becomes_the_primary() -> None:
    watch = up_watch(100.0)
    assert watch.tick(101.0, Word(secondary=True)) == LinkState("secondary", "connect_to_primary", 101.0)
    assert watch.heartbeat(3.0, retained=False, at=110.0).state == "secondary"
    assert watch.tick(400.0).state == "secondary", "also when its heart stands still"
    assert watch.tick(401.0, Word()) == LinkState("silent", None, 401.0)
    assert watch.heartbeat(4.0, retained=False, at=402.0) == LinkState("up", None, 402.0)


def test_missing_rights_are_told_when_the_flood_has_ended_and_brought_something() -> None:
    watch, word = LinkWatch(), Word(missing_rights="full-access")
    watch.connected(0.0)
    assert watch.tick(0.1, word).state == "connecting"
    assert watch.flood_ended(1.0) == LinkState("no_rights", "no_rights:full-access", 1.0)
    assert watch.heartbeat(1.0, retained=False, at=2.0).state == "no_rights"
    assert watch.heartbeat(2.0, retained=False, at=12.0).state == "no_rights", "though the box is seen to live"
    assert watch.flood_began(13.0).state == "connecting"
    assert watch.tick(13.1, Word()).state == "connecting"
    assert watch.flood_ended(14.0) == LinkState("up", None, 14.0)


def test_a_flood_that_brought_nothing_says_nothing_of_rights() -> None:
    watch = LinkWatch()
    watch.connected(0.0)
    watch.flood_ended(1.0, brought=False)
    assert watch.tick(2.0, Word(missing_rights="full-access")).state == "connecting"
    assert watch.tick(31.0) == LinkState("silent", None, 30.0)


def test_what_a_box_said_of_itself_ends_with_the_connection() -> None:
    watch = up_watch(100.0)
    watch.tick(101.0, Word(60.0, secondary=True))
    watch.disconnected("unreachable", 102.0)
    assert watch.connected(103.0) == LinkState("connecting", None, 103.0)
    assert watch.interval_s == 10


def test_a_silence_found_at_a_new_flood_begins_with_it() -> None:
    watch = LinkWatch()
    watch.connected(0.0)
    watch.tick(0.0, Word(missing_rights="full-access"))
    watch.flood_ended(1.0)
    assert watch.flood_began(50.0) == LinkState("silent", None, 50.0)


def test_the_word_of_others_when_no_bridge_is_there() -> None:
    assert bridge_down(7.5) == {
        "link/state": Reading("bridge_down", 7.5),
        "link/reason": Reading(None, 7.5),
        "link/since": Reading(7.5, 7.5),
    }


def test_heartbeats_that_were_held_up_on_the_way_show_the_distance_at_which_they_were_sent() -> None:
    watch = up_watch(100.0)
    for beat in range(1, 8):
        watch.heartbeat(2.0 + beat * 10, retained=False, at=170.0 + beat / 100)
    assert watch.interval_s == 10
    assert watch.tick(200.0).state == "up"
    watch.heartbeat(72.0 - 86_400, retained=False, at=201.0)
    assert watch.interval_s == 10, "a clock set back tells nothing"


REASONS: list[DownReason] = ["bad_credentials", "certificate", "unreachable"]
INPUTS = st.lists(
    st.tuples(
        st.floats(0, 40),
        st.one_of(
            st.just(("connected",)),
            st.tuples(st.just("disconnected"), st.sampled_from(REASONS)),
            st.tuples(st.just("heartbeat"), st.sampled_from([0, 1, 2, 30]), st.booleans()),
            st.just(("flood_began",)),
            st.tuples(st.just("flood_ended"), st.booleans()),
            st.builds(
                lambda *word: ("word", Word(*word)),
                st.sampled_from([None, 5.0, 60.0]),
                st.booleans(),
                st.sampled_from([None, None, "full-access"]),
            ),
        ),
    ),
    max_size=16,
)


def feed(watch: LinkWatch, step: tuple[Any, ...], at: float) -> LinkState:
    match step:
        case ("connected",):
            return watch.connected(at)
        case ("disconnected", reason):
            return watch.disconnected(reason, at)
        case ("heartbeat", value, retained):
            return watch.heartbeat(float(value), retained=retained, at=at)
        case ("flood_began",):
            return watch.flood_began(at)
        case ("flood_ended", brought):
            return watch.flood_ended(at, brought=brought)
        case _:
            return watch.tick(at, step[1])


def naive(  # noqa: C901 - all rules in one piece, so that it can be held against their text
    history: list[tuple[float, tuple[Any, ...]]], now: float
) -> tuple[str, str | None]:
    """The rules, read once more: look back over everything that happened."""
    link: Literal["new", "on", "off"] = "new"
    reason, word, alive_at = None, Word(), -math.inf
    counted = flood_ended = brought = False
    last: float | None = None
    counted_value = 0.0
    distances: list[float] = []
    for at, step in history:
        match step:
            case ("connected",):
                link, alive_at, counted, flood_ended, last = "on", at, False, False, None
                word, brought = Word(), False
            case ("disconnected", why):
                link, reason = "off", why
            case ("heartbeat", value, retained):
                if not retained and last not in (None, value) and link == "on":
                    distances += [max(at - alive_at, value - counted_value)] if counted else []
                    counted, alive_at, counted_value = True, at, value
                last = value
            case ("flood_began",):
                flood_ended = brought = False
            case ("flood_ended", something):
                flood_ended, brought = True, something
            case ("word", said):
                word = said
    last_distances = sorted(distances[-9:])
    usual_s = statistics.median(last_distances) if len(last_distances) >= 3 else 10.0
    interval_s = usual_s if word.interval_s is None else word.interval_s
    if link != "on":
        return ("down", reason) if reason else ("connecting", None)
    if word.secondary:
        return "secondary", "connect_to_primary"
    if flood_ended and brought and word.missing_rights:
        return "no_rights", f"no_rights:{word.missing_rights}"
    if now > alive_at + 3 * interval_s:
        return "silent", None
    return ("up" if counted and flood_ended else "connecting"), None


@given(INPUTS, st.floats(0, 200))
def test_the_watch_follows_its_rules(steps: list[tuple[float, tuple[Any, ...]]], pause_s: float) -> None:
    watch, history, at = LinkWatch(), [], 0.0
    watch.tick(at)
    for wait_s, step in steps:
        at += wait_s
        history.append((at, step))
        state = feed(watch, step, at)
        assert (state.state, state.reason) == naive(history, at)
        assert state.since <= at
    state = watch.tick(at + pause_s)
    assert (state.state, state.reason) == naive(history, at + pause_s)


@given(INPUTS, st.lists(st.floats(0, 400), max_size=20))
def test_asking_more_often_changes_nothing(steps: list[tuple[float, tuple[Any, ...]]], asked: list[float]) -> None:
    quiet, asked_often, at = LinkWatch(), LinkWatch(), 0.0
    quiet.tick(0.0)
    asked_often.tick(0.0)
    asked.sort()
    for wait_s, step in steps:
        at += wait_s
        while asked and asked[0] <= at:
            asked_often.tick(asked.pop(0))
        assert feed(quiet, step, at) == feed(asked_often, step, at)


def test_a_flood_ends_after_a_quiet_second() -> None:
    flood = Flood(100.0)
    assert not flood.ended(100.9)
    flood.retained_message(100.9)
    assert not flood.ended(101.8)
    assert flood.ended(101.9)


def test_a_flood_without_messages_ends_too() -> None:
    assert Flood(100.0).ended(101.0)


def test_a_flood_that_never_pauses_ends_at_its_limit() -> None:
    flood = Flood(0.0, quiet_s=1.0, limit_s=3.0)
    for tenth in range(30):
        flood.retained_message(tenth / 10)
        assert not flood.ended(tenth / 10)
    assert flood.ended(3.0)
    assert Flood(0.0, quiet_s=20.0, limit_s=3.0).ended(3.0)


@given(st.lists(st.floats(0, 3), max_size=20), st.floats(0.1, 2), st.floats(0.1, 12))
def test_what_has_ended_stays_ended(waits: list[float], quiet_s: float, limit_s: float) -> None:
    flood, at, ended = Flood(0.0, quiet_s, limit_s), 0.0, False
    for wait_s in waits:
        at += wait_s
        ended = ended or flood.ended(at)
        flood.retained_message(at)
        assert flood.ended(at) is ended
    assert flood.ended(at + quiet_s + limit_s)


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_of_a_failure_is_told(reason: DownReason) -> None:
    assert LinkWatch().disconnected(reason, 1.0) == LinkState("down", reason, 1.0)
