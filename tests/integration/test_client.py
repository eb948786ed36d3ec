"""The reference client against a real server, and against one that plays tricks."""

import asyncio
import json
import random
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from gateway.client import ConnectionEnded, GatewayClient, RequestRefused, Subscription, Timing
from gateway.domain.errors import BadCredentials, DatabaseUnavailable
from gateway.domain.filters import Filter
from gateway.domain.values import Reading
from gateway.protocol.messages import Limits
from tests.support.server import TOKEN, LiveGateway, live_gateway
from tests.support.stores import RedisPart
from tests.support.tricks import playing, say, welcome
from tests.support.waiting import eventually

QUICK = Timing(retry_base_s=0.02, retry_cap_s=0.1, connect_s=2, silence_s=5, ping_s=4, pong_s=1)
START = {"grid/power_w": Reading(100.0, 1.5), "pv/power_w": Reading(None, None), "house/power_w": Reading(1, 1.0)}


def shows(gateway: LiveGateway, one: Subscription) -> bool:
    """Whether the subscription shows exactly what the hub's mirror has of its keys."""
    state = gateway.hub._sites[gateway.site].state
    matches = Filter.of([*one.keys, "link/#"]).matcher()
    return state is not None and one.values == {key: own for key, own in state.readings.items() if matches(key)}


async def test_values_follow_and_updates_are_told_in_one_piece(redis: RedisPart, site: str) -> None:
    log: list[tuple[str, str]] = []
    async with (
        live_gateway(redis, site, readings=START) as gateway,
        GatewayClient(
            gateway.url, TOKEN, device="tests", timing=QUICK, log=lambda event, text: log.append((event, text))
        ) as client,
    ):
        one = await client.subscribe(site, ("grid/#",))
        await one.complete()
        updates = aiter(one)
        first = await anext(updates)
        assert first.whole
        assert first.changes == {"grid/power_w": Reading(100.0, 1.5)} == one.values
        for power_w in (1, 2):
            await gateway.writer.append({"grid/power_w": Reading(power_w, 2.0)})
        await gateway.writer.append({"grid/powers_w": Reading([1, 2, 3], 2.0), "pv/power_w": None})
        await eventually(lambda: one.position is not None and one.position.seq == gateway.writer.seq)
        both = await anext(updates)
        assert both.changes == {"grid/power_w": Reading(2, 2.0), "grid/powers_w": Reading([1, 2, 3], 2.0)}
        assert both.position == gateway.writer.position
        await client.unsubscribe(one)
        assert [update async for update in updates] == []
        await eventually(lambda: not gateway.hub._sites[site].groups)
    assert [event for event, _ in log][:3] == ["opened", "sent", "received"]
    assert log[-1][0] == "closed"
    kinds = [json.loads(text)["type"] for event, text in log if event == "received"]
    assert kinds[:4] == ["hello", "authenticated", "subscribed", "snapshot"]


async def test_comes_back_and_resumes(redis: RedisPart, site: str) -> None:
    received: list[str] = []
    async with (
        live_gateway(redis, site, readings=START) as gateway,
        GatewayClient(gateway.url, TOKEN, timing=QUICK, log=lambda event, text: received.append(text)) as client,
    ):
        one = await client.subscribe(site, ("#",))
        await one.complete()
        for number in range(5):
            client.drop_connection()
            await gateway.writer.append({"grid/power_w": Reading(number, 2.0)})
            await eventually(lambda number=number: one.values["grid/power_w"].value == number)  # type: ignore[misc]
            assert shows(gateway, one)
        assert client.connections > 1
        hows = [json.loads(text)["how"] for text in received if text.startswith('{"type":"subscribed"')]
        assert hows[0] == "snapshot"
        assert set(hows[1:]) == {"resumed"}


async def test_equal_subscriptions_share_and_part(redis: RedisPart, site: str) -> None:
    async with (
        live_gateway(redis, site, readings=START) as gateway,
        GatewayClient(gateway.url, TOKEN, timing=QUICK) as client,
    ):
        one = await client.subscribe(site, ("grid/#",))
        await one.complete()
        two = await client.subscribe(site, ("grid/#",))
        assert two.number == one.number
        await eventually(lambda: shows(gateway, two))
        client.drop_connection()
        await eventually(lambda: client.connections == 2 and one.number is not None and one.number == two.number)
        await client.update(two, keys=("pv/#",))
        await two.complete()
        await eventually(lambda: shows(gateway, two) and shows(gateway, one) and two.number != one.number)
        # and one again: the server answers with the number that is there
        await client.update(two, keys=("grid/#",))
        await eventually(lambda: two.number == one.number)
        await client.unsubscribe(one)
        await gateway.writer.append({"grid/power_w": Reading(9, 2.0)})
        await eventually(lambda: shows(gateway, two))
        await client.unsubscribe(two)
        await eventually(lambda: not gateway.hub._sites[site].groups)


