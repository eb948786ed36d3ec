"""Commands: ``set/command/<client>/todo`` and, since 2.2, ``…/todo/<name>`` (openWB.md 4.3 and 5).

A command is cleared at once and answered a moment later: a log with its data, which is not retained, everything else
with a message for the client, which is, until the client deletes it.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import msgspec

from gateway.simulator.openwb2 import charge_log, rules
from gateway.simulator.openwb2.history import FORMATS, History
from gateway.simulator.openwb2.mind import Mind
from gateway.simulator.openwb2.speech import CLEAR_S, SET, Burst

LOOKS_UP_S: Final = 1.0  # a daily log takes about a second
TODO: Final = "todo"
# what a real box would do besides; here only refused with a message of its own
REAL_ONLY: Final = frozenset(
    [
        "addVehicle",
        "removeVehicle",
        "addChargeTemplate",
        "removeChargeTemplate",
        "addChargeTemplateSchedulePlan",
        "removeChargeTemplateSchedulePlan",
        "addChargeTemplateTimeChargingPlan",
        "removeChargeTemplateTimeChargingPlan",
        "addEvTemplate",
        "removeEvTemplate",
        "addChargepoint",
        "removeChargepoint",
        "addChargepointTemplate",
        "removeChargepointTemplate",
        "addAutolockPlan",
        "removeAutolockPlan",
        "addDevice",
        "removeDevice",
        "addComponent",
        "removeComponent",
        "addIoDevice",
        "removeIoDevice",
        "addIoAction",
        "removeIoAction",
        "addMqttBridge",
        "removeMqttBridge",
        "chargepointReboot",
        "systemReboot",
        "systemShutdown",
        "systemUpdate",
        "systemFetchVersions",
        "createBackup",
        "createCloudBackup",
        "restoreBackup",
        "factoryReset",
        "dataMigration",
        "sendDebug",
        "initCloud",
        "connectCloud",
        "removeCloudBridge",
    ]
)


class Command(msgspec.Struct, frozen=True):
    """A command, its client, and when it came."""

    client: str
    name: str
    data: Any
    time_s: float


class Memory(msgspec.Struct, frozen=True):
    """What answers are made of."""

    mind: Mind
    history: History


Answer: TypeAlias = Callable[[Memory, Burst, Command], None]


def is_command(topic: str) -> bool:
    levels = topic.split("/")
    return len(levels) in (3, 4) and levels[0] == "command" and levels[2] == TODO


def do(memory: Memory, burst: Burst, topic: str, payload: bytes, time_s: float) -> None:
    """``topic`` without ``openWB/set/``."""
    _, client, _, *named = topic.split("/")
    what = rules.given(payload).value
    burst.cleared(topic)
    if (named and not memory.mind.version.named_commands) or not isinstance(what, dict):
        return
    name = what.get("command")
    if not isinstance(name, str):
        return
    command = Command(client, name, what.get("data"), time_s)
    _ANSWERS.get(name, _message)(memory, burst, command)
    burst.echoed(("command/command_completed", True))


def _charge_log(memory: Memory, burst: Burst, command: Command) -> None:
    """Another shape, or a month without entries: an empty answer."""
    mind = memory.mind
    what = charge_log.asked(command.data)
    month = what.year_and_month if what is not None else None
    answer = charge_log.EMPTY
    if what is not None and month is not None:
        answer = charge_log.charge_log(mind.state, mind.box.entries(*month), what, mind.version)
    burst.pause(CLEAR_S)
    burst.answer(f"log/{command.client}/data", answer)


def _history(kind: str) -> Answer:
    def answer(memory: Memory, burst: Burst, command: Command) -> None:
        date = command.data.get("date") if isinstance(command.data, dict) else None
        burst.pause(LOOKS_UP_S)
        if isinstance(date, str) and date.isdecimal():
            burst.answer(f"log/{kind}/{date}", memory.history.answer(memory.mind.state, kind, date))

    return answer


def _message(memory: Memory, burst: Burst, command: Command) -> None:
    text = f"Unbekannter Befehl: '{command.name}'"
    if command.name in REAL_ONLY:
        text = f"Die simulierte openWB führt den Befehl '{command.name}' nicht aus."
    topic = f"command/{command.client}/messages/{int(command.time_s * 1000)}"
    message = {"source": "command", "type": "danger", "message": text, "timestamp": int(command.time_s)}
    memory.mind.kept[topic] = message
    burst.pause(CLEAR_S)
    burst.echoed((topic, message))


def dismiss(mind: Mind, topic: str) -> None:
    """A client has deleted its message."""
    mind.kept.pop(topic, None)
    mind.speech.forget(topic)


def is_message(topic: str) -> bool:
    levels = topic.split("/")
    return levels[0] == "command" and levels[2:3] == ["messages"] and not topic.startswith(SET)


_ANSWERS: Final[Mapping[str, Answer]] = {
    "getChargeLog": _charge_log,
    **{f"get{kind.capitalize()}Log": _history(kind) for kind in FORMATS},
}
