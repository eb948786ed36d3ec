"""The page's files, and what every answer carries."""

from pathlib import Path

import pytest
from httpx import AsyncClient

from tests.support.rest import PAGE, Web
from tests.unit.api.conftest import client_of

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}


async def test_the_root_is_the_page(stranger: AsyncClient) -> None:
    answer = await stranger.get("/")
    assert answer.status_code == 200
    assert answer.content == (PAGE / "index.html").read_bytes()


@pytest.mark.parametrize("file", sorted(PAGE.iterdir()), ids=lambda file: file.name)
async def test_every_file_of_the_page_is_served(stranger: AsyncClient, file: Path) -> None:
    answer = await stranger.get(f"/{file.name}")
    assert (answer.status_code, answer.content) == (200, file.read_bytes())
    assert answer.headers["content-type"] == TYPES[file.suffix]
    assert answer.headers["cache-control"] == "no-cache"


async def test_a_browser_asks_again_and_gets_only_what_changed(web: Web, tmp_path: Path) -> None:
    folder = tmp_path / "page"
    folder.mkdir()
    (folder / "app.js").write_text("first")
    async with client_of(Web(web.database, page_dir=folder)) as client:
        tag = (await client.get("/app.js")).headers["etag"]
        again = await client.get("/app.js", headers={"If-None-Match": tag})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        (folder / "app.js").write_text("other")
        again = await client.get("/app.js", headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (200, b"other")


@pytest.mark.parametrize(
    "path",
    [
        "/none.js",
        "/secret.py",
        "/.hidden.js",
        "/..%2fsecret.js",
        "/%2e%2e%2fsecret.js",
        "/..%5csecret.js",
        "/../secret.js",
        "/a%00.js",
        "/folder.js",
        "/js",
        "/" + "x" * 300 + ".js",
    ],
)
async def test_nothing_else_is_served(web: Web, tmp_path: Path, path: str) -> None:
    folder = tmp_path / "page"
    (folder / "folder.js").mkdir(parents=True)
    for name in ("secret.py", ".hidden.js"):
        (folder / name).write_text("secret")
    (tmp_path / "secret.js").write_text("secret")
    async with client_of(Web(web.database, page_dir=folder)) as client:
        answer = await client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_head_is_get_without_a_body(stranger: AsyncClient) -> None:
    for path in ("/", "/app.js", "/health/live", "/api/v1/me", "/nowhere/at/all"):
        got, head = await stranger.get(path), await stranger.head(path)
        assert (head.status_code, head.content) == (got.status_code, b"")
        assert head.headers["content-length"] == got.headers["content-length"]


@pytest.mark.parametrize(
    "path", ["/", "/app.js", "/schema", "/schema/openapi.json", "/health/ready", "/api/v1/me", "/no/way"]
)
async def test_every_answer_has_safe_headers(stranger: AsyncClient, path: str) -> None:
    headers = (await stranger.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["permissions-policy"]
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy
    assert headers.get_list("content-security-policy") == [policy]


async def test_data_is_kept_nowhere(admin: AsyncClient) -> None:
    for path in ("/api/v1/me", "/api/v1/sites", "/api/v1/nowhere", "/health/ready"):
        assert (await admin.get(path)).headers["cache-control"] == "no-store"


async def test_the_page_may_load_only_from_here_and_run_no_inline_script(stranger: AsyncClient) -> None:
    policy = (await stranger.get("/")).headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "script-src 'self';" in policy
    assert "connect-src 'self';" in policy
