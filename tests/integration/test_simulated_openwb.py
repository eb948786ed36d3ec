"""The simulated openWB on a real broker: what it does with connections, writes and time."""

import asyncio
import itertools

from gateway.simulator.openwb import SimulatedOpenwb
from gateway.simulator.speech import Said
from tests.support.mqtt_log import Log, broker_at, publish
from tests.support.parts import MosquittoPart
from tests.support.rig import simulated
from tests.support.waiting import eventually

BEAT = "openWB/system/time"


async def lived_for(box: SimulatedOpenwb, seconds: float) -> None:
    """Of its own time, since its begin."""
    await eventually(lambda: box.simulation.now_s - box.simulation.began_s > seconds)


async def test_everything_is_retained_and_the_broker_agrees(mosquitto: MosquittoPart) -> None:
    async with simulated(mosquitto.url) as box:
        speech = box.simulation.speech
        await lived_for(box, 15)
        box.pause()
        async with Log(broker_at(mosquitto.url), "openWB/#").running() as log:
            await eventually(lambda: {m.topic: m.payload for m in log.messages} == speech.retained)
            assert all(message.retained for message in log.messages)


async def test_a_box_whose_broker_was_away_says_everything_once_more(mosquitto: MosquittoPart) -> None:
    async with simulated(mosquitto.url) as box:
        await lived_for(box, 20)
        await mosquitto.kill()
        before_s = box.simulation.now_s
        await eventually(lambda: box.simulation.now_s > before_s + 20, what="it lives on")
        await mosquitto.start()
        async with Log(broker_at(mosquitto.url), "openWB/#").running() as log:

            def held() -> dict[str, bytes]:
                return {message.topic: message.payload for message in log.messages if message.payload}

            await eventually(lambda: held().keys() >= box.simulation.speech.retained.keys())
            await eventually(lambda: float(held()[BEAT]) > before_s + 20)


async def test_a_write_is_echoed_and_cleared_in_a_moment(mosquitto: MosquittoPart) -> None:
    lock = "chargepoint/5/set/manual_lock"
    async with simulated(mosquitto.url, speed=1) as box, Log(broker_at(mosquitto.url), "openWB/#").running() as log:
        await eventually(lambda: len(log.messages) > 100)
        await publish(mosquitto.url, (f"openWB/set/{lock}", "true"))
        await eventually(lambda: box.simulation.speech.retained[f"openWB/{lock}"] == b"true")

        def about() -> list[tuple[str, bytes]]:
            return [(m.topic, m.payload) for m in log.messages if m.topic.endswith(lock)]

        await eventually(lambda: (f"openWB/set/{lock}", b"") in about())
        assert (f"openWB/{lock}", b"true") in about()


async def test_what_waits_while_it_stands_still_comes_when_it_goes_on(mosquitto: MosquittoPart) -> None:
    handed: list[Said] = []
    async with simulated(mosquitto.url, on_published=handed.append) as box:
        await lived_for(box, 15)
        box.pause()
        stood_at_s = box.simulation.now_s
        published = len(handed)
        await asyncio.sleep(1.2)  # two loops' time
        assert len(handed) <= published + 1
        box.resume()
        box.resume()  # once is enough
        await eventually(lambda: len(handed) > published + 200)
        beats = [float(one.payload) for one in handed if one.topic == BEAT]
        gaps = [two - one for one, two in itertools.pairwise(beats) if one > stood_at_s - 15]
        assert max(gaps) < 21, "no time went by"


async def test_who_falls_behind_goes_on_later_and_floods_nobody(mosquitto: MosquittoPart) -> None:
    handed: list[Said] = []
    async with simulated(mosquitto.url, on_published=handed.append) as box:
        await eventually(lambda: len(handed) > 200)
        mosquitto.freeze()
        await asyncio.sleep(1.5)  # three loops' time
        mosquitto.thaw()
        before_s = box.simulation.now_s
        await eventually(lambda: box.simulation.now_s > before_s + 30)
        beats = [float(one.payload) for one in handed if one.topic == BEAT]
        assert beats == sorted(beats)


async def test_a_box_that_leaves_comes_back_by_itself(mosquitto: MosquittoPart) -> None:
    async with simulated(mosquitto.url) as box, Log(broker_at(mosquitto.url), "openWB/#").running() as log:
        await eventually(lambda: len(log.messages) > 200)
        box.faults.disconnect(60)
        left_at_s = box.simulation.now_s
        await eventually(lambda: box.simulation.now_s > left_at_s + 25, what="it lives on")
        beats = [float(message.payload) for message in log.messages if message.topic == BEAT]
        assert max(beats) < left_at_s + 3
        known = len(box.simulation.speech.retained)
        before = len(log.messages)
        await eventually(lambda: len(log.messages) > before + known, what="it repeats what is retained")


async def test_an_updated_box_listens_to_what_it_is_told_now(mosquitto: MosquittoPart) -> None:
    async with simulated(mosquitto.url, dialect="openwb-1.9") as box:
        await lived_for(box, 15)
        box.faults.update(5)
        await eventually(lambda: "openWB/general/control_interval" in box.simulation.speech.retained)

        async def obeys() -> bool:
            await publish(mosquitto.url, ("openWB/set/general/control_interval", "20"))
            return box.simulation.speech.retained["openWB/general/control_interval"] == b"20"

        await eventually(obeys, every_s=0.1)
        assert "openWB/lp/1/W" in box.simulation.speech.retained


async def test_a_fault_may_be_ordered_for_later_and_nonsense_harms_nobody(mosquitto: MosquittoPart) -> None:
    handed: list[Said] = []
    async with simulated(mosquitto.url, on_published=handed.append) as box:
        box.later(5, "swap chargepoint 77")
        box.later(8, "garbage 5")
        await eventually(lambda: any(one.topic == "openWB/chargepoint/abc/get/power" for one in handed))
        await lived_for(box, 30)
        await eventually(lambda: box.simulation.speech.retained == box.simulation.speech.truth)
