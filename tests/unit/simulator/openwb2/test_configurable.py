import json

from gateway.simulator.openwb2.configurable import CONFIGURABLE, SOC_DEFAULTS, SOC_MODULES
from gateway.simulator.openwb2.settings import soc_module_config
from tests.support.captures import load_capture

RECORDED = {
    m.topic.rpartition("/")[2]: json.loads(m.payload)
    for m in load_capture("v2-retained")
    if "/configurable/" in m.topic
}


def test_the_soc_modules_are_all_there_with_their_empty_members() -> None:
    assert RECORDED["soc_modules"] == SOC_MODULES


def test_the_other_catalogues_have_the_recorded_shape() -> None:
    assert CONFIGURABLE.keys() == RECORDED.keys()
    for name, recorded in RECORDED.items():
        ours = CONFIGURABLE[name]
        assert type(ours) is type(recorded)
        if isinstance(ours, list):
            assert all(choice.keys() in [other.keys() for other in recorded] for choice in ours)


def test_a_module_begins_with_its_defaults() -> None:
    assert soc_module_config("mqtt") == SOC_DEFAULTS["mqtt"]
    assert soc_module_config(None) == {"type": None, "configuration": {}}
    assert soc_module_config("own") == {"type": "own", "configuration": {}}
