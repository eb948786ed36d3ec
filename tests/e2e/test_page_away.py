"""The page of somebody who goes away: lid closed, network switched, clock set, hotel, gateway drained, two tabs."""

import re
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from tests.support.fake_gateway import NOW, TOKEN, FakeGateway, Portal
from tests.support.page import card, node, text
from tests.support.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOUR_MS = 3_600_000
# a redirect leaves the addresses that this gateway serves
NO_GATEWAY = re.compile("Something else answers in place of the gateway|The gateway cannot be reached")
EVER_GREY = """() => {
  globalThis.everGrey = false;
  new MutationObserver(() => { globalThis.everGrey ||= document.body.dataset.live !== "yes"; })
    .observe(document.body, { attributes: true });
}"""


# --- asleep -------------------------------------------------------------------------------------------------------


async def test_what_lay_in_buffers_while_it_was_frozen_shows_nothing_as_live(fake: FakeGateway) -> None:
    await fake.page.clock.install()
    await fake.open_live({"house/power_w": [500, NOW]})
    fake.answering_pings = False
    await fake.page.clock.fast_forward(8 * HOUR_MS)
    await fake.said("ping")
    fake.change({"house/power_w": [600, NOW]})
    await fake.page.get_by_text("600").wait_for()
    await fake.is_grey()
    await fake.page.locator("#notice-reason").get_by_text("Checking the connection to the gateway.").wait_for()
    fake.send({"type": "pong"})
    await fake.is_live()
    assert fake.connections == 1


async def test_a_connection_that_died_in_the_sleep_is_replaced(fake: FakeGateway) -> None:
    await fake.page.clock.install()
    await fake.open_live({"house/power_w": [500, NOW]})
    fake.answering_pings = False
    fake.how = "resumed"
    await fake.page.clock.fast_forward(8 * HOUR_MS)
    await fake.said("ping")
    await fake.page.clock.run_for(3_500)
    await fake.connected(2)
    assert (await fake.said("subscribe"))["from"]["seq"] == fake.seq
    await fake.is_live()


async def test_without_a_word_the_values_do_not_look_live(fake: FakeGateway) -> None:
    await fake.page.clock.install()
    await fake.open_live({"house/power_w": [500, NOW]})
    await fake.page.clock.run_for(14_000)
    assert await fake.page.locator("body").get_attribute("data-live") == "yes"
    await fake.page.clock.run_for(3_000)
    await fake.page.locator("#notice-reason").get_by_text("has not been heard for a while").wait_for()
    await fake.is_grey()
    fake.change({})
    await fake.is_live()
    assert fake.connections == 1


@pytest.mark.parametrize("hours", [2, -2])
async def test_a_clock_that_is_set_makes_no_age_wrong(fake: FakeGateway, hours: int) -> None:
    """The gateway's time is asked for anew, and resumed from what is held."""
    await fake.page.clock.install()
    await fake.open_live({"grid/power_w": [1, NOW - 120]})
    fake.how = "resumed"
    wall = await fake.page.evaluate("Date.now()")
    await fake.page.clock.set_system_time(wall / 1000 + hours * 3600)
    await fake.page.clock.run_for(1_500)
    await fake.connected(2)
    await fake.is_live()
    fake.change({"link/state": ["silent", NOW]})
    await fake.is_grey()
    assert "2 minutes ago" in await text(fake.page.locator("#notice-age"))


# --- drained ------------------------------------------------------------------------------------------------------


async def test_drained_it_moves_without_a_grey_moment(fake: FakeGateway) -> None:
    await fake.open_live({"house/power_w": [500, NOW]})
    await fake.page.evaluate(EVER_GREY)
    fake.how = "resumed"
    fake.send({"type": "drain", "within_s": 0.2})
    await fake.connected(2)
    assert "from" in await fake.said("subscribe")
    fake.change({"house/power_w": [700, NOW]})
    await fake.page.get_by_text("700").wait_for()
    assert await fake.page.evaluate("globalThis.everGrey") is False


