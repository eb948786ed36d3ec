"""Charge sessions added up, and held against the box's own log and the meter."""

from collections.abc import Collection
from datetime import datetime, tzinfo
from typing import Annotated, Any

import msgspec
from litestar import Request, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import QueryParameter
from msgspec import UNSET, UnsetType

from gateway.api.arguments import only
from gateway.api.charge_session_answers import SumAnswer, number_of, number_or_none, sum_answer
from gateway.api.charge_session_examples import RECONCILE, STATISTICS
from gateway.api.charge_sessions import From, Sessions, To, chosen_between
from gateway.api.errors import problems
from gateway.api.guards import current_login
from gateway.api.sites import SiteId
from gateway.domain.charge_statistics import By, Row, Source, parse_by
from gateway.domain.moments import local_moment
from gateway.domain.months import parse_month
from gateway.domain.reconcile import Cause, Difference, Reconciled


class StatisticsRow(msgspec.Struct, frozen=True, kw_only=True):
    """A sum. Of what it is say the fields that ``by`` names; the others are not there. By source it has the
    energy from there, and how many charge sessions got some; else all that ``totals`` has.
    """

    month: Annotated[str | UnsetType, msgspec.Meta(examples=["2026-03"])] = UNSET
    vehicle_id: int | UnsetType | None = UNSET
    vehicle_name: str | UnsetType | None = UNSET
    chargepoint_id: str | UnsetType = UNSET
    source: Source | UnsetType = UNSET
    sessions: int
    energy_wh: float
    small: int | UnsetType = UNSET
    without_energy: int | UnsetType = UNSET
    grid_wh: float | UnsetType = UNSET
    pv_wh: float | UnsetType = UNSET
    battery_wh: float | UnsetType = UNSET
    unknown_wh: float | UnsetType = UNSET


class StatisticsAnswer(msgspec.Struct, frozen=True):
    """``totals`` are of everything in that time."""

    site: str
    timezone: str
    by: tuple[By, ...]
    rows: tuple[StatisticsRow, ...]
    totals: SumAnswer


class DifferenceAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Of a whole month, between gateway (else box) and meter, when ``begin`` and ``end`` are null."""

    cause: Annotated[
        Cause,
        msgspec.Meta(
            description="The likely one. `gateway_was_away`: the box has one that the gateway did not see."
            " `not_in_box_log`: the gateway saw one that the box did not write, or its log was not taken over yet."
            " `gap`: the gateway did not see all of it. `meter_jump`: the meter jumped or was exchanged."
            " `box_lacks_a_part`: the box counted more since the plug than its entries have. `no_energy_told`: its"
            " entry has no energy. `over_month_end`: one lasted over it. `recorded_later`: the meter was not"
            " recorded from the beginning of the month on. `outside_of_sessions`: the meter counted more than"
            " either. `unexplained`: nothing explains it."
        ),
    ]
    begin: datetime | None
    end: datetime | None
    box_wh: float | None
    gateway_wh: float | None
    meter_wh: float | None


class ReconciledRow(msgspec.Struct, frozen=True, kw_only=True):
    """A month of a charge point; null: that source knows nothing of it."""

    month: Annotated[str, msgspec.Meta(examples=["2026-03"])]
    chargepoint_id: str
    box_wh: float | None
    gateway_wh: float | None
    meter_wh: float | None
    differences: tuple[DifferenceAnswer, ...]


class ReconcileAnswer(msgspec.Struct, frozen=True):
    site: str
    timezone: str
    rows: tuple[ReconciledRow, ...]


@get(
    "/sites/{site:str}/statistics",
    summary="Charge sessions added up",
    description="Energy and number of charge sessions by any of `month`, `vehicle`, `chargepoint` and `source`. A"
    " charge session is of the local month in which it ended, as in the box's own log; vehicles are as corrected."
    " Energy whose source nobody knows is of the source `unknown`. At most 50,000 charge sessions are added up.",
    responses={
        200: ResponseSpec(
            StatisticsAnswer, description="The sums.", generate_examples=False, examples=[Example(value=STATISTICS)]
        ),
        **problems(400, 401, 404, 503),
    },
    tags=["charge sessions"],
)
async def charge_statistics(
    request: Request[Any, Any, Any],
    site: SiteId,
    charge_sessions: Sessions,
    by: Annotated[
        str,
        QueryParameter(
            description="Of what each sum is: `month`, `vehicle`, `chargepoint`, `source`, several separated by"
            " commas.",
            examples=[Example(value="month,vehicle")],
        ),
    ] = "month",
    begin: From = None,
    end: To = None,
) -> StatisticsAnswer:
    only(request, ("by", "from", "to"))
    login = current_login(request)
    zone = charge_sessions.zone(login, site)
    by_what = parse_by(by)
    found = await charge_sessions.statistics(login, site, chosen_between(begin, end, zone), by_what)
    rows = tuple(_row(row, by_what) for row in found.rows())
    return StatisticsAnswer(site, str(zone), by_what, rows, sum_answer(found.total))


@get(
    "/sites/{site:str}/reconcile",
    summary="The box's log, the gateway and the meter, side by side",
    description="Month by month and charge point by charge point, with the differences and their likely cause."
    " Nothing is changed. At most 36 months at once; the box's log is taken over by itself, that of former months by"
    " `openwb-gateway import`.",
    responses={
        200: ResponseSpec(
            ReconcileAnswer, description="The months.", generate_examples=False, examples=[Example(value=RECONCILE)]
        ),
        **problems(400, 401, 404, 503),
    },
    tags=["charge sessions"],
)
async def reconcile_months(
    request: Request[Any, Any, Any],
    site: SiteId,
    charge_sessions: Sessions,
    first: Annotated[
        str, QueryParameter(name="from", description="The first month.", examples=[Example(value="2026-01")])
    ],
    last: Annotated[
        str | None,
        QueryParameter(
            name="to",
            description="The last month; this one if it is not given.",
            examples=[Example(value="2026-03")],
        ),
    ] = None,
) -> ReconcileAnswer:
    only(request, ("from", "to"))
    login = current_login(request)
    zone = charge_sessions.zone(login, site)
    to = charge_sessions.this_month(zone) if last is None else parse_month(last, "to")
    found = await charge_sessions.reconciled(login, site, parse_month(first, "from"), to)
    return ReconcileAnswer(site, str(zone), tuple(_reconciled(row, zone) for row in found))


def _row(row: Row, by: Collection[By]) -> StatisticsRow:
    of: dict[str, Any] = {}
    if "month" in by:
        of["month"] = str(row.month)
    if "vehicle" in by:
        of["vehicle_id"], of["vehicle_name"] = row.vehicle_id, row.vehicle_name
    if "chargepoint" in by:
        of["chargepoint_id"] = row.chargepoint_id
    if row.source is not None:
        energy_wh = number_of(row.sum.energy_wh)
        return StatisticsRow(sessions=row.sum.sessions, energy_wh=energy_wh, source=row.source, **of)
    return StatisticsRow(**msgspec.structs.asdict(sum_answer(row.sum)), **of)


def _reconciled(row: Reconciled, zone: tzinfo) -> ReconciledRow:
    return ReconciledRow(
        month=str(row.month),
        chargepoint_id=row.chargepoint,
        box_wh=number_or_none(row.box_wh),
        gateway_wh=number_or_none(row.gateway_wh),
        meter_wh=number_or_none(row.meter_wh),
        differences=tuple(_difference(one, zone) for one in row.differences),
    )


def _difference(one: Difference, zone: tzinfo) -> DifferenceAnswer:
    return DifferenceAnswer(
        cause=one.cause,
        begin=None if one.begin is None else local_moment(one.begin, zone),
        end=None if one.end is None else local_moment(one.end, zone),
        box_wh=number_or_none(one.box_wh),
        gateway_wh=number_or_none(one.gateway_wh),
        meter_wh=number_or_none(one.meter_wh),
    )
