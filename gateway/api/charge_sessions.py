"""Charge sessions: the list, one of them, those that go on, and corrections."""

from datetime import tzinfo
from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import JSONBody, PathParameter, QueryParameter, SkipValidation

from gateway.api.arguments import only
from gateway.api.charge_session_answers import (
    ChargeSessionAnswer,
    CurrentAnswer,
    DetailAnswer,
    SumAnswer,
    Teller,
    VersionAnswer,
    sum_answer,
)
from gateway.api.charge_session_examples import CURRENT, DETAIL, LIST, VERSION
from gateway.api.errors import problems
from gateway.api.guards import current_login
from gateway.api.sites import SiteId, Sites
from gateway.db.charge_session_queries import Chosen, Place
from gateway.domain.catalogue_entries import MODES
from gateway.domain.charge_corrections import Correction, Reason
from gateway.domain.errors import InvalidArgument
from gateway.domain.moments import parse_moment
from gateway.services.charge_sessions import ChargeSessions

MOST = 500
USUAL = 100
ARGUMENTS = ("from", "to", "chargepoint", "vehicle", "id_tag", "mode", "cursor", "limit")
MOST_ID = 2**63 - 1

Sessions = NamedDependency[SkipValidation[ChargeSessions]]
All = NamedDependency[SkipValidation[Sites]]
SessionId = Annotated[
    int, PathParameter(description="The id of a charge session.", ge=1, le=MOST_ID, examples=[Example(value=17)])
]
From = Annotated[
    str | None,
    QueryParameter(
        name="from",
        description="Those that ended at that time or later: a date, which means its local midnight, or a time with"
        " its offset. Default: from the first one on.",
        examples=[Example(value="2026-03-01"), Example(value="2026-03-01T06:30:00+01:00")],
    ),
]
To = Annotated[
    str | None,
    QueryParameter(
        name="to",
        description="Those that ended before that time. Default: to the last one.",
        examples=[Example(value="2026-04-01")],
    ),
]
ChargePoint = Annotated[
    str | None,
    QueryParameter(description="The id of a charge point.", max_length=64, examples=[Example(value="5")]),
]
Vehicle = Annotated[
    int | None,
    QueryParameter(
        description="The id of a vehicle, as corrected; 0 is the box's default one.",
        ge=0,
        le=2_147_483_647,
        examples=[Example(value=1)],
    ),
]
IdTag = Annotated[
    str | None,
    QueryParameter(
        description="An id tag; capital and small letters are the same.",
        max_length=255,
        examples=[Example(value="04A1B2C3D4")],
    ),
]
Mode = Annotated[
    str | None,
    QueryParameter(
        description="Those that were in that charge mode at some time.", enum=MODES, examples=[Example(value="pv")]
    ),
]
Cursor = Annotated[
    str | None,
    QueryParameter(description="`next` of the page before.", examples=[Example(value="1774340012533000-17")]),
]
Limit = Annotated[int, QueryParameter(description="How many to give at most.", ge=1, le=MOST)]


class ChargeSessionsAnswer(msgspec.Struct, frozen=True):
    """``next`` is the ``cursor`` of the next page, null: this is the last one. ``totals`` are of all that the filters
    choose; only on the first page, else null, and null for more than 50,000.
    """

    site: str
    timezone: str
    sessions: tuple[ChargeSessionAnswer, ...]
    next: str | None
    totals: SumAnswer | None


class CurrentSessionsAnswer(msgspec.Struct, frozen=True):
    """Those that go on, at most one for each charge point."""

    site: str
    timezone: str
    sessions: tuple[CurrentAnswer, ...]


