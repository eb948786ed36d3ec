import json
from typing import Any

import pytest

from gateway.simulator.openwb2.commands import is_command, is_message
from gateway.simulator.scenes import Stay
from tests.support.simulated2 import RECORDED_AT, Simulated2, told

EVERYTHING: dict[str, dict[str, Any]] = {
    "chargepoint": {"id": []},
    "vehicle": {"id": [], "tag": [], "chargemode": []},
}
NOVEMBER = {"year": "2026", "month": "11", "filter": EVERYTHING}
EMPTY: dict[str, Any] = {"entries": [], "totals": {}}
UNKNOWN = "command/tester/messages"


@pytest.fixture(scope="module")
def home() -> Simulated2:
    """A car has charged at each charge point, one of them with a tag."""
    home = Simulated2(
        stays=(
            Stay(vehicle_id=1, chargepoint_id=5, plugs_in_s=15, leaves_s=300, id_tag="04A1B2C3D4"),
            Stay(vehicle_id=3, chargepoint_id=6, plugs_in_s=15, leaves_s=400),
        )
    )
    home.loops(45)
    return home


def answer(messages: list[tuple[str, str]], topic: str) -> Any:
    (payload,) = [payload for name, payload in messages if name == topic]
    return json.loads(payload)


def log(home: Simulated2, data: Any) -> Any:
    return answer(told(home.command("getChargeLog", data)), "log/tester/data")


def test_the_log_is_answered_as_recorded(home: Simulated2) -> None:
    messages = home.command("getChargeLog", NOVEMBER)
    topics = [(name, bool(payload)) for name, payload in told(messages)]
    assert topics == [
        ("set/command/tester/todo/getChargeLog", False),
        ("set/log/tester/data", True),
        ("log/tester/data", True),
        ("set/log/tester/data", False),
        ("set/command/command_completed", True),
        ("set/command/command_completed", False),
    ]
    assert [m.retain for m in messages if m.topic == "openWB/log/tester/data"] == [False]
    found = answer(told(messages), "log/tester/data")
    assert [entry["chargepoint"]["id"] for entry in found["entries"]] == [5, 6]
    assert found["entries"][0]["vehicle"]["rfid"] == "04A1B2C3D4"


def test_a_command_may_stand_at_the_plain_topic_too(home: Simulated2) -> None:
    messages = told(home.command("getChargeLog", NOVEMBER, named=False))
    assert messages[0] == ("set/command/tester/todo", "")
    assert len(answer(messages, "log/tester/data")["entries"]) == 2


@pytest.mark.parametrize(
    ("part", "member", "choices", "count"),
    [
        ("chargepoint", "id", [5], 1),
        ("chargepoint", "id", [5, 6], 2),
        ("vehicle", "id", [1], 1),
        ("vehicle", "tag", ["04A1B2C3D4"], 1),
        ("vehicle", "tag", ["nobody"], 0),
        ("vehicle", "chargemode", ["instant_charging"], 2),
        ("vehicle", "chargemode", ["pv_charging"], 0),
        ("vehicle", "prio", True, 0),
        ("vehicle", "prio", False, 2),
    ],
)
def test_the_log_is_filtered(home: Simulated2, part: str, member: str, choices: Any, count: int) -> None:
    wanted = json.loads(json.dumps(EVERYTHING))
    wanted[part][member] = choices
    assert len(log(home, NOVEMBER | {"filter": wanted})["entries"]) == count


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        {"year": "2026", "month": "11"},
        {"year": "2026", "month": 11, "filter": EVERYTHING},
        {"year": "2026", "month": "1", "filter": EVERYTHING},
        {"year": "2026", "month": "no", "filter": EVERYTHING},
        {"year": "2026", "month": "\ud800", "filter": EVERYTHING},
        {"year": "2026", "month": "10", "filter": EVERYTHING},
        {"year": "2026", "month": "11", "filter": {"chargepoint": {"id": []}}},
        {"year": "2026", "month": "11", "filter": {"chargepoint": {"id": ["5"]}, "vehicle": EVERYTHING["vehicle"]}},
    ],
)
def test_another_shape_or_an_empty_month_is_answered_with_nothing(home: Simulated2, data: Any) -> None:
    assert log(home, data) == EMPTY


def test_the_year_may_be_a_number(home: Simulated2) -> None:
    assert len(log(home, NOVEMBER | {"year": 2026})["entries"]) == 2


@pytest.mark.parametrize(
    ("name", "date", "topic"),
    [
        ("getDailyLog", "20261122", "log/daily/20261122"),
        ("getMonthlyLog", "202611", "log/monthly/202611"),
        ("getYearlyLog", "2026", "log/yearly/2026"),
    ],
)
def test_the_meters_history_is_answered(home: Simulated2, name: str, date: str, topic: str) -> None:
    found = answer(told(home.command(name, {"date": date})), topic)
    assert found.keys() == {"entries", "names", "colors", "totals", "message"}
    assert found["entries"]
    assert found["names"]["cp5"] == "Carport links"


@pytest.mark.parametrize("data", [None, {}, {"date": 20261122}, {"date": "../x"}])
def test_a_history_of_no_day_is_not_answered(home: Simulated2, data: Any) -> None:
    assert not [name for name, _ in told(home.command("getDailyLog", data)) if name.startswith("log/")]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("doesNotExist", "Unbekannter Befehl: 'doesNotExist'"),
        ("systemReboot", "Die simulierte openWB führt den Befehl 'systemReboot' nicht aus."),
    ],
)
def test_other_commands_are_answered_with_a_message(name: str, text: str) -> None:
    home = Simulated2()
    home.command(name, {})
    topic = f"{UNKNOWN}/{int(RECORDED_AT * 1000)}"
    assert home.value(topic) == {
        "source": "command",
        "type": "danger",
        "message": text,
        "timestamp": int(RECORDED_AT),
    }


def test_a_message_stays_until_its_client_deletes_it() -> None:
    home = Simulated2()
    home.command("doesNotExist", {})
    (topic,) = [topic.removeprefix("openWB/") for topic in home.retained if "/messages/" in topic]
    home.boot()
    assert f"openWB/{topic}" in home.retained
    home.delete(topic)
    home.delete("chargepoint/5/config")  # nobody may; the box goes on
    home.boot()
    assert f"openWB/{topic}" not in home.retained
    assert f"openWB/{topic}" not in {message.topic for message in home.boot()}


@pytest.mark.parametrize("payload", [b"5", b'{"command": 5}', b"{}", b"text"])
def test_what_is_no_command_is_only_cleared(payload: bytes) -> None:
    messages = told(Simulated2().write_raw("command/tester/todo/x", payload))
    assert messages == [("set/command/tester/todo/x", "")]


def test_topics_of_commands() -> None:
    assert is_command("command/5/todo")
    assert is_command("command/me/todo/x")
    assert not is_command("command/me/messages/5")
    assert not is_command("command/me")
    assert is_message("command/me/messages/5")
    assert not is_message("chargepoint/5/config")
