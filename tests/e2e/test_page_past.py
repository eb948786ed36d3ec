"""What the page shows of the past: the history chart and the charging log, with prepared answers."""

from datetime import date
from typing import Any

import pytest
from playwright.async_api import Locator, Page

from tests.support.fake_gateway import NOW, FakeGateway
from tests.support.page import CAR, CONTRAST, PLANT, SIDEWAYS, UNNAMED, text
from tests.support.page_past import ChargeSessions, Past, charge_session, segments

pytestmark = pytest.mark.asyncio(loop_scope="module")

POWER_KEYS = [f"{name}/power_w" for name in ("pv", "grid", "house", "battery", "charging")]
NIGHT = dict.fromkeys(POWER_KEYS, ("2027-01-15T03:00", "2027-01-15T05:00", "not_recorded"))


def chip(page: Page, name: str) -> Locator:
    return page.locator(f"#history [data-series={name}]")


async def look_at(fake: FakeGateway, section: str) -> Locator:
    found = fake.page.locator(section)
    await found.scroll_into_view_if_needed()
    return found


async def open_history(fake: FakeGateway, past: Past) -> None:
    fake.rest["GET sites/home/history"] = (200, past)
    await fake.open_live(PLANT)
    await look_at(fake, "#history")
    await is_drawn(fake)


async def is_drawn(fake: FakeGateway) -> None:
    await fake.page.wait_for_selector("#history-chart .column", state="attached")


async def choose(fake: FakeGateway, kind: str) -> None:
    await fake.page.locator(f"#history [data-kind={kind}]").click()
    await is_drawn(fake)


async def test_today_up_to_now_with_a_gap_and_why(fake: FakeGateway) -> None:
    past = Past(holes=NIGHT)
    await open_history(fake, past)
    page = fake.page
    assert await text(page.locator("#history-period")) == "Fri, 15 Jan 2027"
    assert (past.asked[-1]["from"], past.asked[-1]["to"]) == ("2027-01-15", "2027-01-16")
    assert past.asked[-1]["resolution"] == "15m"
    assert await page.locator("#history-chart .gap").count() == 1
    assert await page.locator("#history-chart .gap-word").all_text_contents() == ["not recorded"]
    assert "Hatched: not recorded." in await text(page.locator("#history-hint"))
    assert await page.locator("#history-chart .now").count() == 1
    assert await page.locator("#history-on").is_disabled()
    assert await text(page.locator("#history-moment")) == "Up to now"
    assert (await text(chip(page, "battery"))).startswith("Battery 3.63 kWh discharged")


async def test_the_numbers_at_the_pointer_and_at_the_keys(fake: FakeGateway) -> None:
    await open_history(fake, Past(holes=NIGHT))
    page = fake.page
    chart = page.locator("#history-chart")
    box = await chart.bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + 43 + (box["width"] - 43) * 7.1 / 24, box["y"] + 60)
    await page.get_by_text("07:00\u201307:15").wait_for()
    assert await text(chip(page, "battery")) == "Battery 1.25 kW discharging"
    assert await text(chip(page, "grid")) == "Grid 0 W"
    assert await text(chip(page, "house")) == "House 1.25 kW"
    await page.mouse.move(5, 5)
    await page.get_by_text("Up to now").wait_for()
    await chart.focus()
    for _ in range(13):
        await page.keyboard.press("ArrowRight")
    assert await text(chip(page, "house")) == "House not recorded"
    assert await chart.get_attribute("aria-valuetext") == (
        "03:00\u201303:15; Solar not recorded; Battery not recorded; Grid not recorded; Charging not recorded;"
        " House not recorded"
    )