class CorrectionRequest(Correction, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is not given stays as it is; null makes it unknown. ``based_on`` is the ``version`` that you have seen."""

    reason: Reason
    based_on: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


@get(
    "/sites/{site:str}/charge-sessions",
    summary="The charge sessions of a site",
    description="Those that ended, the newest first: one for each time that a car was plugged in. Energies are"
    " exact, in Wh. `totals` on the first page are of all that the filters choose, however many pages there are. New"
    " ones that come while you read move no page. Those that go on are at `charge-sessions/current`.",
    responses={
        200: ResponseSpec(
            ChargeSessionsAnswer, description="A page.", generate_examples=False, examples=[Example(value=LIST)]
        ),
        **problems(400, 401, 404, 503),
    },
    tags=["charge sessions"],
)
async def list_charge_sessions(  # noqa: PLR0913, PLR0917 - each is an argument of the address
    request: Request[Any, Any, Any],
    site: SiteId,
    sites: All,
    charge_sessions: Sessions,
    begin: From = None,
    end: To = None,
    chargepoint: ChargePoint = None,
    vehicle: Vehicle = None,
    id_tag: IdTag = None,
    mode: Mode = None,
    cursor: Cursor = None,
    limit: Limit = USUAL,
) -> ChargeSessionsAnswer:
    only(request, ARGUMENTS)
    login = current_login(request)
    zone = charge_sessions.zone(login, site)
    chosen = msgspec.structs.replace(
        chosen_between(begin, end, zone),
        chargepoint_id=chargepoint,
        vehicle_id=vehicle,
        id_tag=id_tag,
        mode=known(mode),
    )
    place = None if cursor is None else Place.parse(cursor)
    page = await charge_sessions.page(login, site, chosen, place, limit)
    teller = Teller(zone, sites.origin(site))
    return ChargeSessionsAnswer(
        site,
        str(zone),
        tuple(teller.ended(told) for told in page.sessions),
        None if page.next is None else str(page.next),
        None if page.total is None else sum_answer(page.total),
    )


def chosen_between(begin: str | None, end: str | None, zone: tzinfo) -> Chosen:
    """Those that ended in that time; raises InvalidArgument."""
    since = None if begin is None else parse_moment(begin, zone, "from")
    until = None if end is None else parse_moment(end, zone, "to")
    if since is not None and until is not None and since >= until:
        raise InvalidArgument("from and to: from must be before to")
    return Chosen(begin=since, end=until)


def known(mode: str | None) -> str | None:
    """The mode; raises InvalidArgument for one that there is not."""
    if mode is not None and mode not in MODES:
        raise InvalidArgument(f"mode: allowed are {', '.join(MODES)}, got {mode[:40]!r}")
    return mode


@get(
    "/sites/{site:str}/charge-sessions/current",
    summary="The charge sessions that go on",
    description="One for each charge point at which a car is plugged in, as it stands now. It gets its id and a place"
    " in the list when it has ended; the websocket says so with the event `charge_session_ended`.",
    responses={
        200: ResponseSpec(
            CurrentSessionsAnswer,
            description="Those that go on.",
            generate_examples=False,
            examples=[Example(value=CURRENT)],
        ),
        **problems(400, 401, 404, 503),
    },
    tags=["charge sessions"],
)
async def current_charge_sessions(
    request: Request[Any, Any, Any], site: SiteId, sites: All, charge_sessions: Sessions
) -> CurrentSessionsAnswer:
    only(request, ())
    login = current_login(request)
    zone = charge_sessions.zone(login, site)
    teller = Teller(zone, sites.origin(site))
    found = await charge_sessions.current(login, site)
    ordered = sorted(found, key=lambda one: (one.plugged_at, one.chargepoint_id))
    return CurrentSessionsAnswer(site, str(zone), tuple(teller.current(one) for one in ordered))


@get(
    "/sites/{site:str}/charge-sessions/{session_id:int}",
    summary="One charge session",
    description="With its segments, what was recorded (`original`), and all corrections.",
    responses={
        200: ResponseSpec(
            DetailAnswer,
            description="The charge session, as corrected.",
            generate_examples=False,
            examples=[Example(value=DETAIL)],
        ),
        **problems(400, 401, 404, 503),
    },
    tags=["charge sessions"],
)
async def one_charge_session(
    request: Request[Any, Any, Any], site: SiteId, session_id: SessionId, sites: All, charge_sessions: Sessions
) -> DetailAnswer:
    only(request, ())
    login = current_login(request)
    told = await charge_sessions.one(login, site, session_id)
    return Teller(charge_sessions.zone(login, site), sites.origin(site)).detail(told)


@post(
    "/sites/{site:str}/charge-sessions/{session_id:int}/corrections",
    status_code=201,
    summary="Correct a charge session",
    description="Adds a version with your name and your reason; what was recorded stays, and so do the corrections"
    " before. Measured values cannot be corrected. 409 when somebody else corrected it since the version in"
    " `based_on`: look at it again first. Another vehicle gets the name that the box has for it, unless you"
    " give one.",
    responses={
        201: ResponseSpec(
            VersionAnswer,
            description="The new version.",
            generate_examples=False,
            examples=[Example(value=VERSION)],
        ),
        **problems(400, 401, 404, 409, 413, 503),
    },
    tags=["charge sessions"],
)
async def correct_charge_session(
    request: Request[Any, Any, Any],
    site: SiteId,
    session_id: SessionId,
    data: JSONBody[CorrectionRequest],
    sites: All,
    charge_sessions: Sessions,
) -> VersionAnswer:
    only(request, ())
    login = current_login(request)
    version = await charge_sessions.correct(login, site, session_id, data, data.reason, data.based_on)
    teller = Teller(charge_sessions.zone(login, site), sites.origin(site))
    return teller.version(version)
