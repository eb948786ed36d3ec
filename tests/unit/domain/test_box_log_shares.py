"""The sources of a charge session by the box's own log."""

from datetime import UTC
from decimal import Decimal

import msgspec
import pytest

from gateway.domain.box_log import BoxLogEntry, Shares
from gateway.domain.box_log_joins import joined
from gateway.domain.box_log_openwb2 import read_log
from gateway.domain.box_log_shares import BoxWord
from gateway.domain.charge_sessions import ChargeSession, EnergyBySource
from tests.support.captures import DATA
from tests.support.charge_replay import V2_BEGAN_AT

PV = Shares(0.0, 1.0, 0.0, 0.0)
MIXED = Shares(0.25, 0.5, 0.25, 0.0)
NOTHING_TOLD = Shares(0.0, 0.0, 0.0, 0.0)
ESTIMATE = EnergyBySource(grid_wh=Decimal(1), pv_wh=Decimal(2), battery_wh=Decimal(3))


def session(wh: str | None, begin: float = 1_000.0, end: float | None = 5_000.0) -> ChargeSession:
    return ChargeSession(
        site="home",
        chargepoint_id="5",
        plugged_at_ms=round(begin * 1000),
        plugged_at=begin,
        unplugged_at=end,
        energy_wh=None if wh is None else Decimal(wh),
        energy_by_source=ESTIMATE,
        source_how="estimated",
    )


def entry(
    wh: str | None,
    shares: Shares | None,
    begin: float | None = 1_000.0,
    end: float | None = 5_000.0,
    place: str | None = "5",
) -> BoxLogEntry:
    return BoxLogEntry(
        key=f"{begin}{end}{place}",
        source="openwb-2",
        chargepoint=place,
        begin=begin,
        end=end,
        energy_wh=None if wh is None else Decimal(wh),
        shares=shares,
    )


def told(*entries: BoxLogEntry, of: ChargeSession) -> tuple[Decimal, Decimal, Decimal] | None:
    found, how = BoxWord(joined(entries)).told(of)
    if how == "estimated":
        assert found is ESTIMATE
        return None
    assert how == "box"
    assert found is not None
    return found.grid_wh, found.pv_wh, found.battery_wh


def test_the_shares_of_the_box_make_up_the_whole_to_the_last_digit() -> None:
    assert told(entry("1000.003", MIXED), of=session("1000.003")) == (
        Decimal("250.00"),
        Decimal("500.003"),
        Decimal("250.00"),
    )
    # the box rounds; the meter does not
    assert told(entry("1000", PV), of=session("1001.5")) == (Decimal("0.00"), Decimal("1001.50"), Decimal("0.00"))


def test_several_entries_of_one_plug_in_add_up() -> None:
    entries = [entry("600", PV, 1_000, 3_000), entry("400", MIXED, 3_000, 5_000), entry("0", None, 4_000, 5_000)]
    assert told(*entries, of=session("1000")) == (Decimal(100), Decimal(800), Decimal(100))


def test_small_entries_without_shares_are_of_no_source() -> None:
    entries = [entry("900", PV, 1_000, 3_000), entry("82.92", NOTHING_TOLD, 3_000, 5_000)]
    assert told(*entries, of=session("982.92")) == (Decimal(0), Decimal(900), Decimal(0))
    assert told(entry("82.92", NOTHING_TOLD), of=session("82.92")) is None


def test_what_came_from_another_car_is_of_no_source() -> None:
    of_a_car = Shares(0.0, 0.5, 0.0, 0.5)
    assert told(entry("1000", of_a_car), of=session("1000")) == (Decimal(0), Decimal(500), Decimal(0))


def test_incomplete_shares_leave_the_rest_unknown() -> None:
    assert told(entry("1000", Shares(0.2, 0.5, 0.0, 0.0)), of=session("1000")) == (
        Decimal(200),
        Decimal(500),
        Decimal(0),
    )


@pytest.mark.parametrize(
    "entries",
    [
        [],
        [entry("1000", None)],
        [entry("600", PV, 1_000, 3_000), entry("400", NOTHING_TOLD, 3_000, 5_000)],
        [entry("1000", Shares(0.9, 0.9, 0.0, 0.0))],
        [entry("1000", PV, place="6")],
        [entry("1000", PV, place=None)],
        [entry("1000", PV, end=None)],
        [entry("1000", PV, 5_200, 6_000)],
        [entry("1000", PV, 100, 800)],
        [entry("2000", PV)],
        [entry(None, PV)],
        [entry("0", PV), entry("-5", PV, 1_001)],
    ],
)
def test_where_the_box_does_not_say_the_estimate_stays(entries: list[BoxLogEntry]) -> None:
    assert told(*entries, of=session("1000")) is None


@pytest.mark.parametrize("of", [session(None), session("0"), session("1000", end=None)])
def test_without_energy_or_end_nothing_is_compared(of: ChargeSession) -> None:
    assert told(entry("1000", PV), of=of) is None


def test_one_that_was_plugged_in_again_at_once_is_told_apart_by_its_middle() -> None:
    entries = [entry("700", PV, 1_000, 5_000), entry("300", MIXED, 5_030, 8_000)]
    assert told(*entries, of=session("700", 1_000, 5_000)) == (Decimal(0), Decimal(700), Decimal(0))
    assert told(*entries, of=session("300", 5_030, 8_000)) == (Decimal(75), Decimal(150), Decimal(75))


def test_an_entry_without_begin_counts_by_its_end() -> None:
    assert told(entry("1000", PV, begin=None, end=4_900), of=session("1000")) is not None


def test_more_than_the_whole_by_rounding_is_taken_off() -> None:
    assert told(entry("1000", Shares(0.501, 0.501, 0.0, 0.0)), of=session("1000")) == (
        Decimal("499.00"),
        Decimal("501.00"),
        Decimal(0),
    )


def test_the_recorded_box_tells_the_sources_of_what_the_gateway_saw_of_it() -> None:
    """Both plug-ins of the capture ``v2-session``, and what the box wrote of them into its log."""
    log = read_log((DATA / "v2-chargelog.json").read_bytes(), UTC)  # the clock of that box
    word = BoxWord(joined(log.entries))
    expected = msgspec.json.decode((DATA / "charge-sessions.json").read_bytes())["v2-session"]
    found = []
    for one in expected:
        begin, end = (V2_BEGAN_AT + one[moment] for moment in ("plugged_at", "unplugged_at"))
        seen = msgspec.structs.replace(session(one["energy_wh"], begin, end), chargepoint_id=one["chargepoint_id"])
        found.append(word.of(seen))
    # PV: 232.54 x 0.898 + 722.73 x 1, 82.92 without shares; 418.09 x 1 + 335.59 x 0.3545 of the other
    assert found == [
        EnergyBySource(grid_wh=Decimal(0), pv_wh=Decimal("931.55"), battery_wh=Decimal(0)),
        EnergyBySource(grid_wh=Decimal("163.16"), pv_wh=Decimal("537.06"), battery_wh=Decimal("53.46")),
    ]
