"""The documentation: complete, and loaded from here only."""

import re
from typing import Any

import pytest
from httpx import AsyncClient

from gateway.protocol.asyncapi import written

OPEN = {"/api/v1/auth/login", "/api/v1/auth/setup", "/api/v1/auth/setup/check", "/health/live", "/health/ready"}


@pytest.fixture
async def openapi(stranger: AsyncClient) -> dict[str, Any]:
    answer = await stranger.get("/schema/openapi.json")
    found: dict[str, Any] = answer.json()
    return found


def operations(openapi: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, one) for path, item in openapi["paths"].items() for method, one in item.items()]


async def test_the_page_names_nothing_outside(stranger: AsyncClient) -> None:
    page = await stranger.get("/schema")
    assert page.headers["content-type"].startswith("text/html")
    addresses = re.findall(r"""(?:src|href)\s*=\s*["']([^"']+)""", page.text)
    assert len(addresses) == 6
    for address in addresses:
        assert address.startswith("/")
        assert not address.startswith("//")
        assert (await stranger.get(address)).status_code == 200
    assert "//" not in page.text.replace("<!doctype html>", "")
    assert "<script>" not in page.text
    policy = page.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy


async def test_only_what_the_page_needs_is_served(stranger: AsyncClient) -> None:
    for name in ("swagger-ui.js", "oauth2-redirect.html", "..%2f__init__.py", "nothing"):
        assert (await stranger.get(f"/schema/assets/{name}")).status_code == 404
    answer = await stranger.get("/schema/assets/swagger-ui-bundle.js")
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    start = await stranger.get("/schema/assets/start.js")
    assert "validatorUrl: null" in start.text


async def test_the_websocket_is_described_beside_it(stranger: AsyncClient) -> None:
    answer = await stranger.get("/schema/asyncapi.yaml")
    assert answer.headers["content-type"] == "application/yaml"
    assert answer.content == written("1.2.3")
    assert (await stranger.get("/schema/asyncapi.yaml")).content == answer.content


async def test_it_is_openapi_3_1_with_a_bearer_token(openapi: dict[str, Any]) -> None:
    assert openapi["openapi"].startswith("3.1")
    assert openapi["info"]["version"] == "1.2.3"
    assert openapi["components"]["securitySchemes"] == {"token": {"type": "http", "scheme": "bearer"}}


async def test_every_operation_has_a_summary_and_a_name_of_its_own(openapi: dict[str, Any]) -> None:
    found = operations(openapi)
    assert all(one.get("summary") and one.get("tags") for _, _, one in found)
    assert len({one["summary"] for _, _, one in found}) == len(found)
    assert len({one["operationId"] for _, _, one in found}) == len(found)


async def test_errors_are_described_as_problems(openapi: dict[str, Any]) -> None:
    for path, _, one in operations(openapi):
        for status, answer in one["responses"].items():
            if status >= "400" and path != "/health/ready":
                (content,) = answer["content"].items()
                assert content[0] == "application/problem+json", path
                (example,) = content[1]["examples"].values()
                assert str(example["value"]["status"]) == status
    assert "Problem" in openapi["components"]["schemas"]


async def test_what_is_behind_the_login_says_so_and_is(openapi: dict[str, Any], stranger: AsyncClient) -> None:
    for path, method, one in operations(openapi):
        assert bool(one.get("security")) is (path not in OPEN), path
        answer = await stranger.request(method, path.format(site="home", session_id=1), json={})
        assert (answer.status_code == 401) is (path not in OPEN), path
        if path not in OPEN:
            assert "401" in one["responses"]
