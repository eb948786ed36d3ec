"""Which entries are of one plug-in."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway.domain.box_log import BoxLogEntry, Source
from gateway.domain.box_log_joins import goes_on, joined
from gateway.domain.box_log_openwb2 import read_log

BERLIN = ZoneInfo("Europe/Berlin")
CAPTURE = Path(__file__).parents[2] / "data" / "v2-chargelog.json"


def entry(
    number: int,
    energy: str | None,
    since: str | None,
    meter_end: str | None = None,
    *,
    place: str = "5",
    source: Source = "openwb-2",
) -> BoxLogEntry:
    return BoxLogEntry(
        key=str(number),
        source=source,
        chargepoint=place,
        begin=number * 100.0,
        end=number * 100.0 + 90,
        meter_end_wh=None if meter_end is None else Decimal(meter_end),
        energy_wh=None if energy is None else Decimal(energy),
        since_plugged_wh=None if since is None else Decimal(since),
    )


def test_entries_with_one_reading_at_the_plug_are_one_plug_in() -> None:
    entries = [
        entry(1, "232.54", "232.54", "10839232.54"),
        entry(2, "722.73", "955.27", "10839955.27"),
        entry(3, "82.92", "1038.19", "10840038.19"),
    ]
    (one,) = joined(reversed(entries))
    assert one.segments == tuple(entries)
    assert (one.energy_wh, one.missing_wh) == (Decimal("1038.19"), Decimal(0))
    assert (one.begin, one.end, one.meter_end_wh) == (100, 390, Decimal("10840038.19"))


def test_without_readings_the_energies_tell() -> None:
    assert goes_on(entry(1, "100", "100"), entry(2, "50", "150.02"))
    assert not goes_on(entry(1, "100", "100"), entry(2, "50", "170"))


def test_a_part_without_an_entry_is_told_and_not_added() -> None:
    (one,) = joined([entry(1, "100", "100", "1100"), entry(2, "50", "180", "1180")])
    assert (one.energy_wh, one.missing_wh) == (Decimal(150), Decimal(30))
    (alone,) = joined([entry(1, "100", "130", "1130")])
    assert (alone.energy_wh, alone.missing_wh) == (Decimal(100), Decimal(30))


@pytest.mark.parametrize(
    "second",
    [
        entry(2, "50", "50", "1150"),
        entry(2, "50", "150", "9150", place="6"),
        entry(2, "50", None, "1150"),
        entry(2, None, "150", "1150"),
        entry(2, "50", "90", "1190"),
        entry(2, "50", "150", "1150", source="evcc"),
    ],
)
def test_others_are_plug_ins_of_their_own(second: BoxLogEntry) -> None:
    assert len(joined([entry(1, "100", "100", "1100"), second])) == 2


def test_one_after_an_entry_that_does_not_count_since_the_plug_is_of_its_own() -> None:
    assert len(joined([entry(1, "100", None), entry(2, "50", "150")])) == 2


def test_what_has_no_time_comes_last_and_what_has_no_energy_has_none() -> None:
    nameless = BoxLogEntry(key="x", source="openwb-2", oddities=("no_time",))
    found = joined([nameless, entry(1, None, None)])
    assert [(one.begin, one.energy_wh, one.missing_wh) for one in found] == [(100, None, None), (None, None, None)]
    assert found[1].oddities == ("no_time",)


def test_the_recorded_log_is_joined_as_a_hand_has_checked_it() -> None:
    found = joined(read_log(CAPTURE.read_bytes(), BERLIN).entries)
    assert len(found) == 33
    several = [one for one in found if len(one.segments) > 1]
    assert [(one.chargepoint, len(one.segments), one.energy_wh, one.missing_wh) for one in several] == [
        ("5", 3, Decimal("1038.19"), Decimal(0)),
        ("6", 2, Decimal("753.68"), Decimal(0)),
    ]
    # one entry whose plug-in had another before it, of which the box's log has nothing
    (lacking,) = [one for one in found if one.missing_wh]
    assert (lacking.energy_wh, lacking.missing_wh) == (Decimal("20804.65"), Decimal("2210.40"))
    assert datetime.fromtimestamp(lacking.begin or 0, BERLIN).isoformat() == "2026-10-21T12:19:29+02:00"
