from gateway.simulator.openwb19.order import ORDER
from tests.support.captures import load_capture


def test_no_topic_stands_twice() -> None:
    assert len(set(ORDER)) == len(ORDER)


def test_every_burst_of_the_capture_is_in_this_order() -> None:
    loops: dict[int, list[str]] = {}
    for message in load_capture("v19-session"):
        if message.t % 10 < 1:
            loops.setdefault(int(message.t // 10), []).append(message.topic.removeprefix("openWB/"))
    assert len(loops) == 132
    for said in loops.values():
        places = [ORDER.index(topic) for topic in said]
        assert places == sorted(places)