async def test_paused_stays_paused_over_connections(redis: RedisPart, site: str) -> None:
    async with (
        live_gateway(redis, site, readings=START) as gateway,
        GatewayClient(gateway.url, TOKEN, timing=QUICK) as client,
    ):
        one = await client.subscribe(site, ("grid/#",), 90)
        await one.complete()
        await client.update(one, paused=True)
        client.drop_connection()
        await eventually(lambda: client.connections == 2 and one.number is not None)
        group = next(iter(gateway.hub._sites[site].groups.values()))
        assert group.interval_ms == 100
        await eventually(lambda: not group.live)
        await gateway.writer.append({"grid/power_w": Reading(9, 2.0)})
        await eventually(gateway.caught_up)
        assert one.values["grid/power_w"].value == 100.0
        await client.update(one, paused=False)
        await eventually(lambda: shows(gateway, one))


async def test_what_is_refused_is_raised_and_what_is_refused_for_now_is_asked_again(
    redis: RedisPart, site: str
) -> None:
    limits = Limits(subscriptions=1)
    async with (
        live_gateway(redis, site, limits=limits, readings=START) as gateway,
        GatewayClient(gateway.url, TOKEN, timing=QUICK) as client,
    ):
        with pytest.raises(RequestRefused) as refused:
            await client.subscribe("nowhere", ("#",))
        assert refused.value.reason == "not_found"
        one = await client.subscribe(site, ("grid/#",))
        with pytest.raises(RequestRefused):
            await client.subscribe(site, ("pv/#",))
        with pytest.raises(RequestRefused):
            await client.update(one, keys=("bad/#/pattern",))
        assert one.keys == ("grid/#",)
        await redis.kill()
        await eventually(lambda: gateway.hub._sites[site].knowledge.value == "unreachable")
        await client.unsubscribe(one)
        async with asyncio.TaskGroup() as tasks:
            asking = tasks.create_task(client.subscribe(site, ("pv/#",)))
            await asyncio.sleep(0)
            await redis.start()
        await asking.result().complete()


async def test_final_answers_end_everything(redis: RedisPart, site: str) -> None:
    async with live_gateway(redis, site) as gateway:
        async with GatewayClient(gateway.url, "wrong", timing=QUICK) as client:
            with pytest.raises(ConnectionEnded, match="unknown"):
                await client.subscribe(site, ("#",))
            with pytest.raises(ConnectionEnded):
                await client.subscribe(site, ("#",))
        async with GatewayClient(gateway.url, TOKEN, timing=QUICK) as client:
            one = await client.subscribe(site, ("#",))
            await one.complete()
            gateway.live.connections.end_login(1)
            with pytest.raises(ConnectionEnded, match="4010"):
                async for _update in one:
                    pass
        async with GatewayClient(f"ws://{gateway.address}/nothing", TOKEN, timing=QUICK) as client:
            with pytest.raises(ConnectionEnded, match="HTTP 40"):
                await client.subscribe(site, ("#",))


async def test_the_token_is_asked_for_with_every_connection(redis: RedisPart, site: str) -> None:
    answers: list[Exception | str] = [BadCredentials("no"), TOKEN, DatabaseUnavailable("not now"), TOKEN]

    async def token() -> str:
        answer = answers.pop()
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with live_gateway(redis, site) as gateway, GatewayClient(gateway.url, token, timing=QUICK) as client:
        one = await client.subscribe(site, ("#",))
        await one.complete()
        client.drop_connection()
        await eventually(lambda: client.connections == 2)
        await eventually(lambda: client.connected)
        client.drop_connection()
        with pytest.raises(ConnectionEnded, match="no token"):
            async for _update in one:
                pass


# --- a server that plays tricks -----------------------------------------------------------------------------------


async def test_a_gap_is_not_smoothed_over() -> None:
    asked: list[dict[str, Any]] = []

    async def script(socket: ServerConnection, number: int) -> None:
        asked.append(await welcome(socket))
        start = 101 if number == 1 else 100
        await say(socket, type="delta", subscription=7, from_=start, seq=102, values={"a": [2, 2.0], "b": None})
        await socket.wait_closed()

    async with playing(script) as url, GatewayClient(url, "t", timing=QUICK) as client:
        one = await client.subscribe("home", ("#",))
        await eventually(lambda: one.values == {"a": Reading(2, 2.0)})
        assert client.connections == 2
    assert asked[1]["from"] == {"epoch": "e", "seq": 100, "view": "v"}


