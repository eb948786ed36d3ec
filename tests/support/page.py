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
UNNAMED = """() => [...document.querySelectorAll("button, input, select, a, summary")]
  .filter((one) => one.checkVisibility() && !one.innerText?.trim() && !one.labels?.length)
  .map((one) => one.outerHTML)"""
"""Controls without a name."""
SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
"""How many pixels the page is wider than the screen."""
CONTRAST = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgb = (layers) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const layer of layers) { canvas.fillStyle = layer; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (colour) => colour.map((one) => one / 255)
    .map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4))
    .reduce((sum, one, place) => sum + one * [0.2126, 0.7152, 0.0722][place], 0);
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((one) => one.nodeType === Node.TEXT_NODE && one.textContent.trim());
    if (!own || !element.checkVisibility() || element.closest(".visually-hidden, .skip, noscript, option")) continue;
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.unshift(getComputedStyle(at).backgroundColor);
    const [front, back] = [light(rgb([...layers, getComputedStyle(element).color])), light(rgb(layers))];
    const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
    if (ratio < 4.5) found.push(`${ratio.toFixed(2)} ${element.textContent.trim().slice(0, 30)}`);
  }
  return found;
}"""
"""Texts that are hard to read."""


def node(page: Page, name: str) -> Locator:
    return page.locator(f"[data-node={name}]")


def card(page: Page, number: int) -> Locator:
    return page.locator(f"[data-chargepoint='{number}']")


async def text(locator: Locator) -> str:
    """Its text as a person reads it: one line, plain spaces."""
    return " ".join((await locator.inner_text()).split())


async def colour(locator: Locator) -> Any:
    return await locator.evaluate("(element) => getComputedStyle(element).color")
