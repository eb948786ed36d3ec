"""What the page shows, and what it does not believe."""

import re

import pytest

from tests.support.fake_gateway import NOW, FakeGateway
from tests.support.page import CAR, PLANT, card, colour, node, text

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNKNOWN = "—"


async def test_the_flow_says_how_much_and_which_way(fake: FakeGateway) -> None:
    await fake.open_live({**PLANT, **CAR})
    page = fake.page
    assert await text(node(page, "grid")) == "Grid 10.75 kW importing Imported today 6.80 kWh"
    assert await text(node(page, "pv").locator(".figure")) == "5.36 kW"
    assert await text(node(page, "battery")) == "Battery 2.70 kW discharging 70 %"
    assert await text(node(page, "house").locator(".figure")) == "434 W"
    assert await text(node(page, "charging").locator(".direction")) == "1/1 charging"
    fake.change({"grid/power_w": [-1234.5, NOW], "battery/power_w": [3, NOW], "pv/power_w": [0, NOW]})
    await node(page, "grid").get_by_text("exporting").wait_for()
    assert await text(node(page, "grid").locator(".figure")) == "1.23 kW"
    assert await text(node(page, "battery").locator(".direction")) == "idle"
    assert await page.locator(".stream.of-pv").get_attribute("hidden") is not None


async def test_only_what_the_site_has_is_shown(fake: FakeGateway) -> None:
    await fake.open_live({"grid/power_w": [1, NOW], "house/power_w": [1, NOW]})
    page = fake.page
    assert await node(page, "grid").is_visible()
    for absent in ("pv", "battery", "charging"):
        assert await node(page, absent).is_hidden()
    assert await page.locator("#chargepoints").is_hidden()
    assert await page.locator("#vehicles").is_hidden()


async def test_what_the_box_does_not_know_takes_no_room(fake: FakeGateway) -> None:
    """A 1.9 has no totals of the day and no words about its state; what it has without a number is unknown."""
    await fake.open_live({**CAR, "chargepoints/5/meter_wh": [None, None], "house/power_w": [1, NOW]})
    assert await node(fake.page, "house").locator(".today").is_hidden()
    shown = card(fake.page, 5)
    assert await text(shown.locator(".facts.three")) == f"Target 16.0 A Meter {UNKNOWN}"
    fake.change({"chargepoints/5/state_text": None})
    await shown.locator("[data-state-text]").wait_for(state="hidden")


async def test_a_meter_reads_as_on_its_own_face(fake: FakeGateway) -> None:
    await fake.open_live({**CAR, "chargepoints/5/meter_wh": [10_840_123.4, NOW]})
    assert "Meter 10,840.1 kWh" in await text(card(fake.page, 5).locator(".facts.three"))


async def test_a_stale_flow_says_so_instead_of_its_direction(fake: FakeGateway) -> None:
    await fake.open_live({**PLANT, "pv/power_w": [5000, NOW, "stale"]})
    assert await text(node(fake.page, "pv")) == "Solar 5.00 kW Not current"
    assert await text(node(fake.page, "grid").locator(".direction")) == "importing"


async def test_a_charge_point(fake: FakeGateway) -> None:
    await fake.open_live(CAR)
    shown = card(fake.page, 5)
    assert await text(shown.locator("h3")) == "Carport links"
    assert await text(shown.locator("[data-pill=status]")) == "Charging"
    assert await text(shown.locator(".figure")) == "11.02 kW"
    assert await text(shown.locator(".phases")) == "L1 15.9 A L2 15.9 A L3 —"
    assert await text(shown.locator("[data-vehicle]")) == "Ioniq 5 42 %"
    assert await text(shown.locator("[data-key=mode]")) == "Instant"
    assert await shown.locator("[data-key=id_tag]").is_hidden()
    assert await shown.locator("[data-pill=locked]").is_hidden()
    assert await shown.locator("[data-pill=fault]").is_hidden()


async def test_a_charge_point_changes(fake: FakeGateway) -> None:
    await fake.open_live(CAR)
    shown = card(fake.page, 5)
    fake.change(
        {
            "chargepoints/5/plugged": [False, NOW],
            "chargepoints/5/charging": [False, NOW],
            "chargepoints/5/locked": [True, NOW],
            "chargepoints/5/fault_state": [2, NOW],
            "chargepoints/5/fault_text": ["EVSE antwortet nicht", NOW],
            "chargepoints/5/power_w": [None, NOW],
        }
    )
    await shown.locator(".fault-text").get_by_text("EVSE antwortet nicht").wait_for()
    assert await text(shown.locator("[data-pill=status]")) == "Free"
    assert await shown.locator("[data-pill=locked]").is_visible()
    assert await text(shown.locator("[data-pill=fault]")) == "Fault"
    assert await text(shown.locator(".figure")) == UNKNOWN
    assert await shown.locator("[data-vehicle]").is_hidden()


