"""What a small site was: answers about history and charge sessions for the page to show, reckoned, not recorded."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from math import cos, pi
from typing import Any
from zoneinfo import ZoneInfo

from tests.support.fake_gateway import NOW, Query

ZONE = ZoneInfo("Europe/Berlin")
LENGTHS = {"15m": timedelta(minutes=15), "1h": timedelta(hours=1)}
HOUR_S = 3600
Amount = Callable[[datetime], float]


def sun_w(at: datetime) -> float:
    """More in summer, nothing at night."""
    high = -cos(2 * pi * (at.hour + at.minute / 60) / 24) - 0.2 + 0.4 * -cos(2 * pi * at.timetuple().tm_yday / 365)
    return max(0.0, 6000 * high)


def house_w(at: datetime) -> float:
    return 350 + 900 * (at.hour in {7, 12, 18, 19})


def charging_w(at: datetime) -> float:
    return 7200.0 if 10 <= at.hour < 13 and at.day % 3 else 0.0


def battery_w(at: datetime) -> float:
    rest = sun_w(at) - house_w(at) - charging_w(at)
    return max(-1500.0, min(2500.0, rest)) if at.hour >= 6 else max(-300.0, rest)


def grid_w(at: datetime) -> float:
    return house_w(at) + charging_w(at) + battery_w(at) - sun_w(at)


POWERS: dict[str, Amount] = {
    "pv": sun_w,
    "battery": battery_w,
    "grid": grid_w,
    "charging": charging_w,
    "house": house_w,
}
COUNTERS: dict[str, Amount] = {
    "pv/produced_wh": sun_w,
    "battery/discharged_wh": lambda at: max(0.0, -battery_w(at)),
    "battery/charged_wh": lambda at: max(0.0, battery_w(at)),
    "grid/imported_wh": lambda at: max(0.0, grid_w(at)),
    "grid/exported_wh": lambda at: max(0.0, -grid_w(at)),
    "charging/energy_wh": charging_w,
}


class Past:
    """Answers ``GET sites/home/history``; knows nothing before ``since``, nor of the ``holes``."""

    def __init__(self, since: date = date(2000, 1, 1), holes: dict[str, tuple[str, str, str]] | None = None) -> None:
        """``holes``: key -> (local time from, local time to, reason)."""
        self.since = datetime(since.year, since.month, since.day, tzinfo=ZONE)
        self.holes = holes or {}
        self.now = datetime.fromtimestamp(NOW, ZONE)
        self.asked: list[Query] = []

    def __call__(self, query: Query) -> Any:
        self.asked.append(query)
        begin, end = (datetime.fromisoformat(query[one]).replace(tzinfo=ZONE) for one in ("from", "to"))
        times = list(_times(begin, end, query["resolution"]))
        return {
            "site": "home",
            "from": begin.isoformat(),
            "to": end.isoformat(),
            "resolution": query["resolution"],
            "timezone": "Europe/Berlin",
            "origin": None,
            "times": [one.isoformat() for one in times],
            "series": [self._series(key, times, query["resolution"]) for key in query["series"].split(",")],
        }

    def _series(self, key: str, times: list[datetime], resolution: str) -> dict[str, Any]:
        counter = key in COUNTERS
        amount = COUNTERS[key] if counter else POWERS[key.split("/", maxsplit=1)[0]]
        reasons = [self._reason(key, one) for one in times]
        hours = {"15m": 0.25, "1h": 1, "1d": 24}[resolution]
        found = [
            None if reason else _mean(amount, one, hours) * (hours if counter else 1)
            for one, reason in zip(times, reasons, strict=True)
        ]
        return {
            "key": key,
            "unit": "Wh" if counter else "W",
            "kind": "counter" if counter else "gauge",
            "values": found,
            "coverage": [0.0 if one is None else 1.0 for one in found],
            **({"energy_wh": found} if counter else {}),
            "gaps": list(_gaps(reasons)),
        }

    def _reason(self, key: str, at: datetime) -> str | None:
        if at >= self.now:
            return "not_yet"
        if at < self.since:
            return "not_recorded"
        begin, end, reason = self.holes.get(key, ("", "", ""))
        return reason if begin <= at.isoformat() < end else None


def _times(begin: datetime, end: datetime, resolution: str) -> Iterator[datetime]:
    """Local days are stepped by the calendar, shorter buckets by the clock."""
    at = begin
    while at < end:
        yield at
        if resolution == "1d":
            at += timedelta(days=1)
        else:
            at = (at.astimezone(UTC) + LENGTHS[resolution]).astimezone(ZONE)


def _mean(amount: Amount, at: datetime, hours: float) -> float:
    each = [at + timedelta(hours=hours * part / 8) for part in range(8)] if hours > 1 else [at]
    return round(sum(amount(one) for one in each) / len(each), 3)


def _gaps(reasons: list[str | None]) -> Iterator[dict[str, Any]]:
    for place, reason in enumerate(reasons):
        if reason:
            yield {"from": place, "to": place + 1, "reason": reason}


def charge_session(number: int, **other: Any) -> dict[str, Any]:
    """One that ended ``number`` days before now."""
    begin = datetime.fromtimestamp(NOW, ZONE).replace(hour=18, minute=5) - timedelta(days=number)
    end = begin + timedelta(hours=3, minutes=35)
    return {
        "id": 1000 - number,
        "chargepoint_id": "5",
        "plugged_at": begin.isoformat(),
        "unplugged_at": end.isoformat(),
        "meter_start_wh": 10_839_000,
        "meter_end_wh": 10_852_040.19,
        "energy_wh": 13_040.19,
        "peak_w": 11_061.15,
        "mean_w": 8491.5,
        "charging_s": 5_520.142,
        "plugged_s": (end - begin).total_seconds(),
        "vehicle_id": 1,
        "vehicle_name": "Ioniq 5",
        "id_tag": "04A1B2C3D4",
        "person": None,
        "person_how": None,
        "soc_start_percent": 42,
        "soc_end_percent": 59,
        "odometer_start_km": None,
        "odometer_end_km": 48_210,
        "modes": ["pv", "instant"],
        "energy_by_source": {"grid_wh": 3040.19, "pv_wh": 9000, "battery_wh": 1000, "unknown_wh": 0},
        "source_how": "box",
        "cost": None,
        "completeness": [],
        "serial_number": "823950",
        "origin": None,
        "note": None,
        "version": 0,
        **other,
    }


def segments(session: dict[str, Any]) -> list[dict[str, Any]]:
    middle = datetime.fromisoformat(session["plugged_at"]) + timedelta(hours=2)
    return [
        {"mode": "pv", "begin": session["plugged_at"], "end": middle.isoformat(), "energy_wh": 9000},
        {"mode": "instant", "begin": middle.isoformat(), "end": session["unplugged_at"], "energy_wh": 4040.19},
    ]


class ChargeSessions:
    """Answers ``GET sites/home/charge-sessions`` page by page."""

    def __init__(self, sessions: list[dict[str, Any]], page: int = 25) -> None:
        self.sessions = sessions
        self.page = page

    def __call__(self, query: Query) -> Any:
        begin = int(query.get("cursor", 0))
        end = begin + self.page
        sums = {f"{source}_wh": 0.0 for source in ("grid", "pv", "battery", "unknown")}
        for one in self.sessions:
            for name, amount in (one["energy_by_source"] or {}).items():
                sums[name] += amount
        totals = {
            "sessions": len(self.sessions),
            "small": 0,
            "without_energy": sum(one["energy_wh"] is None for one in self.sessions),
            "energy_wh": sum(one["energy_wh"] or 0 for one in self.sessions),
            **sums,
        }
        return {
            "site": "home",
            "timezone": "Europe/Berlin",
            "sessions": self.sessions[begin:end],
            "next": str(end) if end < len(self.sessions) else None,
            "totals": None if begin else totals,
        }
