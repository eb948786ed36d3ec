"""What the hub counts: what was sent, how subscriptions went on, and what was refused."""

from gateway.domain.figures import Tally, limits_tally
from gateway.hub.hub import Hub
from gateway.protocol.messages import Held, Limits, Subscribe
from tests.support.sinks import HeldSink
from tests.support.small_hub import SMALL, SmallClient, SmallHub, everything, only


def bytes_written(*clients: SmallClient) -> int:
    return sum(len(one) for client in clients for one in client.sink.written)


def happened(tally: Tally) -> dict[str, int]:
    return {kind: count for kind, count in tally if count}


def test_a_delta_is_encoded_once_and_counted_for_each_who_gets_it() -> None:
    small = SmallHub()
    clients = [small.client() for _ in range(3)]
    for client in clients:
        client.subscribe("a/#")
    traffic = small.hub.traffic
    assert (traffic.shared_frames, traffic.private_frames, traffic.encoded) == (0, 6, 1), "answers and one snapshot"
    small.change(a__x=2)
    assert (traffic.shared_frames, traffic.private_frames, traffic.encoded) == (3, 6, 2)
    assert traffic.written_bytes == bytes_written(*clients)


def test_who_is_conflated_gets_none_of_the_shared_and_one_private_frame() -> None:
    small = SmallHub(SMALL)
    slow, quick = small.client(), small.client()
    for client in (slow, quick):
        client.subscribe("a/#")
    assert small.hub.count_conflated() == 0
    for number in range(20):
        small.change(a__x=f"{number:050}")
        quick.take()
    assert small.hub.count_conflated() == 1
    traffic = small.hub.traffic
    written_to_slow = len(slow.sink.written)
    assert traffic.shared_frames == 20 + written_to_slow - 2, "the slow one was full after some"
    private = traffic.private_frames
    slow.take()
    assert (traffic.private_frames, small.hub.count_conflated()) == (private + 1, 0)
    assert traffic.written_bytes == bytes_written(slow, quick)


def test_a_paused_one_and_one_that_waits_for_a_site_are_not_conflated() -> None:
    small = SmallHub(SMALL)
    paused = small.client()
    number = paused.subscribe("a/#").subscription
    paused.update(number, paused=True)
    paused.take()
    small.client().ask("a/#", site="yard")
    for value in range(20):
        small.change(a__x=f"{value:050}")
    assert small.hub.count_conflated() == 0


def test_resets_are_counted_by_reason() -> None:
    small = SmallHub()
    client = small.client(only("a/#"))
    client.subscribe("#")
    small.epoch, small.seq = "e2", 5_000
    small.load("epoch", a=1)
    client.take()
    small.seq += 1
    small.load("trimmed", a=1)
    client.take()
    small.hub.change_rights(client.member, only("b/#"))
    client.take()
    assert happened(small.hub.traffic.resets) == {"epoch": 1, "trimmed": 1, "view": 1}
    assert small.hub.epoch_changes == {"home": 1, "yard": 0}


def test_who_names_a_position_resumes_or_gets_a_snapshot() -> None:
    small = SmallHub()
    told = small.client().subscribe("a/#")
    for seq in (told.seq, told.seq - 50):
        small.client().subscribe("a/#", held=Held(epoch=told.epoch, seq=seq, view=told.view))
    assert happened(small.hub.traffic.resumes) == {"resumed": 1, "snapshot": 1}, "who names none is not counted"


def test_limits_that_were_reached_are_counted() -> None:
    small, limited = SmallHub(), limits_tally()
    hub = Hub(["home"], small.clock, Limits(subscriptions=1, groups_per_site=1), limited=limited)
    hub._sites["home"] = small.site
    first, second = (hub.join(HeldSink(1_000), everything) for _ in range(2))
    for member, key in ((first, "a/#"), (first, "b/#"), (second, "b/#")):
        hub.do(member, Subscribe(id=1, site="home", keys=(key,)))
    hub.do(second, Subscribe(id=1, site="nowhere", keys=("a/#",)))
    assert happened(limited) == {"subscriptions": 1, "views": 1}
