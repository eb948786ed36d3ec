"""Keys of openWB 2.x that take several topics: pure functions of the facts.

Rules:

* Charge point: name and vehicle from its settings, the vehicle rather from ``connected_vehicle/info``. Mode, limit,
  currents, price limit and plan come from the template in force there; a box before 2.1.8 shows none, then from the
  vehicle's template. The mode is then the one that ``connected_vehicle/config`` tells.
* Id tag: the one bound to the charge session, else the one scanned and waiting.
* Vehicle: its own state of charge, else what a charge point tells of the vehicle it has (the one with the lowest id).
  0 without a module is unknown, the box's way to say nothing; so is the range then.
* Price: of the slot that holds the box's time; without a slot the usual price. With slots but no time it is unknown.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import TypeVar, cast

from gateway.domain import openwb2_topics as topics
from gateway.domain.openwb2_payloads import ConnectedConfig
from gateway.domain.openwb2_templates import Template
from gateway.domain.openwb2_topics import FactTopic, Scalar
from gateway.domain.values import JsonValue

Fact = TypeVar("Fact")
Values = dict[str, JsonValue]

LONGEST_SLOT_S = 3600

CHARGEPOINT_LEAVES = (
    "name",
    "vehicle_id",
    "id_tag",
    "mode",
    "limit",
    "plan",
    "instant_current_a",
    "min_current_a",
    "price_limit_eur_per_kwh",
)
VEHICLE_LEAVES = ("soc_percent", "soc_at", "range_km", "soc_module")
PRICE_KEY, PRICES_KEY, TIME_KEY = "tariff/price_eur_per_kwh", "tariff/prices", "box/time"


class Facts:
    """The last readable payload of each fact topic."""

    def __init__(self) -> None:
        self._facts: dict[str, dict[str, object]] = {}

    def set(self, topic: FactTopic[object], topic_id: str, fact: object) -> None:
        self._facts.setdefault(topic.pattern, {})[topic_id] = fact

    def delete(self, topic: FactTopic[object], topic_id: str) -> None:
        self._facts.get(topic.pattern, {}).pop(topic_id, None)

    def get(self, topic: FactTopic[Fact], topic_id: str = "") -> Fact | None:
        """None = the topic is not there; a topic that holds null has a fact all the same."""
        return cast("Fact | None", self._facts.get(topic.pattern, {}).get(topic_id))

    def ids(self, *wanted: FactTopic[object]) -> list[str]:
        """The ids that any of the topics has, lowest first."""
        found: set[str] = set()
        for topic in wanted:
            found.update(self._facts.get(topic.pattern, {}))
        return sorted(found, key=int)


def chargepoint_values(facts: Facts, chargepoint: str) -> Values:
    """All of ``CHARGEPOINT_LEAVES`` that the facts tell of."""
    values: Values = {}
    config = facts.get(topics.CHARGEPOINT_CONFIG, chargepoint)
    info = facts.get(topics.CONNECTED_INFO, chargepoint)
    if config is not None:
        values["name"] = config.name
        values["vehicle_id"] = config.vehicle_id
    if info is not None and (info.id is not None or config is None):
        values["vehicle_id"] = info.id
    tags = [facts.get(topic, chargepoint) for topic in (topics.BOUND_TAG, topics.SCANNED_TAG)]
    known = [tag.value for tag in tags if tag is not None]
    if known:
        values["id_tag"] = next((tag for tag in known if tag is not None), None)
    values.update(_template_values(facts, chargepoint))
    return values


def _template_values(facts: Facts, chargepoint: str) -> Values:
    connected = facts.get(topics.CONNECTED_CONFIG, chargepoint)
    template = facts.get(topics.TEMPLATE_IN_FORCE, chargepoint)
    in_force = template is not None
    if template is None and connected is not None and connected.charge_template is not None:
        template = facts.get(topics.TEMPLATE, str(connected.charge_template))
    values: Values = {}
    if template is not None:
        values = _shown(template, connected or ConnectedConfig())
    if connected is not None and not in_force:
        values["mode"] = connected.mode
    return values


def _shown(template: Template, connected: ConnectedConfig) -> Values:
    return {
        "mode": template.mode,
        "limit": template.limit,
        "plan": template.plan(connected),
        "instant_current_a": template.instant_current_a,
        "min_current_a": template.min_current_a,
        "price_limit_eur_per_kwh": template.price_limit_eur_per_kwh,
    }


def vehicle_values(facts: Facts, vehicle: str) -> Values:
    """All of ``VEHICLE_LEAVES`` that the facts tell of."""
    values = _connected_soc(facts, vehicle)
    for leaf, topic in (
        ("soc_percent", topics.VEHICLE_SOC),
        ("soc_at", topics.VEHICLE_SOC_AT),
        ("range_km", topics.VEHICLE_RANGE),
    ):
        own = facts.get(topic, vehicle)
        if own is not None:
            values[leaf] = own.value
    module = facts.get(topics.SOC_MODULE, vehicle)
    has_module = module.exists if module is not None else values.get("soc_at") is not None
    if not has_module:
        for leaf in ("soc_percent", "range_km"):
            if values.get(leaf) == 0:
                values[leaf] = None
    if module is not None:
        values["soc_module"] = module.shown
    return values


def _connected_soc(facts: Facts, vehicle: str) -> Values:
    for chargepoint in facts.ids(topics.CONNECTED_SOC):
        info = facts.get(topics.CONNECTED_INFO, chargepoint)
        soc = facts.get(topics.CONNECTED_SOC, chargepoint)
        if info is not None and soc is not None and info.id is not None and str(info.id) == vehicle:
            return {"soc_percent": soc.soc_percent, "soc_at": soc.soc_at, "range_km": soc.range_km}
    return {}


def prices_values(facts: Facts) -> Values:
    """The prices, if any topic of them is there."""
    told = [prices for topic in (topics.PRICES, topics.OLD_PRICES) if (prices := facts.get(topic)) is not None]
    return {PRICES_KEY: _slots(told) or []} if told else {}


def clock_values(facts: Facts) -> Values:
    """The box's time and the price at that time, as far as the facts tell of them."""
    values: Values = {}
    time = facts.get(topics.BOX_TIME)
    if time is not None:
        values[TIME_KEY] = time.value
    slots = _slots([facts.get(topics.PRICES), facts.get(topics.OLD_PRICES)])
    usual = facts.get(topics.USUAL_PRICE)
    if slots or usual is not None:
        values[PRICE_KEY] = _price_now(slots, time, usual)
    return values


