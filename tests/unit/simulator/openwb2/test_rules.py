from typing import Any

import pytest

from gateway.simulator.openwb2 import rules
from gateway.simulator.openwb2.rules import Given, Rule


@pytest.mark.parametrize(
    ("rule", "taken", "refused"),
    [
        (rules.flag, [True, False, 0, 1], [2, 1.0, "true", None]),
        (rules.text, ["", "a"], [1, None, ["a"]]),
        (rules.text_list, [[], ["a"]], ["a", [1], None]),
        (rules.integer(), [1, -1, None], [1.0, True, "1"]),
        (rules.integer(0, 5), [0, 5], [6, -1, None, 1.5]),
        (rules.number(), [1, 1.5, None], [True, "1", float("nan"), float("inf")]),
        (rules.number(0, 5), [0, 5.0], [5.1, None]),
        (rules.one_of(10, 20), [10, 20], [15, 10.0, True]),
        (rules.no, [], [1, None, "a"]),
        (rules.like(True), [True, 0], [5]),
        (rules.like(5), [7, None], [7.5]),
        (rules.like(5.0), [7, 7.5], ["a"]),
        (rules.like("a"), ["b"], [1]),
        (rules.like({"a": 1}), [{}, [], 1], []),
        (rules.like(None), [None, 5], []),
    ],
)
def test_a_rule_takes_what_fits(rule: Rule, taken: list[Any], refused: list[Any]) -> None:
    assert [value for value in taken if not rule(Given(value, is_json=True))] == []
    assert [value for value in refused if rule(Given(value, is_json=True))] == []


def test_text_is_no_json_document() -> None:
    assert rules.given(b"ev_mode") == Given("ev_mode", is_json=False)
    assert rules.given(b'"ev_mode"') == Given("ev_mode", is_json=True)
    assert rules.given(b"\xff").is_json is False
    assert not rules.any_json(rules.given(b"{"))
    assert rules.any_json(rules.given(b"null"))
