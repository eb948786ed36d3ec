"""What is looked at before a websocket opens, over real sockets: names, origins, tickets; who leaves meanwhile."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from httpx import AsyncClient
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin, Subprotocol

from gateway.domain.errors import DatabaseUnavailable
from gateway.domain.origins import Origins
from gateway.protocol.messages import SUBPROTOCOL, TICKET_PREFIX
from tests.integration.test_rest import served
from tests.support.live_client import Client, client
from tests.support.rest import PASSWORD, Web, sqlite
from tests.support.server import TOKEN, live_gateway
from tests.support.stores import RedisPart
from tests.support.waiting import eventually

PUBLIC = Origins(["https://gw.example", "https://second.example:8443"])


async def handshake(address: str, *headers: str, path: str = "/api/v1/live") -> tuple[int, dict[str, Any]]:
    """A handshake written by hand; its status, and the problem if there is one."""
    reader, writer = await asyncio.open_connection(*address.rsplit(":", 1))
    lines = [
        f"GET {path} HTTP/1.1",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        *headers,
    ]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
    async with asyncio.timeout(10):
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head.split()[1])
        problem = json.loads(await reader.read()) if b"application/problem+json" in head else {}
    writer.close()
    return status, problem


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (["Host: gw.example"], 101),
        (["Host: gw.example:443", "Origin: https://gw.example"], 101),
        (["Host: second.example:8443", "Origin: https://gw.example"], 101),
        (["Host: gw.example", "Origin: https://second.example:8443"], 101),
        (["Host: gw.example", f"Authorization: Bearer {TOKEN}"], 101),
        (["Host: gw.example", "Origin: null"], 403),
        (["Host: gw.example", "Origin: null", f"Authorization: Bearer {TOKEN}"], 403),
        (["Host: gw.example", "Origin: https://evil.example", f"Authorization: Bearer {TOKEN}"], 403),
        (["Host: gw.example", "Origin: https://gw.example.evil.example"], 403),
        (["Host: gw.example", "Origin: http://gw.example"], 403),
        (["Host: evil.example"], 421),
        (["Host: evil.example", "Origin: https://gw.example"], 421),
        (["Host: 127.0.0.1"], 421),
        (["Host: gw.example, evil.example"], 400),
    ],
)
async def test_host_and_origin_before_the_upgrade(
    redis: RedisPart, site: str, headers: list[str], status: int
) -> None:
    async with live_gateway(redis, site, origins=PUBLIC) as gateway:
        told, problem = await handshake(gateway.address, *headers)
        assert told == status
        assert problem.get("status", 101) == status
        twice = await handshake(gateway.address, *headers, "Origin: https://gw.example", "Origin: https://gw.example")
        assert twice[0] >= 400
        await eventually(lambda: len(gateway.live) == 0)


async def test_at_home_a_page_of_the_same_address_may_and_no_other(redis: RedisPart, site: str) -> None:
    async with live_gateway(redis, site) as gateway:
        async with client(gateway, origin=Origin(f"http://{gateway.address}")) as one:
            await one.log_in()
        for origin in ("null", "http://127.0.0.1:1", "https://evil.example"):
            with pytest.raises(InvalidStatus) as refused:
                async with client(gateway, origin=Origin(origin)):
                    pass
            assert refused.value.response.status_code == 403
        # a name that somebody else owns leads here
        assert (await handshake(gateway.address, "Host: rebound.example", "Origin: http://rebound.example"))[0] == 421


@pytest.mark.parametrize("path", ["/", "/nowhere", "/api/v1/me", "/api/v1/live/", "/api/v1/liver", "/health/live"])
async def test_there_is_one_websocket(tmp_path: Path, path: str) -> None:
    async with sqlite(tmp_path) as database, served(Web(database)) as url:
        address = url.removeprefix("http://")
        assert (await handshake(address, f"Host: {address}"))[0] == 101
        status, problem = await handshake(address, f"Host: {address}", path=path)
        assert (status, problem["code"]) == (404, "not_found")


def ticket(name: str) -> Subprotocol:
    return Subprotocol(TICKET_PREFIX + name)


async def test_a_ticket_says_who_it_is_and_on_which_device(redis: RedisPart, site: str) -> None:
    """Who has which ticket says the support's ``Tokens``: token, origin and device, with ~ between."""
    async with live_gateway(redis, site) as gateway:
        mine = ticket(f"{TOKEN}~~tab")
        async with client(gateway, subprotocols=[Subprotocol(SUBPROTOCOL), mine]) as one:
            assert one.socket.subprotocol == SUBPROTOCOL
            await one.expect("hello", auth="done")
            await one.expect("authenticated", id=None, user="anna")
            await one.subscribe(site, "#")
            async with client(gateway) as other:
                await other.expect("hello")
                await other.send(type="auth", token=TOKEN, device="tab")
                await other.expect("authenticated")
                assert await one.closed() == 4005


@pytest.mark.parametrize(
    ("offered", "token", "status"),
    [
        ([ticket(f"{TOKEN}~~")], None, 400),
        ([Subprotocol(SUBPROTOCOL), ticket(f"{TOKEN}~~"), ticket(f"{TOKEN}~~")], None, 400),
        ([Subprotocol(SUBPROTOCOL), ticket(f"{TOKEN}~~")], TOKEN, 400),
        ([Subprotocol(SUBPROTOCOL), ticket("wrong~~")], None, 401),
        ([Subprotocol(SUBPROTOCOL), ticket(f"{TOKEN}~gw.example~")], None, 401),
        ([Subprotocol(SUBPROTOCOL), ticket("slow~~")], None, 503),
    ],
)
async def test_tickets_that_open_nothing(
    redis: RedisPart, site: str, offered: list[Subprotocol], token: str | None, status: int
) -> None:
    async with live_gateway(redis, site) as gateway:
        gateway.tokens.known["slow"] = DatabaseUnavailable("gone")
        with pytest.raises(InvalidStatus) as refused:
            async with client(gateway, subprotocols=offered, token=token):
                pass
        assert refused.value.response.status_code == status


