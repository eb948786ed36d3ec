"""What a valid write does. Each takes the mind, the burst of answers, the ids of the topic and the value.

The echo of a write comes at once; what it means for charging comes with the next loop.
"""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import msgspec

from gateway.simulator.openwb2.configurable import SOC_DEFAULTS
from gateway.simulator.openwb2.controlled import vehicle_known
from gateway.simulator.openwb2.measured import NO_FAULT, readings_of
from gateway.simulator.openwb2.mind import TEMPLATES, Mind
from gateway.simulator.openwb2.speech import CLEAR_S, ECHO_S, Burst, Said

BAT_MODES: Final = ("ev_mode", "bat_mode", "min_soc_bat_mode")
POLL_S: Final = 1.0  # a module that asks somewhere needs about a second


class Write(msgspec.Struct, frozen=True):
    """A valid write. ``ids`` are those of the topic, from left to right."""

    topic: str
    ids: tuple[int, ...]
    value: Any
    time_s: float


Effect: TypeAlias = Callable[[Mind, Burst, Write], None]


def echo(_: Mind, burst: Burst, write: Write) -> None:
    """Published; the next loop says again what the box holds for true."""
    burst.confirm(write.topic, write.value)


def flagged(_: Mind, burst: Burst, write: Write) -> None:
    burst.confirm(write.topic, bool(write.value))


def keep(mind: Mind, burst: Burst, write: Write) -> None:
    """A setting that nothing of the simulation depends on."""
    mind.kept[write.topic] = write.value
    burst.confirm(write.topic, write.value)


def keep_flag(mind: Mind, burst: Burst, write: Write) -> None:
    keep(mind, burst, msgspec.structs.replace(write, value=bool(write.value)))


def id_tags_active(mind: Mind, burst: Burst, write: Write) -> None:
    keep_flag(mind, burst, write)
    mind.box.set_id_tags_active(bool(write.value))


def control_interval(mind: Mind, burst: Burst, write: Write) -> None:
    keep(mind, burst, write)
    mind.box.set_control_interval(write.value)


def bat_mode(mind: Mind, burst: Burst, write: Write) -> None:
    """The box does not check the word."""
    keep(mind, burst, write)
    if write.value in BAT_MODES:
        mind.box.set_bat_mode(write.value)


def lock(mind: Mind, burst: Burst, write: Write) -> None:
    flagged(mind, burst, write)
    mind.box.lock(write.ids[0], bool(write.value))


def assign(mind: Mind, burst: Burst, write: Write) -> None:
    """The config then has both keys; the vehicle's template is loaded with the next loop."""
    chargepoint_id, vehicle_id = write.ids[0], write.value
    config, before = mind.configs[chargepoint_id], configured_vehicle(mind, chargepoint_id)
    both = {"_ev": before, "ev": vehicle_id} if mind.version.whole_templates else {"ev": vehicle_id}
    mind.configs[chargepoint_id] = _without_vehicle(config) | both
    burst.pause(ECHO_S)
    burst.direct(f"chargepoint/{chargepoint_id}/config", mind.configs[chargepoint_id])
    burst.cleared(write.topic)
    if vehicle_id in mind.state.vehicles:
        mind.box.assign(chargepoint_id, vehicle_id)
        mind.switched[chargepoint_id] = vehicle_id


def configured_vehicle(mind: Mind, chargepoint_id: int) -> int:
    """The vehicle that was last assigned; ``ev`` is the newer one where there are both."""
    config = mind.configs[chargepoint_id]
    vehicle_id: int = config["ev"] if "ev" in config else config.get("_ev", 0)
    return vehicle_id


def _without_vehicle(config: dict[str, Any]) -> dict[str, Any]:
    return {member: value for member, value in config.items() if member not in ("ev", "_ev")}


def switched_by_the_box(mind: Mind, chargepoint_id: int, vehicle_id: int) -> None:
    """After the core has changed the vehicle itself, 2.2.2 writes ``_ev`` instead of ``ev``."""
    config = _without_vehicle(mind.configs[chargepoint_id])
    mind.configs[chargepoint_id] = {mind.version.config_vehicle_key: vehicle_id} | config


