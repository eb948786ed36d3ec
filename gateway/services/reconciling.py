"""What the box's log, the gateway and the meter say of each month: from the database, nothing is changed."""

from datetime import datetime, tzinfo
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.db.box_log import chargepoints_of, first_reading, jumps, meter_at, read_entries
from gateway.db.charge_session_queries import charged_in, first_plugged
from gateway.db.engine import Database
from gateway.domain.box_log import NO_WH, exact_number
from gateway.domain.box_log_joins import joined
from gateway.domain.months import Month, months
from gateway.domain.reconcile import MeterSpan, Reconciled, month_of, reconcile

MS = 1000


async def reconciled(database: Database, site: str, zone: tzinfo, first: Month, last: Month) -> list[Reconciled]:
    """Month by month and charge point by charge point. Raises DatabaseUnavailable.

    With months before the gateway's first charge session nothing of ours is compared: it was not there.
    """
    begin, end = start_of(first, zone), start_of(last.after, zone)
    async with database.reading() as connection:
        plug_ins = joined(await read_entries(connection, site, begin, end))
        sessions = await charged_in(connection, site, begin, end)
        chargepoints = await chargepoints_of(connection, site)
        begun = await first_plugged(connection, site)
    meters = {}
    for month in months(first, last):
        # one after the other, for the time that each may take is short
        async with database.reading() as connection:
            for chargepoint in chargepoints:
                span = await _span(connection, site, chargepoint, month, zone)
                if span is not None:
                    meters[month, chargepoint] = span
    since = last.after if begun is None else month_of(begun, zone)
    start = start_of(since, zone)
    earlier = [one for one in plug_ins if one.end is not None and one.end < start]
    later = [one for one in plug_ins if one.end is not None and one.end >= start]
    return [
        *reconcile(earlier, None, {place: span for place, span in meters.items() if place[0] < since}, zone),
        *reconcile(later, sessions, {place: span for place, span in meters.items() if place[0] >= since}, zone),
    ]


def start_of(month: Month, zone: tzinfo) -> float:
    """Its first moment, local time."""
    return datetime(month.year, month.month, 1, tzinfo=zone).timestamp()


async def _span(
    connection: AsyncConnection, site: str, chargepoint: str, month: Month, zone: tzinfo
) -> MeterSpan | None:
    """None: nothing was recorded in that month. One that was recorded in part begins with its first reading."""
    key = f"chargepoints/{chargepoint}/meter_wh"
    first, after = (round(start_of(one, zone) * MS) for one in (month, month.after))
    begun = await first_reading(connection, site, key, first, after)
    if begun is None:
        return None
    start = await meter_at(connection, site, key, first)
    end = await meter_at(connection, site, key, after)
    pairs = await jumps(connection, site, key, first, after)
    return MeterSpan(
        exact_number(begun if start is None else start),
        exact_number(end),
        sum((_exact(now) - _exact(before) for before, now in pairs), NO_WH) if pairs else None,
        whole=start is not None,
    )


def _exact(reading: float) -> Decimal:
    return exact_number(reading) or NO_WH
