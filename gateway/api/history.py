"""What the values of a site were."""

import asyncio
from typing import Annotated, Any, Final, TypeAlias

import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import QueryParameter, SkipValidation

from gateway.api.arguments import only
from gateway.api.errors import problems
from gateway.api.guards import current_login
from gateway.api.history_csv import csv_of
from gateway.api.past import From, Numbers, Origin, PastAnswer, To, told
from gateway.api.sites import SiteId, Sites, patterns_of
from gateway.domain.history_columns import Column, Kind, Reason
from gateway.services.history import MOST_PATTERNS, Answer, Asked, History

JSON: Final = "application/json"
CSV: Final = "text/csv"
ARGUMENTS: Final = ("series", "from", "to", "resolution")
HEADERS: Final = {"Cache-Control": "private, no-cache", "Vary": "Authorization, Accept"}
EXAMPLE: Final = {
    "site": "home",
    "from": "2026-03-01T06:00:00+01:00",
    "to": "2026-03-01T07:00:00+01:00",
    "resolution": "15m",
    "timezone": "Europe/Berlin",
    "origin": None,
    "times": [
        "2026-03-01T06:00:00+01:00",
        "2026-03-01T06:15:00+01:00",
        "2026-03-01T06:30:00+01:00",
        "2026-03-01T06:45:00+01:00",
    ],
    "series": [
        {
            "key": "chargepoints/4/meter_wh",
            "unit": "Wh",
            "kind": "counter",
            "values": [128_250.0, 130_450.0, None, 134_100.5],
            "last": [129_400.0, 131_500.0, None, 135_000.0],
            "low": [127_100.0, 129_400.0, None, 133_200.0],
            "high": [129_400.0, 131_500.0, None, 135_000.0],
            "energy_wh": [2_300.0, 2_100.0, None, 3_500.0],
            "coverage": [1.0, 1.0, 0.0, 0.8],
            "gaps": [{"from": 2, "to": 3, "reason": "stale"}],
        }
    ],
    "unmatched": [],
}

Place: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]


class GapAnswer(msgspec.Struct, frozen=True, rename={"begin": "from", "end": "to"}):
    """Values that are null, by their places: from ``from`` on, before ``to``, counted from 0.

    stale: nobody vouched for the value. unknown: the box itself did not know it. not_recorded: nothing was recorded,
    or is kept. not_yet: that time is not over, or what was recorded has yet to arrive.
    """

    begin: Place
    end: Place
    reason: Reason


class SeriesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One key. Each list is as long as ``times``; null: see ``gaps``.

    ``values`` are means over the buckets, or with resolution slot what the value was at the end of each slot.
    ``coverage`` is the part of each bucket, from 0 to 1, that is known, as far as it is over. ``energy_wh`` is what a
    counter counted, without jumps. With resolution slot there are ``values`` and ``last`` only.
    """

    key: Annotated[str, msgspec.Meta(examples=["grid/power_w"])]
    unit: str | None
    kind: Kind
    values: Numbers
    last: Numbers
    low: Numbers | msgspec.UnsetType = msgspec.UNSET
    high: Numbers | msgspec.UnsetType = msgspec.UNSET
    energy_wh: Numbers | msgspec.UnsetType = msgspec.UNSET
    coverage: list[float] | msgspec.UnsetType = msgspec.UNSET
    gaps: list[GapAnswer]


class HistoryAnswer(PastAnswer, frozen=True, kw_only=True):
    """``times`` are the starts of the buckets, local; ``from`` and ``to`` the time that was asked for.

    ``origin`` is "simulated" where no box stands behind the values. ``unmatched`` are the patterns that chose no
    series: there is none, or none for you to see.
    """

    series: list[SeriesAnswer]
    unmatched: Annotated[list[str], msgspec.Meta(examples=[["chargepoints/9/meter_wh"]])]


SeriesPatterns: TypeAlias = Annotated[
    tuple[str, ...],
    QueryParameter(
        description="Keys or key patterns, several with commas between or one by one: `+` stands for one level, a"
        " final `#` for any number. In an address `#` is written `%23`. Only recorded values are found.",
        examples=[Example(value=["grid/power_w,chargepoints/+/meter_wh"])],
    ),
]
WantedResolution: TypeAlias = Annotated[
    str,
    QueryParameter(
        description="How long a bucket is: slot (as it was recorded), 15m, 1h, 1d (a local day, 23 to 25 hours long),"
        " or auto: the finest with at most 2,000 points a series.",
        examples=[Example(value="auto"), Example(value="1d")],
    ),
]
DESCRIPTION: Final = (
    "Recorded values as columns, one for each key that the patterns choose and you may see. Nothing is interpolated:"
    " what is not known is null, and `gaps` says why. An answer has at most 50 series and 100,000 points in all."
)


@get(
    "/sites/{site:str}/history",
    summary="What the values of a site were",
    description=f"{DESCRIPTION} With `Accept: text/csv` it is CSV, as at `history.csv`.",
    responses={
        200: ResponseSpec(
            HistoryAnswer, description="Columns.", generate_examples=False, examples=[Example(value=EXAMPLE)]
        ),
        **problems(400, 401, 404, 503),
    },
    tags=["sites"],
)
async def site_history(
    request: Request[Any, Any, Any],
    site: SiteId,
    history: NamedDependency[SkipValidation[History]],
    sites: NamedDependency[SkipValidation[Sites]],
    series: SeriesPatterns,
    begin: From = None,
    end: To = None,
    resolution: WantedResolution = "auto",
) -> Response[bytes]:
    answer = await _answer(request, history, site, _asked(series, begin, end, resolution))
    if request.accept.best_match([JSON, CSV], JSON) == CSV:
        return await _csv(answer, sites)
    # many numbers take their time, and the others wait for none of it
    return Response(await asyncio.to_thread(json_of, answer, sites.origin(site)), media_type=JSON, headers=HEADERS)


@get(
    "/sites/{site:str}/history.csv",
    summary="The same as CSV",
    description=f"{DESCRIPTION} As CSV (RFC 4180, points in numbers): a line for each bucket, with its time, and"
    " columns such as `pv/power_w low`; an empty field has its reason in the series' column `gap`.",
    responses={
        200: ResponseSpec(str, description="A table.", media_type=CSV, generate_examples=False),
        **problems(400, 401, 404, 503),
    },
    tags=["sites"],
)
async def site_history_csv(
    request: Request[Any, Any, Any],
    site: SiteId,
    history: NamedDependency[SkipValidation[History]],
    sites: NamedDependency[SkipValidation[Sites]],
    series: SeriesPatterns,
    begin: From = None,
    end: To = None,
    resolution: WantedResolution = "auto",
) -> Response[bytes]:
    answer = await _answer(request, history, site, _asked(series, begin, end, resolution))
    return await _csv(answer, sites)


async def _answer(request: Request[Any, Any, Any], history: History, site: str, asked: Asked) -> Answer:
    only(request, ARGUMENTS, several=("series",))
    return await history.answer(current_login(request), site, asked)


async def _csv(answer: Answer, sites: Sites) -> Response[bytes]:
    names = [*filter(None, (sites.origin(answer.site),)), "history", answer.site]
    name = f'attachment; filename="{"-".join(names)}.csv"'
    content = await asyncio.to_thread(csv_of, answer)
    return Response(content, media_type=CSV, headers={**HEADERS, "Content-Disposition": name})


def _asked(series: tuple[str, ...], begin: str | None, end: str | None, resolution: str) -> Asked:
    each = tuple(pattern for some in series for pattern in some.split(","))
    return Asked(patterns=tuple(patterns_of(each, MOST_PATTERNS)), begin=begin, end=end, resolution=resolution)


def json_of(answer: Answer, origin: Origin) -> bytes:
    return msgspec.json.encode(
        HistoryAnswer(
            **told(answer, origin),
            series=[_series(column) for column in answer.columns],
            unmatched=answer.unmatched,
        )
    )


def _series(column: Column) -> SeriesAnswer:
    return SeriesAnswer(
        key=column.key,
        unit=column.unit,
        kind=column.kind,
        values=column.values,
        last=column.last,
        low=_there(column.low),
        high=_there(column.high),
        energy_wh=_there(column.energy_wh),
        coverage=msgspec.UNSET if column.coverage is None else column.coverage,
        gaps=[GapAnswer(gap.begin, gap.end, gap.reason) for gap in column.gaps],
    )


def _there(numbers: Numbers | None) -> Numbers | msgspec.UnsetType:
    return msgspec.UNSET if numbers is None else numbers
