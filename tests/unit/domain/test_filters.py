import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.errors import InvalidArgument
from gateway.domain.filters import MAX_PATTERN_CHARS, Filter, Matcher, check_pattern, covers, unmatched

LEVELS = st.sampled_from(["a", "b", "chargepoints", "5", "x.y", "(z", "é"])
KEYS = st.lists(LEVELS, min_size=1, max_size=4).map("/".join)


@st.composite
def patterns(draw: st.DrawFn) -> str:
    levels = draw(st.lists(st.one_of(LEVELS, st.just("+")), max_size=3))
    ending = draw(st.sampled_from(["", "#"]))
    return "/".join([*levels, *([ending] if ending else [])]) or "#"


def naive(pattern: str, key: str) -> bool:
    """MQTT 3.1.1 section 4.7, level by level."""
    wanted, levels = pattern.split("/"), key.split("/")
    if wanted[-1] == "#":
        wanted = wanted[:-1]
        levels = levels[: len(wanted)]
    return len(wanted) == len(levels) and all(
        want in ("+", level) for want, level in zip(wanted, levels, strict=True)
    )


@given(st.lists(patterns(), max_size=5), KEYS)
def test_a_matcher_agrees_with_the_standard_level_by_level(chosen: list[str], key: str) -> None:
    matcher = Filter.of(chosen).matcher()
    assert matcher(key) == any(naive(pattern, key) for pattern in chosen)
    assert matcher(key) == matcher(key)


@given(patterns(), patterns(), KEYS)
def test_what_a_covered_pattern_selects_is_selected_by_the_wide_one(wide: str, narrow: str, key: str) -> None:
    if covers(wide, narrow) and naive(narrow, key):
        assert naive(wide, key)


@given(patterns(), KEYS)
def test_a_key_is_a_pattern_that_selects_itself(pattern: str, key: str) -> None:
    assert covers(pattern, key) == naive(pattern, key)


@given(st.lists(patterns(), max_size=5), st.randoms(use_true_random=False))
def test_order_and_repetition_do_not_matter(chosen: list[str], shuffler: object) -> None:
    shuffled = [*chosen, *chosen]
    shuffler.shuffle(shuffled)  # type: ignore[attr-defined] # a random.Random
    assert Filter.of(shuffled) == Filter.of(chosen)
    assert Filter.of(shuffled).fingerprint("home") == Filter.of(chosen).fingerprint("home")


def test_a_pattern_that_another_covers_is_dropped() -> None:
    assert Filter.of(["grid/power_w", "grid/#", "+/power_w"]).patterns == ("+/power_w", "grid/#")
    assert Filter.of(["a/+", "a/#"]).patterns == ("a/#",)


@pytest.mark.parametrize(
    ("wide", "narrow", "covered"),
    [
        ("#", "a/b", True),
        ("a/#", "a", True),
        ("a/#", "a/+/c", True),
        ("a/+", "a/#", False),
        ("+", "#", False),
        ("a/+", "a/b", True),
        ("a/b", "a/+", False),
        ("a/b", "a", False),
        ("a", "a/b", False),
        ("a/b/c", "a/#", False),
    ],
)
def test_covers(wide: str, narrow: str, covered: bool) -> None:
    assert covers(wide, narrow) is covered


def test_fingerprints_differ_by_patterns_and_by_what_else_is_said() -> None:
    one = Filter.of(["grid/#"])
    assert one.fingerprint() != Filter.of(["pv/#"]).fingerprint()
    assert one.fingerprint("home") != one.fingerprint("demo")
    assert len(one.fingerprint()) == 16


@pytest.mark.parametrize("pattern", ["a", "+", "#", "a/+/b", "a/#", "x" * MAX_PATTERN_CHARS])
def test_good_patterns_come_back(pattern: str) -> None:
    assert check_pattern(pattern) == pattern


@pytest.mark.parametrize(
    "pattern", ["", "x" * (MAX_PATTERN_CHARS + 1), "a//b", "a/", "/a", "a+", "a/#/b", "a#", "a\x00", "a\nb", "\x7f"]
)
def test_bad_patterns_are_refused_with_a_reason(pattern: str) -> None:
    with pytest.raises(InvalidArgument, match="key pattern"):
        check_pattern(pattern)


def test_patterns_that_select_none_of_the_keys_stay_as_they_were_asked_for() -> None:
    asked = ("pv/#", "grid/powr_w", "grid/+", "grid/power_w", "pv/#", "#")
    assert unmatched(asked, ["grid/power_w", "house/power_w"]) == ["pv/#", "grid/powr_w"]
    assert unmatched(asked, []) == ["pv/#", "grid/powr_w", "grid/+", "grid/power_w", "#"]
    assert unmatched([], ["grid/power_w"]) == []


def test_an_empty_filter_selects_nothing() -> None:
    assert not Filter.of([]).matcher()("a")


def test_a_hash_also_selects_keys_of_raw_topics_with_odd_characters() -> None:
    assert Filter.of(["#"]).matcher()("raw/a\nb")
    assert Filter.of(["raw/#"]).matcher()("raw/a\nb")


def test_a_matcher_forgets_rather_than_grow() -> None:
    matcher = Matcher(Filter.of(["a"]), most_remembered=2)
    assert [matcher(key) for key in ("a", "b", "c", "d", "a")] == [True, False, False, False, True]
    assert len(matcher._answers) <= 2
