"""What of a 2.x shows as it is, and what never does."""

import pytest

from gateway.domain.catalogue import check
from gateway.domain.errors import Unreadable
from gateway.domain.openwb2 import OpenWB2Reader
from gateway.domain.values import REMOVED
from tests.support.box import Box

SECRET = "pa55-w0rd"


def test_no_secret_of_a_soc_module_ever_leaves() -> None:
    config = {
        "type": "tesla",
        "name": "Tesla",
        "official": True,
        "configuration": {"token": SECRET, "password": SECRET, "user": [SECRET, {"deep": SECRET}]},
    }
    box = Box(raw=True)
    told = [
        box.say("vehicle/1/soc_module/config", config),
        box.say("vehicle/1/soc_module/calculated_soc_state", config),
        box.say("set/vehicle/1/soc_module/config", config),
        box.say("system/mqtt/bridge/1", config),
        box.say("system/device/1/config", config),
        box.say("optional/ep/flexible_tariff/provider", config),
        box.say("optional/something/new", config),
        box.write("optional/something/else", f'{{\'broken "password": "{SECRET}"'.encode()),
    ]
    assert SECRET not in str(told)
    assert box.values == {"vehicles/1/soc_module": {"type": "tesla", "name": "Tesla"}}
    with pytest.raises(Unreadable) as unreadable:
        box.say("vehicle/1/soc_module/config", {"type": {"token": SECRET}})
    assert SECRET not in str(unreadable.value)


def test_raw_shows_payloads_as_they_are() -> None:
    box = Box(raw=True)
    box.write("chargepoint/5/get/power", b" 11.50 ")
    box.write("general/range_unit", b"\xff")
    assert box.values == {
        "chargepoints/5/power_w": 11.5,
        "raw/chargepoint/5/get/power": " 11.50 ",
        "raw/general/range_unit": "\ufffd",
    }
    assert box.delete("general/range_unit") == {"raw/general/range_unit": REMOVED}
    long = box.write("general/long", b"x" * 100_000)["raw/general/long"]
    assert isinstance(long, str)
    assert check("raw/general/long", long)
    assert long.endswith("…")


@pytest.mark.parametrize("topic", ["", "a//b", "a/+", "a/#", "a\nb", "a\ud800", "x" * 300, "a/\x00"])
def test_raw_makes_no_key_that_no_pattern_could_name(topic: str) -> None:
    assert Box(raw=True).write(topic, b"1") == {}


def test_raw_forgets_what_turns_into_a_secret() -> None:
    box = Box(raw=True)
    box.say("general/new", {"open": 1})
    assert box.say("general/new", {"password": SECRET}) == {"raw/general/new": REMOVED}


def test_without_raw_unknown_and_ignored_topics_give_nothing() -> None:
    box = Box()
    assert box.say("foo/bar", 1) == box.say("general/range_unit", "km") == {}
    assert OpenWB2Reader().read("openWB-remote/x", b"1") == {}
