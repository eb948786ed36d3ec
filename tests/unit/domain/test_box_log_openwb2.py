"""The charge log of a 2.x: asking for it, and all that may stand in it."""

import contextlib
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain import box_log_openwb2
from gateway.domain.box_log import BoxLog, BoxLogEntry, Shares
from gateway.domain.box_log_openwb2 import charged_s, is_of_month, question, read_log
from gateway.domain.errors import Unreadable

BERLIN = ZoneInfo("Europe/Berlin")
CAPTURE = Path(__file__).parents[2] / "data" / "v2-chargelog.json"

ENTRY: dict[str, Any] = {
    "chargepoint": {
        "id": 5,
        "name": "Carport links",
        "serial_number": "823950",
        "imported_at_start": 10839955.27,
        "imported_at_end": 10840038.19,
        "exported_at_start": 0,
        "exported_at_end": 0,
    },
    "vehicle": {
        "id": 1,
        "name": "Ioniq 5",
        "chargemode": "pv_charging",
        "prio": False,
        "rfid": "04A1B2C3D4",
        "odometer": 23110.0,
        "soc_at_start": 46.6,
        "soc_at_end": 47.9,
    },
    "time": {"begin": "11/22/2026, 06:59:11", "end": "11/22/2026, 07:00:41", "time_charged": "0:01"},
    "data": {
        "exported_since_mode_switch": 0,
        "imported_since_mode_switch": 82.92,
        "imported_since_plugged": 1038.19,
        "power": 3722.36,
        "costs": 0.02,
        "power_source": {"bat": 0.0, "cp": 0.0, "grid": 0.25, "pv": 0.75},
    },
}


ODD: tuple[Any, ...] = (None, [], {}, "?", True, 1e300, -1, "NaN")


def log_of(*entries: object) -> BoxLog:
    return read_log(json.dumps({"entries": entries, "totals": {}}).encode(), BERLIN)


def with_(**parts: dict[str, Any]) -> dict[str, Any]:
    """ENTRY with other members."""
    return {name: {**ENTRY[name], **parts.get(name, {})} for name in ENTRY}


def entry_of(**parts: dict[str, Any]) -> BoxLogEntry:
    return log_of(with_(**parts)).entries[0]


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def test_a_month_is_asked_for_with_two_digits_as_text() -> None:
    asked = question("openWB/", "gateway-home-log", 2026, 8, named=True)
    assert asked.topic == "openWB/set/command/gateway-home-log/todo/getChargeLog"
    assert asked.answers == "openWB/log/gateway-home-log/data"
    assert asked.complaints == "openWB/command/gateway-home-log/messages/+"
    assert json.loads(asked.payload) == {
        "command": "getChargeLog",
        "data": {
            "year": "2026",
            "month": "08",
            "filter": {"chargepoint": {"id": []}, "vehicle": {"id": [], "tag": [], "chargemode": []}},
        },
    }
    assert question("x/openWB/", "g", 2026, 8, named=False).topic == "x/openWB/set/command/g/todo"


def test_an_entry_is_read_with_exact_numbers() -> None:
    assert entry_of() == BoxLogEntry(
        key=entry_of().key,
        source="openwb-2",
        chargepoint="5",
        chargepoint_name="Carport links",
        serial_number="823950",
        vehicle_id="1",
        vehicle_name="Ioniq 5",
        mode="pv",
        id_tag="04A1B2C3D4",
        begin=utc("2026-11-22T05:59:11"),
        end=utc("2026-11-22T06:00:41"),
        begin_text="11/22/2026, 06:59:11",
        end_text="11/22/2026, 07:00:41",
        charging_s=60,
        meter_start_wh=Decimal("10839955.27"),
        meter_end_wh=Decimal("10840038.19"),
        energy_wh=Decimal("82.92"),
        since_plugged_wh=Decimal("1038.19"),
        discharged_wh=Decimal(0),
        cost=Decimal("0.02"),
        shares=Shares(0.25, 0.75, 0.0, 0.0),
        soc_start_percent=46.6,
        soc_end_percent=47.9,
        odometer_km=23110.0,
    )


def test_the_key_is_of_meter_begin_and_reading() -> None:
    key = entry_of().key
    same = entry_of(vehicle={"name": "renamed"}, time={"end": None}, data={"costs": 7}, chargepoint={"id": 9})
    assert same.key == key
    for others in (
        {"chargepoint": {"serial_number": "1"}},
        {"chargepoint": {"imported_at_start": 1}},
        {"time": {"begin": "11/22/2026, 06:59:12"}},
    ):
        assert entry_of(**others).key != key
    assert (
        entry_of(chargepoint={"serial_number": None}).key
        != entry_of(chargepoint={"serial_number": None, "id": 6}).key
    )


