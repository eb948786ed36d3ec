"""A simulated run beside the recorded one: same house, same writes at the same moments.

What is compared: which topics there are, how their payloads are written, in what order and with what pauses a loop
says them, that all of it is retained, how often each is said, and what is answered to a write. What differs stands
below, each with its reason; a difference that is gone fails too.
"""

import re
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import pairwise

import pytest

from tests.support.captures import load_capture
from tests.support.recording import Recorded
from tests.support.simulated19 import LOOP_S, Simulated19, writes_of_the_capture

RETAINED_AT_S = 540.0
WRITES_AT_S = 5  # after a loop; a charge log is taken back later
MOST_RATE_APART = 0.3  # of the loops; how often a meter stands still is the plant's
MOST_LENGTH_APART = 6  # messages in the mean of many loops

MORE_TOPICS = {
    r"graph/\d+alllivevalues": "the script of the long graph was not run for the capture",
    r"(evu|housebattery)/DailyYieldExportKwh": "the five-minute job, which was not run for the capture, writes it",
    r"global/DailyYield\w+Kwh": "the five-minute job, which was not run for the capture, writes it",
    r"system/priceForKWh": "the settings file of the capture had no price",
}
LEFT_LYING = ("config/set/sofort/lp/1/chargeLimitation", "config/set/sofort/lp/1/energyToCharge")
FEWER_TOPICS = dict.fromkeys(LEFT_LYING, "the capture's box could not save it, and so did not take it away")
MORE_IN_LOOPS = {
    r"(evu|housebattery|pv|pv/1)/(Daily|Monthly|Yearly)Yield\w+": "the five-minute job was not run for the capture",
    r"global/DailyYield\w+": "the five-minute job was not run for the capture",
    r"lp/2/VPhase\d": "the second charge point of the capture had no meter",
    r"(evu|lp/1)/PfPhase\d": "the plant of the capture had one power factor only, and none at charge points",
    r"config/get/sofort/lp/1/(chargeLimitation|energyToCharge)": "the capture's box could not save it",
    r"lp/1/boolDirectModeChargekWh": "the capture's box could not save the limit",
}
FEWER_IN_LOOPS: Mapping[str, str] = {}
OTHER_RETAINED = {
    r"(evu|housebattery|pv|pv/1)/\w+Yield\w+": "the day of the simulated house begins with the run",
    r"evu/PfPhase[23]": "the plant of the capture had one power factor only",
    r"lp/2/VPhase\d": "the second charge point of the capture had no meter",
}
OTHER_RATES = {
    r"evu/Hz": "the simulated mains are steadier",
    r"evu/PfPhase1": "the simulated house has a power factor that does not move",
}
OTHER_SHAPES = {
    r"config/set/sofort/lp/1/(chargeLimitation|energyToCharge)": "never taken away in the capture",
}
UNANSWERED = {
    "openWB/config/set/sofort/lp/1/chargeLimitation": "the capture's box could not save it",
    "openWB/config/set/sofort/lp/1/energyToCharge": "the capture's box could not save it",
    "openWB/set/graph/RequestMonthLadelog": "the script that answers was not run for the capture",
}


@pytest.fixture(scope="module")
def simulated() -> list[Recorded]:
    box = Simulated19()
    box.boot()
    return list(box.recorded(writes_of_the_capture()))


@pytest.fixture(scope="module")
def captured() -> list[Recorded]:
    return list(load_capture("v19-session"))


def named(topics: Iterable[str], differences: Mapping[str, str]) -> None:
    """All of the topics are named as a difference, and every difference is there."""
    left = {topic.removeprefix("openWB/") for topic in topics}
    for pattern in differences:
        met = {topic for topic in left if re.fullmatch(pattern, topic)}
        assert met, f"no such difference: {pattern}"
        left -= met
    assert not left


