"""The events of the reference client: each once, over any number of connections."""

import asyncio
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from gateway.client import ConnectionEnded, GatewayClient, Timing
from gateway.client_events import MOST_WAITING, Events
from gateway.domain.events import NO_EVENT
from gateway.domain.values import Reading
from gateway.protocol.messages import EventGap, EventMessage
from gateway.protocol.view import ChainBroken
from tests.support.server import TOKEN, live_gateway
from tests.support.store_writer import event as stored_event
from tests.support.stores import RedisPart
from tests.support.tricks import playing, say, welcome
from tests.support.waiting import eventually

QUICK = Timing(retry_base_s=0.02, retry_cap_s=0.1, connect_s=2)


async def tell(socket: ServerConnection, event_id: str, site: str = "home") -> None:
    await say(socket, type="event", event_id=event_id, at=1.0, site=site, event="fault", details={"news": 1})


def event(event_id: str, site: str = "home") -> EventMessage:
    return EventMessage(event_id=event_id, at=1.0, site=site, event="fault", details={})


def ids(told: list[Any]) -> list[str]:
    return [one.event_id if isinstance(one, EventMessage) else f"gap after {one.after}" for one in told]


async def test_each_event_comes_once_and_is_asked_for_after_a_break() -> None:
    asked: list[dict[str, Any]] = []

    async def script(socket: ServerConnection, number: int) -> None:
        asked.append(await welcome(socket))
        if number == 1:
            for event_id in ("9-1", "10-0"):
                await tell(socket, event_id)
            await socket.close(1012)
        else:
            await say(socket, type="event_gap", site="home", after="10-0")
            for event_id in ("9-1", "10-0", "10-1"):
                await tell(socket, event_id)
            await socket.close(4010)

    told: list[Any] = []

    async def look(client: GatewayClient) -> None:
        async for one in client.events:
            told.append(one)  # noqa: PERF401 - what came before the end counts

    async with playing(script) as url, GatewayClient(url, "t", timing=QUICK) as client:
        await client.subscribe("home", ("#",))
        with pytest.raises(ConnectionEnded):
            await look(client)
    assert ids(told) == ["9-1", "10-0", "gap after 10-0", "10-1"]
    assert [one.get("events_after") for one in asked] == [None, "10-0"]


async def test_it_goes_on_from_what_an_earlier_client_saw_and_ends_with_the_client() -> None:
    asked: list[dict[str, Any]] = []

    async def script(socket: ServerConnection, number: int) -> None:
        asked.append(await welcome(socket))
        await socket.wait_closed()

    async def look(client: GatewayClient) -> None:
        async for _event in client.events:
            raise AssertionError

    async with (
        playing(script) as url,
        asyncio.TaskGroup() as tasks,
        GatewayClient(url, "t", timing=QUICK) as client,
    ):
        client.events.go_on("home", "7-0")
        tasks.create_task(look(client))
        await client.subscribe("home", ("#",))
    assert asked[0]["events_after"] == "7-0"


async def test_an_id_that_is_none_breaks_the_chain() -> None:
    async def script(socket: ServerConnection, number: int) -> None:
        await welcome(socket)
        await tell(socket, "first" if number == 1 else "1-0")
        await socket.wait_closed()

    async with playing(script) as url, GatewayClient(url, "t", timing=QUICK) as client:
        await client.subscribe("home", ("#",))
        async for one in client.events:
            assert ids([one]) == ["1-0"]
            break
        assert client.connections == 2


async def test_who_does_not_look_is_told_where_to_read_on() -> None:
    events = Events()
    events.take(EventGap(site="garage", after="1-0"))
    for number in range(MOST_WAITING + 2):
        events.take(event(f"{number + 10}-0"))
    events.take(event("5-7", "garage"))
    events.end(None)
    told = [one async for one in events]
    gaps, rest = told[:2], told[2:]
    assert [(one.site, one.after) for one in gaps if isinstance(one, EventGap)] == [
        ("garage", "1-0"),
        ("home", "9-18446744073709551615"),
    ]
    assert len(rest) == MOST_WAITING
    assert ids(rest)[0] == "13-0"
    assert ids(rest)[-1] == "5-7"


async def test_no_event_of_a_real_gateway_is_missed_over_broken_connections(redis: RedisPart, site: str) -> None:
    async with (
        live_gateway(redis, site, readings={"link/state": Reading("up", 1.0)}) as gateway,
        GatewayClient(gateway.url, TOKEN, timing=QUICK) as client,
    ):
        one = await client.subscribe(site, ("#",))
        await one.complete()
        told = aiter(client.events)
        for number in range(5):
            await gateway.writer.happens(stored_event(number))
            found = await asyncio.wait_for(anext(told), 10)
            assert isinstance(found, EventMessage)
            assert found.at == stored_event(number).at
            client.drop_connection()
        assert client.connections > 1


def test_until_there_is_an_event_the_answer_says_what_to_ask_for() -> None:
    events = Events()
    events.begin("home", None)
    assert events.after("home") is None
    events.begin("home", "5-0")
    assert events.after("home") == "5-0"
    events.take(event("7-0"))
    events.begin("home", "9-0")
    assert events.after("home") == "7-0"
    with pytest.raises(ChainBroken):
        events.begin("garage", "first")


async def test_what_happens_in_a_break_before_the_first_event_is_not_missed(redis: RedisPart, site: str) -> None:
    """Red: with a Link that does not heed ``events_after`` of the answer."""
    async with (
        live_gateway(redis, site, readings={"link/state": Reading("up", 1.0)}) as gateway,
        GatewayClient(gateway.url, TOKEN, timing=QUICK) as client,
    ):
        await gateway.writer.happens(stored_event(0))
        await eventually(lambda: gateway.hub._sites[site].events.newest != NO_EVENT)
        one = await client.subscribe(site, ("#",))
        await one.complete()
        told = aiter(client.events)
        connections = client.connections
        client.drop_connection()
        await gateway.writer.happens(stored_event(1))
        found = await asyncio.wait_for(anext(told), 10)
        assert isinstance(found, EventMessage)
        assert found.at == stored_event(1).at
        await eventually(lambda: client.connections > connections)