async def test_weeks_months_years_back_and_forward(fake: FakeGateway) -> None:
    past = Past(since=date(2026, 4, 20))
    await open_history(fake, past)
    page = fake.page
    await choose(fake, "week")
    assert await text(page.locator("#history-period")) == "11 \u2013 17 Jan 2027"
    assert past.asked[-1]["resolution"] == "1h"
    await choose(fake, "month")
    assert (past.asked[-1]["from"], past.asked[-1]["resolution"]) == ("2027-01-01", "1d")
    assert not any(key.endswith("power_w") for key in past.asked[-1]["series"].split(","))
    await choose(fake, "year")
    await page.get_by_role("button", name="Earlier").click()
    await is_drawn(fake)
    assert await text(page.locator("#history-period")) == "2026"
    assert await page.locator("#history-chart .gap-word").all_text_contents() == ["not recorded"]
    await page.get_by_text("As a table").click()
    await page.locator("#history-table tr").nth(12).wait_for()
    rows = await page.locator("#history-table tr").all_inner_texts()
    assert len(rows) == 13
    assert rows[1].split("\t")[:2] == ["January 2026", "not recorded"]
    assert rows[5].startswith("May 2026\t")
    await page.get_by_role("button", name="Today").click()
    await is_drawn(fake)
    assert await text(page.locator("#history-period")) == "2027"


async def test_series_can_be_taken_out(fake: FakeGateway) -> None:
    await open_history(fake, Past())
    page = fake.page
    await chip(page, "battery").click()
    await page.wait_for_selector("#history-chart .column.of-battery", state="detached")
    assert await chip(page, "battery").get_attribute("aria-pressed") == "false"
    await chip(page, "battery").click()
    await page.wait_for_selector("#history-chart .column.of-battery", state="attached")


async def test_a_history_that_cannot_be_had_says_so_and_comes_later(fake: FakeGateway) -> None:
    fake.rest["GET sites/home/history"] = (503, {"code": "database_unavailable", "detail": "no"})
    await fake.open_live(PLANT)
    await look_at(fake, "#history")
    note = fake.page.locator("#history-note")
    await note.get_by_text("The gateway could not answer (503).").wait_for()
    fake.rest["GET sites/home/history"] = (200, Past())
    await choose(fake, "week")
    assert await note.is_hidden()


async def test_who_logs_out_leaves_nothing_of_the_past(fake: FakeGateway) -> None:
    fake.rest["GET sites/home/history"] = (200, Past())
    await open_log(fake, 3)
    page = fake.page
    await look_at(fake, "#history")
    await is_drawn(fake)
    await page.get_by_text("As a table").click()
    await page.locator("#history-table tr").first.wait_for()
    await page.get_by_role("button", name="Log out").click()
    await page.locator("#login-form").wait_for()
    left = await page.evaluate("document.querySelector('#dashboard').textContent")
    assert [word for word in ("kWh", "Ioniq", "07:00") if word in left] == []
    assert await page.locator("#history .column").count() == 0


def many(count: int) -> list[dict[str, Any]]:
    found = [charge_session(number) for number in range(1, count + 1)]
    found[1] = charge_session(
        2,
        vehicle_name="Zoé <b>",
        completeness=["begin_unknown", "gap"],
        source_how="estimated",
        energy_by_source={"grid_wh": 500, "pv_wh": 300, "battery_wh": 0, "unknown_wh": 200},
        energy_wh=1000,
    )
    return found


async def open_log(fake: FakeGateway, count: int = 30) -> ChargeSessions:
    sessions = many(count)
    past = ChargeSessions(sessions)
    fake.rest["GET sites/home/charge-sessions"] = (200, past)
    fake.rest["GET sites/home/charge-sessions/998"] = (
        200,
        {
            **sessions[1],
            "segments": segments(sessions[1]),
            "original": {},
            "versions": [{"version": 1, "author": "admin", "reason": "typo", "at": "2027-01-14T18:20:00+01:00"}],
        },
    )
    current = charge_session(0, plugged_at="2027-01-15T07:40:00+01:00", unplugged_at=None, energy_wh=4200.5)
    current["segments"] = segments({**current, "unplugged_at": None})[:1]
    fake.rest["GET sites/home/charge-sessions/current"] = (200, {"sessions": [current]})
    await fake.open_live({**PLANT, **CAR, "chargepoints/5/meter_wh": [10_843_500, NOW]})
    await look_at(fake, "#charge-log")
    await fake.page.locator("#log-rows > li").first.wait_for()
    return past