async def test_charge_points_come_in_order_and_go(fake: FakeGateway) -> None:
    await fake.open_live({f"chargepoints/{number}/name": [f"No. {number}", NOW] for number in (10, 9, 4)})
    titles = fake.page.locator(".card h3")
    assert await titles.all_inner_texts() == ["No. 4", "No. 9", "No. 10"]
    fake.change({"chargepoints/9/name": None, "chargepoints/5/name": ["No. 5", NOW]})
    await fake.page.get_by_text("No. 5").wait_for()
    assert await titles.all_inner_texts() == ["No. 4", "No. 5", "No. 10"]


async def test_details_have_the_catalogues_words(fake: FakeGateway) -> None:
    entry = {"key": "chargepoints/+/voltages_v", "unit": "V", "text": "Charge point: voltage per phase, 0 = none"}
    fake.rest["GET catalogue"] = (200, {"language": "en", "entries": [entry]})
    await fake.open_live(
        {
            **CAR,
            "chargepoints/5/voltages_v": [[230.1, 231, 0], NOW],
            "chargepoints/5/limit": [{"kind": "soc", "soc_percent": 80, "energy_wh": None}, NOW],
        }
    )
    await card(fake.page, 5).get_by_text("Details").click()
    details = card(fake.page, 5).locator("[data-details]")
    await details.get_by_text("Voltage per phase").wait_for()
    assert await text(details) == "Voltage per phase 230.1 V 231.0 V 0.0 V Limit up to 80 %"


async def test_details_call_the_modes_by_the_words_of_the_page(fake: FakeGateway) -> None:
    await fake.open_live(
        {**CAR, "chargepoints/5/instant_current_a": [16, NOW], "chargepoints/5/min_current_a": [6, NOW]}
    )
    await card(fake.page, 5).get_by_text("Details").click()
    shown = await text(card(fake.page, 5).locator("[data-details]"))
    assert shown == "Current in mode “Instant” 16 Least current in mode “Solar” 6"


async def test_a_vehicle_of_unknown_charge_has_no_bar(fake: FakeGateway) -> None:
    await fake.open_live({**CAR, "vehicles/2/name": ["e-Up", NOW], "vehicles/2/soc_percent": [None, None]})
    for number, bars in ((1, 1), (2, 0)):
        row = fake.page.locator(f".row[data-vehicle='{number}']")
        assert await row.locator(".meter:visible").count() == bars
    bar = card(fake.page, 5).locator("[data-vehicle-meter]")
    assert await bar.is_visible()
    fake.change({"chargepoints/5/vehicle_id": [2, NOW]})
    await bar.wait_for(state="hidden")


async def test_the_box_and_its_messages(fake: FakeGateway) -> None:
    await fake.open_live(
        {
            "box/version": ["2.2.2", NOW],
            "box/messages/1795330248321": [{"type": "warning", "text": "Update available"}, NOW],
            "tariff/price_eur_per_kwh": [0.3182, NOW],
            "link/dialect": ["openwb-2", NOW],
        }
    )
    shown = await text(fake.page.locator("#box"))
    assert "Electricity price 31.82 ct/kWh" in shown
    assert "Version 2.2.2" in shown
    assert "Update available" in shown
    assert "Clock" not in shown
    fake.change({"box/messages/1795330248321": None})
    await fake.page.locator("#box-messages").wait_for(state="hidden")


async def test_texts_of_the_box_are_no_markup(fake: FakeGateway) -> None:
    markup = "<img src=x onerror=\"document.title='broken'\"><b>bold</b>"
    await fake.open_live(
        {
            "chargepoints/5/name": [markup, NOW],
            "chargepoints/5/state_text": [markup, NOW],
            "chargepoints/5/fault_state": [1, NOW],
            "chargepoints/5/fault_text": [markup, NOW],
            "vehicles/1/name": [markup, NOW],
            "box/messages/1": [{"type": "info", "text": markup}, NOW],
        }
    )
    assert await card(fake.page, 5).locator("h3").inner_text() == markup
    assert await fake.page.locator("main img").count() == 0
    assert await fake.page.title() == "Home · openWB Gateway"


