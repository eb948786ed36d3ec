"""The page on the real gateway: a box speaks to a real broker, the store is a real Redis, the browser shows it."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Page

from gateway.domain.errors import BrokerUnavailable
from gateway.mqtt import Broker
from tests.support.captures import load_capture
from tests.support.gateway import set_up_link
from tests.support.page import card, node, text
from tests.support.parts import MosquittoPart, Part, RedisPart, accepts, free_port, mosquitto, redis_server

pytestmark = pytest.mark.asyncio(loop_scope="module")

PASSWORD = "correct horse battery"
SHORT_TIMES = {
    "GATEWAY_RECONNECT_BASE_S": "0.1",
    "GATEWAY_RECONNECT_CAP_S": "0.5",
    "GATEWAY_HEARTBEAT_S": "1",
    "GATEWAY_REDIS_TIMEOUT_S": "1",
    "GATEWAY_LEASE_S": "3",
}
WITHIN_MS = 30_000
BEAT_S = 0.3


class Gateway(Part):
    """``openwb-gateway up``."""

    def __init__(self, folder: Path, environ: dict[str, str]) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        own = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
        settings = {
            "GATEWAY_PORT": str(self.port),
            "GATEWAY_DATA_DIR": str(folder / "data"),
            **SHORT_TIMES,
            **environ,
        }
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "gateway", "up"]
        super().__init__("gateway", folder, command, self._says_how_to_log_in, environ={**own, **settings})

    def _says_how_to_log_in(self) -> bool:
        return '"event": "ready"' in self.log.rpartition('"event": "stopped"')[2] and accepts(self.port)


class Box:
    """An openWB at a broker: its retained start, a clock while ``beating``, and what it is told to say."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.beating = True

    async def say(self, **topics: str) -> None:
        """Topics with two underscores for each slash, below ``openWB/``."""
        async with Broker(self._url, client_id="box").connect() as connection:
            for topic, payload in topics.items():
                await connection.publish(f"openWB/{topic.replace('__', '/')}", payload, retain=True)

    async def begin(self) -> None:
        async with Broker(self._url, client_id="box").connect() as connection:
            for message in load_capture("v2-start"):
                await connection.publish(message.topic, message.payload, retain=True)
            await connection.publish("openWB/general/control_interval", "1", retain=True)

    async def beat(self) -> None:
        while True:
            try:
                async with Broker(self._url, client_id="box-clock").connect() as connection:
                    while True:
                        if self.beating:
                            await connection.publish("openWB/system/time", str(time.time()), retain=True)
                        await asyncio.sleep(BEAT_S)
            except BrokerUnavailable:
                await asyncio.sleep(BEAT_S)


class House:
    """All parts of an installation, running, and a page that is logged in."""

    def __init__(self, folder: Path, page: Page) -> None:
        self.page = page
        self.broker: MosquittoPart = mosquitto(folder / "mosquitto", persistence=True)
        self.redis: RedisPart = redis_server(folder / "redis")
        self.box = Box(self.broker.url)
        settings = {"GATEWAY_MQTT_URL": self.broker.url, "GATEWAY_REDIS_URL": self.redis.url}
        self.gateway = Gateway(folder / "gateway", {**settings, "GATEWAY_ADMIN_PASSWORD": PASSWORD})

    async def log_in(self) -> None:
        await self.page.goto(self.gateway.url)
        await self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        await self.page.get_by_role("button", name="Log in").click()
        await self.is_live()

    async def is_live(self) -> None:
        await self.page.wait_for_selector("body[data-live=yes]", state="attached", timeout=WITHIN_MS)

    async def is_grey(self, said: str) -> None:
        await self.page.locator("#notice-reason").get_by_text(said).wait_for(timeout=WITHIN_MS)
        assert await self.page.locator("body").get_attribute("data-live") == "no"

    async def shows(self, name: str, figure: str) -> None:
        spaced = figure.replace(" ", "\u202f")
        await node(self.page, name).get_by_text(spaced, exact=True).wait_for(timeout=WITHIN_MS)


@pytest.fixture(name="complaints")
def complaints_fixture(page: Page) -> list[str]:
    """What the browser complains about, but for connections that a test cut."""
    found: list[str] = []
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("console", lambda message: found.append(message.text) if message.type in ("error", "warning") else None)
    return found


