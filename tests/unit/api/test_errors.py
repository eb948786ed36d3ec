"""Every error becomes a problem document, and none says too much."""

from collections.abc import Iterator
from http import HTTPStatus

import msgspec
import pytest
import structlog
from httpx import AsyncClient, Response

from gateway.api.errors import STATUS, Problem
from gateway.domain.errors import GatewayError, NotLeader, StoreUnavailable
from gateway.hub.hub import Hub


def tree(root: type[GatewayError]) -> Iterator[type[GatewayError]]:
    yield root
    for branch in root.__subclasses__():
        if branch.__module__ == GatewayError.__module__:
            yield from tree(branch)


def problem(answer: Response) -> Problem:
    assert answer.headers["content-type"] == "application/problem+json"
    found = msgspec.json.decode(answer.content, type=Problem)
    assert found.status == answer.status_code
    assert found.title == HTTPStatus(answer.status_code).phrase
    assert found.type == "about:blank"
    return found


def test_each_error_class_has_its_row() -> None:
    assert set(tree(GatewayError)) == set(STATUS)


def test_codes_are_unique() -> None:
    codes = [error.code for error in tree(GatewayError)]
    assert len(codes) == len(set(codes))


def test_what_may_succeed_later_says_so() -> None:
    assert all(STATUS[error] in (429, 503) for error in tree(GatewayError) if error.temporary)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code", "detail"),
    [
        ("GET", "/api/v1/nowhere", b"", 404, "not_found", "there is no such address"),
        ("GET", "/api/v1/me/nowhere", b"", 404, "not_found", "there is no such address"),
        ("GET", "/nowhere/at/all", b"", 404, "not_found", "there is no such address"),
        ("GET", "/schema/nowhere", b"", 404, "not_found", "there is no such address"),
        ("DELETE", "/api/v1/auth/login", b"", 405, "method_not_allowed", "not for that method"),
        ("POST", "/api/v1/auth/login", b"", 400, "invalid_argument", "the body is missing"),
        ("POST", "/api/v1/auth/login", b"{", 400, "invalid_argument", "truncated"),
        ("POST", "/api/v1/auth/login", b"\xff", 400, "invalid_argument", "malformed"),
        ("POST", "/api/v1/auth/login", b"[]", 400, "invalid_argument", "Expected `object`"),
        ("POST", "/api/v1/auth/login", b'{"name":"x"}', 400, "invalid_argument", "missing required field `password`"),
        ("POST", "/api/v1/auth/login", b'{"name":1,"password":"x"}', 400, "invalid_argument", "name: Expected `str`"),
        ("POST", "/api/v1/auth/login", b'{"name":"","password":"x"}', 400, "invalid_argument", "name: Expected"),
        ("POST", "/api/v1/auth/login", b'{"name":"\\ud800","password":"x"}', 400, "invalid_argument", "malformed"),
        ("POST", "/api/v1/auth/login", b'{"name":"x","password":"x","is_admin":1}', 400, "unknown_field", "is_admin"),
        ("POST", "/api/v1/auth/login", b"[" * 16_000, 400, "invalid_argument", "nested too deeply"),
        ("POST", "/api/v1/auth/login", b" " * 17_000, 413, "message_too_large", "too large"),
        ("GET", "/api/v1/me", b"", 401, "unauthenticated", "log in"),
        ("GET", "/api/v1/me?token=x", b"", 400, "invalid_argument", "'token'"),
    ],
)
async def test_bad_requests_are_explained(
    stranger: AsyncClient, method: str, path: str, body: bytes, status: int, code: str, detail: str
) -> None:
    found = problem(await stranger.request(method, path, content=body))
    assert (found.status, found.code) == (status, code)
    assert detail in found.detail


async def test_a_wrong_method_is_told_the_right_ones(stranger: AsyncClient) -> None:
    answer = await stranger.delete("/api/v1/auth/login")
    assert "POST" in answer.headers["allow"]


def let_the_hub_fail(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def state(_hub: Hub, _site: str) -> None:
        raise error

    monkeypatch.setattr(Hub, "state", state)


async def test_temporary_errors_say_when_to_come_back(monkeypatch: pytest.MonkeyPatch, admin: AsyncClient) -> None:
    let_the_hub_fail(monkeypatch, StoreUnavailable("the store is away", retry_after_s=1.2))
    answer = await admin.get("/api/v1/sites/home/values")
    assert problem(answer).retry_after_s == 1.2
    assert problem(answer).code == "store_unavailable"
    assert answer.headers["retry-after"] == "2"


@pytest.mark.parametrize("error", [NotLeader("a secret of ours"), GatewayError("a secret of ours")])
async def test_inner_errors_stay_inside(
    monkeypatch: pytest.MonkeyPatch, admin: AsyncClient, error: GatewayError
) -> None:
    let_the_hub_fail(monkeypatch, error)
    with structlog.testing.capture_logs() as lines:
        answer = await admin.get("/api/v1/sites/home/values")
    assert (problem(answer).status, problem(answer).code) == (500, "internal")
    assert "secret" not in answer.text
    (line,) = lines
    assert (line["log_level"], line["error"]) == ("error", type(error).__name__)


async def test_the_unforeseen_is_logged_and_not_told(monkeypatch: pytest.MonkeyPatch, admin: AsyncClient) -> None:
    let_the_hub_fail(monkeypatch, KeyError("a secret of ours"))
    with structlog.testing.capture_logs() as lines:
        answer = await admin.get("/api/v1/sites/home/values?keys=grid/%23")
    assert problem(answer).code == "internal"
    assert "secret" not in answer.text
    assert [(line["path"], line["error"]) for line in lines] == [("/api/v1/sites/home/values", "KeyError")]
    assert admin.headers["authorization"] not in str(lines)
