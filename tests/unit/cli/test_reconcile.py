"""The table for people."""

from decimal import Decimal
from zoneinfo import ZoneInfo

from gateway.cli.reconcile import lines_of
from gateway.domain.months import Month
from gateway.domain.reconcile import Difference, Reconciled
from tests.support.charge_rows import NOON

BERLIN = ZoneInfo("Europe/Berlin")


def test_box_gateway_and_meter_side_by_side() -> None:
    differences = (
        Difference("not_in_box_log", NOON, NOON + 60, None, Decimal("1038.19")),
        Difference("outside_of_sessions", None, None, None, Decimal("1038.19"), Decimal(2000)),
    )
    row = Reconciled(Month(2026, 3), "5", None, Decimal("1038.19"), Decimal(2000), differences)
    assert lines_of([row], BERLIN) == [
        "month    charge point           box kWh   gateway kWh     meter kWh",
        "2026-03  5                            -         1.038         2.000",
        "",
        "differences",
        "  2026-03-24 11:00  5          box -, gateway 1.038: not in box log",
        "  2026-03           5          box -, gateway 1.038, meter 2.000: outside of sessions",
    ]


def test_nothing_known_is_said() -> None:
    (line,) = lines_of([], BERLIN)
    assert "nothing is known" in line
