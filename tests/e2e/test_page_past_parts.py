"""The pure parts of the page's history and charging log: periods, where energy comes from, geometry, words."""

from typing import Any

import pytest

from tests.support.fake_gateway import FakeGateway
from tests.support.page_past import charge_session

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def run(fake: FakeGateway, module: str, script: str, given: Any = None) -> Any:
    """Evaluate ``script`` with the module's exports as ``it``."""
    await fake.open(logged_in=False)
    return await fake.page.evaluate(
        f"async (given) => {{ const it = await import('/{module}.js'); {script} }}", given
    )


async def test_periods_are_those_of_the_calendar(fake: FakeGateway) -> None:
    found = await run(
        fake,
        "periods",
        """return {
          weekOfNewYear: it.periodOf("week", "2027-01-01"),
          february: it.periodOf("month", "2028-02-29"),
          before: it.beside(it.periodOf("month", "2026-01-15"), -1),
          after: it.beside(it.periodOf("year", "2026-01-15"), 1),
          dayAfterChange: it.beside(it.periodOf("day", "2026-10-25"), 1),
          toToday: it.turned(it.periodOf("year", "2026-03-01"), "day", "2026-11-26"),
          toBegin: it.turned(it.periodOf("year", "2025-03-01"), "month", "2026-11-26"),
          tokyo: it.today(Date.UTC(2026, 10, 26, 20), "Asia/Tokyo"),
          titles: ["day", "week", "month", "year"].map((kind) => it.titleOf(it.periodOf(kind, "2026-12-31"))),
          column: it.columnTitle("day", { begin: "2026-03-01T06:00:00+01:00", end: "2026-03-01T06:15:00+01:00" }),
        };""",
    )
    assert found == {
        "weekOfNewYear": {"kind": "week", "from": "2026-12-28", "to": "2027-01-04"},
        "february": {"kind": "month", "from": "2028-02-01", "to": "2028-03-01"},
        "before": {"kind": "month", "from": "2025-12-01", "to": "2026-01-01"},
        "after": {"kind": "year", "from": "2027-01-01", "to": "2028-01-01"},
        "dayAfterChange": {"kind": "day", "from": "2026-10-26", "to": "2026-10-27"},
        "toToday": {"kind": "day", "from": "2026-11-26", "to": "2026-11-27"},
        "toBegin": {"kind": "month", "from": "2025-01-01", "to": "2025-02-01"},
        "tokyo": "2026-11-27",
        "titles": ["Thu, 31 Dec 2026", "28 Dec 2026 \u2013 3 Jan 2027", "December 2026", "2026"],
        "column": "06:00\u201306:15",
    }


def answer(energies: dict[str, list[float | None]], reasons: dict[str, str]) -> dict[str, Any]:
    """Days of counters; a null has the reason of its key."""
    days = max(map(len, energies.values()))
    return {
        "times": [f"2026-03-{day:02}T00:00:00+01:00" for day in range(1, days + 1)],
        "to": f"2026-03-{days + 1:02}T00:00:00+01:00",
        "series": [
            {
                "key": key,
                "values": found,
                "energy_wh": found,
                "gaps": [
                    {"from": place, "to": place + 1, "reason": reasons[key]}
                    for place, one in enumerate(found)
                    if one is None
                ],
            }
            for key, found in energies.items()
        ],
    }


async def test_the_house_is_what_the_meters_leave(fake: FakeGateway) -> None:
    told = answer(
        {
            "grid/imported_wh": [4000, 1000],
            "grid/exported_wh": [500, 0],
            "pv/produced_wh": [6000, 3000],
            "battery/charged_wh": [None, 1500],
            "battery/discharged_wh": [None, 200],
            "charging/energy_wh": [7000, None],
        },
        {
            "battery/charged_wh": "not_recorded",
            "battery/discharged_wh": "not_recorded",
            "charging/energy_wh": "stale",
        },
    )
    found = await run(
        fake,
        "balance",
        """const columns = it.energies(given, [[0, 1], [1, 2]]);
        return { first: columns[0].parts, second: columns[1].parts, sums: it.sums(given),
          reasons: columns.map((one) => it.reasonOf(one, it.NAMES)), names: it.namesIn(columns) };""",
        told,
    )
    assert found["first"]["house"] == {"up": 0, "down": 2500}  # the battery was not there yet
    assert found["first"]["battery"] == {"reason": "not_recorded"}
    assert found["second"]["charging"] == {"reason": "stale"}
    assert found["second"]["house"] == {"reason": "stale"}
    assert found["sums"]["house"] == {"up": 0, "down": 5200}
    assert found["sums"]["grid"] == {"up": 5000, "down": 500}
    assert found["reasons"] == ["not_recorded", "stale"]
    assert found["names"] == ["pv", "battery", "grid", "charging", "house"]


