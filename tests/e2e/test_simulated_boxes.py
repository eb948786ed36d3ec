"""A simulated box of each dialect behind the whole gateway, with faults at random: the oracle is content.

And what a client sees of an update from 1.9 to 2.x that happens while it is connected.
"""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.openwb2 import OpenWB2Reader
from gateway.domain.openwb19 import OpenWB19Reader
from gateway.simulator.simulation import Dialect
from tests.support.gateway import GatewayPart
from tests.support.live_client import client
from tests.support.parts import MosquittoPart
from tests.support.rig import simulated
from tests.support.scenario import FaultAction, Plan, Reader, Scenario
from tests.support.scenario_faults import at_the_box, broker_killed
from tests.support.sources import lived

pytestmark = pytest.mark.no_cover  # the judge and its clients are none of what is measured, and slow when traced

SPEED = 30
LIVES_FOR_S = 250
FAULTS = 6
OF_THE_BOX = (
    "silence 25",
    "silence 90",
    "disconnect 15",
    "disconnect 80",
    "garbage 15",
    "nulls 15",
    "restart",
    "clock 3600",
    "clock -7200",
    "late 4 30",
    "refuse 30",
)
METERS = ("grid 0", "inverter 3", "battery 2", "chargepoint 5")
SEEDS: dict[Dialect, int] = {"openwb-2": 11, "openwb-2.1.7": 12, "openwb-1.9": 14}
SHORT = {"GATEWAY_SILENT_AFTER_INTERVALS": "0.2"}  # of ten seconds, which take a third of one here


def at_random(seed: int) -> list[tuple[float, FaultAction]]:
    """Faults in turn, each at some moment of the run; also some that others overlap."""
    chance = random.Random(seed)
    jumps = [f"{act} {chance.choice(METERS)}" for act in ("jump", "swap")]
    lines = chance.sample([*OF_THE_BOX, *jumps], FAULTS)
    print(lines)  # shown when the test fails
    places = sorted(chance.uniform(0.05, 0.95) for _ in range(FAULTS + 1))
    acts = [*map(at_the_box, lines)]
    acts.insert(chance.randrange(FAULTS), broker_killed)
    return list(zip(places, acts, strict=True))


@pytest.mark.parametrize(
    ("dialect", "reader"),
    [("openwb-2", OpenWB2Reader), ("openwb-2.1.7", OpenWB2Reader), ("openwb-1.9", OpenWB19Reader)],
)
async def test_a_simulated_box_with_faults_at_random_reaches_everybody_right(
    tmp_path: Path, dialect: Dialect, reader: Callable[[], Reader]
) -> None:
    seed = SEEDS[dialect]
    source = lived(LIVES_FOR_S, dialect, speed=SPEED, seed=seed)
    plan = Plan(source, reader, clients=12, seed=seed, faults=at_random(seed), pause_s=(0.2, 1.5), environ=SHORT)
    scenario = Scenario(tmp_path, plan)
    report = await scenario.run()
    print(report)  # shown when the test fails, with -s always
    assert report.clean, f"{report}\n{scenario.story()}"
    assert report.tally.strict > 150
    assert report.tally.agreed > 50
    assert report.keys > 60


async def test_a_connected_client_sees_an_update_from_19_to_2x(mosquitto: MosquittoPart, tmp_path: Path) -> None:
    """It is sent a new epoch with the charge points of the new dialect, and none of the old one."""
    async with (
        simulated(mosquitto.url, dialect="openwb-1.9") as box,
        GatewayPart("up", tmp_path, mqtt_url=mosquitto.url, silent_after_intervals=0.2, flood_quiet_s=0.3) as up,
        client(f"{up.base.replace('http', 'ws')}/api/v1/live") as app,
    ):
        await app.log_in(up.log_in())
        await app.send(type="subscribe", site="home", keys=["#"])
        held: dict[str, Any] = {}
        resets: list[str] = []

        async def until(seen: Callable[[], bool]) -> None:
            async with asyncio.timeout(20):
                while not seen():
                    message = await app.next()
                    resets.extend([message["reason"]] if message["type"] == "reset" else [])
                    if message["type"] == "snapshot" and message["part"] == 1:
                        held.clear()
                    held.update(message.get("values", {}))
                    for key in [key for key, reading in held.items() if reading is None]:
                        del held[key]

        def is_live(key: str) -> bool:
            return held.get("link/state", [None])[0] == "up" and len(held.get(key, (1, 2, "stale"))) == 2

        await until(lambda: is_live("chargepoints/1/power_w"))
        assert not [key for key in held if key.startswith("chargepoints/5")]
        box.faults.update(100)  # five seconds, of which two are no silence yet
        await until(lambda: held.get("link/state", [None])[0] == "silent")
        assert held["chargepoints/1/power_w"][-1] == "stale"
        await until(lambda: is_live("chargepoints/5/power_w"))
        assert resets[-1] == "epoch"
        assert held["link/dialect"][0] == "openwb-2"
        assert held["box/version"][0] == "2.2.2"
        assert not [key for key in held if key.startswith(("chargepoints/1/", "chargepoints/2/"))]
        assert "openWB/lp/1/W" in box.simulation.speech.retained
