from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.errors import RateLimited, TooManyViews
from gateway.domain.figures import OTHER, Histogram, Tally, limits_tally


def test_a_tally_shows_what_never_happened_yet_and_has_no_more_kinds_than_it_was_made_with() -> None:
    tally = Tally(["good", "bad"])
    assert dict(tally) == {"good": 0, "bad": 0}
    for kind in ("bad", "bad", "a topic that somebody made up", "another one"):
        tally.add(kind)
    tally.add("good", 5)
    assert dict(tally) == {"good": 5, "bad": 2, OTHER: 2}
    assert (tally["good"], tally[OTHER]) == (5, 2)


def test_what_lies_on_a_bound_is_at_most_that_bound() -> None:
    seen = Histogram([0.1, 1])
    for one in (0.05, 0.1, 0.5, 1, 1.5):
        seen.observe(one)
    assert list(seen.at_most()) == [(0.1, 2), (1, 4), (float("inf"), 5)]
    assert (seen.count, seen.total) == (5, 3.15)


@given(st.lists(st.floats(0, 100), max_size=30))
def test_a_histogram_counts_each_observation_once(observed: list[float]) -> None:
    histogram = Histogram([0.5, 5, 50])
    for one in observed:
        histogram.observe(one)
    counts = [count for _, count in histogram.at_most()]
    assert all(one <= other for one, other in pairwise(counts))
    assert counts[-1] == histogram.count == len(observed)
    assert [sum(one <= bound for one in observed) for bound in (0.5, 5, 50)] == counts[:-1]


def test_every_limit_has_its_count() -> None:
    tally = limits_tally()
    for error in (TooManyViews("enough"), RateLimited("slowly"), RateLimited("slowly", scope="logins")):
        tally.add(error.scope)
    assert (tally["views"], tally["other"], tally["logins"], tally["messages"]) == (1, 1, 1, 0)
