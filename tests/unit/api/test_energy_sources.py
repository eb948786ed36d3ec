"""Where energy came from over REST."""

from datetime import datetime
from typing import Any

import msgspec
import pytest
from httpx import AsyncClient

from gateway.api.energy_sources import EXAMPLE, EnergySourcesAnswer
from gateway.api.sites import SiteInfo
from gateway.app import create_app
from gateway.db.rollups import write_sources
from gateway.domain.history import MOST_AUTO, MOST_POINTS, QUARTER_MS
from gateway.domain.rollups import SourceEnergy
from gateway.domain.source_columns import MOST_QUARTERS
from gateway.services import energy_sources as service
from tests.support.gateway import ROOT
from tests.support.past import BERLIN, Past
from tests.support.rest import Web
from tests.unit.api.conftest import client_of

SOURCES = "/api/v1/sites/home/energy-sources"
CAR = "chargepoints/4"
BEGIN = round(datetime(2026, 10, 25, tzinfo=BERLIN).timestamp()) * 1000
NIGHT = "from=2026-10-25&to=2026-10-25T05:00:00%2B01:00"
KEYS = ("house/power_w", f"{CAR}/power_w", f"{CAR}/meter_wh", "grid/power_w")
PAST = Past(BEGIN, BEGIN + 60_000, 60_000, lambda _slot: dict.fromkeys(KEYS, (1.0, 0)))


def house(place: int) -> SourceEnergy:
    return SourceEnergy(grid_wh=10.0 + place, pv_wh=0.1, battery_wh=0.0, unknown_wh=1.5)


@pytest.fixture
async def reader(admin: AsyncClient, web: Web) -> AsyncClient:
    """The house has two quarters less than four hours, in the second of them; the charge point has one quarter."""
    await PAST.write(web.database)
    quarters = {BEGIN + place * QUARTER_MS: house(place) for place in range(16) if place not in (5, 6)}
    async with web.database.writing() as connection:
        await write_sources(connection, 1, "house", quarters)
        await write_sources(connection, 1, CAR, {BEGIN + 9 * QUARTER_MS: SourceEnergy(pv_wh=2_300.125)})
    web.clock.advance((BEGIN + 18 * QUARTER_MS) / 1000 - web.clock.now())
    return admin


async def test_columns_in_local_time(reader: AsyncClient) -> None:
    answer = await reader.get(f"{SOURCES}?{NIGHT}&resolution=1h")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.headers["vary"] == "Authorization"
    assert answer.json() == {
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
        "consumers": [
            {
                "consumer": "house",
                "grid_wh": [46.0, 31.0, 78.0, 94.0, None, None],
                "pv_wh": [0.4, 0.2, 0.4, 0.4, None, None],
                "battery_wh": [0.0, 0.0, 0.0, 0.0, None, None],
                "unknown_wh": [6.0, 3.0, 6.0, 6.0, None, None],
                "coverage": [1.0, 0.5, 1.0, 1.0, 0.0, 0.0],
            },
            {
                "consumer": CAR,
                "grid_wh": [None, None, 0.0, None, None, None],
                "pv_wh": [None, None, 2_300.125, None, None, None],
                "battery_wh": [None, None, 0.0, None, None, None],
                "unknown_wh": [None, None, 0.0, None, None, None],
                "coverage": [0.0, 0.0, 0.25, 0.0, 0.0, 0.0],
            },
        ],
    }


async def test_a_day_that_goes_on_is_as_far_as_it_is_rolled_up(reader: AsyncClient) -> None:
    body = (await reader.get(f"{SOURCES}?from=2026-10-24&to=2026-10-26&resolution=1d")).json()
    assert body["times"] == ["2026-10-24T00:00:00+02:00", "2026-10-25T00:00:00+02:00"]
    (first, _) = body["consumers"]
    assert first["grid_wh"] == [None, 249.0]
    assert first["coverage"] == [0.0, 0.777778]


