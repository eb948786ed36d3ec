"""The box's own history of meters: ``getDailyLog``, ``getMonthlyLog``, ``getYearlyLog``.

The box notes all meters every five minutes, and once a day. An answer has an entry for each note of the day (month,
year), with what passed until the next one, and the sums of all. Entries are in kWh, totals in Wh, as on the box.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Final

import msgspec

from gateway.simulator.openwb2.clockwork import local
from gateway.simulator.openwb2.measured import readings_of
from gateway.simulator.openwb2.templates import Json
from gateway.simulator.state import BoxState

FIVE_MINUTES_S: Final = 300
MOST_NOTES: Final = 2 * 288  # two days
MOST_DAYS: Final = 800
COLORS: Final[Mapping[str, str]] = {
    "cp": "#007bff",
    "ev": "#17a2b8",
    "counter": "#dc3545",
    "pv": "#28a745",
    "bat": "#ffc107",
}
IMPORTED, EXPORTED = 0, 1
SOURCES: Final = ("grid", "pv", "bat", "cp")
GROUPS: Final = ("cp", "counter", "pv", "bat", "sh", "hc")
_TAKEN: Final = frozenset({"energy_imported", *(f"energy_imported_{source}" for source in SOURCES)})
SUMMED: Final[Mapping[str, frozenset[str]]] = {
    "cp": _TAKEN | {"energy_exported"},
    "hc": _TAKEN,
    "pv": frozenset({"energy_exported"}),
    "counter": frozenset({"energy_imported", "energy_exported"}),
    "bat": frozenset({"energy_imported", "energy_exported"}),
    "sh": frozenset(),
}
FORMATS: Final[Mapping[str, tuple[str, str]]] = {  # name: key of a note, key of an entry
    "daily": ("%Y%m%d", "%H:%M"),
    "monthly": ("%Y%m", "%Y%m%d"),
    "yearly": ("%Y", "%Y%m"),
}


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """The meters at a time, Wh: imported and exported of each part by its group and name."""

    time_s: float
    imported: Mapping[tuple[str, str], float]
    exported: Mapping[tuple[str, str], float]
    battery_soc: float | None
    vehicle_socs: Mapping[str, float | None]


class History:
    """``days``: the first note of each day."""

    def __init__(self) -> None:
        self._notes: deque[Note] = deque(maxlen=MOST_NOTES)
        self._days: deque[Note] = deque(maxlen=MOST_DAYS)

    def note(self, state: BoxState) -> bool:
        """Take a note if five minutes have begun since the last; says whether."""
        last = self._notes[-1].time_s if self._notes else -FIVE_MINUTES_S
        if state.time_s // FIVE_MINUTES_S == last // FIVE_MINUTES_S:
            return False
        note = _note(state)
        day = _key(state, "%Y%m%d")
        if not self._days or day(self._days[-1]) != day(note):
            self._days.append(note)
        self._notes.append(note)
        return True

    def answer(self, state: BoxState, kind: str, date: str) -> Json:
        """Of a day (``YYYYMMDD``), month (``YYYYMM``) or year (``YYYY``)."""
        name, entry = FORMATS[kind]
        key = _key(state, name)
        notes = [note for note in (self._notes if kind == "daily" else self._days) if key(note) == date]
        if date == key(_note(state)) and notes:
            notes = [*notes, _note(state)]
        show = _key(state, entry)
        names = _names(state)
        entries = [_entry(state, first, then, show(first)) for first, then in pairwise(notes)]
        return {
            "entries": entries,
            "names": names,
            "colors": {name: COLORS[name.rstrip("0123456789")] for name in names},
            "totals": _totals(entries),
            "message": "",
        }


def _key(state: BoxState, form: str) -> Callable[[Note], str]:
    return lambda note: local(state.installation, note.time_s).strftime(form)


def _note(state: BoxState) -> Note:
    readings = readings_of(state)
    imported = {("counter", f"counter{state.installation.counter_id}"): readings.grid.imported_wh}
    exported = {("counter", f"counter{state.installation.counter_id}"): readings.grid.exported_wh}
    for key, point in readings.chargepoints.items():
        imported["cp", f"cp{key}"] = point.imported_wh
        exported["cp", f"cp{key}"] = 0
    for key, inverter in readings.inverters.items():
        exported["pv", f"pv{key}"] = inverter.produced_wh
    for key, battery in readings.batteries.items():
        imported["bat", f"bat{key}"] = battery.charged_wh
        exported["bat", f"bat{key}"] = battery.discharged_wh
    imported["hc", "all"] = state.house_total_wh
    for meters in (imported, exported):
        for group in ("cp", "pv", "bat"):
            parts = [wh for (kind, _), wh in meters.items() if kind == group]
            if parts:
                meters[group, "all"] = sum(parts)
    soc = [battery.soc_percent for battery in readings.batteries.values()]
    return Note(
        time_s=state.time_s,
        imported=imported,
        exported=exported,
        battery_soc=soc[0] if soc else None,
        vehicle_socs={f"ev{key}": vehicle.soc_percent for key, vehicle in state.vehicles.items()},
    )


def _entry(state: BoxState, first: Note, then: Note, date: str) -> Json:
    hours = max(then.time_s - first.time_s, 1.0) / 3600
    shares = _shares(first, then)
    told: Json = {
        "timestamp": int(first.time_s),
        "date": date,
        "prices": {
            "grid": state.installation.price_eur_per_wh,
            "pv": state.installation.feed_in_eur_per_wh,
            "bat": 0.0002,
            "cp": 0,
            "fault_state": 0,
        },
        "cp": {},
        "ev": {name: {"soc": soc, "fault_state": 0} for name, soc in first.vehicle_socs.items()},
        "counter": {},
        "pv": {},
        "bat": {},
        "sh": {},
        "hc": {},
    }
    for group, name in sorted({*first.imported, *first.exported}):
        part = _part(first, then, (group, name), hours)
        if group in ("cp", "hc"):
            part |= {
                f"energy_imported_{source}": round(part["energy_imported"] * shares[source], 3) for source in SOURCES
            }
        elif group == "counter":
            part["grid"] = True
        elif group == "bat":
            part["soc"] = None if first.battery_soc is None else round(first.battery_soc)
        told[group][name] = part
    return told | {"energy_source": shares}


def _part(first: Note, then: Note, which: tuple[str, str], hours: float) -> Json:
    moved = [max(after.get(which, 0.0) - before.get(which, 0.0), 0.0) for before, after in _ways(first, then)]
    watts = [round(wh / hours, 3) for wh in moved]
    meters = {
        way: round(meter[which], 3)
        for way, meter in (("imported", first.imported), ("exported", first.exported))
        if which in meter
    }
    return {
        **meters,
        "fault_state": 0,
        "power_average": round(watts[0] - watts[1], 3) + 0.0,
        "power_imported": watts[0],
        "power_exported": watts[1],
        "energy_imported": round(moved[0] / 1000, 3),
        "energy_exported": round(moved[1] / 1000, 3),
    }


def _ways(
    first: Note, then: Note
) -> Sequence[tuple[Mapping[tuple[str, str], float], Mapping[tuple[str, str], float]]]:
    return ((first.imported, then.imported), (first.exported, then.exported))


def _shares(first: Note, then: Note) -> dict[str, float]:
    """Where the energy of the time came from."""

    def moved(way: int, group: str) -> float:
        before, after = _ways(first, then)[way]
        return sum(after[key] - before[key] for key in before if key[0] == group and key[1] != "all")

    sources = {
        "grid": max(moved(IMPORTED, "counter"), 0.0),
        "pv": max(moved(EXPORTED, "pv") - moved(EXPORTED, "counter") - moved(IMPORTED, "bat"), 0.0),
        "bat": max(moved(EXPORTED, "bat"), 0.0),
        "cp": 0.0,
    }
    whole = sum(sources.values())
    return {source: round(wh / whole, 4) if whole else 0.0 for source, wh in sources.items()}


def _totals(entries: Sequence[Json]) -> Json:
    """The sums of all entries, in Wh."""
    told: Json = {group: {} for group in GROUPS}
    for entry in entries:
        for group in GROUPS:
            for name, part in entry[group].items():
                sums = told[group].setdefault(name, {"grid": True} if group == "counter" else {})
                for member in SUMMED[group] & part.keys():
                    sums[member] = round(sums.get(member, 0) + part[member] * 1000, 3)
    return told


def _names(state: BoxState) -> Json:
    setup = state.installation
    battery = setup.battery
    return {
        **{f"cp{key}": point.setup.name for key, point in state.chargepoints.items()},
        **{f"ev{key}": vehicle.name for key, vehicle in state.vehicles.items()},
        f"counter{setup.counter_id}": "EVU-Zähler",
        **{f"pv{inverter.id}": inverter.name for inverter in setup.inverters},
        **({f"bat{battery.id}": battery.name} if battery is not None else {}),
    }
