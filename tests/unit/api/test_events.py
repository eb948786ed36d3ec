"""Events over REST, as far as they need no store; with one see tests/integration/test_events.py."""

import pytest
from httpx import AsyncClient

EVENTS = "/api/v1/sites/home/events"


@pytest.mark.parametrize("after", ["", "1", "yesterday", "-", "$", "1-0-0", "99999999999999999999-0"])
async def test_a_bad_id_is_refused_with_an_example(admin: AsyncClient, after: str) -> None:
    answer = await admin.get(EVENTS, params={"after": after})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_argument")
    assert "1753791600123-0" in answer.json()["detail"]


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "x", ""])
async def test_a_bad_limit_is_refused(admin: AsyncClient, limit: str) -> None:
    answer = await admin.get(EVENTS, params={"limit": limit})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_argument")
    assert "limit" in answer.json()["detail"]


async def test_an_unknown_site_is_not_found(admin: AsyncClient) -> None:
    answer = await admin.get("/api/v1/sites/other/events")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_store_that_is_away_is_said_to_be_so(admin: AsyncClient) -> None:
    answer = await admin.get(EVENTS)
    assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
