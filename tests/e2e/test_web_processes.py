"""Several web processes over one store and one database: what ends in one, and how one ends."""

import asyncio
import json
import signal
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from gateway.client import GatewayClient, Timing
from gateway.domain.values import Reading
from gateway.protocol.messages import SUBPROTOCOL, TICKET_PREFIX
from gateway.store.redis import SiteStore, close_client, open_client
from tests.support.gateway import PASSWORD, GatewayPart, stores_in
from tests.support.live_client import Client, client
from tests.support.parts import accepts, free_port, nginx
from tests.support.store_writer import StoreWriter
from tests.support.stores import RedisPart
from tests.support.waiting import eventually

SITE = "home"
START = {"grid/power_w": Reading(1, 1.0), "link/state": Reading("up", 1.0)}
QUICK = Timing(retry_base_s=0.05, retry_cap_s=0.5, connect_s=5)
BALANCED = """
upstream web {{
    server 127.0.0.1:{first} max_fails=0;
    server 127.0.0.1:{second} max_fails=0;
}}
server {{
    listen 127.0.0.1:{port};
    location / {{
        proxy_pass http://web;
        proxy_http_version 1.1;
        proxy_set_header Host $http_host;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection upgrade;
        proxy_next_upstream error timeout http_503;
    }}
}}
"""


def web(folder: Path, name: str, redis: RedisPart, **settings: object) -> GatewayPart:
    given: dict[str, Any] = {**stores_in(folder, redis), **settings}
    return GatewayPart("web", folder / name, **given)


def live(part: GatewayPart) -> str:
    return f"ws://127.0.0.1:{part.port}/api/v1/live"


@asynccontextmanager
async def writing(redis: RedisPart) -> AsyncIterator[StoreWriter]:
    """The bridge, played."""
    connected = open_client(redis.url)
    writer = StoreWriter(SiteStore(connected), SITE)
    await writer.lead(START)
    yield writer
    await close_client(connected)


async def enter(one: Client, token: str, **more: str) -> Client:
    await one.expect("hello")
    await one.send(type="auth", token=token, **more)
    await one.expect("authenticated")
    return one


async def test_a_logout_in_one_process_closes_the_sockets_of_another(redis: RedisPart, tmp_path: Path) -> None:
    """Long before the other would ask the database by itself, after half a minute."""
    async with web(tmp_path, "one", redis) as one, web(tmp_path, "two", redis) as two:
        token, other = one.log_in(), one.log_in()
        async with client(live(two)) as mine, client(live(two)) as second:
            await enter(mine, token)
            await enter(second, other)
            assert one.post("/api/v1/auth/logout", {}, token)[0] == 204
            assert await mine.closed() == 4010
            await second.send(type="ping")
            await second.expect("pong")


async def test_a_device_moves_from_one_process_to_another(redis: RedisPart, tmp_path: Path) -> None:
    async with web(tmp_path, "one", redis) as one, web(tmp_path, "two", redis) as two, AsyncExitStack() as open_:
        token = one.log_in()
        sockets: list[Client] = []
        for number in range(6):
            address = live((one, two)[number % 2])
            sockets.append(await open_.enter_async_context(client(address)))
            await enter(sockets[-1], token, device="phone")
            if number:
                assert await sockets[-2].closed() == 4005
        tablet = await open_.enter_async_context(client(live(one)))
        await enter(tablet, token, device="tablet")
        await sockets[-1].send(type="ping")
        await sockets[-1].expect("pong")
        # two at once: one of them stays
        both = [await open_.enter_async_context(client(live(part))) for part in (one, two)]
        await asyncio.gather(*(enter(each, token, device="watch") for each in both))
        ends = [asyncio.create_task(each.closed()) for each in both]
        done, left = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        assert [task.result() for task in done] == [4005]
        await tablet.send(type="ping")
        await tablet.expect("pong")
        assert len(left) == 1
        for task in left:
            task.cancel()


async def test_tickets_and_tokens_are_in_no_log(redis: RedisPart, tmp_path: Path) -> None:
    async with web(tmp_path, "one", redis, log_level="debug") as one, web(tmp_path, "two", redis) as two:
        token = one.log_in()
        status, made = one.post("/api/v1/auth/ticket", {}, token)
        assert status == 200
        offered = [Subprotocol(SUBPROTOCOL), Subprotocol(TICKET_PREFIX + made["ticket"])]
        async with client(live(one), subprotocols=offered) as socket:
            await socket.expect("hello", auth="done")
        for part in (one, two):
            with pytest.raises(InvalidStatus):
                async with client(live(part), subprotocols=offered):
                    pass
        async with client(live(one), token=token) as socket:
            await socket.expect("hello", auth="done")
        await one.stop()
        assert one.log
        assert not any(secret in one.log for secret in (token, made["ticket"]))


class Watcher:
    """A connection that stays until it is closed, and what came over it."""

    def __init__(self, socket: Client) -> None:
        self.client = socket
        self.kinds: Counter[str] = Counter()
        self.last: dict[str, Any] = {}

    @property
    def code(self) -> int | None:
        return self.client.socket.close_code

    async def run(self) -> None:
        try:
            async for text in self.client.socket:
                self.last = json.loads(text)
                self.kinds[self.last["type"]] += 1
        except ConnectionClosed:
            pass


