import math
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.freshness import DownReason, Flood, LinkState, LinkWatch


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
    watch = LinkWatch(intervals_to_silence=2)
    watch.connected(50.0)
    watch.flood_ended(51.0)
    assert watch.tick(70.0).state == "connecting"
    assert watch.tick(70.5) == LinkState("silent", None, 70.0)


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
    assert watch.tick(120.0, 60.0).state == "up"
    assert watch.tick(280.0).state == "up"
    assert watch.tick(250.0, 10.0) == LinkState("silent", None, 250.0)
    assert watch.tick(260.0, 60.0) == LinkState("up", None, 260.0)


REASONS: list[DownReason] = ["bad_credentials", "certificate", "unreachable"]
INPUTS = st.lists(
    st.tuples(
        st.floats(0, 40),
        st.one_of(
            st.just(("connected",)),
            st.tuples(st.just("disconnected"), st.sampled_from(REASONS)),
            st.tuples(st.just("heartbeat"), st.integers(0, 2), st.booleans()),
            st.just(("flood_ended",)),
            st.tuples(st.just("interval"), st.sampled_from([5.0, 10.0, 60.0])),
        ),
    ),
    max_size=12,
)


def feed(watch: LinkWatch, step: tuple[Any, ...], at: float) -> LinkState:
    match step:
        case ("connected",):
            return watch.connected(at)
        case ("disconnected", reason):
            return watch.disconnected(reason, at)
        case ("heartbeat", value, retained):
            return watch.heartbeat(float(value), retained=retained, at=at)
        case ("flood_ended",):
            return watch.flood_ended(at)
        case _:
            return watch.tick(at, step[1])


def naive(history: list[tuple[float, tuple[Any, ...]]], now: float) -> tuple[str, str | None]:
    """The rules, read once more: look back over everything that happened."""
    link: Literal["new", "on", "off"] = "new"
    reason, interval_s, alive_at = None, 10.0, -math.inf
    counted = flood_ended = False
    last: float | None = None
    for at, step in history:
        match step:
            case ("connected",):
                link, alive_at, counted, flood_ended, last = "on", at, False, False, None
            case ("disconnected", why):
                link, reason = "off", why
            case ("heartbeat", value, retained):
                if not retained and last not in (None, value) and link == "on":
                    counted, alive_at = True, at
                last = value
            case ("flood_ended",):
                flood_ended = True
            case ("interval", seconds):
                interval_s = seconds
    if link != "on":
        return ("down", reason) if reason else ("connecting", None)
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
