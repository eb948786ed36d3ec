"""The oracle as a whole: right logs pass, the auditor sees what nobody else can, a key lost among hundreds shows."""

import random
from typing import Any

import pytest

from tests.support.oracle import Report, judge
from tests.support.oracle_logs import Break
from tests.support.toy_gateway import CEASED, ToyClient, ToyGateway, live, only, read, verdict

# right logs pass


def test_snapshot_and_deltas_pass() -> None:
    gateway = live()
    client = ToyClient(gateway)
    client.subscribe("#", parts=3)
    for number in range(10):
        gateway.publish(a=number, c=[1, 2.0, None])
        client.delta()
    report = verdict(client)
    assert report.clean, str(report)
    assert (report.tally.strict, report.tally.final, report.prefixes, report.keys) == (11, 1, 22, 3)
    assert "0 faults" in str(report)


def test_merged_deltas_resumes_and_other_keys_pass() -> None:
    gateway = live()
    client = ToyClient(gateway)
    client.subscribe("#")
    gateway.publish(a=2)
    client.disconnect()
    gateway.publish(a=3, b=CEASED)
    client.connect()
    client.resume()
    gateway.publish(b=7)
    client.update(7, 8, "b")
    gateway.publish(b=8, a=1)
    client.delta(8)
    report = verdict(client)
    assert report.clean, str(report)
    assert report.tally.resumed == 1


def test_two_subscriptions_of_one_view_resume_each_their_own() -> None:
    gateway = live()
    client = ToyClient(gateway)
    client.subscribe("a")
    client.subscribe("a", number=8)
    client.disconnect()
    gateway.publish(a=2)
    client.connect()
    client.resume(7)
    client.resume(8)
    assert verdict(client).clean


def test_numbers_compare_as_json_does() -> None:
    gateway = live(a=1.0, b=True)
    client = ToyClient(gateway)
    client.subscribe("#")
    gateway.log += [*ToyGateway().log]
    client.raw_delta(7, gateway.seq, gateway.seq + 1, {"a": [1, 5.0]})
    assert verdict(client).clean
    client.raw_delta(7, gateway.seq + 1, gateway.seq + 2, {"b": [1, 5.0]})
    assert not verdict(client).clean


def test_a_repeated_delta_is_ignored_whatever_it_holds() -> None:
    gateway = live()
    client = ToyClient(gateway)
    client.subscribe("#")
    start = gateway.seq
    gateway.publish(a=2)
    client.delta()
    client.raw_delta(7, start, gateway.seq, {"a": [1, 1.0]})
    client.raw_delta(7, start - 5, start, {"a": [0, 1.0]})
    report = verdict(client)
    assert report.clean, str(report)
    assert report.tally.ignored == 2


def test_a_flood_may_mix_old_and_new_and_lack_keys() -> None:
    gateway = live(a=1, b=1, c=1)
    client = ToyClient(gateway)
    client.subscribe("#")
    gateway.link("connecting")
    client.delta()
    gateway.log.append(Break())
    gateway.publish(a=2, b=2, c=1)
    client.raw_delta(7, client.held[7], gateway.seq, {"b": [2, 3.0], "c": None})
    client.held[7] = gateway.seq
    gateway.link("up")
    values = gateway.values(["#"])
    client.raw_delta(7, client.held[7], gateway.seq, values)
    report = verdict(client)
    assert report.clean, str(report)
    assert (report.tally.strict, report.tally.loose) == (2, 2)


def test_an_unreadable_payload_changes_nothing() -> None:
    gateway = live()
    client = ToyClient(gateway)
    client.subscribe("#")

    def refuse(topic: str, payload: bytes) -> Any:
        from gateway.domain.errors import InvalidArgument  # noqa: PLC0415 - only this test refuses

        if topic == "broken":
            raise InvalidArgument("broken")
        return read(topic, payload)

    gateway.ingest({"broken": 1})
    report = judge(gateway.log, refuse, [client.log], ceased=CEASED)
    assert (report.clean, report.unreadable) == (True, 1)


def test_a_client_that_left_need_not_know_the_end() -> None:
    gateway = live()
    client = ToyClient(gateway)
    client.subscribe("#")
    client.disconnect()
    gateway.publish(a=2)
    assert verdict(client).clean


def test_a_paused_subscription_is_not_judged_at_the_end() -> None:
    gateway = live()
    client = ToyClient(gateway)
    client.subscribe("#")
    client.patterns[9] = ("a",)
    client.subscribe("a", number=8)
    asked = client.sent(type="update", subscription=8, paused=True)
    client.subscribed(asked, 9, "unchanged")
    gateway.publish(a=2)
    client.delta()
    assert verdict(client).clean
    client.raw_delta(9, gateway.seq - 1, gateway.seq, {})
    only(verdict(client), "protocol")


