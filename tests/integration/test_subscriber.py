"""The independent subscriber against a real broker."""

from paho.mqtt import publish

from tests.support.oracle_logs import Break, Delivered
from tests.support.parts import MosquittoPart
from tests.support.subscriber import Subscriber
from tests.support.waiting import eventually


def told(broker: MosquittoPart, topic: str, payload: str, *, retain: bool = False) -> None:
    publish.single(topic, payload, port=broker.port, hostname="127.0.0.1", retain=retain)


async def test_it_logs_the_retained_state_then_what_comes_and_marks_a_broken_connection(
    mosquitto: MosquittoPart,
) -> None:
    told(mosquitto, "openWB/a", "1", retain=True)
    with Subscriber(mosquitto.url) as subscriber:
        await eventually(lambda: len(subscriber.log) == 1)
        told(mosquitto, "openWB/a", "2", retain=True)
        told(mosquitto, "elsewhere", "3")
        told(mosquitto, "openWB/a", "")
        await eventually(lambda: len(subscriber.log) == 3)
        assert subscriber.ready
        await eventually(lambda: subscriber.quiet_for(0.05))
        await mosquitto.kill()
        await eventually(lambda: not subscriber.ready)
        await mosquitto.start()
        await eventually(lambda: subscriber.ready)
        told(mosquitto, "openWB/b", "4")
        await eventually(lambda: len(subscriber.log) == 5)
    assert subscriber.log == [
        Delivered("openWB/a", b"1", retained=True),
        Delivered("openWB/a", b"2"),
        Delivered("openWB/a", b""),
        Break(),
        Delivered("openWB/b", b"4"),
    ]
