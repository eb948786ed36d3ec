"""A bridge in this process between a real Mosquitto and a real Redis, and a box that says what a test wants."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from itertools import count

import aiomqtt

from gateway.bridge.ingest import Box, Ingest, Pace
from gateway.bridge.leader import Leader, Timing
from gateway.domain.clock import SystemClock
from gateway.domain.errors import StoreUnavailable
from gateway.domain.link import Patience
from gateway.domain.values import JsonValue, Position, Reading
from gateway.mqtt import Broker
from gateway.store.redis import SiteStore, open_client
from tests.support.parts import MosquittoPart, RedisPart
from tests.support.recording import Recorded
from tests.support.waiting import eventually

INTERVAL_S = 10
LEASE_S = 1.5
PACE = Pace(window_s=0.005, tick_s=0.02, flood_quiet_s=0.1, flood_limit_s=2)


class Bridge:
    """An ingest, what it reported, and what the store holds of its site. ``stop`` ends it as a signal would."""

    def __init__(
        self,
        mosquitto: MosquittoPart,
        redis_url: str,
        site: str,
        *,
        lease_s: float,
        patience: Patience | None,
        dialect: str,
        pace: Pace,
        **login: str,
    ) -> None:
        self.redis = open_client(redis_url, 1)
        self.store = SiteStore(self.redis)
        self.site = site
        self.reports: dict[str, tuple[str, str | None]] = {}
        self.traced: list[tuple[str, Position, int]] = []
        self.stop: Callable[[], object] = lambda: None
        self.stopped = False
        name, numbers = f"{id(self):x}", count()
        self.leader = Leader(
            self.store,
            site,
            holder=name,
            new_id=lambda: f"{name}-{next(numbers)}",
            timing=Timing(lease_s=lease_s, retry_base_s=0.02, retry_cap_s=0.2),
            report=lambda state, reason: self.reports.update(store=(state, reason)),
            trace=lambda *told: self.traced.append(told),
        )
        broker = Broker(
            mosquitto.url,
            client_id=f"bridge-{name}",
            username=login.get("username", ""),
            password=login.get("password", ""),
            keepalive_s=1,
            connect_deadline_s=1,
            backoff_base_s=0.05,
            backoff_cap_s=0.2,
        )
        self.ingest = Ingest(
            site,
            broker,
            self.leader,
            SystemClock(),
            box=Box(dialect),
            pace=pace,
            patience=patience or Patience(),
        )

    async def reading(self, key: str) -> Reading | None:
        """What the store holds at this moment."""
        snapshot = await self.store.load(self.site)
        return snapshot.readings.get(key) if snapshot else None

    async def value(self, key: str) -> JsonValue:
        reading = await self.reading(key)
        return reading.value if reading else None

    async def holds(self, key: str, value: JsonValue, *, within_s: float = 15) -> Reading:
        """Wait until the store shows the value; its reading then."""

        async def shown() -> Reading | None:
            with contextlib.suppress(StoreUnavailable):
                reading = await self.reading(key)
                return reading if reading is not None and reading.value == value else None
            return None

        found = await eventually(shown, within_s, every_s=0.03, what=f"{key} = {value!r}")
        assert found is not None
        return found

    async def has_not(self, key: str) -> None:
        """Wait until the key ceased to be."""

        async def gone() -> bool:
            return await self.reading(key) is None

        await eventually(gone, what=f"{key} is gone")


@contextlib.asynccontextmanager
async def bridge(
    mosquitto: MosquittoPart,
    redis: RedisPart,
    site: str,
    *,
    lease_s: float = LEASE_S,
    patience: Patience | None = None,
    dialect: str = "auto",
    pace: Pace = PACE,
    redis_url: str = "",
    **login: str,
) -> AsyncIterator[Bridge]:
    """A bridge that runs until the block is left. ``redis_url`` may be a detour to the same store."""
    url = redis_url or redis.url
    made = Bridge(mosquitto, url, site, lease_s=lease_s, patience=patience, dialect=dialect, pace=pace, **login)
    task = asyncio.create_task(made.ingest.run(), name="bridge")
    made.stop = task.cancel
    task.add_done_callback(lambda _: setattr(made, "stopped", True))
    try:
        yield made
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await made.redis.aclose()


HEARTBEATS = {"openwb-2": "system/time", "openwb-1.9": "system/Timestamp"}


class LiveBox:
    """Publishes as an openWB does: retained, JSON, with a heart that beats when told to.

    A 1.9 writes bare text: give it as bytes.
    """

    def __init__(self, mosquitto: MosquittoPart) -> None:
        self._mosquitto = mosquitto
        self._time_s = 1_795_330_000

    async def say(self, messages: Mapping[str, object]) -> None:
        """Publish; a bytes payload goes out as it is."""
        async with aiomqtt.Client("127.0.0.1", self._mosquitto.port) as client:
            for topic, value in messages.items():
                payload = value if isinstance(value, bytes) else json.dumps(value)
                await client.publish(f"openWB/{topic}", payload, qos=1, retain=True)

    async def play(self, messages: Iterable[Recorded]) -> None:
        """Publish what was recorded, without its pauses."""
        async with aiomqtt.Client("127.0.0.1", self._mosquitto.port) as client:
            for message in messages:
                await client.publish(message.topic, message.payload, qos=1, retain=message.retain)

    async def beat(self, times: int, *, dialect: str = "openwb-2") -> None:
        """Let the clock go on, in the words of a dialect."""
        for _ in range(times):
            self._time_s += INTERVAL_S
            await self.say({HEARTBEATS[dialect]: self._time_s})

    async def come_alive(self, bridge: Bridge, *, dialect: str = "openwb-2") -> None:
        """Beat until the bridge calls the link up."""

        async def up() -> bool:
            await self.beat(1, dialect=dialect)
            return await bridge.value("link/state") == "up"

        await eventually(up, 15, every_s=0.1, what="the link is up")
        await bridge.holds("box/time", float(self._time_s))  # the last beat is no news any more

    async def beat_until_it_speaks(self, bridge: Bridge, dialect: str) -> None:
        """Beat as a box of the dialect until the bridge says that it is one."""

        async def known() -> bool:
            await self.beat(1, dialect=dialect)
            return await bridge.value("link/dialect") == dialect

        await eventually(known, 15, every_s=0.1, what=f"the box speaks {dialect}")


@contextlib.asynccontextmanager
async def living(
    mosquitto: MosquittoPart,
    redis: RedisPart,
    site: str,
    said: Mapping[str, object],
    *,
    speaks: str = "openwb-2",
    lease_s: float = LEASE_S,
    patience: Patience | None = None,
) -> AsyncIterator[tuple[LiveBox, Bridge]]:
    """A box that has said something, and a bridge that calls the link to it up."""
    box = LiveBox(mosquitto)
    await box.say(said)
    async with bridge(mosquitto, redis, site, lease_s=lease_s, patience=patience) as gateway:
        await box.come_alive(gateway, dialect=speaks)
        yield box, gateway


START: dict[str, object] = {
    "counter/get/hierarchy": [{"id": 0, "type": "counter", "children": [{"id": 5, "type": "cp", "children": []}]}],
    "counter/0/get/power": 1000.5,
    "chargepoint/5/get/power": 0,
    "chargepoint/5/config": {"name": "Carport", "id": 5, "ev": 0, "template": 0},
    "general/control_interval": INTERVAL_S,
    "system/time": 1_795_330_000.0,
}

START_19: dict[str, object] = {
    "system/Timestamp": b"1795330000",
    "lp/1/boolChargePointConfigured": b"1",
    "lp/1/strChargePointName": b"Hof",
    "lp/1/W": b"4100",
    "lp/1/boolPlugStat": b"1",
    "evu/W": b"-250",
    "global/ChargeMode": b"2",
}
