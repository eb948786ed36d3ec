"""Chromium, Debian's own, driven by playwright."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, async_playwright

from tests.support.process import program

FLAGS = (
    "--no-sandbox",  # root has none, and tests only open pages of ours
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium_path() -> str:
    return program("chromium", "chromium")


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A headless browser; ``await browser.new_page()`` gives a page with nothing stored."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path(), args=list(FLAGS))
        try:
            yield browser
        finally:
            await browser.close()
