"""The past of a site, from a real database and a real store."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.db.engine import Database
from gateway.domain.errors import InvalidArgument, NotFound
from gateway.domain.history import HOUR_MS, TIERS, Resolution
from gateway.domain.history_columns import Column, Gap
from gateway.domain.slots import Quality, Value
from gateway.services import history as service
from gateway.services.history import Answer
from gateway.store.redis import close_client, open_client
from gateway.store.samples import SampleQueue
from recorder.rollups import RollUps
from tests.support.parts import RedisPart
from tests.support.past import ADMIN, BERLIN, SITE, Past, asked, history, sees, start_of
from tests.support.rest import sqlite

MINUTE = 60_000
POWER, METER = "grid/power_w", "grid/imported_wh"


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp() * 1000)


BEGIN, END = ms("2026-03-27T22:10"), ms("2026-03-30T05:35")
PERIOD = 5 * MINUTE


def values(slot: int) -> Mapping[str, Value] | None:
    """Three nights and a change of clocks: one is not recorded, power is stale now and then, the meter jumps."""
    place = (slot - BEGIN) // PERIOD
    if 40 <= place < 95:
        return None
    power: Value = (None, Quality.stale) if place % 31 < 4 else (float(place % 17) - 8, Quality.live)
    jumped = place == 300
    meter = 50_000.0 + place * 7 - (40_000 if place >= 300 else 0)
    return {POWER: power, METER: (meter, Quality.jumped if jumped else Quality.live)}


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with sqlite(tmp_path) as made:
        yield made


@pytest.fixture
async def client(redis: RedisPart) -> AsyncIterator[Redis]:
    connected = open_client(redis.url)
    yield connected
    await connected.flushall()
    await close_client(connected)


@pytest.fixture
def queue(client: Redis) -> SampleQueue:
    return SampleQueue(client)


def column(answer: Answer, key: str) -> Column:
    (found,) = [one for one in answer.columns if one.key == key]
    return found


def check(answer: Answer, past: Past, key: str) -> None:
    """The answer beside all slots, reckoned one by one."""
    found, wanted = column(answer, key), past.buckets(answer.resolution, key)
    rows: list[Mapping[str, Any]] = [wanted.get(start, {}) for start in answer.starts]
    for numbers, name in ((found.values, "mean"), (found.energy_wh, "counted")):
        if numbers is not None:
            exact = [row.get(name) for row in rows]
            assert numbers == [one if one is None else pytest.approx(one, abs=1e-5) for one in exact]
    for numbers, name in ((found.low, "low"), (found.high, "high"), (found.last, "last")):
        assert numbers == [row.get(name) for row in rows]
    known = [row["known_ms"] / (row["known_ms"] + row["missing_ms"]) if row else 0 for row in rows]
    assert found.coverage == pytest.approx(known, abs=1e-5)
    empty = [place for gap in found.gaps for place in range(gap.begin, gap.end)]
    assert empty == [place for place, one in enumerate(found.values) if one is None]


@pytest.mark.parametrize(
    ("rolled_up", "by_recorder"),
    [(None, False), (BEGIN, False), (ms("2026-03-29T03:00"), False), (END - 20 * MINUTE, False), (None, True)],
)
@pytest.mark.parametrize("resolution", TIERS[1:])
async def test_an_answer_is_what_all_slots_come_to(
    database: Database, queue: SampleQueue, resolution: Resolution, rolled_up: int | None, by_recorder: bool
) -> None:
    """Some of it rolled up, some in the database, and the newest still in the store."""
    past, written = Past(BEGIN, END, PERIOD, values), END - 9 * MINUTE
    await past.write(database, until=written)
    await past.wait(queue, behind=written - 10 * MINUTE)
    if rolled_up is not None:
        await past.roll_up(database, min(rolled_up, written))
    elif by_recorder:
        rolled = RollUps(SITE, database, BERLIN)
        while await rolled.roll_up():
            pass
    question = asked("grid/#", begin="2026-03-27", end="2026-03-31", resolution=resolution.value)
    answer = await history(database, END + MINUTE, queue=queue, period_ms=PERIOD).answer(ADMIN, SITE, question)
    assert answer.starts[0] == start_of(resolution, ms("2026-03-27"))
    if resolution is Resolution.day:
        days = [ms(f"2026-03-{day}") for day in (27, 28, 29, 30)]
        assert answer.starts == days
        assert days[3] - days[2] == 23 * HOUR_MS
    for key in (POWER, METER):
        check(answer, past, key)


async def test_days_gone_by_and_days_to_come(database: Database, queue: SampleQueue) -> None:
    past = Past(BEGIN, END, PERIOD, values)
    await past.write(database, until=END - HOUR_MS)
    await past.wait(queue, behind=END - HOUR_MS)
    await past.roll_up(database, END - HOUR_MS)
    answers = history(database, END + MINUTE, queue=queue, period_ms=PERIOD)
    gone_by = await answers.answer(ADMIN, SITE, asked(METER, begin="2026-03-29", end="2026-03-30", resolution="1h"))
    check(gone_by, past, METER)
    slots = asked(METER, begin="2026-03-29", end="2026-03-30T05:00:00+02:00", resolution="slot")
    assert column(await answers.answer(ADMIN, SITE, slots), METER).gaps == []
    to_come = await answers.answer(ADMIN, SITE, asked(METER, begin="2026-04-01", end="2026-04-03", resolution="1d"))
    assert column(to_come, METER).gaps == [Gap(0, 2, "not_yet")]


async def test_slot_by_slot_with_what_still_waits(database: Database, queue: SampleQueue) -> None:
    past, written = Past(BEGIN, END, PERIOD, values), END - 60 * MINUTE
    await past.write(database, until=written)
    await past.wait(queue, behind=written - 30 * MINUTE)
    answers = history(database, END + MINUTE, queue=queue, period_ms=PERIOD)
    question = asked("grid/+", begin="2026-03-27T22:02:30+01:00", end="2026-03-30T05:57:30+02:00", resolution="slot")
    answer = await answers.answer(ADMIN, SITE, question)
    recorded = {one.slot: one.values for one in past.samples}
    assert answer.starts == list(range(ms("2026-03-27T22:00"), ms("2026-03-30T06:00"), PERIOD))
    for key in (POWER, METER):
        found = column(answer, key)
        assert (
            found.values
            == found.last
            == [recorded[one][key][0] if one in recorded else None for one in answer.starts]
        )
        assert found.energy_wh is found.low is found.coverage is None
    assert column(answer, METER).gaps == [
        Gap(0, 2, "not_recorded"),
        Gap(42, 97, "not_recorded"),
        Gap(655, 660, "not_yet"),
    ]
    stale = [gap for gap in column(answer, POWER).gaps if gap.reason == "stale"]
    assert stale[:2] == [Gap(2, 6, "stale"), Gap(33, 37, "stale")]


async def test_without_the_store_there_is_what_the_database_has(database: Database) -> None:
    past = Past(BEGIN, BEGIN + 30 * MINUTE, MINUTE, lambda _slot: {POWER: (1.0, 0)})
    await past.write(database)
    long_after = past.end + 20 * HOUR_MS
    question = asked(POWER, begin="2026-03-27T22:30:00+01:00", end="2026-03-27T22:45:00+01:00", resolution="slot")
    answer = await history(database, long_after).answer(ADMIN, SITE, question)
    # it may be waiting in the store
    assert column(answer, POWER).gaps == [Gap(10, 15, "not_yet")]
    before = asked(POWER, begin="2026-03-27T22:00:00+01:00", end="2026-03-27T22:12:00+01:00", resolution="slot")
    answer = await history(database, long_after).answer(ADMIN, SITE, before)
    assert column(answer, POWER).gaps == [Gap(0, 10, "not_recorded")]


async def test_before_anything_is_written_there_is_what_waits(database: Database, queue: SampleQueue) -> None:
    past = Past(BEGIN, BEGIN + 3 * MINUTE, MINUTE, lambda _slot: {POWER: (2.0, 0), METER: (5.0, 0)})
    now = past.end + MINUTE
    answers = history(database, now, queue=queue)
    nothing = await answers.answer(ADMIN, SITE, asked("#"))
    assert (nothing.columns, nothing.resolution) == ([], Resolution.slot)
    await past.wait(queue, behind=0)
    for resolution in ("auto", "slot", "15m", "1h", "1d"):
        answer = await answers.answer(ADMIN, SITE, asked(POWER, resolution=resolution))
        (found,) = answer.columns
        assert (found.key, found.unit) == (POWER, "W")
        assert {one for one in found.values if one is not None} == {2.0}
        assert answer.resolution is Resolution(resolution) or resolution == "auto"


async def test_a_login_sees_what_it_may_see(database: Database) -> None:
    past = Past(
        BEGIN, BEGIN + HOUR_MS, MINUTE, lambda _slot: {POWER: (2.0, 0), METER: (5.0, 0), "pv/power_w": (1.0, 0)}
    )
    await past.write(database)
    answers = history(database, past.end, rights=sees("grid/+", "house/#"))
    answer = await answers.answer(ADMIN, SITE, asked("#", begin="2026-03-27", resolution="1h"))
    assert [one.key for one in answer.columns] == [METER, POWER]
    answer = await answers.answer(ADMIN, SITE, asked("pv/power_w", POWER, begin="2026-03-27", resolution="1h"))
    assert [one.key for one in answer.columns] == [POWER]
    assert answer.unmatched == ["pv/power_w"]
    alike = ("pv/power_w", "battery/power_w")  # there and not to be seen, and not there
    answer = await answers.answer(ADMIN, SITE, asked(*alike, begin="2026-03-27", resolution="1h"))
    assert (answer.columns, answer.unmatched) == ([], [*alike])
    with pytest.raises(NotFound):
        await answers.answer(ADMIN, "yard", asked("#"))


async def test_auto_goes_to_quarters_where_slots_were_shorter_than_they_are_now(
    database: Database, queue: SampleQueue
) -> None:
    past = Past(BEGIN, BEGIN + HOUR_MS, 1_000, lambda _slot: {POWER: (2.0, 0)})
    await past.write(database)
    question = asked(POWER, begin="2026-03-27T22:00:00+01:00", end="2026-03-27T23:00:00+01:00")
    answer = await history(database, past.end, queue=queue).answer(ADMIN, SITE, question)
    assert (answer.resolution, len(answer.starts)) == (Resolution.quarter, 4)
    assert column(answer, POWER).coverage == [pytest.approx(1 / 3, abs=1e-5), 1.0, 1.0, 1.0]


async def test_the_newest_quarters_are_there_also_where_slots_are_short(
    database: Database, queue: SampleQueue
) -> None:
    past = Past(BEGIN, BEGIN + HOUR_MS, 500, lambda _slot: {POWER: (2.0, 0)})
    await past.write(database)
    await past.roll_up(database, BEGIN + 36 * MINUTE)
    question = asked(POWER, begin="2026-03-27T22:45:00+01:00", resolution="15m")
    answer = await history(database, past.end, queue=queue, period_ms=500).answer(ADMIN, SITE, question)
    assert column(answer, POWER).coverage == [1.0, 1.0]


async def test_what_is_too_much_to_be_reckoned_now_is_yet_to_come(
    database: Database, queue: SampleQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was rolled up for long, and more waits in the store than is read."""
    monkeypatch.setattr(service, "MOST_TAIL_SLOTS", 45)  # more than two quarters have
    monkeypatch.setattr(service, "MOST_WAITING", 10)
    monkeypatch.setattr(service, "WAITING_AT_ONCE", 5)
    past = Past(BEGIN, BEGIN + 100 * MINUTE, MINUTE, lambda _slot: {POWER: (2.0, 0)})
    await past.write(database, until=BEGIN + 60 * MINUTE)
    await past.wait(queue, behind=BEGIN + 60 * MINUTE)
    answers = history(database, past.end, queue=queue)
    span = {"begin": "2026-03-27T22:00:00+01:00", "end": "2026-03-28T00:00:00+01:00"}
    quarters = column(await answers.answer(ADMIN, SITE, asked(POWER, resolution="15m", **span)), POWER)
    assert quarters.gaps == [Gap(4, 8, "not_yet")]
    slots = column(await answers.answer(ADMIN, SITE, asked(POWER, resolution="slot", **span)), POWER)
    assert slots.gaps == [Gap(0, 10, "not_recorded"), Gap(80, 120, "not_yet")]


