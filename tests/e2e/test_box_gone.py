"""Box or bridge gone, as their users run them: real processes, programs and the real page; nothing old looks live."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from gateway.client import GatewayClient, Subscription, Timing
from tests.support.bridge import LiveBox
from tests.support.captures import load_capture
from tests.support.gateway import PASSWORD, GatewayPart, stores_in
from tests.support.page import card, colour, node
from tests.support.parts import MosquittoPart, RedisPart, free_port, mosquitto, redis_server
from tests.support.waiting import eventually

# not covered: what it starts is traced by the tests of its single rules, and slow when traced
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.no_cover]

BRIDGE_TIMES: dict[str, Any] = {
    "lease_s": 0.6,
    "silent_after_intervals": 0.5,
    "reconnect_base_s": 0.05,
    "reconnect_cap_s": 0.2,
}
WEB_TIMES: dict[str, Any] = {"bridge_down_s": 1, "heartbeat_s": 1}
WITHIN_S = 40
BEAT_S = 0.3
COLOURS_OF_VALUES = """() => {
  const shown = [...document.querySelectorAll(".value")].filter((one) => one.checkVisibility());
  return [...new Set(shown.map((one) => getComputedStyle(one).color))];
}"""


class House:
    """A box, its broker, the store, a bridge, and two web processes, each a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.broker: MosquittoPart = mosquitto(folder / "mosquitto")
        self.redis: RedisPart = redis_server(folder / "redis", appendfsync="always")
        urls: dict[str, Any] = stores_in(folder, self.redis, self.broker.url)
        self.bridge = GatewayPart("bridge", folder / "bridge", **urls, **BRIDGE_TIMES)
        self.webs = [GatewayPart("web", folder / name, **urls, **WEB_TIMES) for name in ("one", "two")]
        self.box = LiveBox(self.broker)
        self.token = ""

    async def beats_until(self, state: str) -> None:
        """The box lives until every web process says that the link is so."""

        async def told() -> bool:
            await self.box.beat(1)
            return all(self.link(web) == state for web in self.webs)

        await eventually(told, WITHIN_S, every_s=0.2, what=f"the link is {state}")

    async def comes_to(self, state: str) -> None:
        """Nothing is heard of the box until the link is so."""
        await eventually(lambda: all(self.link(web) == state for web in self.webs), WITHIN_S, what=state)

    def link(self, web: GatewayPart) -> object:
        values = self.values(web, "link/#")
        return values.get("link/state", [None])[0]

    def values(self, web: GatewayPart, keys: str = "#") -> dict[str, list[Any]]:
        status, body = web.get(f"/api/v1/sites/home/values?keys={keys.replace('#', '%23')}", self.token)
        return body["values"] if status == 200 else {}

    def live(self, web: GatewayPart) -> set[str]:
        """What looks live there, but for the link."""
        return {key for key, value in self.values(web).items() if len(value) == 2 and not key.startswith("link/")}


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[House]:
    made = House(folder)
    async with AsyncExitStack() as stack:
        for part in (made.broker, made.redis, *made.webs, made.bridge):
            await stack.enter_async_context(part)
        made.token = made.webs[0].log_in()
        await made.box.play(load_capture("v2-start"))
        await made.beats_until("up")
        yield made


def client_of(web: GatewayPart, token: str) -> GatewayClient:
    url = web.base.replace("http", "ws") + "/api/v1/live"
    return GatewayClient(url, token, timing=Timing(retry_base_s=0.05, retry_cap_s=0.2))


def shown_live(one: Subscription) -> set[str]:
    return {key for key, reading in one.values.items() if not reading.stale and not key.startswith("link/")}


