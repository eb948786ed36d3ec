import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.catalogue_entries import DIALECTS as DECLARED
from gateway.domain.dialects import (
    AUTO,
    DIALECTS,
    Dialect,
    DialectChoice,
    reader_for,
    subscriptions_for,
)
from gateway.domain.filters import covers
from gateway.domain.openwb2 import OpenWB2Reader
from gateway.domain.openwb19 import OpenWB19Reader
from tests.support.captures import CaptureName, load_capture

TWO: Dialect = "openwb-2"
NINE: Dialect = "openwb-1.9"
BEAT = {TWO: "openWB/system/time", NINE: "openWB/system/Timestamp"}


def choice(assumed: Dialect | None = None) -> DialectChoice:
    return DialectChoice(AUTO, "openWB/", assumed)


def beats(chosen: DialectChoice, dialect: Dialect, *times: int, retained: bool = False) -> Dialect | None:
    for time in times:
        chosen.take(BEAT[dialect], str(time).encode(), retained)
    return chosen.dialect


def test_the_dialects_are_those_of_the_catalogue() -> None:
    assert DIALECTS == DECLARED


def test_each_dialect_has_its_reader_and_subscriptions() -> None:
    assert isinstance(reader_for(TWO, "openWB/", raw=False), OpenWB2Reader)
    assert isinstance(reader_for(NINE, "openWB/", raw=False), OpenWB19Reader)
    assert reader_for(NINE, "haus/", raw=True).read("haus/evu/W", b"1") == {"grid/power_w": 1.0, "raw/evu/W": "1"}
    assert "openWB/chargepoint/#" in subscriptions_for(TWO, "openWB/", raw=False)
    assert "openWB/lp/#" in subscriptions_for(NINE, "openWB/", raw=False)


ONLY_2 = [
    "chargepoint/5/get/power",
    "counter/0/get/power",
    "bat/get/soc",
    "vehicle/1/name",
    "general/extern",
    "optional/ep/get/prices",
    "system/time",
    "system/version",
    "system/update_in_progress",
    "system/messages/1795330076867",
    "system/security/access/Status",
]
ONLY_19 = [
    "lp/1/W",
    "evu/W",
    "housebattery/%Soc",
    "global/ChargeMode",
    "Verbraucher/1/Watt",
    "system/Timestamp",
    "system/Version",
    "system/updateInProgress",
    "system/priceForKWh",
]
OF_BOTH = ["pv/1/W", "pv/get/power", "system/IpAddress", "system", "set/chargepoint/1", "foo", ""]


@pytest.mark.parametrize("topic", ONLY_2)
@pytest.mark.parametrize("retained", [False, True])
def test_evidence_for_2x_decides_at_once(topic: str, retained: bool) -> None:
    assert choice().take(f"openWB/{topic}", b"1", retained) == TWO


@pytest.mark.parametrize("topic", ONLY_19)
@pytest.mark.parametrize("retained", [False, True])
def test_evidence_for_19_decides_when_the_flood_has_ended(topic: str, retained: bool) -> None:
    chosen = choice()
    assert chosen.take(f"openWB/{topic}", b"1", retained) is None
    assert chosen.flood_ended() == NINE
    assert chosen.dialect == NINE


@pytest.mark.parametrize("topic", ONLY_19)
def test_evidence_for_19_after_the_flood_decides_at_once(topic: str) -> None:
    chosen = choice()
    assert chosen.flood_ended() is None
    assert chosen.take(f"openWB/{topic}", b"1", False) == NINE


@pytest.mark.parametrize("topic", OF_BOTH)
def test_what_both_have_or_none_tells_nothing(topic: str) -> None:
    chosen = choice()
    assert chosen.take(f"openWB/{topic}", b"1", True) is chosen.flood_ended() is None


def test_a_deletion_and_another_prefix_are_no_evidence() -> None:
    chosen = choice()
    chosen.take("openWB/lp/1/W", b"", False)
    chosen.take("openWB/chargepoint/1/get/power", b"", False)
    chosen.take("haus/chargepoint/1/get/power", b"1", False)
    assert chosen.flood_ended() is None


def test_leftovers_of_19_do_not_hide_a_2x() -> None:
    for order in (ONLY_19 + ONLY_2, ONLY_2 + ONLY_19):
        chosen = choice()
        for topic in order:
            chosen.take(f"openWB/{topic}", b"1", True)
        assert chosen.flood_ended() == TWO
    chosen = choice()
    chosen.take("openWB/lp/1/W", b"1", True)
    assert chosen.flood_ended() == NINE
    assert chosen.take("openWB/chargepoint/1/get/power", b"1", False) == TWO


