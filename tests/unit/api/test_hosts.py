"""Under which names the application answers, and to whose pages."""

import pytest
from httpx import AsyncClient

from tests.support.rest import Web
from tests.unit.api.conftest import client_of

HERE = "http://gateway.test"


@pytest.mark.parametrize("host", ["evil.example", "gateway.test.evil.example", "gateway.test."])
@pytest.mark.parametrize("path", ["/", "/app.js", "/api/v1/me", "/schema", "/nowhere", "/api/v1/live"])
async def test_a_name_that_is_not_ours_is_misdirected(stranger: AsyncClient, host: str, path: str) -> None:
    answer = await stranger.get(path, headers={"Host": host})
    assert (answer.status_code, answer.json()["code"]) == (421, "misdirected")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("host", ["", "gateway.test/x", "a b", "gateway.test:x"])
async def test_what_is_no_name_is_a_bad_request(stranger: AsyncClient, host: str) -> None:
    answer = await stranger.get("/api/v1/me", headers={"Host": host})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_argument")


@pytest.mark.parametrize("host", ["gateway.test", "GATEWAY.test:8080", "192.168.1.5", "[::1]:8080", "localhost"])
async def test_our_names_and_addresses_are_served(stranger: AsyncClient, host: str) -> None:
    assert (await stranger.get("/api/v1/me", headers={"Host": host})).status_code == 401


async def test_probes_are_answered_under_any_name(stranger: AsyncClient) -> None:
    for host in ("evil.example", ""):
        assert (await stranger.get("/health/live", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", f"{HERE}.evil.example", f"{HERE}:8080", ""])
async def test_a_foreign_page_changes_nothing(stranger: AsyncClient, origin: str) -> None:
    body = {"name": "admin", "password": "correct horse"}
    answer = await stranger.post("/api/v1/auth/login", json=body, headers={"Origin": origin})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert "access-control-allow-origin" not in answer.headers


async def test_our_page_and_programs_may(stranger: AsyncClient) -> None:
    body = {"name": "admin", "password": "correct horse"}
    for headers in ({"Origin": HERE}, {"Origin": HERE.upper().replace("HTTP", "http")}, {}):
        answer = await stranger.post("/api/v1/auth/login", json=body, headers=headers)
        assert answer.json()["code"] == "bad_credentials"


async def test_reading_is_for_the_browser_to_judge(admin: AsyncClient, web: Web) -> None:
    answer = await admin.get("/api/v1/me", headers={"Origin": "https://evil.example"})
    assert answer.status_code == 200
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert "access-control-allow-origin" not in answer.headers
    async with client_of(web) as other:
        preflight = await other.options("/api/v1/me", headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in preflight.headers
