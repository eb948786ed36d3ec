"""What one address, one user and one connection may take, over real sockets."""

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from gateway.domain.values import Reading
from gateway.protocol.messages import Limits
from tests.support.gateway import GatewayPart
from tests.support.live_client import Client, client
from tests.support.server import TOKEN, LiveGateway, live_gateway, login
from tests.support.stores import RedisPart
from tests.support.waiting import eventually

IDLE = 400


async def refused(gateway: LiveGateway, token: str | None) -> tuple[int, dict[str, object], str | None]:
    """Status, problem and Retry-After of a handshake that is turned away."""
    with pytest.raises(InvalidStatus) as info:
        async with client(gateway, token=token):
            pass
    response = info.value.response
    assert response.body is not None
    return response.status_code, json.loads(response.body), response.headers.get("retry-after")


async def test_the_one_too_many_from_an_address_gets_429_and_the_others_stay(redis: RedisPart, site: str) -> None:
    async with (
        live_gateway(redis, site, limits=Limits(connections_per_address=3)) as gateway,
        AsyncExitStack() as open_,
    ):
        strangers = [await open_.enter_async_context(client(gateway)) for _ in range(2)]
        anna = await open_.enter_async_context(client(gateway, token=TOKEN))
        for token in (None, TOKEN):
            status, problem, retry_after = await refused(gateway, token)
            assert (status, problem["code"], retry_after) == (429, "rate_limited", "10")
        for one in strangers:
            await one.log_in()
        await anna.expect("hello", auth="done")
        strangers[0].socket.transport.abort()
        await eventually(lambda: len(gateway.live) == 2)
        async with client(gateway) as next_one:
            await next_one.log_in()


async def test_the_one_too_many_of_a_user_is_closed_and_the_others_stay(redis: RedisPart, site: str) -> None:
    async with live_gateway(redis, site, limits=Limits(connections_per_user=2)) as gateway, AsyncExitStack() as open_:
        here = [await open_.enter_async_context(client(gateway)) for _ in range(2)]
        for one in here:
            await one.log_in()
        async with client(gateway) as late:
            await late.expect("hello")
            await late.send(type="auth", token=TOKEN)
            await late.send(type="subscribe", site=site, keys=["#"])
            assert await late.closed() == 4104
        async with client(gateway, token=TOKEN) as late:
            assert await late.closed() == 4104
        gateway.tokens.known["ben"] = login(2, "ben", user_id=2)
        async with client(gateway) as ben:
            await ben.log_in("ben")
        for one in here:
            await one.send(type="ping")
            await one.expect("pong")
        assert len(gateway.hub._members) == 0


async def test_a_device_has_one_connection_also_where_there_is_no_room_for_another(
    redis: RedisPart, site: str
) -> None:
    async with (
        live_gateway(redis, site, limits=Limits(connections_per_user=1)) as gateway,
        client(gateway) as old,
        client(gateway) as new,
    ):
        for one in (old, new):
            await one.expect("hello")
            await one.send(type="auth", token=TOKEN, device="phone")
            await one.expect("authenticated")
        assert await old.closed() == 4005
        await new.send(type="ping")
        await new.expect("pong")


async def test_before_somebody_is_authenticated_a_message_has_4_kb(redis: RedisPart, site: str) -> None:
    async with live_gateway(redis, site) as gateway, client(gateway) as one:
        await one.expect("hello")
        long = json.dumps({"type": "ping"}).ljust(5_000)
        await one.socket.send(long)
        await one.expect("error", code="message_too_large")
        await one.send(type="auth", token=TOKEN)
        await one.expect("authenticated")
        await one.socket.send(long)
        await one.expect("pong")


async def test_subscribing_has_a_rate_and_a_flood_of_it_ends_the_connection(redis: RedisPart, site: str) -> None:
    limits = Limits(subscribe_burst=3, subscribes_per_s=0.01, subscriptions=2)
    async with (
        live_gateway(redis, site, limits=limits, readings={"a": Reading(1, 1.0)}) as gateway,
        client(gateway, token=TOKEN) as neighbour,
        client(gateway, token=TOKEN) as one,
    ):
        for each in (neighbour, one):
            await each.expect("hello")
            await each.expect("authenticated")
        number = (await one.subscribe(site, "a"))["subscription"]
        await one.expect("snapshot")
        await one.send(type="update", subscription=number, paused=True)
        await one.expect("subscribed", how="unchanged")
        await one.subscribe(site, "b")
        await one.expect("snapshot")
        for kind in ("subscribe", "update"):
            fields = {"site": site, "keys": ["c"]} if kind == "subscribe" else {"subscription": number}
            asked = await one.send(type=kind, **fields)
            error = await one.expect("error", id=asked, code="rate_limited")
            assert 0 < error["retry_after_s"] <= 100
        # what costs little is no flood yet
        await one.send(type="ping")
        await one.expect("pong")
        await flood(one, json.dumps({"type": "subscribe", "id": 1, "site": site, "keys": ["c"]}))
        assert await one.closed() == 4008
        await neighbour.subscribe(site, "a")
        await eventually(lambda: len(gateway.live) == 1)


