"""Reads an openWB 2.x: a message in, the catalogue's values out.

Rules:

* What has been given out is at any time a function of the last readable payload of each topic, in whatever order they
  came. An unreadable payload changes nothing: the one before it stays in force.
* An empty payload deletes a topic; keys that nothing stands for any more are REMOVED.
* The first counter of the hierarchy is the grid and no other meter. Until the hierarchy is known there are no meters.
* One reader reads one connection: what vanished in between is known only by its absence from the next retained flood.
* Rights are judged by what comes: the box's user management lets everybody subscribe and withholds the messages.
"""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from gateway.domain import openwb2_topics as topics
from gateway.domain.openwb2_derived import (
    CHARGEPOINT_LEAVES,
    PRICE_KEY,
    PRICES_KEY,
    TIME_KEY,
    VEHICLE_LEAVES,
    Facts,
    chargepoint_values,
    clock_values,
    keys_under,
    prices_values,
    under,
    vehicle_values,
)
from gateway.domain.openwb2_ignored import IGNORED
from gateway.domain.openwb2_payloads import decoded
from gateway.domain.openwb2_topics import HEARTBEAT_TOPIC, FactTopic, Place, ValueTopic, subscriptions
from gateway.domain.openwb_given import Given, Values
from gateway.domain.openwb_heartbeat import box_time
from gateway.domain.openwb_routes import DEFAULT_PREFIX, Routes, reason
from gateway.domain.values import JsonValue, Removed

__all__ = ["HEARTBEAT_TOPIC", "OpenWB2Reader", "ignored_reason", "subscriptions"]

EVERY_BOX_HAS = ("chargepoint/", "counter/")
MISSING_RIGHTS = "full-access (chargepoint/#, counter/#)"

Route: TypeAlias = tuple[topics.AnyTopic, str]


def ignored_reason(topic: str, prefix: str = DEFAULT_PREFIX) -> str | None:
    """Why a topic gives no value, or None if it does, or is unknown."""
    return reason(topic, prefix, _route, IGNORED)


