"""Each wrong value is caught and named."""

from typing import Any

from tests.support.oracle import judge
from tests.support.oracle_logs import ClientEvent, Delivered, Loss, Received, Sent, Stalled
from tests.support.toy_gateway import CEASED, ToyClient, live, only, read, verdict

START = {f"vehicles/{number}/odometer_km": number * 1000 for number in range(2000)}


# each kind of fault is caught


def test_a_lost_delta_is_caught() -> None:
    gateway = live()
    client = ToyClient(gateway)
    client.subscribe("#")
    gateway.publish(a=2)
    client.held[7] = gateway.seq  # never sent, and the next one claims to continue from it
    gateway.publish(b=2)
    client.delta()
    assert "gap" in verdict(client).kinds


def test_a_lost_delta_that_hides_its_gap_is_caught() -> None:
    gateway = live()
    client = ToyClient(gateway)
    client.subscribe("#")
    gateway.publish(a=2)
    gateway.publish(b=2)
    client.delta(without="a")
    report = verdict(client)
    assert report.kinds == {"mixed", "final"}
    assert "a: expected 2, seen 1" in str(report)


def test_a_lost_key_among_thousands_is_caught() -> None:
    gateway = live(**START)
    client = ToyClient(gateway)
    client.subscribe("#")
    gateway.publish(**{"vehicles/1234/odometer_km": 5})
    gateway.publish(**{"vehicles/77/odometer_km": 6})
    client.delta(without="vehicles/1234/odometer_km")
    report = verdict(client)
    assert "vehicles/1234/odometer_km: expected 5, seen 1234000" in str(report)


def test_a_value_going_back_is_caught() -> None:
    gateway = live()
    client = ToyClient(gateway)
    client.subscribe("a")
    gateway.publish(a=2)
    client.delta()
    gateway.publish(a=3)
    client.delta()
    gateway.publish(b=9)
    client.delta(a=[2, 1.0])
    gateway.publish(a=4)
    client.delta()
    report = verdict(client)
    only(report, "back")
    assert "the reading of prefix 3 and none later, although this client had seen prefix 4" in str(report)


def test_a_value_going_back_between_two_subscriptions_is_caught() -> None:
    gateway = live()
    client = ToyClient(gateway)
    client.subscribe("a")
    client.subscribe("+", number=8)
    gateway.publish(a=2)
    client.delta(8)
    client.delta(7, a=[1, 1.0])
    gateway.publish(a=3)
    client.delta(8)
    client.delta(7)
    only(verdict(client), "back")


def test_mixed_prefixes_are_caught() -> None:
    gateway = live()
    client = ToyClient(gateway)
    client.subscribe("#")
    gateway.publish(b=2)
    gateway.publish(a=2)
    client.delta(without="b")
    client.raw_delta(7, gateway.seq, gateway.seq + 1, {"b": [2, 1.0]})
    report = verdict(client)
    only(report, "mixed")
    assert "b: expected 2, seen 1" in str(report)


def test_a_wrong_snapshot_is_caught() -> None:
    gateway = live(**START)
    client = ToyClient(gateway)
    values = gateway.values(["#"])
    del values["vehicles/42/odometer_km"]
    client.patterns[7] = ("#",)
    client.subscribed(client.sent(type="subscribe", keys=["#"]), 7, "snapshot")
    client.snapshot_part(7, 1, 1, values)
    report = verdict(client)
    assert report.kinds == {"mixed", "final"}
    assert "vehicles/42/odometer_km: expected 42000, seen absent" in str(report)


def test_a_missing_final_value_is_caught() -> None:
    gateway = live()
    client = ToyClient(gateway)
    client.subscribe("#")
    gateway.publish(a=2)
    report = verdict(client)
    only(report, "final")
    assert "a: expected 2, seen 1" in str(report)


def test_a_delta_ahead_of_what_is_held_is_caught() -> None:
    gateway = live()
    client = ToyClient(gateway)
    client.subscribe("#")
    gateway.publish(a=2)
    client.raw_delta(7, gateway.seq, gateway.seq, {})
    assert "gap" in verdict(client).kinds


def test_a_ceased_key_that_is_kept_is_caught() -> None:
    gateway = live()
    client = ToyClient(gateway)
    client.subscribe("#")
    gateway.publish(b=CEASED)
    client.delta(without="b")
    report = verdict(client)
    assert "b: expected absent, seen 1" in str(report)


def test_a_delta_built_from_an_older_state_is_caught() -> None:
    gateway = live()
    client = ToyClient(gateway)
    client.subscribe("#")
    gateway.publish(a=2)
    old = gateway.values(["#"], client.held[7])
    gateway.publish(a=3)
    client.delta()
    client.raw_delta(7, client.held[7], gateway.seq + 1, old)
    assert "back" in verdict(client).kinds


# over epochs, losses, and the time while the link is not up


def lossy(*, back_to_s: float) -> tuple[ToyClient, Loss]:
    gateway = live()
    client = ToyClient(gateway)
    client.subscribe("#")
    old = dict(gateway.entries)
    gateway.publish(a=2)
    gateway.publish(a=3)
    client.delta()
    gateway.now_s = back_to_s
    newest, gateway.entries = gateway.entries, old
    gateway.seq -= 2
    client.received(type="reset", subscription=7, reason="trimmed", now=7)
    client.snapshot()
    gateway.entries = newest
    gateway.seq += 2
    gateway.new_epoch("e2")
    client.received(type="reset", subscription=7, reason="epoch", now=7)
    client.snapshot()
    return client, Loss(10, 20)


def test_what_was_lost_may_be_seen_again_only_while_it_is_being_lost() -> None:
    client, loss = lossy(back_to_s=15)
    assert verdict(client, losses=(loss,)).clean
    only(verdict(client), "position")
    client, loss = lossy(back_to_s=25)
    only(verdict(client, losses=(loss,)), "position")


