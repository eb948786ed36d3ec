"""Sums of charge sessions, and months held against the box's log, over REST."""

import json
from decimal import Decimal
from typing import Any

import pytest
from httpx import AsyncClient

from gateway.db import samples
from gateway.db.box_log import write_entries
from gateway.domain.box_log import BoxLogEntry
from gateway.domain.slots import Sample
from tests.support.charge_rows import NOON, charge_session, write_sessions
from tests.support.rest import Web

SITE = "/api/v1/sites/home"
DAY = 86_400.0


async def told(client: AsyncClient, path: str, **params: str) -> dict[str, Any]:
    answer = await client.get(f"{SITE}/{path}", params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = json.loads(answer.text, parse_float=Decimal)
    return found


async def written(web: Web) -> list[int]:
    """Two in March and one on the 1st of April, two hours after midnight in summer time."""
    return await write_sessions(
        web.database,
        [
            charge_session(NOON),
            charge_session(
                NOON + DAY, chargepoint_id="6", vehicle_id=2, vehicle_name="e-Up", energy_wh=Decimal("0.75")
            ),
            charge_session(1_775_001_600.0 - 3_600, energy_by_source=None, source_how=None),
        ],
    )


async def test_by_month_and_vehicle(admin: AsyncClient, web: Web) -> None:
    await written(web)
    found = await told(admin, "statistics", by="vehicle,month")
    assert (found["site"], found["timezone"], found["by"]) == ("home", "Europe/Berlin", ["month", "vehicle"])
    assert [(row["month"], row["vehicle_id"], row["vehicle_name"], row["energy_wh"]) for row in found["rows"]] == [
        ("2026-03", 1, "Ioniq 5", Decimal("10000.25")),
        ("2026-03", 2, "e-Up", Decimal("0.75")),
        ("2026-04", 1, "Ioniq 5", Decimal("10000.25")),
    ]
    assert all("chargepoint_id" not in row and "source" not in row for row in found["rows"])
    assert found["rows"][2]["unknown_wh"] == Decimal("10000.25")
    totals = found["totals"]
    assert (totals["sessions"], totals["small"], totals["energy_wh"]) == (3, 1, Decimal("20001.25"))


async def test_by_charge_point_and_source(admin: AsyncClient, web: Web) -> None:
    await written(web)
    found = await told(admin, "statistics", by="chargepoint,source", to="2026-04-01")
    assert found["rows"] == [
        {"chargepoint_id": "5", "source": "grid", "sessions": 1, "energy_wh": Decimal("2500.06")},
        {"chargepoint_id": "5", "source": "pv", "sessions": 1, "energy_wh": Decimal("7500.19")},
        {"chargepoint_id": "6", "source": "grid", "sessions": 1, "energy_wh": Decimal("0.19")},
        {"chargepoint_id": "6", "source": "pv", "sessions": 1, "energy_wh": Decimal("0.56")},
    ]
    assert "grid_wh" in found["totals"]


async def test_by_month_where_nothing_is_said_and_as_corrected(admin: AsyncClient, web: Web) -> None:
    ids = await written(web)
    body = {"reason": "x", "based_on": 0, "vehicle_id": 9, "vehicle_name": "Zoe"}
    assert (await admin.post(f"{SITE}/charge-sessions/{ids[0]}/corrections", json=body)).status_code == 201
    assert [row["month"] for row in (await told(admin, "statistics"))["rows"]] == ["2026-03", "2026-04"]
    by_vehicle = await told(admin, "statistics", by="vehicle")
    assert [(row["vehicle_id"], row["vehicle_name"]) for row in by_vehicle["rows"]] == [
        (1, "Ioniq 5"),
        (2, "e-Up"),
        (9, "Zoe"),
    ]
    assert (await told(admin, "statistics", **{"from": "2027-01-01"}))["rows"] == []


async def test_months_side_by_side(admin: AsyncClient, web: Web) -> None:
    await written(web)
    entries = [
        BoxLogEntry(
            key="jan",
            source="openwb-2",
            chargepoint="5",
            begin=NOON - 70 * DAY,
            end=NOON - 69 * DAY,
            energy_wh=Decimal(5_000),
        ),
        BoxLogEntry(
            key="mar",
            source="openwb-2",
            chargepoint="5",
            begin=NOON + 5 * DAY,
            end=NOON + 6 * DAY,
            energy_wh=Decimal("7.5"),
        ),
    ]
    readings = [
        Sample(round((NOON + day * DAY) * 1000), 60_000, "e", 1, {"chargepoints/5/meter_wh": (wh, 0)})
        for day, wh in ((-1, 0.0), (2, 10_000.25))
    ]
    async with web.database.writing() as connection:
        await write_entries(connection, "home", entries, NOON)
        number, _ = await samples.hold_position(connection, "home")
        await samples.write_samples(connection, number, readings)
    found = await told(admin, "reconcile", **{"from": "2026-01", "to": "2026-04"})
    rows = {(row["month"], row["chargepoint_id"]): row for row in found["rows"]}
    # the gateway was not there in January: that it has nothing of it is no difference
    assert rows["2026-01", "5"] == {
        "month": "2026-01",
        "chargepoint_id": "5",
        "box_wh": 5_000,
        "gateway_wh": None,
        "meter_wh": None,
        "differences": [],
    }
    march = rows["2026-03", "5"]
    assert (march["box_wh"], march["gateway_wh"], march["meter_wh"]) == (
        Decimal("7.5"),
        Decimal("10000.25"),
        Decimal("10000.25"),
    )
    assert march["differences"] == [
        {
            "cause": "not_in_box_log",
            "begin": "2026-03-24T11:00:00+01:00",
            "end": "2026-03-24T12:00:00+01:00",
            "box_wh": None,
            "gateway_wh": Decimal("10000.25"),
            "meter_wh": None,
        },
        {
            "cause": "gateway_was_away",
            "begin": "2026-03-29T12:00:00+02:00",
            "end": "2026-03-30T12:00:00+02:00",
            "box_wh": Decimal("7.5"),
            "gateway_wh": None,
            "meter_wh": None,
        },
    ]
    assert set(rows) == {("2026-01", "5"), ("2026-03", "5"), ("2026-03", "6"), ("2026-04", "5")}


async def test_to_this_month_where_nothing_is_said(admin: AsyncClient, web: Web) -> None:
    await written(web)
    assert len((await told(admin, "reconcile", **{"from": "2026-03"}))["rows"]) == 3
    web.clock.advance(-800 * DAY)
    answer = await admin.get(f"{SITE}/reconcile", params={"from": "2026-03"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_argument")


@pytest.mark.parametrize(
    ("path", "params", "code", "words"),
    [
        ("statistics", {"by": "person"}, "invalid_argument", "by: allowed are month"),
        ("statistics", {"from": "x"}, "invalid_argument", "from"),
        ("statistics", {"vehicle": "1"}, "unknown_field", "'vehicle'"),
        ("reconcile", {}, "invalid_argument", "from"),
        ("reconcile", {"from": "2026"}, "invalid_argument", "from: "),
        ("reconcile", {"from": "2026-02", "to": "2026-01"}, "invalid_argument", "36 months"),
        ("reconcile", {"from": "2020-01", "to": "2023-01"}, "invalid_argument", "36 months"),
        ("reconcile", {"from": "2026-01", "by": "x"}, "unknown_field", "'by'"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    admin: AsyncClient, path: str, params: dict[str, str], code: str, words: str
) -> None:
    answer = await admin.get(f"{SITE}/{path}", params=params)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert words in answer.json()["detail"]


@pytest.mark.parametrize("path", ["statistics", "reconcile?from=2026-01"])
async def test_an_unknown_site_is_not_found(admin: AsyncClient, path: str) -> None:
    assert (await admin.get(f"/api/v1/sites/other/{path}")).status_code == 404
