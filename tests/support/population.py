"""Many clients that behave as people's phones do, at random by a seed, until they are told to settle.

Rules of one client, over and over: when apart, wait a little, connect, and (mostly) resume what was kept. When
connected, one of: idle; subscribe to something more; change the keys or the interval of a subscription; pause it for
a moment; unsubscribe; break off; read nothing for a while. To settle: connect, resume, end every pause, hold at least
one subscription.

A refusal that only says "come again" (too many views, rate) is no failure; the oracle judges what is held.
"""

import asyncio
import random
import time
from collections.abc import Sequence

from tests.support.logging_client import Apart, Denied, Held, LoggingClient
from tests.support.waiting import eventually

INTERVALS_MS = (0, 0, 0, 250, 1000)
MOST_SUBSCRIPTIONS = 3
RESUME_SHARE = 0.85
PATIENCE_S = 45
WISHES = 40
STALL_S = (0.5, 3)

GENERAL = (
    "#",
    "grid/#",
    "house/#",
    "battery/#",
    "charging/#",
    "chargepoints/#",
    "chargepoints/+/power_w",
    "chargepoints/+/meter_wh",
    "chargepoints/+/name",
    "vehicles/#",
    "vehicles/+/odometer_km",
    "vehicles/+/range_km",
    "vehicles/1/#",
    "inverters/+/produced_wh",
    "inverters/+/produced_month_wh",
    "pv/+",
    "box/#",
    "+/power_w",
    "+/+/fault_text",
)
NARROW = ("vehicles/{}/#", "chargepoints/{}/#", "inverters/{}/#", "vehicles/{}/name", "chargepoints/{}/serial_number")


def some_wishes(dice: random.Random, count: int) -> list[tuple[str, ...]]:
    """What people ask for; everything is always among it. Fewer wishes than people: they share views."""
    wishes: list[tuple[str, ...]] = [("#",)]
    while len(wishes) < count:
        narrow = [dice.choice(NARROW).format(dice.randrange(1000, 1200)) for _ in range(dice.randrange(3))]
        wishes.append(tuple({*dice.sample(GENERAL, dice.choice((1, 1, 2))), *narrow}))
    return wishes


class Walker:
    """One client, the dice it follows, and what it may wish for."""

    def __init__(
        self,
        client: LoggingClient,
        dice: random.Random,
        wishes: Sequence[tuple[str, ...]],
        *,
        pause_s: tuple[float, float],
    ) -> None:
        self.client = client
        self._dice = dice
        self._wishes = wishes
        self._pause_s = pause_s
        self.refusals = 0

    async def walk(self, settle: asyncio.Event) -> None:
        """Behave at random until ``settle`` is set, then settle; raises when that does not succeed in time."""
        while not settle.is_set():
            try:
                await self._act()
            except Denied:
                self.refusals += 1
            except Apart:
                pass
            await self._rest(settle)
        await eventually(self._settled, within_s=PATIENCE_S, every_s=0.2, what=f"{self.client.name} settled")
        self.client.log.survives = True

    async def _rest(self, settle: asyncio.Event) -> None:
        try:
            async with asyncio.timeout(self._dice.uniform(*self._pause_s)):
                await settle.wait()
        except TimeoutError:
            pass

    async def _act(self) -> None:
        client, luck = self.client, self._dice.random()
        if not client.connected:
            await client.connect()
            if luck > RESUME_SHARE:
                client.kept.clear()
            await client.resume()
        elif not client.held or (luck < 0.1 and len(client.held) < MOST_SUBSCRIPTIONS):
            await client.subscribe(self._dice.choice(self._wishes), self._dice.choice(INTERVALS_MS))
        elif luck < 0.4:
            await self._change(self._dice.choice(list(client.held.values())))
        elif luck < 0.58:
            await client.abort()
        elif luck < 0.65:
            await client.stall(self._dice.uniform(*STALL_S))

    async def _change(self, one: Held) -> None:
        client, luck = self.client, self._dice.random()
        if luck < 0.4:
            await client.update(one, keys=list(self._dice.choice(self._wishes)))
        elif luck < 0.6:
            await client.update(one, min_interval_ms=self._dice.choice(INTERVALS_MS))
        elif luck < 0.85:
            await client.update(one, paused=not one.paused)
        elif len(client.held) > 1:
            await client.unsubscribe(one)

    async def _settled(self) -> bool:
        client = self.client
        try:
            if not client.connected:
                await client.connect()
            await client.resume()
            for one in list(client.held.values()):
                if one.paused:
                    await client.update(one, paused=False)
            if not client.held:
                await client.subscribe(self._dice.choice(self._wishes))
        except (Apart, Denied):
            return False
        return client.connected