def chargepoint_template(mind: Mind, burst: Burst, write: Write) -> None:
    """Its tags unlock the charge points that have this template."""
    keep(mind, burst, write)
    tags = write.value.get("valid_tags") if isinstance(write.value, dict) else None
    if not isinstance(tags, list):
        return
    for chargepoint_id, config in mind.configs.items():
        if config.get("template") == write.ids[0]:
            mind.box.set_valid_tags(chargepoint_id, tuple(tag for tag in tags if isinstance(tag, str)))


def configure(mind: Mind, burst: Burst, write: Write) -> None:
    if isinstance(write.value, dict):
        mind.configs[write.ids[0]] = write.value
    burst.confirm(write.topic, write.value)


def scan(mind: Mind, burst: Burst, write: Write) -> None:
    burst.confirm(write.topic, write.value)
    mind.box.scan(write.ids[0], write.value)


def charge_template(mind: Mind, burst: Burst, write: Write) -> None:
    """At the charge point; unless temporary also for all who use it. The box publishes it twice."""
    chargepoint_id = write.ids[0]
    mind.put_in_force(chargepoint_id, write.value)
    number = mind.template_number(chargepoint_id)
    others: list[Said] = []
    if not mind.temporary and f"{TEMPLATES}/{number}" in mind.kept:
        others = [
            (f"{TEMPLATES}/{number}", write.value),
            *_in_force_for_all(mind, number, write.value, chargepoint_id),
        ]
        mind.kept[f"{TEMPLATES}/{number}"] = write.value
    burst.pause(ECHO_S)
    burst.direct(write.topic, write.value)
    burst.pause(CLEAR_S)
    burst.direct(write.topic, write.value)
    burst.cleared(write.topic)
    burst.echoed(*others)


def _in_force_for_all(mind: Mind, number: Any, template: Any, but: int | None = None) -> list[Said]:
    topics = []
    for chargepoint_id in mind.users(number):
        if chargepoint_id != but:
            mind.put_in_force(chargepoint_id, template)
            topics.append((f"chargepoint/{chargepoint_id}/set/charge_template", template))
    return topics


def vehicles_template(mind: Mind, burst: Burst, write: Write) -> None:
    """The persistent one; at the charge points that use it too, unless changes there are temporary."""
    number = write.ids[0]
    mind.keep_template(number, write.value)
    burst.confirm(write.topic, mind.kept[write.topic])
    if not mind.version.whole_templates:
        _ask_all(mind, number)
    elif not mind.temporary:
        burst.echoed(*_in_force_for_all(mind, number, write.value))


def template_member(mind: Mind, burst: Burst, write: Write) -> None:
    """Before 2.1.8: one member is written, the whole object is published. A plan is a topic of its own."""
    *_, number, path = write.topic.split("/", 4)[2:]
    topic = f"{TEMPLATES}/{number}"
    burst.pause(ECHO_S)
    if "/plans/" in path:
        mind.kept[write.topic] = write.value
        burst.direct(write.topic, write.value)
    else:
        place = mind.kept[topic]
        *parents, leaf = path.split("/")
        for parent in parents:
            place = place[parent]
        place[leaf] = write.value
        burst.direct(topic, mind.kept[topic])
    burst.cleared(write.topic)
    _ask_all(mind, int(number))


def _ask_all(mind: Mind, number: int) -> None:
    for chargepoint_id in mind.users(number):
        mind.load(chargepoint_id, mind.state.chargepoints[chargepoint_id].vehicle_id)


def vehicle_name(mind: Mind, burst: Burst, write: Write) -> None:
    keep(mind, burst, write)
    mind.box.rename_vehicle(write.ids[0], write.value)


def vehicle_tags(mind: Mind, burst: Burst, write: Write) -> None:
    keep(mind, burst, write)
    mind.box.set_vehicle_tags(write.ids[0], tuple(write.value))


def vehicle_template(mind: Mind, burst: Burst, write: Write) -> None:
    """Another charge template for the vehicle: loaded where it is."""
    keep(mind, burst, write)
    for chargepoint_id, chargepoint in mind.state.chargepoints.items():
        if chargepoint.vehicle_id == write.ids[0]:
            mind.switched[chargepoint_id] = write.ids[0]


