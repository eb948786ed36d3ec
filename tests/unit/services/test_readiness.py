"""Which parts work, and since when."""

import asyncio

import pytest

from gateway.domain.errors import DatabaseUnavailable, SettingsError
from gateway.services.readiness import PartState, Pauses, Probe, Readiness
from tests.support.clock import FakeClock


def test_parts_are_starting_until_they_report() -> None:
    clock = FakeClock(100)
    readiness = Readiness(clock, ("database", "store"))
    assert readiness.parts() == (PartState("database", "starting", 100), PartState("store", "starting", 100))
    assert not readiness.ready
    readiness.report("database", "ok")
    assert not readiness.ready
    readiness.report("store", "ok")
    assert readiness.ready


def test_since_is_the_last_change_of_state() -> None:
    clock = FakeClock(100)
    readiness = Readiness(clock)
    assert readiness.ready
    readiness.report("store", "down", "gone")
    clock.advance(5)
    readiness.report("store", "down", "still gone")
    assert readiness.parts() == (PartState("store", "down", 100, "still gone"),)
    readiness.report("store", "ok")
    assert readiness.parts() == (PartState("store", "ok", 105),)


def test_what_does_not_count_is_told_all_the_same() -> None:
    readiness = Readiness(FakeClock(100))
    readiness.report("link", "down", "silent", counts=False)
    assert readiness.parts() == (PartState("link", "down", 100, "silent", counts=False),)
    assert readiness.ready


class Script:
    """Plays the part: each attempt takes the next answer, None is success; then cancels whoever waits."""

    def __init__(self, *answers: Exception | None) -> None:
        self.readiness = Readiness(FakeClock())
        self.answers = list(answers)
        self.seen: list[str] = []
        self.pauses: list[float] = []

    async def attempt(self, name: str) -> None:
        self.seen.append(name)
        answer = self.answers.pop(0)
        if answer is not None:
            raise answer

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.seen.append(self.readiness.parts()[0].state)
        if not self.answers:
            raise asyncio.CancelledError

    def probe(self) -> Probe:
        return Probe(
            self.readiness,
            "database",
            prepare=lambda: self.attempt("prepare"),
            check=lambda: self.attempt("check"),
            sleep=self.sleep,
            pauses=Pauses(period_s=300, retry_base_s=2, retry_cap_s=6),
            spread=lambda: 1.0,
        )


async def test_a_part_is_prepared_until_that_succeeds_and_then_watched() -> None:
    gone = DatabaseUnavailable("gone")
    script = Script(gone, gone, gone, None, None, gone, None)
    with pytest.raises(asyncio.CancelledError):
        await script.probe().run()
    assert script.seen == (
        ["prepare", "down"] * 3 + ["prepare", "ok"] + ["check", "ok"] + ["check", "down"] + ["check", "ok"]
    )
    assert script.pauses == [2, 4, 6, 300, 300, 2, 300]
    assert script.readiness.ready


async def test_what_waiting_does_not_mend_goes_to_the_owner() -> None:
    with pytest.raises(SettingsError):
        await Script(SettingsError("a newer gateway")).probe().run()