@pytest.mark.parametrize("subscribed", [True, False])
async def test_silence_means_dead(subscribed: bool) -> None:
    heard: list[str] = []

    async def script(socket: ServerConnection, number: int) -> None:
        await welcome(socket)
        if number > 1:
            await say(socket, type="delta", subscription=7, from_=100, seq=101, values={"a": [2, 2.0]})
        async for text in socket:
            heard.append(json.loads(text)["type"])
            if heard[-1] == "update":
                request = json.loads(text)
                answer = {"id": request["id"], "subscription": 7, "view": "v", "how": "unchanged", "epoch": "e"}
                await say(socket, type="subscribed", seq=100, min_interval_ms=0, **answer)

    # long enough to be subscribed by then on a busy machine, too
    timing = Timing(retry_base_s=0.01, silence_s=1.5, ping_s=1, pong_s=0.1)
    async with playing(script) as url, GatewayClient(url, "t", timing=timing) as client:
        one = await client.subscribe("home", ("#",))
        if not subscribed:
            await client.update(one, paused=True)
        await eventually(lambda: client.connections >= 2)
    assert ("ping" in heard) is not subscribed


async def test_a_close_within_a_time_brings_it_back_and_a_lost_site_ends_the_subscription() -> None:
    async def script(socket: ServerConnection, number: int) -> None:
        await welcome(socket)
        if number == 1:
            await socket.close(4203, "log in again")
        else:
            await say(socket, type="reset", subscription=7, reason="view", now=8)
            await say(socket, type="unsubscribed", id=None, subscription=8)
            await socket.wait_closed()

    async with playing(script) as url, GatewayClient(url, "t", timing=QUICK) as client:
        one = await client.subscribe("home", ("#",))
        with pytest.raises(RequestRefused, match="no longer"):
            async for _update in one:
                pass
        assert client.connections == 2


async def test_a_token_that_cannot_be_checked_is_tried_again() -> None:
    async def script(socket: ServerConnection, number: int) -> None:
        if number == 1:
            await socket.recv()
            await say(socket, type="error", id=1, code="database_unavailable", message="later", retry_after_s=1)
            await socket.wait_closed()
        else:
            await welcome(socket)
            await socket.wait_closed()

    async with playing(script) as url, GatewayClient(url, "t", timing=QUICK) as client:
        await client.subscribe("home", ("#",))
        assert client.connections == 2


async def test_random_lives(redis: RedisPart, site: str) -> None:
    """Many clients that lose connections, change keys and pause, while the site changes: all right in the end."""
    chance = random.Random(7)
    patterns = ("grid/#", "#", "+/power_w", "raw/1/#", "raw/+/a")
    async with live_gateway(redis, site, readings=START, limits=Limits(heartbeat_s=0.5)) as gateway:
        async with asyncio.TaskGroup() as tasks:
            clients = [GatewayClient(gateway.url, TOKEN, timing=QUICK) for _ in range(8)]
            ending = asyncio.Event()
            shown: list[Subscription] = []

            async def live(client: GatewayClient) -> None:
                async with client:
                    keys = tuple(chance.sample(patterns, 2))
                    shown.append(await client.subscribe(site, keys, chance.choice((0, 100))))
                    await ending.wait()

            for client in clients:
                tasks.create_task(live(client))
            await eventually(lambda: len(shown) == len(clients))
            for number in range(400):
                key = chance.choice(
                    ("grid/power_w", "pv/power_w", *(f"raw/{n}/{x}" for n in range(20) for x in "ab"))
                )
                reading = None if chance.random() < 0.2 else Reading(number, 2.0)
                await gateway.writer.append({key: reading})
                client, one = chance.choice(list(zip(clients, shown, strict=True)))
                if chance.random() < 0.1:
                    client.drop_connection()
                elif chance.random() < 0.1 and one.number is not None:
                    tasks.create_task(client.update(one, keys=tuple(chance.sample(patterns, 2))))
            await eventually(gateway.caught_up)
            await eventually(lambda: all(shows(gateway, one) for one in shown), what="every view is right")
            assert sum(client.connections for client in clients) > len(clients)
            ending.set()
        await eventually(lambda: len(gateway.live) == 0)
        assert not gateway.hub._sites[site].groups
