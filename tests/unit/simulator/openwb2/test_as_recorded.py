"""The simulated 2.x beside the recorded one: topics, JSON types, order, retain flags, rates.

Where they differ a table says so, with the reason; a difference that is not there any more fails too.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import combinations
from typing import Any

import msgspec
import pytest

from gateway.simulator.scenes import Stay
from tests.support.box import Box as Read
from tests.support.captures import load_capture
from tests.support.recording import Recorded
from tests.support.simulated2 import INTERVAL_S, RECORDED_HOME, Simulated2

MANUAL_HOME = msgspec.structs.replace(
    RECORDED_HOME,
    vehicles=tuple(
        msgspec.structs.replace(vehicle, soc_module="manual" if vehicle.id == 1 else None)
        for vehicle in RECORDED_HOME.vehicles
    ),
)
RETAINED = {m.topic: m.payload for m in load_capture("v2-retained")}
STANDARD, IONIQS = (json.loads(RETAINED[f"openWB/vehicle/template/charge_template/{n}"]) for n in (0, 1))
LOOPS = 61
STAYS = (  # from one loop before the session on
    Stay(vehicle_id=1, chargepoint_id=5, plugs_in_s=10 + 33, leaves_s=10 + 540),
    Stay(vehicle_id=3, chargepoint_id=6, plugs_in_s=10 + 150, leaves_s=10 + 555),
)
SECONDS = 606.0
HOURLY_NOISE = 0.06  # of the totals per second: what happens to move in ten minutes

NOT_SAID = {
    r"mqtt/(bat|chargepoint|counter|pv)/.*": "the recorder's own inputs: our plant is inside the box",
    r"command/gateway1/messages/1795330[0-2].*": "what the recorder's set-up was answered; ours was set up by nobody",
    r"set/pv/3/get/(monthly|yearly)_exported": "a set message that the real broker kept by accident",
}
ONLY_OURS = {
    r"(set/)?pv/get/(monthly|yearly)_exported": "the recorded box was ten minutes old and had no monthly log yet",
}
TRANSIENT_ONLY_THERE = {
    r"set/bat/set/hysteresis_discharge": "inside the control of batteries, which publishes nothing of it",
    r"set/counter/0/set/reserved_surplus": "inside the control of surplus",
    r"set/chargepoint/\d/control_parameter/(failed_phase_switches|timestamp_(last_phase_switch|phase_switch_buffer_start"
    r"|switch_on_off))": "steps of a phase switch, which our control does not publish one by one",
    r"(set/)?command/gateway1/messages/.*|(set/)?log/daily/.*": "named by the time of the recording",
}


ONLY_IN_OUR_SESSION = {
    r"mqtt/vehicle/1/get/.*": "the recorder took his own inputs out of the session",
    r"(set/)?command/gateway1/messages/.*": "named by the time of the recording",
    r"(set/)?chargepoint/6/get/connected_vehicle/config": "the real box lost a write (500 s) to its own",
}
OTHER_TYPES = {
    r"chargepoint/\+/set/log .end number": "a pause within a charge; our sun makes none here",
    r"graph/alllivevaluesJson1? \.cp4-power number": "a charge point that the recorder had removed again",
    r"(vehicle/\+/get/odometer |log/gateway1/data .*odometer) number": "our cars tell; the recorder fed none",
}


@cache
def recorded() -> tuple[Recorded, ...]:
    return tuple(m for m in load_capture("v2-session") if "openWB/mqtt/" not in m.topic)


def home_as_recorded() -> Simulated2:
    """Set up as the recorder had set his up, and one loop old."""
    home = Simulated2(installation=MANUAL_HOME, stays=STAYS)
    home.write("general/temporary_charge_templates_active", value=True)
    home.write("vehicle/template/charge_template/0", STANDARD)
    home.write("vehicle/template/charge_template/1", IONIQS)
    home.loops()
    home.published.clear()
    return home


def play(home: Simulated2, loops: int) -> None:
    """The recorder's client writes what it wrote, when it wrote it."""
    start = home.time_s
    writes = [m for m in recorded() if m.topic.startswith("openWB/set/") and m.payload and not m.retain]
    for number in range(1, loops + 1):
        while writes and writes[0].t < number * INTERVAL_S:
            write = writes.pop(0)
            home.write_raw(path(write.topic).removeprefix("set/"), write.payload.encode())
        home.loops()
        assert home.time_s == start + number * INTERVAL_S


