"""Health, for those who are not logged in."""

from httpx import AsyncClient

from tests.support.rest import Web


async def test_the_process_lives(stranger: AsyncClient) -> None:
    answer = await stranger.get("/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_ready_when_every_part_is(stranger: AsyncClient, web: Web) -> None:
    web.clock.advance(0.5)
    web.readiness.report("database", "down", "the database cannot be reached")
    answer = await stranger.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "not_ready",
        "parts": [
            {
                "name": "database",
                "state": "down",
                "since": "2027-01-15T08:00:00.500000Z",
                "reason": "the database cannot be reached",
            },
            {"name": "store", "state": "starting", "since": "2027-01-15T08:00:00Z", "reason": None},
        ],
    }
    web.readiness.report("database", "ok")
    web.readiness.report("store", "ok")
    answer = await stranger.get("/health/ready")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