async def test_a_ticket_of_the_whole_application(tmp_path: Path) -> None:
    """From the login over the ticket to the socket."""
    async with sqlite(tmp_path) as database:
        web = Web(database)
        web.hub.begin("home", {})
        await web.auth.ensure_admin(PASSWORD)
        made = await web.auth.login("admin", PASSWORD, "127.0.0.1")
        async with served(web) as url, AsyncClient(base_url=url) as rest:
            rest.headers["Authorization"] = f"Bearer {made.token}"

            async def get(origin: str | None, body: object) -> str:
                headers = {} if origin is None else {"Origin": origin}
                answer = await rest.post("/api/v1/auth/ticket", json=body, headers=headers)
                assert answer.status_code == 200, answer.text
                return str(answer.json()["ticket"])

            async def try_out(name: str, origin: str | None = None) -> int:
                try:
                    offered = [Subprotocol(SUBPROTOCOL), ticket(name)]
                    address = f"{url.replace('http', 'ws', 1)}/api/v1/live"
                    async with connect(
                        address, subprotocols=offered, origin=Origin(origin) if origin else None, proxy=None
                    ) as socket:
                        one = Client(socket)
                        await one.expect("hello", auth="done")
                        await one.expect("authenticated", user="admin")
                        await one.subscribe("home", "#")
                        return 101
                except InvalidStatus as refused:
                    return refused.response.status_code

            used = await get(url, {})
            assert await try_out(used, url) == 101
            assert await try_out(used, url) == 401
            assert await try_out(await get(None, {"device": "tab"})) == 101
            assert await try_out(await get(url, {})) == 401
            without_body = await rest.post("/api/v1/auth/ticket")
            assert await try_out(without_body.json()["ticket"]) == 101
            late = await get(None, {})
            web.clock.advance(20)
            assert await try_out(late) == 401
            bodies: list[object] = [{"device": ""}, {"colour": 1}, [], {"device": "x" * 65}]
            for body in bodies:
                assert (await rest.post("/api/v1/auth/ticket", json=body)).status_code == 400
            foreign = await rest.post("/api/v1/auth/ticket", json={}, headers={"Origin": "https://evil.example"})
            assert foreign.status_code == 403
            del rest.headers["Authorization"]
            assert (await rest.post("/api/v1/auth/ticket", json={})).status_code == 401
            in_address = await rest.get(f"/api/v1/me?ticket={late}")
            assert (in_address.status_code, late in in_address.text) == (400, False)


def tasks_of_sockets() -> list[str]:
    return [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("live ")]


@pytest.mark.parametrize("how", ["header", "ticket"])
async def test_who_leaves_during_the_handshake_leaves_nothing(
    redis: RedisPart, site: str, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with live_gateway(redis, site) as gateway:
        gateway.tokens.gate.clear()
        reader, writer = await asyncio.open_connection(*gateway.address.rsplit(":", 1))
        who = (
            f"Authorization: Bearer {TOKEN}"
            if how == "header"
            else f"Sec-WebSocket-Protocol: {SUBPROTOCOL}, {ticket(f'{TOKEN}~~')}"
        )
        writer.write(
            f"GET /api/v1/live HTTP/1.1\r\nHost: {gateway.address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{who}\r\n\r\n".encode()
        )
        registry = gateway.live.connections
        await eventually(lambda: sum(registry._at_address.values()) == 1)
        writer.transport.abort()
        gateway.tokens.gate.set()
        await eventually(lambda: not registry._at_address)
        assert (len(gateway.live), len(registry), tasks_of_sockets()) == (0, 0, [])
        assert not gateway.hub._members
        reader.feed_eof()
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.parametrize("state", ["greeted", "checking", "authenticated", "subscribing", "subscribed", "paused"])
@pytest.mark.parametrize("end", ["abort", "close", "login ended", "drain"])
async def test_who_leaves_in_any_state_leaves_nothing(redis: RedisPart, site: str, state: str, end: str) -> None:
    steps = ["greeted", "checking", "authenticated", "subscribing", "subscribed", "paused"].index(state)
    async with live_gateway(redis, site) as gateway:
        registry = gateway.live.connections
        gateway.tokens.gate.clear()
        async with client(gateway) as one:
            await one.expect("hello")
            if steps >= 1:
                await one.send(type="auth", token=TOKEN, device="phone")
            if steps >= 2:
                gateway.tokens.gate.set()
                await one.expect("authenticated")
            if steps >= 3:
                await one.send(type="subscribe", site=site, keys=["#"])
            if steps >= 4:
                number = (await one.expect("subscribed"))["subscription"]
            if steps >= 5:
                await one.send(type="update", subscription=number, paused=True)
            if end == "abort":
                one.socket.transport.abort()
            elif end == "login ended":
                registry.end_login(1)
                gateway.tokens.gate.set()
                if steps == 0:
                    await one.socket.close()
            elif end == "drain":
                await registry.drain(0, asyncio.Event())
        gateway.tokens.gate.set()
        await eventually(lambda: len(registry) == 0 and not registry._at_address)
        assert (len(gateway.live), registry._of_user, tasks_of_sockets()) == (0, {}, [])
        assert not gateway.hub._members
        assert not gateway.hub._shares._groups
        assert not gateway.hub._sites[site].groups
