import json

import pytest

from gateway.simulator.openwb2.speech import MOST_ON_THE_WAY, Burst, Raw, Speech, Written, encode, hidden


def sent(burst: Burst) -> list[tuple[str, str, bool]]:
    return [(message.topic, message.payload, message.retain) for message in burst.messages]


def test_a_value_crosses_the_broker_three_times() -> None:
    burst = Burst(Speech())
    burst.echoed(("a/get/x", 1), ("a/get/y", None))
    assert sent(burst) == [
        ("openWB/set/a/get/x", "1", True),
        ("openWB/set/a/get/y", "null", True),
        ("openWB/a/get/x", "1", True),
        ("openWB/set/a/get/x", "", True),
        ("openWB/a/get/y", "null", True),
        ("openWB/set/a/get/y", "", True),
    ]
    assert [message.after_s for message in burst.messages] == [0.0, 0.0, 0.001, 0.001, 0.001, 0.001]


def test_a_hidden_value_only_flashes_by() -> None:
    burst = Burst(Speech())
    burst.echoed(("chargepoint/5/control_parameter/state", 4))
    assert [topic for topic, _, _ in sent(burst)] == ["openWB/set/chargepoint/5/control_parameter/state"] * 2


@pytest.mark.parametrize(
    ("topic", "is_hidden"),
    [
        ("chargepoint/5/control_parameter/phases", True),
        ("chargepoint/12/set/required_power", True),
        ("chargepoint/5/set/current", False),
        ("chargepoint/5/set/current_prev", True),
        ("bat/set/charging_power_left", True),
        ("counter/0/set/reserved_surplus", True),
        ("counter/set/home_consumption", False),
        ("vehicle/set/vehicle_update_completed", False),
        ("vehicle/1/set/soc_error_counter", True),
        ("command/command_completed", True),
        ("command/me/messages/1", False),
    ],
)
def test_what_the_bridge_of_the_box_does_not_let_out(topic: str, is_hidden: bool) -> None:
    assert hidden(topic) is is_hidden


def test_only_what_has_changed_is_said_and_a_hidden_value_is_remembered_too() -> None:
    speech = Speech()
    for expected in (5, 0):
        burst = Burst(speech)
        burst.changed([("bat/get/soc", 50), ("bat/set/charging_power_left", 1)])
        assert len(burst.messages) == expected
    speech.forget("bat/get/soc")
    burst = Burst(speech)
    burst.changed([("bat/get/soc", 50)])
    assert len(burst.messages) == 3


def test_a_boolean_may_be_set_as_a_number() -> None:
    burst = Burst(Speech())
    burst.echoed(("x", Written(1, value=True)))
    assert [payload for _, payload, _ in sent(burst)] == ["1", "true", ""]


def test_an_answer_is_not_retained_at_its_topic() -> None:
    burst = Burst(Speech())
    burst.answer("log/me/data", {})
    assert [(payload, retain) for _, payload, retain in sent(burst)] == [("{}", True), ("{}", False), ("", True)]


def test_our_own_messages_are_known_when_they_come_back() -> None:
    speech = Speech()
    Burst(speech).echoed(("x", 1), ("y", 2))
    assert not speech.is_own("set/x", "2")
    assert speech.is_own("set/x", "1")
    assert not speech.is_own("set/x", "1")
    assert speech.is_own("set/y", "2")


def test_bursts_overlap_so_the_order_does_not_count() -> None:
    speech = Speech()
    Burst(speech).echoed(("x", 1), ("x", 1), ("y", 2))
    assert speech.is_own("set/y", "2")
    assert [speech.is_own("set/x", "1") for _ in range(3)] == [True, True, False]


def test_the_way_is_bounded_and_a_restart_forgets_it() -> None:
    speech = Speech()
    Burst(speech).echoed(*((f"x{number}", 1) for number in range(MOST_ON_THE_WAY + 1)))
    assert not speech.is_own("set/x0", "1")
    assert speech.is_own("set/x1", "1")
    speech.forget_the_way()
    assert not speech.is_own("set/x2", "1")


def test_payloads_are_written_as_the_box_writes_them() -> None:
    assert encode({"a": "ö", "b": [1.0, None]}) == '{"a": "\\u00f6", "b": [1.0, null]}'
    assert encode(Raw("-")) == "-"
    assert json.loads(encode(value=True)) is True


def test_the_confirmation_of_a_hidden_value_is_only_its_clear() -> None:
    burst = Burst(Speech())
    burst.confirm("chargepoint/5/set/required_power", 5)
    burst.confirm("chargepoint/5/set/manual_lock", value=True)
    assert [topic for topic, _, _ in sent(burst)] == [
        "openWB/set/chargepoint/5/set/required_power",
        "openWB/chargepoint/5/set/manual_lock",
        "openWB/set/chargepoint/5/set/manual_lock",
    ]


def test_a_flash_is_deleted_at_once() -> None:
    burst = Burst(Speech())
    burst.flash("system/subdata_initialized", value=True)
    assert [payload for _, payload, _ in sent(burst)] == ["true", ""]
