"""The curves: a line of kW for each loop, and all lines of the last hours in 17 topics that are no JSON documents."""

import json
from collections import deque
from typing import Any, Final

from gateway.simulator.openwb2.clockwork import local
from gateway.simulator.openwb2.speech import Raw, Said
from gateway.simulator.state import BoxState
from gateway.simulator.words import Readings

CHUNKS: Final = 16
LINES_PER_CHUNK: Final = 50
UNUSED: Final = Raw("-")


def last_live_values(state: BoxState, readings: Readings) -> dict[str, Any]:
    """``lastlivevaluesJson``: kW with three decimals; production is positive here."""
    charging = [(key, reading.power_w) for key, reading in readings.chargepoints.items()]
    values: dict[str, Any] = {
        "timestamp": int(readings.time_s),
        "time": local(state.installation, readings.time_s).strftime("%H:%M:%S"),
        "grid": _kw(readings.grid.power_w),
        "house-power": _kw(readings.house_w),
        "charging-all": _kw(sum(power for _, power in charging)),
        "pv-all": _kw(sum(inverter.power_w for inverter in readings.inverters.values())),
        **{f"cp{key}-power": _kw(power) for key, power in charging},
        **{
            f"ev{key}-soc": vehicle.soc_percent
            for key, vehicle in state.vehicles.items()
            if vehicle.soc_module is not None
        },
    }
    for battery in readings.batteries.values():
        values |= {"bat-all-power": _kw(battery.power_w), "bat-all-soc": round(battery.soc_percent)}
    return values


def _kw(watts: float) -> float:
    return round(watts / 1000, 3) + 0.0


class Curves:
    """The lines of the last loops; the oldest of more than 16 times 50 are dropped by whole chunks."""

    def __init__(self) -> None:
        self._chunks: deque[list[str]] = deque([[]], maxlen=CHUNKS)
        self._last: deque[str] = deque(maxlen=LINES_PER_CHUNK)

    def add(self, values: dict[str, Any]) -> None:
        """One loop's line; a chunk begins with the last line of the one before, so that curves meet."""
        line = json.dumps(values, separators=(",", ":"))
        self._last.append(line)
        self._chunks[-1].append(line)
        if len(self._chunks[-1]) == LINES_PER_CHUNK:
            self._chunks.append([line])

    def topics(self) -> list[Said]:
        """All 17, the last 50 lines first; unused ones hold a dash."""
        chunks = [Raw("\n".join(chunk)) for chunk in self._chunks if chunk]
        chunks += [UNUSED] * (CHUNKS - len(chunks))
        last = Raw("\n".join(self._last)) if self._last else UNUSED
        return [("graph/alllivevaluesJson", last)] + [
            (f"graph/alllivevaluesJson{number}", chunk) for number, chunk in enumerate(chunks, 1)
        ]
