"""Where the energy of the house and of each charge point came from."""

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
from gateway.api.history import JSON
from gateway.api.past import From, Numbers, Origin, PastAnswer, To, told
from gateway.api.sites import SiteId, Sites
from gateway.domain.source_columns import SourceColumn
from gateway.services.energy_sources import Answer, EnergySources
from gateway.services.past import AskedPast

ARGUMENTS: Final = ("from", "to", "resolution")
HEADERS: Final = {"Cache-Control": "private, no-cache", "Vary": "Authorization"}
EXAMPLE: Final = {
    "site": "home",
    "from": "2026-03-28T00:00:00+01:00",
    "to": "2026-03-31T00:00:00+02:00",
    "resolution": "1d",
    "timezone": "Europe/Berlin",
    "origin": None,
    "times": ["2026-03-28T00:00:00+01:00", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00"],
    "consumers": [
        {
            "consumer": "house",
            "grid_wh": [4_210.5, 1_930.25, None],
            "pv_wh": [5_120.0, 2_480.5, None],
            "battery_wh": [1_875.125, 640.0, None],
            "unknown_wh": [0.0, 35.5, None],
            "coverage": [1.0, 0.75, 0.0],
        },
        {
            "consumer": "chargepoints/4",
            "grid_wh": [310.5, 0.0, None],
            "pv_wh": [9_480.0, 0.0, None],
            "battery_wh": [120.25, 0.0, None],
            "unknown_wh": [0.0, 0.0, None],
            "coverage": [1.0, 0.75, 0.0],
        },
    ],
}


class ConsumerAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One consumer. Each list is as long as ``times``; null: nothing is stored of that bucket.

    Energy in Wh, by estimate; of ``unknown_wh`` nobody knows the source. ``coverage`` is the part of the quarters of
    an hour of each bucket that are over, from 0 to 1, which is stored: the numbers are the sums of these.
    """

    consumer: Annotated[
        str,
        msgspec.Meta(
            description="`house`, or a charge point by the first part of its keys.", examples=["chargepoints/4"]
        ),
    ]
    grid_wh: Numbers
    pv_wh: Numbers
    battery_wh: Numbers
    unknown_wh: Numbers
    coverage: list[float]


class EnergySourcesAnswer(PastAnswer, frozen=True, kw_only=True):
    """``times`` are the starts of the buckets, local; ``from`` and ``to`` the time that was asked for.

    ``origin`` is "simulated" where no box stands behind the values.
    """

    consumers: list[ConsumerAnswer]


WantedResolution: TypeAlias = Annotated[
    str,
    QueryParameter(
        description="How long a bucket is: 15m, 1h, 1d (a local day, 23 to 25 hours long), or auto: the finest with"
        " at most 2,000 points.",
        examples=[Example(value="auto"), Example(value="1d")],
    ),
]


@get(
    "/sites/{site:str}/energy-sources",
    summary="Where the energy that was used came from",
    description="Energy from the grid, PV and the battery, of the house and of each charge point that you may see, as"
    " columns. There is only what the recorder has rolled up, which it does every few hours: what it has not is null,"
    " and its `coverage` is 0. An answer has at most 100,000 points of all consumers together, and adds up at most"
    " 500,000 quarters of an hour.",
    responses={
        200: ResponseSpec(
            EnergySourcesAnswer, description="Columns.", generate_examples=False, examples=[Example(value=EXAMPLE)]
        ),
        **problems(400, 401, 404, 503),
    },
    tags=["sites"],
)
async def site_energy_sources(
    request: Request[Any, Any, Any],
    site: SiteId,
    energy_sources: NamedDependency[SkipValidation[EnergySources]],
    sites: NamedDependency[SkipValidation[Sites]],
    begin: From = None,
    end: To = None,
    resolution: WantedResolution = "auto",
) -> Response[bytes]:
    only(request, ARGUMENTS)
    asked = AskedPast(begin=begin, end=end, resolution=resolution)
    answer = await energy_sources.answer(current_login(request), site, asked)
    # many numbers take their time, and the others wait for none of it
    return Response(await asyncio.to_thread(json_of, answer, sites.origin(site)), media_type=JSON, headers=HEADERS)


def json_of(answer: Answer, origin: Origin) -> bytes:
    return msgspec.json.encode(
        EnergySourcesAnswer(
            **told(answer, origin),
            consumers=[_consumer(column) for column in answer.columns],
        )
    )


def _consumer(column: SourceColumn) -> ConsumerAnswer:
    return ConsumerAnswer(
        consumer=column.consumer,
        grid_wh=column.grid_wh,
        pv_wh=column.pv_wh,
        battery_wh=column.battery_wh,
        unknown_wh=column.unknown_wh,
        coverage=column.coverage,
    )
