"""A simulated 1.9 in the recorded house: plant, box and voice, through the recorded 22 minutes and their writes."""

from collections.abc import Iterable, Iterator, Mapping

from gateway.simulator.box import Box
from gateway.simulator.openwb19.voice import OpenWB19Voice
from gateway.simulator.plant.plant import Plant
from gateway.simulator.scenes import Scene, Stay
from gateway.simulator.words import (
    BatterySetup,
    ChargePointSetup,
    Installation,
    InverterSetup,
    Outgoing,
    VehicleSetup,
    Wish,
)
from tests.support.captures import load_capture
from tests.support.recording import Recorded

BEGAN_S = 1_714_732_200.0
LOOP_S = 10.0
UNTIL_S = 1310.0

HOUSE = Installation(
    counter_id=0,
    inverters=(InverterSetup(id=1, name="Dach", peak_w=11_000.0, produced_wh=31_178_057.0),),
    battery=BatterySetup(
        id=2,
        name="Speicher",
        capacity_wh=10_000.0,
        max_power_w=2250.0,
        soc_percent=71.0,
        charged_wh=2_551_998.0,
        discharged_wh=2_306_765.5,
    ),
    chargepoints=(
        ChargePointSetup(
            id=5, name="Ladepunkt Carport", serial_number="20160243", imported_wh=8_123_480.0, vehicle_id=1
        ),
        ChargePointSetup(id=6, name="Hof", serial_number="0", imported_wh=1_454_090.0),
    ),
    vehicles=(
        VehicleSetup(id=0, name="Standard"),
        VehicleSetup(id=1, name="Auto", capacity_wh=36_000.0, soc_percent=41.0, soc_module="mqtt"),
    ),
    imported_wh=21_450_000.28,
    exported_wh=9_120_187.9,
)
SCENE = Scene(
    name="recorded",
    title="The recorded house",
    text="What the capture of the 1.9 shows.",
    installation=HOUSE,
    weather="clear",
    wishes={id_: Wish(mode="pv") for id_ in (5, 6)},
    stays=(Stay(vehicle_id=1, chargepoint_id=5, plugs_in_s=70.0, leaves_s=1145.0),),
)


class Simulated19:
    """The installation may be another one; the clock moves with ``loop`` only."""

    def __init__(
        self, installation: Installation = HOUSE, *, wishes: Mapping[int, Wish] = SCENE.wishes, scene: Scene = SCENE
    ) -> None:
        self.time_s = BEGAN_S - LOOP_S
        self.plant = Plant(installation, scene, self.time_s, seed=19)
        self.box = Box(installation, self.time_s, wishes=wishes)
        self.voice = OpenWB19Voice(self.box)

    def boot(self) -> dict[str, str]:
        return texts(self.voice.boot(self.time_s))

    def loop(self) -> list[Outgoing]:
        self.time_s += LOOP_S
        readings = self.plant.step(LOOP_S, self.box.set_points)
        return self.voice.loop(readings, self.box.loop(readings))

    def loops(self, number: int) -> dict[str, str]:
        """What that many loops say, the last of each topic."""
        said: dict[str, str] = {}
        for _ in range(number):
            said |= texts(self.loop())
        return said

    def write(self, topic: str, payload: str | bytes) -> list[tuple[str, str]]:
        """A write without the prefix, and what is answered at once."""
        written = payload.encode() if isinstance(payload, str) else payload
        answered = self.voice.heard(f"openWB/{topic}", written, self.time_s)
        return [(one.topic.removeprefix("openWB/"), one.payload) for one in answered]

    def recorded(self, writes: Iterable[Recorded]) -> Iterator[Recorded]:
        """The whole session, with those writes at their moments; ``t`` as in the capture."""
        waiting = list(writes)
        for loop in range(int(UNTIL_S / LOOP_S) + 1):
            began = loop * LOOP_S
            yield from _said(self.loop(), began)
            while waiting and waiting[0].t < began + LOOP_S:
                write = waiting.pop(0)
                yield write
                yield from _said(self.voice.heard(write.topic, write.payload.encode(), self.time_s), write.t)


def texts(outgoing: Iterable[Outgoing]) -> dict[str, str]:
    """Topic without the prefix to payload, the last one of each."""
    return {one.topic.removeprefix("openWB/"): one.payload for one in outgoing}


def writes_of_the_capture() -> list[Recorded]:
    return [one for one in load_capture("v19-session") if "/set/" in one.topic and one.payload]


def _said(outgoing: Iterable[Outgoing], t: float) -> Iterator[Recorded]:
    for one in outgoing:
        yield Recorded(one.topic, one.payload, one.retain, round(t + one.after_s, 3))
