"""``openwb-gateway reconcile``: a table by month and charge point, and under it the differences."""

from collections.abc import Iterable
from datetime import datetime, tzinfo
from decimal import Decimal

import click

from gateway.cli.imports import MONTH, SITE
from gateway.cli.starting import stay
from gateway.domain.months import Month
from gateway.domain.reconcile import Difference, Reconciled
from gateway.run.imports import chosen_site
from gateway.run.reconciling import reconciled
from gateway.run.zones import zone_of
from gateway.settings import Settings

WH_PER_KWH = 1000
HEAD = f"{'month':<9}{'charge point':<16}{'box kWh':>14}{'gateway kWh':>14}{'meter kWh':>14}"


@click.command()
@click.option("--from", "first", type=MONTH, required=True, help="The first month.")
@click.option("--to", "last", type=MONTH, help="The last month; this one if it is not given.")
@SITE
def reconcile(first: Month, last: Month | None, site: str | None) -> None:
    """Show month by month what the box's log, the gateway and the meter count, side by side.

    Differences are listed below with their likely cause; nothing is changed.
    """

    async def run(settings: Settings) -> None:
        of = chosen_site(settings, site)
        zone = zone_of(of)
        now = datetime.now(zone)
        rows = await reconciled(settings, of, first, last or Month(now.year, now.month))
        for line in lines_of(rows, zone):
            click.echo(line)

    stay(run, starts_programs=True)


def lines_of(rows: Iterable[Reconciled], zone: tzinfo) -> list[str]:
    """For people."""
    table = list(rows)
    if not table:
        return ["nothing is known of that time: neither entries of the box's log nor recorded readings"]
    lines = [HEAD]
    lines += [
        f"{row.month!s:<9}{row.chargepoint:<16}{_kwh(row.box_wh):>14}{_kwh(row.gateway_wh):>14}{_kwh(row.meter_wh):>14}"
        for row in table
    ]
    differences = [(row, one) for row in table for one in row.differences]
    if differences:
        lines += ["", "differences"]
        lines += [_difference(row, one, zone) for row, one in differences]
    return lines


def _difference(row: Reconciled, one: Difference, zone: tzinfo) -> str:
    moment = one.end if one.begin is None else one.begin
    when = str(row.month) if moment is None else f"{datetime.fromtimestamp(moment, zone):%Y-%m-%d %H:%M}"
    told = f"box {_kwh(one.box_wh)}, gateway {_kwh(one.gateway_wh)}"
    if one.meter_wh is not None:
        told += f", meter {_kwh(one.meter_wh)}"
    return f"  {when:<17} {row.chargepoint:<10} {told}: {one.cause.replace('_', ' ')}"


def _kwh(energy_wh: Decimal | None) -> str:
    return "-" if energy_wh is None else f"{energy_wh / WH_PER_KWH:.3f}"
