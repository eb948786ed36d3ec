"""One charge point (5) of a site, told step by step; times are seconds after T."""

from typing import TypeAlias

from gateway.domain.charge_sessions import ChargeSession
from gateway.domain.charging import ChargingWatch, Ended, Happening, Started
from gateway.domain.values import Changes, JsonValue, Reading

T = 1_795_330_000.0
Told: TypeAlias = dict[str, JsonValue]


def key_of(leaf: str) -> str:
    return leaf if "/" in leaf else f"chargepoints/5/{leaf}"


def readings(at: float | None, told: Told, *, stale: bool = False) -> dict[str, Reading]:
    moment = None if at is None else T + at
    return {key_of(leaf): Reading(value, moment, stale) for leaf, value in told.items()}


class Watch:
    """A watch that remembers what was told, so that all of it can go stale, or be told anew."""

    def __init__(self, told: Told | None = None, *, dialect: str = "openwb-2") -> None:
        self.watch = ChargingWatch("home")
        self.known: dict[str, Reading] = {}
        start: Told = {
            "plugged": False,
            "charging": False,
            "power_w": 0.0,
            "meter_wh": 1000.0,
            "energy_since_plugged_wh": 0.0,
            "mode": "pv",
            "id_tag": None,
            "vehicle_id": 0,
            "serial_number": "823950",
            "fault_state": 0,
            "vehicles/0/name": "Standard-Fahrzeug",
            "vehicles/1/name": "Ioniq 5",
        }
        link: Told = {"link/state": "up", "link/since": T - 60, "link/dialect": dialect}
        self.known |= readings(-60, link) | readings(None, start | (told or {}))
        self.first = self.watch.reset(self.known)

    def __call__(self, at: float, told: Told) -> tuple[Happening, ...]:
        """What changes."""
        return self.feed(dict(readings(at, told)))

    def feed(self, changes: Changes) -> tuple[Happening, ...]:
        for key, reading in changes.items():
            if reading is None:
                del self.known[key]
            else:
                self.known[key] = reading
        return self.watch.feed(changes)

    def goes_stale(self, at: float, state: str = "down") -> tuple[Happening, ...]:
        link = readings(at, {"link/state": state, "link/since": T + at})
        stale = {
            key: Reading(one.value, one.changed_at, stale=True)
            for key, one in self.known.items()
            if not key.startswith("link/")
        }
        return self.feed({**stale, **link})

    def is_live(self, at: float, told: Told | None = None) -> tuple[Happening, ...]:
        """The link is up again, and what changed meanwhile was found a moment before."""
        live = {key: Reading(one.value, one.changed_at) for key, one in self.known.items()}
        found = readings(at - 1, told or {})
        return self.feed({**live, **found, **readings(at, {"link/state": "up", "link/since": T + at})})

    def loses(self, at: float, told: Told | None = None) -> tuple[Happening, ...]:
        """The position is lost; ``told`` changed meanwhile, each at ``at``."""
        self.known |= readings(at, told or {})
        return self.watch.reset(self.known)

    def restarts(self) -> None:
        self.watch = ChargingWatch.load("home", self.watch.dump())

    @property
    def open(self) -> ChargeSession:
        (one,) = self.watch.open_sessions()
        return one


def started(happenings: tuple[Happening, ...]) -> ChargeSession:
    (one,) = happenings
    assert isinstance(one, Started)
    return one.session


def ended(happenings: tuple[Happening, ...]) -> ChargeSession:
    (one,) = happenings
    assert isinstance(one, Ended)
    return one.session


def charging(dialect: str = "openwb-2") -> Watch:
    """Plugged in at 0, 500 Wh charged by 100, and charging."""
    watch = Watch(dialect=dialect)
    watch(0, {"plugged": True})
    watch(10, {"charging": True, "power_w": 11_000.0})
    watch(100, {"meter_wh": 1500.0, "energy_since_plugged_wh": 500.0})
    return watch
