"""Sites and values over REST."""

from pathlib import Path

import pytest
from httpx import AsyncClient

from gateway.api.sites import patterns_of
from gateway.domain.values import Reading
from gateway.protocol.messages import Limits
from gateway.store.follow import Reachable, Unreachable
from tests.support.rest import PASSWORD, Web, sqlite
from tests.unit.api.conftest import client_of

READINGS = {
    "grid/power_w": Reading(-1234.5, 1753791600.05),
    "battery/power_w": Reading(12.0, 1753791500.0, stale=True),
    "chargepoints/6/name": Reading("Garage", None),
    "vehicles/2/soc_percent": Reading(None, None),
    "link/state": Reading("up", 1753791000.0),
    "link/since": Reading(1753791000.5, 1753791000.0),
    "link/reason": Reading(None, 1753791000.0),
}
VALUES = "/api/v1/sites/home/values"


@pytest.fixture
def reader(admin: AsyncClient, web: Web) -> AsyncClient:
    web.hub.begin("home", READINGS)
    return admin


async def test_sites_with_their_links(reader: AsyncClient) -> None:
    answer = await reader.get("/api/v1/sites")
    up = {"state": "up", "reason": None, "since": "2025-07-29T12:10:00.500000Z"}
    unknown = {"state": "unknown", "reason": "site_unavailable", "since": None}
    home = {"id": "home", "name": "Home", "dialect": "openwb-2", "link": up}
    assert answer.json() == [home, {"id": "yard", "name": "Yard", "dialect": "auto", "link": unknown}]
    assert (await reader.get("/api/v1/sites/home")).json() == home


async def test_the_dialect_is_the_one_found_and_until_then_the_one_set(reader: AsyncClient, web: Web) -> None:
    assert (await reader.get("/api/v1/sites/yard")).json()["dialect"] == "auto"
    for reading, told in ((Reading("openwb-2"), "openwb-2"), (Reading(None), "auto"), (Reading(7), "auto")):
        web.hub.begin("yard", {"link/dialect": reading})
        assert (await reader.get("/api/v1/sites/yard")).json()["dialect"] == told


async def test_as_many_patterns_as_a_subscription_may_have(tmp_path: Path) -> None:
    async with sqlite(tmp_path) as database:
        web = Web(database, limits=Limits(keys_per_subscription=2))
        web.hub.begin("home", READINGS)
        await web.auth.ensure_admin(PASSWORD)
        token = (await web.auth.login("admin", PASSWORD, "192.168.1.20")).token
        async with client_of(web, token=token) as client:
            assert (await client.get(VALUES + "?keys=a&keys=b")).status_code == 200
            answer = await client.get(VALUES + "?keys=a&keys=b&keys=c")
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid_argument")
            assert "at most 2 " in answer.json()["detail"]


async def test_sites_are_told_while_the_store_is_away(reader: AsyncClient, web: Web) -> None:
    web.hub.on_step("home", Unreachable("away"))
    answer = await reader.get("/api/v1/sites")
    assert [site["link"]["reason"] for site in answer.json()] == ["store_unavailable", "site_unavailable"]


@pytest.mark.parametrize(
    "link",
    [
        {},
        {"link/state": Reading(None), "link/since": Reading(None)},
        {"link/state": Reading(7), "link/since": Reading("yesterday")},
        {"link/since": Reading(value=True)},
    ],
)
async def test_a_link_that_says_nothing_is_unknown(reader: AsyncClient, web: Web, link: dict[str, Reading]) -> None:
    web.hub.begin("home", link)
    answer = await reader.get("/api/v1/sites/home")
    assert answer.json()["link"] == {"state": "unknown", "reason": None, "since": None}


async def test_values_as_they_are_on_the_wire(reader: AsyncClient) -> None:
    answer = await reader.get(VALUES)
    assert answer.json() == {
        "site": "home",
        "epoch": "e1",
        "seq": 100,
        "view": answer.json()["view"],
        "values": {
            "grid/power_w": [-1234.5, 1753791600.05],
            "battery/power_w": [12.0, 1753791500.0, "stale"],
            "chargepoints/6/name": ["Garage", None],
            "vehicles/2/soc_percent": [None, None],
            "link/state": ["up", 1753791000.0],
            "link/since": [1753791000.5, 1753791000.0],
            "link/reason": [None, 1753791000.0],
        },
    }


