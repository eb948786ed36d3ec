"""The page in a real browser on a real gateway, over a network as phones have it, by a clock that is hours off.

As in ``test_mobile.py``: right after at most two round trips on the connection that it ends up with.
"""

import json
import time
from pathlib import Path

import pytest
from playwright.async_api import Browser, WebSocket

from tests.support.gateway import PASSWORD
from tests.support.home import home
from tests.support.page import node
from tests.support.phone import Diary
from tests.support.stores import RedisPart
from tests.support.waiting import eventually

# not covered: what it starts is traced by the tests of its single rules, and slow when traced
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.no_cover]

TWO_HOURS_S = 7200
MOST_ROUND_TRIPS = 2
GRID = "grid/power_w"
NETWORK_CHANGED = "navigator.connection.dispatchEvent(new Event('change'))"


class Overheard(Diary):
    """What the page's sockets carry; a message that brings the grid's power counts as what the page shows of it."""

    def overhear(self, socket: WebSocket) -> None:
        self.note("opened", "")
        socket.on("framesent", lambda text: self.note("sent", str(text)))
        socket.on("framereceived", self._received)

    def _received(self, text: str | bytes) -> None:
        self.note("received", str(text))
        entry = json.loads(text).get("values", {}).get(GRID)
        if entry is not None:
            self.lines.append({"event": "view", "values": {GRID: entry[0]}})


@pytest.mark.parametrize("off_s", [TWO_HOURS_S, -TWO_HOURS_S])
async def test_the_page_on_the_move(tmp_path: Path, redis: RedisPart, browser: Browser, off_s: int) -> None:
    """Another network while the old socket hangs half open; then a hotel's login page in place of the gateway."""
    async with home(tmp_path, redis) as at_home, await browser.new_context(locale="en-GB") as context:
        page, overheard = await context.new_page(), Overheard()
        page.on("websocket", overheard.overhear)
        await page.clock.install(time=time.time() + off_s)
        await page.goto(at_home.base)
        await page.get_by_label("Password", exact=True).fill(PASSWORD)
        await page.get_by_role("button", name="Log in").click()
        live = page.locator("body[data-live=yes]")
        await live.wait_for(state="attached")

        async def right() -> None:
            power_w = at_home.readings[GRID].value
            assert isinstance(power_w, int)
            await node(page, "grid").get_by_text(f"{power_w / 1000:.2f}").wait_for()
            await live.wait_for(state="attached")
            assert overheard.round_trips({GRID: power_w}) <= MOST_ROUND_TRIPS

        async def moved() -> None:
            """Meanwhile everything has changed; the page is told of another network, and waits its 3 s."""
            at_home.network.swallow()
            await at_home.change(10 * len(at_home.values))
            await page.evaluate(NETWORK_CHANGED)
            await page.clock.run_for(3_500)

        await moved()
        await right()

        at_home.network.portal = True
        await moved()
        await eventually(lambda: at_home.network.asked >= 1)
        await page.locator("body[data-live=no]").wait_for(state="attached")
        at_home.network.portal = False
        await page.evaluate(NETWORK_CHANGED)
        await right()
        assert await page.get_by_label("Password", exact=True).is_hidden()
        assert "resumed" in [line.get("how") for line in overheard.lines]
