"""A simulated openWB on a real broker, alone or behind a bridge, and what the gateway ought to hold of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping

from gateway.domain.clock import SystemClock
from gateway.domain.dialects import reader_for
from gateway.domain.errors import Unreadable
from gateway.domain.link import LINK, Patience
from gateway.domain.values import JsonValue, Reading, Removed
from gateway.simulator.openwb import SimulatedOpenwb
from gateway.simulator.scenes import SCENES
from gateway.simulator.simulation import Dialect
from gateway.simulator.speech import Said
from tests.support.bridge import Bridge, bridge
from tests.support.mqtt_log import broker_at
from tests.support.parts import MosquittoPart, RedisPart
from tests.support.waiting import eventually

SPEED = 20.0
SOON_SILENT = Patience(
    intervals_to_silence=0.25
)  # of the ten seconds that the box tells; at that speed they are half a one


@contextlib.asynccontextmanager
async def simulated(
    url: str,
    *,
    scene: str = "pv-day",
    dialect: Dialect = "openwb-2",
    speed: float = SPEED,
    seed: int = 1,
    on_published: Callable[[Said], None] | None = None,
) -> AsyncIterator[SimulatedOpenwb]:
    """A box that lives until the block is left."""
    box = SimulatedOpenwb(
        SCENES[scene],
        broker_at(url, client_id="simulated-openwb"),
        SystemClock(),
        dialect=dialect,
        speed=speed,
        seed=seed,
        on_published=on_published,
    )
    task = asyncio.create_task(box.run(), name="simulated openWB")
    try:
        yield box
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@contextlib.asynccontextmanager
async def bridged(
    mosquitto: MosquittoPart,
    redis: RedisPart,
    site: str,
    *,
    dialect: Dialect = "openwb-2",
    scene: str = "pv-day",
    speed: float = SPEED,
) -> AsyncIterator[tuple[SimulatedOpenwb, Bridge]]:
    """A box and a bridge that calls the link to it up."""
    async with (
        simulated(mosquitto.url, scene=scene, dialect=dialect, speed=speed) as box,
        bridge(mosquitto, redis, site, patience=SOON_SILENT) as gateway,
    ):
        await gateway.holds("link/state", "up")
        yield box, gateway


def told_by(box: SimulatedOpenwb) -> dict[str, JsonValue]:
    """What can be read from everything that the box has retained."""
    speech, dialect = box.simulation.speech, box.simulation.dialect
    reader = reader_for("openwb-1.9" if dialect == "openwb-1.9" else "openwb-2", "openWB/", False)
    values: dict[str, JsonValue | Removed] = {}
    for topic, payload in speech.retained.items():
        with contextlib.suppress(Unreadable):
            values.update(reader.read(topic, payload))
    return {key: value for key, value in values.items() if not isinstance(value, Removed)}


async def readings(gateway: Bridge) -> Mapping[str, Reading]:
    """Of the box, without the link."""
    snapshot = await gateway.store.load(gateway.site)
    return {key: one for key, one in (snapshot.readings if snapshot else {}).items() if not key.startswith(LINK)}


async def agrees(box: SimulatedOpenwb, gateway: Bridge) -> None:
    """Wait, while the box stands still, until the gateway holds what it has told, no more and no less."""
    box.pause()
    expected = told_by(box)

    async def same() -> bool:
        return {key: one.value for key, one in (await readings(gateway)).items()} == expected

    try:
        await eventually(same, what="the gateway holds what the box told")
    except AssertionError as error:
        held = {key: one.value for key, one in (await readings(gateway)).items()}
        wrong = {key for key in held | expected if held.get(key) != expected.get(key)}
        error.add_note(str({key: (held.get(key), expected.get(key)) for key in sorted(wrong)[:20]}))
        raise
    finally:
        box.resume()