async def test_the_log_has_what_goes_on_on_top_and_follows_it(fake: FakeGateway) -> None:
    past = await open_log(fake, 3)
    page = fake.page
    current = page.locator("#log-current > li")
    shown = await text(current)
    assert "Ioniq 5 4.50 kWh since Fri, 15 Jan 2027, 07:40 Carport links" in shown
    assert "11.02 kW" in shown
    fake.change({"chargepoints/5/meter_wh": [10_844_000, NOW]})
    await current.get_by_text("5.00\u202fkWh").wait_for()
    assert (await text(page.locator("#log-totals"))).startswith("3 charge sessions · 27.08 kWh")
    past.sessions.insert(0, charge_session(0, id=2000, vehicle_name="Just ended"))
    fake.rest["GET sites/home/charge-sessions/current"] = (200, {"sessions": []})
    details = {"chargepoint_id": "5", "plugged_at": NOW - 60, "vehicle_id": 1, "energy_wh": 5000}
    ended = {"event": "charge_session_ended", "event_id": f"{int(NOW * 1000)}-1", "after_seq": 1, "details": details}
    fake.send({"type": "event", "site": "home", "at": NOW, **ended})
    await page.locator("#log-rows > li").first.get_by_text("Just ended").wait_for()
    assert await current.count() == 0
    assert "Carport links: unplugged, 5.00 kWh charged" in await text(page.locator("#events"))


async def test_the_log_gives_more_on_demand_and_details(fake: FakeGateway) -> None:
    await open_log(fake)
    page = fake.page
    assert await page.locator("#log-rows > li").count() == 25
    await page.get_by_role("button", name="Show more").click()
    await page.locator("#log-rows > li").nth(29).wait_for()
    assert await page.locator("#log-more").is_hidden()
    odd = page.locator("#log-rows > li").nth(1)
    assert await odd.locator(".flag").all_inner_texts() == ["Begin not seen", "Partly not seen"]
    assert "Solar 30 %, Grid 50 %, unknown 20 % (estimated)" in await text(odd)
    assert await odd.locator("[data-who]").inner_text() == "Zoé <b>"
    await odd.locator("summary").click()
    await odd.get_by_text("Corrected by admin, 14 Jan 2027, 18:20: typo").wait_for()
    assert "The energy is right" in await text(odd.locator("[data-notes]"))
    facts = await text(odd.locator("[data-facts]"))
    assert "Meter 10,839.00 kWh → 10,852.04 kWh" in facts
    assert "Time charging 1 h 32 min" in facts
    rows = await odd.locator("[data-segments] tr").all_inner_texts()
    assert rows == [
        "Mode\tTime\tEnergy",
        "Solar\t18:05\u201320:05\t9.00\u202fkWh",
        "Instant\t20:05\u201321:40\t4.04\u202fkWh",
    ]


async def test_a_site_without_a_past_says_so(fake: FakeGateway) -> None:
    await fake.open_live(PLANT)
    await look_at(fake, "#charge-log")
    await fake.page.get_by_text("Nothing was recorded yet.").wait_for()
    await fake.page.get_by_text("No charge session yet.").wait_for()
    assert await chip(fake.page, "pv").is_hidden()


@pytest.mark.parametrize("page", ["de-DE"], indirect=True)
@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (1360, "dark")])
async def test_the_past_fits_every_screen_and_eye_in_german(fake: FakeGateway, width: int, scheme: Any) -> None:
    await fake.page.emulate_media(color_scheme=scheme)
    await fake.page.set_viewport_size({"width": width, "height": 900})
    fake.rest["GET sites/home/history"] = (200, Past(holes=NIGHT))
    await open_log(fake)
    page = fake.page
    await page.locator("#log-rows summary").nth(1).click()
    await page.locator("#log-rows [data-facts] dt").first.wait_for()
    await look_at(fake, "#history")
    await is_drawn(fake)
    await page.get_by_text("Als Tabelle").click()
    assert await page.evaluate(SIDEWAYS) == 0
    assert await page.evaluate(UNNAMED) == []
    assert await page.evaluate(CONTRAST) == []
    assert "Bis jetzt" in await text(page.locator("#history"))
    assert "30 Ladevorgänge" in await text(page.locator("#log-totals"))