@pytest.mark.parametrize(
    ("query", "chosen"),
    [
        ("?keys=grid/power_w", {"grid/power_w"}),
        ("?keys=grid/%23&keys=battery/%2B", {"grid/power_w", "battery/power_w"}),
        ("?keys=chargepoints/+/name", {"chargepoints/6/name"}),
        ("?keys=nothing/%23", set()),
        ("?keys=%23", set(READINGS)),
    ],
)
async def test_keys_choose_values_and_the_link_is_always_there(
    reader: AsyncClient, query: str, chosen: set[str]
) -> None:
    answer = await reader.get(VALUES + query)
    assert set(answer.json()["values"]) == chosen | {key for key in READINGS if key.startswith("link/")}


@pytest.mark.parametrize(
    "query", ["?keys=", "?keys=a/%23/b", "?keys=a%2Bb", "?keys=" + "x" * 201, "?" + "&keys=a" * 17, "?keys=a/++"]
)
async def test_bad_patterns_are_refused(reader: AsyncClient, query: str) -> None:
    answer = await reader.get(VALUES + query)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_argument")


async def test_an_unknown_site_is_not_found(reader: AsyncClient) -> None:
    for path in ("/api/v1/sites/other", "/api/v1/sites/other/values", "/api/v1/sites/HOME/values"):
        answer = await reader.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_nothing_stale_is_given_out_as_current(reader: AsyncClient, web: Web) -> None:
    assert (await reader.get("/api/v1/sites/yard/values")).json()["code"] == "site_unavailable"
    web.hub.on_step("home", Unreachable("away"))
    answer = await reader.get(VALUES)
    assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
    web.hub.on_step("home", Reachable())
    assert (await reader.get(VALUES)).status_code == 200


async def tag(reader: AsyncClient, query: str = "?keys=grid/%23") -> str:
    answer = await reader.get(VALUES + query)
    return str(answer.headers["etag"])


async def test_the_tag_changes_only_when_a_chosen_value_does(reader: AsyncClient, web: Web) -> None:
    before = await tag(reader)
    web.hub.change("home", battery__power_w=Reading(13.0, 1.0))
    assert await tag(reader) == before
    web.hub.change("home", grid__power_w=Reading(1.0, 2.0))
    changed = await tag(reader)
    web.hub.change("home", link__state=Reading("silent", 3.0))
    link = await tag(reader)
    web.hub.change("home", grid__frequency_hz=Reading(50.0, 3.0))
    more = await tag(reader)
    web.hub.change("home", grid__frequency_hz=None)
    less = await tag(reader)
    web.hub.begin("home", READINGS, epoch="e2")
    epoch = await tag(reader)
    assert less == link
    assert len({before, changed, link, more, epoch}) == 5


async def test_the_tag_is_that_of_its_view(reader: AsyncClient) -> None:
    assert await tag(reader) != await tag(reader, "?keys=battery/%23")
    assert await tag(reader, "?keys=grid/%23&keys=pv/%23") == await tag(reader, "?keys=pv/%23&keys=grid/%23")
    answer = await reader.get(VALUES + "?keys=grid/%23")
    assert answer.json()["view"] in answer.headers["etag"]


async def test_what_a_client_has_is_not_sent_again(reader: AsyncClient, web: Web) -> None:
    known = await tag(reader)
    for header in (known, known.removeprefix("W/"), f'"x", {known}', "*"):
        answer = await reader.get(VALUES + "?keys=grid/%23", headers={"If-None-Match": header})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", known)
    web.hub.change("home", grid__power_w=Reading(1.0, 2.0))
    answer = await reader.get(VALUES + "?keys=grid/%23", headers={"If-None-Match": known})
    assert answer.status_code == 200


async def test_values_are_kept_by_nobody_in_between(reader: AsyncClient) -> None:
    answer = await reader.get(VALUES)
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.headers["vary"] == "Authorization"


def test_a_bare_plus_in_an_address_means_plus() -> None:
    assert patterns_of(("chargepoints/ /name", "a b/ "), 2) == ["chargepoints/+/name", "a b/+"]
