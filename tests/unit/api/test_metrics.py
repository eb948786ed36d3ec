"""Who may see the metrics."""

from typing import Any, cast

import msgspec
import pytest
from httpx import ASGITransport, AsyncClient

from gateway.app import create_metrics_app
from gateway.domain.access import Login
from gateway.services.auth import AuthService
from gateway.services.metrics import MEDIA_TYPE, Metrics, Sample
from tests.support.rest import Web
from tests.unit.api.conftest import client_of

LOCAL = {"Host": "127.0.0.1:8080"}


@pytest.mark.parametrize("source", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "[::1]:8080"])
async def test_this_machine_sees_them(web: Web, source: str, host: str) -> None:
    web.parts.metrics.add(lambda: [Sample("gw_subs", 3)])
    async with client_of(web, source) as client:
        answer = await client.get("/metrics", headers={"Host": host})
    assert (answer.status_code, answer.headers["content-type"]) == (200, f"{MEDIA_TYPE}; charset=utf-8")
    assert "\ngw_subs 3.0\n" in answer.text
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via", "X-Forwarded-Proto"])
async def test_who_comes_through_a_proxy_of_this_machine_is_not_local(web: Web, name: str) -> None:
    async with client_of(web, "127.0.0.1") as client:
        answer = await client.get("/metrics", headers={**LOCAL, name: "127.0.0.1"})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["content-type"] == "application/problem+json"
    assert "loopback" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("source", "host"),
    [
        ("192.168.1.20", "127.0.0.1:8080"),
        ("", "127.0.0.1:8080"),
        ("127.0.0.1", "gateway.test"),
        ("127.0.0.1", "localhost.evil.example"),
    ],
)
async def test_others_need_a_token(web: Web, source: str, host: str) -> None:
    async with client_of(web, source) as client:
        answer = await client.get("/metrics", headers={"Host": host})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        answer = await client.get("/metrics", headers={"Host": host, "Authorization": "Bearer wrong"})
        assert answer.status_code == 401


async def test_an_admin_sees_them_from_anywhere_under_any_name(admin: AsyncClient) -> None:
    for headers in ({}, {"Host": "metrics.internal", "X-Forwarded-For": "10.0.0.9"}):
        assert (await admin.get("/metrics", headers=headers)).status_code == 200


async def test_whoever_is_no_admin_is_told_so(admin: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    right = AuthService.whoami

    async def observer(auth: AuthService, token: str) -> Login:
        return msgspec.structs.replace(await right(auth, token), scopes=("observe",))

    monkeypatch.setattr(AuthService, "whoami", observer)  # there is no other role yet
    answer = await admin.get("/metrics")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_a_process_without_users_shows_them_to_this_machine_only() -> None:
    app = cast("Any", create_metrics_app(Metrics()))
    token = {"Authorization": "Bearer whatever"}
    for source, status in (("127.0.0.1", 200), ("192.168.1.20", 401)):
        transport = ASGITransport(app, client=(source, 40_000))
        async with AsyncClient(transport=transport, base_url="http://localhost:9100") as client:
            answer = await client.get("/metrics", headers=token)
            assert (answer.status_code, answer.headers["x-content-type-options"]) == (status, "nosniff")
            assert (await client.get("/")).status_code == 404


async def test_what_is_refused_for_a_limit_is_counted(web: Web) -> None:
    async with client_of(web) as client:
        for _ in range(8):
            await client.post("/api/v1/auth/login", json={"name": "admin", "password": "wrong"})
    limited = web.connections.counts.limited
    assert {scope: count for scope, count in limited if count} == {"logins": 5}
