"""What answers about the past have in common, whatever they are about: a time, and the buckets of it."""

from datetime import datetime
from typing import Annotated, Literal, TypeAlias, TypedDict

import msgspec
from litestar.openapi.spec import Example
from litestar.params import QueryParameter

from gateway.domain.moments import local_moment
from gateway.services.past import Buckets

Origin: TypeAlias = Literal["simulated"] | None
Numbers: TypeAlias = list[float | None]
From: TypeAlias = Annotated[
    str | None,
    QueryParameter(
        name="from",
        description="RFC 3339 with an offset, or a date, which is local midnight. Default: a day before `to`.",
        examples=[Example(value="2026-03-01")],
    ),
]
To: TypeAlias = Annotated[
    str | None,
    QueryParameter(
        name="to",
        description="As `from`; what begins then is not in the answer any more. Default: now.",
        examples=[Example(value="2026-03-02T00:00:00+01:00")],
    ),
]


class PastAnswer(msgspec.Struct, frozen=True, kw_only=True, rename={"begin": "from", "end": "to"}):
    """``times`` are the starts of the buckets, local; ``from`` and ``to`` the time that was asked for.

    ``origin`` is "simulated" where no box stands behind the values.
    """

    site: str
    begin: datetime
    end: datetime
    resolution: Annotated[str, msgspec.Meta(examples=["15m"])]
    timezone: Annotated[str, msgspec.Meta(examples=["Europe/Berlin"])]
    origin: Origin
    times: list[datetime]


class Told(TypedDict):
    """The fields of ``PastAnswer``."""

    site: str
    begin: datetime
    end: datetime
    resolution: str
    timezone: str
    origin: Origin
    times: list[datetime]


def told(buckets: Buckets, origin: Origin) -> Told:
    """What every answer begins with."""
    zone = buckets.zone
    return Told(
        site=buckets.site,
        begin=local_moment(buckets.span.begin / 1000, zone),
        end=local_moment(buckets.span.end / 1000, zone),
        resolution=buckets.resolution.value,
        timezone=zone.key,
        origin=origin,
        times=[local_moment(start / 1000, zone) for start in buckets.starts],
    )
