"""Scenes: an installation, the weather over it, and what its people do there.

Rules:

* A scene may want to begin at an hour and a day of its own, so that the sun shines for who looks at it by night. The
  box keeps the real time; sun, house and people live in the scene's. ``at`` moves what the box is told by local time
  (tariff, plans) the other way, so that for the box, too, it is cheap when the scene says night.
* Stays and tags count from the start of the scene, and begin anew after ``repeat_s``; trips go by the clock.
* A car that has stays is away until the first of them; one that has trips begins at home, or on its way.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Self
from zoneinfo import ZoneInfo

import msgspec

from gateway.simulator.installations import FULL_HOME, GUEST_HOME, HOME, TARIFF_HOME
from gateway.simulator.plant.sky import Weather
from gateway.simulator.words import Installation, Limit, Plan, Wish

DAY_S = 86_400
HOUR_S = 3_600
EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)
WORKDAYS = (0, 1, 2, 3, 4)


class Stay(msgspec.Struct, frozen=True, kw_only=True):
    """A car stands at a charge point from ``plugs_in_s`` to ``leaves_s`` after the start; None: it stays for good.

    ``drives_km``: how far it has been since it left. ``id_tag`` is held to the charge point a moment before the plug.
    """

    vehicle_id: int
    chargepoint_id: int
    plugs_in_s: float = 0.0
    leaves_s: float | None = None
    drives_km: float = 0.0
    id_tag: str | None = None


class TagHeld(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody holds a tag to a charge point, ``after_s`` the start."""

    after_s: float
    chargepoint_id: int
    id_tag: str


class Trip(msgspec.Struct, frozen=True, kw_only=True):
    """A habit: on ``weekdays`` (Monday is 0) a car leaves and comes back, local ``HH:MM``, give or take ``spread_s``.

    ``chance``: of going at all. ``plugs``: of being plugged in afterwards, at ``chargepoint_id``. Back the same day.
    """

    vehicle_id: int
    chargepoint_id: int
    leaves: str
    returns: str
    drives_km: float
    weekdays: tuple[int, ...] = EVERY_DAY
    spread_s: float = 600.0
    chance: float = 1.0
    plugs: float = 1.0
    id_tag: str | None = None


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """``text``: one sentence for people. ``begins``: the local ``HH:MM`` at which it wants to begin, None: now.

    ``on``: the ``MM-DD`` of its sun. ``begins_within_hour``: only the hour is chosen, so slots stay on full hours.
    """

    name: str
    title: str
    text: str
    installation: Installation
    wishes: Mapping[int, Wish] = MappingProxyType({})
    weather: Weather = "fair"
    stays: tuple[Stay, ...] = ()
    tags: tuple[TagHeld, ...] = ()
    trips: tuple[Trip, ...] = ()
    repeat_s: float | None = None
    begins: str | None = None
    on: str | None = None
    begins_within_hour: bool = False

    def day_shift_s(self, time_s: float) -> float:
        """What is added to the clock for sun, house and people when the scene begins at ``time_s``."""
        if self.begins is None:
            return 0.0
        zone = ZoneInfo(self.installation.timezone)
        now = datetime.fromtimestamp(time_s, zone)
        day = now.date() if self.on is None else date.fromisoformat(f"{now.year}-{self.on}")
        hour, minute = map(int, self.begins.split(":"))
        wanted = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
        if self.begins_within_hour:
            wanted = wanted.replace(minute=now.minute, second=now.second, microsecond=now.microsecond)
            return float(round(wanted.timestamp() - now.timestamp()))
        return float(round(wanted.timestamp() - time_s))

    def at(self, time_s: float) -> Self:
        """The scene for a box that boots at ``time_s``: tariff and plans moved to where the box looks for them."""
        shift_s = round(self.day_shift_s(time_s))
        if shift_s % DAY_S == 0:
            return self
        tariff = tuple(sorted(((slot_s - shift_s) % DAY_S, price) for slot_s, price in self.installation.tariff))
        return msgspec.structs.replace(
            self,
            installation=msgspec.structs.replace(self.installation, tariff=tariff),
            wishes={id_: _moved(wish, shift_s) for id_, wish in self.wishes.items()},
        )


def _moved(wish: Wish, shift_s: int) -> Wish:
    def moved(plan: Plan) -> Plan:
        ready = datetime.strptime(plan.ready_at, "%H:%M") - timedelta(seconds=shift_s)  # noqa: DTZ007 - a wall time
        return msgspec.structs.replace(plan, ready_at=f"{ready:%H:%M}")

    return msgspec.structs.replace(wish, plans=tuple(moved(plan) for plan in wish.plans))


