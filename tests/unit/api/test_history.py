"""The past over REST: JSON and CSV."""

import csv
from collections.abc import Mapping
from datetime import datetime
from io import StringIO
from typing import Any

import msgspec
import pytest
from httpx import AsyncClient

from gateway.api import energy_sources
from gateway.api.history import EXAMPLE, HistoryAnswer
from gateway.api.sites import SiteInfo
from gateway.app import create_app
from gateway.domain.history import MOST_AUTO, MOST_POINTS, MOST_SERIES
from gateway.domain.slots import Value
from tests.support.documents import blocks
from tests.support.gateway import ROOT
from tests.support.past import BERLIN, Past
from tests.support.rest import Web
from tests.unit.api.conftest import client_of

HISTORY = "/api/v1/sites/home/history"
MINUTE = 60_000
POWER, METER = "grid/power_w", "grid/imported_wh"
BEGIN = round(datetime(2026, 10, 25, tzinfo=BERLIN).timestamp()) * 1000
NIGHT = "from=2026-10-25&to=2026-10-25T05:00:00%2B01:00"


def values(slot: int) -> Mapping[str, Value] | None:
    """Six hours; half of an hour is missing, another one is stale."""
    place = (slot - BEGIN) // (10 * MINUTE)
    if place in (6, 7, 8):
        return None
    stale = 12 <= place < 18
    return {POWER: (None, 1) if stale else (1_000 / 3 + place, 0), METER: (10_000.5 + place, 0)}


PAST = Past(BEGIN, BEGIN + 6 * 60 * MINUTE, 10 * MINUTE, values)


@pytest.fixture
async def reader(admin: AsyncClient, web: Web) -> AsyncClient:
    await PAST.write(web.database)
    await PAST.roll_up(web.database, BEGIN + 4 * 60 * MINUTE)
    return admin


async def test_columns_in_local_time(reader: AsyncClient) -> None:
    answer = await reader.get(f"{HISTORY}?series=grid/%23&{NIGHT}&resolution=1h")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.headers["vary"] == "Authorization, Accept"
    body = answer.json()
    series = {one.pop("key"): one for one in body.pop("series")}
    assert body == {
        "site": "home",
        "from": "2026-10-25T00:00:00+02:00",
        "to": "2026-10-25T05:00:00+01:00",
        "resolution": "1h",
        "timezone": "Europe/Berlin",
        "origin": None,
        "times": [
            f"2026-10-25T{hour:02}:00:00+{offset:02}:00"
            for hour, offset in ((0, 2), (1, 2), (2, 2), (2, 1), (3, 1), (4, 1))
        ],
        "unmatched": [],
    }
    assert list(series) == [METER, POWER]
    assert series[METER] == {
        "unit": "Wh",
        "kind": "counter",
        "values": [10_003.0, 10_010.5, 10_015.0, 10_021.0, 10_027.0, 10_033.0],
        "last": [10_005.5, 10_011.5, 10_017.5, 10_023.5, 10_029.5, 10_035.5],
        "low": [10_000.5, 10_009.5, 10_012.5, 10_018.5, 10_024.5, 10_030.5],
        "high": [10_005.5, 10_011.5, 10_017.5, 10_023.5, 10_029.5, 10_035.5],
        "energy_wh": [5.0, 6.0, 6.0, 6.0, 6.0, 6.0],
        "coverage": [1.0, 0.5, 1.0, 1.0, 1.0, 1.0],
        "gaps": [],
    }
    power = series[POWER]
    assert (power["unit"], power["kind"]) == ("W", "gauge")
    assert power["values"] == [335.833333, 343.333333, None, 353.833333, 359.833333, 365.833333]
    assert power["gaps"] == [{"from": 2, "to": 3, "reason": "stale"}]
    assert "energy_wh" not in power


async def test_slots_have_values_only(reader: AsyncClient) -> None:
    answer = await reader.get(
        f"{HISTORY}?series={POWER}&from=2026-10-25&to=2026-10-25T01:10:00%2B02:00&resolution=slot"
    )
    (series,) = answer.json()["series"]
    assert set(series) == {"key", "unit", "kind", "values", "last", "gaps"}
    assert series["values"] == series["last"] == [*(1_000 / 3 + place for place in range(6)), None]
    assert series["gaps"] == [{"from": 6, "to": 7, "reason": "not_recorded"}]


async def test_several_patterns_with_commas_or_one_by_one(reader: AsyncClient) -> None:
    for query in (f"{POWER},{METER}", f"{POWER}&series={METER}", "grid/%2B", "grid/+", "pv/%23,grid/%23"):
        answer = await reader.get(f"{HISTORY}?series={query}&{NIGHT}")
        assert [one["key"] for one in answer.json()["series"]] == [METER, POWER], query
    assert (await reader.get(f"{HISTORY}?series=pv/%23&{NIGHT}")).json()["series"] == []


async def test_what_matches_nothing_in_the_answer_is_named(reader: AsyncClient) -> None:
    query = f"pv/%23,{POWER},chargepoints/9/meter_wh,pv/%23,grid/%2B,grid/powr_w"
    body = (await reader.get(f"{HISTORY}?series={query}&{NIGHT}")).json()
    assert [one["key"] for one in body["series"]] == [METER, POWER]
    assert body["unmatched"] == ["pv/#", "chargepoints/9/meter_wh", "grid/powr_w"]
    table = await reader.get(f"{HISTORY}.csv?series={query}&{NIGHT}")
    assert table.content == (await reader.get(f"{HISTORY}.csv?series=grid/%23&{NIGHT}")).content


