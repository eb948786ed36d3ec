"""Charge sessions over REST: the list, one of them, those that go on, corrections."""

import json
from decimal import Decimal
from typing import Any

import pytest
from httpx import AsyncClient

from gateway.db.box_log import write_entries
from gateway.domain.box_log import BoxLogEntry, Shares
from gateway.domain.values import Reading
from tests.support.charge_rows import NOON, charge_session, write_sessions
from tests.support.rest import Web

HOME = "/api/v1/sites/home/charge-sessions"
DAY = 86_400.0


def decoded(answer: Any) -> dict[str, Any]:
    """With the digits of its numbers."""
    assert answer.headers["content-type"] == "application/json"
    assert answer.is_success, answer.text
    found: dict[str, Any] = json.loads(answer.text, parse_float=Decimal)
    return found


async def told(client: AsyncClient, path: str = "", **params: str | int) -> dict[str, Any]:
    return decoded(await client.get(f"{HOME}{path}", params=params))


async def refused(client: AsyncClient, path: str = "", **params: str) -> tuple[int, str, str]:
    answer = await client.get(f"{HOME}{path}", params=params)
    return answer.status_code, answer.json()["code"], answer.json()["detail"]


async def test_a_charge_session_is_told_in_local_time_and_to_the_digit(admin: AsyncClient, web: Web) -> None:
    (number,) = await write_sessions(web.database, [charge_session(NOON + 0.0004, energy_wh=Decimal("1038.19"))])
    answer = await admin.get(HOME)
    assert '"energy_wh":1038.19,' in answer.text
    assert '"meter_start_wh":10839000.0,' in answer.text
    found = decoded(answer)
    assert (found["site"], found["timezone"], found["next"]) == ("home", "Europe/Berlin", None)
    (one,) = found["sessions"]
    assert (one["id"], one["version"], one["note"], one["origin"], one["cost"]) == (number, 0, None, None, None)
    assert one["plugged_at"] == "2026-03-24T11:00:00+01:00"
    assert one["modes"] == ["pv", "instant"]
    sources = {"grid_wh": Decimal("259.55"), "pv_wh": Decimal("778.64"), "battery_wh": 0, "unknown_wh": 0}
    assert (one["energy_by_source"], one["source_how"]) == (sources, "estimated")
    assert found["totals"] == {
        "sessions": 1,
        "small": 0,
        "without_energy": 0,
        "energy_wh": Decimal("1038.19"),
        **sources,
    }


async def test_pages_lead_through_the_list_and_the_first_has_the_totals_of_all(admin: AsyncClient, web: Web) -> None:
    ids = await write_sessions(web.database, [charge_session(NOON + day * DAY) for day in range(5)])
    first = await told(admin, limit=2)
    second = await told(admin, limit=2, cursor=first["next"])
    third = await told(admin, limit=2, cursor=second["next"])
    assert [one["id"] for page in (first, second, third) for one in page["sessions"]] == ids[::-1]
    assert (first["totals"]["sessions"], first["totals"]["energy_wh"]) == (5, Decimal("50001.25"))
    assert (second["totals"], third["totals"], third["next"]) == (None, None, None)


async def test_filters_choose_for_list_and_totals(admin: AsyncClient, web: Web) -> None:
    a, b = await write_sessions(
        web.database,
        [charge_session(), charge_session(NOON + DAY, chargepoint_id="6", vehicle_id=2, id_tag="ff", segments=())],
    )
    for params, ids in (
        ({"chargepoint": "6"}, [b]),
        ({"vehicle": "1"}, [a]),
        ({"id_tag": "FF"}, [b]),
        ({"mode": "instant"}, [a]),
        ({"from": "2026-03-25"}, [b]),
        ({"to": "2026-03-25T00:00:00+01:00"}, [a]),
        ({"from": "2026-03-24", "to": "2026-03-26", "limit": "1"}, [b]),
        ({"chargepoint": "7"}, []),
    ):
        found = decoded(await admin.get(HOME, params=params))
        assert [one["id"] for one in found["sessions"]] == ids, params
        assert found["totals"]["sessions"] == (2 if "limit" in params else len(ids)), params


