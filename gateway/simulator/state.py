"""The state of the simulated box: what its dialects publish, and what their writes change.

Only ``Box`` (``box.py``) changes it; a voice reads it and calls the box's actions.
"""

from typing import Literal

import msgspec

from gateway.simulator.words import ChargePointSetup, Installation, Mode, Readings, SetPoint, VehicleSetup, Wish


class SessionLog(msgspec.Struct, kw_only=True):
    """What the box adds up from plug to unplug (2.x ``set/log``): since plugged, and since the mode switch.

    ``mode``: "_" until power flowed. ``by_source_wh`` and ``cost_eur`` move every five minutes, and ``charging_s``
    when a charge ends, as on the real box; ``started_s`` is None while nothing charges, ``stopped_s`` when it ended.
    """

    mode: Mode | Literal["_"] = "_"
    vehicle_id: int = -1
    id_tag: str | None = None
    priority: bool = False
    imported_at_plug_wh: float = 0.0
    imported_at_mode_switch_wh: float = 0.0
    since_plugged_wh: float = 0.0
    since_mode_switch_wh: float = 0.0
    charging_s: float = 0.0
    started_s: float | None = None
    stopped_s: float | None = None
    mode_switched_s: float | None = None
    by_source_wh: dict[str, float] = msgspec.field(
        default_factory=lambda: {"bat": 0.0, "cp": 0.0, "grid": 0.0, "pv": 0.0}
    )
    cost_eur: float = 0.0
    soc_at_start_percent: float | None = None
    range_at_start_km: float | None = None
    range_charged_km: float | None = None


class ChargePoint(msgspec.Struct, kw_only=True):
    """``scanned_tag``: held to the box, not assigned yet (2.x ``get/rfid``); ``id_tag``: bound to the plug-in.

    ``scanned_s``: when the box looked at it, a loop after the scan. ``valid_tags``: those that are good here alone.
    """

    setup: ChargePointSetup
    wish: Wish
    vehicle_id: int
    locked: bool = False
    set_point: SetPoint = SetPoint(0.0, 3)
    scanned_tag: str | None = None
    scanned_s: float | None = None
    id_tag: str | None = None
    valid_tags: tuple[str, ...] = ()
    state_text: str = "Keine Ladung, da kein Auto angesteckt ist."
    fault_state: int = 0
    fault_text: str = "Kein Fehler."
    imported_today_wh: float = 0.0
    log: SessionLog = msgspec.field(default_factory=SessionLog)


class Vehicle(msgspec.Struct, kw_only=True):
    """``soc_percent``: what the box knows by its SoC module, which asks now and then; None without one.

    ``asked_s``: when it asked last. ``counted_from_wh``: the meter from which a ``manual`` SoC counts while plugged.
    """

    setup: VehicleSetup
    name: str
    id_tags: tuple[str, ...]
    soc_module: str | None
    soc_percent: float | None = None
    soc_at_s: float | None = None
    range_km: float | None = None
    odometer_km: float | None = None
    asked_s: float | None = None
    counted_from_wh: float | None = None


class Totals(msgspec.Struct, kw_only=True):
    """Since local midnight, Wh; ``month`` and ``year`` for the inverters together."""

    grid_imported_wh: float = 0.0
    grid_exported_wh: float = 0.0
    produced_wh: dict[int, float] = msgspec.field(default_factory=dict)
    produced_month_wh: float = 0.0
    produced_year_wh: float = 0.0
    charged_wh: float = 0.0
    discharged_wh: float = 0.0
    house_wh: float = 0.0


class BoxState(msgspec.Struct, kw_only=True):
    """``readings``: the last ones; None before the first. ``bat_mode``: ev_mode, bat_mode or min_soc_bat_mode."""

    installation: Installation
    time_s: float
    control_interval_s: int = 10
    id_tags_active: bool = True
    bat_mode: str = "ev_mode"
    house_total_wh: float = 0.0
    readings: Readings | None = None
    chargepoints: dict[int, ChargePoint] = msgspec.field(default_factory=dict)
    vehicles: dict[int, Vehicle] = msgspec.field(default_factory=dict)
    today: Totals = msgspec.field(default_factory=Totals)