async def test_a_column_after_a_gap_holds_what_was_counted_meanwhile(fake: FakeGateway) -> None:
    told = answer({"grid/imported_wh": [4000, None, None, 9000, 1000]}, {"grid/imported_wh": "not_recorded"})
    script = "return it.energies(given, [[0, 1], [1, 2], [2, 3], [3, 4], [4, 5]]).map((one) => one.isAfterGap);"
    assert await run(fake, "balance", script, told) == [False, False, False, True, False]


async def test_columns_stand_on_each_other_and_gaps_lie_side_by_side(fake: FakeGateway) -> None:
    found = await run(
        fake,
        "chart",
        """const part = (up, down) => ({ up, down });
        const at = (hour) => `2026-03-01T0${hour}:00:00+01:00`;
        const column = (hour, parts) => ({ begin: at(hour), end: at(hour + 1), parts });
        const gone = { pv: { reason: "stale" }, house: part(0, 200) };
        const ahead = { pv: { reason: "not_yet" }, house: { reason: "not_yet" } };
        const columns = [
          column(0, { pv: part(1500, 0), grid: part(900, 0), house: part(0, 2400) }),
          column(1, gone), column(2, gone), column(3, ahead), column(4, ahead),
        ];
        const names = ["pv", "grid", "house"];
        const scale = it.scaleOf(columns, names, 4);
        const room = { width: 501, height: 120, left: 0, top: 10, bottom: 10 };
        const places = new it.Places(room, columns.length, scale);
        const now = Date.parse(at(3)) + 600_000;
        return { scale, paths: it.pathsOf(columns, names, places, true),
          at: [places.at(-1), places.at(0), places.at(499)],
          gaps: it.gapsOf(columns, names, now), onlyHouse: it.gapsOf(columns, ["house"], now),
          now: it.placeOf(columns, now), never: it.placeOf(columns, Date.parse(at(9))),
          steps: [0.9, 1, 1.1, 2.1, 6, 1500].map(it.stepOf), nothing: it.scaleOf([], names, 4) };""",
    )
    assert found["scale"] == {"low": -4000, "high": 4000, "step": 2000, "ticks": [-4000, -2000, 0, 2000, 4000]}
    assert found["paths"]["pv"] == "M0 60V41.25H100V60z"
    assert found["paths"]["grid"] == "M0 41.25V30H100V41.25z"
    assert found["paths"]["house"].startswith("M0 60V90H100V60z")
    assert found["at"] == [-1, 0, 4]
    assert found["gaps"] == [{"from": 1, "to": 3, "reason": "stale"}]
    assert found["onlyHouse"] == []
    assert (round(found["now"], 4), found["never"]) == (3.1667, None)
    assert found["steps"] == [1, 1, 2, 5, 10, 2000]
    assert found["nothing"]["high"] == 1000


async def test_a_charge_session_in_words(fake: FakeGateway) -> None:
    long = charge_session(1, unplugged_at="2027-01-15T07:10:00+01:00")
    nobody = charge_session(1, vehicle_id=None, vehicle_name=None, id_tag=None)
    found = await run(
        fake,
        "sessions",
        """const [whole, long, nobody] = given;
        return {
          durations: [44.6, 59.7, 3599, 3600, 90_061].map(it.duration),
          times: it.timesOf(whole).replaceAll("\\u2060", ""), long: it.timesOf(long),
          open: it.timesOf({ ...whole, unplugged_at: null }),
          who: [whole, { ...whole, vehicle_name: null }, { ...nobody, id_tag: "04A1" }, nobody].map(it.whoOf),
          shares: it.shareWords(it.sharesOf({ grid_wh: 100, pv_wh: 899, battery_wh: 1, unknown_wh: 0 })),
          nobody: it.sharesOf(null),
          now: [it.energyNow({ ...whole, energy_wh: 500 }, 10_840_000), it.energyNow(whole, null),
            it.energyNow({ ...whole, completeness: ["meter_jump"] }, 10_900_000)],
          pages: it.joined([{ id: 9 }, { id: 8 }], [{ id: 8 }, { id: 7 }]).map(({ id }) => id),
        };""",
        [charge_session(1), long, nobody],
    )
    assert found == {
        "durations": ["45 s", "1 min", "59 min", "1 h 00 min", "25 h 01 min"],
        "times": "Thu, 14 Jan 2027, 18:05\u201321:40",
        "long": "Thu, 14 Jan 2027, 18:05 \u2013 Fri 15 Jan, 07:10",
        "open": "since Thu, 14 Jan 2027, 18:05",
        "who": ["Ioniq 5", "Vehicle 1", "ID tag 04A1", "Unknown vehicle"],
        "shares": "Solar 90\u202f%, Grid 10\u202f%",
        "nobody": [],
        "now": [1000, 13040.19, 13040.19],
        "pages": [9, 8, 7],
    }