async def test_without_a_time_it_is_the_last_day_by_quarters(reader: AsyncClient) -> None:
    body = (await reader.get(SOURCES)).json()
    assert (body["from"], body["to"]) == ("2026-10-24T04:30:00+02:00", "2026-10-25T03:30:00+01:00")
    assert (body["resolution"], len(body["times"])) == ("15m", 96)
    assert body["consumers"][0]["grid_wh"][-19:] == [None, *_but(5, 6), None, None]


def _but(*missing: int) -> list[float | None]:
    return [None if place in missing else 10.0 + place for place in range(16)]


async def test_before_anything_is_recorded_nobody_is_there(admin: AsyncClient, web: Web) -> None:
    assert (await admin.get(f"{SOURCES}?{NIGHT}")).json()["consumers"] == []
    await Past(BEGIN, BEGIN + 60_000, 60_000, lambda _slot: {"grid/power_w": (1.0, 0)}).write(web.database)
    assert (await admin.get(f"{SOURCES}?{NIGHT}")).json()["consumers"] == []


async def test_what_is_simulated_says_so(reader: AsyncClient, web: Web) -> None:
    simulated = (SiteInfo("home", "Home", "auto", simulated=True),)
    web.app = create_app(msgspec.structs.replace(web.parts, sites=simulated))
    async with client_of(web) as client:
        client.headers = reader.headers
        assert (await client.get(f"{SOURCES}?{NIGHT}")).json()["origin"] == "simulated"


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("?from=today", "from: 'today' is no time; allowed is a date such as"),
        ("?to=2026-02-30", "to: '2026-02-30' is no time"),
        ("?from=2026-10-26&to=2026-10-25", "from must be before to"),
        ("?from=2026-10-26&from=2026-10-25", "from: it is given twice"),
        ("?series=%23", "there is no argument 'series'; allowed are from, to, resolution"),
        ("?resolution=slot", "allowed are auto, 15m, 1h, 1d; got 'slot'"),
        ("?from=2020-01-01", "with resolution=auto at most 1916 days; ask for less time, or with resolution=1d"),
        (
            "?resolution=15m&from=2020-01-01",
            "15m makes more than 50,000 points for each of 2 consumers, and one answer holds 100,000; ask for less",
        ),
    ],
)
async def test_bad_questions_are_told_what_is_allowed(reader: AsyncClient, query: str, wrong: str) -> None:
    answer = await reader.get(SOURCES + query)
    code = "unknown_field" if "series" in query else "invalid_argument"
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert wrong in answer.json()["detail"]


async def test_no_more_is_added_up_than_the_bound(reader: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(found: int) -> None:
        counted.append(found)

    counted: list[int] = []
    monkeypatch.setattr(service, "check_quarters", refuse)
    await reader.get(f"{SOURCES}?from=2000-01-01&to=2026-10-26&resolution=1d")
    assert counted == [15], "only what is there counts"
    await reader.get(f"{SOURCES}?from=2024-01-01&to=2026-10-26&resolution=1d")
    assert counted == [15], "so much cannot be there"


async def test_only_who_is_logged_in_is_answered_and_only_about_sites_that_there_are(
    reader: AsyncClient, stranger: AsyncClient
) -> None:
    assert (await stranger.get(SOURCES)).status_code == 401
    answer = await reader.get(SOURCES.replace("home", "other"))
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_the_example_is_an_answer() -> None:
    again: Any = msgspec.json.encode(msgspec.convert(EXAMPLE, EnergySourcesAnswer))
    assert msgspec.json.decode(again) == EXAMPLE


def test_the_page_names_the_bounds() -> None:
    page = (ROOT / "docs" / "history.md").read_text().partition("## Where energy came from")[2]
    assert f"at most {MOST_POINTS:,} points" in page
    assert f"at most {MOST_QUARTERS:,} quarters" in page
    assert f"at most {MOST_AUTO:,} points" in page
