from gateway.domain.openwb_given import Given
from gateway.domain.values import REMOVED


def test_what_was_given_out_and_may_be_no_more_is_removed_once() -> None:
    given = Given()
    assert given.settle({"a": 1, "b": None}, ["a", "b", "c"]) == {"a": 1, "b": None}
    assert given.settle({"a": 1}, ["a", "b", "c"]) == {"a": 1, "b": REMOVED}
    assert given.settle({}, ["b", "c"]) == {}
    assert given.settle({"b": 2}, ["b"]) == {"b": 2}
    assert given.settle({}, ["a", "b"]) == {"a": REMOVED, "b": REMOVED}


def test_what_is_not_possible_here_stays() -> None:
    given = Given()
    given.settle({"grid/power_w": 1, "meters/5/power_w": 2, "pv/power_w": 3}, [])
    assert given.settle({}, []) == {}
    assert sorted(given.under(("grid/", "meters/"))) == ["grid/power_w", "meters/5/power_w"]
    assert given.settle({}, given.under(("grid/",))) == {"grid/power_w": REMOVED}
    assert given.under(("grid/",)) == []


def test_raw_payloads_when_wanted_but_for_secrets() -> None:
    assert Given().settle_raw("lp/1/W", b" 44 ") == {}
    given = Given(raw=True)
    assert given.settle_raw("lp/1/W", b" 44 ") == {"raw/lp/1/W": " 44 "}
    assert given.settle_raw("config/get/soc/lp1Password", b"1") == {}
    assert given.settle_raw("evu/W", b"") == {}
    assert given.settle_raw("lp/1/W", b"") == {"raw/lp/1/W": REMOVED}
    given.settle_raw("lp/1/W", b"44")
    assert given.settle_raw("lp/1/W", b'{"password": "pa55"}') == {"raw/lp/1/W": REMOVED}