@pytest.mark.parametrize(
    ("params", "code", "words"),
    [
        ({"from": "yesterday"}, "invalid_argument", "from: "),
        ({"to": "2026-02-30"}, "invalid_argument", "to: "),
        ({"from": "2026-03-02", "to": "2026-03-01"}, "invalid_argument", "from and to: from must be before to"),
        ({"cursor": "2"}, "invalid_argument", "cursor: "),
        ({"limit": "0"}, "invalid_argument", "limit"),
        ({"limit": "501"}, "invalid_argument", "limit"),
        ({"vehicle": "-1"}, "invalid_argument", "vehicle"),
        ({"vehicle": "Ioniq"}, "invalid_argument", "vehicle"),
        ({"mode": "fast"}, "invalid_argument", "mode: allowed are instant"),
        ({"chargepoint": "5" * 65}, "invalid_argument", "chargepoint"),
        ({"vehicule": "1"}, "unknown_field", "'vehicule'; allowed are from, to, chargepoint"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    admin: AsyncClient, params: dict[str, str], code: str, words: str
) -> None:
    status, said, detail = await refused(admin, **params)
    assert (status, said) == (400, code)
    assert words in detail


async def test_an_argument_is_given_once(admin: AsyncClient) -> None:
    answer = await admin.get(f"{HOME}?vehicle=1&limit=5&vehicle=2")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_argument")
    assert "vehicle: it is given twice" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["", "/current", "/1", "/1/corrections"])
async def test_of_an_unknown_site_there_is_nothing(admin: AsyncClient, path: str) -> None:
    address = f"/api/v1/sites/other/charge-sessions{path}"
    body = {"reason": "x", "based_on": 0, "note": "x"}
    answer = await (admin.post(address, json=body) if "corr" in path else admin.get(address))
    assert (answer.status_code, answer.json()["detail"]) == (404, "there is no such site")


async def test_one_has_its_segments_its_original_and_its_corrections(admin: AsyncClient, web: Web) -> None:
    (number,) = await write_sessions(web.database, [charge_session(completeness=("gap",))])
    correction = {"reason": "seen", "based_on": 0, "odometer_end_km": 48_210.5, "note": "é"}
    made = decoded(await admin.post(f"{HOME}/{number}/corrections", json=correction))
    found = await told(admin, f"/{number}")
    assert found["segments"] == [
        {
            "mode": "pv",
            "begin": "2026-03-24T11:00:00+01:00",
            "end": "2026-03-24T11:30:00+01:00",
            "energy_wh": Decimal("100.01"),
        },
        {
            "mode": "instant",
            "begin": "2026-03-24T11:30:00+01:00",
            "end": "2026-03-24T12:00:00+01:00",
            "energy_wh": Decimal("9900.24"),
        },
    ]
    original = {
        "vehicle_id": 1,
        "vehicle_name": "Ioniq 5",
        "odometer_start_km": None,
        "odometer_end_km": None,
        "note": None,
    }
    assert found["original"] == original
    assert found["versions"] == [made]
    assert made == {
        **original,
        "odometer_end_km": Decimal("48210.5"),
        "note": "é",
        "version": 1,
        "author": "admin",
        "reason": "seen",
        "at": "2027-01-15T09:00:00+01:00",
    }
    assert (found["version"], found["note"], found["odometer_end_km"]) == (1, "é", Decimal("48210.5"))
    assert found["completeness"] == ["gap"]
    for other in (number + 1, 2**63 - 1):
        assert (await refused(admin, f"/{other}"))[:2] == (404, "not_found")
    for odd in ("0", str(2**63), "-1"):
        assert (await refused(admin, f"/{odd}"))[0] in (400, 404)


async def test_two_correctors_do_not_overwrite_each_other(admin: AsyncClient, web: Web) -> None:
    (number,) = await write_sessions(web.database, [charge_session()])
    address = f"{HOME}/{number}/corrections"
    first = await admin.post(address, json={"reason": "mine", "based_on": 0, "vehicle_id": 2})
    assert (first.status_code, first.json()["version"]) == (201, 1)
    second = await admin.post(address, json={"reason": "mine", "based_on": 0, "note": "x"})
    assert (second.status_code, second.json()["code"]) == (409, "conflict")
    assert "at version 1, not 0" in second.json()["detail"]
    assert (await told(admin, f"/{number}"))["note"] is None
    third = await admin.post(address, json={"reason": "looked again", "based_on": 1, "note": "x"})
    assert (third.json()["vehicle_id"], third.json()["note"]) == (2, "x")


async def test_another_vehicle_gets_the_name_that_the_box_has_for_it(admin: AsyncClient, web: Web) -> None:
    (number,) = await write_sessions(web.database, [charge_session()])
    web.hub.begin("home", {"vehicles/2/name": Reading("e-Up", 1.0), "vehicles/3/name": Reading(None, 1.0)})
    address = f"{HOME}/{number}/corrections"
    for version, (vehicle, name) in enumerate(((2, "e-Up"), (3, None), (4, None))):
        body = {"reason": "it was that one", "based_on": version, "vehicle_id": vehicle}
        made = (await admin.post(address, json=body)).json()
        assert (made["vehicle_id"], made["vehicle_name"]) == (vehicle, name)
    assert [one["id"] for one in (await told(admin, vehicle=4))["sessions"]] == [number]
    assert (await told(admin, vehicle=1))["sessions"] == []


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ({"based_on": 0, "note": "x"}, "invalid_argument", "reason"),
        ({"reason": "", "based_on": 0, "note": "x"}, "invalid_argument", "reason"),
        ({"reason": " ", "based_on": 0, "note": "x"}, "invalid_argument", "reason"),
        ({"reason": "x" * 501, "based_on": 0, "note": "x"}, "invalid_argument", "reason"),
        ({"reason": "x", "note": "x"}, "invalid_argument", "based_on"),
        ({"reason": "x", "based_on": -1, "note": "x"}, "invalid_argument", "based_on"),
        ({"reason": "x", "based_on": 0}, "invalid_argument", "nothing to correct"),
        ({"reason": "x", "based_on": 0, "energy_wh": 1}, "unknown_field", "'energy_wh'"),
        ({"reason": "x", "based_on": 0, "odometer_end_km": -1}, "invalid_argument", "odometer_end_km"),
        ({"reason": "x", "based_on": 0, "vehicle_name": "a\nb"}, "invalid_argument", "vehicle_name"),
        ({"reason": "x", "based_on": 0, "vehicle_id": "two"}, "invalid_argument", "vehicle_id"),
    ],
)
async def test_a_bad_correction_is_refused(
    admin: AsyncClient, web: Web, body: dict[str, Any], code: str, words: str
) -> None:
    (number,) = await write_sessions(web.database, [charge_session()])
    answer = await admin.post(f"{HOME}/{number}/corrections", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert words in answer.json()["detail"]
    assert (await told(admin, f"/{number}"))["version"] == 0


async def test_the_word_of_the_box_wins_over_the_estimate(admin: AsyncClient, web: Web) -> None:
    sessions = [charge_session(NOON + day * DAY, energy_wh=Decimal(1000)) for day in range(2)]
    a, b = await write_sessions(web.database, sessions)
    entry = BoxLogEntry(
        key="k",
        source="openwb-2",
        chargepoint="5",
        begin=NOON + 1,
        end=NOON + 3_590,
        energy_wh=Decimal(1000),
        shares=Shares(0.1, 0.7, 0.2, 0.0),
    )
    async with web.database.writing() as connection:
        await write_entries(connection, "home", [entry], NOON)
    found = {one["id"]: one for one in (await told(admin))["sessions"]}
    by_box = {"grid_wh": 100, "pv_wh": 700, "battery_wh": 200, "unknown_wh": 0}
    assert (found[a]["source_how"], found[a]["energy_by_source"]) == ("box", by_box)
    assert found[b]["source_how"] == "estimated"
    assert (await told(admin, f"/{a}"))["energy_by_source"] == by_box
    totals = (await told(admin, limit=1))["totals"]
    assert (totals["grid_wh"], totals["pv_wh"], totals["battery_wh"]) == (350, 1450, 200)


async def test_those_that_go_on(admin: AsyncClient, web: Web) -> None:
    going = charge_session(unplugged_at=None, chargepoint_id="6", id_tag=None)
    web.open_sessions = [going, charge_session(NOON - DAY, unplugged_at=None), charge_session(site="yard")]
    found = await told(admin, "/current")
    assert [one["chargepoint_id"] for one in found["sessions"]] == ["5", "6"]
    one = found["sessions"][1]
    assert (one["unplugged_at"], one["energy_wh"]) == (None, Decimal("10000.25"))
    assert [segment["mode"] for segment in one["segments"]] == ["pv", "instant"]
    assert "id" not in one
    assert (await refused(admin, "/current", limit="1"))[:2] == (400, "unknown_field")


async def test_nothing_is_told_of_what_nobody_knows(admin: AsyncClient, web: Web) -> None:
    bare = charge_session(energy_wh=None, energy_by_source=None, source_how=None, meter_end_wh=None)
    await write_sessions(web.database, [bare])
    found = await told(admin)
    (one,) = found["sessions"]
    assert (one["energy_wh"], one["meter_end_wh"], one["energy_by_source"], one["source_how"]) == (None,) * 4
    assert (found["totals"]["without_energy"], found["totals"]["energy_wh"]) == (1, 0)


async def test_a_stranger_sees_nothing(stranger: AsyncClient) -> None:
    for path in ("", "/current", "/1"):
        assert (await stranger.get(f"{HOME}{path}")).status_code == 401
