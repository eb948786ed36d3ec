"""The catalogue over REST."""

import pytest
from httpx import AsyncClient

from gateway.domain.catalogue import CATALOGUE


@pytest.mark.parametrize("language", ["en", "de"])
async def test_every_value_in_the_readers_language(admin: AsyncClient, language: str) -> None:
    answer = await admin.get("/api/v1/catalogue", params={"lang": language})
    found = answer.json()
    assert found["language"] == language
    assert [entry["key"] for entry in found["entries"]] == [entry.pattern for entry in CATALOGUE]
    assert [entry["text"] for entry in found["entries"]] == [
        getattr(entry, f"text_{language}") for entry in CATALOGUE
    ]


async def test_entries_say_what_their_values_are(admin: AsyncClient) -> None:
    entries = {entry["key"]: entry for entry in (await admin.get("/api/v1/catalogue")).json()["entries"]}
    power = entries["grid/power_w"]
    assert (power["type"], power["unit"], power["freshness"], power["recorded"]) == ("number", "W", "site", True)
    limit = entries["chargepoints/+/limit"]
    assert [field["name"] for field in limit["fields"]] == ["kind", "soc_percent", "energy_wh"]


async def test_other_languages_are_refused(admin: AsyncClient) -> None:
    answer = await admin.get("/api/v1/catalogue?lang=fr")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_argument")
