"""What looks live must be live, and the other way round; and nobody thinks that a dead box lives."""

from collections.abc import Callable

import pytest

from tests.support.oracle_freshness import rests_on
from tests.support.oracle_logs import Break, Dead, Stalled
from tests.support.toy_gateway import CEASED, ToyClient, ToyGateway, live, only, verdict

DEAD = Dead(10.0, 20.0, "the box was off")


def watched(**values: object) -> tuple[ToyGateway, ToyClient]:
    gateway = live(**(values or {"a__x": 1, "a__fault_state": 0, "b__x": 1}))
    client = ToyClient(gateway)
    client.subscribe("#")
    return gateway, client


def in_fault(gateway: ToyGateway, client: ToyClient) -> None:
    gateway.publish(a__fault_state=2)
    gateway.flag("a/fault_state", "a/x")
    client.delta()


@pytest.mark.parametrize(
    ("key", "faults"),
    [
        ("chargepoints/5/power_w", ("chargepoints/5/fault_state",)),
        ("vehicles/1/fault_state", ()),
        ("batteries/2/fault_text", ()),
        ("battery/soc_percent", ("battery/fault_state", "batteries/+/fault_state")),
        ("meters/3/power_w", ("meters/3/fault_state",)),
        ("grid/power_w", ("grid/fault_state",)),
        ("charging/energy_wh", ("chargepoints/+/fault_state",)),
        ("box/version", ()),
        ("tariff/prices", ()),
        ("vehicles", ()),
    ],
)
def test_what_rests_on_which_fault_state(key: str, faults: tuple[str, ...]) -> None:
    assert rests_on(key) == faults


def test_a_unit_in_fault_is_stale_and_comes_back() -> None:
    gateway, client = watched()
    in_fault(gateway, client)
    gateway.publish(a__fault_state=0)
    gateway.flag("a/x", live=True)
    client.delta()
    assert verdict(client).clean


def test_a_sum_is_stale_while_any_of_its_parts_is_in_fault() -> None:
    gateway = live(a__fault_state=2, b__fault_state=2, sum=1)
    gateway.flag("a/fault_state", "b/fault_state", "sum")
    client = ToyClient(gateway)
    client.subscribe("#")
    gateway.publish(a__fault_state=0)
    gateway.flag("a/fault_state", live=True)
    client.delta()
    gateway.publish(b__fault_state=CEASED)
    gateway.flag("sum", live=True)
    client.delta()
    report = verdict(client)
    assert report.clean, str(report)


def test_a_warning_is_no_fault() -> None:
    gateway, client = watched()
    gateway.publish(a__fault_state=1)
    client.delta()
    assert verdict(client).clean


def test_an_ignored_fault_is_found() -> None:
    gateway, client = watched()
    gateway.publish(a__fault_state=2)
    client.delta()
    report = verdict(client)
    only(report, "stale")
    assert [str(one) for one in report.faults[0].differences] == [
        "a/fault_state: expected 'stale', seen 'live'",
        "a/x: expected 'stale', seen 'live'",
    ]


def test_a_fault_of_one_unit_that_flags_another_is_found() -> None:
    gateway, client = watched()
    in_fault(gateway, client)
    gateway.publish(b__x=2)
    gateway.flag("b/x")
    client.delta()
    only(verdict(client), "stale")


def test_a_fault_that_is_over_leaves_nothing_stale() -> None:
    gateway, client = watched()
    in_fault(gateway, client)
    gateway.publish(a__fault_state=0)
    client.delta()
    only(verdict(client), "stale")


def test_a_unit_whose_fault_state_ceases_is_in_no_fault() -> None:
    gateway, client = watched()
    in_fault(gateway, client)
    gateway.publish(a__fault_state=CEASED)
    gateway.flag("a/x", live=True)
    client.delta()
    assert verdict(client).clean


def test_a_key_that_comes_into_a_unit_in_fault_is_stale() -> None:
    gateway, client = watched()
    in_fault(gateway, client)
    gateway.publish(a__y=3)
    client.delta()
    only(verdict(client), "stale")
    gateway, client = watched()
    in_fault(gateway, client)
    gateway.publish(a__y=3)
    gateway.flag("a/y")
    client.delta()
    assert verdict(client).clean


def test_what_the_connection_has_not_brought_is_stale_until_it_comes_unchanged() -> None:
    gateway, client = watched()
    gateway.link("down")
    client.delta()
    gateway.log.append(Break())
    gateway.publish(a__x=1, a__fault_state=0)
    gateway.flag("b/x")
    gateway.link("up")
    client.delta()
    gateway.publish(b__x=1)
    client.delta()
    assert verdict(client).clean


def test_stale_flags_that_survive_the_return_of_the_box_are_found() -> None:
    gateway, client = watched()
    gateway.link("down")
    gateway.flag("b/x")
    client.delta()
    gateway.link("up")
    client.delta()
    report = verdict(client)
    only(report, "stale")
    assert report.faults[-1].text == "not the whole log's freshness"


def test_the_end_may_be_silent_but_then_nothing_is_live() -> None:
    gateway, client = watched()
    gateway.link("silent")
    gateway.flag("a/x", "a/fault_state", "b/x")
    client.delta()
    assert verdict(client).clean
    gateway.publish(b__x=2)
    client.delta()
    only(verdict(client), "stale")


def asleep(gateway: ToyGateway, client: ToyClient) -> None:
    client.log.events.append(Stalled(9.0, 25.0))


def apart(gateway: ToyGateway, client: ToyClient) -> None:
    client.disconnect()


def told(gateway: ToyGateway, client: ToyClient) -> None:
    gateway.now_s = 12.0
    gateway.link("silent")
    client.delta()


def untold(gateway: ToyGateway, client: ToyClient) -> None:
    pass


@pytest.mark.parametrize(("meanwhile", "judged"), [(asleep, 0), (apart, 0), (told, 1)])
def test_who_heard_of_the_death_or_could_not_is_right(
    meanwhile: Callable[[ToyGateway, ToyClient], None], judged: int
) -> None:
    gateway, client = watched()
    meanwhile(gateway, client)
    gateway.now_s = 30.0
    if meanwhile is told:
        gateway.link("up")
        client.delta()
    client.log.survives = False
    report = verdict(client, dead=(DEAD,))
    assert report.clean, str(report)
    assert report.tally.dead == judged


@pytest.mark.parametrize("goes_on", [True, False])
def test_who_thinks_that_a_dead_box_lives_is_found(goes_on: bool) -> None:
    gateway, client = watched()
    if goes_on:
        gateway.now_s = 30.0
        gateway.publish(b__x=9)
        client.delta()
    only(verdict(client, dead=(DEAD,)), "dead")
