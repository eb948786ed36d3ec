"""A browser and a page of the test's own. Tests that ask for one run in their module's event loop."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.support.browser import chromium
from tests.support.fake_gateway import FakeGateway


@pytest_asyncio.fixture(loop_scope="module", scope="module", name="browser")
async def browser_fixture() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module", name="page")
async def page_fixture(browser: Browser, request: pytest.FixtureRequest) -> AsyncIterator[Page]:
    """A page in English, or in the language that the test's parameter says."""
    context = await browser.new_context(locale=getattr(request, "param", "en-GB"), timezone_id="Europe/Berlin")
    yield await context.new_page()
    await context.close()


@pytest_asyncio.fixture(loop_scope="module", name="fake")
async def fake_fixture(page: Page) -> AsyncIterator[FakeGateway]:
    """A gateway about whose page no browser complains."""
    fake = FakeGateway(page)
    yield fake
    assert fake.complaints == []
