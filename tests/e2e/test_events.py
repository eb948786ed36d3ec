"""Events from the box to the app: a broker, a bridge and a web process of their own, and a Redis."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from gateway.store.redis import SiteStore, close_client, open_client
from tests.support.bridge import START, LiveBox
from tests.support.gateway import GatewayPart, stores_in
from tests.support.parts import MosquittoPart, RedisPart
from tests.support.waiting import eventually

HEALTHY = {**START, "chargepoint/5/get/fault_state": 0, "system/version": "2.1.8"}
QUICK = {
    "reconnect_base_s": 0.05,
    "reconnect_cap_s": 0.2,
    "flood_quiet_s": 0.2,
    "mqtt_keepalive_s": 1,
    "mqtt_connect_timeout_s": 1,
}


class App:
    """One connection: keeps what it is told in order, and the newest values."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.values: dict[str, Any] = {}
        self.events: list[dict[str, Any]] = []
        self.gaps = 0

    async def listen(self, token: str, events_after: str | None) -> None:
        subscribe = {"type": "subscribe", "id": 2, "site": "home", "keys": ["#"]}
        if events_after is not None:
            subscribe["events_after"] = events_after
        await self._socket.send(json.dumps({"type": "auth", "id": 1, "token": token}))
        await self._socket.send(json.dumps(subscribe))
        async for text in self._socket:
            self.take(json.loads(text))

    def take(self, message: dict[str, Any]) -> None:
        self.values.update(message.get("values", {}))
        self.gaps += message["type"] == "event_gap"
        if message["type"] == "event":
            self.events.append(message)
            shown = {
                "link_changed": ("link/state", "state"),
                "fault": ("chargepoints/5/fault_state", "fault_state"),
                "box_updated": ("box/version", "version"),
            }
            key, detail = shown[message["event"]]
            message["shown"] = self.values[key][0] == message["details"][detail]

    def told(self, kind: str) -> list[dict[str, Any]]:
        return [message["details"] for message in self.events if message["event"] == kind]


@asynccontextmanager
async def app(web: GatewayPart, events_after: str | None = None) -> AsyncIterator[App]:
    token = await asyncio.to_thread(web.log_in)
    await eventually(lambda: web.get("/api/v1/sites/home/values", token)[0] == HTTPStatus.OK)
    url = web.base.replace("http", "ws", 1) + "/api/v1/live"
    async with connect(url, subprotocols=[Subprotocol("gateway.v1.json")], max_size=None, proxy=None) as socket:
        made = App(socket)
        listening = asyncio.create_task(made.listen(token, events_after))
        await eventually(lambda: "link/state" in made.values)
        try:
            yield made
        finally:
            listening.cancel()
            await asyncio.wait([listening])


@asynccontextmanager
async def parts(folder: Path, redis: RedisPart, mosquitto: MosquittoPart) -> AsyncIterator[GatewayPart]:
    given: dict[str, Any] = {**QUICK, **stores_in(folder, redis, mosquitto.url)}
    async with GatewayPart("bridge", folder / "bridge", **given), GatewayPart("web", folder / "web", **given) as web:
        yield web


async def come_alive(box: LiveBox, one: App) -> None:
    async def up() -> bool:
        await box.beat(1)
        return bool(one.values["link/state"][0] == "up")

    await eventually(up, 15, every_s=0.1)


async def has_healed(redis: RedisPart) -> bool:
    """Whether the store has it: the broker is killed next, and what it did not pass on would be lost."""
    client = open_client(redis.url)
    snapshot = await SiteStore(client).load("home")
    await close_client(client)
    return snapshot is not None and snapshot.readings["chargepoints/5/fault_state"].value == 0


async def test_what_happens_to_the_box_is_told_behind_what_shows_it(
    tmp_path: Path, redis: RedisPart, mosquitto: MosquittoPart
) -> None:
    """A fault, an update, the plug of the broker pulled; a web process killed in between; and all of it over REST."""
    box = LiveBox(mosquitto)
    await box.say(HEALTHY)
    async with parts(tmp_path, redis, mosquitto) as web:
        async with app(web) as one:
            await come_alive(box, one)
            await box.say({"chargepoint/5/get/fault_str": "No contact.", "chargepoint/5/get/fault_state": 2})
            await eventually(lambda: one.told("fault"))
            await box.say({"system/version": "2.1.9"})
            await eventually(lambda: one.told("box_updated"))
            known = list(one.events)
        await web.kill()
        await box.say({"chargepoint/5/get/fault_state": 0})
        await eventually(lambda: has_healed(redis))
        await mosquitto.kill()
        await web.start()
        async with app(web, events_after=known[-1]["event_id"]) as other:
            await eventually(lambda: [one["state"] for one in other.told("link_changed")] == ["down"])
            assert [one["fault_state"] for one in other.told("fault")] == [0]
            await mosquitto.start()
            await box.say({**HEALTHY, "system/version": "2.1.9"})
            await come_alive(box, other)
            await eventually(lambda: other.told("link_changed")[-1]["state"] == "up")
            assert other.gaps == 0
        every = [*known, *other.events]
        assert all(message.pop("shown") for message in every)
        ids = [tuple(map(int, message["event_id"].split("-"))) for message in every]
        assert ids == sorted(set(ids))
        token = await asyncio.to_thread(web.log_in)
        status, page = await asyncio.to_thread(web.get, "/api/v1/sites/home/events", token)
        assert status == 200
        assert page["complete"]
        told = [{name: part for name, part in message.items() if name != "type"} for message in every]
        assert page["events"][-len(told) :] == told
