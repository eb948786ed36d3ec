"""Which entries continue a position, and how it is lost."""

import pytest

from gateway.domain.values import Delta, Position, Reading
from gateway.store.follow import Follower, judge, lost_by
from gateway.store.packing import Entry
from gateway.store.redis import SiteStore, open_client

HERE = Position("e", 10)
A, B = {"a": Reading(1)}, {"b": Reading(2)}


def test_entries_that_continue_become_deltas() -> None:
    deltas = [Delta("e", 10, 11, dict(A)), Delta("e", 11, 12, dict(B))]
    assert judge(HERE, [Entry(11, "e", dict(A)), Entry(12, "e", dict(B))]) == (deltas, None)


def test_no_entries_lose_nothing() -> None:
    assert judge(HERE, []) == ([], None)


def test_a_hole_before_the_first_entry() -> None:
    assert judge(HERE, [Entry(12, "e", dict(A))]) == ([], "trimmed")


def test_a_hole_between_entries_keeps_what_came_before_it() -> None:
    assert judge(HERE, [Entry(11, "e", dict(A)), Entry(13, "e", dict(B))]) == (
        [Delta("e", 10, 11, dict(A))],
        "trimmed",
    )


def test_another_epoch() -> None:
    assert judge(HERE, [Entry(1_000_010, "f", {})]) == ([], "epoch")


def test_another_epoch_counts_although_the_seq_would_continue() -> None:
    """The store lost its tail and somebody wrote on: only the epoch tells."""
    assert judge(HERE, [Entry(11, "f", dict(A))]) == ([], "epoch")


def test_another_epoch_behind_deltas() -> None:
    assert judge(HERE, [Entry(11, "e", dict(A)), Entry(12, "f", {})]) == ([Delta("e", 10, 11, dict(A))], "epoch")


@pytest.mark.parametrize("stored", [Position("e", 10), Position("e", 11)])
def test_a_store_at_or_ahead_of_the_reader_is_of_its_history(stored: Position) -> None:
    assert lost_by(HERE, stored) is None


@pytest.mark.parametrize("stored", [None, Position("e", 9), Position("f", 10), Position("f", 1_000_010)])
def test_a_store_that_is_empty_or_behind_or_elsewhere_is_not(stored: Position | None) -> None:
    assert lost_by(HERE, stored) == "epoch"


@pytest.mark.parametrize(
    ("position", "stands_at", "behind"), [(HERE, 17, 7), (HERE, 10, 0), (HERE, 3, 0), (None, 17, 0)]
)
def test_how_far_a_follower_is_behind(position: Position | None, stands_at: int, behind: int) -> None:
    redis = open_client("redis://127.0.0.1:1/0")
    follower = Follower(SiteStore(redis), lambda: redis)
    assert follower.behind("home") == 0, "it does not follow it"
    follower.add("home")
    place = follower._places["home"]
    place.position, place.promised_seq = position, stands_at
    assert follower.behind("home") == behind
