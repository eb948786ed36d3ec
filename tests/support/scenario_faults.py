"""What a scenario does to its parts while it runs. Each returns when the part is back."""

import asyncio
import time

from gateway.store.redis import SiteStore, close_client, open_client
from tests.support.oracle_logs import Loss
from tests.support.scenario import RUN_WITHIN_S, FaultAction, Scenario
from tests.support.sources import Lived
from tests.support.waiting import eventually

OUTAGE_S = 0.7


async def redis_killed(scenario: Scenario) -> None:
    """SIGKILL; its append-only file is whole when it comes back."""
    await scenario.redis.kill()
    await asyncio.sleep(OUTAGE_S)
    await scenario.redis.start()


def redis_tail_cut(n_bytes: int, *, noticed_within_s: float = 5) -> FaultAction:
    """SIGKILL, and the end of the append-only file is lost, as when the machine crashes.

    The bridge, which must notice, is there.
    """

    async def cut(scenario: Scenario) -> None:
        await scenario.most_are_up()
        epoch = await epoch_that_the_auditor_shares(scenario)
        began_s = time.monotonic()
        await scenario.redis.kill()
        scenario.redis.cut_aof_tail(n_bytes)
        await asyncio.sleep(OUTAGE_S)
        await scenario.redis.start()

        def other_epoch() -> bool:
            now = scenario.population.place
            return now is not None and now[0] != epoch

        try:
            await eventually(other_epoch, within_s=noticed_within_s)
        except AssertionError:
            return  # the loss went unnoticed: nothing excuses what the clients see
        await eventually(lambda: other_epoch() and scenario.population.link == "up", within_s=RUN_WITHIN_S)
        scenario.losses.append(Loss(began_s, time.monotonic()))

    return cut


async def epoch_that_the_auditor_shares(scenario: Scenario) -> str:
    """The store's, as soon as the auditor has got there: on a busy machine it may be behind those who are up."""
    redis = open_client(scenario.redis.url)
    try:
        store = SiteStore(redis)

        async def shared() -> str | None:
            now, position = scenario.population.place, await store.position("home")
            return now[0] if now is not None and position is not None and now[0] == position.epoch else None

        found = await eventually(shared, within_s=20, what="the auditor is where the store is")
    finally:
        await close_client(redis)
    assert isinstance(found, str)
    return found


async def web_killed(scenario: Scenario) -> None:
    """SIGKILL: every connection breaks."""
    await scenario.web.kill()
    await asyncio.sleep(OUTAGE_S)
    await scenario.web.start()


async def broker_killed(scenario: Scenario) -> None:
    """SIGKILL; it comes back empty, and the box publishes its state again.

    The box stands still meanwhile, so that every subscriber got the same messages before the end.
    """
    scenario.player.pause()
    await scenario.quiet()
    await scenario.broker.kill()
    await eventually(lambda: not scenario.subscriber.ready)
    await asyncio.sleep(OUTAGE_S)
    await scenario.broker.start()
    await eventually(lambda: scenario.subscriber.ready)
    await scenario.quiet()
    scenario.player.resume()


async def bridge_killed(scenario: Scenario) -> None:
    """SIGKILL, for as long as it takes until nobody takes what was left for live; the box goes on meanwhile."""
    await scenario.most_are_up()
    began_s = time.monotonic()
    await scenario.bridge.kill()
    await scenario.everybody_learns(began_s, "the bridge was killed")
    await scenario.bridge.start()


async def box_switched_off(scenario: Scenario) -> None:
    """The box says nothing, its broker stands, until nobody takes what it said for live."""
    await scenario.most_are_up()
    scenario.player.pause()
    await scenario.everybody_learns(time.monotonic(), "the box was switched off")
    scenario.player.resume()


def at_the_box(words: str) -> FaultAction:
    """A fault of the simulated box, by its line."""

    async def demand(scenario: Scenario) -> None:
        assert isinstance(scenario.player, Lived)
        scenario.player.faults.do(words)

    return demand
