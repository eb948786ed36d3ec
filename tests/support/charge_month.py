"""A month of the simulated box as changes of its site, without messages: what charge sessions are made of."""

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from gateway.domain.values import Changes, JsonValue, Reading, differences
from gateway.simulator.box import Box
from gateway.simulator.plant.plant import Plant
from gateway.simulator.scenes import SCENES
from gateway.simulator.words import Readings, Unplugged

MARCH = datetime(2026, 3, 1, tzinfo=UTC).timestamp(), datetime(2026, 4, 1, tzinfo=UTC).timestamp()
"""With the change to summer time in it."""
LOOP_S = 60.0
IDLE_LOOP_S = 300.0
"""While nothing may charge: the box looks more seldom."""
DIGITS = 2


class Month(msgspec.Struct):
    """``first_wh`` and ``last_wh``: the meters of the charge points; ``unplugs``: how often a car left each."""

    first_wh: dict[str, float] = {}
    last_wh: dict[str, float] = {}
    unplugs: dict[str, int] = {}


def month_steps(month: Month, *, begin_s: float = MARCH[0], until_s: float = MARCH[1]) -> Iterator[Changes]:
    """One step for each loop of the box; ``month`` is filled meanwhile."""
    scene = SCENES["month"]
    plant = Plant(scene.installation, scene, begin_s, seed=7)
    box = Box(scene.installation, begin_s, wishes=scene.wishes)
    known: dict[str, Reading] = {}
    readings = plant.step(0.0, {})
    while True:
        for happening in box.loop(readings):
            if isinstance(happening, Unplugged):
                id_ = str(happening.chargepoint_id)
                month.unplugs[id_] = month.unplugs.get(id_, 0) + 1
        month.last_wh = {str(id_): round(one.imported_wh, DIGITS) for id_, one in readings.chargepoints.items()}
        month.first_wh = month.first_wh or month.last_wh
        changes = differences(known, values_of(box, readings), readings.time_s, stale=False)
        known |= {key: reading for key, reading in changes.items() if reading is not None}
        yield changes
        if readings.time_s >= until_s:
            return
        may_charge = any(set_point.current_a > 0 for set_point in box.set_points.values())
        readings = plant.step(LOOP_S if may_charge else IDLE_LOOP_S, box.set_points)


def values_of(box: Box, readings: Readings) -> dict[str, JsonValue]:
    """What the box would publish after a loop, in neutral keys."""
    values: dict[str, JsonValue] = {
        "link/state": "up",
        "link/dialect": "openwb-2",
        "box/time": readings.time_s,
        "grid/power_w": round(readings.grid.power_w, DIGITS),
        "pv/power_w": round(sum(one.power_w for one in readings.inverters.values()), DIGITS),
        "battery/power_w": round(sum(one.power_w for one in readings.batteries.values()), DIGITS),
    }
    for id_, point in box.state.chargepoints.items():
        reading, under = readings.chargepoints[id_], f"chargepoints/{id_}"
        values |= {
            f"{under}/plugged": reading.plugged,
            f"{under}/charging": reading.charging,
            f"{under}/power_w": round(reading.power_w, DIGITS),
            f"{under}/meter_wh": round(reading.imported_wh, DIGITS),
            f"{under}/energy_since_plugged_wh": round(point.log.since_plugged_wh, DIGITS),
            f"{under}/mode": point.wish.mode,
            f"{under}/id_tag": point.id_tag or point.scanned_tag,
            f"{under}/vehicle_id": point.vehicle_id,
            f"{under}/serial_number": point.setup.serial_number,
            f"{under}/fault_state": point.fault_state,
        }
    for id_, vehicle in box.state.vehicles.items():
        values |= {
            f"vehicles/{id_}/name": vehicle.name,
            f"vehicles/{id_}/soc_percent": vehicle.soc_percent,
            f"vehicles/{id_}/soc_at": vehicle.soc_at_s,
            f"vehicles/{id_}/odometer_km": vehicle.odometer_km,
        }
    return values