def test_a_subscription_that_becomes_equal_to_another_joins_it() -> None:
    gateway = live()
    client = ToyClient(gateway)
    client.subscribe("a", number=8)
    client.subscribed(client.sent(type="update", subscription=8, paused=True), 8, "unchanged")
    client.subscribe("#")
    client.subscribed(client.sent(type="update", subscription=8, keys=["#"]), 7, "snapshot")
    client.snapshot(7)
    gateway.publish(a=2)
    client.delta(7)
    report = verdict(client)
    assert report.clean, str(report)
    assert report.tally.final == 1


# what only the auditor can see


def test_a_client_that_lags_behind_its_position_is_caught_by_the_auditor() -> None:
    gateway = live()
    auditor, client = ToyClient(gateway, "auditor"), ToyClient(gateway)
    auditor.subscribe("#")
    client.subscribe("a")
    gateway.publish(a=2)
    auditor.delta()
    client.raw_delta(7, client.held[7], gateway.seq, {})
    gateway.publish(b=2)
    auditor.delta()
    client.held[7] = gateway.seq - 2
    client.delta()
    assert verdict(client).clean, "alone it looks like an earlier prefix"
    report = verdict(client, auditor=auditor)
    assert "back" in report.kinds
    assert "although the auditor had" in str(report)


def test_a_client_ahead_of_its_position_is_caught_by_the_auditor() -> None:
    gateway = live()
    auditor, client = ToyClient(gateway, "auditor"), ToyClient(gateway)
    auditor.subscribe("#")
    client.subscribe("a")
    client.raw_delta(7, gateway.seq, gateway.seq, {})
    start = gateway.seq
    gateway.publish(b=2)
    auditor.delta()
    gateway.publish(a=2)
    client.raw_delta(7, start, start + 1, {"a": [2, 1.0]})
    auditor.delta()
    client.raw_delta(7, start + 1, gateway.seq, {"a": gateway.entries["a"]})
    assert verdict(client).clean
    assert "ahead" in verdict(client, auditor=auditor).kinds


def test_times_must_agree_with_the_auditor() -> None:
    gateway = live()
    auditor, client = ToyClient(gateway, "auditor"), ToyClient(gateway)
    auditor.subscribe("#")
    client.subscribe("a")
    gateway.publish(a=2)
    auditor.delta()
    client.delta(a=[2, 99.0])
    assert verdict(client).clean
    only(verdict(client, auditor=auditor), "disagree")


def test_bounds_reach_over_a_reset_of_the_auditor() -> None:
    gateway = live()
    auditor, client = ToyClient(gateway, "auditor"), ToyClient(gateway)
    auditor.subscribe("#")
    client.subscribe("a", "b")
    for epoch in ("e2", "e3"):
        for number in range(5):
            gateway.publish(a=number, b=number)
            auditor.delta()
            client.delta()
        gateway.new_epoch(epoch)
        for one in (auditor, client):
            one.received(type="reset", subscription=7, reason="epoch", now=7)
            one.snapshot()
    report = verdict(client, auditor=auditor)
    assert report.clean, str(report)
    assert report.tally.agreed == 13
    assert report.bounds_widest == 1


# by the hundred


def churn(seed: int, *, spoil_at: int | None = None) -> Report:
    """Random publishing, merging, leaving and resuming; ``spoil_at``: one key of one delta is lost then."""
    dice = random.Random(seed)
    gateway = live(**{f"k/{number}": 0 for number in range(300)})
    auditor = ToyClient(gateway, "auditor")
    auditor.subscribe("#")
    clients = [ToyClient(gateway, f"client {number}") for number in range(8)]
    for number, client in enumerate(clients):
        client.subscribe(dice.choice(["#", "k/+", f"k/{number}", "busy"]))
    for step in range(200):
        gateway.ingest({f"k/{dice.randrange(300)}": step, "busy": dice.randrange(3)})
        auditor.delta()
        for client in clients:
            act = dice.random()
            if not client.log.survives:
                if act < 0.3:
                    client.connect()
                    client.resume()
            elif act < 0.05:
                client.disconnect()
            elif act < 0.6:
                client.delta()
    for client in clients:
        if not client.log.survives:
            client.connect()
            client.resume()
        last = list(gateway.values(client.patterns[7], client.held[7]))
        lost = last[0] if spoil_at is not None and last else None
        client.delta(without=lost)
    return verdict(*clients, auditor=auditor)


@pytest.mark.parametrize("seed", range(5))
def test_random_right_logs_pass(seed: int) -> None:
    report = churn(seed)
    assert report.clean, str(report)
    assert report.tally.resumed > 0
    assert report.tally.agreed > 100


@pytest.mark.parametrize("seed", range(5))
def test_random_logs_that_lose_a_key_do_not(seed: int) -> None:
    report = churn(seed, spoil_at=0)
    assert not report.clean
    assert report.kinds <= {"mixed", "back", "final", "disagree"}