def soc_module(mind: Mind, burst: Burst, write: Write) -> None:
    """A type that the box does not know leaves the old module running, with the new configuration retained."""
    vehicle_id = write.ids[0]
    keep(mind, burst, write)
    kind = write.value.get("type", "") if isinstance(write.value, dict) else ""
    if kind not in SOC_DEFAULTS:
        return
    mind.box.set_soc_module(vehicle_id, kind)
    burst.echoed(*_no_fault(vehicle_id))
    burst.flash("system/subdata_initialized", value=True)


def manual_soc(mind: Mind, burst: Burst, write: Write) -> None:
    """It stands in the state of the module until that has taken it, which the manual one does at once."""
    vehicle_id = write.ids[0]
    topic = f"vehicle/{vehicle_id}/soc_module/calculated_soc_state"
    burst.pause(ECHO_S)
    burst.direct(topic, {"last_imported": None, "manual_soc": write.value})
    burst.cleared(write.topic)
    if mind.state.vehicles[vehicle_id].soc_module == "manual":
        mind.box.know_soc(vehicle_id, float(write.value), write.time_s)
        burst.direct(f"vehicle/{vehicle_id}/get/force_soc_update", value=True)
        poll(mind, burst, vehicle_id)


def force_soc(mind: Mind, burst: Burst, write: Write) -> None:
    """The module is asked with the next loop; without one the wish stays."""
    flagged(mind, burst, write)
    if write.value:
        mind.box.ask_for_soc(write.ids[0])


def soc_written(mind: Mind, burst: Burst, write: Write) -> None:
    """Straight into the value: before 2.1.8 this is how the MQTT module is fed."""
    burst.confirm(write.topic, write.value)
    mind.box.know_soc(write.ids[0], float(write.value), write.time_s)
    mind.box.ask_for_soc(write.ids[0])


def feed(mind: Mind, burst: Burst, write: Write) -> None:
    """The MQTT module takes what was fed when it is asked the next time."""
    keep(mind, burst, write)
    branch = write.topic.rpartition("/")[0]
    soc = mind.kept.get(f"{branch}/soc")
    if soc is not None and write.topic.endswith(("/soc", "/soc_timestamp")):
        mind.box.know_soc(write.ids[0], float(soc), mind.kept.get(f"{branch}/soc_timestamp", write.time_s))


def known(mind: Mind, vehicle_id: int) -> list[Said]:
    """What the vehicle's module knows, with what was fed to it."""
    vehicle = mind.state.vehicles[vehicle_id]
    fed_range = mind.kept.get(f"mqtt/vehicle/{vehicle_id}/get/range") if vehicle.soc_module == "mqtt" else None
    return list(vehicle_known(vehicle, fed_range))


def poll(mind: Mind, burst: Burst, vehicle_id: int) -> None:
    """A SoC module was asked and has answered."""
    vehicle = mind.state.vehicles[vehicle_id]
    chargepoint_id = mind.connected_to(vehicle_id)
    points = readings_of(mind.state).chargepoints
    imported = None if chargepoint_id is None else round(points[chargepoint_id].imported_wh, 2)
    branch = f"vehicle/{vehicle_id}"
    mind.asked_soc_s[vehicle_id] = vehicle.asked_s
    burst.echoed(
        (f"{branch}/get/force_soc_update", False),
        (f"{branch}/set/soc_error_counter", 0),
        (f"{branch}/get/soc_request_timestamp", vehicle.asked_s),
    )
    if vehicle.soc_module != "manual":
        burst.pause(POLL_S)
    state = {"last_imported": imported, "manual_soc": None}
    burst.echoed((f"{branch}/soc_module/calculated_soc_state", state), *_no_fault(vehicle_id))
    burst.echoed(("vehicle/set/vehicle_update_completed", True))
    if vehicle.soc_percent is not None:
        burst.echoed(*known(mind, vehicle_id))


def _no_fault(vehicle_id: int) -> list[Said]:
    return [(f"vehicle/{vehicle_id}/get/fault_str", NO_FAULT), (f"vehicle/{vehicle_id}/get/fault_state", 0)]
