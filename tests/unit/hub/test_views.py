import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.filters import Filter
from gateway.hub.views import Allowed, meet, view_of


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("a/b", "a/b", "a/b"),
        ("a/b", "a/c", None),
        ("a/+", "+/b", "a/b"),
        ("#", "a/+", "a/+"),
        ("a/#", "a", "a"),
        ("a/#", "+/#", "a/#"),
        ("a/#", "+/b/#", "a/b/#"),
        ("a/#", "b/#", None),
        ("a/b", "a", None),
        ("a/+/c", "a/#", "a/+/c"),
        ("+", "#", "+"),
        ("#", "#", "#"),
    ],
)
def test_meet(one: str, other: str, both: str | None) -> None:
    assert meet(one, other) == both
    assert meet(other, one) == both


levels = st.sampled_from("ab+")
patterns = st.lists(levels, min_size=1, max_size=3).map("/".join)
wild = patterns | patterns.map(lambda pattern: pattern + "/#") | st.just("#")
keys = st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map("/".join)


@given(wild, wild, st.lists(keys, max_size=20))
def test_what_two_patterns_meet_in_is_what_both_select(one: str, other: str, some: list[str]) -> None:
    both = meet(one, other)
    matches_one, matches_other = Filter.of([one]).matcher(), Filter.of([other]).matcher()
    matches_both = Filter.of([] if both is None else [both]).matcher()
    for key in some:
        assert matches_both(key) == (matches_one(key) and matches_other(key))


def test_a_view_is_the_wish_within_the_rights_and_always_the_link() -> None:
    view = view_of("home", Filter.of(["a/#", "c/x"]), Allowed(Filter.of(["+/x", "b/#"])))
    assert view.chosen.patterns == ("a/x", "c/x", "link/#")
    assert view_of("home", Filter.of([]), Allowed(Filter.of([]))).chosen.patterns == ("link/#",)


def test_equal_views_have_equal_names_and_different_ones_others() -> None:
    all_of_it = Allowed(Filter.of(["#"]), ("admin",))
    view = view_of("home", Filter.of(["b", "a"]), all_of_it)
    assert view == view_of("home", Filter.of(["a", "b", "link/state"]), all_of_it)
    others = [
        view_of("yard", Filter.of(["a", "b"]), all_of_it),
        view_of("home", Filter.of(["a"]), all_of_it),
        view_of("home", Filter.of(["a", "b"]), Allowed(Filter.of(["#"]))),
    ]
    assert len({view.name, *(other.name for other in others)}) == 4


def test_the_name_is_that_of_the_values_over_rest() -> None:
    """A client may take the values over REST, and subscribe from their position."""
    chosen = Filter.of(["a/#", "link/#"])
    view = view_of("home", Filter.of(["a/#"]), Allowed(Filter.of(["#"]), ("admin",)))
    assert view.name == chosen.fingerprint("home", "admin")