def test_what_is_read_after_a_stall_may_have_been_sent_in_it() -> None:
    client, loss = lossy(back_to_s=25)
    [late] = [at for at, event in enumerate(client.log.events) if event.at_s == 25.0 and is_first_reset(event)]
    client.log.events.insert(late, Stalled(18.0, 24.0))
    assert verdict(client, losses=(loss,)).clean
    proof = (Sent(24.1, {"id": 99, "type": "unsubscribe"}), Received(24.2, {"id": 99, "type": "error"}))
    client.log.events[late + 1 : late + 1] = proof
    only(verdict(client, losses=(loss,)), "position")


def is_first_reset(event: ClientEvent) -> bool:
    return isinstance(event, Received) and event.message.get("reason") == "trimmed"


def test_an_epoch_that_starts_with_older_values_is_caught() -> None:
    gateway = live()
    client = ToyClient(gateway)
    client.subscribe("#")
    old = dict(gateway.entries)
    gateway.publish(a=2)
    client.delta()
    newest, gateway.entries = gateway.entries, old
    gateway.new_epoch("e2")
    client.received(type="reset", subscription=7, reason="epoch", now=7)
    client.snapshot()
    gateway.entries = newest
    gateway.changed["a"] = gateway.seq = gateway.seq + 1
    client.delta()
    only(verdict(client), "back")


def test_a_return_to_a_former_epoch_is_caught() -> None:
    gateway = live()
    client = ToyClient(gateway)
    client.subscribe("#")
    for epoch in ("e2", "e1"):
        gateway.new_epoch(epoch)
        client.received(type="reset", subscription=7, reason="epoch", now=7)
        client.snapshot()
    only(verdict(client), "position")


def test_while_the_link_is_down_a_value_never_read_or_gone_back_is_caught() -> None:
    gateway = live()
    client = ToyClient(gateway)
    client.subscribe("#")
    gateway.publish(a=2)
    client.delta()
    gateway.link("down")
    client.delta(a=[1, 1.0], b=[77, 1.0], x=[1, 1.0])
    report = verdict(client)
    assert {"back", "mixed", "final"} == report.kinds
    assert "b: expected 1, seen 77" in str(report)
    assert "a: expected 2, seen 1" in str(report)


def test_while_the_link_is_down_a_key_of_several_topics_may_waver() -> None:
    def read_two(topic: str, payload: bytes) -> dict[str, Any]:
        return {"both": payload.decode(), topic: payload.decode()}

    gateway = live(a="1")
    gateway.log.clear()
    client = ToyClient(gateway)
    for topic, payload in (("a", b"1"), ("b", b"2")):
        gateway.log.append(Delivered(topic, payload))
    gateway.entries |= {"a": ["1", 1.0], "b": ["2", 1.0], "both": ["2", 1.0]}
    gateway.changed |= {"b": 1, "both": 1}
    client.subscribe("#")
    gateway.link("connecting")
    client.delta(both=["1", 1.0])
    gateway.link("up")
    client.delta(both=["2", 1.0])
    report = judge(gateway.log, read_two, [client.log], ceased=CEASED)
    assert (report.clean, report.tally.loose) == (True, 1), str(report)


def test_a_value_that_looks_live_while_the_link_is_down_is_caught_when_asked_for() -> None:
    gateway = live()
    client = ToyClient(gateway)
    client.subscribe("#")
    gateway.link("down")
    for key in ("a", "b"):
        gateway.entries[key] = [*gateway.entries[key], "stale"]
    client.delta(a=gateway.entries["a"], b=gateway.entries["b"])
    gateway.set({"a": 1})
    logs = [client.log]
    client.log.survives = False
    assert judge(gateway.log, read, logs, ceased=CEASED, stale_unless_up=True).clean
    client.delta()
    assert judge(gateway.log, read, logs, ceased=CEASED).clean
    only(judge(gateway.log, read, logs, ceased=CEASED, stale_unless_up=True), "stale")


def test_what_was_shown_while_down_still_holds_when_up() -> None:
    gateway = live()
    client = ToyClient(gateway)
    client.subscribe("#")
    gateway.link("connecting")
    client.delta()
    gateway.publish(a=2)
    client.delta()
    gateway.link("up")
    client.delta(a=[1, 1.0])
    gateway.publish(a=3)
    client.delta()
    only(verdict(client), "back")


def test_an_end_without_a_live_view_is_caught() -> None:
    gateway = live()
    client = ToyClient(gateway)
    client.subscribe("#")
    gateway.link("down")
    client.delta()
    idle = ToyClient(gateway, "idle")
    assert [fault.client for fault in verdict(client, idle).faults] == ["client", "idle"]


def test_who_learns_late_of_an_epoch_that_began_in_a_loss_may_go_back_too() -> None:
    gateway = live(a=1)
    auditor, client = ToyClient(gateway, "auditor"), ToyClient(gateway)
    auditor.subscribe("#")
    client.subscribe("a")
    gateway.publish(a=2)
    client.delta()
    auditor.delta()
    gateway.now_s = 10.0
    gateway.new_epoch("lossy")
    gateway.entries["a"] = [1, 0.1]
    gateway.link("connecting")
    for one in (auditor, client):
        one.disconnect()
        one.connect()
    auditor.subscribe("#")
    gateway.now_s = 30.0
    client.subscribe("a")
    gateway.publish(a=2)
    gateway.link("up")
    client.delta()
    auditor.delta()
    assert verdict(client, auditor=auditor, losses=(Loss(9.0, 11.0),)).clean
    assert "back" in verdict(client, auditor=auditor, losses=(Loss(3.0, 4.0),)).kinds