async def test_bounds_say_what_to_do(database: Database) -> None:
    past = Past(BEGIN, BEGIN + MINUTE, MINUTE, lambda _slot: {f"meters/{one}/power_w": (1.0, 0) for one in range(51)})
    await past.write(database)
    answers = history(database, past.end)
    for question, wrong in (
        (asked("#"), "at most 50 in one answer, these patterns choose 51"),
        (asked("meters/1/+", begin="2025-01-01", resolution="slot"), "slot makes more than 100,000 points"),
        (asked("meters/1/+", begin="2020-01-01", resolution="15m"), "15m makes more than 100,000 points"),
        (asked("meters/1/+", begin="2010-01-01"), "at most 1916 days"),
        (asked("meters/1/+", begin="2026-03-01", end="2026-02-01"), "from must be before to"),
        (asked("meters/1/+", begin="yesterday"), "from: 'yesterday' is no time; allowed is a date such as"),
        (asked("meters/1/+", end="2026-03-01T00:00:00"), "to: '2026-03-01T00:00:00' is no time"),
        (asked("meters/1/+", resolution="1m"), "allowed are auto, slot, 15m, 1h, 1d"),
        (
            asked("grid/power"),
            "'grid/power' is no key of the catalogue; only numbers of the catalogue can be recorded",
        ),
        (asked(*(f"meters/{one}/+" for one in range(51))), "at most 50 patterns, these are 51"),
        (asked("a/#/b"), "level 2 is '#'"),
    ):
        with pytest.raises(InvalidArgument, match=wrong):
            await answers.answer(ADMIN, SITE, question)


async def test_what_is_carried_over_meanwhile_is_neither_lost_nor_there_twice(
    database: Database, queue: SampleQueue
) -> None:
    """Between the two looks at the database the writer moves everything from the store into it."""
    past = Past(BEGIN, BEGIN + 40 * MINUTE, MINUTE, lambda slot: {METER: ((slot - BEGIN) / MINUTE, 0)})
    await past.write(database, until=BEGIN + 10 * MINUTE)
    await past.wait(queue, behind=BEGIN)
    read_after = queue.read_after

    class Carried(SampleQueue):
        async def read_after(self, site: str, slot: int, count: int) -> Any:
            found = await read_after(site, slot, count)
            await past.write(database)
            await queue.trim_to(site, past.samples[-1].slot)
            return found

    carried = Carried.__new__(Carried)
    answers = history(database, past.end, queue=carried)
    question = asked(METER, begin="2026-03-27T22:00:00+01:00", end="2026-03-27T23:00:00+01:00", resolution="1h")
    answer = await answers.answer(ADMIN, SITE, question)
    found = column(answer, METER)
    assert (found.energy_wh, found.last, found.coverage) == ([39.0], [39.0], [0.8])
