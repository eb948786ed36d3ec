"""Whether the process lives, and whether all its parts work; for load balancers and people."""

from datetime import datetime
from typing import Literal

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import SkipValidation

from gateway.api.auth import moment
from gateway.services.readiness import Readiness, State


class LiveAnswer(msgspec.Struct, frozen=True):
    status: Literal["ok"]


class PartAnswer(msgspec.Struct, frozen=True):
    name: str
    state: State
    since: datetime
    reason: str | None


class ReadyAnswer(msgspec.Struct, frozen=True):
    status: Literal["ok", "not_ready", "draining"]
    parts: tuple[PartAnswer, ...]


@get("/health/live", summary="The process lives", tags=["health"])
async def live() -> LiveAnswer:
    return LiveAnswer("ok")


@get(
    "/health/ready",
    summary="All parts work",
    description="Each part, its state and since when; 503 as long as one of them does not work, and once this"
    " process is about to end.",
    responses={503: ResponseSpec(ReadyAnswer, description="Not all parts work.", generate_examples=False)},
    tags=["health"],
)
async def ready(readiness: NamedDependency[SkipValidation[Readiness]]) -> Response[ReadyAnswer]:
    parts = tuple(PartAnswer(part.name, part.state, moment(part.since), part.reason) for part in readiness.parts())
    if readiness.ready:
        return Response(ReadyAnswer("ok", parts))
    return Response(ReadyAnswer("draining" if readiness.draining else "not_ready", parts), status_code=503)
