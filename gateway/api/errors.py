"""Every error as a problem document (RFC 9457): one table from our errors to HTTP, and what Litestar raises."""

import math
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.types import ExceptionHandlersMap

from gateway.domain import errors
from gateway.domain.figures import Tally

MEDIA_TYPE = "application/problem+json"
CHALLENGE = 'Bearer realm="openwb-gateway"'
UNKNOWN_FIELD = re.compile(r"Object contains unknown field `(?P<name>[^`]*)`")

STATUS: Mapping[type[errors.GatewayError], int] = MappingProxyType(
    {
        errors.GatewayError: 500,
        errors.RequestError: 400,
        errors.InvalidArgument: 400,
        errors.UnknownField: 400,
        errors.UnknownMessage: 400,
        errors.MessageTooLarge: 413,
        errors.NotFound: 404,
        errors.Conflict: 409,
        errors.Unauthenticated: 401,
        errors.BadCredentials: 401,
        errors.Forbidden: 403,
        errors.Misdirected: 421,
        errors.LimitExceeded: 429,
        errors.RateLimited: 429,
        errors.TooManySubscriptions: 429,
        errors.TooManyViews: 429,
        errors.Unavailable: 503,
        errors.Draining: 503,
        errors.StoreUnavailable: 503,
        errors.DatabaseUnavailable: 503,
        errors.BrokerUnavailable: 503,
        errors.SiteUnavailable: 503,
        # these are between our own processes and no caller's business
        errors.WriteRefused: 500,
        errors.NotLeader: 500,
        errors.EpochMissing: 500,
        errors.DataLost: 500,
        errors.Unreadable: 500,
        errors.SettingsError: 500,
    }
)
# what Litestar finds wrong before our code is asked, and the examples of the documentation
CODES: Mapping[int, str] = MappingProxyType(
    {
        400: errors.InvalidArgument.code,
        401: errors.Unauthenticated.code,
        403: errors.Forbidden.code,
        404: errors.NotFound.code,
        405: "method_not_allowed",
        409: errors.Conflict.code,
        413: errors.MessageTooLarge.code,
        415: "unsupported_media_type",
        426: "upgrade_required",
        429: errors.RateLimited.code,
        503: errors.Unavailable.code,
    }
)
DETAILS: Mapping[int, str] = MappingProxyType(
    {
        404: "there is no such address",
        405: "this address is not for that method",
        413: "the body is too large",
    }
)
# how Litestar says that the client went in the midst of its body
CLIENT_GONE = "client disconnected prematurely"
UNFORESEEN = "something went wrong here; the log says what"
# what Litestar makes of a body that is not there: the KeyError of its parameter
NO_BODY = "'data'"
MEANINGS: Mapping[int, str] = MappingProxyType(
    {
        400: "The request is malformed; `detail` names the field.",
        401: "No login, or one that ended.",
        403: "Not allowed.",
        404: "There is no such thing.",
        409: "Somebody else was faster.",
        413: "The body is too large.",
        429: "Too many attempts; `Retry-After` says when to come back.",
        503: "A part of the gateway is out of reach for now; `code` says which.",
    }
)


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A problem document. ``code`` is stable and for programs, ``detail`` a sentence for people."""

    title: str
    status: int
    detail: str
    code: str
    retry_after_s: float | None = None
    type: str = msgspec.field(default_factory=lambda: "about:blank")


def problems(*statuses: int) -> dict[int, ResponseSpec]:
    """The problem answers of a handler, for OpenAPI."""
    return {status: _described(status) for status in statuses}


def _described(status: int) -> ResponseSpec:
    example = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": "what was wrong, and what is allowed",
        "code": CODES[status],
    }
    return ResponseSpec(
        Problem,
        description=MEANINGS[status],
        media_type=MEDIA_TYPE,
        generate_examples=False,
        examples=[Example(value=example)],
    )


def exception_handlers(limited: Tally) -> ExceptionHandlersMap:
    """For the app: no exception reaches a client in any other form. ``limited`` counts which limits were reached."""

    def ours(request: Request[Any, Any, Any], error: errors.GatewayError) -> Response[Problem]:
        if isinstance(error, errors.LimitExceeded):
            limited.add(error.scope)
        return _ours(request, error)

    return {
        errors.GatewayError: ours,
        HTTPException: _litestars,
        RecursionError: _too_deep,
        Exception: _unforeseen,
    }


def problem_of(error: errors.GatewayError) -> Problem:
    """The problem document of one of our errors."""
    status = STATUS[type(error)]
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return _problem(status, errors.GatewayError.code, UNFORESEEN)
    return _problem(status, error.code, error.message, error.retry_after_s)


def headers_of(problem: Problem) -> dict[str, str]:
    """The headers that belong to the problem."""
    headers: dict[str, str] = {}
    if problem.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = CHALLENGE
    if problem.retry_after_s is not None:
        headers["Retry-After"] = str(math.ceil(problem.retry_after_s))
    return headers


def _ours(request: Request[Any, Any, Any], error: errors.GatewayError) -> Response[Problem]:
    problem = problem_of(error)
    if problem.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return _unforeseen(request, error)
    return _answer(problem, headers_of(problem))


def _litestars(request: Request[Any, Any, Any], error: HTTPException) -> Response[Problem]:
    status = HTTPStatus.BAD_REQUEST if error.detail == CLIENT_GONE else error.status_code
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _unforeseen(request, error)
    code, detail = CODES.get(status, errors.RequestError.code), DETAILS.get(status, error.detail)
    if isinstance(error, ValidationException) and isinstance(error.extra, Sequence):
        found = [_finding(one) for one in error.extra]
        code = next((code for code, _ in found), code)
        detail = "; ".join(sentence for _, sentence in found)
    return _answer(_problem(status, code, detail), dict(error.headers or {}))


def _finding(found: Mapping[str, Any]) -> tuple[str, str]:
    message, place = str(found.get("message", "")), found.get("key")
    unknown = UNKNOWN_FIELD.search(message)
    if unknown:
        return errors.UnknownField.code, f"there is no field {unknown['name']!r}"
    if message == NO_BODY:
        return errors.InvalidArgument.code, "the body is missing"
    return errors.InvalidArgument.code, f"{place}: {message}" if place else message


def _too_deep(_request: Request[Any, Any, Any], _error: RecursionError) -> Response[Problem]:
    return _answer(_problem(400, errors.InvalidArgument.code, "the body is nested too deeply"))


def _unforeseen(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    structlog.get_logger().error(
        "request failed",
        method=request.method,
        path=request.scope["path"],
        error=type(error).__name__,
        exc_info=error,
    )
    return _answer(_problem(500, errors.GatewayError.code, UNFORESEEN))


def _problem(status: int, code: str, detail: str, retry_after_s: float | None = None) -> Problem:
    return Problem(
        title=HTTPStatus(status).phrase, status=status, detail=detail, code=code, retry_after_s=retry_after_s
    )


def _answer(problem: Problem, headers: dict[str, str] | None = None) -> Response[Problem]:
    return Response(problem, status_code=problem.status, headers=headers or {}, media_type=MEDIA_TYPE)
