import pytest

from gateway.domain.filters import check_pattern
from gateway.domain.openwb2_ignored import why
from gateway.domain.openwb19_ignored import IGNORED, NEVER_RAW_19


@pytest.mark.parametrize("reasons", [IGNORED, NEVER_RAW_19])
def test_patterns_are_patterns_and_stand_once_with_a_reason(reasons: tuple[tuple[str, str], ...]) -> None:
    patterns = [check_pattern(pattern) for pattern, _ in reasons]
    assert len(patterns) == len(set(patterns))
    assert all(len(reason) >= len("noise") for _, reason in reasons)


def test_the_histories_are_ignored_as_such() -> None:
    for topic in ("system/lastlivevalues", "graph/lastlivevalues", "graph/alllivevalues12"):
        assert why(IGNORED, topic) == "the same values, rounded, or their history"
