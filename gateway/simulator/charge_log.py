"""The box's own charge log: what is added up from plug to unplug, and the lines that are written of it.

Rules, read off the recorded charge log:

* From the plug on the energy since then counts; since the mode switch only while the car charges. Mode, vehicle, tag
  and SoC are taken when it begins to charge.
* A line is written at the unplug and at a change of the mode, if energy flowed since the last line; then the mode's
  half begins anew. ``pv`` and ``min_pv`` are one mode.
* While the charge point is locked or stopped nothing is taken down; when it is released again, a line is written for
  what was before, the pause included in its time, as the real box does. What flowed under no mode has mode "_".
* Energy gets its source from the balance of its moment, and its price with it. Both become visible every five
  minutes of the wall clock and with the line, and only for stretches of LEAST_STRETCH_WH or more: shares of short
  lines are 0.
* A meter that was swapped for a lower one takes the plug-in's energy away, as it does on the real box, but never
  below zero; one that jumps up is believed.
"""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from gateway.simulator.state import ChargePoint, SessionLog, Vehicle
from gateway.simulator.words import ChargePointReading, LogEntry, Readings, Wish

Source: TypeAlias = Literal["grid", "pv", "bat", "cp"]
SOURCES: tuple[Source, ...] = ("grid", "pv", "bat", "cp")

LEAST_STRETCH_WH = 100.0
VISIBLE_EVERY_S = 300
HOUR_S = 3_600.0
EFFICIENCY = 0.9
KINDS = {"min_pv": "pv"}
"""Modes that the log takes for another one."""


def sources(readings: Readings) -> tuple[float, float, float, float]:
    """Which share of what is consumed at this moment comes from where, in the order of SOURCES."""
    grid_w = readings.grid.power_w
    battery_w = sum(battery.power_w for battery in readings.batteries.values())
    sun_w = sum(inverter.power_w for inverter in readings.inverters.values())
    imported_w, exported_w = max(grid_w, 0.0), max(-grid_w, 0.0)
    from_sun_w = max(sun_w - exported_w - max(battery_w, 0.0), 0.0)
    from_battery_w = max(-battery_w, 0.0)
    total_w = imported_w + from_sun_w + from_battery_w
    if total_w <= 0:
        return 1.0, 0.0, 0.0, 0.0
    return imported_w / total_w, from_sun_w / total_w, from_battery_w / total_w, 0.0


