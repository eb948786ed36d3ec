"""The people of a scene: what they do next, in the order of time.

Rules:

* Stays and tags are planned a round at a time, trips a local day at a time, and never before their time has come; so
  a month costs no memory.
* What happened before the start is not told again: a car that would be on its way at the start is away.
"""

import heapq
import random
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from gateway.simulator.plant.local_time import LocalTime, weekday
from gateway.simulator.scenes import Scene, Trip

HELD_BEFORE_PLUG_S = 13.0
MINUTES_OF_AN_HOUR = 60


class Leaves(NamedTuple):
    vehicle_id: int


class Comes(NamedTuple):
    """``drives_km`` since it left; plugged in at ``chargepoint_id``, None: only parked."""

    vehicle_id: int
    chargepoint_id: int | None
    drives_km: float


class Holds(NamedTuple):
    chargepoint_id: int
    id_tag: str


Deed: TypeAlias = Leaves | Comes | Holds


class People:
    """``start_s`` and all other moments are epoch seconds of the scene's own day."""

    def __init__(self, scene: Scene, start_s: float, *, seed: int) -> None:
        self._scene = scene
        self._start_s = start_s
        self._seed = seed
        self._local = LocalTime(scene.installation.timezone)
        self._deeds: list[tuple[float, int, Deed]] = []
        self._told = 0
        self._round = 0
        self._next_round_s = start_s
        self._next_day = self._local.day(start_s)
        self._next_day_s = start_s
        at_home = {trip.vehicle_id: trip.chargepoint_id for trip in scene.trips}
        for vehicle_id in self._on_the_way():
            del at_home[vehicle_id]
        for vehicle_id, chargepoint_id in at_home.items():
            self._tell(start_s, Comes(vehicle_id, chargepoint_id, 0.0))

    def due(self, until_s: float) -> Iterator[Deed]:
        """What they do up to and at a moment; each deed once."""
        while self._next_round_s <= until_s:
            self._plan_round()
        while self._next_day_s <= until_s:
            self._plan_day()
        while self._deeds and self._deeds[0][0] <= until_s:
            yield heapq.heappop(self._deeds)[2]

    def _tell(self, at_s: float, deed: Deed) -> None:
        heapq.heappush(self._deeds, (at_s, self._told, deed))
        self._told += 1

    def _hold(self, plugs_s: float, chargepoint_id: int, id_tag: str | None) -> None:
        if id_tag is not None:
            self._tell(max(plugs_s - HELD_BEFORE_PLUG_S, self._start_s), Holds(chargepoint_id, id_tag))

    def _plan_round(self) -> None:
        begin_s = self._next_round_s
        for stay in self._scene.stays:
            if self._round and stay.leaves_s is None:
                continue  # it never left
            plugs_s = begin_s + stay.plugs_in_s
            self._hold(plugs_s, stay.chargepoint_id, stay.id_tag)
            drives_km = stay.drives_km if self._round else 0.0
            self._tell(plugs_s, Comes(stay.vehicle_id, stay.chargepoint_id, drives_km))
            if stay.leaves_s is not None:
                self._tell(begin_s + stay.leaves_s, Leaves(stay.vehicle_id))
        for tag in self._scene.tags:
            self._tell(begin_s + tag.after_s, Holds(tag.chargepoint_id, tag.id_tag))
        self._round += 1
        self._next_round_s = float("inf") if self._scene.repeat_s is None else begin_s + self._scene.repeat_s

    def _plan_day(self) -> None:
        for trip, leaves_s, returns_s, plugs in self._trips_of(self._next_day):
            if returns_s <= self._start_s:
                continue
            if leaves_s > self._start_s:
                self._tell(leaves_s, Leaves(trip.vehicle_id))
            chargepoint_id = trip.chargepoint_id if plugs else None
            if plugs:
                self._hold(returns_s, trip.chargepoint_id, trip.id_tag)
            self._tell(returns_s, Comes(trip.vehicle_id, chargepoint_id, trip.drives_km))
        self._next_day += 1
        self._next_day_s = self._local.moment(self._next_day, 0)

    def _on_the_way(self) -> set[int]:
        return {
            trip.vehicle_id
            for trip, leaves_s, returns_s, _ in self._trips_of(self._next_day)
            if leaves_s <= self._start_s < returns_s
        }

    def _trips_of(self, day: int) -> Iterator[tuple[Trip, float, float, bool]]:
        """Which trips are made on a local day, when they begin and end, and whether the car is plugged in then."""
        for number, trip in enumerate(self._scene.trips):
            chance = random.Random(f"trip {self._seed} {day} {number}")
            goes, plugs = chance.random() < trip.chance, chance.random() < trip.plugs
            if goes and weekday(day) in trip.weekdays:
                leaves_s, returns_s = (
                    self._local.moment(day, _second_of_day(wall) + trip.spread_s * (2 * chance.random() - 1))
                    for wall in (trip.leaves, trip.returns)
                )
                yield trip, leaves_s, returns_s, plugs


def _second_of_day(wall: str) -> int:
    hour, minute = wall.split(":")
    return (int(hour) * MINUTES_OF_AN_HOUR + int(minute)) * MINUTES_OF_AN_HOUR
