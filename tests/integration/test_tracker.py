"""The tracker on a real store: each plug-in of the recorded boxes ends in one right row, whatever happens."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from gateway.db.charge_session_queries import Chosen, sessions_after
from gateway.db.engine import Database
from gateway.domain.charge_sessions import ChargeSession
from gateway.domain.charging import ChargingWatch, Ended
from gateway.domain.clock import SystemClock
from gateway.domain.errors import StoreUnavailable
from gateway.domain.events import NO_EVENT
from gateway.domain.values import Changes, Reading
from gateway.store.records import ChargeRecords
from gateway.store.redis import SiteStore, close_client, open_client
from recorder.carry import Carrier, WholeStream
from recorder.carry import Pace as CarryPace
from recorder.records import RecordTables
from tests.support.charge_expected import RECORDED, by_hand, shown
from tests.support.charge_replay import v2_steps, v19_steps
from tests.support.process import Part
from tests.support.store_writer import StoreWriter
from tests.support.stores import RedisPart
from tests.support.tracking import finished, tracker, tracker_process
from tests.support.waiting import eventually

MANY_STEPS = 50


Between = Callable[[int], Awaitable[None]]


def whole(changes: Changes) -> dict[str, Reading]:
    return {key: reading for key, reading in changes.items() if reading is not None}


def right(steps: Iterator[Changes]) -> list[ChargeSession]:
    """What comes of the steps where nothing happens; held against a hand-checked expectation elsewhere."""
    watch, found = ChargingWatch("home"), list[ChargeSession]()
    for place, changes in enumerate(steps):
        happened = watch.feed(changes) if place else watch.reset(whole(changes))
        found += [one.session for one in happened if isinstance(one, Ended)]
    return found


def differing(found: list[ChargeSession], expected: list[ChargeSession]) -> list[str]:
    """For whoever reads the failure: which fields are others than expected."""
    pairs = zip(map(msgspec.structs.asdict, found), map(msgspec.structs.asdict, expected), strict=True)
    return [
        f"{number}: {name} is {one[name]}, not {other[name]}"
        for number, (one, other) in enumerate(pairs)
        for name in other
        if one[name] != other[name]
    ]


class Place:
    """A site of the store, its leader, and what waits for the database."""

    def __init__(self, redis: RedisPart, site: str) -> None:
        self.client = open_client(redis.url)
        self.writer = StoreWriter(SiteStore(self.client), site)
        self.records = ChargeRecords(self.client)
        self.site = site
        self.last_seq = 0

    async def play(self, steps: Iterator[Changes], between: Between) -> None:
        for place, changes in enumerate(steps):
            if place == 0:
                await self.writer.lead(whole(changes))
            else:
                await self.writer.append(changes)
            await between(place)
        self.last_seq = self.writer.seq

    async def read_to_the_end(self) -> None:
        """Until a tracker has moved to where the site stands."""

        async def there() -> bool:
            try:
                tracked = await self.records.load(self.site)
            except StoreUnavailable:
                return False
            return tracked is not None and tracked.position == self.writer.position

        await eventually(there, 30, every_s=0.05, what="the tracker has read all")

    async def finished(self) -> list[ChargeSession]:
        found = await finished(self.records, self.site)
        return [_at_home(one) for one in found]


def _at_home(session: ChargeSession) -> ChargeSession:
    return msgspec.structs.replace(session, site="home")


@pytest.fixture
async def place(redis: RedisPart, site: str) -> AsyncIterator[Place]:
    made = Place(redis, site)
    yield made
    await close_client(made.client)


async def carried(place: Place, folder: Path) -> list[ChargeSession]:
    """The rows of a database into which all that waits was carried, by plug."""
    database = Database(f"sqlite+aiosqlite:///{folder}/gateway.db")
    await database.migrate()
    stream, tables = WholeStream(place.records, place.site), RecordTables(place.site, SystemClock())
    carrier = Carrier("rows", database, stream, tables, pace=CarryPace(), report=lambda *_: None)
    while await place.records.length(place.site):
        await carrier.carry()
    async with database.reading() as connection:
        found = await sessions_after(connection, place.site, Chosen(), None, 100)
    await database.dispose()
    return sorted((one.session for one in found), key=lambda one: one.plugged_at)


@pytest.mark.parametrize(("name", "steps", "began_at"), RECORDED, ids=[name for name, _, _ in RECORDED])
async def test_the_recorded_sessions_reach_the_queue_the_events_and_the_rows(
    redis: RedisPart,
    place: Place,
    tmp_path: Path,
    name: str,
    steps: Callable[[], Iterator[Changes]],
    began_at: float,
) -> None:
    """The rows are those worked out by hand."""
    expected = right(steps())
    async with tracker(redis.url, place.site) as one:

        async def between(number: int) -> None:
            if number == 0:
                await place.read_to_the_end()

        await place.play(steps(), between)
        await place.read_to_the_end()
        assert one.status(place.site).condition == "ok"
        assert one.status(place.site).ended == len(expected)
    assert await place.finished() == expected
    events = (await SiteStore(place.client).events_after(place.site, NO_EVENT, 100)).entries
    ended = [entry.event for entry in events if entry.event.kind == "charge_session_ended"]
    assert [event.details["energy_wh"] for event in ended] == [float(one.energy_wh or 0) for one in expected]
    began = [entry.event.at for entry in events if entry.event.kind == "charge_session_started"]
    assert began == [one.plugged_at for one in expected if "begin_unknown" not in one.completeness]
    wanted, rows = by_hand(name), await carried(place, tmp_path)
    assert [shown(one, began_at, fields) for one, fields in zip(rows, wanted, strict=True)] == wanted


async def test_trackers_killed_at_random_and_two_at_once_change_nothing(
    redis: RedisPart, place: Place, tmp_path: Path
) -> None:
    dice = random.Random(3)
    names = (f"tracker-{number}" for number in range(1000))
    alive: list[Part] = []

    async def start() -> None:
        part = tracker_process(tmp_path, next(names), redis.url, place.site)
        await part.start()
        alive.append(part)

    async def between(number: int) -> None:
        if number == 0:
            await start()
            await place.read_to_the_end()
            await start()
        elif number % MANY_STEPS == 0:
            await asyncio.sleep(dice.uniform(0.1, 0.3))
            await alive.pop(dice.randrange(2)).kill()
            await start()

    try:
        await place.play(v2_steps(), between)
        await place.read_to_the_end()
        assert differing(await place.finished(), right(v2_steps())) == []
    finally:
        for part in alive:
            await part.kill()


@pytest.mark.parametrize(("steps", "lost_at"), [(v2_steps, 700), (v19_steps, 1850)], ids=["v2", "v19"])
async def test_a_store_that_lost_everything_costs_what_nobody_saw_and_says_so(
    redis: RedisPart, place: Place, steps: Callable[[], Iterator[Changes]], lost_at: int
) -> None:
    """While all of them are open: the tracker still knows what they were. At 1850 the 1.9 tells a wrong SoC."""
    expected = right(steps())
    known: dict[str, Reading] = {}
    async with tracker(redis.url, place.site):

        async def between(number: int) -> None:
            if number == 0:
                await place.read_to_the_end()
            if number == lost_at:
                await place.read_to_the_end()
                await place.client.flushall()
                assert await place.writer.acquire()
                await place.writer.open(known)
                await place.read_to_the_end()

        def remembered() -> Iterator[Changes]:
            for changes in steps():
                for key, reading in changes.items():
                    if reading is None:
                        known.pop(key, None)
                    else:
                        known[key] = reading
                yield changes

        await place.play(remembered(), between)
        await place.read_to_the_end()
    found = await place.finished()
    assert [one.energy_wh for one in found] == [one.energy_wh for one in expected]
    assert [one.completeness for one in found] == [("gap",)] * len(expected)
    lacking: dict[str, object] = {"completeness": ("gap",), "mean_w": None}
    split = [{"energy_by_source": one.energy_by_source, "source_how": one.source_how} for one in found]
    gappy = [msgspec.structs.replace(one, **lacking, **by) for one, by in zip(expected, split, strict=True)]
    assert differing(found, gappy) == []


async def test_a_bridge_that_is_away_over_the_unplug_ends_it_unseen(redis: RedisPart, place: Place) -> None:
    at = round(time.time(), 3)

    def reading(value: object, after_s: float, *, stale: bool = False) -> Reading:
        return Reading(value, at + after_s, stale)  # type: ignore[arg-type]

    point = "chargepoints/4"
    free = {f"{point}/plugged": reading(False, 0), f"{point}/meter_wh": reading(1000.0, 0)}
    plug = {f"{point}/plugged": reading(True, 10), f"{point}/charging": reading(True, 10)}
    async with tracker(redis.url, place.site):
        await place.writer.lead(free)
        await place.read_to_the_end()
        await place.writer.append(dict(plug))
        await place.writer.append({f"{point}/meter_wh": reading(2500.5, 100)})
        gone = {key: Reading(one.value, one.changed_at, stale=True) for key, one in {**free, **plug}.items()}
        await place.writer.open({**gone, f"{point}/meter_wh": reading(2500.5, 100, stale=True)})
        await place.writer.open(
            {
                f"{point}/plugged": reading(False, 5000),
                f"{point}/meter_wh": reading(3000.5, 5000),
                "box/time": reading(1.0, 5000),
            }
        )
        await place.read_to_the_end()
    [one] = await place.finished()
    assert "end_unknown" in one.completeness
    assert one.energy_wh == Decimal("2000.5")


async def test_while_no_more_may_wait_the_last_step_waits(redis: RedisPart, place: Place) -> None:
    async with tracker(redis.url, place.site, most=1) as one:

        async def between(number: int) -> None:
            if number == 0:
                await place.read_to_the_end()

        await place.play(v2_steps(), between)
        await eventually(lambda: one.status(place.site).condition == "full")
        [first] = await place.records.read_after(place.site, -1, 10)
        await place.records.trim_to(place.site, first[0])
        await place.read_to_the_end()
        assert one.status(place.site).condition == "ok"
    assert await place.finished() == right(v2_steps())[1:]
