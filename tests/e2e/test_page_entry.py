"""Logging in and out, the set-up link, and which site is shown."""

import pytest

from tests.support.fake_gateway import FakeGateway
from tests.support.page import PLANT, text

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_log_in_and_out(fake: FakeGateway) -> None:
    fake.values.update(PLANT)
    await fake.open(logged_in=False)
    page = fake.page
    assert await page.get_by_label("Name").input_value() == "admin"
    await page.get_by_label("Password", exact=True).fill("correct horse")
    await page.keyboard.press("Enter")
    await fake.is_live()
    assert ("POST auth/login", {"name": "admin", "password": "correct horse"}) in fake.requests
    await page.reload()
    await fake.is_live()
    await page.get_by_role("button", name="Log out").click()
    await page.get_by_label("Password", exact=True).wait_for()
    assert ("POST auth/logout", None) in fake.requests
    assert await page.evaluate("Object.keys(sessionStorage).includes('gateway.token')") is False
    assert await page.locator("#dashboard").is_hidden()
    assert await page.get_by_label("Password", exact=True).input_value() == ""
    assert "10.75" not in (await page.locator("main").text_content() or "")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "Name or password is wrong."),
        (429, "Too many attempts. Try again in 7 s."),
        (503, "The gateway could not answer (503)."),
        (400, "what was wrong"),
    ],
)
async def test_a_refused_login_says_why(fake: FakeGateway, status: int, said: str) -> None:
    fake.rest["POST auth/login"] = (status, {"detail": "what was wrong"})
    await fake.open(logged_in=False)
    await fake.page.get_by_label("Password", exact=True).fill("wrong")
    await fake.page.get_by_role("button", name="Log in").click()
    await fake.page.get_by_role("alert").get_by_text(said).wait_for()


async def test_a_token_that_no_longer_counts_leads_to_the_login(fake: FakeGateway) -> None:
    fake.rest["GET sites"] = (401, {"detail": "expired", "code": "unauthenticated"})
    await fake.open()
    await fake.page.get_by_text("Your login has ended.").wait_for()
    assert await fake.page.evaluate("sessionStorage.getItem('gateway.token')") is None


async def test_the_set_up_link(fake: FakeGateway) -> None:
    await fake.open("#setup=once", logged_in=False)
    page = fake.page
    await page.get_by_label("New password", exact=True).fill("correct horse")
    assert page.url == "http://gateway.test/"
    await page.get_by_label("New password again").fill("correct house")
    await page.get_by_role("button", name="Set password").click()
    await page.get_by_text("The two passwords differ.").wait_for()
    assert not any(name == "POST auth/setup" for name, _ in fake.requests)
    await page.get_by_label("New password again").fill("correct horse")
    await page.get_by_role("button", name="Set password").click()
    await fake.is_live()
    assert ("POST auth/setup", {"token": "once", "password": "correct horse"}) in fake.requests
    assert ("POST auth/login", {"name": "admin", "password": "correct horse"}) in fake.requests


async def test_a_used_set_up_link_says_so_before_a_password_is_chosen(fake: FakeGateway) -> None:
    fake.rest["POST auth/setup/check"] = (401, {"detail": "the link is used up", "code": "bad_credentials"})
    await fake.open("#setup=twice", logged_in=False)
    await fake.page.get_by_text("If a password was chosen, log in with it").wait_for()
    assert await fake.page.get_by_role("button", name="Log in").is_visible()
    assert await fake.page.get_by_role("button", name="Set password").is_hidden()


async def test_a_link_that_is_used_up_meanwhile_says_so(fake: FakeGateway) -> None:
    fake.rest["POST auth/setup"] = (401, {"detail": "the set-up token is unknown", "code": "bad_credentials"})
    await fake.open("#setup=twice", logged_in=False)
    await fake.page.get_by_label("New password", exact=True).fill("correct horse")
    await fake.page.get_by_label("New password again").fill("correct horse")
    await fake.page.get_by_role("button", name="Set password").click()
    await fake.page.get_by_text("This set-up link has been used or has expired.").wait_for()
    assert await fake.page.get_by_role("button", name="Log in").is_visible()


async def test_one_site_needs_no_chooser(fake: FakeGateway) -> None:
    await fake.open_live({})
    assert await fake.page.locator("#site-chooser").is_hidden()
    assert await text(fake.page.locator("h1:visible")) == "Home"
    assert await fake.page.locator("#demo-badge").is_hidden()


async def test_several_sites_have_one(fake: FakeGateway) -> None:
    fake.rest["GET sites"] = (200, [{"id": "demo", "name": "Simulated"}, {"id": "b", "name": "House B"}])
    await fake.open_live({})
    page = fake.page
    assert await page.locator("#demo-badge").is_visible()
    await page.get_by_label("Site").select_option("House B")
    await fake.connected(2)
    await fake.is_live()
    assert (await fake.said("subscribe"))["site"] == "b"
    assert await page.locator("#demo-badge").is_hidden()
    await page.reload()
    await fake.connected(3)
    assert (await fake.said("subscribe"))["site"] == "b"