class OpenWB2Reader:
    """Reads the messages of one connection; with ``raw`` it also shows payloads as they are, but for secrets."""

    def __init__(self, prefix: str = DEFAULT_PREFIX, raw: bool = False) -> None:
        self._prefix = prefix
        self._facts = Facts()
        self._placed: dict[tuple[ValueTopic, str], JsonValue] = {}
        self._given = Given(raw)
        self._routes = Routes(_route)
        self._may_read = False

    def read(self, topic: str, payload: bytes) -> Mapping[str, JsonValue | Removed]:
        """The keys that this message sets, or removes; raises Unreadable. Topics that give no value give nothing."""
        if not topic.startswith(self._prefix):
            return {}
        topic = topic.removeprefix(self._prefix)
        self._may_read = self._may_read or topic.startswith(EVERY_BOX_HAS)
        route = self._routes.of(topic)
        values = {} if route is None else self._read(*route, payload)
        values.update(self._given.settle_raw(topic, payload))
        return values

    def heartbeat(self, topic: str, payload: bytes) -> float | None:
        """The box's time, if the message is its heartbeat and can be read."""
        return box_time(decoded, payload) if topic == self._prefix + HEARTBEAT_TOPIC else None

    @property
    def control_interval_s(self) -> float | None:
        """How often the box runs its control, and with it its heart beats; None until it has told."""
        return self._facts.get(topics.CONTROL_INTERVAL)

    @property
    def secondary(self) -> bool:
        """Whether another box, the primary, controls this one: then this one's values are none."""
        fact = self._facts.get(topics.SECONDARY)
        return fact is not None and fact.value is True

    @property
    def missing_rights(self) -> str | None:
        """What to grant, when nothing came of what every box has; says something only once the flood has ended."""
        return None if self._may_read else MISSING_RIGHTS

    def _read(self, topic: topics.AnyTopic, topic_id: str, payload: bytes) -> Values:
        if isinstance(topic, ValueTopic):
            return self._read_value(topic, topic_id, payload)
        fact = topic.decode(payload) if payload else None
        vehicles = self._vehicles_at(topic, topic_id)
        if payload:
            self._facts.set(topic, topic_id, fact)
        else:
            self._facts.delete(topic, topic_id)
        return self._derive(topic, topic_id, vehicles | self._vehicles_at(topic, topic_id))

    def _read_value(self, topic: ValueTopic, topic_id: str, payload: bytes) -> Values:
        value = topic.read(payload) if payload else None
        if topic.place is not Place.fixed:
            if payload:
                self._placed[topic, topic_id] = value
            else:
                self._placed.pop((topic, topic_id), None)
        keys = self._keys(topic, topic_id)
        return self._given.settle(dict.fromkeys(keys, value) if payload else {}, keys)

    def _keys(self, topic: ValueTopic, topic_id: str) -> list[str]:
        """Where the value of a topic shows at present; nowhere is possible."""
        keys = [key.replace("+", topic_id) for key in topic.keys]
        match topic.place:
            case Place.counter:
                hierarchy = self._facts.get(topics.HIERARCHY)
                if hierarchy is None:
                    return []
                if hierarchy.grid == topic_id:
                    return [key.replace("meters/+", "grid") for key in topic.keys]
            case Place.pv:
                return keys if self._shows(topics.PV_CONFIGURED) else []
            case Place.battery:
                return keys if self._shows(topics.BATTERY_CONFIGURED) else []
            case Place.fixed | _:
                pass
        return keys

    def _shows(self, configured: FactTopic[topics.Scalar]) -> bool:
        fact = self._facts.get(configured)
        return fact is None or fact.value is not False

    def _derive(self, topic: FactTopic[object], topic_id: str, vehicles: Iterable[str]) -> Values:
        """Work out again every key that the topic has a say in."""
        values: Values = {}
        if topic in _OF_PLACES:
            values = self._place_again(_OF_PLACES[topic])
        elif topic in _OF_PRICES:
            values = self._given.settle(prices_values(self._facts), [PRICES_KEY])
        if topic in _OF_CLOCK:
            values.update(self._given.settle(clock_values(self._facts), [PRICE_KEY, TIME_KEY]))
        for chargepoint in self._chargepoints_of(topic, topic_id):
            prefix = f"chargepoints/{chargepoint}"
            settled = under(prefix, chargepoint_values(self._facts, chargepoint))
            values.update(self._given.settle(settled, keys_under(prefix, CHARGEPOINT_LEAVES)))
        for vehicle in vehicles:
            prefix = f"vehicles/{vehicle}"
            settled = under(prefix, vehicle_values(self._facts, vehicle))
            values.update(self._given.settle(settled, keys_under(prefix, VEHICLE_LEAVES)))
        return values

    def _place_again(self, place: Place) -> Values:
        values: Values = {}
        for (topic, topic_id), value in self._placed.items():
            if topic.place is place:
                values.update(dict.fromkeys(self._keys(topic, topic_id), value))
        groups = _KEYS_OF_PLACES[place]
        return self._given.settle(values, self._given.under(groups))

    def _chargepoints_of(self, topic: FactTopic[object], topic_id: str) -> list[str]:
        if topic in _OF_CHARGEPOINTS:
            return [topic_id]
        return self._facts.ids(topics.CONNECTED_CONFIG) if topic is topics.TEMPLATE else []

    def _vehicles_at(self, topic: FactTopic[object], topic_id: str) -> set[str]:
        """The vehicles in which a topic has a say at present."""
        if topic in _OF_VEHICLES:
            return {topic_id}
        if topic in (topics.CONNECTED_INFO, topics.CONNECTED_SOC):
            info = self._facts.get(topics.CONNECTED_INFO, topic_id)
            if info is not None and info.id is not None:
                return {str(info.id)}
        return set()


_OF_PLACES: Mapping[FactTopic[object], Place] = {
    topics.HIERARCHY: Place.counter,
    topics.PV_CONFIGURED: Place.pv,
    topics.BATTERY_CONFIGURED: Place.battery,
}
_KEYS_OF_PLACES: Mapping[Place, tuple[str, ...]] = {
    Place.counter: ("grid/", "meters/"),
    Place.pv: ("pv/",),
    Place.battery: ("battery/",),
}
_OF_PRICES = (topics.PRICES, topics.OLD_PRICES)
_OF_CLOCK = (topics.PRICES, topics.OLD_PRICES, topics.USUAL_PRICE, topics.BOX_TIME)
_OF_VEHICLES = (topics.VEHICLE_SOC, topics.VEHICLE_SOC_AT, topics.VEHICLE_RANGE, topics.SOC_MODULE)
_OF_CHARGEPOINTS = (
    topics.CHARGEPOINT_CONFIG,
    topics.CONNECTED_CONFIG,
    topics.CONNECTED_INFO,
    topics.TEMPLATE_IN_FORCE,
    topics.BOUND_TAG,
    topics.SCANNED_TAG,
)


def _route(topic: str) -> Route | None:
    """Which mapped topic this is, and the id in it."""
    levels = topic.split("/")
    ids = [level for level in levels if _is_id(level)]
    found = topics.MAPPED.get("/".join("+" if _is_id(level) else level for level in levels))
    return None if found is None or found.pattern.count("+") != len(ids) else (found, ids[0] if ids else "")


def _is_id(level: str) -> bool:
    """A number as the box writes it: two ways to write one id would be two topics for the same key."""
    return level.isascii() and level.isdigit() and len(level) <= _ID_DIGITS and (level == "0" or level[0] != "0")


_ID_DIGITS = 16
