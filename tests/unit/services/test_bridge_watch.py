"""When a site counts as without a bridge."""

import asyncio
from collections.abc import Sequence
from typing import cast

import pytest

from gateway.domain.errors import StoreUnavailable
from gateway.domain.values import Position
from gateway.services.bridge_watch import BridgeWatch
from gateway.store.redis import SiteStore
from tests.support.clock import FakeClock


class Leases:
    """The leases of a store, and when what was said."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.led_sites: set[str] = set()
        self.away = False
        self.full = False
        self.said: list[tuple[str, float]] = []

    async def led(self, sites: Sequence[str]) -> list[bool]:
        if self.away:
            raise StoreUnavailable("gone")
        return [site in self.led_sites for site in sites]

    async def bridge_down(self, site: str, *, at: float, epoch: str, batch: str) -> Position | None:
        if self.full:
            raise StoreUnavailable("no space left")
        assert at == self.clock.now()
        assert epoch != batch
        self.said.append((site, self.clock.monotonic()))
        return Position(epoch, 7) if len(self.said) == 1 else None


class World:
    def __init__(self, *sites: str) -> None:
        self.clock = FakeClock(100)
        self.leases = Leases(self.clock)
        store = cast("SiteStore", self.leases)
        self.mute: list[tuple[str, str]] = []
        self.watch = BridgeWatch(
            store,
            sites,
            self.clock,
            down_after_s=10,
            on_mute=lambda site, reason: self.mute.append((site, reason)),
            sleep=self.sleep,
        )
        self.began = self.clock.monotonic()
        self.left_s = 0.0

    async def sleep(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.left_s -= seconds
        if self.left_s < 0:
            raise asyncio.CancelledError

    async def pass_time(self, seconds: float) -> list[tuple[str, float]]:
        """What was said until then: site, and seconds since the start."""
        self.left_s = seconds
        with pytest.raises(asyncio.CancelledError):
            await self.watch.run()
        return [(site, at - self.began) for site, at in self.leases.said]


async def test_a_site_that_nobody_leads_is_told_after_its_time_and_then_at_times() -> None:
    world = World("home", "yard")
    world.leases.led_sites = {"yard"}
    assert await world.pass_time(9) == []
    assert await world.pass_time(15) == [("home", 10), ("home", 20)]


async def test_a_lease_in_between_begins_the_time_anew() -> None:
    world = World("home")
    await world.pass_time(8)
    world.leases.led_sites = {"home"}
    await world.pass_time(1)
    world.leases.led_sites.clear()
    assert await world.pass_time(8) == []
    assert len(await world.pass_time(5)) == 1


async def test_a_store_that_was_away_proves_nothing() -> None:
    world = World("home")
    await world.pass_time(8)
    world.leases.away = True
    await world.pass_time(30)
    world.leases.away = False
    assert await world.pass_time(8) == []
    assert len(await world.pass_time(5)) == 1


async def test_a_store_that_takes_no_word_of_it_is_told_to_this_process_for_every_site() -> None:
    """Red when the first site's failure keeps the others from being told."""
    world = World("a", "b")
    world.leases.full = True
    assert await world.pass_time(11) == []
    assert world.mute == [("a", "no space left"), ("b", "no space left")]
    world.leases.full = False
    assert [site for site, _ in await world.pass_time(10)] == ["a", "b"]