PV_DAY = Scene(
    name="pv-day",
    title="A sunny day",
    text="The sun shines with clouds passing, one car charges from the roof and another at a steady pace.",
    installation=HOME,
    wishes={5: Wish(mode="pv"), 6: Wish(mode="instant", instant_current_a=8.0)},
    stays=(
        Stay(vehicle_id=3, chargepoint_id=6, plugs_in_s=12, leaves_s=3.4 * HOUR_S, drives_km=87, id_tag="0012345"),
        Stay(vehicle_id=1, chargepoint_id=5, plugs_in_s=75, leaves_s=5 * HOUR_S, drives_km=118, id_tag="04A1B2C3D4"),
    ),
    repeat_s=8 * HOUR_S,
    begins="12:20",
    on="06-12",
)
NIGHT_TARIFF = Scene(
    name="night-tariff",
    title="Cheap hours at night",
    text="Prices change by the hour: one car charges while they are low, another is to be ready by the morning.",
    installation=TARIFF_HOME,
    wishes={
        5: Wish(mode="eco", eco_current_a=14.0, price_limit_eur_per_wh=0.00025),
        6: Wish(
            mode="scheduled",
            plans=(Plan(ready_at="06:30", limit=Limit(kind="energy", energy_wh=12_000.0)),),
        ),
    },
    weather="changing",
    trips=(
        Trip(vehicle_id=1, chargepoint_id=5, leaves="07:20", returns="17:40", drives_km=96),
        Trip(vehicle_id=3, chargepoint_id=6, leaves="07:50", returns="13:20", drives_km=63),
    ),
    begins="00:00",
    begins_within_hour=True,
)
GUEST_TAG = Scene(
    name="guest-tag",
    title="A guest's tag",
    text="Somebody holds up a tag that nobody knows, then a guest holds up a known one and plugs in.",
    installation=GUEST_HOME,
    wishes={5: Wish(mode="pv"), 6: Wish(mode="instant", instant_current_a=13.0)},
    stays=(
        Stay(vehicle_id=1, chargepoint_id=5),
        Stay(vehicle_id=4, chargepoint_id=6, plugs_in_s=85, leaves_s=3_600, drives_km=65, id_tag="0009471822"),
    ),
    tags=(TagHeld(after_s=22, chargepoint_id=6, id_tag="DEADBEEF"),),
    repeat_s=1.5 * HOUR_S,
    begins="14:30",
    on="06-12",
)
FULL_CAR = Scene(
    name="full-car",
    title="A car that fills up",
    text="A car that is nearly full takes its last percent within minutes and stays plugged in without a watt.",
    installation=FULL_HOME,
    wishes={5: Wish(mode="instant", instant_current_a=16.0), 6: Wish(mode="pv")},
    stays=(Stay(vehicle_id=1, chargepoint_id=5, plugs_in_s=14),),
    begins="12:40",
    on="06-12",
)
MONTH = Scene(
    name="month",
    title="A month of a family",
    text="Work, school and weekends: two cars come, charge and go by the calendar, under any weather.",
    installation=HOME,
    wishes={
        5: Wish(mode="min_pv", min_current_a=6.0, pv_limit=Limit(kind="soc", soc_percent=80)),
        6: Wish(mode="instant", instant_current_a=13.0, instant_limit=Limit(kind="energy", energy_wh=7_000.0)),
    },
    weather="changing",
    trips=(
        Trip(
            vehicle_id=1,
            chargepoint_id=5,
            leaves="07:15",
            returns="17:20",
            drives_km=58,
            weekdays=WORKDAYS,
            spread_s=1_200,
            chance=0.92,
            id_tag="04A1B2C3D4",
        ),
        Trip(
            vehicle_id=1, chargepoint_id=5, leaves="10:00", returns="12:40", drives_km=24, weekdays=(5,), chance=0.8
        ),
        Trip(
            vehicle_id=1, chargepoint_id=5, leaves="10:30", returns="18:30", drives_km=140, weekdays=(6,), chance=0.4
        ),
        Trip(
            vehicle_id=3,
            chargepoint_id=6,
            leaves="07:40",
            returns="13:10",
            drives_km=31,
            weekdays=WORKDAYS,
            plugs=0.7,
            id_tag="0012345",
        ),
        Trip(
            vehicle_id=3,
            chargepoint_id=6,
            leaves="15:30",
            returns="17:00",
            drives_km=12,
            weekdays=(1, 3),
            plugs=0.8,
        ),
        Trip(
            vehicle_id=3, chargepoint_id=6, leaves="19:00", returns="23:10", drives_km=38, weekdays=(5,), chance=0.5
        ),
    ),
)

SCENES: Mapping[str, Scene] = MappingProxyType(
    {scene.name: scene for scene in (PV_DAY, NIGHT_TARIFF, GUEST_TAG, FULL_CAR, MONTH)}
)
"""By name; the first one is what the demo shows when nobody asks for another."""