class Population:
    """The auditor and all walkers. Use as ``group.create_task(population.run())`` and ``settle()`` at the end."""

    def __init__(
        self, url: str, token: str, count: int, seed: int, *, pause_s: tuple[float, float] = (0.2, 1.5)
    ) -> None:
        self.auditor = LoggingClient("auditor", url, token)
        wishes = some_wishes(random.Random(seed), WISHES)
        self.walkers = [
            Walker(
                LoggingClient(f"client-{number}", url, token),
                random.Random(seed * 1000 + number),
                wishes,
                pause_s=pause_s,
            )
            for number in range(count)
        ]
        self.refusals: list[str] = []
        self._settle = asyncio.Event()
        self._latecomer = LoggingClient("latecomer", url, token)

    @property
    def clients(self) -> Sequence[LoggingClient]:
        """All but the auditor."""
        return [*(walker.client for walker in self.walkers), self._latecomer]

    async def run(self) -> None:
        """Everybody walks, until all are settled. The connections stay open; ``leave`` ends them."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._audit(), name="auditor")
            for walker in self.walkers:
                group.create_task(walker.walk(self._settle), name=walker.client.name)

    def settle(self) -> None:
        self._settle.set()

    async def caught_up(self, within_s: float) -> None:
        """Wait until every complete view has reached the auditor's position."""

        def all_there() -> bool:
            place = self.place
            return place is not None and all(
                one.complete and one.epoch == place[0] and one.seq >= place[1]
                for walker in self.walkers
                for one in walker.client.held.values()
            )

        await eventually(all_there, within_s=within_s)

    def share_hearing_up(self) -> float:
        """Of all complete views whose client reads, those in which the last word about the link is ``up``."""
        words = [
            one.link_state == "up"
            for client in (self.auditor, *self.clients)
            if client.connected and not client.stalls
            for one in client.held.values()
            if one.complete and not one.paused
        ]
        return sum(words) / max(len(words), len(self.walkers) // 2)

    async def come_late(self) -> None:
        """One more client, who never saw anything, asks for everything when all is over."""
        await self._latecomer.connect()
        one = await self._latecomer.subscribe(("#",))
        await eventually(lambda: one.complete)

    async def leave(self) -> None:
        for client in (self.auditor, *self.clients):
            await client.abort()

    @property
    def place(self) -> tuple[str, int] | None:
        """Epoch and seq of the auditor's view."""
        return next(((one.epoch, one.seq) for one in self.auditor.held.values() if one.complete), None)

    @property
    def link(self) -> str:
        """The auditor's last word about the link."""
        return next((one.link_state for one in self.auditor.held.values() if one.complete), "")

    async def _audit(self) -> None:
        auditor = self.auditor
        while not (self._settle.is_set() and self.place):
            try:
                if not auditor.connected:
                    await auditor.connect()
                if not auditor.held:
                    await auditor.resume()
                if not auditor.held:
                    await auditor.subscribe(("#",))
            except (Apart, Denied) as error:
                self.refusals.append(f"{time.monotonic():.1f} {error}")
            await asyncio.sleep(0.05)
        auditor.log.survives = True
