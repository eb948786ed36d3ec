"""Every set topic: what is taken, what is only cleared, what is not even heard."""

import json
from typing import Any

import pytest

from gateway.simulator.openwb2.versions import VersionName
from gateway.simulator.openwb2.writes import COMMON, ONLY_SINCE_2_1_8
from tests.support.simulated2 import Simulated2, told

LISTS = ["T1", "T2"]
PV = "general/chargemode_config/pv_charging"
TAKEN: list[tuple[str, list[Any], list[Any]]] = [
    # topic, what is taken, what is refused
    ("chargepoint/5/set/manual_lock", [True, False, 0, 1], [2, -1, 1.0, "true", None, []]),
    ("chargepoint/5/config/ev", [0, 1, 3], [-1, 1.0, "1", None, True]),
    ("chargepoint/5/get/rfid", ["04A1B2C3D4", ""], [12345, None, ["04A1B2C3D4"]]),
    ("chargepoint/5/set/charge_template", [{}, {"id": 0}, [], 5, None, "text"], []),
    ("chargepoint/5/set/current", [0, 16, 16.5, -20], [451, "16", None, True]),
    ("chargepoint/5/set/phases_to_use", [0, 3], [4, 3.0, None]),
    ("chargepoint/5/get/voltages", [[230, 230.5, 0]], [[230, 230], [230, 230, 501], 230, None]),
    ("chargepoint/5/get/power", [0, -2.5], ["1", None, [1]]),
    ("chargepoint/5/get/imported", [0, 1.5], [-1]),
    ("chargepoint/5/get/plug_state", [True, 0], [2, None]),
    ("chargepoint/5/get/frequency", [50, 49.9], [39.9, 61]),
    ("chargepoint/template/0", [{"id": 0}], []),
    ("vehicle/1/soc_module/calculated_soc_state/manual_soc", [0, 42, 42.5, 100], [-1, 100.5, 140, "42", None, True]),
    ("vehicle/1/get/force_soc_update", [True, False, 1, 0], ["true", 2, None]),
    ("vehicle/1/get/soc", [0, 99.5], [100.1, -1, None]),
    ("vehicle/1/get/range", [0, 1000], [1001]),
    ("vehicle/1/soc_module/config", [{"type": None, "configuration": {}}, {"type": "quantum"}], []),
    ("vehicle/1/soc_module/general_config", [{"request_interval_charging": 60}], []),
    ("vehicle/1/tag_id", [[], LISTS], ["T1", [1], None, {}]),
    ("vehicle/1/name", ["Zoé"], [5, None, []]),
    ("vehicle/1/charge_template", [0, 1], [-1, 1.0, "1"]),
    ("vehicle/1/ev_template", [0, 1], [-1, 0.5]),
    ("vehicle/1/color", ["#ffffff"], [7]),
    ("vehicle/template/charge_template/0", [{"id": 0}], []),
    ("vehicle/template/ev_template/1", [{"id": 1}], []),
    ("mqtt/vehicle/1/get/soc", [0, 47.9, 100], [101, -1, "47", None]),
    ("mqtt/vehicle/1/get/range", [0, 71.7, 1000], [1000.1]),
    ("mqtt/vehicle/1/get/soc_timestamp", [1795330610, 1795330610.5], [4102444801, -1, None]),
    ("mqtt/vehicle/1/get/odometer", [23110.0, None], ["far"]),
    ("mqtt/counter/0/get/power", [-500.5], ["much"]),
    ("general/control_interval", [10, 20, 60], [15, 10.0, "10", None, True]),
    ("general/prices/grid", [0, 0.00035, 99.99], [-0.1, 100, "1", None]),
    ("general/prices/pv", [0.00008], [100]),
    ("general/prices/bat", [0.0002], [100]),
    ("general/temporary_charge_templates_active", [True, 0], [2, "yes"]),
    (f"{PV}/bat_mode", ["bat_mode", "ev_mode", "min_soc_bat_mode", "anything"], [1, None]),
    (f"{PV}/bat_power_reserve", [0, 350.5], [-1, "1"]),
    (f"{PV}/min_bat_soc", [0, 100], [101, 50.0, -1]),
    (f"{PV}/max_bat_soc", [70], [101, "70"]),
    (f"{PV}/switch_on_delay", [30], [30.5, "30"]),
    (f"{PV}/retry_failed_phase_switches", [True, 1], [3]),
    (f"{PV}/control_range", [[0, 230]], []),
    ("bat/config/bat_control_activated", [True], ["on"]),
    ("bat/config/power_limit_mode", ["mode_charge_pv_production"], [1]),
    ("bat/config/manual_mode", ["manual_limit"], [None]),
    ("bat/config/bat_control_min_soc", [0, 20], [101, 5.5]),
    ("bat/config/price_limit", [0.3, 1], [100, -1]),
    ("optional/rfid/active", [True, False, 0], ["no", 3]),
    ("counter/0/config/max_currents", [[35, 35, 35]], [[5, 35, 35], 35]),
]
NOT_THERE = [
    "chargepoint/9/set/manual_lock",
    "chargepoint/template/7",
    "vehicle/2/name",
    "vehicle/template/charge_template/9",
    "vehicle/template/ev_template/9",
    "counter/4/get/power",
    "pv/2/get/power",
    "bat/1/get/power",
    "mqtt/vehicle/2/get/soc",
]


