"""Charging sessions that evcc exported: captions, separators, numbers."""

import contextlib
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.box_log import BoxLog, BoxLogEntry
from gateway.domain.box_log_evcc import charged_s, read_sessions
from gateway.domain.errors import Unreadable

BERLIN = ZoneInfo("Europe/Berlin")
GERMAN = (
    "Startzeit,Endzeit,Ladepunkt,Kennung,Fahrzeug,Kilometerstand (km),Anfangszählerstand (kWh),Endzählerstand (kWh),"
    "Energie (kWh),Ladedauer,Ladestand Start (%),Ladestand Ende (%),Geladene Reichweite (km),Sonne (%),Kosten,"
    "Preis/kWh,CO₂/kWh (gCO₂eq)"
)
ENGLISH = (
    "Start time,End time,Charging point,Identifier,Vehicle,Mileage (km),Meter start (kWh),Meter stop (kWh),"
    "Energy (kWh),Charging time,Solar (%),Price,Price/kWh"
)


def read(text: str) -> BoxLog:
    return read_sessions(text.encode("utf-8-sig"), BERLIN)


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


LINE = (
    '2026-03-02 18:10:00,2026-03-02 21:40:00,"Garage, links",04A1B2,=Auto,21085,1000.0000,1012.5004,12.5004,3h30m0s,'
    "40,80,62,40.0,3.1000,0.248,"
)


def test_a_session_of_today_is_read_with_exact_numbers() -> None:
    (entry,) = read(f"{GERMAN}\n{LINE}\n").entries
    assert entry == BoxLogEntry(
        key=entry.key,
        source="evcc",
        chargepoint="Garage, links",
        chargepoint_name="Garage, links",
        vehicle_name="=Auto",
        id_tag="04A1B2",
        begin=utc("2026-03-02T17:10:00"),
        end=utc("2026-03-02T20:40:00"),
        begin_text="2026-03-02 18:10:00",
        end_text="2026-03-02 21:40:00",
        charging_s=12_600,
        meter_start_wh=Decimal(1_000_000),
        meter_end_wh=Decimal("1012500.4"),
        energy_wh=Decimal("12500.4"),
        cost=Decimal("3.1"),
        soc_start_percent=40.0,
        soc_end_percent=80.0,
        odometer_km=21_085.0,
    )


def test_an_older_german_file_has_other_separators() -> None:
    captions = GERMAN.replace(",", ";")
    line = "2026-05-13 18:53:35;2026-05-14 16:46:05;Carport;;Smart #1;;5.369,715;5397,137;27,429;5h21m5s;;;;97,8;2,3"
    (entry,) = read(f"{captions}\n{line}\n").entries
    assert (entry.meter_start_wh, entry.energy_wh) == (Decimal(5_369_715), Decimal(27_429))
    assert (entry.charging_s, entry.oddities, entry.id_tag) == (19_265, (), None)
    (whole,) = read(f"{captions}\n{line.replace('27,429', '27')}\n").entries
    assert (whole.energy_wh, whole.oddities) == (Decimal(27_000), ("energy_differs",))


def test_english_captions_and_columns_that_are_missing() -> None:
    line = "2026-03-03 08:00:00,2026-03-03 09:00:00,Garage,,Car,,,,5.5,1h0m0s,100.0,0,0"
    (entry,) = read(f"{ENGLISH}\n{line}\n").entries
    assert (entry.energy_wh, entry.meter_start_wh, entry.vehicle_name, entry.cost) == (
        Decimal(5500),
        None,
        "Car",
        Decimal(0),
    )
    (short,) = read("Created,Energy\n2026-03-03T08:00:00,\n").entries
    assert (short.begin, short.oddities) == (utc("2026-03-03T07:00:00"), ("no_time", "no_energy"))


def test_the_newest_session_may_come_first_or_last() -> None:
    rows = [f"2026-03-0{day} 08:00:00,2026-03-0{day} 09:00:00,Garage,,,,,,5.5,1h0m0s" for day in (1, 2, 3)]
    newest_first = read("\n".join([ENGLISH, *reversed(rows)]))
    newest_last = read("\n".join([ENGLISH, *rows]))
    assert newest_first == newest_last
    assert [entry.oddities for entry in newest_last.entries] == [(), (), ()]


def test_lines_that_are_none_are_counted() -> None:
    log = read(f"{ENGLISH}\nTotal,,,,,,,,7\n,2026-03-03 09:00:00,Garage,,,,,,5.5\n")
    assert (log.unreadable, [entry.oddities for entry in log.entries]) == (1, [("no_time",)])


@pytest.mark.parametrize(
    "text", ["", "Startzeit,Endzeit\n", "Energie (kWh)\n", "03.05.24-12:43,03.05.24-12:48,2,1", "<html></html>"]
)
def test_what_has_other_captions_is_unreadable(text: str) -> None:
    with pytest.raises(Unreadable, match="no export of evcc"):
        read(text)


def test_the_key_is_of_charge_point_times_and_energy() -> None:
    (entry,), (same,) = (read(f"{GERMAN}\n{line}").entries for line in (LINE, LINE.replace("=Auto", "Auto")))
    assert entry.key == same.key
    assert {read(f"{GERMAN}\n{LINE.replace('12.5004,3h', '12.5,3h')}").entries[0].key} != {entry.key}


@pytest.mark.parametrize(
    ("text", "seconds"), [("1h30m0s", 5400), ("45m", 2700), ("12.5s", 12), ("2h", 7200), ("", None), ("1:30", None)]
)
def test_durations(text: str, seconds: int | None) -> None:
    assert charged_s(text) == seconds


cells = st.sampled_from(["2026-10-25 02:30:00", "1h", "12,5", "12.5", "-", '"', "=1"]) | st.text(max_size=6)


@given(
    st.sampled_from([GERMAN, ENGLISH, GERMAN.replace(",", ";")]), st.lists(st.lists(cells, max_size=12), max_size=4)
)
def test_any_cells_are_sessions_or_counted_or_unreadable(captions: str, rows: list[list[str]]) -> None:
    separator = ";" if ";" in captions else ","
    text = "\n".join([captions, *(separator.join(row) for row in rows)])
    with contextlib.suppress(Unreadable):
        read_sessions(text.encode("utf-8", "replace"), BERLIN)


@given(st.binary(max_size=80))
def test_any_payload_is_an_export_or_unreadable(payload: bytes) -> None:
    with contextlib.suppress(Unreadable):
        read_sessions(payload, BERLIN)