@asynccontextmanager
async def house(folder: Path, page: Page) -> AsyncIterator[House]:
    made = House(folder, page)
    async with made.broker, made.redis:
        await made.box.begin()
        async with asyncio.TaskGroup() as group:
            beating = group.create_task(made.box.beat(), name="the box's clock")
            try:
                async with made.gateway:
                    await made.log_in()
                    yield made
            finally:
                beating.cancel()


async def test_a_values_way_from_the_box_to_the_page(tmp_path: Path, page: Page, complaints: list[str]) -> None:
    async with house(tmp_path, page) as made:
        assert await text(card(page, 5).locator("h3")) == "Carport links"
        assert await page.locator("#demo-badge").is_hidden()
        await made.box.say(counter__0__get__power="-4321.5", chargepoint__6__get__plug_state="true")
        await made.shows("grid", "4.32 kW")
        assert await text(node(page, "grid").locator(".direction")) == "exporting"
        await card(page, 6).locator("[data-status=plugged]").wait_for()
        await card(page, 5).get_by_text("Details").click()
        await card(page, 5).get_by_text("Voltage per phase").wait_for()
        assert complaints == []
        await page.get_by_role("button", name="Log out").click()
        await page.get_by_label("Password", exact=True).wait_for()
        async with httpx.AsyncClient(trust_env=False) as http:
            assert (await http.get(f"{made.gateway.url}api/v1/sites")).status_code == httpx.codes.UNAUTHORIZED


async def test_what_becomes_of_the_box_is_said_in_words(tmp_path: Path, page: Page, complaints: list[str]) -> None:
    async with house(tmp_path, page) as made:
        await made.box.say(counter__0__get__power="1000")
        await made.shows("grid", "1.00 kW")
        made.box.beating = False
        await made.is_grey("The openWB is silent")
        await made.shows("grid", "1.00 kW")
        made.box.beating = True
        await made.is_live()
        await made.broker.kill()
        await made.is_grey("The gateway has no connection to the openWB: it cannot be reached")
        await made.broker.start()
        await made.is_live()
        await made.box.say(counter__0__get__power="2000")
        await made.shows("grid", "2.00 kW")
        assert complaints == []


async def test_a_store_that_does_not_answer_is_said_and_survived(tmp_path: Path, page: Page) -> None:
    async with house(tmp_path, page) as made:
        await made.redis.kill()
        await made.is_grey("The gateway's own data store does not answer")
        await made.redis.start()
        await made.is_live()
        await made.box.say(counter__0__get__power="3000")
        await made.shows("grid", "3.00 kW")


async def test_a_gateway_that_was_killed_is_found_again_without_a_new_login(tmp_path: Path, page: Page) -> None:
    async with house(tmp_path, page) as made:
        await made.gateway.kill()
        await made.is_grey("gateway")
        await made.box.say(counter__0__get__power="4000")
        await made.gateway.start()
        await made.is_live()
        await made.shows("grid", "4.00 kW")


async def test_the_demo_from_the_set_up_link_to_the_first_values(
    tmp_path: Path, page: Page, complaints: list[str]
) -> None:
    """Nothing is configured: embedded store, embedded broker, a simulated box, and a link for the first password."""
    async with Gateway(tmp_path / "gateway", {}) as gateway:
        link = set_up_link(gateway.log)
        await page.goto(link)
        await page.get_by_label("New password", exact=True).fill(PASSWORD)
        assert page.url == gateway.url
        await page.get_by_label("New password again").fill(PASSWORD)
        await page.get_by_role("button", name="Set password").click()
        await page.wait_for_selector("body[data-live=yes]", state="attached", timeout=WITHIN_MS)
        assert await page.locator("#demo-badge").is_visible()
        assert await page.locator(".card h3").all_inner_texts() == ["Carport links", "Hof"]
        assert await text(node(page, "battery").locator(".figure")) != "—"
        assert complaints == []
        await page.goto("about:blank")
        await page.goto(link)
        await page.get_by_text("This set-up link has been used or has expired.").wait_for()
        assert await page.get_by_label("New password", exact=True).is_hidden()
