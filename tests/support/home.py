"""A home with one real web process and a real store; the bridge is the test, so that it knows every value.

``home()`` starts it, with a moody network before the gateway and times short enough to wait for.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from gateway.client import GatewayClient, Subscription, Timing, password_login
from gateway.domain.clock import Clock
from gateway.domain.values import Reading
from gateway.store.redis import SiteStore, open_client
from tests.support.gateway import PASSWORD, GatewayPart, stores_in
from tests.support.moody_proxy import MoodyProxy, moody_proxy
from tests.support.phone import Diary
from tests.support.store_writer import StoreWriter
from tests.support.stores import RedisPart

SITE = "home"
KEYS = ("grid/power_w", "pv/power_w", "house/power_w", "battery/soc_percent", "chargepoints/5/power_w")
RESUME_ENTRIES = 200
GONE_AFTER_S = 6
HOURS_MS = 3_600_000
SHORT_TIMES = {
    "heartbeat_s": 0.5,
    "ping_idle_s": 1,
    "gone_after_s": GONE_AFTER_S,
    "resume_entries": RESUME_ENTRIES,
}
QUICK = Timing(
    connect_s=4,
    silence_s=4,
    quiet_s=3,
    ping_s=3,
    pong_s=1.5,
    retry_base_s=0.05,
    retry_cap_s=0.3,
    tick_s=0.1,
    slept_s=0.7,
)
"""Of a phone: the heartbeat comes 8 times within the silence, as in earnest 2.5 times."""


class Home:
    """``values`` is what everybody should see, without ``link/*``."""

    def __init__(
        self, writer: StoreWriter, web: GatewayPart, network: MoodyProxy, keys: Sequence[str] = KEYS
    ) -> None:
        self.writer = writer
        self.web = web
        self.network = network
        self.readings: dict[str, Reading] = {
            **{key: Reading(number, time.time()) for number, key in enumerate(keys)},
            "link/state": Reading("up", time.time()),
        }
        self._keys = keys
        self._number = 1000

    @property
    def url(self) -> str:
        return f"ws://{self.network.address}/api/v1/live"

    @property
    def base(self) -> str:
        return f"http://{self.network.address}"

    @property
    def values(self) -> dict[str, list[Any]]:
        return {
            key: [reading.value, reading.stale]
            for key, reading in self.readings.items()
            if not key.startswith("link/")
        }

    async def begin(self) -> None:
        """Lead for the whole test, with a new epoch."""
        assert await self.writer.acquire(lease_ms=HOURS_MS)
        await self.new_epoch()

    async def new_epoch(self) -> None:
        """As a bridge that starts."""
        await self.writer.open(self.readings)

    async def change(self, count: int = 1) -> None:
        """So many changes, one after the other, each to a value that was never there."""
        for _ in range(count):
            self._number += 1
            key = self._keys[self._number % len(self._keys)]
            changed = {key: Reading(self._number, round(time.time(), 3))}
            self.readings.update(changed)
            await self.writer.append({**changed})

    @asynccontextmanager
    async def phone(
        self, clock: Clock | None = None, *, device: str = "phone"
    ) -> AsyncIterator[tuple[GatewayClient, Diary]]:
        """A phone in this process that watches everything."""
        diary = Diary()
        client = GatewayClient(
            self.url,
            password_login(self.base, "admin", PASSWORD),
            device=device,
            timing=QUICK,
            log=diary.note,
            clock=clock,
        )
        async with client:
            subscription = await client.subscribe(SITE, ("#",))
            watching = asyncio.create_task(_watch(subscription, diary.look))
            try:
                yield client, diary
            finally:
                watching.cancel()


async def _watch(subscription: Subscription, look: Callable[[Subscription], None]) -> None:
    async for _ in subscription:
        look(subscription)


@asynccontextmanager
async def home(
    folder: Path, redis: RedisPart, *, keys: Sequence[str] = KEYS, module: str = "gateway", **settings: Any
) -> AsyncIterator[Home]:
    """Everything runs inside; ``settings`` are those of the web process, ``module`` is its command line."""
    client = open_client(redis.url)
    given: dict[str, Any] = {**SHORT_TIMES, **stores_in(folder, redis), **settings}
    web = GatewayPart("web", folder / "web", module=module, **given)
    try:
        async with moody_proxy(web.port) as network:
            made = Home(StoreWriter(SiteStore(client), SITE), web, network, keys)
            await made.begin()
            async with web:
                yield made
    finally:
        await client.aclose()