def test_a_live_heartbeat_decides_over_leftovers_of_the_other() -> None:
    chosen = choice()
    assert chosen.take("openWB/chargepoint/5/get/power", b"1", True) == TWO
    assert beats(chosen, NINE, 100, retained=True) == TWO
    assert beats(chosen, NINE, 110) == NINE
    assert chosen.take("openWB/chargepoint/5/get/power", b"2", False) == NINE


def test_what_is_no_live_heartbeat() -> None:
    retained = choice(TWO)
    assert beats(retained, NINE, 100, 110, 120, 130, retained=True) == TWO
    same = choice(TWO)
    assert beats(same, NINE, 100, 100, 100, 100) == TWO
    broken = choice(TWO)
    for payload in (b"1", b"x", b"", b"null", b"1"):
        broken.take(BEAT[NINE], payload, False)
    assert broken.dialect == TWO


def test_what_the_connection_before_decided_holds_against_all_that_is_no_heartbeat() -> None:
    chosen = choice(NINE)
    for topic in ONLY_2:
        assert chosen.take(f"openWB/{topic}", b"1", True) == NINE
    assert chosen.flood_ended() == NINE


@pytest.mark.parametrize(("old", "new"), [(NINE, TWO), (TWO, NINE)])
def test_another_dialect_takes_over_with_two_live_heartbeats(old: Dialect, new: Dialect) -> None:
    chosen = choice()
    assert beats(chosen, old, 100, 110, 120) == old
    assert beats(chosen, new, 125, 135) == old
    assert beats(chosen, new, 145) == new
    assumed = choice(old)
    assert beats(assumed, new, 100, retained=True) == old
    assert beats(assumed, new, 110) == old
    assert beats(assumed, new, 120) == new


@pytest.mark.parametrize("assumed", [None, TWO, NINE])
def test_two_boxes_on_one_broker_do_not_throw_each_other_out(assumed: Dialect | None) -> None:
    chosen = choice(assumed)
    beats(chosen, TWO, 100)
    beats(chosen, NINE, 101)
    first = beats(chosen, TWO, 110) if assumed is None else assumed
    for time in range(111, 300, 10):
        assert beats(chosen, NINE, time) == first
        assert beats(chosen, TWO, time + 9) == first


@pytest.mark.parametrize("setting", DIALECTS)
def test_a_dialect_that_is_set_holds_whatever_comes(setting: Dialect) -> None:
    other = next(dialect for dialect in DIALECTS if dialect != setting)
    chosen = DialectChoice(setting, "openWB/", assumed=other)
    for topic in (*ONLY_2, *ONLY_19):
        chosen.take(f"openWB/{topic}", b"1", False)
    assert beats(chosen, other, 1, 2, 3, 4) == setting
    assert chosen.flood_ended() == setting
    assert chosen.subscriptions(raw=False) == subscriptions_for(setting, "openWB/", raw=False)


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("assumed", [None, TWO, NINE])
def test_no_two_subscriptions_bring_the_same_message(assumed: Dialect | None, raw: bool) -> None:
    subscribed = choice(assumed).subscriptions(raw)
    for one, other in itertools.permutations(subscribed, 2):
        assert not overlap(one.split("/"), other.split("/")), (one, other)
    for topic in BEAT.values():
        assert sum(covers(one, topic) for one in subscribed) == 1
    for dialect in DIALECTS if assumed is None else (assumed,):
        for wanted in subscriptions_for(dialect, "openWB/", raw):
            assert any(covers(one, wanted) for one in subscribed)


def overlap(one: list[str], other: list[str]) -> bool:
    """Whether some topic matches both patterns."""
    if not one or not other:
        return one in ([], ["#"]) and other in ([], ["#"])
    if "#" in (one[0], other[0]):
        return True
    return (one[0] == other[0] or "+" in (one[0], other[0])) and overlap(one[1:], other[1:])


@pytest.mark.parametrize(
    ("name", "dialect"), [("v19-retained", NINE), ("v19-session", NINE), ("v2-retained", TWO), ("v2-session", TWO)]
)
def test_the_captures_are_recognised(name: CaptureName, dialect: Dialect) -> None:
    chosen = choice()
    for message in load_capture(name):
        chosen.take(message.topic, message.payload.encode(), retained=name.endswith("retained"))
    assert chosen.flood_ended() == dialect


@given(st.permutations([*load_capture("v19-retained")[::4], *load_capture("v2-retained")[::4]]))
def test_a_broker_with_the_retained_topics_of_both_has_a_2x_behind_it_in_any_order(messages: list) -> None:  # type: ignore[type-arg] # of Recorded
    chosen = choice()
    for message in messages:
        chosen.take(message.topic, message.payload.encode(), True)
    assert chosen.flood_ended() == TWO
