"""What a box has counted before its scene begins, so that nobody looks at a day without a morning."""

from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from gateway.simulator.box import Box
from gateway.simulator.plant.plant import Plant
from gateway.simulator.scenes import Scene
from gateway.simulator.state import Totals

LOOP_S: Final = 300.0
DAY_WH_PER_PEAK_W: Final = 3.0
"""A year's mean of a roof in the middle of Europe is about that."""


def morning(scene: Scene, time_s: float, *, seed: int) -> Totals:
    """From the scene's midnight until it begins at ``time_s``, with nobody at home; month and year as on average."""
    zone = ZoneInfo(scene.installation.timezone)
    begins_s = time_s + scene.day_shift_s(time_s)
    begins = datetime.fromtimestamp(begins_s, zone)
    midnight_s = begins.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC).timestamp()
    empty = msgspec.structs.replace(scene, stays=(), tags=(), trips=(), begins=None, on=None)
    plant = Plant(scene.installation, empty, midnight_s, seed=seed)
    box = Box(scene.installation, midnight_s)
    box.loop(plant.step(0.0, {}))
    for _ in range(int((begins_s - midnight_s) // LOOP_S)):
        box.loop(plant.step(LOOP_S, {}))
    now = datetime.fromtimestamp(time_s, zone)
    day_wh = DAY_WH_PER_PEAK_W * sum(inverter.peak_w for inverter in scene.installation.inverters)
    today = box.state.today
    today.produced_month_wh += day_wh * (now.day - 1)
    today.produced_year_wh += day_wh * (now.timetuple().tm_yday - 1)
    return today
