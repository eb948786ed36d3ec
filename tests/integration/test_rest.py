"""REST through a real server: MariaDB killed under it, schemathesis at it, its documentation in a browser."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from httpx import AsyncClient
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation.case import Case
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    response_schema_conformance,
    status_code_conformance,
)
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from gateway.api.live import LiveTimes
from gateway.db.engine import Database
from gateway.domain.errors import BadCredentials
from gateway.domain.throttle import Patience
from gateway.domain.values import Reading
from gateway.http import HttpLimits
from gateway.protocol.flow import Pace
from gateway.run.ports import address, listen
from gateway.server import make_server
from gateway.services.readiness import Pauses, Probe
from gateway.store.redis import SiteStore, close_client, open_client
from tests.support.charge_rows import NOON, charge_session, write_sessions
from tests.support.clock import FakeClock
from tests.support.parts import MariaPart, RedisPart, chromium
from tests.support.rest import PASSWORD, Web, make_auth, sqlite
from tests.support.store_writer import StoreWriter, event
from tests.support.waiting import eventually

HERE = "127.0.0.1"
READINGS = {
    "grid/power_w": Reading(-1234.5, 1753791600.05),
    "battery/power_w": Reading(12.0, 1753791500.0, stale=True),
    "chargepoints/6/name": Reading("Garage", None),
    "chargepoints/6/limit": Reading({"kind": "soc", "soc_percent": 80, "energy_wh": None}, 1753791500.0),
    "link/state": Reading("up", 1753791000.0),
}


@asynccontextmanager
async def served(web: Web, *services: Callable[[], Any], http: HttpLimits | None = None) -> AsyncIterator[str]:
    """The application on a free port, with its background services; the address."""
    server = make_server(web.app, message_bytes=16_384, pace=Pace(), http=http or HttpLimits())
    bound = listen(HERE, 0)
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(server.serve(sockets=[bound]))
        running = [group.create_task(service()) for service in services]
        await eventually(lambda: server.started)
        try:
            yield address(bound)
        finally:
            for task in running:
                task.cancel()
            server.should_exit = True
            await serving


@asynccontextmanager
async def logged_in(web: Web, url: str) -> AsyncIterator[AsyncClient]:
    await web.auth.ensure_admin(PASSWORD)
    made = await web.auth.login("admin", PASSWORD, HERE)
    async with AsyncClient(base_url=url, headers={"Authorization": f"Bearer {made.token}"}, timeout=20) as client:
        yield client


async def health(client: AsyncClient) -> dict[str, str]:
    answer = await client.get("/health/ready")
    return {part["name"]: part["state"] for part in answer.json()["parts"]}


async def test_a_killed_mariadb_is_survived_reported_and_healed(mariadb: MariaPart, mariadb_url: str) -> None:
    database = Database(mariadb_url, timeout_s=1)
    await database.migrate()
    web = Web(database)
    web.hub.begin("home", READINGS)
    web.readiness.report("store", "ok")
    probe = Probe(
        web.readiness, "database", prepare=database.migrate, check=database.ping, pauses=Pauses(0.1, 0.1, 0.2)
    )
    async with served(web, probe.run) as url, logged_in(web, url) as client:
        await eventually(lambda: _ready(client), what="ready at first")
        assert (await client.get("/api/v1/sites/home/values")).status_code == 200
        await mariadb.kill()
        try:
            for path in ("/api/v1/me", "/api/v1/sites/home/values", "/api/v1/catalogue"):
                answer = await client.get(path)
                assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
                assert answer.headers["content-type"] == "application/problem+json"
            body = {"name": "admin", "password": PASSWORD}
            assert (await client.post("/api/v1/auth/login", json=body)).status_code == 503
            assert (await client.get("/health/live")).status_code == 200
            await eventually(lambda: _state(client, "database", "down"), what="health says it")
            ready = await client.get("/health/ready")
            assert ready.status_code == 503
            assert "not-a-secret" not in ready.text
            assert (await health(client))["store"] == "ok"
        finally:
            await mariadb.start()
        await eventually(lambda: _ready(client), what="ready again")
        assert (await client.get("/api/v1/sites/home/values")).status_code == 200
        assert (await client.post("/api/v1/auth/login", json=body)).status_code == 200
    await database.dispose()


async def _ready(client: AsyncClient) -> bool:
    return (await client.get("/health/ready")).status_code == 200


async def _state(client: AsyncClient, part: str, state: str) -> bool:
    return (await health(client))[part] == state


async def test_on_mariadb_too_processes_that_start_together_make_one_admin(mariadb_url: str) -> None:
    database, clock = Database(mariadb_url), FakeClock()
    await database.migrate()
    services = [make_auth(database, clock) for _ in range(6)]
    tokens = [token for token in await asyncio.gather(*(one.ensure_admin(None) for one in services)) if token]
    works = 0
    for token in tokens:
        with suppress(BadCredentials):
            await services[0].setup(token.token, PASSWORD, HERE)
            works += 1
    assert works == 1
    assert (await services[1].login("ADMIN", PASSWORD, HERE)).user.name == "admin"
    await database.dispose()


async def test_a_start_before_the_database_heals_by_itself(mariadb: MariaPart, mariadb_url: str) -> None:
    await mariadb.kill()
    database = Database(mariadb_url, timeout_s=1)
    web = Web(database)
    web.readiness.report("store", "ok")
    probe = Probe(
        web.readiness, "database", prepare=database.migrate, check=database.ping, pauses=Pauses(0.1, 0.1, 0.2)
    )
    try:
        async with served(web, probe.run) as url, AsyncClient(base_url=url) as client:
            await eventually(lambda: _state(client, "database", "down"))
            await mariadb.start()
            await eventually(lambda: _ready(client), within_s=20)
            async with logged_in(web, url) as admin:
                assert (await admin.get("/api/v1/me")).status_code == 200
    finally:
        if not mariadb.running:
            await mariadb.start()
        await database.dispose()


async def test_rest_and_the_websocket_speak_of_the_same_view(tmp_path: Path) -> None:
    async with sqlite(tmp_path) as database:
        web = Web(database)
        web.hub.begin("home", READINGS)
        async with served(web) as url, logged_in(web, url) as client:
            values = (await client.get("/api/v1/sites/home/values?keys=grid/%23")).json()
            headers = {"Authorization": client.headers["authorization"]}
            async with connect(f"{url.replace('http', 'ws')}/api/v1/live", additional_headers=headers) as socket:
                held = {key: values[key] for key in ("epoch", "seq", "view")}
                request = {"type": "subscribe", "id": 1, "site": "home", "keys": ["grid/#"], "from": held}
                await socket.send(json.dumps(request))
                async with asyncio.timeout(10):
                    while (answer := json.loads(await socket.recv()))["type"] != "subscribed":
                        pass
            assert (answer["view"], answer["how"]) == (values["view"], "resumed")


async def test_a_handshake_with_a_token_in_its_address_is_refused(tmp_path: Path) -> None:
    async with sqlite(tmp_path) as database:
        web = Web(database)
        async with served(web) as url, logged_in(web, url) as client:
            token = client.headers["authorization"].removeprefix("Bearer ")
            for query in (f"token={token}", f"access_token={token}", f"Token={token}", "a=b&token="):
                with pytest.raises(InvalidStatus) as caught:
                    await connect(f"{url.replace('http', 'ws')}/api/v1/live?{query}")
                answer = caught.value.response
                assert answer.status_code == 400
                assert answer.headers["content-type"] == "application/problem+json"
                assert token.encode() not in (answer.body or b"")


async def test_logging_out_closes_the_websockets_of_that_login(tmp_path: Path) -> None:
    async with sqlite(tmp_path) as database:
        web = Web(database)
        async with served(web) as url, logged_in(web, url) as client, logged_in(web, url) as other:
            live = f"{url.replace('http', 'ws')}/api/v1/live"
            mine, others = [
                await connect(live, additional_headers={"Authorization": one.headers["authorization"]})
                for one in (client, other)
            ]
            await client.post("/api/v1/auth/logout")
            async with asyncio.timeout(10):
                await mine.wait_closed()
            assert 4000 <= (mine.close_code or 0) <= 4099
            await others.send('{"type":"ping"}')
            async with asyncio.timeout(10):
                while json.loads(await others.recv())["type"] != "pong":
                    pass
            await others.close()


async def test_logging_out_at_one_process_closes_the_websockets_of_another(tmp_path: Path) -> None:
    async with sqlite(tmp_path) as database:
        here, there = Web(database), Web(database, live_times=LiveTimes(look_again_s=0.05))
        async with served(here) as url, served(there) as other_url, logged_in(here, url) as client:
            headers = {"Authorization": client.headers["authorization"]}
            socket = await connect(f"{other_url.replace('http', 'ws')}/api/v1/live", additional_headers=headers)
            await client.post("/api/v1/auth/logout")
            async with asyncio.timeout(10):
                await socket.wait_closed()
            assert socket.close_code == 4010


# Chosen one by one. Left out: negative_data_rejection (most addresses ignore unknown query parameters, as HTTP does),
# response times.
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    ignored_auth,
)


def examine(operation: Any, token: str) -> None:
    """Send one operation good and bad requests, for a few seconds."""
    good, bad = schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE
    # without parameters and body nothing can be wrong with a request
    described = operation.definition.raw
    for mode in (good, bad) if described.get("parameters") or described.get("requestBody") else (good,):

        @settings(
            max_examples=20, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def requests(case: Case[Any]) -> None:
            case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=list(CHECKS), timeout=10)

        requests()


@pytest.mark.no_cover  # slow when traced; the tests of single rules reach every line
async def test_no_request_leaves_the_description(tmp_path: Path, redis: RedisPart) -> None:
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(sqlite(tmp_path))
        connected = open_client(redis.url)
        stack.push_async_callback(close_client, connected)
        store = SiteStore(connected)
        writer = StoreWriter(store, "home")
        await writer.lead()
        await writer.happens(event(1))
        web = Web(database, patience=Patience(free=10_000, free_per_source=100_000), store=store)
        web.hub.begin("home", READINGS)
        await write_sessions(database, [charge_session(NOON + number) for number in range(3)])
        web.open_sessions = [charge_session(unplugged_at=None)]
        for part in ("database", "store"):
            web.readiness.report(part, "ok")
        await web.auth.ensure_admin(PASSWORD)
        async with served(web) as url:
            schema = await asyncio.to_thread(schemathesis.openapi.from_url, f"{url}/schema/openapi.json")
            operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
            assert len(operations) == 22
            for operation in operations:
                # a login for each: one of them is the end of its login
                made = await web.auth.login("admin", PASSWORD, HERE)
                await asyncio.to_thread(examine, operation, made.token)


async def test_the_documentation_works_without_the_internet(tmp_path: Path) -> None:
    async with sqlite(tmp_path) as database, chromium() as browser:
        web = Web(database)
        async with served(web) as url:
            page = await browser.new_page()
            asked: list[str] = []
            complaints: list[str] = []
            page.on("request", lambda request: asked.append(request.url))
            page.on("console", lambda message: complaints.append(message.text))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            await page.goto(f"{url}/schema")
            await page.get_by_text("Log in", exact=True).click()
            await page.get_by_text("Request body").wait_for()
            assert complaints == []
            assert {re.sub(r"^(https?://[^/]+).*", r"\1", one) for one in asked if not one.startswith("data:")} == {
                url
            }


async def test_a_token_is_written_to_no_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    async with sqlite(tmp_path) as database:
        web = Web(database)
        setup = await web.auth.ensure_admin(None)
        assert setup is not None
        async with served(web) as url, AsyncClient(base_url=url) as client:
            body = {"token": setup.token, "password": PASSWORD}
            assert (await client.post("/api/v1/auth/setup", json=body)).status_code == 204
            made = await client.post("/api/v1/auth/login", json={"name": "admin", "password": PASSWORD})
            token = made.json()["token"]
            for path in ("/api/v1/me", "/api/v1/me?token=" + token, "/api/v1/sites/home/values"):
                await client.get(path, headers={"Authorization": f"Bearer {token}"})
    ours = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("http"))
    for secret in (setup.token, token, PASSWORD):
        assert secret not in ours


async def test_head_is_get_without_a_body_and_nothing_is_complained_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with sqlite(tmp_path) as database:
        web = Web(database)
        web.hub.begin("home", READINGS)
        async with served(web) as url, logged_in(web, url) as client:
            paths = (
                "/",
                "/schema",
                "/schema/openapi.json",
                "/health/ready",
                "/api/v1/sites",
                "/api/v1/live",
                "/nowhere",
            )
            for path in paths:
                got, head = await client.get(path), await client.head(path)
                assert (head.status_code, head.content) == (got.status_code, b"")
                assert set(head.headers) == set(got.headers)
                assert head.headers["content-length"] == got.headers["content-length"]
        assert [record for record in caplog.records if record.levelname in ("WARNING", "ERROR", "CRITICAL")] == []


async def test_the_address_of_the_websocket_says_so_to_whoever_comes_by_http(tmp_path: Path) -> None:
    async with sqlite(tmp_path) as database, served(Web(database)) as url, AsyncClient(base_url=url) as client:
        answer = await client.get("/api/v1/live")
        assert (answer.status_code, answer.json()["code"]) == (426, "upgrade_required")
        assert "websocket" in answer.json()["detail"]
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["upgrade"] == "websocket"