async def test_drained_by_the_only_gateway_it_stays_until_it_is_closed(fake: FakeGateway) -> None:
    await fake.open_live({"house/power_w": [500, NOW]})
    fake.refusing = True
    fake.send({"type": "drain", "within_s": 0.0})
    await eventually(lambda: fake.connections >= 3, what="it tries again")
    fake.change({"house/power_w": [600, NOW]})
    await fake.page.get_by_text("600").wait_for()
    assert await fake.page.locator("body").get_attribute("data-live") == "yes"
    await fake.close(4201)
    await fake.is_grey()
    fake.refusing = False
    await fake.is_live()


# --- two tabs -----------------------------------------------------------------------------------------------------


async def device_of(fake: FakeGateway) -> Any:
    return (await fake.said("auth"))["device"]


async def test_two_tabs_have_two_names_and_a_tab_that_is_loaded_again_keeps_its_own(browser: Browser) -> None:
    """Copying a tab copies what it stored."""
    async with await browser.new_context() as context:
        one = FakeGateway(await context.new_page(), "http://localhost/")
        await one.open_live({})
        name = await device_of(one)
        copy = FakeGateway(await context.new_page(), "http://localhost/")
        await copy.page.add_init_script(
            f"sessionStorage.getItem('gateway.device') ?? sessionStorage.setItem('gateway.device', {name!r})"
        )
        await copy.open_live({})
        assert await device_of(copy) != name
        await one.page.reload()
        await one.connected(2)
        assert await device_of(one) == name
        assert one.complaints == copy.complaints == []


# --- where a gateway should be ------------------------------------------------------------------------------------


@pytest.mark.parametrize("portal", ["page", "redirect", "refusal"])
async def test_a_hotels_login_page_refuses_no_login(fake: FakeGateway, portal: Portal) -> None:
    fake.portal = portal
    await fake.open(logged_in=False)
    await fake.page.get_by_label("Password", exact=True).fill("secret")
    await fake.page.get_by_role("button", name="Log in").click()
    await fake.page.get_by_role("alert").get_by_text(NO_GATEWAY).wait_for()
    fake.portal = None
    await fake.page.get_by_role("button", name="Log in").click()
    await fake.is_live()


@pytest.mark.parametrize("portal", ["page", "redirect", "refusal"])
async def test_a_hotels_login_page_ends_no_login(fake: FakeGateway, portal: Portal) -> None:
    await fake.page.clock.install()
    fake.portal = portal
    await fake.open()
    await fake.page.get_by_text(NO_GATEWAY).wait_for()
    assert await fake.page.evaluate("sessionStorage.getItem('gateway.token')") == TOKEN
    fake.portal = None
    await fake.page.clock.run_for(10_000)
    await fake.is_live()


async def test_a_socket_that_cannot_be_opened_is_tried_again(page: Page, fake: FakeGateway) -> None:
    """A handshake that is answered with a web page looks like any other failure to a script."""
    await fake.open()
    fake.refusing = True
    if fake.connections:
        await fake.close(1012)
    await page.locator("#notice-reason").get_by_text("No connection to the gateway").wait_for()
    fake.refusing = False
    await fake.is_live()


# --- one unit of many ---------------------------------------------------------------------------------------------


async def test_one_charge_point_in_fault_greys_its_own_card_only(fake: FakeGateway) -> None:
    values = {
        f"chargepoints/{number}/{name}": [value, NOW]
        for number in (5, 6)
        for name, value in (("name", f"No. {number}"), ("power_w", 1000), ("plugged", True), ("mode", "pv"))
    }
    await fake.open_live({**values, "grid/power_w": [1, NOW]})
    faulty = {key: [*reading, "stale"] for key, reading in values.items() if key.startswith("chargepoints/5/")}
    fake.change({**faulty, "chargepoints/5/fault_state": [2, NOW], "chargepoints/5/fault_text": ["EVSE", NOW]})
    await card(fake.page, 5).get_by_text("EVSE").wait_for()
    assert await card(fake.page, 5).locator(".figure.stale").count() == 1
    assert await card(fake.page, 6).locator(".stale:visible").count() == 0
    assert await node(fake.page, "grid").locator(".stale:visible").count() == 0
    assert await fake.page.locator("body").get_attribute("data-live") == "yes"