def test_an_entry_without_a_begin_is_known_by_all_of_it() -> None:
    nameless = entry_of(time={"begin": None})
    assert nameless.key != entry_of().key
    assert nameless.key != entry_of(time={"begin": None}, data={"costs": 7}).key
    assert nameless.key == entry_of(time={"begin": None}).key


def test_members_that_are_missing_null_or_of_another_kind_are_none() -> None:
    bare: list[dict[str, Any]] = [{}, dict.fromkeys(ENTRY), dict.fromkeys(ENTRY, 7), {name: {} for name in ENTRY}]
    for entry in bare:
        found = log_of(entry).entries[0]
        assert found.oddities == ("no_time", "no_energy", "unknown_mode", "no_serial_number")
        assert (found.energy_wh, found.shares, found.mode) == (None, None, None)
    for name, members in ENTRY.items():
        for member in members:
            for odd in ODD:
                log_of(with_(**{name: {member: odd}}))


def test_what_is_no_entry_is_counted() -> None:
    assert log_of(1, None, ENTRY, "x").unreadable == 3


@pytest.mark.parametrize("payload", [b"", b"{", b"\xff", b"7", b"null", b'{"entries": null}', b"[" * 100_000, b'"x"'])
def test_what_is_no_log_is_unreadable(payload: bytes) -> None:
    with pytest.raises(Unreadable):
        read_log(payload, BERLIN)


def test_a_log_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(box_log_openwb2, "MOST_ENTRIES", 1)
    with pytest.raises(Unreadable, match="more than 1 entries"):
        log_of(ENTRY, ENTRY)


def test_numbers_that_python_writes_and_nobody_can_read_are_null() -> None:
    text = (
        json.dumps([ENTRY])
        .replace("82.92", "NaN")
        .replace("0.02", "1e9999999999999999999999")
        .replace("0.75", "-Infinity")
    )
    found = read_log(text.encode(), BERLIN).entries[0]
    assert (found.energy_wh, found.cost, found.shares) == (None, None, None)


def test_modes_that_are_none_are_marked() -> None:
    assert entry_of(vehicle={"chargemode": "_"}).oddities == ("unknown_mode",)
    assert entry_of(vehicle={"chargemode": ["x"]}).oddities == ("unknown_mode",)
    assert entry_of(vehicle={"chargemode": "bidi_charging"}).mode == "scheduled"


def test_shares_are_kept_and_marked() -> None:
    unknown = entry_of(data={"power_source": {"bat": 0, "cp": 0, "grid": 0, "pv": 0}})
    assert (unknown.shares, unknown.oddities) == (Shares(0, 0, 0, 0), ("shares_unknown",))
    some = entry_of(data={"power_source": {"bat": 0, "cp": 0, "grid": 0, "pv": 0.8979960436926896}})
    assert (some.shares, some.oddities) == (Shares(0, 0.8979960436926896, 0, 0), ("shares_incomplete",))
    assert entry_of(data={"power_source": {"bat": 0, "cp": 0, "grid": 0, "pv": 7}}).shares is None
    assert entry_of(data={"power_source": {"bat": 0, "cp": 0, "grid": 0, "pv": True}}).shares is None


def test_energy_that_is_not_that_of_the_meter_is_marked() -> None:
    assert entry_of(data={"imported_since_mode_switch": 80}).oddities == ("energy_differs",)
    assert entry_of(data={"imported_since_mode_switch": None}).oddities == ("no_energy",)


def test_discharged_energy_is_the_boxs_else_the_meters() -> None:
    by_box = entry_of(data={"exported_since_mode_switch": 12.5})
    assert (by_box.discharged_wh, by_box.oddities) == (Decimal("12.5"), ("discharged",))
    by_meter = entry_of(chargepoint={"exported_at_start": 102300.5, "exported_at_end": 105412.0})
    assert (by_meter.discharged_wh, by_meter.oddities) == (Decimal("3111.5"), ("discharged",))
    assert entry_of(chargepoint={"exported_at_start": 5}).discharged_wh == 0


MIGRATED: dict[str, Any] = {
    "chargepoint": {"id": "-", "name": "-"},
    "vehicle": {"id": "-", "name": "-", "chargemode": "instant_charging", "prio": "-", "rfid": "0001180644"},
    "time": {"begin": "04/30/2024, 03:11:00", "end": "04/30/2024, 03:54:00", "time_charged": "0:43"},
    "data": {"range_charged": 15.0, "imported_since_mode_switch": 0, "imported_since_plugged": 2.6, "power": 3.63},
}


