"""How tests read the page, and values of a small site for it to show."""

from typing import Any

from playwright.async_api import Locator, Page

from tests.support.fake_gateway import NOW

PLANT: dict[str, list[Any]] = {
    "grid/power_w": [10750.37, NOW],
    "grid/imported_today_wh": [6803.4, NOW],
    "pv/power_w": [5361.94, NOW],
    "battery/power_w": [-2700.0, NOW],
    "battery/soc_percent": [70, NOW],
    "house/power_w": [434.2, NOW],
    "charging/power_w": [11015.75, NOW],
}
CAR: dict[str, list[Any]] = {
    "chargepoints/5/name": ["Carport links", NOW],
    "chargepoints/5/power_w": [11015.75, NOW],
    "chargepoints/5/currents_a": [[15.88, 15.87, None], NOW],
    "chargepoints/5/plugged": [True, NOW],
    "chargepoints/5/charging": [True, NOW],
    "chargepoints/5/locked": [False, NOW],
    "chargepoints/5/mode": ["instant", NOW],
    "chargepoints/5/current_target_a": [16, NOW],
    "chargepoints/5/vehicle_id": [1, NOW],
    "chargepoints/5/state_text": ["Fahrzeug lädt.", NOW],
    "vehicles/1/name": ["Ioniq 5", NOW],
    "vehicles/1/soc_percent": [42, NOW],
}


def node(page: Page, name: str) -> Locator:
    return page.locator(f"[data-node={name}]")


def card(page: Page, number: int) -> Locator:
    return page.locator(f"[data-chargepoint='{number}']")


async def text(locator: Locator) -> str:
    """Its text as a person reads it: one line, plain spaces."""
    return " ".join((await locator.inner_text()).split())


async def colour(locator: Locator) -> Any:
    return await locator.evaluate("(element) => getComputedStyle(element).color")
