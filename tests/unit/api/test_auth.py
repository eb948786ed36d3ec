"""Logging in and out over REST."""

from datetime import UTC, datetime

import pytest
from httpx import AsyncClient

from tests.support.rest import PASSWORD, Web
from tests.unit.api.conftest import client_of


async def log_in(client: AsyncClient, password: str = PASSWORD) -> tuple[int, dict[str, object]]:
    answer = await client.post("/api/v1/auth/login", json={"name": "admin", "password": password})
    found: dict[str, object] = answer.json()
    return answer.status_code, found


async def test_log_in_ask_who_and_log_out(stranger: AsyncClient, web: Web) -> None:
    await web.auth.ensure_admin(PASSWORD)
    status, made = await log_in(stranger)
    assert status == 200
    expires_at = datetime.fromtimestamp(web.clock.now() + 12 * 3600, UTC).isoformat().replace("+00:00", "Z")
    assert made == {
        "token": made["token"],
        "token_type": "Bearer",
        "expires_at": expires_at,
        "user": {"name": "admin", "role": "admin"},
    }
    stranger.headers["Authorization"] = f"bearer  {made['token']}"
    me = await stranger.get("/api/v1/me")
    assert me.json() == {"name": "admin", "role": "admin", "scopes": ["admin"], "expires_at": expires_at}
    out = await stranger.post("/api/v1/auth/logout")
    assert (out.status_code, out.content) == (204, b"")
    assert (await stranger.get("/api/v1/me")).status_code == 401


async def test_a_wrong_password_is_401_and_then_429(stranger: AsyncClient, web: Web) -> None:
    await web.auth.ensure_admin(PASSWORD)
    for _ in range(3):
        status, told = await log_in(stranger, "wrong password")
        assert (status, told["code"]) == (401, "bad_credentials")
    answer = await stranger.post("/api/v1/auth/login", json={"name": "admin", "password": PASSWORD})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    async with client_of(web, "10.0.0.7") as owner:
        assert (await log_in(owner))[0] == 200


async def test_the_set_up_link_gives_a_password(stranger: AsyncClient, web: Web) -> None:
    setup = await web.auth.ensure_admin(None)
    assert setup is not None
    body = {"token": setup.token, "password": PASSWORD}
    async with client_of(web, "8.8.8.8") as far:
        assert (await far.post("/api/v1/auth/setup", json=body)).status_code == 403
        assert (await far.post("/api/v1/auth/setup/check", json={"token": setup.token})).status_code == 403
    for _ in range(2):
        assert (await stranger.post("/api/v1/auth/setup/check", json={"token": setup.token})).status_code == 204
    short = await stranger.post("/api/v1/auth/setup", json={**body, "password": "short"})
    assert (short.status_code, short.json()["code"]) == (400, "invalid_argument")
    assert (await stranger.post("/api/v1/auth/setup", json=body)).status_code == 204
    assert (await stranger.post("/api/v1/auth/setup", json=body)).status_code == 401
    assert (await stranger.post("/api/v1/auth/setup/check", json={"token": setup.token})).status_code == 401
    assert (await log_in(stranger))[0] == 200


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Basic YWRtaW46YWRtaW4=", "Bearer x", "Bearer x y", "x", "Bearer " + "x" * 2000],
)
async def test_without_a_valid_token_there_is_a_challenge(stranger: AsyncClient, header: str) -> None:
    answer = await stranger.get("/api/v1/me", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert answer.json()["code"] == "unauthenticated"


@pytest.mark.parametrize("name", ["token", "access_token"])
async def test_a_token_in_the_address_is_refused_even_if_it_is_right(admin: AsyncClient, name: str) -> None:
    token = admin.headers["Authorization"].removeprefix("Bearer ")
    for path in ("/api/v1/me", "/api/v1/auth/login", "/health/live", "/", "/app.js"):
        answer = await admin.request("POST" if "login" in path else "GET", path, params={name: token})
        assert (answer.status_code, token in answer.text) == (400, False)


async def test_a_lost_database_is_503_and_not_401(admin: AsyncClient, web: Web) -> None:
    await web.database.dispose()
    async with web.database.writing() as connection:
        await connection.exec_driver_sql("DROP TABLE tokens")
    answer = await admin.get("/api/v1/me")
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