# --- is it live? --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "reason", "word", "said"),
    [
        ("connecting", None, "Connecting", "The gateway is connecting to the openWB"),
        ("silent", None, "Silent", "The openWB is silent: it sends no sign of life"),
        ("down", "unreachable", "Not connected", "The gateway has no connection to the openWB: it cannot be reached"),
        ("down", "bad_credentials", "Not connected", "openWB: it refuses the user name or password"),
        ("down", "certificate", "Not connected", "openWB: its certificate is not the expected one"),
        ("no_rights", "no_rights:full-access", "No access", "its values: grant its user full-access"),
        ("secondary", "connect_to_primary", "Secondary", "another openWB: connect the gateway to the primary one"),
        ("bridge_down", None, "Stopped", "The part of the gateway that reads the openWB is not running"),
        ("a_new_one", "new", "Not connected", "a_new_one: new"),
    ],
)
async def test_while_the_link_is_not_up_all_is_grey(
    fake: FakeGateway, state: str, reason: str | None, word: str, said: str
) -> None:
    await fake.open_live({**PLANT, **CAR, "link/since": [NOW - 60, NOW]})
    live = await colour(node(fake.page, "grid").locator(".figure"))
    fake.change({"link/state": [state, NOW], "link/reason": [reason, NOW]})
    await fake.is_grey()
    page = fake.page
    assert await text(page.locator("#link-word")) == word
    notice = await text(page.locator("#notice-reason"))
    assert said in notice
    assert ", since " in notice
    assert (await text(page.locator("#notice-age"))).startswith("Values as of ")
    grey = {await colour(one) for one in await page.locator("main .value:visible").all()}
    assert len(grey) == 1
    assert live not in grey
    fake.change({"link/state": ["up", NOW], "link/reason": [None, NOW]})
    await fake.is_live()
    assert await page.locator("#notice").is_hidden()


async def test_a_link_of_which_nothing_is_known_is_not_up(fake: FakeGateway) -> None:
    await fake.open_live(PLANT)
    fake.change({"link/state": None})
    await fake.is_grey()
    assert await text(fake.page.locator("#notice-reason")) == "Nothing is known of the openWB yet."


async def test_the_age_is_that_of_the_newest_value_on_the_gateways_clock(fake: FakeGateway) -> None:
    await fake.open_live({"grid/power_w": [1, NOW - 120], "house/power_w": [1, None]})
    fake.change({"link/state": ["silent", NOW + 5]})
    await fake.is_grey()
    assert "2 minutes ago" in await text(fake.page.locator("#notice-age"))


async def test_without_the_gateway_the_age_is_that_of_its_last_sign_of_life(fake: FakeGateway) -> None:
    """While the box was connected, silence about a value said that it had not changed."""
    await fake.open_live({"grid/power_w": [1, NOW - 120]})
    fake.change({})
    fake.accepting = False
    await fake.close(1012)
    await fake.is_grey()
    assert re.search(r"\(\d seconds? ago\)", await text(fake.page.locator("#notice-age")))


async def test_a_stale_value_is_grey_on_its_own(fake: FakeGateway) -> None:
    await fake.open_live({**PLANT, **CAR})
    figure = card(fake.page, 5).locator(".figure")
    live = await colour(figure)
    fake.change({"chargepoints/5/power_w": [11015.75, NOW, "stale"]})
    await card(fake.page, 5).locator(".figure.stale").wait_for()
    assert await colour(figure) != live
    assert await figure.get_attribute("title") == "This value is no longer up to date"
    assert await colour(node(fake.page, "grid").locator(".figure")) == live
    said = card(fake.page, 5).locator("[data-pill=stale]")
    assert await text(said) == "Not current"
    fake.change({"chargepoints/5/power_w": [11000, NOW]})
    await card(fake.page, 5).locator(".figure:not(.stale)").wait_for()
    assert await said.is_hidden()
    assert await colour(figure) == live
    assert await figure.get_attribute("title") is None


@pytest.mark.parametrize("page", ["de-DE"], indirect=True)
async def test_in_german(fake: FakeGateway) -> None:
    await fake.open_live({**PLANT, **CAR})
    page = fake.page
    assert await text(node(page, "grid")) == "Netz 10,75 kW Bezug Bezug heute 6,80 kWh"
    assert await text(card(page, 5).locator("[data-pill=status]")) == "Lädt"
    assert await page.locator("html").get_attribute("lang") == "de"
    assert any("catalogue" in name for name, _ in fake.requests)


async def test_every_word_exists_in_both_languages(fake: FakeGateway) -> None:
    await fake.open(logged_in=False)
    names = await fake.page.evaluate("async () => (await import('/strings.js')).names()")
    assert names["en"] == names["de"]
    used = "[...document.querySelectorAll('[data-t]')].filter((one) => !one.textContent).map((one) => one.dataset.t)"
    assert await fake.page.evaluate(used) == []
