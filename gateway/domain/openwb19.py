"""Reads an openWB 1.9: a message in, the catalogue's values out.

Rules:

* What has been given out is at any time a function of the last readable payload of each topic, in whatever order they
  came. An unreadable payload changes nothing: the one before it stays in force.
* An empty payload deletes a topic; keys that nothing stands for any more are REMOVED. The box writes it, too, when it
  could not read a device: then nobody knows the value, and no key says that it does.
* One reader reads one connection: what vanished in between is known only by its absence from the next retained flood.
"""

import re
from collections.abc import Iterable, Mapping
from typing import TypeAlias

import msgspec

from gateway.domain import openwb19_topics as topics
from gateway.domain.errors import Unreadable
from gateway.domain.fitting import fit
from gateway.domain.openwb2_ignored import why
from gateway.domain.openwb2_payloads import declared
from gateway.domain.openwb19_derived import OUTPUTS_OF, Facts
from gateway.domain.openwb19_ignored import IGNORED
from gateway.domain.openwb19_payloads import number
from gateway.domain.openwb19_topics import HEARTBEAT_TOPIC, Topic, subscriptions
from gateway.domain.openwb_raw import raw_key, raw_text
from gateway.domain.values import REMOVED, JsonValue, Removed

__all__ = ["HEARTBEAT_TOPIC", "OpenWB19Reader", "ignored_reason", "subscriptions"]

DEFAULT_PREFIX = "openWB/"
MOST_ROUTES = 10_000

Values: TypeAlias = dict[str, JsonValue | Removed]


class Route(msgspec.Struct, frozen=True):
    """Which mapped topic a topic is, the number in it, and what of its payload stands in the topic."""

    topic: Topic
    topic_id: str = ""
    lead: bytes = b""


def ignored_reason(topic: str, prefix: str = DEFAULT_PREFIX) -> str | None:
    """Why a topic gives no value, or None if it does, or is unknown."""
    if not topic.startswith(prefix):
        return "outside of the box's prefix"
    topic = topic.removeprefix(prefix)
    return None if _route(topic) else why(IGNORED, topic)


class OpenWB19Reader:
    """Reads the messages of one connection; with ``raw`` it also shows payloads as they are, but for secrets."""

    control_interval_s = None
    """The box does not tell how often it runs its control."""

    secondary = False
    missing_rights = None
    """The box knows no users: who reaches its broker may read everything."""

    def __init__(self, prefix: str = DEFAULT_PREFIX, raw: bool = False) -> None:
        self._prefix = prefix
        self._raw = raw
        self._facts = Facts()
        self._held: set[str] = set()
        self._routes: dict[str, Route | None] = {}

    def read(self, topic: str, payload: bytes) -> Mapping[str, JsonValue | Removed]:
        """The keys that this message sets, or removes; raises Unreadable. Topics that give no value give nothing."""
        if not topic.startswith(self._prefix):
            return {}
        topic = topic.removeprefix(self._prefix)
        route = self._routed(topic)
        values = {} if route is None else self._read(topic, route, payload)
        if self._raw:
            values.update(self._read_raw(topic, payload))
        return values

    def heartbeat(self, topic: str, payload: bytes) -> float | None:
        """The box's time, if the message is its heartbeat and can be read."""
        if topic != self._prefix + HEARTBEAT_TOPIC:
            return None
        try:
            time_s = fit(declared("box/time"), number(payload))
        except Unreadable:
            return None
        return time_s if isinstance(time_s, float) else None

    def _routed(self, topic: str) -> Route | None:
        if topic not in self._routes:
            if len(self._routes) >= MOST_ROUTES:
                self._routes.clear()
            self._routes[topic] = _route(topic)
        return self._routes[topic]

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
        return self._settle(values, possible)

    def _read_raw(self, topic: str, payload: bytes) -> Values:
        key = raw_key(topic)
        if key is None:
            return {}
        shown = raw_text(payload)
        return self._settle({} if shown is None else {key: shown}, [key])

    def _settle(self, values: Mapping[str, JsonValue | Removed], possible: Iterable[str]) -> Values:
        """The values, and REMOVED for each other possible key that had been given out."""
        ceased = [key for key in possible if key in self._held and key not in values]
        self._held.difference_update(ceased)
        self._held.update(values)
        return {**values, **dict.fromkeys(ceased, REMOVED)}


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