async def test_a_process_that_ends_sends_its_clients_to_another_one_after_the_other(
    redis: RedisPart, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        writer = await stack.enter_async_context(writing(redis))
        one = await stack.enter_async_context(web(tmp_path, "one", redis, drain_s=3))
        two = await stack.enter_async_context(web(tmp_path, "two", redis))
        port = free_port()
        config = BALANCED.format(port=port, first=one.port, second=two.port)
        await stack.enter_async_context(nginx(tmp_path / "nginx", config, port))
        token = one.log_in()
        events: list[tuple[str, str]] = []
        clients = [
            await stack.enter_async_context(
                GatewayClient(
                    f"ws://127.0.0.1:{port}/api/v1/live",
                    token,
                    device=f"phone-{number}",
                    timing=QUICK,
                    log=lambda event, text: events.append((event, text)),
                )
            )
            for number in range(30)
        ]
        views = [await each.subscribe(SITE, ("grid/#",)) for each in clients]
        for view in views:
            await view.complete()
        # these do not go before they are sent away
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        watchers = []
        for _ in range(20):
            watchers.append(Watcher(await enter(await stack.enter_async_context(client(live(one))), token)))
            await watchers[-1].client.subscribe(SITE, "grid/#")
            tasks.create_task(watchers[-1].run())

        one.signal(signal.SIGTERM)
        await eventually(lambda: all(each.kinds["drain"] == 1 for each in watchers))
        assert one.get("/health/ready") == (503, {**one.get("/health/ready")[1], "status": "draining"})
        assert one.get("/health/live")[0] == 200
        assert one.log_in()
        with pytest.raises(InvalidStatus) as refused:
            async with client(live(one)):
                pass
        assert refused.value.response.status_code == 503
        assert refused.value.response.headers["retry-after"] == "1"
        # until its moment comes everything goes on for everybody else
        await eventually(lambda: any(each.code for each in watchers))
        await writer.append({"grid/power_w": Reading(2, 2.0)})
        await eventually(lambda: any(each.kinds["delta"] and each.code is None for each in watchers))
        assert await one.ended() == 0
        assert "Traceback" not in one.log

        await eventually(lambda: all(each.code for each in watchers))
        assert Counter(each.code for each in watchers) == {4201: 20}
        await writer.append({"grid/power_w": Reading(3, 3.0)})
        await eventually(lambda: all(view.values["grid/power_w"].value == 3 for view in views))
        moved = sum(each.connections - 1 for each in clients)
        assert moved > 0
        told = Counter(
            json.loads(text)["how"] for event, text in events if '"subscribed"' in text and event == "received"
        )
        assert told == {"snapshot": 30, "resumed": moved}
        assert {text for event, text in events if event == "closed"} <= {"4201", "1000", ""}
        assert one.exit_code == 0


async def test_a_second_signal_cuts_the_time_short(redis: RedisPart, tmp_path: Path) -> None:
    async with web(tmp_path, "one", redis, drain_s=3_000) as one, client(live(one)) as stranger:
        await stranger.expect("hello")
        one.signal(signal.SIGINT)
        await stranger.expect("drain", within_s=3_000)
        one.signal(signal.SIGINT)
        assert await stranger.closed() == 4201
        assert await one.ended() == 0


async def test_with_nobody_there_it_ends_at_once(redis: RedisPart, tmp_path: Path) -> None:
    async with web(tmp_path, "one", redis, drain_s=3_000) as one:
        assert await one.stop() == 0


async def test_a_request_under_way_is_answered_before_the_end(redis: RedisPart, tmp_path: Path) -> None:
    async with web(tmp_path, "one", redis) as one:
        body = json.dumps({"name": "admin", "password": PASSWORD}).encode()
        reader, writer = await asyncio.open_connection("127.0.0.1", one.port)
        head = (
            f"POST /api/v1/auth/login HTTP/1.1\r\nHost: 127.0.0.1:{one.port}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
        )
        writer.write(head.encode())
        # only once somebody waits for the body
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
        writer.write(body[:10])
        one.signal(signal.SIGTERM)
        await eventually(lambda: not accepts(one.port))
        writer.write(body[10:])
        async with asyncio.timeout(10):
            assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 200")
        writer.close()
        assert await one.ended() == 0
        assert '"event": "stopped"' in one.log


async def test_up_does_not_keep_anybody_waiting(tmp_path: Path) -> None:
    async with GatewayPart("up", tmp_path, drain_s=3_000) as up, client(live(up)) as one:
        await enter(one, up.log_in())
        up.signal(signal.SIGINT)
        await one.expect("drain", within_s=1)
        assert await one.closed() == 4201
        assert await up.ended() == 0


async def test_the_first_public_url_is_for_links_and_all_are_names(tmp_path: Path) -> None:
    port = free_port()
    urls = f"https://gw.example, http://127.0.0.1:{port}"
    async with GatewayPart("up", tmp_path, port=port, admin_password=None, public_url=urls) as up:
        await eventually(lambda: "https://gw.example/#setup=" in up.log, 30)
        assert up.get("/api/v1/me")[0] == 401
        for host, status in (("gw.example", 200), ("evil.example", 421), (f"localhost:{port}", 421)):
            assert status_of(f"{up.base}/", host) == status
            assert status_of(f"{up.base}/health/live", host) == 200


def status_of(url: str, host: str) -> int:
    request = urllib.request.Request(url, headers={"Host": host})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
