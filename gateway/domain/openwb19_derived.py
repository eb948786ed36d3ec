"""What an openWB 1.9 shows: every key, the topics it is worked out from, and how. Pure functions of the facts.

Rules:

* Charge points, inverters, the battery, consumers and PV as a whole are there only when the box says that they are
  configured; for what it has not, it publishes zeros. A charge point's key is its number, as that of its vehicle.
* The box has one mode: it shows at every charge point. ``min_pv`` exists here only.
* Least current: what mode ``min_pv`` charges with without sun; in mode ``pv`` that is nothing, 0.
* Limit: in mode ``instant`` the one that is set; in ``pv`` and ``min_pv`` the state of charge at which PV charging
  ends, if any. A box with one charge point has two settings for that in mode ``pv``; the lower one ends it.
* Vehicle: 1.9 knows none, only a state of charge for each of the charge points 1 and 2. With a module for it that is
  the vehicle with the charge point's number, always assigned there; without one there is no vehicle.
* Id tag: the last one scanned for that charge point, while a vehicle is plugged in. The box never takes it back, so
  a charge session without a scan shows the tag of the one before.
* Name: when the box's publisher broke a name at its ``=``, the parts are put together again. A former name may
  remain on the broker under another topic; names that differ are null, since nobody can tell which one holds.
* Price: of the hourly tariff when that is in use, else the usual one. A price limit holds in mode ``instant``.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, TypeAlias

import msgspec

from gateway.domain import openwb19_topics as topics
from gateway.domain.openwb19_topics import CHARGEPOINTS, CONSUMERS, INVERTERS, Direct, Part, Phases, Topic
from gateway.domain.values import REMOVED, JsonValue, Removed

FIRST: Final = "1"
SECOND: Final = "2"
FULL_PERCENT: Final = 100

Told: TypeAlias = JsonValue | Removed
"""A value, or REMOVED where nothing stands for one."""


class Facts:
    """The last readable payload of each topic, decoded.

    Several topics may say the same of one id: names do, see ``openwb19_topics``.
    """

    def __init__(self) -> None:
        self._facts: dict[tuple[str, str], dict[str, JsonValue]] = {}

    def set(self, topic: Topic, topic_id: str, full_topic: str, fact: JsonValue) -> None:
        self._facts.setdefault((topic.pattern, topic_id), {})[full_topic] = fact

    def delete(self, topic: Topic, topic_id: str, full_topic: str) -> None:
        self._facts.get((topic.pattern, topic_id), {}).pop(full_topic, None)

    def all(self, topic: Topic, topic_id: str = "") -> list[JsonValue]:
        return list(self._facts.get((topic.pattern, topic_id), {}).values())

    def get(self, topic: Topic, topic_id: str = "") -> Told:
        """REMOVED = the topic is not there; a topic that holds null has a fact all the same."""
        return next(iter(self.all(topic, topic_id)), REMOVED)

    def known(self, topic: Topic, topic_id: str = "") -> JsonValue:
        """The fact, or null when the topic is not there."""
        fact = self.get(topic, topic_id)
        return None if isinstance(fact, Removed) else fact

    def shows(self, part: Part, part_id: str) -> bool:
        """Whether the box has the part."""
        match part:
            case Part.chargepoint:
                return self.known(topics.CHARGEPOINT_CONFIGURED, part_id) is True
            case Part.vehicle:
                return self.shows(Part.chargepoint, part_id) and self.known(topics.SOC_CONFIGURED, part_id) is True
            case Part.inverter:
                return self.known(topics.INVERTER_CONFIGURED, part_id) is True
            case Part.pv:  # former versions told of the whole only
                return self.known(topics.PV_CONFIGURED) is True or any(
                    self.shows(Part.inverter, inverter) for inverter in INVERTERS
                )
            case Part.battery:
                return self.known(topics.BATTERY_CONFIGURED) is True
            case Part.consumer:
                return self.known(topics.CONSUMER_CONFIGURED, part_id) is True
            case Part.box | _:
                return True


class Output(msgspec.Struct, frozen=True):
    """A key, or one for each id of its part, and the topics that it is worked out from.

    ``far`` are those in which what is said of one id concerns the others too.
    """

    key: str
    part: Part
    sources: tuple[Topic, ...]
    work: Callable[[Facts, str], Told]
    far: tuple[Topic, ...] = ()

    def ids(self, topic: Topic, topic_id: str) -> Sequence[str]:
        """For which ids a topic has a say in this."""
        if "+" not in self.key:
            return ("",)
        return (topic_id,) if "+" in topic.pattern and topic not in self.far else _IDS[self.part]


_IDS: Mapping[Part, Sequence[str]] = {
    Part.chargepoint: CHARGEPOINTS,
    Part.vehicle: CHARGEPOINTS,
    Part.inverter: INVERTERS,
    Part.consumer: CONSUMERS,
}
_CONFIGURED: Mapping[Part, tuple[Topic, ...]] = {
    Part.box: (),
    Part.chargepoint: (topics.CHARGEPOINT_CONFIGURED,),
    Part.vehicle: (topics.CHARGEPOINT_CONFIGURED, topics.SOC_CONFIGURED),
    Part.pv: (topics.PV_CONFIGURED, topics.INVERTER_CONFIGURED),
    Part.inverter: (topics.INVERTER_CONFIGURED,),
    Part.battery: (topics.BATTERY_CONFIGURED,),
    Part.consumer: (topics.CONSUMER_CONFIGURED,),
}


def name(facts: Facts, chargepoint: str) -> Told:
    names = facts.all(topics.NAME, chargepoint)
    if not names:
        return REMOVED
    return names[0] if all(one == names[0] for one in names) else None


def mode(facts: Facts, _: str) -> Told:
    return facts.get(topics.MODE)


def min_current_a(facts: Facts, _: str) -> Told:
    return 0.0 if facts.known(topics.MODE) == "pv" else facts.get(topics.MIN_CURRENT)


def limit(facts: Facts, chargepoint: str) -> Told:
    match facts.get(topics.MODE):
        case Removed():
            return REMOVED
        case None:
            return None
        case "instant":
            kind = facts.known(topics.LIMIT_KIND, chargepoint)
            return None if kind is None else _instant_limit(facts, chargepoint, kind)
        case "pv" | "min_pv" as pv_mode:
            return _pv_limit(_pv_ends(facts, chargepoint, only_pv=pv_mode == "pv"))
        case _:
            return _limit("none")


def _instant_limit(facts: Facts, chargepoint: str, kind: JsonValue) -> JsonValue:
    return _limit(
        kind,
        soc_percent=facts.known(topics.LIMIT_SOC, chargepoint) if kind == "soc" else None,
        energy_wh=facts.known(topics.LIMIT_ENERGY, chargepoint) if kind == "energy" else None,
    )


def _pv_ends(facts: Facts, chargepoint: str, *, only_pv: bool) -> list[JsonValue]:
    """The states of charge at which PV charging ends; null for one that nobody told."""
    ends: list[JsonValue] = []
    if facts.known(topics.PV_LIMITED, chargepoint) is True:
        ends.append(facts.known(topics.PV_LIMIT_SOC, chargepoint))
    alone = chargepoint == FIRST and not facts.shows(Part.chargepoint, SECOND)
    older = facts.get(topics.PV_ENDS_AT_SOC, FIRST)
    if only_pv and alone and facts.shows(Part.vehicle, FIRST) and not isinstance(older, Removed):
        ends.append(older)
    return ends


def _pv_limit(ends: list[JsonValue]) -> JsonValue:
    told = [end for end in ends if isinstance(end, float)]
    if len(told) < len(ends):
        return _limit("soc")
    return _limit("soc", soc_percent=min(told)) if told and min(told) < FULL_PERCENT else _limit("none")


def _limit(kind: JsonValue, soc_percent: JsonValue = None, energy_wh: JsonValue = None) -> JsonValue:
    return {"kind": kind, "soc_percent": soc_percent, "energy_wh": energy_wh}


def price_limit(facts: Facts, chargepoint: str) -> Told:
    enabled = facts.get(topics.TARIFF_ENABLED)
    if enabled is True and facts.known(topics.BY_PRICE, chargepoint) is not False:
        return facts.known(topics.PRICE_LIMIT)
    return REMOVED if isinstance(enabled, Removed) else None


def price(facts: Facts, _: str) -> Told:
    if facts.known(topics.TARIFF_ENABLED) is True:
        return facts.known(topics.TARIFF_PRICE)
    return facts.get(topics.USUAL_PRICE)


def prices(facts: Facts, _: str) -> Told:
    listed = facts.get(topics.TARIFF_PRICES)
    if isinstance(listed, Removed) or facts.known(topics.TARIFF_ENABLED) is True:
        return listed
    return []


def id_tag(facts: Facts, chargepoint: str) -> Told:
    tag = facts.get(topics.LAST_TAG, chargepoint)
    if isinstance(tag, Removed) or facts.known(topics.PLUGGED, chargepoint) is True:
        return tag
    return None


def vehicle_id(facts: Facts, chargepoint: str) -> Told:
    configured = facts.get(topics.SOC_CONFIGURED, chargepoint)
    return int(chargepoint) if configured is True else None if configured is False else configured


def _direct(topic: Topic, facts: Facts, topic_id: str) -> Told:
    return facts.get(topic, topic_id)


def _listed(phases: Phases, facts: Facts, topic_id: str) -> Told:
    told = [facts.get(topic, topic_id) for topic in phases.topics]
    if all(isinstance(phase, Removed) for phase in told):
        return REMOVED
    return [None if isinstance(phase, Removed) else phase for phase in told]


def _of_chargepoint(leaf: str, work: Callable[[Facts, str], Told], *sources: Topic) -> Output:
    return Output(f"chargepoints/+/{leaf}", Part.chargepoint, sources, work)


def _outputs_of(direct: Direct) -> list[Output]:
    return [Output(key, direct.part, (direct.topic,), partial(_direct, direct.topic)) for key in direct.keys]


OUTPUTS: tuple[Output, ...] = (
    *(output for direct in topics.DIRECT for output in _outputs_of(direct)),
    *(Output(phases.key, phases.part, phases.topics, partial(_listed, phases)) for phases in topics.PHASES),
    _of_chargepoint("name", name, topics.NAME),
    _of_chargepoint("mode", mode, topics.MODE),
    _of_chargepoint("min_current_a", min_current_a, topics.MODE, topics.MIN_CURRENT),
    Output(
        "chargepoints/+/limit",
        Part.chargepoint,
        (
            topics.MODE,
            topics.LIMIT_KIND,
            topics.LIMIT_ENERGY,
            topics.LIMIT_SOC,
            topics.PV_LIMITED,
            topics.PV_LIMIT_SOC,
            topics.PV_ENDS_AT_SOC,
            topics.SOC_CONFIGURED,
        ),
        limit,
        far=(topics.CHARGEPOINT_CONFIGURED,),  # a second charge point takes a limit away from the first
    ),
    _of_chargepoint(
        "price_limit_eur_per_kwh", price_limit, topics.TARIFF_ENABLED, topics.PRICE_LIMIT, topics.BY_PRICE
    ),
    _of_chargepoint("id_tag", id_tag, topics.LAST_TAG, topics.PLUGGED),
    _of_chargepoint("vehicle_id", vehicle_id, topics.SOC_CONFIGURED),
    Output(
        "tariff/price_eur_per_kwh",
        Part.box,
        (topics.TARIFF_ENABLED, topics.TARIFF_PRICE, topics.USUAL_PRICE),
        price,
    ),
    Output("tariff/prices", Part.box, (topics.TARIFF_ENABLED, topics.TARIFF_PRICES), prices),
)


def _outputs_by_topic() -> Mapping[str, tuple[Output, ...]]:
    found: dict[str, list[Output]] = {}
    for output in OUTPUTS:
        for topic in dict.fromkeys((*output.sources, *_CONFIGURED[output.part])):
            found.setdefault(topic.pattern, []).append(output)
    return {pattern: tuple(outputs) for pattern, outputs in found.items()}


OUTPUTS_OF: Mapping[str, tuple[Output, ...]] = _outputs_by_topic()
