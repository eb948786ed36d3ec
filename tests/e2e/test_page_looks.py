"""The page on every screen and for every eye."""

from typing import Any

import pytest

from tests.support.fake_gateway import NOW, FakeGateway
from tests.support.page import CAR, CONTRAST, PLANT, SIDEWAYS, UNNAMED, card

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("width", [320, 360, 768, 820, 1440])
async def test_nothing_is_wider_than_the_screen(fake: FakeGateway, width: int) -> None:
    long = {
        "chargepoints/5/name": ["Ein sehr langer Name " * 4, NOW],
        "chargepoints/5/id_tag": ["0123456789ABCDEF" * 2, NOW],
    }
    await fake.page.set_viewport_size({"width": width, "height": 900})
    await fake.open_live({**PLANT, **CAR, **long, "chargepoints/5/meter_wh": [1234567890, NOW]})
    assert await fake.page.evaluate(SIDEWAYS) == 0
    assert await fake.page.evaluate(UNNAMED) == []


OVERFLOWING = """() => [...document.querySelectorAll(".node, .node h3, .node .today, .facts > div, .facts dd")]
  .filter((one) => one.checkVisibility() && one.scrollWidth > one.clientWidth).map((one) => one.innerText)"""
WIDTHS = """(chosen) => [...document.querySelectorAll(chosen)].filter((one) => one.checkVisibility())
  .map((one) => one.getBoundingClientRect().width)"""


@pytest.mark.parametrize("width", [320, 390])
async def test_on_a_phone_cards_are_equally_wide_and_no_lines_take_their_room(fake: FakeGateway, width: int) -> None:
    await fake.page.set_viewport_size({"width": width, "height": 900})
    more = {"tariff/price_eur_per_kwh": [0.34, NOW], "battery/power_w": [2700, NOW], "link/since": [NOW, NOW]}
    await fake.open_live({**PLANT, **CAR, **more})
    assert len(set(await fake.page.evaluate(WIDTHS, ".panel"))) == 1
    assert len(set(await fake.page.evaluate(WIDTHS, ".node"))) == 1
    assert await fake.page.evaluate(OVERFLOWING) == []
    assert await fake.page.locator("#flow-lines").is_hidden()
    await fake.page.set_viewport_size({"width": 768, "height": 900})
    assert await fake.page.locator("#flow-lines").is_visible()


def car_park(count: int) -> dict[str, list[Any]]:
    """Many charge points with long names; the even ones are free."""
    values: dict[str, list[Any]] = {}
    for number in range(1, count + 1):
        for name, value in {
            "name": f"Stellplatz {number} in der Tiefgarage Nord, Gebäude B",
            "power_w": 0,
            "plugged": number % 2 == 1,
            "charging": False,
            "locked": number == 1,
            "mode": "pv",
            "meter_wh": 5_123_456,
            "energy_today_wh": 8_200,
            "serial_number": "4711",
        }.items():
            values[f"chargepoints/{number}/{name}"] = [value, NOW]
    return values


CUT = """() => [...document.querySelectorAll(".card-head *, .facts dd, .facts dt")]
  .filter((one) => one.checkVisibility() && one.scrollWidth > one.clientWidth + 1).map((one) => one.innerText)"""


@pytest.mark.parametrize("width", [360, 820, 1440])
async def test_a_car_park_fits_and_free_charge_points_are_short_on_a_phone(fake: FakeGateway, width: int) -> None:
    await fake.page.set_viewport_size({"width": width, "height": 900})
    await fake.open_live({**PLANT, **car_park(12)})
    assert await fake.page.locator(".card").count() == 12
    assert await fake.page.evaluate(SIDEWAYS) == 0
    assert await fake.page.evaluate(CUT) == []
    facts = card(fake.page, 2).locator(".facts.three")
    assert await facts.is_visible() is (width > 360)
    assert await card(fake.page, 1).locator(".facts.three").is_visible()
    await card(fake.page, 2).get_by_text("Details").click()
    assert await facts.is_visible()


async def test_a_few_charge_points_are_never_short(fake: FakeGateway) -> None:
    await fake.page.set_viewport_size({"width": 360, "height": 900})
    await fake.open_live(car_park(2))
    assert await card(fake.page, 2).locator(".facts.three").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("link", ["up", "connecting", "down"])
async def test_text_has_enough_contrast(fake: FakeGateway, scheme: Any, link: str) -> None:
    await fake.page.emulate_media(color_scheme=scheme)
    faults: dict[str, list[Any]] = {
        "chargepoints/5/fault_state": [2, NOW],
        "chargepoints/5/fault_text": ["broken", NOW],
    }
    stale = {"chargepoints/6/power_w": [1, NOW, "stale"], "pv/power_w": [1, NOW, "stale"]}
    await fake.open_live({**PLANT, **CAR, **faults, **stale, "chargepoints/5/locked": [True, NOW]})
    fake.change({"link/state": [link, NOW]})
    await fake.page.wait_for_selector(f"body[data-live={'yes' if link == 'up' else 'no'}]", state="attached")
    assert await fake.page.evaluate(CONTRAST) == []
