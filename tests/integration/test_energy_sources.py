"""Where energy came from: recorded, rolled up by the recorder, and asked for over REST."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from httpx import AsyncClient

from gateway import app
from gateway.domain.access import Login
from gateway.domain.history import HOUR_MS
from gateway.domain.slots import Quality, Value
from gateway.hub.views import Rights
from recorder.rollups import RollUps
from tests.integration.test_rest import logged_in, served
from tests.support.past import BERLIN, SITE, Past, sees
from tests.support.rest import Web, sqlite

PERIOD = 300_000
BEGIN = round(datetime(2026, 3, 28, tzinfo=BERLIN).timestamp()) * 1000
SHORT_DAY = BEGIN + 24 * HOUR_MS
"""Clocks go forward."""
END = SHORT_DAY + 23 * HOUR_MS + 2 * HOUR_MS + 40 * 60_000
ROLLED_UP = END - 10 * 60_000
CAR, OTHER = "chargepoints/4", "chargepoints/7"


def values(slot: int) -> Mapping[str, Value] | None:
    """A house of 1,000 W, 60 % of them from the grid, until on the short day PV is stale for an hour.

    The charge point 4 counts 20 Wh a slot, 7 has no meter. Before that day's noon three hours are not recorded.
    """
    of_day = (slot - SHORT_DAY) // HOUR_MS
    if 6 <= of_day < 9:
        return None
    stale = of_day == 15
    return {
        "grid/power_w": (600.0, Quality.live),
        "pv/power_w": (None, Quality.stale) if stale else (200.0, Quality.live),
        "battery/power_w": (-200.0, Quality.live),
        "house/power_w": (1_000.0, Quality.live),
        f"{CAR}/power_w": (240.0, Quality.live),
        f"{CAR}/meter_wh": (5_000.0 + (slot - BEGIN) // PERIOD * 20, Quality.live),
        f"{OTHER}/power_w": (100.0, Quality.live),
    }


async def rolled_up(web: Web) -> None:
    await Past(BEGIN, END, PERIOD, values).write(web.database)
    await RollUps(SITE, web.database, BERLIN).roll_up_all()
    web.clock.advance(END / 1000 - web.clock.now())


async def asked(client: AsyncClient, query: str) -> tuple[dict[str, Any], dict[str, dict[str, list[Any]]]]:
    """The answer, and the consumers in it."""
    answer = await client.get(f"/api/v1/sites/{SITE}/energy-sources?{query}")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    return body, {one["consumer"]: one for one in body["consumers"]}


def energy(one: Mapping[str, Sequence[Any]], place: int) -> list[Any]:
    return [one[name][place] for name in ("grid_wh", "pv_wh", "battery_wh", "unknown_wh")]


async def test_days_of_a_site(tmp_path: Path) -> None:
    async with sqlite(tmp_path) as database:
        web = Web(database)
        await rolled_up(web)
        async with served(web) as url, logged_in(web, url) as client:
            body, consumers = await asked(client, "from=2026-03-28&to=2026-04-01&resolution=1d")
            hours, by_hour = await asked(client, "from=2026-03-29&to=2026-03-30&resolution=1h")
    assert body["times"] == [
        "2026-03-28T00:00:00+01:00",
        "2026-03-29T00:00:00+01:00",
        "2026-03-30T00:00:00+02:00",
        "2026-03-31T00:00:00+02:00",
    ]
    assert [*consumers] == ["house", CAR, OTHER]
    house = consumers["house"]
    assert energy(house, 0) == [14_400.0, 4_800.0, 4_800.0, 0.0]
    # of 23 hours three were not recorded, and of one nobody knows the source
    assert energy(house, 1) == [11_400.0, 3_800.0, 3_800.0, 1_000.0]
    # the present day: ten quarters are over and rolled up
    assert energy(house, 2) == [1_500.0, 500.0, 500.0, 0.0]
    assert energy(house, 3) == [None] * 4
    assert house["coverage"] == [1.0, round(20 / 23, 6), 1.0, 0.0]
    assert energy(consumers[OTHER], 2) == [150.0, 50.0, 50.0, 0.0]
    # the meter went on while nobody recorded: what it counted is there, in the quarter in which it was read again
    assert sum(energy(consumers[CAR], 1)) == pytest.approx(23 * 240)
    assert len(hours["times"]) == 23
    assert hours["times"][1:3] == ["2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+02:00"]
    assert by_hour["house"]["grid_wh"] == [*[600.0] * 6, *[None] * 3, *[600.0] * 6, 0.0, *[600.0] * 7]


async def test_what_is_not_rolled_up_yet_is_not_known(tmp_path: Path) -> None:
    async with sqlite(tmp_path) as database:
        web = Web(database)
        await rolled_up(web)
        web.clock.advance(HOUR_MS / 1000)
        async with served(web) as url, logged_in(web, url) as client:
            body, consumers = await asked(client, "from=2026-03-30T02:00:00%2B02:00&to=2026-03-30T04:00:00%2B02:00")
            _, by_hour = await asked(client, "from=2026-03-30T02:00:00%2B02:00&resolution=1h")
    assert body["resolution"] == "15m"
    assert consumers["house"]["grid_wh"] == [150.0, 150.0, *[None] * 6]
    assert consumers["house"]["coverage"] == [1.0, 1.0, *[0.0] * 6]
    assert (by_hour["house"]["grid_wh"], by_hour["house"]["coverage"]) == ([300.0, None], [0.5, 0.0])


@pytest.mark.parametrize(
    ("granted", "seen"),
    [
        (("#",), ["house", CAR, OTHER]),
        (("house/#", "grid/#"), ["house"]),
        (("chargepoints/4/#",), [CAR]),
        (("chargepoints/+/meter_wh",), [CAR]),
        (("chargepoints/+/power_w",), [OTHER]),
        (("grid/#", "pv/#"), []),
    ],
)
async def test_a_login_sees_the_sources_of_what_it_may_see(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, granted: tuple[str, ...], seen: list[str]
) -> None:
    def rights_of(login: Login, sites: frozenset[str]) -> Rights:
        assert SITE in sites
        return sees(*granted)(login)

    monkeypatch.setattr(app, "rights_of", rights_of)
    async with sqlite(tmp_path) as database:
        web = Web(database)
        await rolled_up(web)
        async with served(web) as url, logged_in(web, url) as client:
            _, consumers = await asked(client, "from=2026-03-28&resolution=1d")
            elsewhere = await client.get("/api/v1/sites/yard/energy-sources")
    assert [*consumers] == seen
    assert elsewhere.status_code == 404
