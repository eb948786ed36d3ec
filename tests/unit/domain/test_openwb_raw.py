import pytest

from gateway.domain.catalogue import check
from gateway.domain.openwb_raw import raw_key, raw_text


@pytest.mark.parametrize(
    "topic", ["lp/1/%Soc", "chargepoint/5/get/power", "system/Uptime", "lp/1/strChargePointName=A "]
)
def test_a_topic_is_its_own_key(topic: str) -> None:
    assert raw_key(topic) == f"raw/{topic}"


@pytest.mark.parametrize("topic", ["", "a//b", "a/+", "a/#", "a\nb", "a\ud800", "x" * 300, "a/\x00"])
def test_no_key_that_no_pattern_could_name(topic: str) -> None:
    assert raw_key(topic) is None


@pytest.mark.parametrize(
    "topic",
    [
        "vehicle/1/soc_module/config",
        "system/mqtt/bridge/1",
        "set/lp/1/manualSoc",
        "config/set/pv/minCurrentMinPv",
        "config/get/SmartHome/Devices/1/mode",
        "config/get/display/displayPinCode",
        "config/get/soc/lp1Password",
        "system/MonthLadelogData12",
        "system/DayGraphData1",
        "system/LiveGraphData",
        "system/10alllivevalues",
        "lp/1/Accounting",
        "graph/lastlivevalues",
    ],
)
def test_the_secrets_histories_and_logs_of_both_dialects_stay(topic: str) -> None:
    assert raw_key(topic) is None


def test_payloads_as_text() -> None:
    assert raw_text(b" 11.50 ") == " 11.50 "
    assert raw_text(b"\xff") == "\ufffd"
    assert raw_text(b"") is None
    assert raw_text(b'{"password": "pa55"}') is None
    long = raw_text(b"x" * 100_000)
    assert check("raw/general/long", long)
