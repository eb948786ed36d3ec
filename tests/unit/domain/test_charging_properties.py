"""Random walks of a car, its box and the gateway: no session is lost, doubled or given energy that did not flow."""

from collections.abc import Callable
from decimal import Decimal
from typing import Literal, TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.charge_sessions import ChargeSession, exact
from gateway.domain.charging import Ended, Happening
from gateway.domain.values import Changes
from tests.support.charge_feed import T, Told, Watch

STEP_S = 600.0
WARNING_S = 10.0

Deed: TypeAlias = Literal["plug", "unplug", "charge", "rest", "flow", "mode", "scan", "null", "starts"]
Fate: TypeAlias = Literal["restart", "again", "down", "up", "lost"]
DEEDS: list[Deed] = ["plug", "unplug", "charge", "rest", "flow", "flow", "flow", "mode", "scan", "null", "starts"]
FATES: list[Fate] = ["restart", "again", "down", "up", "lost"]

CHUNKS: list[tuple[str, ...]] = [
    *((deed,) for deed in (*DEEDS, *FATES)),
    ("plug", "flow", "charge"),
    ("down", "flow", "up"),
    ("down", "unplug", "up"),
    ("plug", "flow", "down", "unplug", "plug", "flow", "up"),
    ("plug", "flow", "down", "flow", "unplug", "plug", "flow", "flow", "up"),
    ("unplug", "down", "plug", "flow", "up"),
    ("unplug", "down", "plug", "flow", "unplug", "plug", "flow", "up"),
]

amounts = st.integers(1, 300_000)
deeds = st.lists(st.tuples(st.sampled_from(DEEDS), amounts), max_size=40)
walks = st.lists(st.sampled_from(CHUNKS), max_size=14).flatmap(
    lambda chunks: st.tuples(*(st.tuples(st.just(step), amounts) for chunk in chunks for step in chunk)).map(list)
)


class World:
    """What is really there, and the watches that are told of it."""

    def __init__(self, *kinds: type[Watch]) -> None:
        self.watches = [kind() for kind in kinds or (Watch,)]
        self.happened: list[list[Happening]] = [[] for _ in self.watches]
        self.at = 0.0
        self.now: Told = {"plugged": False, "charging": False, "meter_wh": 1000.0, "energy_since_plugged_wh": 0.0}
        self.meter_cwh = self.start_cwh = 100_000
        self.mode = 0
        self.down = False
        self.free_when_it_went_down = True
        self.hidden_cwh = 0
        self.plugs: list[tuple[float, int, float | None, int]] = []

    @property
    def plugged(self) -> bool:
        return self.now["plugged"] is True

    def goes(self, walk: list[tuple[str, int]]) -> None:
        for step, amount in walk:
            if step in FATES:
                self.meet(step)
            else:
                self.do(step, amount)

    def do(self, deed: str, amount: int) -> None:
        self.at += STEP_S
        told = getattr(self, f"_{deed}")(amount)
        if told is None:
            return
        self.now |= told
        if not self.down:
            self.tell(lambda watch: watch(self.at, told))

    def tell(self, how: Callable[[Watch], tuple[Happening, ...]]) -> None:
        for watch, happened in zip(self.watches, self.happened, strict=True):
            happened.extend(how(watch))

    def meet(self, fate: str) -> None:
        self.at += STEP_S
        match fate:
            case "restart":
                self.watches[0].restarts()
            case "again" if not self.down:
                self.tell(lambda watch: watch(self.at, {}))
            case "down" if not self.down:
                self.down, self.free_when_it_went_down = True, not self.plugged
                self.tell(lambda watch: watch.goes_stale(self.at))
            case "up" if self.down:
                self.down = False
                self.tell(lambda watch: watch.is_live(self.at, self.now))
            case "lost" if not self.down:
                self.tell(lambda watch: watch.loses(self.at))
            case _:
                pass

    def sessions(self, place: int = 0) -> list[ChargeSession]:
        """All that ended, then what is open."""
        ended = [one.session for one in self.happened[place] if isinstance(one, Ended)]
        return [*ended, *self.watches[place].watch.open_sessions()]

    def _plug(self, _: int) -> Told | None:
        if self.plugged:
            return None
        self.plugs.append((self.at, self.meter_cwh, None, self.meter_cwh))
        return {"plugged": True, "energy_since_plugged_wh": 0.0}

    def _unplug(self, _: int) -> Told | None:
        if not self.plugged:
            return None
        plugged_at, start_cwh, _end, _reading = self.plugs[-1]
        self.plugs[-1] = (plugged_at, start_cwh, self.at, self.meter_cwh)
        if self.down and self.free_when_it_went_down:
            self.hidden_cwh += self.meter_cwh - start_cwh
        return {"plugged": False, "charging": False, "power_w": 0.0, "energy_since_plugged_wh": 0.0, "id_tag": None}

    def _charge(self, _: int) -> Told | None:
        return {"charging": True, "power_w": 11_000.0} if self.plugged else None

    def _rest(self, _: int) -> Told | None:
        return {"charging": False, "power_w": 0.0} if self.plugged else None

    def _flow(self, amount: int) -> Told | None:
        if not self.plugged:
            return None
        self.meter_cwh += amount
        return {
            "meter_wh": self.meter_cwh / 100,
            "energy_since_plugged_wh": (self.meter_cwh - self.plugs[-1][1]) / 100,
        }

    def _mode(self, amount: int) -> Told:
        return {"mode": ("pv", "instant", "stop")[amount % 3]}

    def _scan(self, amount: int) -> Told:
        return {"id_tag": f"{amount:08X}"}

    def _null(self, _: int) -> Told | None:
        """The box says nothing for a moment."""
        if not self.down:
            self.tell(lambda watch: watch(self.at, dict.fromkeys(self.now)))
            self.tell(lambda watch: watch(self.at + 1, self.now))
        return None

    def _starts(self, _: int) -> Told | None:
        """The box starts: everything is zero for a loop, under a warning."""
        if not self.down:
            zeros: Told = {"plugged": False, "charging": False, "meter_wh": 0.0, "power_w": 0.0}
            self.tell(lambda watch: watch(self.at, {"fault_state": 1, **zeros}))
            self.tell(lambda watch: watch(self.at + WARNING_S, {"fault_state": 0}))
            self.tell(lambda watch: watch(self.at + WARNING_S + 0.1, self.now))
        return None