@pytest.mark.parametrize(
    "sums",
    [
        {"imported_since_mode_switch": 0, "imported_since_plugged": 2.6},
        {"imported_since_mode_switch": 0, "imported_since_plugged": 2600},
        {"imported_since_mode_switch": 2600.0, "imported_since_plugged": 0},
    ],
)
def test_entries_of_an_older_box_have_their_energy_in_one_of_two_places(sums: dict[str, Any]) -> None:
    found = log_of({**MIGRATED, "data": {**MIGRATED["data"], **sums}}).entries[0]
    assert (found.energy_wh, found.since_plugged_wh) == (Decimal(2600), None)
    assert (found.chargepoint, found.vehicle_id, found.vehicle_name, found.id_tag) == (None, None, None, "0001180644")
    assert found.oddities == ("migrated", "no_serial_number")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0:01", 60),
        ("35:02", 126_120),
        ("1:30", 5400),
        ("", None),
        ("1", None),
        (":5", None),
        ("a:b", None),
        ("٣:٣", None),
        ("9999999:59", None),
        (7, None),
    ],
)
def test_durations(text: object, seconds: int | None) -> None:
    assert charged_s(text) == seconds


def test_an_answer_to_another_question_is_seen() -> None:
    log = log_of(ENTRY)
    assert is_of_month(log, 2026, 11, BERLIN)
    assert not is_of_month(log, 2026, 10, BERLIN)
    assert is_of_month(BoxLog(()), 2026, 10, BERLIN)
    assert is_of_month(log_of(with_(time={"end": None})), 2026, 10, BERLIN)


def test_the_recorded_log_is_read_as_a_hand_has_checked_it() -> None:
    log = read_log(CAPTURE.read_bytes(), BERLIN)
    assert (len(log.entries), log.unreadable, len({entry.key for entry in log.entries})) == (36, 0, 36)
    # 36 lines, added up from the file with a pocket calculator's means
    raw = json.loads(CAPTURE.read_bytes(), parse_float=Decimal)
    assert (
        sum(entry.energy_wh or 0 for entry in log.entries)
        == sum(Decimal(line["data"]["imported_since_mode_switch"]) for line in raw)
        == Decimal("479902.63")
    )
    by_oddity = {
        oddity: [number for number, entry in enumerate(log.entries) if oddity in entry.oddities]
        for oddity in ("unknown_mode", "discharged", "over_a_day", "overlaps", "no_serial_number", "shares_unknown")
    }
    assert by_oddity == {
        "unknown_mode": [9],
        "discharged": [12],
        "over_a_day": [17],
        "overlaps": [18],
        "no_serial_number": [23],
        "shares_unknown": [9, 34],
    }
    assert {number for number, entry in enumerate(log.entries) if "shares_incomplete" in entry.oddities} >= {1, 31}
    named = log.entries[27]
    assert (named.chargepoint_name, named.vehicle_name) == ('Hof; links "2"', "=Dienstwagen Müller")
    assert (log.entries[5].id_tag, log.entries[5].vehicle_id, log.entries[17].charging_s) == (None, "0", 126_120)
    night = log.entries[30]  # on the day on which the clocks went back, in the afternoon
    assert (night.begin, night.end) == (utc("2026-10-25T03:32:17"), utc("2026-10-25T12:34:17"))


leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("-")
wild = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
)


@given(st.data())
def test_entries_with_anything_in_them_raise_nothing(data: st.DataObject) -> None:
    entry = {
        name: data.draw(wild) if data.draw(st.booleans()) else {member: data.draw(wild) for member in members}
        for name, members in ENTRY.items()
    }
    log = log_of(entry)
    assert len(log.entries) == 1
    assert msgspec.json.decode(msgspec.json.encode(log), type=BoxLog) == log
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(log), type=BoxLog) == log


@given(st.binary(max_size=60) | wild.map(lambda value: json.dumps(value).encode()))
def test_any_payload_is_a_log_or_unreadable(payload: bytes) -> None:
    with contextlib.suppress(Unreadable):
        read_log(payload, BERLIN)


cents = st.integers(0, 10**9).map(lambda number: Decimal(number) / 100)


@given(cents, cents, st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)), st.integers(0, 90_000))  # noqa: DTZ001 - local
def test_what_a_box_writes_comes_out_as_it_was(start: Decimal, energy: Decimal, begin: datetime, length: int) -> None:
    end = datetime.fromtimestamp(begin.replace(tzinfo=UTC).timestamp() + length, UTC)
    form = "%m/%d/%Y, %H:%M:%S"
    entry = read_log(
        json.dumps(
            [
                with_(
                    chargepoint={"imported_at_start": float(start), "imported_at_end": float(start + energy)},
                    time={"begin": begin.strftime(form), "end": end.strftime(form)},
                    data={"imported_since_mode_switch": float(energy), "imported_since_plugged": float(energy)},
                )
            ]
        ).encode(),
        ZoneInfo("UTC"),
    ).entries[0]
    assert (entry.meter_start_wh, entry.energy_wh) == (start, energy)
    assert (entry.begin, entry.end) == (begin.replace(microsecond=0, tzinfo=UTC).timestamp(), int(end.timestamp()))
    assert "energy_differs" not in entry.oddities
