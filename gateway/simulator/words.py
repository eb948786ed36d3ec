"""What the plant, the box and its dialects tell each other. No topic, no JSON, no I/O.

The way of one control loop, all of it in simulated time:

    plant.step(interval, set points) -> Readings -> box.loop(readings) -> Happenings, new set points
                                                                      -> voice.loop(box, happenings) -> Outgoing

* The plant is physics: sun, house, battery, cars, meters, and the people who plug in, hold up a tag and leave.
* The box is openWB's mind: what was asked for, what it decides, the charge log. It knows nothing of topics.
* A voice is one dialect: it keeps what only that dialect knows (the templates of 2.x), turns writes into calls of the
  box, and says everything as the captures show it.

Powers are W with the gateway's signs: grid + import, inverters + production, battery + charging, charge points
+ charging. Energies are Wh, times epoch seconds of the simulated clock, lists are L1 to L3.
"""

from collections.abc import Mapping
from typing import Literal, Protocol, TypeAlias

import msgspec

Mode: TypeAlias = Literal["instant", "min_pv", "pv", "eco", "scheduled", "stop", "standby"]
LimitKind: TypeAlias = Literal["none", "soc", "energy"]
Phases: TypeAlias = tuple[float, float, float]


class VehicleSetup(msgspec.Struct, frozen=True, kw_only=True):
    """A vehicle as the box knows it, and the car behind it. Vehicle 0 is the box's default, with no car of its own.

    ``soc_module``: the box's type name (``manual``, ``mqtt``), None without one.
    """

    id: int
    name: str
    capacity_wh: float = 60_000.0
    soc_percent: float = 50.0
    phases: int = 3
    max_current_a: float = 16.0
    consumption_wh_per_100km: float = 17_000.0
    odometer_km: float = 10_000.0
    id_tags: tuple[str, ...] = ()
    soc_module: str | None = None


class ChargePointSetup(msgspec.Struct, frozen=True, kw_only=True):
    """``imported_wh``: the meter at the start. ``vehicle_id``: the one assigned while nobody says otherwise."""

    id: int
    name: str
    serial_number: str
    phases: int = 3
    max_current_a: float = 16.0
    imported_wh: float = 0.0
    vehicle_id: int = 0


class InverterSetup(msgspec.Struct, frozen=True, kw_only=True):
    """``peak_w``: under the full sun. ``azimuth_degrees``: 180 is south."""

    id: int
    name: str
    peak_w: float
    azimuth_degrees: float = 180.0
    produced_wh: float = 0.0


