"""The charge log of a 1.9: its CSV, line by line."""

import contextlib
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.box_log import BoxLogEntry
from gateway.domain.box_log_openwb19 import base_of, read_log, took_s, url_of
from gateway.domain.errors import Unreadable

BERLIN = ZoneInfo("Europe/Berlin")
CAPTURE = Path(__file__).parents[2] / "data" / "v19-ladelog.csv"


def entry_of(line: str) -> BoxLogEntry:
    return read_log(line.encode(), BERLIN).entries[0]


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def test_a_line_is_read_with_exact_numbers_and_its_tag_as_text() -> None:
    line = "30.04.24-03:11,30.04.24-03:54,15,2.60,3.63,43 Min,1,2,0001180644,.78"
    assert entry_of(line) == BoxLogEntry(
        key=entry_of(line).key,
        source="openwb-1.9",
        chargepoint="1",
        mode="pv",
        id_tag="0001180644",
        begin=utc("2024-04-30T01:11:00"),
        end=utc("2024-04-30T01:54:00"),
        begin_text="30.04.24-03:11",
        end_text="30.04.24-03:54",
        charging_s=2580,
        energy_wh=Decimal(2600),
        cost=Decimal("0.78"),
    )


def test_oddities_of_the_format() -> None:
    assert entry_of("\n03.05.24-12:43,03.05.24-12:48,2,.64,4.16,--,1,0,0,").energy_wh == 640
    no_cost = entry_of("09.04.24-07:54,09.04.24-13:08,76,13.08,2.50,5 H 14 Min,1,7,0001180644")
    assert (no_cost.cost, no_cost.mode, no_cost.charging_s) == (None, "scheduled", 18_840)
    no_tag = entry_of("09.04.24-07:54,09.04.24-13:08,76,13.08,2.50,5 H 14 Min,1,7")
    assert (no_tag.id_tag, no_tag.oddities) == (None, ())
    assert entry_of("03.05.24-12:43,03.05.24-12:48,2,x,4.16,5 Min,1,9,0,").oddities == ("no_energy", "unknown_mode")
    assert entry_of("x,03.05.24-12:48,2,1,4.16,5 Min,1,0,0,").oddities == ("no_time",)
    assert entry_of("03.05.24-12:43,03.05.24-12:48,2,1,4.16,5 Min,1,0,0,").id_tag is None


def test_the_key_is_of_charge_point_times_and_energy() -> None:
    line = "03.05.24-12:43,03.05.24-12:48,2,0.37,4.16,5 Min,1,0,0,"
    key = entry_of(line).key
    assert entry_of(line.replace("5 Min", "--").replace("0.37", ".370")).key == key
    for old, new in (("12:43", "12:42"), ("12:48", "12:49"), ("0.37", "0.38"), ("Min,1", "Min,2")):
        assert entry_of(line.replace(old, new)).key != key


def test_the_hour_that_is_shown_twice_goes_by_the_duration() -> None:
    assert entry_of("25.10.26-01:50,25.10.26-02:30,1,1,1,1 H 40 Min,1,0,0,").end == utc("2026-10-25T01:30:00")
    assert entry_of("25.10.26-01:50,25.10.26-02:30,1,1,1,40 Min,1,0,0,").end == utc("2026-10-25T00:30:00")


@pytest.mark.parametrize(
    ("text", "seconds"), [("43 Min", 2580), ("4 H 30 Min", 16_200), ("--", None), ("", None), ("1 H", None)]
)
def test_durations(text: str, seconds: int | None) -> None:
    assert took_s(text) == seconds


def test_what_is_no_log_is_unreadable_and_nothing_is_a_log_without_entries() -> None:
    assert read_log(b"", BERLIN).entries == read_log(b"\n\n", BERLIN).entries == ()
    for payload in (b"<html>404</html>", b"a,b,c,d,e,f,g,h", b"x,x,1,1,1,--,1,1,0", b"\x00"):
        with pytest.raises(Unreadable):
            read_log(payload, BERLIN)
    some = read_log(b"rubbish\n03.05.24-12:43,03.05.24-12:48,2,1,4.16,5 Min,1,0,0,\nx,y,,,,,z,,", BERLIN)
    assert (len(some.entries), some.unreadable) == (1, 2)


def test_where_a_month_lies() -> None:
    assert url_of("http://box/", 2026, 8) == "http://box/openWB/web/logging/data/ladelog/202608.csv"
    assert base_of("mqtt://user:secret@box.lan:1883") == "http://box.lan"
    assert base_of("mqtts://[fd00::1]:8883/") == "http://[fd00::1]"
    assert base_of("mqtt://") == "http://"


def test_the_recorded_log_is_read_as_a_hand_has_checked_it() -> None:
    log = read_log(CAPTURE.read_bytes(), BERLIN)
    assert (len(log.entries), log.unreadable, len({entry.key for entry in log.entries})) == (34, 0, 34)
    assert {entry.oddities for entry in log.entries} == {()}
    assert log.entries[0].begin_text == "02.04.24-01:01"  # the file begins with the newest
    assert sum(entry.energy_wh or 0 for entry in log.entries) == 705_690
    costs = [entry.cost for entry in log.entries]
    assert (costs.count(None), sum(cost or 0 for cost in costs)) == (3, Decimal("207.24"))
    tags = {tag: sum(entry.id_tag == tag for entry in log.entries) for tag in (None, "0001180644", "04A1B2C3D4")}
    assert tags == {None: 9, "0001180644": 16, "04A1B2C3D4": 1}
    assert sum(entry.mode == "scheduled" for entry in log.entries) == 5


known = st.sampled_from(["03.05.24-12:43", "99.99.99-99:99", "1", "0", ".5", "-1", "5 Min", "٣", "=1+1", ""])
cells = known | st.text(max_size=6)


@given(st.lists(st.lists(cells, max_size=11), max_size=4))
def test_any_cells_are_entries_or_counted_or_unreadable(rows: list[list[str]]) -> None:
    payload = "\n".join(",".join(row) for row in rows).encode("utf-8", "replace")
    try:
        log = read_log(payload, BERLIN)
    except Unreadable:
        return
    assert len(log.entries) + log.unreadable <= payload.count(b"\n") + payload.count(b"\r") + 1


@given(st.binary(max_size=80))
def test_any_payload_is_a_log_or_unreadable(payload: bytes) -> None:
    with contextlib.suppress(Unreadable):
        read_log(payload, BERLIN)