def _slots(told: Iterable[Scalar | None]) -> JsonValue:
    return next((prices.value for prices in told if prices is not None and prices.value), None)


def _price_now(slots: JsonValue, time: Scalar | None, usual: Scalar | None) -> JsonValue:
    usual_price = usual.value if usual is not None else None
    if not slots:
        return usual_price
    now = time.value if time is not None else None
    if now is None:
        return None
    assert isinstance(slots, list)
    assert isinstance(now, float)
    place = bisect_right(slots, now, key=_slot_start) - 1
    if place < 0 or now >= _slot_end(slots, place):
        return usual_price
    slot = slots[place]
    assert isinstance(slot, list)
    return slot[1]


def _slot_start(slot: JsonValue) -> float:
    assert isinstance(slot, list)
    start = slot[0]
    assert isinstance(start, int)
    return start


def _slot_end(slots: list[JsonValue], place: int) -> float:
    """The next slot's start; the last slot is as long as the one before it; none is longer than an hour."""
    start = _slot_start(slots[place])
    if place + 1 < len(slots):
        length_s = _slot_start(slots[place + 1]) - start
    elif place > 0:
        length_s = start - _slot_start(slots[place - 1])
    else:
        length_s = LONGEST_SLOT_S
    return start + min(length_s, LONGEST_SLOT_S)


def under(prefix: str, leaves: Mapping[str, JsonValue]) -> Values:
    return {f"{prefix}/{leaf}": value for leaf, value in leaves.items()}


def keys_under(prefix: str, leaves: Iterable[str]) -> list[str]:
    return [f"{prefix}/{leaf}" for leaf in leaves]