class Ledger:
    """Keeps the session log of one charge point. Hidden stay the sources of what is not visible yet."""

    def __init__(self, chargepoint: ChargePoint) -> None:
        self._chargepoint = chargepoint
        self._kind: str | None = None
        self._held = False
        self._metered_wh = 0.0
        self._hidden_wh = dict.fromkeys(SOURCES, 0.0)
        self._hidden_eur = 0.0

    def plug(self, reading: ChargePointReading, time_s: float) -> None:
        """Begin."""
        meter_wh = reading.imported_wh
        self._chargepoint.log = SessionLog(
            imported_at_plug_wh=meter_wh, imported_at_mode_switch_wh=meter_wh, mode_switched_s=time_s
        )
        self._kind = None
        self._held = False
        self._metered_wh = meter_wh
        self._hide_nothing()

    def unplug(self, reading: ChargePointReading, vehicle: Vehicle, time_s: float) -> LogEntry | None:
        """End: the last line, if there is one, and all zeros."""
        entry = self._write(reading, vehicle, time_s)
        self._chargepoint.log = SessionLog()
        self._hide_nothing()
        return entry

    def add(
        self, reading: ChargePointReading, shares: tuple[float, float, float, float], prices: Mapping[Source, float]
    ) -> None:
        """What flowed since the last loop, by its sources. ``prices``: EUR/Wh."""
        energy_wh = reading.imported_wh - self._metered_wh
        if energy_wh:
            self._metered_wh = reading.imported_wh
        if energy_wh <= 0:
            return
        for source, part in zip(SOURCES, shares, strict=True):
            if part:
                self._hidden_wh[source] += energy_wh * part
                self._hidden_eur += energy_wh * part * prices[source]

    def collect(
        self, reading: ChargePointReading, vehicle: Vehicle, wish: Wish, time_s: float, *, held: bool
    ) -> LogEntry | None:
        """One loop of a plugged car; ``held``: locked or stopped. The line that a change of mode leads to."""
        if held:
            self._held = True
            return None
        kind = KINDS.get(wish.mode, wish.mode)
        entry = None
        if self._held or (self._kind is not None and kind != self._kind):
            entry = self._write(reading, vehicle, time_s)
            self._begin_mode(reading, time_s)
        self._held = False
        self._kind = kind
        log = self._chargepoint.log
        log.since_plugged_wh = max(0.0, reading.imported_wh - log.imported_at_plug_wh)
        if reading.charging:
            if log.started_s is None:
                self._start(log, vehicle, wish, time_s)
            log.since_mode_switch_wh = max(0.0, reading.imported_wh - log.imported_at_mode_switch_wh)
            log.range_charged_km = _range_charged_km(log, vehicle)
        elif log.started_s is not None:
            log.charging_s += max(0.0, time_s - log.started_s)
            log.started_s, log.stopped_s = None, time_s
        return entry

    def show(self) -> None:
        """The five minutes' job: sources and costs become visible."""
        if sum(self._hidden_wh.values()) < LEAST_STRETCH_WH:
            return
        log = self._chargepoint.log
        for source, energy_wh in self._hidden_wh.items():
            log.by_source_wh[source] += energy_wh
        log.cost_eur += self._hidden_eur
        self._hide_nothing()

    def _hide_nothing(self) -> None:
        self._hidden_wh = dict.fromkeys(SOURCES, 0.0)
        self._hidden_eur = 0.0

    def _start(self, log: SessionLog, vehicle: Vehicle, wish: Wish, time_s: float) -> None:
        chargepoint = self._chargepoint
        if log.mode == "_":
            log.soc_at_start_percent, log.range_at_start_km = vehicle.soc_percent, vehicle.range_km
        log.started_s = time_s
        log.mode, log.vehicle_id = wish.mode, chargepoint.vehicle_id
        log.id_tag, log.priority = chargepoint.id_tag, wish.priority

    def _begin_mode(self, reading: ChargePointReading, time_s: float) -> None:
        before = self._chargepoint.log
        self._chargepoint.log = SessionLog(
            imported_at_plug_wh=before.imported_at_plug_wh,
            since_plugged_wh=before.since_plugged_wh,
            imported_at_mode_switch_wh=reading.imported_wh,
            mode_switched_s=time_s,
        )
        self._hide_nothing()

    def _write(self, reading: ChargePointReading, vehicle: Vehicle, time_s: float) -> LogEntry | None:
        log = self._chargepoint.log
        energy_wh = reading.imported_wh - log.imported_at_mode_switch_wh
        if energy_wh <= 0:
            return None
        self.show()
        charging_s = log.charging_s
        if log.started_s is not None:
            charging_s += max(0.0, time_s - log.started_s)
        log.since_mode_switch_wh = energy_wh
        return LogEntry(
            chargepoint_id=self._chargepoint.setup.id,
            vehicle_id=self._chargepoint.vehicle_id if log.vehicle_id < 0 else log.vehicle_id,
            mode=log.mode,
            id_tag=log.id_tag,
            begin_s=time_s if log.mode_switched_s is None else log.mode_switched_s,
            end_s=time_s,
            charging_s=charging_s,
            imported_at_start_wh=log.imported_at_mode_switch_wh,
            imported_at_end_wh=reading.imported_wh,
            since_mode_switch_wh=energy_wh,
            since_plugged_wh=max(0.0, reading.imported_wh - log.imported_at_plug_wh),
            power_w=energy_wh / charging_s * HOUR_S if charging_s > 0 else 0.0,
            cost_eur=log.cost_eur,
            shares={source: min(1.0, log.by_source_wh[source] / energy_wh) for source in SOURCES},
            soc_at_start_percent=log.soc_at_start_percent,
            soc_at_end_percent=vehicle.soc_percent,
            range_at_start_km=log.range_at_start_km,
            range_at_end_km=vehicle.range_km,
            odometer_km=vehicle.odometer_km,
            priority=log.priority,
        )


def _range_charged_km(log: SessionLog, vehicle: Vehicle) -> float:
    """By the car's own word where it gives one."""
    if log.range_at_start_km is not None and vehicle.range_km is not None:
        return round(vehicle.range_km - log.range_at_start_km, 2)
    return round(log.since_mode_switch_wh * EFFICIENCY / vehicle.setup.consumption_wh_per_100km * 100, 2)