async def test_a_killed_bridge_is_told_by_every_web_process_and_a_new_one_heals(tmp_path: Path) -> None:
    async with house(tmp_path) as made, client_of(made.webs[1], made.token) as client:
        one = await client.subscribe("home", ("grid/#", "chargepoints/#"))
        await one.complete()
        assert shown_live(one)
        await made.bridge.kill()
        await made.comes_to("bridge_down")
        assert [made.live(web) for web in made.webs] == [set(), set()]
        await eventually(lambda: one.values["link/state"].value == "bridge_down", WITHIN_S)
        assert shown_live(one) == set()
        for web in made.webs:
            status, body = web.get("/health/ready")
            link = {part["name"]: part for part in body["parts"]}["link of home"]
            assert (link["state"], link["reason"]) == ("down", "bridge_down")
            assert status == 200, "it serves, and can say what is wrong"
        said = [web.log.count("no bridge leads the site") for web in made.webs]
        assert sum(said) == 1, "one of them said so, and the other had nothing to add"
        await made.bridge.start()
        await made.beats_until("up")
        await eventually(lambda: one.values["link/state"].value == "up", WITHIN_S)
        assert made.live(made.webs[0]) == made.live(made.webs[1])
        assert made.webs[0].part("link of home") == "ok"
        _, told = made.webs[0].get("/api/v1/sites/home/events", made.token)
        changes = [(one["details"]["before"], one["details"]["state"]) for one in told["events"]]
        assert ("up", "bridge_down") in changes
        assert ("bridge_down", "connecting") in changes


async def test_a_bridge_that_hangs_is_told_and_leads_on_when_it_wakes(tmp_path: Path) -> None:
    """What it still had to write when it hung is refused; red without the fence raised in bridge_down.lua."""
    async with house(tmp_path) as made:
        made.bridge.freeze()
        await made.comes_to("bridge_down")
        assert made.live(made.webs[0]) == set()
        made.bridge.thaw()
        await made.beats_until("up")
        await eventually(lambda: made.live(made.webs[0]) and made.live(made.webs[0]) == made.live(made.webs[1]))


async def test_up_is_not_ready_without_its_box(tmp_path: Path) -> None:
    async with GatewayPart("up", tmp_path, mqtt_url=f"mqtt://127.0.0.1:{free_port()}") as up:

        def refuses() -> bool:
            status, body = up.get("/health/ready")
            link = {part["name"]: part for part in body["parts"]}["link of home"]
            return (status, link["state"], link["reason"]) == (503, "down", "unreachable")

        await eventually(refuses, WITHIN_S)


async def test_a_bridge_that_ends_in_order_is_stale_at_once_and_told_later(tmp_path: Path) -> None:
    async with house(tmp_path) as made:
        await made.bridge.stop()
        assert made.bridge.log.rstrip().splitlines()[-1].count("stopped") == 1
        await eventually(lambda: made.link(made.webs[0]) in ("connecting", "bridge_down"), WITHIN_S)
        assert made.live(made.webs[0]) == set()
        await made.comes_to("bridge_down")


async def test_the_page_greys_what_is_not_live(tmp_path: Path, page: Page) -> None:
    """A fault greys its unit; a box that is switched off greys all, and so does a bridge that is killed."""
    async with house(tmp_path) as made:
        five, six = (card(page, number).locator("[data-key=power_w]") for number in (5, 6))
        async with beating(made.box):
            await page.goto(made.webs[0].base)
            await page.get_by_label("Password", exact=True).fill(PASSWORD)
            await page.get_by_role("button", name="Log in").click()
            await is_live(page)
            bright = await colour(six)
            assert await colour(five) == bright
            await made.box.say({"chargepoint/5/get/fault_state": 2})
            await card(page, 5).locator(".stale[data-key=power_w]").wait_for()
            grey = await colour(five)
            assert grey != bright
            assert await colour(six) == bright

        await is_grey(page, "The openWB is silent")
        assert await page.evaluate(COLOURS_OF_VALUES) == [grey]
        async with beating(made.box):
            await is_live(page)
            assert await colour(six) == bright
            assert await colour(five) == grey
            await made.bridge.kill()
            await is_grey(page, "is not running")
            assert await page.evaluate(COLOURS_OF_VALUES) == [grey]
            assert await node(page, "grid").is_visible()


@asynccontextmanager
async def beating(box: LiveBox) -> AsyncIterator[None]:
    """The box's clock goes on meanwhile."""

    async def beat() -> None:
        while True:
            await box.beat(1)
            await asyncio.sleep(BEAT_S)

    async with asyncio.TaskGroup() as group:
        heart = group.create_task(beat(), name="the box's clock")
        try:
            yield
        finally:
            heart.cancel()


async def is_live(page: Page) -> None:
    await page.wait_for_selector("body[data-live=yes]", state="attached", timeout=WITHIN_S * 1000)


async def is_grey(page: Page, said: str) -> None:
    await page.locator("#notice-reason").get_by_text(said).wait_for(timeout=WITHIN_S * 1000)
    assert await page.locator("body").get_attribute("data-live") == "no"