def loops(messages: Iterable[Recorded]) -> list[list[Recorded]]:
    found: dict[int, list[Recorded]] = {}
    for message in messages:
        if message.t % LOOP_S < 1:
            found.setdefault(int(message.t // LOOP_S), []).append(message)
    return [found[number] for number in sorted(found)]


def shape(payload: str) -> str:
    """Columns of a CSV, digits behind the point, or the text without its numbers."""
    last = payload.rpartition("\n")[2]
    if last.count(",") > 5:
        return f"{last.count(',') + 1} columns"
    if re.fullmatch(r"-?\d+", payload):
        return "whole"
    if re.fullmatch(r"-?\d+\.\d+", payload):
        return f"{len(payload.rpartition('.')[2])} decimals"
    return re.sub(r"\s*\d+( H \d+)?\s?", "#", payload)


def lasting_shape(payload: str) -> str:
    """A rounded number may happen to have one digit behind the point."""
    return shape(payload).replace("1 decimals", "2 decimals")


def shapes(messages: Iterable[Recorded]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for message in messages:
        found.setdefault(message.topic, set()).add(shape(message.payload))
    return found


def test_the_retained_topics_are_those_of_the_capture() -> None:
    booted, captured = set(Simulated19().boot()), {one.topic for one in load_capture("v19-retained")}
    ours = {f"openWB/{topic}" for topic in booted}
    named(ours - captured, MORE_TOPICS)
    named(captured - ours, FEWER_TOPICS)


def test_the_retained_payloads_are_written_like_those_of_the_capture(simulated: list[Recorded]) -> None:
    """Just when the capture was taken: while a car charges."""
    box = Simulated19()
    ours = {f"openWB/{topic}": payload for topic, payload in box.boot().items()}
    ours |= {one.topic: one.payload for one in simulated if one.t < RETAINED_AT_S + 1}
    usual: dict[str, set[str]] = {}
    for one in simulated:
        usual.setdefault(one.topic, set()).add(lasting_shape(one.payload))
    other = {
        one.topic
        for one in load_capture("v19-retained")
        if one.topic in ours
        and one.topic.removeprefix("openWB/") not in LEFT_LYING
        and lasting_shape(one.payload) not in {lasting_shape(ours[one.topic]), *usual.get(one.topic, ())}
    }
    named(other, OTHER_RETAINED)


def test_a_loop_says_the_topics_that_the_capture_says(simulated: list[Recorded], captured: list[Recorded]) -> None:
    ours, theirs = ({one.topic for loop in loops(run) for one in loop} for run in (simulated, captured))
    named(ours - theirs, MORE_IN_LOOPS)
    named(theirs - ours, FEWER_IN_LOOPS)


def test_they_are_written_like_those_of_the_capture(simulated: list[Recorded], captured: list[Recorded]) -> None:
    ours, theirs = shapes(simulated), shapes(captured)
    named({topic for topic in ours.keys() & theirs.keys() if not ours[topic] <= theirs[topic]}, OTHER_SHAPES)


def test_bursts_have_the_order_the_pauses_and_the_flags_of_the_capture(
    simulated: list[Recorded], captured: list[Recorded]
) -> None:
    before = {
        (one.topic, other.topic)
        for loop in loops(captured)
        for place, one in enumerate(loop)
        for other in loop[place + 1 :]
    }
    for loop in loops(simulated):
        assert not any((other.topic, one.topic) in before for one, other in pairwise(loop))
        took_s = loop[-1].t - loop[0].t
        assert took_s == pytest.approx(0.004 * (len(loop) - 1), abs=0.002)
    for loop in loops(captured):
        assert loop[-1].t - loop[0].t == pytest.approx(0.004 * (len(loop) - 1), abs=0.01)
    assert all(one.retain for run in (simulated, captured) for loop in loops(run) for one in loop)


def test_loops_are_as_many_and_as_long_as_in_the_capture(simulated: list[Recorded], captured: list[Recorded]) -> None:
    more = [re.compile(f"openWB/({pattern})") for pattern in MORE_IN_LOOPS]
    ours, theirs = loops(simulated), loops(captured)
    assert len(ours) == len(theirs)
    ours = [[one for one in loop if not any(pattern.fullmatch(one.topic) for pattern in more)] for loop in ours]
    for first, last in ((0, 7), (10, 35), (45, 65), (85, 104), (110, 131)):
        lengths = [statistics.mean(len(loop) for loop in run[first:last]) for run in (ours, theirs)]
        assert lengths[0] == pytest.approx(lengths[1], abs=MOST_LENGTH_APART), (first, last)


def test_every_topic_is_said_as_often_as_in_the_capture(simulated: list[Recorded], captured: list[Recorded]) -> None:
    ours, theirs = (Counter(one.topic for loop in loops(run) for one in loop) for run in (simulated, captured))
    number = len(loops(captured))
    apart = {topic for topic in ours & theirs if abs(ours[topic] - theirs[topic]) > MOST_RATE_APART * number}
    named(apart, OTHER_RATES)


def answers(messages: Iterable[Recorded]) -> dict[tuple[int, str], list[tuple[str, str, bool]]]:
    """What follows a write before the next loop, by the moment and the topic of the write."""
    found: dict[tuple[int, str], list[tuple[str, str, bool]]] = {}
    between = [one for one in messages if WRITES_AT_S <= one.t % LOOP_S < WRITES_AT_S + 1]
    for write in between:
        if "/set/" in write.topic and write.payload:
            name = write.topic.rpartition("/set/")[2]
            found[int(write.t), write.topic] = [
                (one.topic, one.payload, one.retain)
                for one in between
                if int(one.t) == int(write.t)
                and one.topic.endswith((name, "%Soc"))
                and one != write
                and ("/set/" not in one.topic or not one.payload)
            ]
    return found


def test_writes_are_answered_as_in_the_capture(simulated: list[Recorded], captured: list[Recorded]) -> None:
    ours, theirs = answers(simulated), answers(captured)
    assert ours.keys() == theirs.keys()
    for asked, answered in theirs.items():
        if asked[1] in UNANSWERED:
            assert not answered
        else:
            assert ours[asked] == answered, asked
