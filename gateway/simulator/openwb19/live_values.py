"""The values of a 1.9 for its graph: one line of CSV for each loop, 29 columns.

Time of day, grid, charging, PV (here positive), charge points 1 and 2, charging again, battery, its state of charge,
those of the charge points 1 and 2, house, two consumers, charge points 3 to 8, nine devices of the house; all in W
or percent.
"""

from collections import deque
from datetime import datetime
from typing import Final

from gateway.simulator.openwb19.settings import MOST_CHARGEPOINTS, MOST_WITH_SOC
from gateway.simulator.openwb19.texts import whole
from gateway.simulator.state import BoxState

_CONSUMERS: Final = ("0",) * 2
_HOUSE_DEVICES: Final = ("0",) * 9
_LINES: Final = 50
_CHUNKS: Final = 16

GRAPH: Final = frozenset({"graph/alllivevalues", "graph/lastlivevalues", "system/lastlivevalues"})
"""What is said in every loop."""


def live_line(moment: datetime, state: BoxState, soc_percents: list[str]) -> str:
    """``soc_percents``: of the charge points 1 and 2."""
    readings = state.readings
    powers_w = [0.0] * MOST_CHARGEPOINTS
    grid_w = pv_w = battery_w = soc_percent = house_w = 0.0
    if readings is not None:
        for place, setup in enumerate(state.installation.chargepoints[:MOST_CHARGEPOINTS]):
            powers_w[place] = readings.chargepoints[setup.id].power_w
        grid_w, house_w = readings.grid.power_w, readings.house_w
        pv_w = sum(inverter.power_w for inverter in readings.inverters.values())
        battery_w = sum(battery.power_w for battery in readings.batteries.values())
        soc_percent = sum(battery.soc_percent for battery in readings.batteries.values())
    charging_w = sum(powers_w)
    first = [grid_w, charging_w, pv_w, *powers_w[:MOST_WITH_SOC], charging_w, battery_w, soc_percent]
    columns = [
        f"{moment:%H:%M:%S}",
        *map(whole, first),
        *soc_percents,
        whole(house_w),
        *_CONSUMERS,
        *map(whole, powers_w[MOST_WITH_SOC:]),
        *_HOUSE_DEVICES,
    ]
    return ",".join(columns)


class LiveValues:
    """The last lines, oldest first; they are in memory, so that a start of the box forgets them."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=_LINES)

    def clear(self) -> None:
        self._lines.clear()

    def texts(self, line: str) -> dict[str, str]:
        """The topics of a loop, with its line."""
        self._lines.append(line)
        return dict.fromkeys(GRAPH, line) | {"graph/alllivevalues": "\n".join(self._lines)}


def empty_chunks() -> dict[str, str]:
    """The long history, in pieces; nothing is in them until half an hour has been recorded."""
    return {f"graph/{number}alllivevalues": "-" for number in range(1, _CHUNKS + 1)}
