"""A simulated 2.x at a broker that only exists here: plant, box and voice, as the shell runs them.

What the voice publishes below ``openWB/set/`` comes back to it, as from a real broker.
"""

import json
from typing import Any

import msgspec

from gateway.simulator.box import Box
from gateway.simulator.installations import TARIFF_HOME
from gateway.simulator.openwb2.versions import VersionName
from gateway.simulator.openwb2.voice import OpenWB2Voice
from gateway.simulator.plant.plant import Plant
from gateway.simulator.scenes import Scene, Stay
from gateway.simulator.words import Installation, Outgoing, Wish

RECORDED_AT = (
    1795348295.0  # Sunday, 2026-11-22 11:51:35 UTC: five hours later than the capture, because our sun is real
)
INTERVAL_S = 10.0
HEARTBEAT_BEFORE_S = 1.05

# nobody is assigned to a charge point until a tag says so
RECORDED_HOME = msgspec.structs.replace(
    TARIFF_HOME,
    chargepoints=tuple(msgspec.structs.replace(point, vehicle_id=0) for point in TARIFF_HOME.chargepoints),
)
RECORDED_STAYS = (
    Stay(vehicle_id=1, chargepoint_id=5, plugs_in_s=33, leaves_s=540, id_tag="04A1B2C3D4"),
    Stay(vehicle_id=3, chargepoint_id=6, plugs_in_s=150, leaves_s=555, id_tag="1234567890"),
)
PLUGGED_IN = (
    Stay(vehicle_id=1, chargepoint_id=5, plugs_in_s=5),
    Stay(vehicle_id=3, chargepoint_id=6, plugs_in_s=5),
)


class Simulated2:
    """``published``: everything the box said, with the box's time. ``retained``: what the broker holds."""

    def __init__(
        self,
        *,
        installation: Installation = RECORDED_HOME,
        stays: tuple[Stay, ...] = (),
        wishes: dict[int, Wish] | None = None,
        version: VersionName = "2.2.2",
        time_s: float = RECORDED_AT,
    ) -> None:
        scene = Scene(name="test", title="Test", text="Test.", installation=installation, stays=stays)
        self.time_s = time_s
        self.plant = Plant(installation, scene, time_s, seed=1)
        self.box = Box(installation, time_s, wishes=wishes or {})
        self.voice = OpenWB2Voice(self.box, version)
        self.published: list[tuple[float, Outgoing]] = []
        self.retained: dict[str, str] = {}
        self.boot()

    def boot(self) -> list[Outgoing]:
        return self._publish(self.voice.boot(self.time_s))

    def loops(self, count: int = 1) -> list[Outgoing]:
        """The messages of the last loop, without the heartbeat before it."""
        burst: list[Outgoing] = []
        for _ in range(count):
            self._publish(self.voice.heartbeat(self.time_s + INTERVAL_S - HEARTBEAT_BEFORE_S))
            self.time_s += INTERVAL_S
            readings = self.plant.step(INTERVAL_S, self.box.set_points)
            happenings = self.box.loop(readings)
            burst = self._publish(self.voice.loop(readings, happenings))
        return burst

    def write(self, path: str, value: Any) -> list[Outgoing]:
        """Another client sets a value."""
        return self.write_raw(path, json.dumps(value).encode())

    def write_raw(self, path: str, payload: bytes) -> list[Outgoing]:
        return self._publish(self.voice.heard(f"openWB/set/{path}", payload, self.time_s))

    def command(self, name: str, data: Any, client: str = "tester", *, named: bool = True) -> list[Outgoing]:
        todo = f"command/{client}/todo" + (f"/{name}" if named else "")
        return self.write(todo, {"command": name, "data": data})

    def delete(self, path: str) -> None:
        """Another client deletes a retained topic."""
        self.retained.pop(f"openWB/{path}", None)
        self.voice.heard(f"openWB/{path}", b"", self.time_s)

    def value(self, path: str) -> Any:
        """What is retained there; KeyError if nothing is."""
        return json.loads(self.retained[f"openWB/{path}"])

    def template(self, chargepoint_id: int = 5) -> Any:
        return self.value(f"chargepoint/{chargepoint_id}/set/charge_template")

    def _publish(self, messages: list[Outgoing]) -> list[Outgoing]:
        for message in messages:
            self.published.append((self.time_s + message.after_s, message))
            if not message.retain:
                continue
            if message.payload:
                self.retained[message.topic] = message.payload
            else:
                self.retained.pop(message.topic, None)
        for message in messages:
            if message.topic.startswith("openWB/set/"):
                own = self.voice.heard(message.topic, message.payload.encode(), self.time_s)
                assert own == [], f"{message.topic} was not known again"
        return messages


def told(messages: list[Outgoing]) -> list[tuple[str, str]]:
    """Topics without the prefix, and payloads."""
    return [(message.topic.removeprefix("openWB/"), message.payload) for message in messages]
