"""Reads an openWB 1.9: a message in, the catalogue's values out.

Rules:

* What has been given out is at any time a function of the last readable payload of each topic, in whatever order they
  came. An unreadable payload changes nothing: the one before it stays in force.
* An empty payload deletes a topic; keys that nothing stands for any more are REMOVED. The box writes it, too, when it
  could not read a device: then nobody knows the value, and no key says that it does.
* One reader reads one connection: what vanished in between is known only by its absence from the next retained flood.
"""

import re
from collections.abc import Mapping

import msgspec

from gateway.domain import openwb19_topics as topics
from gateway.domain.openwb19_derived import OUTPUTS_OF, Facts
from gateway.domain.openwb19_ignored import IGNORED
from gateway.domain.openwb19_payloads import number
from gateway.domain.openwb19_topics import HEARTBEAT_TOPIC, Topic, subscriptions
from gateway.domain.openwb_given import Given, Values
from gateway.domain.openwb_heartbeat import box_time
from gateway.domain.openwb_routes import DEFAULT_PREFIX, Routes, reason
from gateway.domain.values import REMOVED, JsonValue, Removed

__all__ = ["HEARTBEAT_TOPIC", "OpenWB19Reader", "ignored_reason", "subscriptions"]


class Route(msgspec.Struct, frozen=True):
    """Which mapped topic a topic is, the number in it, and what of its payload stands in the topic."""

    topic: Topic
    topic_id: str = ""
    lead: bytes = b""


def ignored_reason(topic: str, prefix: str = DEFAULT_PREFIX) -> str | None:
    """Why a topic gives no value, or None if it does, or is unknown."""
    return reason(topic, prefix, _route, IGNORED)


class OpenWB19Reader:
    """Reads the messages of one connection; with ``raw`` it also shows payloads as they are, but for secrets."""

    control_interval_s = None
    """The box does not tell how often it runs its control."""

    secondary = False
    missing_rights = None
    """The box knows no users: who reaches its broker may read everything."""

    def __init__(self, prefix: str = DEFAULT_PREFIX, raw: bool = False) -> None:
        self._prefix = prefix
        self._facts = Facts()
        self._given = Given(raw)
        self._routes = Routes(_route)

    def read(self, topic: str, payload: bytes) -> Mapping[str, JsonValue | Removed]:
        """The keys that this message sets, or removes; raises Unreadable. Topics that give no value give nothing."""
        if not topic.startswith(self._prefix):
            return {}
        topic = topic.removeprefix(self._prefix)
        route = self._routes.of(topic)
        values = {} if route is None else self._read(topic, route, payload)
        values.update(self._given.settle_raw(topic, payload))
        return values

    def heartbeat(self, topic: str, payload: bytes) -> float | None:
        """The box's time, if the message is its heartbeat and can be read."""
        return box_time(number, payload) if topic == self._prefix + HEARTBEAT_TOPIC else None

    def _read(self, full_topic: str, route: Route, payload: bytes) -> Values:
        topic, topic_id = route.topic, route.topic_id
        if payload:
            self._facts.set(topic, topic_id, full_topic, topic.decode(route.lead + payload))
        else:
            self._facts.delete(topic, topic_id, full_topic)
        values: Values = {}
        possible: list[str] = []
        for output in OUTPUTS_OF[topic.pattern]:
            for output_id in output.ids(topic, topic_id):
                key = output.key.replace("+", output_id)
                possible.append(key)
                told = output.work(self._facts, output_id) if self._facts.shows(output.part, output_id) else REMOVED
                if not isinstance(told, Removed):
                    values[key] = told
        return self._given.settle(values, possible)


_NUMBERS = {"lp": topics.CHARGEPOINTS, "pv": topics.INVERTERS, "Verbraucher": topics.CONSUMERS}
_BROKEN_NAME = re.compile(r"lp/(?P<id>[^/])/strChargePointName=(?P<lead>.*)", re.DOTALL)


def _route(topic: str) -> Route | None:
    broken = _BROKEN_NAME.fullmatch(topic)
    if broken is not None and broken["id"] in topics.CHARGEPOINTS:
        return Route(topics.NAME, broken["id"], broken["lead"].encode(errors="replace") + b"=")
    found = topics.MAPPED.get(topic)
    if found is not None:
        return None if "+" in topic else Route(found)
    levels = topic.split("/")
    for place, level in enumerate(levels[1:], 1):
        if level in _NUMBERS.get(levels[place - 1], ()):
            pattern = "/".join([*levels[:place], "+", *levels[place + 1 :]])
            numbered = topics.MAPPED.get(pattern)
            return None if numbered is None else Route(numbered, level)
    return None
