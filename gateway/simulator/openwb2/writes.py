"""Which set topics there are, what the box checks of them, and what they do (openwb.md 3 and 4.1).

Rules:

* an unknown branch: nothing happens · an unknown id: neither cleared nor changed
* an unknown leaf in a known branch, or a value that does not fit: only cleared
* a value that fits: published, cleared, and done

A pattern is a topic below ``openWB/set/`` with ``+`` for an id. What has no row but is a retained setting takes what
is of the type that it has.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec

from gateway.simulator.openwb2 import effects, rules
from gateway.simulator.openwb2.effects import Effect, Write
from gateway.simulator.openwb2.mind import EV_TEMPLATES, TEMPLATES, Mind
from gateway.simulator.openwb2.rules import Given, Rule
from gateway.simulator.openwb2.speech import Burst

MAX_PRICE: Final = 99.99  # EUR/Wh
MAX_TIMESTAMP: Final = 4102444800  # the year 2100
MAX_RANGE_KM: Final = 1000
BRANCHES: Final = frozenset(
    [
        "LegacySmartHome",
        "bat",
        "chargepoint",
        "command",
        "counter",
        "general",
        "graph",
        "internal_chargepoint",
        "internal_io",
        "io",
        "log",
        "mqtt",
        "optional",
        "pv",
        "system",
        "vehicle",
    ]
)


class Row(msgspec.Struct, frozen=True):
    """What may be written, and what it does."""

    rule: Rule
    effect: Effect


def _measured(kinds: Mapping[str, Rule], *branches: str) -> dict[str, Row]:
    return {f"{branch}/get/{leaf}": Row(rule, effects.echo) for branch in branches for leaf, rule in kinds.items()}


def _three(low: float, high: float) -> Rule:
    within = rules.number(low, high)
    return lambda what: (
        isinstance(what.value, list)
        and len(what.value) == 3  # noqa: PLR2004 phases
        and all(within(Given(part, is_json=True)) for part in what.value)
    )


_ANY: Final = (-1e9, 1e9)
_METER: Final[Mapping[str, Rule]] = {
    "power": rules.number(*_ANY),
    "powers": _three(*_ANY),
    "currents": _three(*_ANY),
    "voltages": _three(0, 500),
    "power_factors": _three(-1, 1),
    "frequency": rules.number(40, 60),
    "imported": rules.number(0),
    "exported": rules.number(0),
    "daily_imported": rules.number(0),
    "daily_exported": rules.number(0),
    "fault_state": rules.integer(0, 2),
    "fault_str": rules.text,
    "state_str": rules.text,
    "serial_number": rules.text,
}
_POINT: Final[Mapping[str, Rule]] = {
    **_METER,
    "phases_in_use": rules.integer(0, 3),
    "plug_state": rules.flag,
    "charge_state": rules.flag,
    "evse_current": rules.number(-3200, 3200),
    "rfid_timestamp": rules.number(),
    "soc": rules.number(0, 100),
    "soc_timestamp": rules.number(0, MAX_TIMESTAMP),
    "vehicle_id": rules.text,
}
_STORE: Final[Mapping[str, Rule]] = {**_METER, "soc": rules.number(0, 100)}
_PV: Final[Mapping[str, Rule]] = {**_METER, "monthly_exported": rules.number(0), "yearly_exported": rules.number(0)}
_FED: Final[Mapping[str, Rule]] = {
    "soc": rules.number(0, 100),
    "range": rules.number(0, MAX_RANGE_KM),
    "soc_timestamp": rules.number(0, MAX_TIMESTAMP),
    "odometer": rules.number(),
}
_PV_CHARGING: Final = "general/chargemode_config/pv_charging"

COMMON: Final[dict[str, Row]] = {
    **_measured(_METER, "counter/+"),
    **_measured(_PV, "pv", "pv/+"),
    **_measured(_STORE, "bat", "bat/+"),
    **_measured(_POINT, "chargepoint/+"),
    **_measured(_FED, "vehicle/+"),
    "chargepoint/+/config": Row(rules.any_json, effects.configure),
    "chargepoint/+/config/ev": Row(rules.integer(0), effects.assign),
    "chargepoint/+/get/rfid": Row(rules.text, effects.scan),
    "chargepoint/+/set/manual_lock": Row(rules.flag, effects.lock),
    "chargepoint/+/set/current": Row(rules.number(-100, 450), effects.echo),
    "chargepoint/+/set/phases_to_use": Row(rules.integer(0, 3), effects.echo),
    "chargepoint/+/set/rfid": Row(rules.text, effects.echo),
    "chargepoint/+/set/log": Row(rules.any_json, effects.echo),
    "chargepoint/template/+": Row(rules.any_json, effects.chargepoint_template),
    "counter/+/config/max_currents": Row(_three(6, 1500), effects.keep),
    "counter/set/home_consumption": Row(rules.number(0), effects.echo),
    "vehicle/+/name": Row(rules.text, effects.vehicle_name),
    "vehicle/+/tag_id": Row(rules.text_list, effects.vehicle_tags),
    "vehicle/+/color": Row(rules.text, effects.keep),
    "vehicle/+/info": Row(rules.any_json, effects.keep),
    "vehicle/+/charge_template": Row(rules.integer(0), effects.vehicle_template),
    "vehicle/+/ev_template": Row(rules.integer(0), effects.keep),
    "vehicle/+/get/soc": Row(rules.number(0, 100), effects.soc_written),
    "vehicle/+/get/force_soc_update": Row(rules.flag, effects.force_soc),
    "vehicle/+/soc_module/config": Row(rules.any_json, effects.soc_module),
    "vehicle/+/soc_module/general_config": Row(rules.any_json, effects.keep),
    "vehicle/+/soc_module/calculated_soc_state": Row(rules.any_json, effects.echo),
    "vehicle/+/soc_module/calculated_soc_state/manual_soc": Row(rules.number(0, 100), effects.manual_soc),
    f"{TEMPLATES}/+": Row(rules.any_json, effects.vehicles_template),
    f"{EV_TEMPLATES}/+": Row(rules.any_json, effects.keep),
    "general/control_interval": Row(rules.one_of(10, 20, 60), effects.control_interval),
    "general/prices/grid": Row(rules.number(0, MAX_PRICE), effects.keep),
    "general/prices/pv": Row(rules.number(0, MAX_PRICE), effects.keep),
    "general/prices/bat": Row(rules.number(0, MAX_PRICE), effects.keep),
    f"{_PV_CHARGING}/bat_mode": Row(rules.text, effects.bat_mode),
    f"{_PV_CHARGING}/bat_power_reserve": Row(rules.number(0), effects.keep),
    f"{_PV_CHARGING}/bat_power_discharge": Row(rules.number(0), effects.keep),
    f"{_PV_CHARGING}/min_bat_soc": Row(rules.integer(0, 100), effects.keep),
    f"{_PV_CHARGING}/max_bat_soc": Row(rules.integer(0, 100), effects.keep),
    "bat/config/bat_control_min_soc": Row(rules.integer(0, 100), effects.keep),
    "bat/config/bat_control_max_soc": Row(rules.integer(0, 100), effects.keep),
    "bat/config/price_limit": Row(rules.number(0, MAX_PRICE), effects.keep),
    "bat/config/charge_limit": Row(rules.number(0, MAX_PRICE), effects.keep),
    "optional/rfid/active": Row(rules.flag, effects.id_tags_active),
}
ONLY_SINCE_2_1_8: Final[dict[str, Row]] = {
    **_measured(_METER, "mqtt/counter/+"),
    **_measured(_PV, "mqtt/pv/+"),
    **_measured(_STORE, "mqtt/bat/+"),
    **_measured(_POINT, "mqtt/chargepoint/+"),
    **{f"mqtt/vehicle/+/get/{leaf}": Row(rule, effects.feed) for leaf, rule in _FED.items()},
    "chargepoint/+/set/charge_template": Row(rules.any_json, effects.charge_template),
}

_EXISTS: Final[tuple[tuple[str, Callable[[Mind, int], bool]], ...]] = (
    ("chargepoint/template/+", lambda mind, number: f"chargepoint/template/{number}" in mind.kept),
    (f"{TEMPLATES}/+", lambda mind, number: f"{TEMPLATES}/{number}" in mind.kept),
    (f"{EV_TEMPLATES}/+", lambda mind, number: f"{EV_TEMPLATES}/{number}" in mind.kept),
    ("chargepoint/+", lambda mind, number: number in mind.state.chargepoints),
    ("vehicle/+", lambda mind, number: number in mind.state.vehicles),
    ("counter/+", lambda mind, number: number == mind.state.installation.counter_id),
    ("pv/+", lambda mind, number: number in {pv.id for pv in mind.state.installation.inverters}),
    ("bat/+", lambda mind, number: number in _batteries(mind)),
)


def _batteries(mind: Mind) -> Iterator[int]:
    battery = mind.state.installation.battery
    return iter(() if battery is None else (battery.id,))


def hear(mind: Mind, burst: Burst, topic: str, payload: bytes, time_s: float) -> None:
    """A message of another client; ``topic`` without ``openWB/set/``."""
    branch, *rest = topic.split("/")
    pattern = re.sub(r"(?<=/)\d+(?=/|$)", "+", topic)
    ids = tuple(int(level) for level in topic.split("/")[1:] if level.isdecimal())
    if branch not in BRANCHES or (branch == "mqtt" and not mind.version.fed_branch) or not rest:
        return
    below = pattern.removeprefix("mqtt/")
    for place, exists in _EXISTS:
        if below == place or below.startswith(f"{place}/"):
            if not exists(mind, ids[0]):
                return
            break
    row = _row(mind, topic, pattern)
    what = rules.given(payload)
    if row.rule(what):
        row.effect(mind, burst, Write(topic, ids, what.value, time_s))
    else:
        burst.cleared(topic)


def _row(mind: Mind, topic: str, pattern: str) -> Row:
    rows = COMMON | ONLY_SINCE_2_1_8 if mind.version.whole_templates else COMMON
    found = rows.get(pattern)
    if found is not None:
        if found.rule is rules.flag and found.effect is effects.echo:
            return Row(found.rule, effects.flagged)
        return found
    if topic in mind.kept and not pattern.startswith(f"{TEMPLATES}/"):
        rule = rules.like(mind.kept[topic])
        return Row(rule, effects.keep_flag if rule is rules.flag else effects.keep)
    if not mind.version.whole_templates and pattern.startswith(f"{TEMPLATES}/+/"):
        return Row(_member_rule(mind, topic), effects.template_member)
    return Row(rules.no, effects.echo)


def _member_rule(mind: Mind, topic: str) -> Rule:
    """Before 2.1.8: a member takes what is of its type; a plan any object."""
    number, path = topic.removeprefix(f"{TEMPLATES}/").split("/", 1)
    if re.fullmatch(r"(?:chargemode/scheduled_charging|time_charging)/plans/\d+", path):
        return lambda what: isinstance(what.value, dict)
    place: Any = mind.kept.get(f"{TEMPLATES}/{number}")
    for member in path.split("/"):
        if not isinstance(place, dict) or member not in place:
            return rules.no
        place = place[member]
    rule = rules.like(place)
    return rules.number(0, 1_000_000) if isinstance(place, float) or rule is _INTEGER else rule


_INTEGER: Final = rules.like(0)
