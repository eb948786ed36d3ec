"""What happened lately, on the page."""

from typing import Any

import pytest

from tests.support.fake_gateway import NOW, FakeGateway
from tests.support.page import CAR, PLANT, text

pytestmark = pytest.mark.asyncio(loop_scope="module")


def happened(fake: FakeGateway, event_id: str, event: str, **details: Any) -> None:
    told = {"event_id": event_id, "at": NOW, "site": "home", "event": event, "details": details}
    fake.send({"type": "event", **told})


async def lately(fake: FakeGateway) -> list[str]:
    """Without the times."""
    shown = await fake.page.locator("#events li").all_inner_texts()
    times = await fake.page.locator("#events li time").all_inner_texts()
    return [row.removeprefix(time).strip() for row, time in zip(shown, times, strict=True)]


async def test_a_restart_of_the_gateway_is_no_second_connection_of_the_box(fake: FakeGateway) -> None:
    await fake.open_live({**PLANT, **CAR})
    for number, (before, state) in enumerate(
        [("down", "up"), ("up", "connecting"), ("connecting", "up"), ("up", "silent"), ("silent", "up")]
    ):
        happened(fake, f"990000000000{number}-0", "link_changed", before=before, state=state, reason=None)
    await fake.page.locator("#events li").nth(2).wait_for()
    connected = "The openWB is connected"
    assert [words == connected for words in await lately(fake)] == [True, False, True]


async def test_the_newest_stand_first_in_words(fake: FakeGateway) -> None:
    await fake.open_live({**PLANT, **CAR})
    assert await fake.page.locator("#events").is_hidden()
    fault = {"before": 0, "fault_state": 2, "fault_text": "No contact."}
    happened(fake, "9900000000000-0", "link_changed", before="up", state="connecting", reason=None)
    happened(fake, "9900000000001-0", "link_changed", before="connecting", state="silent", reason=None)
    happened(fake, "9900000000002-0", "fault", target="chargepoints/5", **fault)
    happened(
        fake, "9900000000003-0", "fault", target="inverters/3", **{**fault, "fault_state": 1, "fault_text": None}
    )
    happened(fake, "9900000000004-0", "fault", target="grid", before=2, fault_state=0, fault_text=None)
    happened(fake, "9900000000004-1", "box_updated", before="2.1", version="2.2")
    happened(fake, "9900000000004-2", "a_later_kind", moons=3)
    happened(fake, "9900000000004-1", "box_updated", before="2.1", version="2.2")
    await fake.page.locator("#events").get_by_text("updated").wait_for()
    assert await lately(fake) == [
        "The openWB was updated to 2.2",
        "Grid: no fault any more",
        "Inverter 3: Warning",
        "Carport links: No contact.",
        "The openWB is silent: it sends no sign of life",
    ]


async def test_after_a_break_those_behind_the_last_one_are_asked_for(fake: FakeGateway) -> None:
    await fake.open_live({})
    first = (await fake.said("subscribe"))["events_after"]
    assert first.endswith("-0")
    day_ago = await fake.page.evaluate("Date.now() - 86_400_000")
    assert abs(int(first.removesuffix("-0")) - day_ago) < 600_000
    happened(fake, "9900000000000-10", "box_updated", before="2.1", version="2.2")
    happened(fake, "9900000000000-9", "box_updated", before="2.1", version="2.0")
    await fake.page.locator("#events").get_by_text("2.2").wait_for()
    assert len(await lately(fake)) == 1
    await fake.close(1012)
    await fake.connected(2)
    assert (await fake.said("subscribe"))["events_after"] == "9900000000000-10"


async def test_texts_of_events_are_no_markup_and_leave_with_the_login(fake: FakeGateway) -> None:
    await fake.open_live(CAR)
    markup = "<img src=x>"
    happened(fake, "9900000000000-0", "fault", target="vehicles/1", before=0, fault_state=2, fault_text=markup)
    await fake.page.locator("#events").get_by_text(markup).wait_for()
    assert await text(fake.page.locator("#events li")) != ""
    assert await fake.page.locator("#events img").count() == 0
    await fake.page.get_by_role("button", name="Log out").click()
    await fake.page.get_by_label("Password", exact=True).wait_for()
    assert await fake.page.locator("#events li").count() == 0
