"""How the links do, as the mirror has it."""

from gateway.domain.values import Delta, Position, Reading
from gateway.hub.hub import Hub
from gateway.protocol.messages import Limits
from gateway.run.links import LinkReports
from gateway.services.readiness import Readiness
from gateway.settings import SiteSettings
from gateway.store.follow import Absent, Loaded, Reachable, Step, Unreachable
from tests.support.clock import FakeClock


class World:
    """A hub with one site, to which steps come as from the follower."""

    def __init__(self, *, counts: bool = True) -> None:
        clock = FakeClock()
        self.hub = Hub(["home"], clock, Limits())
        self.readiness = Readiness(clock)
        self.links = LinkReports(
            [SiteSettings(id="home", mqtt_url="mqtt://box")], self.hub, self.readiness, counts=counts
        )

    def step(self, step: Step) -> tuple[str, str | None]:
        self.hub.on_step("home", step)
        self.links.on_step("home", step)
        return self.told

    @property
    def told(self) -> tuple[str, str | None]:
        (part,) = self.readiness.parts()
        assert part.name == "link of home"
        return part.state, part.reason


def loaded(**link: str | None) -> Loaded:
    readings = {f"link/{name}": Reading(value) for name, value in link.items()}
    return Loaded(Position("e", 7), readings, dict.fromkeys(readings, 7), {}, 7)


def test_a_link_is_starting_until_something_is_known() -> None:
    world = World()
    assert world.told == ("starting", None)
    assert world.step(Absent()) == ("starting", "nothing is known of it yet")
    assert world.step(loaded()) == ("starting", "connecting")
    assert world.step(loaded(state="connecting", reason=None)) == ("starting", "connecting")


def test_a_link_is_told_by_its_reason_or_its_state() -> None:
    world = World()
    assert world.step(loaded(state="up", reason=None)) == ("ok", None)
    assert world.step(loaded(state="down", reason="bad_credentials")) == ("down", "bad_credentials")
    assert world.step(loaded(state="silent", reason=None)) == ("down", "silent")


def test_a_change_of_the_link_is_told_and_others_are_not_looked_at() -> None:
    world = World()
    world.step(loaded(state="up", reason=None))
    assert world.step(Delta("e", 7, 8, {"grid/power_w": Reading(1)})) == ("ok", None)
    assert world.step(Delta("e", 8, 9, {"link/state": Reading("bridge_down")})) == ("down", "bridge_down")


def test_without_the_store_the_last_word_stays() -> None:
    world = World()
    world.step(loaded(state="up", reason=None))
    assert world.step(Unreachable("gone")) == ("ok", None)
    assert world.step(Reachable()) == ("ok", None)


def test_a_process_among_several_is_ready_without_its_boxes() -> None:
    assert World(counts=False).readiness.ready
    assert not World(counts=True).readiness.ready