def cwh(energy_wh: Decimal | None) -> int:
    return int((energy_wh or Decimal(0)) * 100)


@given(deeds)
def test_what_is_seen_whole_is_told_whole(walk: list[tuple[str, int]]) -> None:
    world = World()
    world.goes(walk)
    told = [(one.plugged_at - T, cwh(one.energy_wh), one.unplugged_at) for one in world.sessions()]
    meters = [
        (at, (world.meter_cwh if end is None else end_cwh) - start_cwh, None if end is None else T + end)
        for at, start_cwh, end, end_cwh in world.plugs
    ]
    assert told == meters
    assert all(set(one.completeness) <= {"meter_jump"} for one in world.sessions())


@given(walks)
@settings(max_examples=150)
def test_no_watt_hour_is_lost_or_counted_twice(walk: list[tuple[str, int]]) -> None:
    world = World()
    world.goes(walk)
    world.meet("up")
    sessions = world.sessions()
    assert sum(cwh(one.energy_wh) for one in sessions) == world.meter_cwh - world.start_cwh - world.hidden_cwh
    assert len({one.key for one in sessions}) == len(sessions)
    assert len(world.watches[0].watch.open_sessions()) == world.plugged
    for one in sessions:
        assert sum(segment.energy_wh or Decimal(0) for segment in one.segments) == one.energy_wh
        assert one.unplugged_at is None or one.unplugged_at >= one.plugged_at
        ends = [segment.end for segment in one.segments]
        assert ends[:-1] == [segment.begin for segment in one.segments[1:]]
        if one.meter_start_wh is not None and one.meter_end_wh is not None and "meter_jump" not in one.completeness:
            assert one.meter_end_wh - one.meter_start_wh == one.energy_wh


@given(st.integers(0, 20), st.integers(0, 40), st.integers(1, 3_600))
def test_no_peak_is_below_its_mean_or_below_what_was_told(told_kw: int, amount: int, seconds: int) -> None:
    watch = Watch()
    watch(0, {"plugged": True, "meter_wh": 0.0})
    watch(10, {"charging": True, "power_w": told_kw * 1000.0})
    watch(10 + seconds, {"charging": False, "meter_wh": amount * 100.0})
    (one,) = watch.watch.open_sessions()
    assert one.peak_w is not None
    assert one.peak_w >= max(told_kw * 1000.0, one.mean_w or 0.0)


@given(walks)
def test_a_watch_that_is_saved_and_restored_at_any_step_tells_the_same(walk: list[tuple[str, int]]) -> None:
    world = World(Watch, Watch)
    for step in walk:
        world.goes([step])
        world.watches[0].restarts()
    assert world.happened[0] == world.happened[1]
    assert world.watches[0].watch.dump() == world.watches[1].watch.dump()


class Doubled(Watch):
    """Every step is fed twice, as after a crash between doing and noting it."""

    def feed(self, changes: Changes) -> tuple[Happening, ...]:
        first = super().feed(changes)
        assert self.watch.feed(changes) == ()
        return first


@given(walks)
def test_feeding_each_step_twice_gives_the_same(walk: list[tuple[str, int]]) -> None:
    world = World(Watch, Doubled)
    world.goes(walk)
    assert world.sessions(0) == world.sessions(1)


def test_exact_numbers_of_hundredths_are_hundredths() -> None:
    assert all(cwh(exact(number / 100)) == number for number in range(0, 1_000_000, 997))