@pytest.fixture(scope="module")
def home() -> Simulated2:
    return Simulated2()


def replies(home: Simulated2, topic: str, value: Any) -> tuple[list[tuple[str, str]], bool]:
    """What came of it, and whether the set topic was cleared."""
    messages = told(home.write(topic, value))
    return messages, (f"set/{topic}", "") in messages


@pytest.mark.parametrize(
    ("topic", "value"), [(topic, value) for topic, values, _ in TAKEN for value in values], ids=repr
)
def test_what_fits_is_published_and_cleared(home: Simulated2, topic: str, value: Any) -> None:
    messages, cleared = replies(home, topic, value)
    assert cleared
    shown = {"chargepoint/5/config/ev": "chargepoint/5/config"}.get(topic, topic.removesuffix("/manual_soc"))
    echoes = [payload for name, payload in messages if name == shown]
    assert echoes, messages
    if shown == topic and topic != "vehicle/1/get/force_soc_update":
        expected = bool(value) if value in (0, 1) and isinstance(json.loads(echoes[0]), bool) else value
        assert json.loads(echoes[0]) == expected


@pytest.mark.parametrize(
    ("topic", "value"), [(topic, value) for topic, _, values in TAKEN for value in values], ids=repr
)
def test_what_does_not_fit_is_only_cleared(home: Simulated2, topic: str, value: Any) -> None:
    before = dict(home.retained)
    assert told(home.write(topic, value)) == [(f"set/{topic}", "")]
    assert home.retained == before


@pytest.mark.parametrize("topic", NOT_THERE)
def test_an_unknown_id_is_neither_cleared_nor_changed(home: Simulated2, topic: str) -> None:
    assert home.write(topic, "x") == []


@pytest.mark.parametrize("topic", ["foo/bar", "openWB/set/chargepoint", "chargepoint"])
def test_an_unknown_branch_is_not_heard(home: Simulated2, topic: str) -> None:
    assert home.write(topic, 1) == []


@pytest.mark.parametrize(
    "topic",
    [
        "chargepoint/5/set/colour",
        "general/nonsense",
        "vehicle/1/get/height",
        "vehicle/template/charge_template/0/chargemode/selected",  # up to 2.1.7
        "vehicle/template/charge_template/0/chargemode/scheduled_charging/plans/0",
    ],
)
def test_an_unknown_leaf_is_only_cleared(home: Simulated2, topic: str) -> None:
    before = dict(home.retained)
    assert told(home.write(topic, "stop")) == [(f"set/{topic}", "")]
    assert home.retained == before


def test_text_without_quotes_is_a_string(home: Simulated2) -> None:
    home.write_raw(f"{PV}/bat_mode", b"ev_mode")
    assert home.value(f"{PV}/bat_mode") == "ev_mode"
    assert told(home.write_raw("general/control_interval", b"ten")) == [("set/general/control_interval", "")]
    assert told(home.write_raw("chargepoint/5/set/charge_template", b"{")) == [
        ("set/chargepoint/5/set/charge_template", "")
    ]


def test_no_number_is_no_number(home: Simulated2) -> None:
    for payload in (b"NaN", b"Infinity"):
        assert len(home.write_raw("general/prices/grid", payload)) == 1


def test_a_deletion_is_not_heard(home: Simulated2) -> None:
    assert home.write_raw("chargepoint/5/set/manual_lock", b"") == []


def test_the_clear_comes_after_the_echo_as_recorded(home: Simulated2) -> None:
    echo, clear = home.write("chargepoint/6/set/manual_lock", value=True)
    assert (echo.after_s, clear.after_s) == (0.001, 0.043)
    assert (echo.retain, clear.retain) == (True, True)


@pytest.mark.parametrize("version", ["2.2.2", "2.1.7"])
def test_every_row_belongs_to_a_topic_that_somebody_publishes(version: VersionName) -> None:
    """Or to an input; a row for a topic that does not exist would promise something."""
    home = Simulated2(version=version)
    rows = COMMON | (ONLY_SINCE_2_1_8 if version == "2.2.2" else {})
    assert len(rows) > 70
    branches = {topic.split("/")[1] for topic in home.retained}
    assert {row.split("/")[0] for row in rows} - branches <= {"mqtt"}