class BatterySetup(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    name: str
    capacity_wh: float
    max_power_w: float
    soc_percent: float = 50.0
    charged_wh: float = 0.0
    discharged_wh: float = 0.0


class Installation(msgspec.Struct, frozen=True, kw_only=True):
    """What is screwed to the wall. Ids share one numbering with gaps, as in 2.x; 1.9 numbers by position.

    ``counter_id`` is the grid meter. Prices are EUR/Wh, ``tariff`` by start of slot in seconds after local midnight.
    """

    counter_id: int
    inverters: tuple[InverterSetup, ...]
    battery: BatterySetup | None
    chargepoints: tuple[ChargePointSetup, ...]
    vehicles: tuple[VehicleSetup, ...]
    timezone: str = "Europe/Berlin"
    latitude: float = 50.1
    longitude: float = 9.0
    imported_wh: float = 0.0
    exported_wh: float = 0.0
    price_eur_per_wh: float = 0.0003
    feed_in_eur_per_wh: float = 0.00008
    tariff: tuple[tuple[int, float], ...] = ()


class SetPoint(msgspec.Struct, frozen=True):
    """What the box releases at a charge point: 0 A is nothing; ``phases`` 1 or 3."""

    current_a: float
    phases: int


class GridReading(msgspec.Struct, frozen=True, kw_only=True):
    power_w: float
    powers_w: Phases
    currents_a: Phases
    power_factors: Phases
    frequency_hz: float
    imported_wh: float
    exported_wh: float


class InverterReading(msgspec.Struct, frozen=True, kw_only=True):
    power_w: float
    currents_a: Phases
    produced_wh: float


class BatteryReading(msgspec.Struct, frozen=True, kw_only=True):
    power_w: float
    currents_a: Phases
    soc_percent: float
    charged_wh: float
    discharged_wh: float


class ChargePointReading(msgspec.Struct, frozen=True, kw_only=True):
    """``charging``: power flows. ``phases_in_use``: the last known ones when idle. ``car``: its vehicle id."""

    plugged: bool
    charging: bool
    car: int | None
    power_w: float
    powers_w: Phases
    currents_a: Phases
    power_factors: Phases
    phases_in_use: int
    imported_wh: float


class VehicleReading(msgspec.Struct, frozen=True, kw_only=True):
    """What the car itself knows, whether or not the box asks."""

    soc_percent: float
    odometer_km: float
    range_km: float


class Scan(msgspec.Struct, frozen=True):
    """A tag was held to a charge point."""

    chargepoint_id: int
    id_tag: str


class Readings(msgspec.Struct, frozen=True, kw_only=True):
    """All meters at the end of a step. ``house_w`` is what the house takes, without cars and battery."""

    time_s: float
    voltages_v: Phases
    house_w: float
    grid: GridReading
    inverters: Mapping[int, InverterReading]
    batteries: Mapping[int, BatteryReading]
    chargepoints: Mapping[int, ChargePointReading]
    vehicles: Mapping[int, VehicleReading]
    scans: tuple[Scan, ...] = ()


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    kind: LimitKind = "none"
    soc_percent: int = 80
    energy_wh: float = 10_000.0


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Scheduled charging: ``ready_at`` is local ``HH:MM``; until then the SoC or the energy of ``limit``."""

    ready_at: str
    limit: Limit
    current_a: float = 14.0
    active: bool = True


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of one charge point, whoever asked, in no dialect's words.

    ``min_current_a`` 0: in ``pv`` only from surplus. ``phases`` 0: the box chooses. Limits per mode, as in 2.x.
    """

    mode: Mode = "instant"
    instant_current_a: float = 10.0
    min_current_a: float = 0.0
    instant_limit: Limit = Limit()
    pv_limit: Limit = Limit()
    eco_current_a: float = 6.0
    eco_limit: Limit = Limit()
    price_limit_eur_per_wh: float = 0.0002
    phases: int = 0
    plans: tuple[Plan, ...] = ()
    priority: bool = False


class LogEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the box's own charge log: a stretch in one mode. ``shares``: grid, pv, bat, cp, 0 to 1."""

    chargepoint_id: int
    vehicle_id: int
    mode: Mode | Literal["_"]
    id_tag: str | None
    begin_s: float
    end_s: float
    charging_s: float
    imported_at_start_wh: float
    imported_at_end_wh: float
    since_mode_switch_wh: float
    since_plugged_wh: float
    power_w: float
    cost_eur: float
    shares: Mapping[Literal["grid", "pv", "bat", "cp"], float]
    soc_at_start_percent: float | None
    soc_at_end_percent: float | None
    range_at_start_km: float | None
    range_at_end_km: float | None
    odometer_km: float | None
    priority: bool = False


class PluggedIn(msgspec.Struct, frozen=True):
    chargepoint_id: int


class Unplugged(msgspec.Struct, frozen=True):
    chargepoint_id: int


class VehicleAssigned(msgspec.Struct, frozen=True):
    """By hand, by a tag, or back to the default after the unplug: its template is to be loaded."""

    chargepoint_id: int
    vehicle_id: int


class TagTaken(msgspec.Struct, frozen=True):
    chargepoint_id: int
    id_tag: str


class TagRefused(msgspec.Struct, frozen=True):
    """``text`` is the box's German sentence."""

    chargepoint_id: int
    id_tag: str
    text: str


class Logged(msgspec.Struct, frozen=True):
    entry: LogEntry


Happening: TypeAlias = PluggedIn | Unplugged | VehicleAssigned | TagTaken | TagRefused | Logged


class Outgoing(msgspec.Struct, frozen=True):
    """One message. ``after_s``: how long after the begin of its burst, in real time; an empty payload deletes."""

    topic: str
    payload: str
    retain: bool = True
    after_s: float = 0.0


class Voice(Protocol):
    """A dialect of the simulated box: 2.x (HEAD and before 2.1.8) and 1.9. Topics carry the prefix ``openWB/``.

    ``subscriptions`` is what it must hear: the set topics. It takes each message once; those that it published itself
    come back from the broker, and it knows them again.
    """

    subscriptions: tuple[str, ...]

    def boot(self, time_s: float) -> list[Outgoing]:
        """Everything that is retained, as after a start of the box."""
        ...

    def heard(self, topic: str, payload: bytes, time_s: float) -> list[Outgoing]:
        """A message of another client: validate, do, echo, clear, answer."""
        ...

    def loop(self, readings: Readings, happenings: tuple[Happening, ...]) -> list[Outgoing]:
        """The burst of one control loop, in order, with the pauses of the real one."""
        ...

    def heartbeat(self, time_s: float) -> list[Outgoing]:
        """What goes out by a timer of its own (2.x ``system/time``); [] where it rides in the loop."""
        ...