@cache
def simulated() -> tuple[Recorded, ...]:
    """The same ten minutes: tags, two cars, modes, locks, errors and a log. ``t`` from the start."""
    home = home_as_recorded()
    start = home.time_s
    play(home, LOOPS)
    return tuple(
        Recorded(topic=m.topic, payload=m.payload, retain=m.retain, t=time_s - start) for time_s, m in home.published
    )


def path(topic: str) -> str:
    return topic.removeprefix("openWB/")


def reasons(table: dict[str, str], topics: Iterable[str]) -> tuple[set[str], set[str]]:
    """The topics that no row explains, and the rows that explain nothing."""
    unexplained, used = set(), set()
    for topic in topics:
        rows = [row for row in table if re.fullmatch(row, topic)]
        used.update(rows)
        if not rows:
            unexplained.add(topic)
    return unexplained, set(table) - used


def kinds(value: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """Where in a payload which JSON type stands; slots of prices and lists are one place each."""
    match value:
        case None:
            yield at, "null"
        case bool():
            yield at, "bool"
        case int() | float():
            yield at, "number"
        case str():
            yield at, "string"
        case list():
            yield at, "list"
            for member in value:
                yield from kinds(member, f"{at}[]")
        case dict():
            yield at, "object"
            for key, member in value.items():
                yield from kinds(member, f"{at}.{'#' if key.isdecimal() else key}")


@cache
def types(source: str) -> dict[str, set[tuple[str, str]]]:
    messages = [*load_capture("v2-start"), *load_capture("v2-retained"), *recorded()] if source == "recorded" else []
    if source == "simulated":
        messages = [Recorded(topic=m.topic, payload=m.payload) for m in home_as_recorded().boot()]
        messages += simulated()
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for message in messages:
        topic = path(message.topic)
        if not message.payload or topic.startswith(("set/", "system/configurable/")):
            continue
        if topic.startswith("graph/alllivevaluesJson"):
            lines = [] if message.payload == "-" else message.payload.split("\n")
            found[topic].update(place for line in lines for place in kinds(json.loads(line)))
        else:
            found[re.sub(r"(?<=^chargepoint/)\d+|(?<=^vehicle/)[13]", "+", topic)].update(
                kinds(json.loads(message.payload))
            )
    return found


def test_the_retained_topics_are_those_that_were_recorded() -> None:
    home = home_as_recorded()
    play(home, 34)  # in the middle of the session, when the recorder took them
    theirs = {path(m.topic) for m in load_capture("v2-retained") if m.topic.startswith("openWB/")}
    ours = {path(topic) for topic in home.retained}
    lacking, unused = reasons(NOT_SAID, theirs - ours)
    assert (lacking, unused) == (set(), set())
    assert reasons(ONLY_OURS, ours - theirs) == (set(), set())


def test_the_topics_of_the_session_are_those_that_were_recorded() -> None:
    theirs = {path(m.topic) for m in recorded() if m.retain or not m.topic.startswith("openWB/set/")}
    ours = {path(m.topic) for m in simulated()}
    assert reasons(TRANSIENT_ONLY_THERE, theirs - ours) == (set(), set())
    assert reasons(ONLY_OURS | ONLY_IN_OUR_SESSION, ours - theirs) == (set(), set())


def test_payloads_have_the_types_that_were_recorded() -> None:
    theirs, ours = types("recorded"), types("simulated")
    differences = {
        f"{topic} {place} {kind}"
        for topic in theirs.keys() & ours.keys()
        for place, kind in ours[topic] ^ theirs[topic]
    }
    assert reasons(OTHER_TYPES, differences) == (set(), set())


def test_every_message_has_the_retain_flag_that_was_recorded() -> None:
    theirs = {m.topic: m.retain for m in recorded() if m.retain or not m.topic.startswith("openWB/set/")}
    wrong = [m.topic for m in simulated() if m.retain != theirs.get(m.topic, m.retain)]
    assert wrong == []


def bursts(messages: Iterable[Recorded]) -> list[list[Recorded]]:
    """From one heartbeat to the next."""
    cut: list[list[Recorded]] = []
    for message in messages:
        if path(message.topic) == "set/system/time" and message.payload:
            cut.append([])
        elif cut:
            cut[-1].append(message)
    return cut


def always_in_this_order(messages: tuple[Recorded, ...], topics: set[str]) -> set[tuple[str, str]]:
    """Pairs of topics of which the first came before the second in every loop."""
    firsts = []
    for burst in bursts(messages):
        first: dict[str, int] = {}
        for index, message in enumerate(burst):
            first.setdefault(message.topic, index)
        firsts.append(first)
    whole = [first for first in firsts if topics <= first.keys()]
    assert len(whole) > LOOPS / 2
    pairs = set()
    for one, other in combinations(sorted(topics), 2):
        for before, after in ((one, other), (other, one)):
            if all(first[before] < first[after] for first in whole):
                pairs.add((before, after))
    return pairs


def test_what_comes_in_each_loop_comes_in_the_recorded_order() -> None:
    noise = ("module_update_completed", "vehicle_update_completed", "graph/alllivevalues", "system/time")
    counted = Counter(m.topic for m in recorded() if not any(part in m.topic for part in noise))
    topics = {topic for topic, count in counted.items() if count >= LOOPS and not topic.startswith("openWB/set/")}
    theirs, ours = always_in_this_order(recorded(), topics), always_in_this_order(simulated(), topics)
    assert len(topics) > 90
    assert sorted(theirs - ours) == []


def test_a_value_is_set_published_and_cleared() -> None:
    """In this order, as it was recorded."""
    for messages in (recorded(), simulated()):
        steps: dict[str, str] = defaultdict(str)
        for message in messages:
            topic = path(message.topic)
            if message.retain and topic.startswith("set/counter/0/get"):
                steps[topic.removeprefix("set/")] += "s" if message.payload else "c"
            elif topic.startswith("counter/0/get"):
                steps[topic] += "p"
        assert {re.sub("(?:spc)+", "spc", done) for done in steps.values()} == {"spc"}


LOOPED = {topic: n for topic, n in Counter(m.topic for m in recorded()).items() if n in (61, 63, 122, 366)}


@pytest.mark.parametrize("source", ["values", "echoes"])
def test_what_comes_in_each_loop_comes_as_often_as_recorded(source: str) -> None:
    moves_with_the_sun = ("pv/get/", "counter/set/home_consumption", "chargepoint/get/", "bat/get/")
    counted = Counter(m.topic for m in simulated())
    wrong = {
        topic: (count, counted[topic])
        for topic, count in LOOPED.items()
        if topic.startswith("openWB/set/") == (source == "echoes")
        and not path(topic).removeprefix("set/").startswith(moves_with_the_sun)
        and "/set/mqtt/" not in topic
        and counted[topic] != count
    }
    assert wrong == {}


def test_what_comes_on_change_comes_no_more_often_than_once_a_loop() -> None:
    values = Counter(m.topic for m in simulated() if not m.topic.startswith("openWB/set/"))
    often = {t: n for t, n in values.items() if t not in LOOPED and n > LOOPS and "vehicle_update" not in t}
    assert often == {}


def test_as_many_messages_a_second_as_recorded() -> None:
    def per_second(messages: Iterable[Recorded]) -> tuple[float, float]:
        echoes = [path(m.topic).startswith("set/") for m in messages if "set/mqtt/" not in m.topic]
        return (len(echoes) - sum(echoes)) / SECONDS, sum(echoes) / SECONDS

    (values, echoes), (our_values, our_echoes) = per_second(recorded()), per_second(simulated())
    assert (round(values, 1), round(echoes)) == (12.9, 23)  # openwb.md 9
    assert abs(our_values / values - 1) < HOURLY_NOISE
    assert abs(our_echoes / echoes - 1) < HOURLY_NOISE


def test_a_loop_is_a_burst_as_recorded() -> None:
    """Some 95 messages within the busiest 100 ms, and nothing for most of the time."""
    for messages in (recorded(), simulated()):
        values = [m.t for m in messages if not m.topic.startswith("openWB/set/")]
        tenths = Counter(int(t * 10) for t in values)
        assert 85 <= max(tenths.values()) <= 125
        assert len({int(t) for t in values}) / SECONDS < 0.4


def test_the_gateway_reads_all_of_it() -> None:
    """Nothing is unreadable, and every key that the captures give is there."""
    theirs, ours = Read().play([*load_capture("v2-retained"), *recorded()]), Read()
    ours.play(Recorded(topic=m.topic, payload=m.payload) for m in home_as_recorded().boot())
    ours.play(simulated())
    assert theirs.unreadable == ours.unreadable == []
    assert theirs.values.keys() - ours.values.keys() == set()
    null = {key for key, value in theirs.values.items() if value is None}
    assert {key for key, value in ours.values.items() if value is None} <= null
