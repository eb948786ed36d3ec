"""How a simulated 1.9 speaks: bare texts, published when they changed, in one burst after each control loop.

Rules:

* A loop says what differs from what the last loop said, in the order of ``ORDER``; heartbeat, hardware and graph
  always. What was answered to a write in between does not count as said.
* The publisher gets ``topic=value`` on a line and splits it at the last ``=``: a charge point named ``A = B`` is
  said as topic ``lp/1/strChargePointName=A `` with text `` B``.
* A write is answered at once, then taken away with an empty retained message, valid or not: see ``writes``. What is
  taken away comes back empty and is nothing to hear; a charge log's request comes back as "0" and is heard.
* A tag is judged in the loop in which it was held to the box: known is one that any vehicle has.
* Sums of the day are those of a job every five minutes.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from gateway.simulator.box import Box
from gateway.simulator.id_tags import owner
from gateway.simulator.openwb19.counters import Counters
from gateway.simulator.openwb19.desk import Desk, Said
from gateway.simulator.openwb19.live_values import GRAPH, LiveValues, empty_chunks, live_line
from gateway.simulator.openwb19.order import ORDER
from gateway.simulator.openwb19.settings import MOST_CHARGEPOINTS, MOST_WITH_SOC, settings_for
from gateway.simulator.openwb19.state_texts import (
    Place,
    always_texts,
    box_texts,
    daily_texts,
    place_texts,
    tariff_texts,
)
from gateway.simulator.openwb19.texts import flag, kwh, local, whole
from gateway.simulator.openwb19.writes import MONTH_REQUEST, SUBSCRIPTIONS, answer
from gateway.simulator.words import Happening, Outgoing, Readings

PREFIX: Final = "openWB/"
PAUSE_S: Final = 0.004
_DAILY_EVERY_S = 300
ALWAYS: Final = frozenset(always_texts(datetime.fromtimestamp(0, UTC), 0.0, 0.0)) | GRAPH


class OpenWB19Voice:
    """The dialect of a 1.9 over ``box``; charge points are numbered by position, at most eight of them."""

    subscriptions = tuple(PREFIX + topic for topic in SUBSCRIPTIONS)

    def __init__(self, box: Box) -> None:
        self._box = box
        state = box.state
        setups = state.installation.chargepoints[:MOST_CHARGEPOINTS]
        self._places = [Place(number=number) for number in range(1, MOST_CHARGEPOINTS + 1)]
        for place, setup in zip(self._places, setups, strict=False):
            place.chargepoint = state.chargepoints[setup.id]
            vehicle = state.vehicles.get(setup.vehicle_id)
            if vehicle is not None:
                place.kwh_per_100km = f"{vehicle.setup.consumption_wh_per_100km / 1000:g}"
        wishes = [state.chargepoints[setup.id].wish for setup in setups]
        self._settings = settings_for(state.installation, wishes, state.bat_mode)
        self._learn_soc()
        self._desk = Desk(box, self._settings, self._places)
        self._live = LiveValues()
        self._last_tag = "0"
        self._said: dict[str, str] = {}
        self._booted_s = state.time_s
        self._daily: dict[str, str] = {}
        self._daily_at: int | None = None

    def boot(self, time_s: float) -> list[Outgoing]:
        """Everything that is retained; what the box had only in memory is gone."""
        self._booted_s = time_s
        self._live.clear()
        self._daily_at = None
        for place in self._places:
            place.counters = Counters()
        self._said = self._texts(time_s)
        chunks = [Said(topic, text) for topic, text in empty_chunks().items()]
        return _burst([*_lines(self._said), *chunks])

    def loop(self, readings: Readings, _happenings: tuple[Happening, ...]) -> list[Outgoing]:
        """What changed, as the box's state is after this loop; what happened shows in its values only."""
        of_tags = self._take_tags(readings)
        before, self._said = self._said, self._texts(readings.time_s)
        changed = {topic: text for topic, text in self._said.items() if topic in ALWAYS or before.get(topic) != text}
        self._count(readings)
        return _burst([*of_tags, *_lines(changed)])

    def heartbeat(self, _time_s: float) -> list[Outgoing]:
        """None of its own: it rides in the loop."""
        return []

    def heard(self, topic: str, payload: bytes, time_s: float) -> list[Outgoing]:
        """A write; what its handler breaks off at gets no answer and is not taken away."""
        topic = topic.removeprefix(PREFIX)
        if not payload:
            return []
        try:
            said = answer(self._desk, topic, payload.decode(), time_s)
        except ValueError:
            return []
        if topic != MONTH_REQUEST:
            said.append(Said(topic, ""))
        return _burst(said)

    def _texts(self, time_s: float) -> dict[str, str]:
        """All of the state; every call is a line more in the graph."""
        state, moment = self._box.state, self._moment(time_s)
        self._learn_soc()
        if self._daily_at != time_s // _DAILY_EVERY_S:
            self._daily_at, self._daily = int(time_s // _DAILY_EVERY_S), daily_texts(state)
        texts = {
            **box_texts(state, self._settings, self._last_tag),
            **tariff_texts(state, moment),
            **self._daily,
            **always_texts(moment, time_s, time_s - self._booted_s),
        }
        for place in self._places:
            texts |= place_texts(place, state.readings)
        with_soc = [place.soc_percent for place in self._places[:MOST_WITH_SOC]]
        return texts | self._live.texts(live_line(moment, state, with_soc))

    def _learn_soc(self) -> None:
        """From the modules that ask the vehicles; without one, what somebody wrote stays."""
        for place in self._places[:MOST_WITH_SOC]:
            chargepoint = place.chargepoint
            vehicle = self._box.state.vehicles.get(chargepoint.setup.vehicle_id) if chargepoint else None
            place.has_soc = vehicle is not None and vehicle.soc_module is not None
            if vehicle is not None and vehicle.soc_percent is not None:
                place.soc_percent = whole(vehicle.soc_percent)

    def _take_tags(self, readings: Readings) -> list[Said]:
        """The tags since the last loop: a known one enables its charge point, as the box writes to itself."""
        epoch = int(readings.time_s)
        scans, self._desk.held = (*self._desk.held, *readings.scans), ()
        state = self._box.state
        said: list[Said] = []
        for scan in scans if state.id_tags_active else ():
            place = self._place_of(scan.chargepoint_id)
            self._last_tag = f"{scan.id_tag},{epoch}"
            if place is None or not any(vehicle.id_tags for vehicle in state.vehicles.values()):
                continue
            known = owner(state.vehicles, scan.id_tag) is not None
            place.tag_scan = f"{epoch},{scan.id_tag},{flag(known)}"
            if known:
                place.last_tag = self._last_tag
                said.append(Said(f"set/lp/{place.number}/ChargePointEnabled", "1"))
        return said

    def _place_of(self, chargepoint_id: int) -> Place | None:
        for place in self._places:
            if place.chargepoint is not None and place.chargepoint.setup.id == chargepoint_id:
                return place
        return None

    def _count(self, readings: Readings) -> None:
        for place in self._places:
            if place.chargepoint is not None:
                reading = place.reading(readings)
                place.counters.count(
                    plugged=reading.plugged,
                    power_w=reading.power_w,
                    meter_kwh=kwh(reading.imported_wh),
                    limit_kwh=self._settings.texts.get(f"config/get/sofort/lp/{place.number}/energyToCharge", "0"),
                    kwh_per_100km=place.kwh_per_100km,
                )

    def _moment(self, time_s: float) -> datetime:
        return local(time_s, self._box.state.installation.timezone)


def _lines(texts: Mapping[str, str]) -> list[Said]:
    """What the publisher makes of them, in order."""
    said = []
    for topic in ORDER:
        if topic in texts:
            before, _, after = f"{topic}={texts[topic]}".rpartition("=")
            said.append(Said(before, after))
    return said


def _burst(said: list[Said]) -> list[Outgoing]:
    outgoing: list[Outgoing] = []
    after_s = 0.0
    for one in said:
        after_s = round(after_s + one.wait_s, 3)
        outgoing.append(Outgoing(PREFIX + one.topic, one.text, after_s=after_s))
        after_s += PAUSE_S
    return outgoing
