"""A month of the simulated box, recorded: its roll-ups are what its slots say, and its meters what its cars drew."""

from collections.abc import AsyncIterator, Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import select

from gateway.db import samples as rows
from gateway.db.charge_session_queries import Chosen, sessions_after
from gateway.db.engine import Database
from gateway.db.history import ROLLUPS, series_of
from gateway.domain.charge_sessions import exact
from gateway.domain.charging import ChargingWatch, Ended
from gateway.domain.clock import SystemClock
from gateway.domain.history import HOUR_MS, QUARTER_MS, Resolution, start_of_day
from gateway.domain.slots import Sample, moment_ms
from gateway.domain.values import Changes, Delta, Position, Reading
from gateway.simulator.plant import plant
from gateway.store.follow import Loaded, Step
from recorder.records import RecordTables
from recorder.rollups import RollUps
from recorder.slot_sampler import Moment, SlotSampler
from tests.support.charge_month import MARCH, Month, month_steps
from tests.support.past import BERLIN, SITE

pytestmark = pytest.mark.asyncio(loop_scope="module")
PERIOD_MS = 300_000
COARSE_S = 60.0
METERS = ("chargepoints/5/meter_wh", "chargepoints/6/meter_wh")
RECORDED = (*METERS, "grid/power_w", "chargepoints/5/power_w")


class Recorded:
    """The month as it lies in the database, and as it was."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.month = Month()
        self.samples: list[Sample] = []
        self.open_wh = dict.fromkeys(METERS, Decimal(0))

    async def record(self) -> None:
        """As the recorder does it, without a store in between."""
        sampler = SlotSampler(PERIOD_MS, RECORDED.__contains__)
        watch, tables = ChargingWatch(SITE), RecordTables(SITE, SystemClock())
        known, ended = dict[str, Reading](), list[Ended]()
        for place, changes in enumerate(month_steps(self.month)):
            known |= {key: reading for key, reading in changes.items() if reading is not None}
            at = moment_of(changes, known)
            sampler.take(step_of(place, changes, known), at)
            sampler.ask(at)
            sampler.confirm(Position("e", place))
            self.samples += sampler.samples(at, 100)
            happened = watch.feed(changes) if place else watch.reset(known)
            ended += [one for one in happened if isinstance(one, Ended)]
        for one in watch.open_sessions():
            self.open_wh[f"chargepoints/{one.chargepoint_id}/meter_wh"] += one.energy_wh or 0
        async with self.database.writing() as connection:
            number, _ = await rows.hold_position(connection, SITE)
            await rows.write_samples(connection, number, self.samples)
            await rows.move_position(connection, number, self.samples[-1].slot)
            await tables.apply(connection, [(place, one.session) for place, one in enumerate(ended)])
        roll_ups = RollUps(SITE, self.database, BERLIN)
        while await roll_ups.roll_up():
            pass

    def known(self, key: str) -> list[tuple[int, float]]:
        return [(one.slot, value) for one in self.samples if (value := one.values[key][0]) is not None]


def moment_of(changes: Changes, known: dict[str, Reading]) -> Moment:
    at_ms = moment_ms(max(one.changed_at or 0.0 for one in (*changes.values(), *known.values()) if one is not None))
    return Moment(at_ms + 250, at_ms)


def step_of(place: int, changes: Changes, known: dict[str, Reading]) -> Step:
    if place:
        return Delta("e", place - 1, place, changes)
    return Loaded(Position("e", 0), dict(known), dict.fromkeys(known, 0), {}, 0)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def recorded(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Recorded]:
    path: Path = tmp_path_factory.mktemp("month")
    database = Database(f"sqlite+aiosqlite:///{path}/gateway.db")
    await database.migrate()
    made = Recorded(database)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plant, "SUBSTEP_S", COARSE_S)
        await made.record()
    yield made
    await database.dispose()


def bounds_of(resolution: Resolution) -> list[int]:
    """All of March, and the hours of UTC before it that are its first local day's."""
    if resolution is Resolution.day:
        return [start_of_day(date(2026, 3, 1) + timedelta(days=number), BERLIN) for number in range(32)]
    length = QUARTER_MS if resolution is Resolution.quarter else HOUR_MS
    return list(range(round(MARCH[0]) * 1000, round(MARCH[1]) * 1000 + 1, length))


def by_bucket(known: list[tuple[int, float]], bounds: list[int]) -> Iterator[tuple[int, list[float]]]:
    """The values between each two bounds."""
    place = 0
    for start, end in pairwise(bounds):
        inside = []
        while place < len(known) and known[place][0] < end:
            inside.append(known[place][1])
            place += 1
        yield start, inside


@pytest.mark.parametrize("key", RECORDED)
@pytest.mark.parametrize("resolution", [Resolution.quarter, Resolution.hour, Resolution.day])
async def test_roll_ups_are_what_the_slots_say(recorded: Recorded, resolution: Resolution, key: str) -> None:
    table, bounds = ROLLUPS[resolution], bounds_of(resolution)
    async with recorded.database.reading() as connection:
        numbers = {one.key: one.id for one in await series_of(connection, 1)}
        query = select(table).where(table.c.series_id == numbers[key]).order_by(table.c.slot)
        found = {one.slot: one for one in await connection.execute(query)}
    known = recorded.known(key)
    assert list(found) == bounds[: len(found)]
    assert len(found) >= len(bounds) - 2, "but for what was not over"
    held: float | None = None
    for start, inside in by_bucket(known, bounds[: len(found) + 1]):
        row = found[start]
        assert (row.low, row.high, row.last) == (min(inside), max(inside), inside[-1])
        assert row.mean == pytest.approx(sum(inside) / len(inside))
        assert row.known_ms == len(inside) * PERIOD_MS
        if key in METERS:
            assert row.counted == pytest.approx(inside[-1] - (inside[0] if held is None else held))
        held = inside[-1]


@pytest.mark.parametrize("key", METERS)
async def test_sessions_and_roll_ups_add_up_to_the_meters_to_the_wh(recorded: Recorded, key: str) -> None:
    id_ = key.split("/")[1]
    metered_wh = exact(recorded.month.last_wh[id_]) - exact(recorded.month.first_wh[id_])
    async with recorded.database.reading() as connection:
        chosen = Chosen(chargepoint_id=id_)
        sessions = await sessions_after(connection, SITE, chosen, None, 1_000)
        table = ROLLUPS[Resolution.day]
        numbers = {one.key: one.id for one in await series_of(connection, 1)}
        counted = await connection.scalars(select(table.c.counted).where(table.c.series_id == numbers[key]))
        rolled_wh = sum(one or 0.0 for one in counted)
    charged_wh = sum((one.session.energy_wh or Decimal(0) for one in sessions), recorded.open_wh[key])
    assert metered_wh > 50_000
    assert charged_wh == metered_wh
    last_day = bounds_of(Resolution.day)[-1]
    after = [value for slot, value in recorded.known(key) if slot < last_day][-1]
    assert rolled_wh == pytest.approx(after - recorded.known(key)[0][1])