async def test_without_a_time_it_is_the_last_day(reader: AsyncClient, web: Web) -> None:
    web.clock.advance(BEGIN / 1000 + 6 * 3_600 - web.clock.now())
    body = (await reader.get(f"{HISTORY}?series=grid/%23")).json()
    assert (body["from"], body["to"]) == ("2026-10-24T06:00:00+02:00", "2026-10-25T05:00:00+01:00")
    assert body["resolution"] == "slot"
    assert body["times"][-1] == "2026-10-25T04:50:00+01:00"


@pytest.mark.parametrize("resolution", ["slot", "15m", "1h", "1d"])
async def test_csv_equals_json(reader: AsyncClient, resolution: str) -> None:
    query = f"?series=grid/%23&{NIGHT}&resolution={resolution}"
    body = (await reader.get(HISTORY + query)).json()
    by_path = await reader.get(f"{HISTORY}.csv{query}")
    by_header = await reader.get(HISTORY + query, headers={"Accept": "text/csv, application/json;q=0.5"})
    assert by_path.content == by_header.content
    for answer in (by_path, by_header):
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert answer.headers["content-disposition"] == 'attachment; filename="history-home.csv"'
    assert by_path.text.count("\r\n") == by_path.text.count("\n") == len(body["times"]) + 1
    rows = list(csv.DictReader(StringIO(by_path.text)))
    assert [row["time"] for row in rows] == body["times"]
    titles = {"time"}
    for series in body["series"]:
        gaps = {place: gap["reason"] for gap in series["gaps"] for place in range(gap["from"], gap["to"])}
        wanted: dict[str, list[Any]] = {
            series["key"]: series["values"],
            f"{series['key']} gap": [gaps.get(place) for place in range(len(rows))],
        }
        if resolution != "slot":
            for name in ("low", "high", "last", "energy_wh", "coverage"):
                if name in series:
                    wanted[f"{series['key']} {name}"] = series[name]
        for title, numbers in wanted.items():
            found = [row[title] for row in rows]
            assert found == ["" if one is None else one if isinstance(one, str) else repr(one) for one in numbers]
        titles |= wanted.keys()
    assert set(rows[0]) == titles


async def test_json_is_what_comes_unless_csv_is_asked_for(reader: AsyncClient) -> None:
    for accept in ("*/*", "application/json", "text/html, */*;q=0.1", "application/json, text/csv;q=0.9", "text/xml"):
        answer = await reader.get(f"{HISTORY}?series={POWER}&{NIGHT}", headers={"Accept": accept})
        assert answer.headers["content-type"] == "application/json", accept


async def test_what_is_simulated_says_so(reader: AsyncClient, web: Web) -> None:
    web.app = create_app(
        msgspec.structs.replace(web.parts, sites=(SiteInfo("home", "Home", "auto", simulated=True),))
    )
    async with client_of(web) as client:
        client.headers = reader.headers
        answer = await client.get(f"{HISTORY}.csv?series={POWER}&{NIGHT}")
        assert answer.headers["content-disposition"] == 'attachment; filename="simulated-history-home.csv"'
        assert (await client.get(f"{HISTORY}?series={POWER}&{NIGHT}")).json()["origin"] == "simulated"


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("", "series"),
        ("?series=", "a key pattern has 1 to 200 characters"),
        ("?series=grid/power", "'grid/power' is no key of the catalogue"),
        ("?series=link/state", "of the kind text"),
        ("?series=%23&from=today", "from: 'today' is no time; allowed is a date such as"),
        ("?series=%23&to=2026-02-30", "to: '2026-02-30' is no time"),
        ("?series=%23&from=2026-10-26&to=2026-10-25", "from must be before to"),
        ("?series=%23&until=2026-10-25", "there is no argument 'until'; allowed are series, from, to, resolution"),
        ("?series=%23&resolution=5m", "allowed are auto, slot, 15m, 1h, 1d; got '5m'"),
        (
            "?series=%23&resolution=slot&from=2026-01-01",
            "ask for less time, fewer series, a coarser resolution, or auto",
        ),
        ("?series=" + ",".join(f"pv/{one}" for one in range(51)), "at most 50 "),
    ],
)
async def test_bad_questions_are_told_what_is_allowed(reader: AsyncClient, query: str, wrong: str) -> None:
    for path in (HISTORY, f"{HISTORY}.csv"):
        answer = await reader.get(path + query)
        code = "unknown_field" if "until" in query else "invalid_argument"
        assert (answer.status_code, answer.json()["code"]) == (400, code)
        assert wrong in answer.json()["detail"]


async def test_only_who_is_logged_in_is_answered_and_only_about_sites_that_there_are(
    reader: AsyncClient, stranger: AsyncClient
) -> None:
    for path in (HISTORY, f"{HISTORY}.csv"):
        assert (await stranger.get(f"{path}?series={POWER}")).status_code == 401
        answer = await reader.get(f"{path.replace('home', 'other')}?series={POWER}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_the_example_is_an_answer() -> None:
    again = msgspec.json.encode(msgspec.convert(EXAMPLE, HistoryAnswer))
    assert msgspec.json.decode(again) == EXAMPLE


def test_the_page_shows_the_examples() -> None:
    shown = [block.text for block in blocks() if (block.page, block.language) == ("docs/history.md", "json")]
    assert [msgspec.json.decode(text) for text in shown] == [EXAMPLE, energy_sources.EXAMPLE]


def test_the_page_names_the_bounds() -> None:
    page = (ROOT / "docs" / "history.md").read_text()
    assert f"at most {MOST_SERIES} series, and {MOST_POINTS:,} points in all" in page
    assert f"about {MOST_AUTO:,} points" in page