@pytest.mark.parametrize(
    "text",
    ['{"type":"ping"}', "nonsense", '{"type":"command","id":1}', '{"type":"unsubscribe","id":1,"subscription":9}'],
)
async def test_whoever_does_not_listen_is_closed_and_others_are_served(
    redis: RedisPart, site: str, text: str
) -> None:
    """Also what is answered by the hub with an error: it is a message like any other."""
    async with (
        live_gateway(redis, site, readings={"a": Reading(1, 1.0)}) as gateway,
        client(gateway, token=TOKEN) as neighbour,
        client(gateway, token=TOKEN) as one,
    ):
        await neighbour.expect("hello")
        await neighbour.expect("authenticated")
        await flood(one, text, 10_000)
        assert await one.closed() == 4008
        await neighbour.subscribe(site, "a")


async def flood(one: Client, text: str, times: int = 400) -> None:
    """As much as the server takes."""
    sending = asyncio.create_task(send_often(one, text, times))
    await eventually(lambda: sending.done() or one.socket.state.name != "OPEN", 30)
    sending.cancel()


async def send_often(one: Client, text: str, times: int) -> None:
    for _ in range(times):
        await one.socket.send(text)


async def test_a_user_has_so_many_views_over_all_connections(redis: RedisPart, site: str) -> None:
    async with (
        live_gateway(redis, site, limits=Limits(groups_per_user=2), readings={"a": Reading(1, 1.0)}) as gateway,
        client(gateway, token=TOKEN) as one,
        client(gateway, token=TOKEN) as two,
    ):
        gateway.tokens.known["ben"] = login(2, "ben", user_id=2)
        for each in (one, two):
            await each.expect("hello")
            await each.expect("authenticated")
        first = await one.subscribe(site, "a")
        await one.expect("snapshot")
        await two.subscribe(site, "b")
        await two.expect("snapshot")
        for each in (one, two):
            await each.send(type="subscribe", site=site, keys=["c"])
            error = await each.expect("error", code="too_many_views")
            assert error["retry_after_s"] == 10
        # a view that the user has already, and changing one into another
        await two.subscribe(site, "a")
        await two.expect("snapshot")
        await two.send(type="update", subscription=first["subscription"], keys=["c"])
        await two.expect("error", code="too_many_views")
        await two.send(type="unsubscribe", subscription=first["subscription"])
        await two.expect("unsubscribed")
        await one.send(type="update", subscription=first["subscription"], keys=["c"])
        await one.expect("subscribed", how="snapshot")
        await one.expect("snapshot")
        async with client(gateway, token="ben") as ben:
            await ben.expect("hello")
            await ben.expect("authenticated")
            await ben.subscribe(site, "d")


async def test_idle_strangers_do_not_keep_a_user_out_and_are_closed(tmp_path: Path) -> None:
    async with GatewayPart("up", tmp_path) as up:
        hello = (
            f"GET /api/v1/live HTTP/1.1\r\nHost: 127.0.0.1:{up.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        ).encode()
        strangers: list[asyncio.StreamReader] = []
        writers: list[asyncio.StreamWriter] = []
        for _ in range(IDLE):
            reader, writer = await asyncio.open_connection("127.0.0.1", up.port)
            writer.write(hello)
            strangers.append(reader)
            writers.append(writer)
        await asyncio.gather(*(reader.readuntil(b"\r\n\r\n") for reader in strangers))
        token = await asyncio.to_thread(up.log_in)
        assert (await asyncio.to_thread(up.get, "/api/v1/me", token))[0] == 200
        async with asyncio.timeout(180):
            ends = await asyncio.gather(*(reader.read() for reader in strangers))
        assert all((4103).to_bytes(2, "big") in end for end in ends)
        for writer in writers:
            writer.close()
