"""Takes ``docs/pictures/page.png``: the page of a demo in which both cars charge. Run it, and look at what it made.

python -m tests.support.take_pictures
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Page

from tests.support.gateway import PASSWORD, ROOT, GatewayPart
from tests.support.parts import chromium

PICTURES = ROOT / "docs" / "pictures"
WIDTH, MOST_HEIGHT = 1100, 1000
CHARGING_S = 170
"""Until both cars charge."""


async def main() -> None:
    """Start a demo, wait until both cars charge, take the picture; its path is printed."""
    with tempfile.TemporaryDirectory() as folder:
        async with GatewayPart("up", Path(folder)) as up, chromium() as browser:
            page = await browser.new_page(viewport={"width": WIDTH, "height": MOST_HEIGHT}, color_scheme="light")
            await _log_in(page, up.base)
            await asyncio.sleep(CHARGING_S)
            await page.screenshot(path=PICTURES / "page.png")
    sys.stdout.write(f"{PICTURES / 'page.png'}\n")


async def _log_in(page: Page, base: str) -> None:
    await page.goto(base)
    await page.locator("#login-password").fill(PASSWORD)
    await page.locator("form button:visible").click()
    await page.locator("#chargepoints").wait_for()


if __name__ == "__main__":
    asyncio.run(main())
