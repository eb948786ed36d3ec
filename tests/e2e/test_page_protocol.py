"""The page's side of the live protocol, in Chromium, with a gateway that fails on demand."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.support.fake_gateway import NOW, TOKEN, FakeGateway

pytestmark = pytest.mark.asyncio(loop_scope="module")

SUBSCRIBED = {
    "type": "subscribed",
    "id": 2,
    "subscription": 7,
    "view": "v",
    "how": "snapshot",
    "epoch": "k",
    "seq": 5,
}
HELD = {"epoch": "k", "seq": 5, "view": "v"}
A, B = ["a", 1.0], ["b", 2.0]
PLAY = """async (messages) => {
  const { LiveState } = await import("/live.js");
  const state = new LiveState({ site: "home", keys: ["#"], minIntervalMs: 0, token: "t", device: "d" });
  state.opened();
  const sent = messages.map((message) => state.received(message, 0).send ?? null);
  const values = Object.fromEntries(state.values);
  return { values, position: state.position, sent, again: state.opened()[1].from ?? null };
}"""


@pytest_asyncio.fixture(loop_scope="module", scope="module", name="modules")
async def modules_fixture(browser: Browser) -> AsyncIterator[Page]:
    """A page whose modules can be asked directly; shared, because they hold no state."""
    async with await browser.new_context() as context:
        fake = FakeGateway(await context.new_page())
        await fake.open(logged_in=False)
        yield fake.page


def part(number: int, parts: int, values: dict[str, Any], *, seq: int = 5, epoch: str = "k") -> dict[str, Any]:
    place = {"subscription": 7, "epoch": epoch, "seq": seq, "part": number, "parts": parts}
    return {"type": "snapshot", **place, "values": values}


def delta(start: int, seq: int, values: dict[str, Any], *, subscription: int = 7) -> dict[str, Any]:
    return {"type": "delta", "subscription": subscription, "from": start, "seq": seq, "values": values}


def reset(reason: str, now: int) -> dict[str, Any]:
    return {"type": "reset", "subscription": 7, "reason": reason, "now": now}


@pytest.mark.parametrize(
    ("messages", "values", "position"),
    [
        pytest.param([part(1, 1, {"a": A})], {"a": A}, HELD, id="snapshot"),
        pytest.param([part(1, 2, {"a": A})], {}, None, id="part of a snapshot shows nothing"),
        pytest.param([part(1, 2, {"a": A}), part(2, 2, {"b": B})], {"a": A, "b": B}, HELD, id="last part"),
        pytest.param(
            [part(1, 2, {"a": A}), part(1, 1, {"b": B})], {"b": B}, HELD, id="a first part begins the snapshot anew"
        ),
        pytest.param([part(2, 2, {"a": A})], {}, None, id="a last part alone is nothing"),
        pytest.param([part(1, 1, {}), delta(5, 6, {"a": A})], {"a": A}, HELD | {"seq": 6}, id="delta"),
        pytest.param([part(1, 1, {}), delta(3, 8, {"a": A})], {"a": A}, HELD | {"seq": 8}, id="delta from before"),
        pytest.param([part(1, 1, {"a": A}), delta(3, 5, {"a": B})], {"a": A}, HELD, id="delta of the past"),
        pytest.param([part(1, 1, {"a": A}), delta(5, 6, {})], {"a": A}, HELD | {"seq": 6}, id="heartbeat moves on"),
        pytest.param(
            [part(1, 1, {"a": A, "b": B}), delta(5, 6, {"a": None})], {"b": B}, HELD | {"seq": 6}, id="ceased"
        ),
        pytest.param(
            [part(1, 1, {"a": A}), delta(5, 6, {"a": [None, 3.0]})],
            {"a": [None, 3.0]},
            HELD | {"seq": 6},
            id="unknown",
        ),
        pytest.param(
            [part(1, 1, {"a": A}), delta(5, 6, {"a": B}, subscription=9)], {"a": A}, HELD, id="another subscription"
        ),
        pytest.param(
            [part(1, 2, {"a": A}), delta(5, 6, {"a": B}), part(2, 2, {})], {"a": A}, HELD, id="none between parts"
        ),
        pytest.param([part(1, 1, {"a": A}), {"type": "surprise", "new": 1}], {"a": A}, HELD, id="unknown message"),
        pytest.param([part(1, 1, {"a": A}), {"type": "constructor"}], {"a": A}, HELD, id="no name of the language"),
        pytest.param([part(1, 1, {"a": A}), reset("epoch", 7)], {"a": A}, None, id="reset voids the position"),
        pytest.param(
            [part(1, 1, {"a": A}), reset("epoch", 7), part(1, 1, {"b": B}, seq=9, epoch="k2")],
            {"b": B},
            {"epoch": "k2", "seq": 9, "view": "v"},
            id="snapshot after reset",
        ),
        pytest.param(
            [part(1, 1, {"a": A}), reset("trimmed", 7), delta(5, 6, {"a": B})], {"a": A}, None, id="delta after reset"
        ),
        pytest.param(
            [part(1, 1, {"a": A}), reset("view", 8), delta(5, 6, {"a": B})],
            {"a": A},
            None,
            id="reset to a new number",
        ),
    ],
)
async def test_rules(
    modules: Page, messages: list[Any], values: dict[str, Any], position: dict[str, Any] | None
) -> None:
    played = await modules.evaluate(PLAY, [SUBSCRIBED, *messages])
    assert played["values"] == values
    assert played["position"] == position
    assert played["again"] == position
    assert not any(played["sent"])


async def test_a_gap_is_closed_by_subscribing_again_from_what_is_held(modules: Page) -> None:
    played = await modules.evaluate(PLAY, [SUBSCRIBED, part(1, 1, {"a": A}), delta(6, 7, {"a": B})])
    unsubscribe, subscribe = played["sent"][-1]
    assert (unsubscribe["type"], unsubscribe["subscription"]) == ("unsubscribe", 7)
    assert (subscribe["type"], subscribe["from"]) == ("subscribe", HELD)
    assert played["values"] == {"a": A}


async def test_after_a_reset_of_the_view_no_resume_is_asked_for(modules: Page) -> None:
    snapshot = part(1, 1, {"b": B}) | {"subscription": 8}
    played = await modules.evaluate(PLAY, [SUBSCRIBED, part(1, 1, {"a": A}), reset("view", 8), snapshot])
    assert played["values"] == {"b": B}
    assert played["again"] is None


@pytest.mark.parametrize(
    ("code", "attempt", "expected"),
    [
        (4001, 0, {"login": True}),
        (4010, 0, {"login": True}),
        (4203, 0, {"login": True}),
        (4005, 0, {"stop": True}),
        (4099, 3, {"stop": True}),
        (4102, 0, {"wait": 500}),
        (4104, 3, {"wait": 4_000}),
        (1006, 1, {"wait": 1_000}),
        (1012, 50, {"wait": 30_000}),
        (4201, 5, {"wait": 1_000}),
    ],
)
async def test_close_codes(modules: Page, code: int, attempt: int, expected: dict[str, Any]) -> None:
    script = "async ([code, attempt]) => (await import('/live.js')).afterClose(code, attempt, 0.5)"
    assert await modules.evaluate(script, [code, attempt]) == expected


async def test_what_a_connection_says_first(fake: FakeGateway) -> None:
    await fake.open_live({"grid/power_w": [1234.5, NOW]})
    auth = await fake.said("auth")
    assert auth["token"] == TOKEN
    assert auth["device"].startswith("page-")
    subscribe = await fake.said("subscribe")
    assert subscribe["site"] == "home"
    assert len(subscribe["keys"]) <= 16
    assert [message["type"] for message in fake.received] == ["auth", "subscribe"]


@pytest.mark.parametrize("code", [1012, 4101, 4201])
async def test_comes_back_and_resumes(fake: FakeGateway, code: int) -> None:
    await fake.open_live({"house/power_w": [500, NOW]})
    fake.change({"house/power_w": [600, NOW + 1]})
    await fake.page.get_by_text("600").wait_for()
    fake.how = "resumed"
    fake.accepting = False
    await fake.close(code)
    await fake.is_grey()
    assert await fake.page.locator("#notice").is_visible()
    assert await fake.page.locator("[data-node=house] .figure").inner_text() == "600\u202fW"
    fake.accepting = True
    await fake.connected(2)
    assert (await fake.said("subscribe"))["from"] == {"epoch": "k1", "seq": 101, "view": "9f3c"}


async def test_values_of_an_earlier_connection_are_not_live(fake: FakeGateway) -> None:
    await fake.open_live({"house/power_w": [500, NOW]})
    fake.accepting = False
    await fake.close(1012)
    await fake.connected(2)
    await fake.page.locator("#notice-reason").get_by_text("Waiting for the first values.").wait_for()
    await fake.is_grey()


async def test_live_again_after_a_resume(fake: FakeGateway) -> None:
    await fake.open_live({"house/power_w": [500, NOW]})
    fake.how = "resumed"
    await fake.close(1012)
    await fake.connected(2)
    await fake.is_live()
    fake.change({"house/power_w": [700, NOW + 1]})
    await fake.page.get_by_text("700").wait_for()


async def test_replaced_elsewhere_comes_back_only_on_the_users_wish(fake: FakeGateway) -> None:
    await fake.open_live({})
    await fake.close(4005)
    await fake.page.get_by_text("A newer connection took the place of this one.").wait_for()
    assert fake.connections == 1
    await fake.page.get_by_role("button", name="Connect again").click()
    await fake.connected(2)
    await fake.is_live()


@pytest.mark.parametrize("how", ["close", "error"])
async def test_an_ended_login_leads_to_the_login(fake: FakeGateway, how: str) -> None:
    await fake.open_live({})
    if how == "close":
        await fake.close(4010)
    else:
        fake.send({"type": "error", "id": 1, "code": "unauthenticated", "message": "…", "retry_after_s": None})
    await fake.page.get_by_text("Your login has ended.").wait_for()
    assert await fake.page.evaluate("sessionStorage.getItem('gateway.token')") is None
    assert await fake.page.locator("#dashboard").is_hidden()
    await fake.page.fill("#login-password", "secret")
    await fake.page.get_by_role("button", name="Log in").click()
    await fake.is_live()


async def test_a_login_that_cannot_be_checked_is_kept(fake: FakeGateway) -> None:
    await fake.open_live({})
    error = {"type": "error", "code": "database_unavailable", "message": "the database is away", "retry_after_s": 0.2}
    fake.send(error | {"id": 1})
    fake.send({"type": "error", "id": 2, "code": "unauthenticated", "message": "…", "retry_after_s": None})
    await fake.page.get_by_text("The gateway refused: the database is away.").wait_for()
    await fake.connected(2)
    await fake.is_live()


async def test_a_refused_subscription_is_asked_for_again_in_time(fake: FakeGateway) -> None:
    await fake.open_live({})
    fake.accepting = False
    await fake.close(1012)
    await fake.connected(2)
    fake.accepting = True
    refused = await fake.said("subscribe")
    error = {"type": "error", "code": "site_unavailable", "message": "nothing is known yet", "retry_after_s": 0.2}
    fake.send(error | {"id": refused["id"]})
    await fake.page.get_by_text("The gateway has no values of this site yet.").wait_for()
    await fake.is_live()
    assert (await fake.said("subscribe"))["id"] > refused["id"]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("store_unavailable", "The gateway's own data store does not answer."),
        ("site_unavailable", "The gateway has no values of this site yet."),
    ],
)
@pytest.mark.parametrize("values", [{}, {"house/power_w": [501, NOW]}], ids=["heartbeat", "delta"])
async def test_what_the_gateway_itself_doubts_is_grey(
    fake: FakeGateway, code: str, said: str, values: dict[str, list[Any]]
) -> None:
    await fake.open_live({"house/power_w": [500, NOW]})
    fake.send({"type": "error", "id": None, "code": code, "message": "…", "retry_after_s": 1.0})
    await fake.page.locator("#notice-reason").get_by_text(said).wait_for()
    await fake.is_grey()
    fake.change(values)
    await fake.is_live()


async def test_a_heartbeat_without_progress_ends_the_doubt_too(fake: FakeGateway) -> None:
    await fake.open_live({"house/power_w": [500, NOW]})
    fake.send({"type": "error", "id": None, "code": "store_unavailable", "message": "…", "retry_after_s": 1.0})
    await fake.is_grey()
    fake.send(delta(fake.seq, fake.seq, {}))
    await fake.is_live()


async def test_silence_means_dead(fake: FakeGateway) -> None:
    await fake.page.clock.install()
    await fake.open_live({})
    fake.accepting = False
    await fake.page.clock.run_for(24_000)
    assert fake.connections == 1
    fake.accepting = True
    await fake.page.clock.run_for(5_000)
    await fake.connected(2)
    await fake.is_live()


async def test_after_sleep_a_living_connection_is_kept(fake: FakeGateway) -> None:
    await fake.page.clock.install()
    await fake.open_live({})
    await fake.page.clock.fast_forward(3_600_000)
    await fake.said("ping")
    await fake.is_live()
    assert fake.connections == 1


@pytest.mark.parametrize(
    "event",
    [
        "document.dispatchEvent(new Event('visibilitychange'))",
        "document.dispatchEvent(new Event('resume'))",
        "dispatchEvent(new Event('online'))",
        "dispatchEvent(new Event('offline'))",
        "dispatchEvent(new Event('pageshow'))",
        "navigator.connection.dispatchEvent(new Event('change'))",
    ],
)
async def test_after_waking_up_a_dead_connection_is_replaced(fake: FakeGateway, event: str) -> None:
    await fake.page.clock.install()
    await fake.open_live({})
    fake.answering_pings = False
    await fake.page.evaluate(event)
    await fake.said("ping")
    assert fake.connections == 1
    await fake.page.clock.run_for(3_500)
    await fake.connected(2)
    await fake.is_live()


async def test_waking_up_ends_the_wait_for_the_next_try(fake: FakeGateway) -> None:
    await fake.page.clock.install()
    await fake.page.add_init_script("Math.random = () => 30")
    await fake.open_live({})
    await fake.close(1012)
    await fake.page.get_by_text("Trying again in ").wait_for()
    assert fake.connections == 1
    await fake.page.evaluate("dispatchEvent(new Event('online'))")
    await fake.connected(2)
    await fake.is_live()
