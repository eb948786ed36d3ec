"""A dialect of its own, small enough to see what the simulation around it does."""

import json
from collections.abc import Sequence

from gateway.simulator.box import Box
from gateway.simulator.plant.plant import Plant
from gateway.simulator.scenes import SCENES, Scene
from gateway.simulator.simulation import Dialect, Simulation
from gateway.simulator.words import Happening, Outgoing, Readings

BEGAN_S = 1_795_330_000.0
TIME = "openWB/system/time"
POWER = "openWB/counter/0/get/power"
FAULT = "openWB/chargepoint/5/get/fault_state"
IMPORTED = "openWB/chargepoint/5/get/imported"
LOOP = "openWB/loop"


class TinyVoice:
    """Echoes every write, counts its loops, and keeps what it was told. ``new``: says so at its boot."""

    def __init__(self, *, new: bool = False) -> None:
        self.subscriptions: tuple[str, ...] = ("openWB/set/#", *(("openWB/new/set/#",) if new else ()))
        self.loops = 0
        self.happenings: list[Happening] = []
        self._new = new

    def boot(self, time_s: float) -> list[Outgoing]:
        said = [(TIME, str(time_s)), ("openWB/system/boot_done", "true"), (FAULT, "0"), ("openWB/name", '"Box"')]
        return [Outgoing(topic, payload) for topic, payload in [*said, *([("openWB/new", "1")] if self._new else [])]]

    def heard(self, topic: str, payload: bytes, time_s: float) -> list[Outgoing]:
        if not payload:
            return []
        return [Outgoing(topic.replace("openWB/set/", "openWB/"), payload.decode()), Outgoing(topic, "")]

    def loop(self, readings: Readings, happenings: Sequence[Happening]) -> list[Outgoing]:
        self.loops += 1
        self.happenings += happenings
        return [
            Outgoing(POWER, json.dumps(readings.grid.power_w)),
            Outgoing(FAULT, "0", after_s=0.1),
            Outgoing(IMPORTED, json.dumps(readings.chargepoints[5].imported_wh), after_s=0.1),
            Outgoing(LOOP, str(self.loops), after_s=0.1),
            Outgoing("openWB/log", str(readings.time_s), retain=False, after_s=0.2),
        ]

    def heartbeat(self, time_s: float) -> list[Outgoing]:
        return [Outgoing(TIME, str(time_s))]


def tiny(dialect: Dialect = "openwb-2", *, scene: Scene = SCENES["full-car"], time_s: float = BEGAN_S) -> Simulation:
    """A real plant and a real box, and a voice that says little. In another dialect than at first it is new."""
    begun = scene.at(time_s)

    def make_voice(spoken: Dialect) -> TinyVoice:
        return TinyVoice(new=spoken != dialect)

    plant = Plant(begun.installation, begun, time_s, seed=1)
    box = Box(begun.installation, time_s, wishes=begun.wishes)
    return Simulation(plant, box, make_voice, dialect, time_s)
