"""What the answers about charge sessions look like, for the documentation."""

from typing import Any, Final

SUM: Final[dict[str, Any]] = {
    "sessions": 1,
    "small": 0,
    "without_energy": 0,
    "energy_wh": 1038.19,
    "grid_wh": 138.19,
    "pv_wh": 900,
    "battery_wh": 0,
    "unknown_wh": 0,
}
COMMON: Final[dict[str, Any]] = {
    "chargepoint_id": "5",
    "plugged_at": "2026-03-24T09:05:12.264000+01:00",
    "unplugged_at": "2026-03-24T09:13:32.533000+01:00",
    "meter_start_wh": 10839000,
    "meter_end_wh": 10840038.19,
    "energy_wh": 1038.19,
    "peak_w": 11061.15,
    "mean_w": 8491.5,
    "charging_s": 440.142,
    "plugged_s": 500.269,
    "vehicle_id": 1,
    "vehicle_name": "Ioniq 5",
    "id_tag": "04A1B2C3D4",
    "person": None,
    "person_how": None,
    "soc_start_percent": 42,
    "soc_end_percent": 47.9,
    "odometer_start_km": None,
    "odometer_end_km": None,
    "modes": ["pv", "instant"],
    "energy_by_source": {"grid_wh": 138.19, "pv_wh": 900, "battery_wh": 0, "unknown_wh": 0},
    "source_how": "box",
    "cost": None,
    "completeness": [],
    "serial_number": "823950",
    "origin": None,
}
SEGMENTS: Final[list[dict[str, Any]]] = [
    {
        "mode": "pv",
        "begin": "2026-03-24T09:05:12.264000+01:00",
        "end": "2026-03-24T09:08:01.007000+01:00",
        "energy_wh": 222.41,
    },
    {
        "mode": "instant",
        "begin": "2026-03-24T09:08:01.007000+01:00",
        "end": "2026-03-24T09:13:32.533000+01:00",
        "energy_wh": 815.78,
    },
]
ORIGINAL: Final[dict[str, Any]] = {
    "vehicle_id": 1,
    "vehicle_name": "Ioniq 5",
    "odometer_start_km": None,
    "odometer_end_km": None,
    "note": None,
}
VERSION: Final[dict[str, Any]] = {
    **ORIGINAL,
    "odometer_start_km": 48210,
    "version": 1,
    "author": "admin",
    "reason": "read from the dashboard",
    "at": "2026-03-24T18:20:00+01:00",
}
ENDED: Final[dict[str, Any]] = {**COMMON, "id": 17, "note": None, "version": 0}
LIST: Final[dict[str, Any]] = {
    "site": "home",
    "timezone": "Europe/Berlin",
    "sessions": [ENDED],
    "next": "1774340012533000-17",
    "totals": SUM,
}
CURRENT: Final[dict[str, Any]] = {
    "site": "home",
    "timezone": "Europe/Berlin",
    "sessions": [{**COMMON, "unplugged_at": None, "source_how": "estimated", "segments": SEGMENTS}],
}
DETAIL: Final[dict[str, Any]] = {
    **ENDED,
    "odometer_start_km": 48210,
    "version": 1,
    "segments": SEGMENTS,
    "original": ORIGINAL,
    "versions": [VERSION],
}
CORRECTION: Final[dict[str, Any]] = {
    "reason": "read from the dashboard",
    "based_on": 0,
    "odometer_start_km": 48210,
}
STATISTICS: Final[dict[str, Any]] = {
    "site": "home",
    "timezone": "Europe/Berlin",
    "by": ["month", "vehicle"],
    "rows": [{"month": "2026-03", "vehicle_id": 1, "vehicle_name": "Ioniq 5", **SUM}],
    "totals": SUM,
}
RECONCILE: Final[dict[str, Any]] = {
    "site": "home",
    "timezone": "Europe/Berlin",
    "rows": [
        {
            "month": "2026-03",
            "chargepoint_id": "5",
            "box_wh": 81230.5,
            "gateway_wh": 82268.69,
            "meter_wh": 82268.69,
            "differences": [
                {
                    "cause": "not_in_box_log",
                    "begin": "2026-03-24T09:05:12.264000+01:00",
                    "end": "2026-03-24T09:13:32.533000+01:00",
                    "box_wh": None,
                    "gateway_wh": 1038.19,
                    "meter_wh": None,
                }
            ],
        }
    ],
}
