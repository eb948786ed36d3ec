"""Events from the store to the websocket and over REST, with a real Redis."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from httpx import ASGITransport, AsyncClient

from gateway.domain.errors import NotFound
from gateway.domain.events import NO_EVENT
from gateway.domain.filters import Filter
from gateway.domain.values import Reading
from gateway.hub.views import Allowed
from gateway.protocol.messages import Limits
from gateway.services.events import Events
from gateway.store.redis import EventsKept, SiteStore, close_client, open_client
from tests.integration.test_live import START
from tests.support.live_client import Client, client
from tests.support.parts import RedisPart
from tests.support.rest import PASSWORD, Web, sqlite
from tests.support.server import TOKEN, LiveGateway, live_gateway, login
from tests.support.store_writer import StoreWriter, event

DOWN = Reading("down", 5.0)


@asynccontextmanager
async def listening(gateway: LiveGateway, **more: Any) -> AsyncIterator[Client]:
    async with client(gateway, token=TOKEN) as one:
        await one.expect("hello")
        await one.expect("authenticated")
        await one.subscribe(gateway.site, "grid/#", **more)
        await one.expect("snapshot")
        yield one


async def events(one: Client, count: int) -> list[dict[str, Any]]:
    """So many, past whatever else comes."""
    found: list[dict[str, Any]] = []
    while len(found) < count:
        message = await one.next()
        assert message["type"] in ("event", "delta"), message
        found += [message] if message["type"] == "event" else []
    return found


async def test_an_event_comes_behind_the_delta_that_shows_it(redis: RedisPart, site: str) -> None:
    async with live_gateway(redis, site, readings=START) as gateway, listening(gateway) as one:
        await gateway.writer.append({"link/state": DOWN}, events=[event(1)])
        await one.expect("delta", values={"link/state": ["down", 5.0]}, seq=gateway.writer.seq)
        message = await one.expect("event", site=site, event="link_changed", at=event(1).at)
        assert message["details"] == {"before": "up", "state": "down", "reason": None}


async def test_behind_a_new_epoch_too(redis: RedisPart, site: str) -> None:
    async with live_gateway(redis, site, readings=START) as gateway, listening(gateway) as one:
        await gateway.writer.open({"link/state": DOWN}, events=[event(1)])
        await one.expect("reset", reason="epoch")
        await one.expect("snapshot", values={"link/state": ["down", 5.0]})
        await one.expect("event", at=event(1).at)


async def test_another_process_goes_on_where_the_first_one_ended(redis: RedisPart, site: str) -> None:
    """The second one starts after the events happened: exactly what was missed, each once."""
    async with live_gateway(redis, site, readings=START) as gateway:
        writer = gateway.writer
        async with listening(gateway) as one:
            for number in range(5):
                await writer.happens(event(number))
            held = await events(one, 3)
        for number in range(5, 9):
            await writer.happens(event(number))
    async with live_gateway(redis, site, readings=START, holder="two") as gateway:
        async with listening(gateway, events_after=held[-1]["event_id"]) as one:
            await gateway.writer.happens(event(9))
            missed = await events(one, 7)
        assert [message["at"] for message in missed] == [event(number).at for number in range(3, 10)]
        async with listening(gateway, events_after=missed[-1]["event_id"]) as one:
            await gateway.writer.happens(event(10))
            assert [message["at"] for message in await events(one, 1)] == [event(10).at]


async def test_what_a_process_does_not_keep_is_a_gap(redis: RedisPart, site: str) -> None:
    limits = Limits(replayed_events=2)
    async with live_gateway(redis, site, readings=START) as gateway:
        for number in range(5):
            await gateway.writer.happens(event(number))
    async with (
        live_gateway(redis, site, readings=START, limits=limits, holder="two") as gateway,
        listening(gateway, events_after="0-0") as one,
    ):
        await one.expect("event_gap", site=site, after="0-0")
        assert [message["at"] for message in await events(one, 2)] == [event(3).at, event(4).at]


# --- over REST


@asynccontextmanager
async def rest(redis: RedisPart, folder: Path) -> AsyncIterator[AsyncClient]:
    """The application over this store, and somebody who is logged in; addresses begin behind the site ``home``."""
    connected = open_client(redis.url)
    async with sqlite(folder) as database:
        web = Web(database, store=SiteStore(connected))
        await web.auth.ensure_admin(PASSWORD)
        token = (await web.auth.login("admin", PASSWORD, "127.0.0.1")).token
        async with AsyncClient(
            transport=ASGITransport(cast("Any", web.app)),
            base_url="http://gateway.test/api/v1/sites/home",
            headers={"Authorization": f"Bearer {token}"},
        ) as made:
            yield made
    await close_client(connected)


async def pages(reader: AsyncClient, **query: Any) -> list[dict[str, Any]]:
    """All pages from there on, one after the other."""
    found: list[dict[str, Any]] = []
    while True:
        answer = await reader.get("/events", params=query)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert page["complete"]
        found += page["events"]
        if page["next"] is None:
            return found
        query["after"] = page["next"]


async def test_rest_tells_what_the_socket_tells(redis: RedisPart, tmp_path: Path) -> None:
    async with (
        live_gateway(redis, "home", readings=START) as gateway,
        listening(gateway) as one,
        rest(redis, tmp_path) as reader,
    ):
        assert await pages(reader) == []
        for number in range(7):
            await gateway.writer.happens(event(number))
        told = [{name: part for name, part in one.items() if name != "type"} for one in await events(one, 7)]
        for limit in (1, 3, 7, 100):
            assert await pages(reader, limit=limit) == told
        assert await pages(reader, after=told[2]["event_id"]) == told[3:]
        assert await pages(reader, after=told[6]["event_id"]) == []


async def test_an_id_that_was_never_given_out(redis: RedisPart, tmp_path: Path) -> None:
    async with live_gateway(redis, "home", readings=START) as gateway, rest(redis, tmp_path) as reader:
        for newest in (None, event(1)):
            if newest is not None:
                await gateway.writer.happens(newest)
            answer = await reader.get("/events", params={"after": "9999999999999-0"})
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid_argument")
            assert "9999999999999-0" in answer.json()["detail"]


async def test_what_is_gone_is_said_to_be_gone(redis: RedisPart, tmp_path: Path) -> None:
    connected = open_client(redis.url)
    writer = StoreWriter(SiteStore(connected, events_kept=EventsKept(most=2)), "home")
    await writer.lead()
    for number in range(4):
        await writer.happens(event(number))
    async with rest(redis, tmp_path) as reader:
        page = (await reader.get("/events")).json()
        assert (page["complete"], [one["at"] for one in page["events"]]) == (False, [event(2).at, event(3).at])
        page = (await reader.get("/events", params={"after": page["events"][0]["event_id"]})).json()
        assert (page["complete"], [one["at"] for one in page["events"]]) == (True, [event(3).at])
    await close_client(connected)


async def test_only_what_the_rights_select(redis: RedisPart, site: str) -> None:
    """Pages lead on although they show nothing."""
    connected = open_client(redis.url)
    store = SiteStore(connected)
    writer = StoreWriter(store, site)
    await writer.lead()
    for number, key in enumerate(("box/version", "chargepoints/5/fault_state", "link/state", "grid/fault_state")):
        await writer.happens(event(number, key))
    little = Allowed(Filter.of(["grid/#"]))
    service = Events(store, lambda _: {site: little}.get)
    first = await service.after(login(), site, NO_EVENT, 2)
    assert first.entries == ()
    assert first.next is not None
    second = await service.after(login(), site, first.next, 2)
    assert [entry.event.key for entry in second.entries] == ["link/state", "grid/fault_state"]
    assert second.next is None
    with pytest.raises(NotFound):
        await service.after(login(), "another", NO_EVENT, 2)
    await close_client(connected)
